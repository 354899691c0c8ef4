//! The decision with what the house knows: who is meant, which evidence holds, what the person said last.
//!
//! Cost of a decision: finding the person and her evidence (two or three reads of the archive); then, the first time,
//! about sixteen questions to Cedar, and after that one look into [`Verdicts`]. A refusal costs a commit: it is an act.

use super::acts::Deed;
use super::judge::{Case, Opens, Verdict, judge, kind_code};
use super::person::{Person, Target};
use super::words::Heard;
use super::{
    Gate, Grant, Grounds, InForce, Purpose, Refusal, RefusalKind, Request, What, hex, locked,
    random,
};
use crate::policy::{self, Circumstances};
use crate::{ActKind, Actor, Evidence, MemberKind, Role, Tag, Viewer, Word, word};
use fhir::ResourceType;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use store::{Labels, PersonKey, Scope, Terms, Verb, Verbs};
use tracing::field::Empty;

/// Decisions remembered.
const MAX_VERDICTS: usize = 65_536;

/// Decisions made, by all that they were made on. An entry holds from when it was made until a rule or a piece of
/// evidence of it runs out.
#[derive(Default)]
pub(crate) struct Verdicts(HashMap<Key, Remembered>);

#[derive(PartialEq, Eq, Hash)]
struct Key {
    circumstances: Circumstances,
    actions: Vec<&'static str>,
    opens: Opens,
    pact: u64,
    words: Vec<(Tag, [u8; 32])>,
}

struct Remembered {
    verdict: Arc<Verdict>,
    from: Timestamp,
    until: Timestamp,
}

/// What is hidden of each person.
type HiddenOf = Arc<dyn Fn(PersonKey) -> Labels + Send + Sync>;

/// A request as far as it is understood.
struct Asked<'a> {
    request: &'a Request,
    target: &'a Target,
    actions: Vec<&'static str>,
    opens: Opens,
    kind: MemberKind,
    evidence: Vec<Evidence>,
    words: Vec<Arc<Heard>>,
}

impl Gate {
    /// Decides. A refusal is already an act when this returns (but for a request that makes no sense, and an archive
    /// that cannot answer).
    ///
    /// What was found out on the way: who is meant, a newer word that came along (heard first), the evidence kept
    /// here and that came. Whether the person is known here does not show in a refusal.
    pub fn decide(&self, request: Request, now: Timestamp) -> Result<Grant, Refusal> {
        let span = tracing::debug_span!(
            "decision",
            purpose = request.purpose.code(),
            role = request.actor.role.code(),
            permit = Empty,
            refused = Empty
        );
        let decided = span.in_scope(|| self.decided(request, now));
        if !span.is_disabled() {
            match &decided {
                Ok(grant) => span.record("permit", hex(&grant.permit.id())),
                Err(refusal) => span.record("refused", refusal.kind.code()),
            };
        }
        decided
    }

    fn decided(&self, request: Request, now: Timestamp) -> Result<Grant, Refusal> {
        let target = self.resolve(&request.person)?;
        match self.consider(&request, &target, now) {
            Ok((asked, verdict)) => {
                let granted = self.granted(asked, &verdict, now)?;
                Ok(granted(request))
            }
            Err(refusal) => {
                if !matches!(refusal.kind, RefusalKind::Unavailable | RefusalKind::Bad) {
                    self.deny(&request, &target, &refusal, now)?;
                }
                Err(refusal)
            }
        }
    }

    /// The grant for a request of somebody here that was granted before on the same grounds. Never waits: reads a few
    /// rows of the archive, asks no policy, keeps no act. `None` says nothing of the request; [`Gate::decide`] does.
    pub fn decided_before(&self, request: Request, now: Timestamp) -> Option<Grant> {
        if request.word.is_some() || !request.evidence.is_empty() {
            return None;
        }
        let target = self.resolve(&request.person).ok()?;
        if !matches!(target, Target::Person(_) | Target::Shared) {
            return None;
        }
        let in_force = self.in_force();
        let asked = self.understood(&in_force, &request, &target, now).ok()?;
        let key = self.verdict_key(&in_force, &asked);
        let verdict = locked(&self.house.verdicts).get(&key, now)?;
        if verdict.refused.is_some() {
            return None;
        }
        let granted = self.granted(asked, &verdict, now).ok()?;
        Some(granted(request))
    }

    /// Everything up to the decision, and the decision; a refused verdict is an error.
    fn consider<'a>(
        &self,
        request: &'a Request,
        target: &'a Target,
        now: Timestamp,
    ) -> Result<(Asked<'a>, Arc<Verdict>), Refusal> {
        let in_force = self.in_force();
        if let Some(word) = &request.word {
            self.check_asker(&in_force, request)?;
            self.hear_along(word, request, target, now)?;
        }
        let asked = self.understood(&in_force, request, target, now)?;
        let verdict = self.verdict(&in_force, &asked, now);
        match &verdict.refused {
            None => Ok((asked, verdict)),
            Some((kind, because)) => Err(Refusal::new(*kind, because.clone())),
        }
    }

    /// A request with the grounds that there are for it here.
    fn understood<'a>(
        &self,
        in_force: &InForce,
        request: &'a Request,
        target: &'a Target,
        now: Timestamp,
    ) -> Result<Asked<'a>, Refusal> {
        let kind = self.check_asker(in_force, request)?;
        let (actions, opens) = actions(request)?;
        Ok(Asked {
            evidence: self.weigh(request, target, now)?,
            words: self.words_of(target.tags()),
            actions,
            opens,
            kind,
            request,
            target,
        })
    }

    /// The grant that a verdict gives, for the request that was asked.
    fn granted(
        &self,
        asked: Asked<'_>,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<impl FnOnce(Request) -> Grant + use<>, Refusal> {
        let (request, target) = (asked.request, asked.target);
        let permit = self.permit(request, target, asked.opens, verdict, now)?;
        let newcomer = is_newcomer(request, target, &asked.actions);
        let kind = asked.evidence.first().map(|evidence| evidence.kind);
        let versions = asked.words.iter().map(|word| word.signed.word.version);
        let grounds = Grounds {
            pact: self.in_force().pact.version,
            word: versions.max().unwrap_or(0),
            evidence: asked.evidence.into_iter().map(|e| e.id).collect(),
            policies: verdict.policies.clone(),
            rules: verdict.rules.clone(),
            hidden: verdict.hidden.0,
        };
        let (hint, tags) = (verdict.hint, target.tags().to_vec());
        Ok(move |request| Grant {
            permit,
            grounds,
            hint,
            tag: tags.first().copied(),
            tags,
            evidence: kind,
            newcomer,
            request,
        })
    }

    /// The actor must belong to the member that asks: this node, or the one whose signed request this is.
    fn check_asker(&self, in_force: &InForce, request: &Request) -> Result<MemberKind, Refusal> {
        let here = &self.house.member;
        let from = request.via.as_ref().unwrap_or(here);
        if request.actor.member != *from || request.via.as_ref() == Some(here) {
            return Err(Refusal::forged("an actor of another institution"));
        }
        in_force
            .kind(from)
            .ok_or_else(|| Refusal::forged("an institution outside of the pact"))
    }

    /// The circumstances of an actor of this pact, without evidence.
    pub(super) fn circumstances(
        &self,
        in_force: &InForce,
        actor: &Actor,
        purpose: Purpose,
        scope: &'static str,
        via_other_member: bool,
    ) -> Circumstances {
        Circumstances {
            actor: actor.id.clone(),
            institution: actor.member.clone(),
            holder: self.house.member.clone(),
            scope,
            purpose: purpose.code(),
            evidence: Vec::new(),
            role: actor.role.code(),
            licence_state: actor.licence_state(),
            institution_kind: in_force.kind(&actor.member).map_or("", kind_code),
            via_other_member,
            own_record: false,
        }
    }

    /// All that a decision is made on.
    fn verdict_key(&self, in_force: &InForce, asked: &Asked<'_>) -> Key {
        let request = asked.request;
        let mut circumstances = self.circumstances(
            in_force,
            &request.actor,
            request.purpose,
            asked.target.scope(),
            request.via.is_some(),
        );
        circumstances.evidence = asked.evidence.iter().map(|e| e.kind.code()).collect();
        circumstances.evidence.dedup();
        let own_access = circumstances.evidence.contains(&"own-access");
        // Another member must say of its patient that it is she; her CURP need not travel for that, and one that does must be hers.
        let own_record = self.is_own(&request.actor, asked.target.tags());
        circumstances.own_record = match request.via {
            None => own_record,
            Some(_) => {
                let patient = request.actor.role == crate::Role::Patient;
                patient && own_access && (own_record || request.actor.curp.is_none())
            }
        };
        Key {
            actions: asked.actions.clone(),
            opens: asked.opens,
            pact: in_force.pact.version,
            words: asked
                .words
                .iter()
                .map(|heard| (heard.signed.word.person, heard.digest))
                .collect(),
            circumstances,
        }
    }

    fn verdict(&self, in_force: &InForce, asked: &Asked<'_>, now: Timestamp) -> Arc<Verdict> {
        let request = asked.request;
        let key = self.verdict_key(in_force, asked);
        if let Some(known) = locked(&self.house.verdicts).get(&key, now) {
            return known;
        }
        let words: Vec<&Word> = asked.words.iter().map(|heard| &heard.signed.word).collect();
        let verdict = Arc::new(judge(&Case {
            rulebook: &in_force.rulebook,
            actions: &key.actions,
            opens: key.opens,
            viewer: Viewer {
                member: &request.actor.member,
                kind: asked.kind,
                role: request.actor.role,
                actor: &request.actor.id,
                herself: key.circumstances.own_record,
            },
            circumstances: &key.circumstances,
            words: &words,
            purpose: request.purpose,
            now,
        }));
        let until = holds_until(&words, &asked.evidence, now);
        locked(&self.house.verdicts).put(key, verdict.clone(), now, until);
        verdict
    }

    fn permit(
        &self,
        request: &Request,
        target: &Target,
        opens: Opens,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<store::Permit, Refusal> {
        let house_itself = matches!(request.actor.role, Role::System | Role::Operator);
        let mut types = request.types.clone();
        let mut verbs = request.verbs;
        if opens == Opens::Identity {
            types = Some(ResourceType::from_name("Patient").into_iter().collect());
        }
        let everyone = || self.everyone(request, opens, verdict.hidden, now);
        let scope = match target {
            Target::Shared => Scope::Shared,
            Target::Everyone => Scope::People(everyone()?),
            // The institution's own software may store under an id of its choice what is not there yet.
            Target::Unknown if house_itself => Scope::People(everyone()?),
            Target::Unknown => Scope::Person {
                keys: Vec::new(),
                hidden: verdict.hidden,
            },
            Target::Person(person) if is_newcomer(request, target, &actions(request)?.0) => {
                debug_assert!(person.keys.is_empty());
                verbs = Verbs::only(Verb::Create);
                Scope::People(Arc::new(|_| Labels(0)))
            }
            Target::Person(Person { keys, .. }) => Scope::Person {
                keys: keys.clone(),
                hidden: verdict.hidden,
            },
        };
        Ok(self.house.seal.permit(Terms {
            id: random()?,
            scope,
            verbs,
            types,
        }))
    }

    /// What is hidden of each person from somebody who asks about everyone.
    fn everyone(
        &self,
        request: &Request,
        opens: Opens,
        closed: Labels,
        now: Timestamp,
    ) -> Result<HiddenOf, Refusal> {
        let words = match opens {
            Opens::Unseen => Arc::default(),
            _ => self.words_by_person()?,
        };
        let kind = self.in_force().kind(&request.actor.member);
        let (actor, purpose) = (request.actor.clone(), request.purpose);
        Ok(Arc::new(move |person: PersonKey| {
            let (Some(said), Some(kind)) = (words.get(&person), kind) else {
                return closed;
            };
            let viewer = Viewer {
                member: &actor.member,
                kind,
                role: actor.role,
                actor: &actor.id,
                herself: false,
            };
            said.iter().fold(closed, |hidden, heard| {
                let word = Some(&heard.signed.word);
                hidden.with(word::hidden(word, &viewer, purpose, now).labels)
            })
        }))
    }

    /// Makes a refusal an act, listed for the person it was about.
    pub(super) fn deny(
        &self,
        request: &Request,
        target: &Target,
        refusal: &Refusal,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let code = refusal.kind.code().to_owned();
        let deed = Deed {
            via: request.via.clone(),
            persons: target.tags().to_vec(),
            what: request.what.clone(),
            refused: [vec![code], refusal.because.clone()].concat(),
            ..Deed::new(ActKind::Denied, &request.actor, request.purpose)
        };
        self.keep(Vec::new(), Vec::new(), Some(deed), now)
    }
}

impl Verdicts {
    fn get(&self, key: &Key, now: Timestamp) -> Option<Arc<Verdict>> {
        self.0
            .get(key)
            .filter(|known| known.from <= now && now < known.until)
            .map(|known| known.verdict.clone())
    }
    fn put(&mut self, key: Key, verdict: Arc<Verdict>, from: Timestamp, until: Timestamp) {
        if self.0.len() >= MAX_VERDICTS {
            self.0.clear();
        }
        self.0.insert(
            key,
            Remembered {
                verdict,
                from,
                until,
            },
        );
    }
}

/// What a request asks the policies, and how much of a record that opens.
fn actions(request: &Request) -> Result<(Vec<&'static str>, Opens), Refusal> {
    let any = |verbs: &[Verb]| verbs.iter().any(|verb| request.verbs.has(*verb));
    let reading = any(&[Verb::Read, Verb::Search, Verb::History]);
    let changing = any(&[Verb::Update, Verb::Delete]);
    let writing = changing || request.verbs.has(Verb::Create);
    let special = match request.what {
        What::Log => Some(policy::LOG),
        What::Find => Some(policy::FIND),
        _ => None,
    };
    if let Some(action) = special {
        return match writing {
            true => Err(Refusal::bad(
                "Buscar y leer el registro no cambian nada.",
                "To find somebody or to read a log changes nothing.",
            )),
            false => Ok((vec![action], Opens::Identity)),
        };
    }
    let write = match request.types.as_deref() {
        Some([of]) if of.name() == "Patient" && !request.verbs.has(Verb::Delete) => {
            policy::REGISTER
        }
        Some([of]) if of.name() == "MedicationDispense" => policy::DISPENSE,
        _ => policy::WRITE,
    };
    let mut asked = Vec::new();
    if reading || !writing {
        asked.push(policy::READ);
    }
    if writing {
        asked.push(write);
    }
    let house_itself = matches!(request.actor.role, Role::System | Role::Operator);
    let opens = match (reading || !writing, changing) {
        (true, _) => Opens::Seen,
        // Nothing that is there is shown by storing something new, nor to an institution that keeps its own books.
        (false, false) => Opens::Unseen,
        (false, true) if house_itself => Opens::Unseen,
        (false, true) if write == policy::REGISTER => Opens::Identity,
        (false, true) => Opens::Seen,
    };
    Ok((asked, opens))
}

/// Somebody who is registered for the first time: only a new `Patient` may be stored, and only hers (see `write`).
fn is_newcomer(request: &Request, target: &Target, actions: &[&'static str]) -> bool {
    let unknown = matches!(target, Target::Person(person) if person.keys.is_empty());
    unknown && actions == [policy::REGISTER] && request.verbs.has(Verb::Create)
}

/// Until when the same inputs give the same decision: the next end of a rule or of a piece of evidence.
fn holds_until(words: &[&Word], evidence: &[Evidence], now: Timestamp) -> Timestamp {
    let rules = words.iter().flat_map(|word| &word.rules);
    rules
        .filter_map(|rule| rule.until)
        .chain(evidence.iter().map(|evidence| evidence.until))
        .filter(|until| *until > now)
        .min()
        .unwrap_or(Timestamp::MAX)
}
