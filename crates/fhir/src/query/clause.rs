//! One condition of a search on a parameter of the type itself: its name, modifier and values.

use super::{
    Clause, Condition, Context, Modifier, Wanted, near, refusal, shown,
    values::{self, bad_value},
    wanted::wanted,
    words,
};
use crate::{
    Issue, IssueCode, ResourceType,
    search::{Kind, SearchParameter, parent},
    validate::{Enumerated, codes_of},
};

/// Alternatives in one condition.
pub(super) const MAX_VALUES: usize = 1_000;

impl Context<'_> {
    /// The parameter of that name, if a search may use it.
    pub(super) fn known(
        &self,
        of: ResourceType,
        name: &str,
    ) -> Result<&'static SearchParameter, Issue> {
        let Some(found) = self.catalog.parameter(of, name) else {
            let all = self.catalog.parameters(of);
            let all = all.iter().filter(|p| p.supported()).map(|p| p.code);
            let possible = near::possible(all, name);
            let said = shown(name);
            return Err(refusal(format!(
                "{of} has no search parameter `{said}`. {possible}"
            )));
        };
        if found.supported() {
            return Ok(found);
        }
        Err(refusal(format!(
            "The search parameter `{name}` of {of} cannot be used: this server has nothing that it names."
        )))
    }

    /// Understands a condition on a parameter.
    pub(super) fn plain(
        &self,
        of: ResourceType,
        name: &str,
        parameter: &'static SearchParameter,
        modifier: Option<&str>,
        value: &str,
    ) -> Result<Condition, Issue> {
        if parameter.of_words() {
            return match modifier {
                None => words::condition(parameter, name, value),
                Some(_) => Err(refusal(format!("`{}` takes no modifier.", shown(name)))),
            };
        }
        let by_set = matches!(modifier, Some("in" | "not-in")) && parameter.kind == Kind::Token;
        let (modifier, target) = self.modifier(of, name, parameter, modifier, value)?;
        let mut values = Vec::new();
        if by_set {
            values = codes_of_set(name, value)?;
        } else if !matches!(modifier, Modifier::Missing(_)) {
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
        Ok(Condition::Is(Clause {
            parameter,
            modifier,
            values,
        }))
    }

    /// Understands a modifier; for references, a type is one as well and completes the values.
    fn modifier(
        &self,
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
            ("not", Kind::Token) if parameter.code == "_id" => Some(Modifier::Not),
            _ if own => None,
            ("missing", _) => {
                let missing =
                    truth(value).ok_or_else(|| bad_value(name, value, "true or false"))?;
                Some(Modifier::Missing(missing))
            }
            ("exact", Kind::String) => Some(Modifier::Exact),
            ("contains", Kind::String) => Some(Modifier::Contains),
            ("not", Kind::Token) => Some(Modifier::Not),
            ("text", Kind::Token) => Some(Modifier::Text),
            ("of-type", Kind::Token) if parameter.code == "identifier" => Some(Modifier::OfType),
            ("identifier", Kind::Reference) => Some(Modifier::Identifier),
            ("above", Kind::Uri) => Some(Modifier::Above),
            ("below", Kind::Uri) => Some(Modifier::Below),
            ("above" | "below", Kind::Reference) => Some(hierarchy(of, parameter, text, value)?),
            ("in", Kind::Token) if !parameter.boolean => Some(Modifier::None),
            ("not-in", Kind::Token) if !parameter.boolean => Some(Modifier::Not),
            ("above" | "below", Kind::Token) => {
                return Err(refusal(format!(
                    "The modifier `:{text}` on `{}` asks a terminology, which this server does not have; name the codes instead.",
                    parameter.code
                )));
            }
            _ => None,
        };
        if let Some(found) = found {
            return Ok((found, None));
        }
        if parameter.kind == Kind::Reference && text.starts_with(|c: char| c.is_ascii_uppercase()) {
            return Ok((Modifier::None, Some(target(of, parameter, text)?)));
        }
        let possible = match parameter.kind {
            Kind::Token if parameter.code == "_id" => ":not",
            _ if own => "none",
            Kind::String => ":exact, :contains, :missing",
            Kind::Token if parameter.code == "identifier" => ":not, :text, :of-type, :missing",
            Kind::Token if parameter.boolean => ":not, :missing",
            Kind::Token => ":not, :text, :in, :not-in, :missing",
            Kind::Reference => ":identifier, :above, :below, :missing, or a type such as :Patient",
            Kind::Uri => ":above, :below, :missing",
            _ => ":missing",
        };
        Err(refusal(format!(
            "The modifier `:{}` is not supported on `{}`, a {} parameter of {of}. Possible: {possible}.",
            shown(text),
            parameter.code,
            parameter.kind.name()
        )))
    }
}

/// `:in` and `:not-in`: the codes of a value set that R4 itself lists in full.
fn codes_of_set(name: &str, value: &str) -> Result<Vec<Wanted>, Issue> {
    let said = |why: &str| {
        refusal(format!(
            "`{}={}`: {why}; name the codes instead.",
            shown(name),
            shown(value)
        ))
    };
    match codes_of(&values::unescape(value), MAX_VALUES) {
        Enumerated::Codes(codes) => {
            let token = |(system, code)| Wanted::Token {
                system: Some(system),
                code: Some(code),
            };
            Ok(codes.into_iter().map(token).collect())
        }
        Enumerated::Unknown => Err(said(
            "this server knows the value sets of R4 by their URL, and no other terminology",
        )),
        Enumerated::Open => Err(said(
            "R4 does not list all codes of this value set, and this server has no other terminology",
        )),
        Enumerated::Many => Err(said(&format!(
            "this value set has more than {MAX_VALUES} codes"
        ))),
    }
}

/// `:above` and `:below` on a reference need a type whose resources are parts of one another, or canonical URLs, whose
/// versions are.
fn hierarchy(
    of: ResourceType,
    parameter: &SearchParameter,
    text: &str,
    value: &str,
) -> Result<Modifier, Issue> {
    let targets = parameter.targets.iter();
    let mut types = targets.filter_map(|name| ResourceType::from_name(name));
    let canonical = values::split(value, ',')
        .iter()
        .all(|part| part.contains(':'));
    if !canonical && !types.any(|of| parent(of).is_some()) {
        return Err(refusal(format!(
            "The modifier `:{text}` has no meaning on `{}` of {of}: what it points to is not made of parts of its own type.",
            parameter.code
        )));
    }
    Ok(match text {
        "above" => Modifier::Above,
        _ => Modifier::Below,
    })
}

/// The type of that name among the targets of a reference.
pub(super) fn target(
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
