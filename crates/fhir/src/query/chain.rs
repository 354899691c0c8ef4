//! Conditions on other resources: those it refers to (`subject.name`), and those that refer to it (`_has`).

use super::{Condition, Context, clause::target, refusal, shown};
use crate::{
    Issue, IssueCode, ResourceType,
    search::{Kind, SearchParameter},
};

/// Steps from one resource to another in one condition.
const MAX_STEPS: usize = 8;
/// Characters of a name.
const MAX_NAME: usize = 1_000;
/// Conditions that the names of a search may stand for, once every type a reference may point to is counted.
const MAX_CONDITIONS: usize = 5_000;

impl Context<'_> {
    /// Understands one pair of a search on a type.
    pub(super) fn condition(
        &self,
        of: ResourceType,
        name: &str,
        value: &str,
    ) -> Result<Condition, Issue> {
        self.step(of, name, value, 0)
    }

    /// The same, `steps` resources away from the one that is searched.
    pub(super) fn step(
        &self,
        of: ResourceType,
        name: &str,
        value: &str,
        steps: usize,
    ) -> Result<Condition, Issue> {
        if name.len() > MAX_NAME {
            return Err(too_long(name, "is too long a name"));
        }
        self.count(name, steps)?;
        if let Some(rest) = name.strip_prefix("_has:") {
            return self.referred(of, name, rest, value, steps);
        }
        let (head, rest) = match name.split_once('.') {
            Some((head, rest)) => (head, Some(rest)),
            None => (name, None),
        };
        let (code, modifier) = match head.split_once(':') {
            Some((code, modifier)) => (code, Some(modifier)),
            None => (head, None),
        };
        match (code, rest) {
            ("_filter", None) if modifier.is_none() => self.filter(of, value, steps),
            ("_list", None) if modifier.is_none() => listed(value),
            ("_has", _) => Err(refusal(format!(
                "`{}`: a reverse chain is written `_has:Observation:patient:code`.",
                shown(name)
            ))),
            (_, Some(rest)) => {
                let parameter = self.reference(of, name, code)?;
                let there = |to| self.step(to, rest, value, steps + 1);
                self.refers(of, parameter, modifier, rest, there)
            }
            (_, None) => {
                let parameter = self.known(of, code)?;
                self.plain(of, name, parameter, modifier, value)
            }
        }
    }

    /// Counts one more condition, so that short names do not stand for a great many.
    pub(super) fn count(&self, name: &str, steps: usize) -> Result<(), Issue> {
        if steps > MAX_STEPS {
            let said = format!("goes over more than {MAX_STEPS} resources");
            return Err(too_long(name, &said));
        }
        self.conditions.set(self.conditions.get() + 1);
        if self.conditions.get() > MAX_CONDITIONS {
            let said = "may go to too many types; say which, as in `subject:Patient.name`";
            return Err(too_long(name, said));
        }
        Ok(())
    }

    /// A parameter that may be followed.
    pub(super) fn reference(
        &self,
        of: ResourceType,
        name: &str,
        code: &str,
    ) -> Result<&'static SearchParameter, Issue> {
        let parameter = self.known(of, code)?;
        if parameter.kind == Kind::Reference {
            return Ok(parameter);
        }
        let kind = parameter.kind.name();
        Err(refusal(format!(
            "`{}`: `{code}` is a {kind} parameter of {of}; only references can be chained.",
            shown(name)
        )))
    }

    /// A condition on what a reference points to: on the type that is named, or on every type that has what is asked.
    pub(super) fn refers(
        &self,
        of: ResourceType,
        parameter: &'static SearchParameter,
        to: Option<&str>,
        rest: &str,
        there: impl Fn(ResourceType) -> Result<Condition, Issue>,
    ) -> Result<Condition, Issue> {
        let names = match to {
            Some(text) => vec![target(of, parameter, text)?],
            None if parameter.code == "patient" && parameter.targets.contains(&"Patient") => {
                vec!["Patient"]
            }
            None => parameter.targets.to_vec(),
        };
        let mut targets = Vec::new();
        let mut first = None;
        for to in names
            .iter()
            .filter_map(|name| ResourceType::from_name(name))
        {
            match there(to) {
                Ok(condition) => targets.push((to, condition)),
                // A value that some type does not take, or too much of it, is wrong whatever the others say.
                Err(issue) if issue.code == IssueCode::TooLong => return Err(issue),
                Err(issue) => {
                    // Of several reasons, the one that is not about a missing name says most.
                    let better = issue.code != IssueCode::NotSupported;
                    if first.is_none() || better {
                        first = Some(issue);
                    }
                }
            }
        }
        match (targets.is_empty(), first) {
            (false, _) => Ok(Condition::Refers { parameter, targets }),
            (true, Some(issue)) if names.len() == 1 || issue.code != IssueCode::NotSupported => {
                Err(issue)
            }
            _ => Err(refusal(format!(
                "None of the types that `{}` of {of} may point to has a search parameter `{}`: {}.",
                parameter.code,
                shown(rest),
                names.join(", ")
            ))),
        }
    }

    /// `_has:Observation:patient:code`, without its `_has:`.
    fn referred(
        &self,
        of: ResourceType,
        name: &str,
        rest: &str,
        value: &str,
        steps: usize,
    ) -> Result<Condition, Issue> {
        let mut parts = rest.splitn(3, ':');
        let (Some(source), Some(code), Some(rest)) = (parts.next(), parts.next(), parts.next())
        else {
            return Err(refusal(format!(
                "`{}`: a reverse chain is written `_has:Observation:patient:code`.",
                shown(name)
            )));
        };
        let source = ResourceType::from_name(source).ok_or_else(|| {
            refusal(format!(
                "`{}`: R4 has no type `{}`.",
                shown(name),
                shown(source)
            ))
        })?;
        let parameter = self.reference(source, name, code)?;
        if !parameter.targets.contains(&of.name()) {
            return Err(refusal(format!(
                "`{}`: `{code}` of {source} does not point to {of}. Possible: {}.",
                shown(name),
                parameter.targets.join(", ")
            )));
        }
        let condition = self.step(source, rest, value, steps + 1)?;
        Ok(Condition::Referred {
            source,
            parameter,
            condition: Box::new(condition),
        })
    }
}

/// `_list=42`.
fn listed(value: &str) -> Result<Condition, Issue> {
    if value.starts_with('$') {
        return Err(refusal(format!(
            "`_list={}`: lists with a function, such as `$current-allergies`, are not kept here; name a List by its id.",
            shown(value)
        )));
    }
    let id = value.strip_prefix("List/").unwrap_or(value);
    match super::wanted::is_id(id) {
        true => Ok(Condition::Listed(id.to_owned())),
        false => Err(super::values::bad_value("_list", value, "the id of a List")),
    }
}

fn too_long(name: &str, said: &str) -> Issue {
    let diagnostics = format!("`{}` {said}.", shown(name));
    Issue::error(IssueCode::TooLong, "", diagnostics)
}
