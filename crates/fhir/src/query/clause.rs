//! One condition of a search: its parameter, modifier, values and chain.

use super::{Clause, Condition, Modifier, Wanted, refusal, shown, values};
use crate::{
    Issue, IssueCode, ResourceType,
    search::{Kind, SearchParameter, fold, parameter, parameters},
};

/// Alternatives in one condition.
pub(super) const MAX_VALUES: usize = 1_000;

/// A name as written: `subject:Patient.name:exact` is parameter `subject`, modifier `Patient`, and the rest.
struct Name<'n> {
    parameter: &'n str,
    modifier: Option<&'n str>,
    rest: Option<&'n str>,
}

fn name_of(text: &str) -> Name<'_> {
    let (head, rest) = match text.split_once('.') {
        Some((head, rest)) => (head, Some(rest)),
        None => (text, None),
    };
    let (parameter, modifier) = match head.split_once(':') {
        Some((parameter, modifier)) => (parameter, Some(modifier)),
        None => (head, None),
    };
    Name {
        parameter,
        modifier,
        rest,
    }
}

/// Understands one condition on a type.
pub(super) fn condition(of: ResourceType, name: &str, value: &str) -> Result<Condition, Issue> {
    let parts = name_of(name);
    if parts.parameter == "_has" {
        return Err(refusal(format!(
            "`{}`: reverse chains (`_has`) are not supported yet.",
            shown(name)
        )));
    }
    let parameter = known(of, parts.parameter)?;
    match parts.rest {
        Some(rest) => chained(of, name, parameter, parts.modifier, rest, value),
        None => plain(of, name, parameter, parts.modifier, value).map(Condition::Is),
    }
}

/// The parameter of that name, if a search may use it.
pub(super) fn known(of: ResourceType, name: &str) -> Result<&'static SearchParameter, Issue> {
    let Some(found) = parameter(of, name) else {
        let possible = possible(of, name);
        let said = shown(name);
        return Err(refusal(format!(
            "{of} has no search parameter `{said}`. {possible}"
        )));
    };
    if found.supported() {
        return Ok(found);
    }
    let kind = match found.kind {
        Kind::Composite | Kind::Special => format!("{} parameters are", found.kind.name()),
        _ => "it is".to_owned(),
    };
    Err(refusal(format!(
        "The search parameter `{name}` of {of} cannot be used: {kind} not supported yet."
    )))
}

/// Names that look like what was written, or else all there are.
fn possible(of: ResourceType, name: &str) -> String {
    let all: Vec<&str> = parameters(of)
        .iter()
        .filter(|p| p.supported())
        .map(|p| p.code)
        .collect();
    let near: Vec<&str> = all
        .iter()
        .copied()
        .filter(|code| is_near(code, name))
        .collect();
    match near.is_empty() {
        true => format!("Possible: {}.", all.join(", ")),
        false => format!("Did you mean {}?", near.join(" or ")),
    }
}

/// At most two letters added, dropped or changed (one in short names), whatever the case; or one in the other.
fn is_near(code: &str, name: &str) -> bool {
    let (code, name) = (code.to_lowercase(), name.to_lowercase());
    if name.len() > 64 {
        return false;
    }
    if name.len() >= 4 && (code.contains(&name) || name.contains(&code) && code.len() >= 4) {
        return true;
    }
    let (code, name): (Vec<char>, Vec<char>) = (code.chars().collect(), name.chars().collect());
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (i, a) in code.iter().enumerate() {
        let mut next = vec![i + 1];
        for ((j, b), above) in name.iter().enumerate().zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(0);
            let diagonal = row.get(j).copied().unwrap_or(0) + usize::from(a != b);
            next.push(diagonal.min(left + 1).min(above + 1));
        }
        row = next;
    }
    let allowed = if code.len() > 4 { 2 } else { 1 };
    row.last().is_some_and(|distance| *distance <= allowed)
}

fn plain(
    of: ResourceType,
    name: &str,
    parameter: &'static SearchParameter,
    modifier: Option<&str>,
    value: &str,
) -> Result<Clause, Issue> {
    let (modifier, target) = modifier_of(of, name, parameter, modifier, value)?;
    let mut values = Vec::new();
    if !matches!(modifier, Modifier::Missing(_)) {
        let parts = values::split(value, ',');
        if parts.len() > MAX_VALUES {
            let diagnostics = format!(
                "`{}` has {} values; at most {MAX_VALUES} are taken.",
                shown(name),
                parts.len()
            );
            return Err(Issue::error(IssueCode::TooLong, "", diagnostics));
        }
        for part in parts {
            let wanted = match part {
                "" => Err("a value, and one after each comma".to_owned()),
                part => wanted(parameter, modifier, target, part),
            };
            values.push(wanted.map_err(|expected| bad_value(name, part, &expected))?);
        }
    }
    Ok(Clause {
        parameter,
        modifier,
        values,
    })
}

/// A value that is not what its parameter takes.
pub(super) fn bad_value(name: &str, value: &str, expected: &str) -> Issue {
    let diagnostics = format!("`{}={}`: expected {expected}.", shown(name), shown(value));
    Issue::error(IssueCode::Value, "", diagnostics)
}

/// Understands a modifier; for references, a type is one as well and completes the values.
fn modifier_of(
    of: ResourceType,
    name: &str,
    parameter: &SearchParameter,
    modifier: Option<&str>,
    value: &str,
) -> Result<(Modifier, Option<&'static str>), Issue> {
    let Some(text) = modifier else {
        return Ok((Modifier::None, None));
    };
    let own = matches!(parameter.code, "_id" | "_lastUpdated");
    let found = match (text, parameter.kind) {
        _ if own => None,
        ("missing", _) => {
            let missing = truth(value).ok_or_else(|| bad_value(name, value, "true or false"))?;
            Some(Modifier::Missing(missing))
        }
        ("exact", Kind::String) => Some(Modifier::Exact),
        ("contains", Kind::String) => Some(Modifier::Contains),
        ("not", Kind::Token) => Some(Modifier::Not),
        ("text", Kind::Token) => Some(Modifier::Text),
        ("identifier", Kind::Reference) => Some(Modifier::Identifier),
        _ => None,
    };
    if let Some(found) = found {
        return Ok((found, None));
    }
    if parameter.kind == Kind::Reference && text.starts_with(|c: char| c.is_ascii_uppercase()) {
        return Ok((Modifier::None, Some(target(of, parameter, text)?)));
    }
    let possible = match parameter.kind {
        _ if own => "none",
        Kind::String => ":exact, :contains, :missing",
        Kind::Token => ":not, :text, :missing",
        Kind::Reference => ":identifier, :missing, or a type such as :Patient",
        _ => ":missing",
    };
    Err(refusal(format!(
        "The modifier `:{}` is not supported on `{}`, a {} parameter of {of}. Possible: {possible}.",
        shown(text),
        parameter.code,
        parameter.kind.name()
    )))
}

/// The type of that name among the targets of a reference.
fn target(
    of: ResourceType,
    parameter: &SearchParameter,
    text: &str,
) -> Result<&'static str, Issue> {
    let found = parameter.targets.iter().find(|t| **t == text);
    found.copied().ok_or_else(|| {
        let said = shown(text);
        let targets = parameter.targets.join(", ");
        refusal(format!(
            "`{}` of {of} does not point to `{said}`. Possible: {targets}.",
            parameter.code
        ))
    })
}

/// `true` or `false`.
pub(super) fn truth(text: &str) -> Option<bool> {
    match text {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// One value, or what was expected instead.
fn wanted(
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
        (Kind::Reference, _) => reference(parameter, target, &values::unescape(text)),
        (Kind::Date, _) => values::date(text),
        (Kind::Number, _) => values::number(text),
        (Kind::Quantity, _) => values::quantity(text),
        (Kind::Uri, _) => Ok(Wanted::Uri(values::unescape(text))),
        (Kind::Composite | Kind::Special, _) => Err("nothing: it is not supported yet".into()),
    }
}

const ID: &str = "an id: 1 to 64 letters, digits, `-` and `.`";

fn is_id(text: &str) -> bool {
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

fn chained(
    of: ResourceType,
    name: &str,
    parameter: &'static SearchParameter,
    target_name: Option<&str>,
    rest: &str,
    value: &str,
) -> Result<Condition, Issue> {
    let code = parameter.code;
    if parameter.kind != Kind::Reference {
        let kind = parameter.kind.name();
        return Err(refusal(format!(
            "`{}`: `{code}` is a {kind} parameter of {of}; only references can be chained.",
            shown(name)
        )));
    }
    let inner = name_of(rest);
    if inner.rest.is_some() {
        return Err(refusal(format!(
            "`{}`: chains of one level are supported, as in `{code}.name`.",
            shown(name)
        )));
    }
    let target = match target_name {
        Some(text) => target(of, parameter, text)?,
        None => only_with(of, parameter, inner.parameter)?,
    };
    let of = ResourceType::from_name(target)
        .ok_or_else(|| refusal(format!("`{}`: R4 has no type {target}.", shown(name))))?;
    Ok(Condition::Refers {
        parameter,
        targets: vec![(of, condition(of, rest, value)?)],
    })
}

/// The one target type on which a parameter can be searched.
fn only_with(
    of: ResourceType,
    parameter: &SearchParameter,
    code: &str,
) -> Result<&'static str, Issue> {
    if parameter.code == "patient" && parameter.targets.contains(&"Patient") {
        return Ok("Patient");
    }
    let targets = parameter.targets.iter().copied();
    let having: Vec<&'static str> = targets
        .filter(|t| ResourceType::from_name(t).is_some_and(|t| known(t, code).is_ok()))
        .collect();
    match (having.as_slice(), parameter.targets) {
        ([only], _) => Ok(only),
        // The sole target lacks it: let the target itself say what it has.
        ([], [only]) => Ok(only),
        ([], targets) => Err(refusal(format!(
            "None of the types that `{}` of {of} may point to has a search parameter `{}`: {}.",
            parameter.code,
            shown(code),
            targets.join(", ")
        ))),
        (several, _) => Err(refusal(format!(
            "`{}` of {of} may point to several types that have `{code}`: say which, as in `{}:{}.{code}`. Possible: {}.",
            parameter.code,
            parameter.code,
            several.first().unwrap_or(&"Patient"),
            several.join(", ")
        ))),
    }
}
