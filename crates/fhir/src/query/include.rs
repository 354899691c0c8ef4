//! `_include` and `_revinclude`.

use super::{Context, Include, refusal, shown, values::bad_value};
use crate::{
    Issue, ResourceType,
    search::{Kind, SearchParameter},
};

const FORM: &str = "Type:parameter or Type:parameter:TargetType, as in Observation:subject:Patient; `*` stands for all parameters";

/// Whether a name is that of an include: forwards or not, and repeated or not.
pub(super) fn direction(name: &str) -> Option<Result<(bool, bool), Issue>> {
    let (bare, modifier) = match name.split_once(':') {
        Some((bare, modifier)) => (bare, Some(modifier)),
        None => (name, None),
    };
    let forward = match bare {
        "_include" => true,
        "_revinclude" => false,
        _ => return None,
    };
    Some(match modifier {
        None => Ok((forward, false)),
        Some("iterate") => Ok((forward, true)),
        Some(_) => Err(refusal(format!(
            "`{}` has no such modifier. Possible: `{bare}:iterate`.",
            shown(name)
        ))),
    })
}

impl Context<'_> {
    /// Understands an include of a search among some types.
    pub(super) fn include(
        &self,
        among: &[ResourceType],
        name: &str,
        value: &str,
        (forward, iterate): (bool, bool),
    ) -> Result<Include, Issue> {
        let bad = |expected: &str| bad_value(name, value, expected);
        let parts: Vec<&str> = value.split(':').collect();
        let (source, code, target) = match *parts.as_slice() {
            ["*"] => {
                return Ok(Include {
                    source: None,
                    parameter: None,
                    target: None,
                    iterate,
                });
            }
            [source, code] => (source, code, None),
            [source, code, target] => (source, code, Some(target)),
            _ => return Err(bad(FORM)),
        };
        let a_type = |text: &str| ResourceType::from_name(text).ok_or_else(|| bad(FORM));
        let source = a_type(source)?;
        let target = target.map(a_type).transpose()?;
        let parameter = match code {
            "*" => None,
            code => Some(self.known(source, code)?),
        };
        if parameter.is_some_and(|parameter| parameter.kind != Kind::Reference) {
            return Err(bad("a reference parameter"));
        }
        let points_to =
            |parameter: &SearchParameter, of: ResourceType| parameter.targets.contains(&of.name());
        if let (Some(to), Some(parameter)) = (target, parameter)
            && !points_to(parameter, to)
        {
            return Err(bad(&format!(
                "a type that the parameter points to, which {to} is not"
            )));
        }
        // What is followed again may start or end at what was included before.
        if !iterate {
            let types: Vec<&str> = among.iter().take(5).map(|of| of.name()).collect();
            let types = types.join(", ");
            if forward && !among.contains(&source) {
                return Err(bad(&format!("a parameter of {types}, the type searched")));
            }
            let there = |parameter| among.iter().any(|of| points_to(parameter, *of));
            let elsewhere = parameter.is_some_and(|parameter| !there(parameter))
                || target.is_some_and(|to| !among.contains(&to));
            if !forward && elsewhere {
                return Err(bad(&format!("a parameter that points to {types}")));
            }
        }
        Ok(Include {
            source: Some(source),
            parameter,
            target,
            iterate,
        })
    }
}
