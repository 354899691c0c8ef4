//! References: their form, the type they name, and whether a `#part` is there.

use super::{Walk, near, place::Place, primitive};
use crate::{IssueCode, Object, ResourceType, Value, definitions::table::Element};
use std::collections::HashSet;

/// Contained resources looked through one by one.
const FEW: usize = 16;

/// What a reference's text is.
enum Form<'a> {
    /// `Patient/1`, or an absolute URL that ends so: the type named.
    Typed(&'a str),
    /// `#part`, without the mark.
    Contained(&'a str),
    /// A URN or a URL that says nothing of the type.
    Elsewhere,
    Wrong,
}

impl<'v> Walk<'v> {
    /// The `reference` member of a Reference; its other members have been checked.
    pub(crate) fn reference(
        &mut self,
        element: &Element,
        reference: &Object,
        place: &Place<'_>,
        holder: &'v Object,
    ) {
        let Some(Value::String(text)) = reference.get("reference") else {
            return;
        };
        let place = place.member("reference");
        match form(text) {
            Form::Elsewhere => {}
            Form::Contained(id) => {
                if !id.is_empty() && !self.contains(holder, id) {
                    self.wrong(IssueCode::Value, &place, || {
                        format!("found \"{text}\", but no contained resource has the id \"{id}\"")
                    });
                }
            }
            Form::Typed(name) => self.target(element, name, text, &place),
            Form::Wrong => self.wrong(IssueCode::Value, &place, || {
                format!(
                    "found {}; expected Type/id, an absolute URL, urn:uuid:..., urn:oid:... or #id",
                    near::quoted(text)
                )
            }),
        }
    }

    /// Whether a resource contains one of that id. A set is made when there are many, so that many references to many
    /// contained resources stay linear.
    fn contains(&mut self, holder: &'v Object, id: &str) -> bool {
        let all = holder.get("contained").map_or(&[][..], Value::items);
        if all.len() <= FEW {
            return all.iter().any(|r| r.text("id") == Some(id));
        }
        match &self.contained {
            Some((of, ids)) if std::ptr::eq(*of, holder) => ids.contains(id),
            _ => {
                let ids: HashSet<&str> = all.iter().filter_map(|r| r.text("id")).collect();
                let found = ids.contains(id);
                self.contained = Some((holder, ids));
                found
            }
        }
    }

    fn target(&mut self, element: &Element, name: &str, text: &str, place: &Place<'_>) {
        let targets = element.targets(self.tables);
        if ResourceType::from_name(name).is_none() {
            self.wrong(IssueCode::Value, place, || {
                format!(
                    "found {}, but R4 has no type {}",
                    near::quoted(text),
                    near::quoted(name)
                )
            });
        } else if !targets.is_empty() && !targets.contains(&name) {
            self.wrong(IssueCode::Value, place, || {
                format!(
                    "found {}, a {name}; expected a reference to {}",
                    near::quoted(text),
                    near::listed(targets.iter().copied(), 12)
                )
            });
        }
    }
}

fn form(text: &str) -> Form<'_> {
    if let Some(id) = text.strip_prefix('#') {
        return if id.is_empty() || primitive::is_id(id) {
            Form::Contained(id)
        } else {
            Form::Wrong
        };
    }
    if text.bytes().any(|b| b <= b' ') {
        return Form::Wrong;
    }
    if let Some(uuid) = text.strip_prefix("urn:uuid:") {
        return elsewhere_if(primitive::is_uuid(uuid));
    }
    if let Some(oid) = text.strip_prefix("urn:oid:") {
        return elsewhere_if(primitive::is_oid(oid));
    }
    match text.split_once(':') {
        Some((scheme, rest)) if is_scheme(scheme) => absolute(rest),
        _ => relative(text),
    }
}

fn elsewhere_if(good: bool) -> Form<'static> {
    if good { Form::Elsewhere } else { Form::Wrong }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'-' | b'.'))
}

/// An absolute URL names a type only when it ends like a FHIR address with a type that R4 has.
fn absolute(rest: &str) -> Form<'_> {
    match typed(rest) {
        Some(name) if ResourceType::from_name(name).is_some() => Form::Typed(name),
        _ => elsewhere_if(!rest.is_empty()),
    }
}

/// `Type/id`, `Type/id/_history/version`, or `Type?search` in a transaction.
fn relative(text: &str) -> Form<'_> {
    if let Some((name, search)) = text.split_once('?') {
        let good = !search.is_empty() && name.bytes().all(|b| b.is_ascii_alphabetic());
        return if good { Form::Typed(name) } else { Form::Wrong };
    }
    let mut steps = text.split('/');
    let name = steps.next().unwrap_or_default();
    match (steps.next(), steps.next(), steps.next(), steps.next()) {
        (Some(id), None, ..) if primitive::is_id(id) => Form::Typed(name),
        (Some(id), Some("_history"), Some(version), None)
            if primitive::is_id(id) && primitive::is_id(version) =>
        {
            Form::Typed(name)
        }
        _ => Form::Wrong,
    }
}

/// The type named at the end of a path: `.../Type/id` or `.../Type/id/_history/version`.
fn typed(path: &str) -> Option<&str> {
    let mut steps = path.rsplit('/');
    let (mut id, mut of) = (steps.next()?, steps.next()?);
    if of == "_history" && primitive::is_id(id) {
        (id, of) = (steps.next()?, steps.next()?);
    }
    let good =
        primitive::is_id(id) && !of.is_empty() && of.bytes().all(|b| b.is_ascii_alphabetic());
    good.then_some(of)
}
