//! The pact's policies: Cedar text, checked against our schema when a pact is opened, asked one question at a time.
//!
//! A question is an action ([`READ`]...) of somebody on something in circumstances ([`Circumstances`]); the answer
//! names the policies that decided. A `forbid` that fails while it is evaluated counts as a refusal: Cedar would skip
//! it, and so open what was closed. A `permit` that fails permits nothing.
//!
//! Cost: about 15 microseconds a question; a decision asks one and then one for each category, and is then cached.

use crate::delegate::Delegated;
use crate::{Category, MemberId, Tag};
use cedar_policy::{
    AuthorizationError, Authorizer, Context, Decision, Effect, Entities, Entity, EntityId,
    EntityTypeName, EntityUid, Policy, PolicyId, PolicySet, Request, RestrictedExpression, Schema,
    ValidationMode, Validator,
};
use std::collections::{HashMap, HashSet};
use std::str::FromStr;

/// What a pact's policies may speak of.
pub const SCHEMA: &str = include_str!("../data/pact.cedarschema");
/// The policies a new pact starts from.
pub const DEFAULT: &str = include_str!("../data/pact.cedar");

/// Bytes of policy text a pact may carry.
pub const MAX_TEXT: usize = 64 * 1024;
/// Policies a pact may carry.
pub const MAX_POLICIES: usize = 256;

/// Reads, searches, asks for history.
pub const READ: &str = "read";
/// Changes the record.
pub const WRITE: &str = "write";
/// Changes nothing but who the person is (`Patient`).
pub const REGISTER: &str = "register";
/// Writes nothing but dispensations.
pub const DISPENSE: &str = "dispense";
/// Looks somebody up: only who she is, nothing of her health.
pub const FIND: &str = "find";
/// Reads who looked.
pub const LOG: &str = "log";
/// Receives a person at the desk, gives her an appointment.
pub const RECEIVE: &str = "receive";
/// Declares an emergency, or confirms it.
pub const BREAK: &str = "break";
/// Says whether an emergency was right.
pub const REVIEW: &str = "review";
/// Brings or releases an order of the state.
pub const RELEASE: &str = "release";
/// Looks at and decides whether registrations are of one person: only who they are, nothing of their health.
pub const LINK: &str = "link";
/// Says of a registration that it is not hers.
pub const DISOWN: &str = "disown";
/// Works in somebody's name: asked beside every action of a delegate.
pub const DELEGATE: &str = "delegate";

/// The circumstances of a request, as the policies see them.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Circumstances {
    /// The actor's login.
    pub actor: String,
    /// The actor's institution.
    pub institution: MemberId,
    /// The institution that holds the record: this node.
    pub holder: MemberId,
    /// `person`, `everyone` or `shared`.
    pub scope: &'static str,
    /// Code of the purpose.
    pub purpose: &'static str,
    /// Codes of the kinds of evidence that hold, sorted.
    pub evidence: Vec<&'static str>,
    /// Code of the role.
    pub role: &'static str,
    /// Code of the licence's state, or `none`.
    pub licence_state: &'static str,
    /// Code of the institution's kind.
    pub institution_kind: &'static str,
    /// Another member asks.
    pub via_other_member: bool,
    /// The actor's own record.
    pub own_record: bool,
    /// Emergencies of hers, of her unit or of her institution wait for their review beyond its day. Policies do not
    /// see it: it closes emergencies whatever they say.
    pub reviews_overdue: bool,
    /// Somebody helps her at a desk, and sees the screen. Policies do not see it: it closes her record whatever they say.
    pub helped: bool,
    /// The categories that an order of the state names, as a bit set; policies do not see it: nothing else is opened under
    /// it, whatever they say.
    pub named: Option<u32>,
    /// The tag of whoever acts for the person, as her sign-in vouches for it; policies do not see it: whether she does,
    /// her word says, and then `representation` is among the evidence.
    pub acting: Option<Tag>,
    /// In whose name she works. Policies see the role of that one.
    pub delegated: Option<Delegated>,
    /// A delegate asks for what takes the professional's own cédula. Policies do not see it: it is closed to her whatever
    /// they say.
    pub own_cedula: bool,
}

/// What the policies say to one question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruling {
    /// Allowed.
    pub allowed: bool,
    /// The policies that decided, by `@id`; none when nothing permits.
    pub because: Vec<String>,
    /// The `@refusal` of a policy that forbade.
    pub refusal: Option<String>,
}

/// The policies of one pact, ready to be asked.
pub struct Rulebook {
    policies: PolicySet,
    refusals: HashMap<String, String>,
    authorizer: Authorizer,
    /// The actions and which belongs to which, for `action in Action::"see"`.
    actions: Entities,
    see: Vec<(Category, EntityUid)>,
    names: Names,
}

struct Names {
    actor: EntityTypeName,
    institution: EntityTypeName,
    record: EntityTypeName,
    action: EntityTypeName,
}

impl Rulebook {
    /// Parses policies and checks them strictly against [`SCHEMA`]. Every policy needs an `@id` of its own. The error
    /// is a sentence for whoever drafts the pact.
    pub fn parse(text: &str) -> Result<Rulebook, String> {
        if text.len() > MAX_TEXT {
            return Err(format!(
                "the policies have {} bytes; a pact carries at most {MAX_TEXT}",
                text.len()
            ));
        }
        let parsed = PolicySet::from_str(text).map_err(|e| format!("the policies: {e}"))?;
        if parsed.templates().next().is_some() {
            return Err("the policies hold a template; a pact carries plain policies only".into());
        }
        if parsed.num_of_policies() > MAX_POLICIES {
            return Err(format!(
                "the pact has {} policies; {MAX_POLICIES} are allowed",
                parsed.num_of_policies()
            ));
        }
        let named = parsed
            .policies()
            .map(named)
            .collect::<Result<Vec<Policy>, String>>()?;
        let refusals = named
            .iter()
            .filter_map(|p| Some((p.id().to_string(), p.annotation("refusal")?.to_owned())))
            .collect();
        let policies = PolicySet::from_policies(named)
            .map_err(|e| format!("two policies share a name: {e}"))?;
        let (schema, _) =
            Schema::from_cedarschema_str(SCHEMA).map_err(|e| format!("our own schema: {e}"))?;
        let actions = schema.action_entities().map_err(|e| e.to_string())?;
        validate(schema, &policies)?;
        let names = Names::new()?;
        let see = Category::ALL
            .into_iter()
            .map(|c| (c, names.uid(&names.action, &format!("see:{}", c.code()))))
            .collect();
        Ok(Rulebook {
            policies,
            refusals,
            authorizer: Authorizer::new(),
            actions,
            see,
            names,
        })
    }

    /// Whether there is no policy at all.
    pub fn is_empty(&self) -> bool {
        self.policies.is_empty()
    }

    /// Asks whether an action is allowed.
    pub fn ask(&self, action: &str, of: &Circumstances) -> Ruling {
        match self.question(of) {
            Ok(question) => self.ruling(self.names.uid(&self.names.action, action), &question),
            Err(why) => Ruling {
                allowed: false,
                because: vec![why],
                refusal: None,
            },
        }
    }

    /// The categories that may be seen in these circumstances, and the policies that opened them.
    pub fn sees(&self, of: &Circumstances) -> (Vec<Category>, Vec<String>) {
        let Ok(question) = self.question(of) else {
            return (Vec::new(), Vec::new());
        };
        let mut open = Vec::new();
        let mut because: Vec<String> = Vec::new();
        for (category, action) in &self.see {
            let ruling = self.ruling(action.clone(), &question);
            if ruling.allowed {
                open.push(*category);
                because.extend(ruling.because);
            }
        }
        because.sort();
        because.dedup();
        (open, because)
    }

    fn ruling(&self, action: EntityUid, question: &Question) -> Ruling {
        let request = match Request::new(
            question.principal.clone(),
            action,
            question.resource.clone(),
            question.context.clone(),
            None,
        ) {
            Ok(request) => request,
            Err(error) => return Ruling::refused(error.to_string()),
        };
        let response = self
            .authorizer
            .is_authorized(&request, &self.policies, &question.entities);
        let mut errors = response.diagnostics().errors();
        if let Some(error) = errors.find(|error| !self.only_permits(error)) {
            return Ruling::refused(format!("a policy failed: {error}"));
        }
        let mut because: Vec<String> = response
            .diagnostics()
            .reason()
            .map(PolicyId::to_string)
            .collect();
        because.sort();
        let allowed = response.decision() == Decision::Allow;
        let refusal = (!allowed)
            .then(|| because.iter().find_map(|id| self.refusals.get(id)))
            .flatten()
            .cloned();
        Ruling {
            allowed,
            because,
            refusal,
        }
    }

    /// Whether an error is of a policy that could only have permitted something.
    fn only_permits(&self, error: &AuthorizationError) -> bool {
        let AuthorizationError::PolicyEvaluationError(error) = error;
        let policy = self.policies.policy(error.policy_id());
        policy.is_some_and(|policy| policy.effect() == Effect::Permit)
    }

    fn question(&self, of: &Circumstances) -> Result<Question, String> {
        let names = &self.names;
        let text = |s: &str| RestrictedExpression::new_string(s.to_owned());
        let institution = names.uid(&names.institution, &of.institution.0);
        let holder = names.uid(&names.institution, &of.holder.0);
        let principal = names.uid(&names.actor, &format!("{}/{}", of.institution, of.actor));
        let resource = names.uid(&names.record, of.scope);
        let entity = |uid: &EntityUid, attribute: &str, value: &str, parent: Option<&EntityUid>| {
            Entity::new(
                uid.clone(),
                HashMap::from([(attribute.to_owned(), text(value))]),
                parent.into_iter().cloned().collect::<HashSet<_>>(),
            )
            .map_err(|e| e.to_string())
        };
        let mut entities = vec![
            entity(&principal, "role", of.role, Some(&institution))?,
            entity(&resource, "scope", of.scope, Some(&holder))?,
            entity(&institution, "kind", of.institution_kind, None)?,
        ];
        if holder != institution {
            entities.push(entity(&holder, "kind", "", None)?);
        }
        let entities = self
            .actions
            .clone()
            .add_entities(entities, None)
            .map_err(|e| e.to_string())?;
        let flag = RestrictedExpression::new_bool;
        let context = Context::from_pairs(
            [
                ("purpose", text(of.purpose)),
                (
                    "evidence",
                    RestrictedExpression::new_set(of.evidence.iter().map(|e| text(e))),
                ),
                ("role", text(of.role)),
                ("licence_state", text(of.licence_state)),
                ("institution_kind", text(of.institution_kind)),
                ("same_institution", flag(of.institution == of.holder)),
                ("via_other_member", flag(of.via_other_member)),
                ("own_record", flag(of.own_record)),
                (
                    "delegated_by",
                    text(of.delegated.as_ref().map_or("none", |by| by.role.code())),
                ),
            ]
            .map(|(name, value)| (name.to_owned(), value)),
        )
        .map_err(|e| e.to_string())?;
        Ok(Question {
            principal,
            resource,
            entities,
            context,
        })
    }
}

impl Ruling {
    fn refused(why: String) -> Ruling {
        Ruling {
            allowed: false,
            because: vec![why],
            refusal: None,
        }
    }
}

impl std::fmt::Debug for Rulebook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Rulebook({} policies)", self.policies.num_of_policies())
    }
}

/// One request as Cedar wants it, without the action.
struct Question {
    principal: EntityUid,
    resource: EntityUid,
    entities: Entities,
    context: Context,
}

impl Names {
    fn new() -> Result<Names, String> {
        let name = |n| EntityTypeName::from_str(n).map_err(|e| e.to_string());
        Ok(Names {
            actor: name("Actor")?,
            institution: name("Institution")?,
            record: name("Record")?,
            action: name("Action")?,
        })
    }
    fn uid(&self, of: &EntityTypeName, id: &str) -> EntityUid {
        EntityUid::from_type_name_and_id(of.clone(), EntityId::new(id))
    }
}

/// The policy under its `@id`, so that diagnostics speak of it by that name.
fn named(policy: &Policy) -> Result<Policy, String> {
    let id = policy
        .annotation("id")
        .filter(|id| !id.is_empty() && id.len() <= 64)
        .ok_or_else(|| format!("a policy has no @id(\"...\") of 1 to 64 characters:\n{policy}"))?;
    Ok(policy.new_id(PolicyId::new(id)))
}

fn validate(schema: Schema, policies: &PolicySet) -> Result<(), String> {
    let result = Validator::new(schema).validate(policies, ValidationMode::Strict);
    match result.validation_errors().next() {
        None => Ok(()),
        Some(error) => Err(format!("the policies do not fit the schema: {error}")),
    }
}

#[cfg(test)]
mod tests;
