//! `htmlChecks()`: may this stand in a narrative? Source: <http://hl7.org/fhir/R4/narrative.html#xhtml>, rules txt-1 and
//! txt-2: the elements and attributes of chapters 7 to 11 (except section 4 of chapter 9) and 15 of HTML 4.0, `<a>`,
//! images, the style attribute; no script, no form, no frame; and there is some content.
//!
//! One pass over the text; elements must be closed in order, depth is bounded.

const ELEMENTS: &[&str] = &[
    "a",
    "abbr",
    "acronym",
    "address",
    "b",
    "bdo",
    "big",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "col",
    "colgroup",
    "dd",
    "del",
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
    "ins",
    "kbd",
    "li",
    "map",
    "area",
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
    "abbr",
    "accesskey",
    "align",
    "alt",
    "axis",
    "bgcolor",
    "border",
    "cellpadding",
    "cellspacing",
    "char",
    "charoff",
    "charset",
    "cite",
    "class",
    "clear",
    "color",
    "colspan",
    "compact",
    "coords",
    "datetime",
    "dir",
    "frame",
    "headers",
    "height",
    "href",
    "hreflang",
    "hspace",
    "id",
    "lang",
    "longdesc",
    "name",
    "nowrap",
    "rel",
    "rev",
    "rowspan",
    "rules",
    "scope",
    "shape",
    "size",
    "span",
    "src",
    "start",
    "style",
    "summary",
    "tabindex",
    "title",
    "type",
    "usemap",
    "valign",
    "value",
    "vspace",
    "width",
    "xml:lang",
    "xml:space",
    "xmlns",
];

/// Deepest nesting of elements.
const DEEPEST: usize = 256;

/// Whether a narrative's text is XHTML of the kinds allowed, and says something.
pub(crate) fn is_narrative(text: &str) -> bool {
    checked(text).unwrap_or(false)
}

fn checked(text: &str) -> Option<bool> {
    let mut open: Vec<&str> = Vec::new();
    let (mut rest, mut content, mut roots) = (text.trim(), false, 0);
    while !rest.is_empty() {
        let Some(after) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            let (words, after) = rest.split_at(end);
            let written = words_are_fine(words)?;
            if open.is_empty() && written {
                return None;
            }
            content |= written;
            rest = after;
            continue;
        };
        if let Some(comment) = after.strip_prefix("!--") {
            rest = comment.split_once("-->")?.1;
            continue;
        }
        if let Some(closing) = after.strip_prefix('/') {
            let (name, after) = closing.split_once('>')?;
            if open.pop()? != name.trim_end() {
                return None;
            }
            rest = after;
            continue;
        }
        let (name, closed, after) = tag(after)?;
        if open.is_empty() {
            roots += 1;
            if name != "div" || roots > 1 {
                return None;
            }
        }
        content |= name == "img";
        if !closed {
            open.push(name);
            if open.len() > DEEPEST {
                return None;
            }
        }
        rest = after;
    }
    Some(open.is_empty() && roots == 1 && content)
}

/// A tag after its `<`: its name, whether it closes itself, and the text after it.
fn tag(text: &str) -> Option<(&str, bool, &str)> {
    let end = text.find(|c: char| !c.is_ascii_alphanumeric())?;
    let (name, mut rest) = text.split_at(end);
    if !ELEMENTS.contains(&name) {
        return None;
    }
    loop {
        let trimmed = rest.trim_start();
        if let Some(after) = trimmed.strip_prefix("/>") {
            return Some((name, true, after));
        }
        if let Some(after) = trimmed.strip_prefix('>') {
            return Some((name, false, after));
        }
        if trimmed.len() == rest.len() {
            return None;
        }
        let (attribute, value) = trimmed.split_once('=')?;
        let attribute = attribute.trim_end();
        if !ATTRIBUTES.contains(&attribute) && !attribute.starts_with("xmlns:") {
            return None;
        }
        let value = value.trim_start();
        let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = value.get(1..)?.split_once(quote)?;
        if value.contains('<') || is_script(attribute, value) {
            return None;
        }
        words_are_fine(value)?;
        rest = after;
    }
}

fn is_script(attribute: &str, value: &str) -> bool {
    let link = matches!(attribute, "href" | "src" | "cite" | "longdesc");
    let scheme: String = value
        .chars()
        .filter(|c| !c.is_whitespace() && !c.is_control())
        .take(11)
        .collect();
    link && scheme.eq_ignore_ascii_case("javascript:")
}

/// Whether there is more than white space; `None` when an `&` begins no entity.
fn words_are_fine(words: &str) -> Option<bool> {
    for part in words.split('&').skip(1) {
        let (name, _) = part.split_once(';')?;
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric());
        if !plain {
            entity(name)?;
        }
    }
    Some(words.chars().any(|c| !c.is_whitespace()))
}

/// What stands between `&` and `;`.
pub(crate) fn entity(name: &str) -> Option<char> {
    Some(match name {
        "lt" => '<',
        "gt" => '>',
        "amp" => '&',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let code = match name.strip_prefix("#x").or_else(|| name.strip_prefix("#X")) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => name.strip_prefix('#')?.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

#[cfg(test)]
mod tests {
    use super::is_narrative;

    #[test]
    fn a_narrative_is_formatted_text_and_nothing_that_runs() {
        for fine in [
            r#"<div xmlns="http://www.w3.org/1999/xhtml">Ana &amp; Luz</div>"#,
            r#"<div xmlns="http://www.w3.org/1999/xhtml"><p style="color: red">a<br/>b &#160; &nbsp;</p><!-- x --></div>"#,
            r##"<div><a href="#r1">see</a><img src="#p" alt="photo"/></div>"##,
        ] {
            assert!(is_narrative(fine), "{fine}");
        }
        for bad in [
            "",
            "text",
            "<div></div>",
            "<div>  <p> </p></div>",
            "<div>a",
            "<div><p>a</div></p>",
            "<p>a</p>",
            "<div>a</div><div>b</div>",
            "<div>a<script>b</script></div>",
            r#"<div onclick="x()">a</div>"#,
            r#"<div><a href=" java
script:x()">a</a></div>"#,
            "<div>a & b</div>",
            "<div><form>a</form></div>",
        ] {
            assert!(!is_narrative(bad), "{bad}");
        }
    }
}
