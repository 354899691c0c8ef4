//! One value, as its parameter's kind and modifier read it.

use super::{Modifier, Wanted, clause::truth, values};
use crate::{
    ResourceType,
    search::{Kind, SearchParameter, fold, parent},
};

/// One value, or what was expected instead.
pub(super) fn wanted(
    parameter: &SearchParameter,
    modifier: Modifier,
    target: Option<&'static str>,
    text: &str,
) -> Result<Wanted, String> {
    match (parameter.kind, modifier) {
        (Kind::String, Modifier::Exact) => Ok(Wanted::Text(values::unescape(text))),
        (Kind::String, _) | (Kind::Token, Modifier::Text) => {
            let folded = fold(&values::unescape(text));
            let some = Some(folded).filter(|f| !f.is_empty());
            some.map(Wanted::Text).ok_or("some text".into())
        }
        (Kind::Token, _) if parameter.code == "_id" => {
            let id = Some(text).filter(|id| is_id(id)).ok_or(ID)?;
            Ok(Wanted::Id(id.to_owned()))
        }
        (Kind::Token, Modifier::OfType) => values::of_type(text),
        (Kind::Token, _) if parameter.boolean => match values::token(text)? {
            Wanted::Token {
                code: Some(code),
                system,
            } if truth(&code).is_some() => Ok(Wanted::Token {
                system,
                code: Some(code),
            }),
            _ => Err("true or false".into()),
        },
        (Kind::Token, _) | (Kind::Reference, Modifier::Identifier) => values::token(text),
        (Kind::Reference, Modifier::Above | Modifier::Below) => {
            match reference(parameter, target, &values::unescape(text))? {
                Wanted::Reference(name) if has_parts(&name) || name.contains(':') => {
                    Ok(Wanted::Reference(name))
                }
                _ => {
                    let types = parameter.targets.iter().filter(|name| has_parts(name));
                    let types: Vec<&str> = types.copied().collect();
                    Err(format!(
                        "Type/id, of one of: {}; or a canonical URL",
                        types.join(", ")
                    ))
                }
            }
        }
        (Kind::Reference, _) => reference(parameter, target, &values::unescape(text)),
        (Kind::Date, _) => values::date(text),
        (Kind::Number, _) => values::number(text),
        (Kind::Quantity, _) => values::quantity(text),
        (Kind::Uri, _) => Ok(Wanted::Uri(values::unescape(text))),
        (Kind::Special, _) => values::near(text),
        (Kind::Composite, _) => composite(parameter, text),
    }
}

/// Whether the resources of a type are parts of one another.
fn has_parts(name: &str) -> bool {
    let of = name.split('/').next().unwrap_or(name);
    ResourceType::from_name(of).is_some_and(|of| parent(of).is_some())
}

/// A value for each component, with `$` between them.
fn composite(parameter: &SearchParameter, text: &str) -> Result<Wanted, String> {
    let components = parameter.components;
    let parts = values::split(text, '$');
    if parts.len() != components.len() || components.is_empty() {
        let names: Vec<&str> = components.iter().map(|part| part.code).collect();
        return Err(format!(
            "a value for each of {}, with `$` between them",
            names.join(", ")
        ));
    }
    let parts = components.iter().zip(parts).map(|(component, part)| {
        let read = match part {
            "" => Err("a value".to_owned()),
            part => wanted(component, Modifier::None, None, part),
        };
        read.map_err(|expected| format!("for `{}` {expected}", component.code))
    });
    parts.collect::<Result<_, _>>().map(Wanted::Composite)
}

const ID: &str = "an id: 1 to 64 letters, digits, `-` and `.`";

pub(super) fn is_id(text: &str) -> bool {
    let letters = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'.';
    (1..=64).contains(&text.len()) && text.bytes().all(letters)
}

/// `Patient/1`, `1`, or an absolute URL; a version is left out.
fn reference(
    parameter: &SearchParameter,
    target: Option<&'static str>,
    text: &str,
) -> Result<Wanted, String> {
    let bare = text.split_once("/_history/").map_or(text, |(bare, _)| bare);
    // `http://...`, `urn:uuid:...`: a scheme before anything else.
    if bare.contains(':') {
        return match target {
            None => Ok(Wanted::Reference(bare.to_owned())),
            Some(target) => Err(format!("the id of a {target}, as the type is in the name")),
        };
    }
    let targets = parameter.targets;
    let (of, id) = match bare.split_once('/') {
        Some((of, id)) => (of, id),
        None => (sole_target(parameter, target)?, bare),
    };
    if !is_id(id) {
        return Err(format!("Type/id, or an absolute URL; the id is {ID}"));
    }
    if target.is_some_and(|target| target != of) || !targets.contains(&of) {
        let possible = target.map_or_else(|| targets.join(", "), str::to_owned);
        return Err(format!("a reference to one of: {possible}"));
    }
    Ok(Wanted::Reference(format!("{of}/{id}")))
}

/// The type that a bare id must be of.
fn sole_target(
    parameter: &SearchParameter,
    target: Option<&'static str>,
) -> Result<&'static str, String> {
    match (target, parameter.code, parameter.targets) {
        (Some(target), _, _) => Ok(target),
        (None, "patient", targets) if targets.contains(&"Patient") => Ok("Patient"),
        (None, _, [only]) => Ok(only),
        (None, _, targets) => Err(format!(
            "the type with the id, as in {}/{}, since the reference may point to {} types",
            targets.first().unwrap_or(&"Patient"),
            "id",
            targets.len()
        )),
    }
}
