//! `$validate`: would this be taken, and if not, why?
//!
//! What is sent is checked against R4 and the profiles that it claims or that are asked for, and forgotten: no record is
//! touched. Only definitions stored here are looked up ([`super::definitions`]), which is an act. A resource that is stored
//! is read under the permit like any other. The answer is 200 with an OperationOutcome, whatever it says.

use super::{nothing_else, read::was_deleted};
use crate::{
    fault::Fault,
    negotiate::{Pairs, take},
    reply::Reply,
    session::{Outcome, Session, verbs},
};
use fhir::{Issue, IssueCode, ResourceType, Value, json, validate::Options};
use store::Verb;
use trust::What;

/// What the resource is meant for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// Nothing in particular.
    Any,
    Create,
    Update,
    Delete,
}

/// A question, from the address and the Parameters together.
struct Asked {
    mode: Mode,
    resource: Option<Value>,
    /// By their URLs.
    profiles: Vec<String>,
}

impl Session<'_> {
    pub(super) fn validate(
        &self,
        of: ResourceType,
        id: Option<String>,
        pairs: Pairs,
        body: Option<Value>,
    ) -> Outcome {
        let asked = Asked::of(pairs, body)?;
        let issues = match (asked.mode, &id, &asked.resource) {
            (Mode::Delete, Some(id), _) => self.may_delete(of, id)?,
            (Mode::Delete, None, _) => {
                return Err(missing(
                    "Whether a deletion would be taken is asked of a resource: Type/id/$validate.",
                ));
            }
            (Mode::Create, Some(_), _) => {
                return Err(missing(
                    "Whether a creation would be taken is asked of the type: Type/$validate.",
                ));
            }
            (mode, id, Some(resource)) => {
                let mut issues = self.judged(resource, &asked.profiles)?;
                issues.extend(misplaced(of, id.as_deref(), mode, resource));
                issues
            }
            (_, Some(id), None) => self.stored(of, id, &asked.profiles)?,
            (_, None, None) => return Err(missing("There is no resource to look at.")),
        };
        let issues = match issues.is_empty() {
            true => vec![all_is_well()],
            false => issues,
        };
        Ok(Reply::made(fhir::outcome(&issues).to_bytes()))
    }

    /// Looks at what is stored.
    fn stored(&self, of: ResourceType, id: &str, profiles: &[String]) -> Result<Vec<Issue>, Fault> {
        let what = What::Interaction(format!("GET {of}/$validate"));
        let grant = self.decide_about(of, id, verbs(&[Verb::Read]), what)?;
        let held = self.house.gate.store().read(&grant.permit, of, id)?;
        let version = self.open(&grant, held)?;
        let version = version.ok_or_else(|| self.missing(of, id))?;
        if version.deleted {
            return Err(was_deleted(&version));
        }
        let limits = json::Limits {
            bytes: usize::MAX,
            depth: 256,
        };
        let resource = json::parse(&version.body, &limits).map_err(|_| Fault::ours())?;
        self.judged(&resource, profiles)
    }

    /// Errors, warnings and remarks on a resource.
    fn judged(&self, resource: &Value, profiles: &[String]) -> Result<Vec<Issue>, Fault> {
        let (validator, mut issues) = self.validator(resource, profiles)?;
        let profiles: Vec<&str> = profiles.iter().map(String::as_str).collect();
        let options = Options {
            now: Some(self.now),
            ..Options::default()
        };
        issues.extend(validator.validate(resource, &profiles, options));
        Ok(issues)
    }

    /// Asks for the leave to delete, and for the resource, as a deletion would; deletes nothing.
    fn may_delete(&self, of: ResourceType, id: &str) -> Result<Vec<Issue>, Fault> {
        let what = What::Interaction(format!("POST {of}/$validate"));
        let needed = verbs(&[Verb::Read, Verb::Delete]);
        let grant = self.decide_about(of, id, needed, what)?;
        let held = self.house.gate.store().read(&grant.permit, of, id)?;
        match self.open(&grant, held)? {
            Some(_) => Ok(Vec::new()),
            None => Err(self.missing(of, id)),
        }
    }
}

impl Asked {
    fn of(mut pairs: Pairs, body: Option<Value>) -> Result<Asked, Fault> {
        let mut mode = take(&mut pairs, "mode");
        let mut profiles: Vec<String> = Vec::new();
        pairs.retain_mut(|(name, value)| {
            let profile = name == "profile";
            if profile {
                profiles.push(std::mem::take(value));
            }
            !profile
        });
        nothing_else(&pairs, "mode, profile, _format, _pretty")?;
        let mut resource = None;
        match body {
            Some(parameters) if parameters.text("resourceType") == Some("Parameters") => {
                for parameter in parameters.list("parameter") {
                    let text = |names: [&str; 2]| {
                        names
                            .iter()
                            .find_map(|name| parameter.text(name))
                            .map(str::to_owned)
                    };
                    match parameter.text("name") {
                        Some("resource") => resource = parameter.get("resource").cloned(),
                        Some("mode") => mode = text(["valueCode", "valueString"]),
                        Some("profile") => {
                            profiles.extend(text(["valueUri", "valueCanonical"]));
                        }
                        name => {
                            let name: String = name.unwrap_or_default().chars().take(40).collect();
                            return Err(Fault::bad(
                                IssueCode::NotSupported,
                                format!(
                                    "The parameter `{name}` is not supported here. Possible: resource, mode, profile."
                                ),
                            ));
                        }
                    }
                }
            }
            other => resource = other,
        }
        if profiles.len() > MOST_PROFILES {
            return Err(Fault::bad(
                IssueCode::TooLong,
                format!("At most {MOST_PROFILES} profiles are looked at together."),
            ));
        }
        let mode = match mode.as_deref() {
            None => Mode::Any,
            Some("create") => Mode::Create,
            Some("update") => Mode::Update,
            Some("delete") => Mode::Delete,
            Some(_) => {
                return Err(Fault::bad(
                    IssueCode::Value,
                    "`mode` is create, update or delete.",
                ));
            }
        };
        Ok(Asked {
            mode,
            resource,
            profiles,
        })
    }
}

/// Profiles of one question.
const MOST_PROFILES: usize = 20;

/// What does not fit the address that a resource was sent to.
fn misplaced(of: ResourceType, id: Option<&str>, mode: Mode, resource: &Value) -> Vec<Issue> {
    let mut issues = Vec::new();
    let mut wrong = |place: &str, said: String| {
        issues.push(Issue::error(IssueCode::Invalid, place, said));
    };
    if let Some(name) = resource
        .text("resourceType")
        .filter(|name| *name != of.name())
    {
        let name: String = name.chars().take(64).collect();
        wrong(
            "resourceType",
            format!("This is a `{name}`, the address says {of}."),
        );
    }
    match (id, resource.text("id"), mode) {
        (Some(id), own, _) if own != Some(id) => wrong(
            &format!("{of}.id"),
            format!("The id must be the one of the address, `{id}`."),
        ),
        (None, None, Mode::Update) => wrong(
            &format!("{of}.id"),
            "An update says the id of what it updates.".to_owned(),
        ),
        _ => {}
    }
    issues
}

fn missing(said: &str) -> Fault {
    Fault::bad(IssueCode::Required, said)
}

fn all_is_well() -> Issue {
    Issue {
        severity: "information",
        code: IssueCode::Informational,
        diagnostics: "Nothing is wrong with it.".into(),
        expression: String::new(),
    }
}
