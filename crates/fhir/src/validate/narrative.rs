//! Narratives: XHTML that is well formed, of harmless elements and attributes (txt-1), and says something (txt-2).
//! Lists from <https://hl7.org/fhir/R4/narrative.html>. One pass over the text.

use super::{item::Item, walk::Walk};
use crate::{
    IssueCode,
    check::{near, place::Place},
};

const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "b",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "dfn",
    "div",
    "dl",
    "dt",
    "em",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "li",
    "ol",
    "p",
    "pre",
    "q",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "tfoot",
    "th",
    "thead",
    "tr",
    "tt",
    "ul",
    "var",
];
const ATTRIBUTES: &[&str] = &[
    "title",
    "style",
    "class",
    "id",
    "lang",
    "xml:lang",
    "xml:space",
    "xml:id",
    "dir",
    "accesskey",
    "tabindex",
    "xmlns",
    "span",
    "width",
    "align",
    "valign",
    "char",
    "charoff",
    "abbr",
    "axis",
    "headers",
    "scope",
    "rowspan",
    "colspan",
    "summary",
    "border",
    "frame",
    "rules",
    "cellspacing",
    "cellpadding",
    "href",
    "name",
    "charset",
    "type",
    "hreflang",
    "rel",
    "rev",
    "shape",
    "coords",
    "src",
    "alt",
    "longdesc",
    "height",
    "usemap",
    "ismap",
    "cite",
    "nowrap",
    "idref",
];
const XHTML: &str = "http://www.w3.org/1999/xhtml";
/// Elements within elements.
const DEEPEST: usize = 100;

impl<'v> Walk<'v> {
    pub(super) fn narrative(&mut self, item: &Item<'v>, place: &Place<'_>) {
        let Some(text) = item.as_str() else { return };
        for fault in faults(text) {
            self.wrong(IssueCode::Invariant, place, fault);
        }
    }
}

/// What is wrong with a narrative.
fn faults(text: &str) -> Vec<String> {
    let mut out = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let (mut says, mut rest) = (false, text.trim());
    let broken = |what: String| format!("txt-1: the narrative is not well-formed XHTML: {what}");
    while let Some(at) = rest.find('<') {
        let (before, tag) = rest.split_at(at);
        says |= !before.trim().is_empty();
        if let Some(bad) = bad_entity(before) {
            out.push(broken(format!(
                "{} is no entity of XHTML",
                near::quoted(bad)
            )));
        }
        if let Some(comment) = tag.strip_prefix("<!--") {
            let Some(end) = comment.find("-->") else {
                out.push(broken("a comment does not end".into()));
                return out;
            };
            rest = comment.get(end + 3..).unwrap_or_default();
            continue;
        }
        if tag.starts_with("<!") || tag.starts_with("<?") {
            out.push(
                "txt-1: a narrative may hold no declarations and no processing instructions".into(),
            );
            return out;
        }
        let Some(end) = end_of_tag(tag) else {
            out.push(broken("a tag does not end".into()));
            return out;
        };
        let inner = tag.get(1..end).unwrap_or_default();
        rest = tag.get(end + 1..).unwrap_or_default();
        if let Some(name) = inner.strip_prefix('/') {
            match open.pop() {
                Some(opened) if opened == name.trim() => {}
                opened => {
                    let opened = opened.unwrap_or("nothing");
                    out.push(broken(format!("</{}> closes {opened}", name.trim())));
                    return out;
                }
            }
            continue;
        }
        let (inner, closed) = match inner.strip_suffix('/') {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        let name = inner
            .split(|c: char| c.is_whitespace())
            .next()
            .unwrap_or_default();
        let attributes = inner.get(name.len()..).unwrap_or_default();
        if !ELEMENTS.contains(&name) {
            out.push(format!(
                "txt-1: the element {} is not allowed in a narrative",
                near::quoted(name)
            ));
        }
        says |= name == "img";
        match pairs(attributes) {
            None => {
                out.push(broken(format!("the attributes of <{name}>")));
                return out;
            }
            Some(pairs) => {
                if open.is_empty() && !pairs.contains(&("xmlns", XHTML)) {
                    out.push(format!("txt-1: the div must have xmlns=\"{XHTML}\""));
                }
                for (key, value) in pairs {
                    let foreign = key == "xmlns" && value != XHTML;
                    if !ATTRIBUTES.contains(&key) || foreign {
                        out.push(format!(
                            "txt-1: the attribute {} of <{name}> is not allowed in a narrative",
                            near::quoted(key)
                        ));
                    }
                }
            }
        }
        if !closed {
            open.push(name);
        }
        if open.len() > DEEPEST {
            out.push(format!("txt-1: elements nest deeper than {DEEPEST} levels"));
            return out;
        }
    }
    says |= !rest.trim().is_empty();
    if let Some(left) = open.pop() {
        out.push(broken(format!("<{left}> is not closed")));
    } else if !says {
        out.push("txt-2: the narrative says nothing".into());
    }
    out
}

/// Where a tag ends; `>` inside quotes does not count.
fn end_of_tag(tag: &str) -> Option<usize> {
    let mut quote = None;
    for (at, c) in tag.char_indices() {
        match (quote, c) {
            (None, '"' | '\'') => quote = Some(c),
            (Some(q), c) if q == c => quote = None,
            (None, '>') => return Some(at),
            _ => {}
        }
    }
    None
}

/// The attributes of a tag; `None` when they are not name="value".
fn pairs(mut text: &str) -> Option<Vec<(&str, &str)>> {
    let mut out = Vec::new();
    loop {
        text = text.trim_start();
        if text.is_empty() {
            return Some(out);
        }
        let (name, rest) = text.split_once('=')?;
        let rest = rest.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = rest.get(1..)?.split_once(quote)?;
        let name = name.trim();
        if name.is_empty() || name.contains(char::is_whitespace) || value.contains('<') {
            return None;
        }
        out.push((name, value));
        text = after;
    }
}

/// An `&` that begins no entity.
fn bad_entity(text: &str) -> Option<&str> {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        rest = rest.get(at..)?;
        let name = rest.get(1..)?.split(';').next()?;
        let good = rest.contains(';')
            && !name.is_empty()
            && name.len() <= 12
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '#');
        if !good {
            return Some(rest.get(..rest.len().min(8)).unwrap_or("&"));
        }
        rest = rest.get(1..)?;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, said: &[&str]) {
        let found = faults(text);
        let fits = found.len() == said.len() && found.iter().zip(said).all(|(f, s)| f.contains(s));
        assert!(fits, "{text}\nexpected {said:?}\nfound {found:?}");
    }

    #[test]
    fn what_a_narrative_may_hold() {
        let div = |inner: &str| format!("<div xmlns=\"{XHTML}\">{inner}</div>");
        check(
            &div("<p class='a>b'>Peso &amp; talla<br/></p><!-- x -->"),
            &[],
        );
        check(&div("<img src=\"a.png\" alt=\"a\"/>"), &[]);
        check(&div(" <p> </p>"), &["txt-2"]);
        check(&div("<script>x</script>"), &["\"script\""]);
        check(&div("<p onclick=\"x()\">x</p>"), &["\"onclick\""]);
        check(&div("<p>x"), &["</div> closes p"]);
        check(&div("a & b"), &["\"& b\""]);
        check(&div("<p a>x</p>"), &["the attributes of <p>"]);
        check("<div>x</div>", &["must have xmlns"]);
        check("<!DOCTYPE a><div/>", &["no declarations"]);
    }
}
