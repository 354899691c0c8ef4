//! The decision with what the house knows: who is meant, which evidence holds, what the person said last.
//!
//! Cost of a decision: finding the person and her evidence (two or three reads of the archive); then, the first time,
//! about sixteen questions to Cedar, and after that one look into [`Verdicts`]. A refusal costs a commit: it is an act.

use super::accounts::json;
use super::acts::Deed;
use super::judge::{self, Case, Opens, Verdict, judge, kind_code, with_representation};
use super::person::{Person, Target};
use super::question::{self, Acting, Question, Said};
use super::words::Heard;
use super::{
    Gate, Grant, Grounds, InForce, Purpose, Refusal, RefusalKind, Request, What, hex, locked,
    random,
};
use crate::act::Doer;
use crate::delegate::Delegated;
use crate::policy::{self, Circumstances};
use crate::word::{self, Hidden, Residual, Used, Viewer, Word};
use crate::{ActKind, Actor, Category, Evidence, EvidenceKind, MemberId, MemberKind, Role, Tag};
use fhir::ResourceType;
use jiff::Timestamp;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use store::{HiddenOf, LeftOut, PersonKey, ResidualOf, Scope, Terms, Verb, Verbs};
use tracing::field::Empty;

/// How often a decision is made anew because colleagues used the same grant meanwhile.
const MAX_TURNS: usize = 8;
/// Decisions remembered.
const MAX_VERDICTS: usize = 65_536;

/// Decisions made, by all that they were made on. An entry holds from when it was made until a rule or a piece of
/// evidence of it runs out.
#[derive(Default)]
pub(crate) struct Verdicts(HashMap<Key, Remembered>);

#[derive(Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    circumstances: Circumstances,
    actions: Vec<&'static str>,
    pub(super) opens: Opens,
    pact: u64,
    words: Vec<(Tag, [u8; 32])>,
    used: Vec<Used>,
}

struct Remembered {
    verdict: Arc<Verdict>,
    from: Timestamp,
    until: Timestamp,
}

/// What somebody who asks about everyone is not shown of each person: by categories, and what resources are asked besides.
pub(super) type LeftOutOf = (HiddenOf, Option<ResidualOf>);

/// A request as far as it is understood.
pub(super) struct Asked<'a> {
    pub(super) request: &'a Request,
    pub(super) target: &'a Target,
    kind: MemberKind,
    pub(super) evidence: Vec<Evidence>,
    pub(super) words: Vec<Arc<Heard>>,
    pub(super) key: Key,
    pub(super) now: Timestamp,
}

impl Asked<'_> {
    /// Whether the person asks for her own.
    pub(super) fn is_herself(&self) -> bool {
        self.key.circumstances.own_record
    }
    /// Who acts for the person, if somebody says that she does.
    fn acting(&self) -> Option<Acting> {
        let tag = self.key.circumstances.acting?;
        let mut words = self.words.iter().map(|heard| &heard.signed.word);
        let tie = words.find_map(|word| Some(word.representative(tag, self.now)?.tie));
        Some(Acting { tag, tie })
    }
    /// Further tags, as far as evidence is kept under them.
    fn also(&self) -> Vec<Tag> {
        let first = self.target.tags().first().copied();
        let mut also: Vec<Tag> = self.evidence.iter().map(|one| one.person).collect();
        also.retain(|tag| Some(*tag) != first);
        also.sort_unstable();
        also.dedup();
        also
    }
    /// On what the verdict stands, for the act.
    fn grounds(&self, verdict: &Verdict) -> Grounds {
        let request = self.request;
        let words: Vec<Said> = self.words.iter().map(|heard| Said::of(heard)).collect();
        Grounds {
            pact: self.key.pact,
            word: words.iter().map(|said| said.version).max().unwrap_or(0),
            question: Some(Question {
                verbs: request.verbs,
                types: request.types.clone(),
                scope: self.target.scope(),
                licence: request.actor.licence.as_ref().map(|licence| licence.state),
                own_record: self.key.circumstances.own_record,
                reviews_overdue: self.key.circumstances.reviews_overdue,
                named: self.key.circumstances.named,
                acting: self.acting(),
                delegated: self.key.circumstances.delegated.clone(),
                words,
                used: self.key.used.clone(),
                also: self.also(),
                at: self.now,
            }),
            evidence: self.evidence.iter().map(|e| e.id.clone()).collect(),
            policies: verdict.policies.clone(),
            rules: verdict.rules.clone(),
            hidden: verdict.hidden.0,
            held: verdict.held.0,
            only: verdict.only.map(|only| only.0),
        }
    }
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
        for turn in 0..MAX_TURNS {
            let (refusal, grounds) = match self.consider(&request, &target, now) {
                Ok((asked, verdict)) => match &verdict.refused {
                    None => match self.within_bounds(&asked) {
                        Ok(()) if self.use_grants(&asked, &verdict)? => {
                            let granted = self.granted(&asked, &verdict)?;
                            return Ok(granted(request));
                        }
                        Ok(()) => {
                            // What a colleague used is refused to others before it can be read: asked again at once, the
                            // turns would be over before that.
                            std::thread::sleep(Duration::from_millis(1 << turn.min(5)));
                            continue;
                        }
                        Err(refusal) => (refusal, None),
                    },
                    Some((kind, because)) => {
                        let refusal = match (kind, verdict.again) {
                            (RefusalKind::UsedUp, Some(again)) => {
                                Refusal::used_up(because.clone(), again)
                            }
                            _ => Refusal::new(*kind, because.clone()),
                        };
                        (refusal, Some(asked.grounds(&verdict)))
                    }
                },
                Err(refusal) => (refusal, None),
            };
            if !matches!(refusal.kind, RefusalKind::Unavailable | RefusalKind::Bad) {
                self.deny(&request, &target, &refusal, grounds, now)?;
            }
            return Err(refusal);
        }
        Err(Refusal::new(RefusalKind::Unavailable, Vec::new()))
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
        let verdict = locked(&self.house.verdicts).get(&asked.key, now)?;
        let is_look_up = request.what == super::What::Find;
        // To use what she opened so many times may be a commit.
        let is_use = !verdict.under.is_empty();
        if verdict.refused.is_some() || is_look_up || is_use || !self.met_before(&asked) {
            return None;
        }
        self.words_are_current(&asked).ok()?;
        let granted = self.granted(&asked, &verdict).ok()?;
        Some(granted(request))
    }

    /// What no rule says: words that may be old, looking people up without end, opening records without care.
    fn within_bounds(&self, asked: &Asked<'_>) -> Result<(), Refusal> {
        self.words_are_current(asked)?;
        self.seek(asked.request, asked.now)?;
        self.meet(asked)
    }

    /// Everything up to the verdict, and the verdict.
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
        let verdict = self.verdict(&in_force, &asked);
        Ok((asked, verdict))
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
        let types = request.types.as_deref();
        let (actions, opens) =
            question::actions(request.verbs, types, &request.what, request.actor.role)?;
        let evidence = self.weigh(request, target, now)?;
        let words = self.words_of(target.tags());
        let mut circumstances =
            self.circumstances_of(in_force, request, target, &evidence, &words, now)?;
        if self.is_kept_from_her(request, &words, now) {
            circumstances.own_record = false;
            circumstances.acting = None;
            let shown = std::mem::take(&mut circumstances.evidence);
            circumstances.evidence = with_representation(shown, None, [], now);
        }
        let used = self.used(request, &words, opens, now)?;
        Ok(Asked {
            key: Key {
                used,
                circumstances,
                actions,
                opens,
                pact: in_force.pact.version,
                words: words
                    .iter()
                    .map(|heard| (heard.signed.word.person, heard.digest))
                    .collect(),
            },
            words,
            evidence,
            kind,
            request,
            target,
            now,
        })
    }

    /// The grant that a verdict gives, for the request that was asked.
    fn granted(
        &self,
        asked: &Asked<'_>,
        verdict: &Verdict,
    ) -> Result<impl FnOnce(Request) -> Grant + use<>, Refusal> {
        let (request, target, key) = (asked.request, asked.target, &asked.key);
        let permit = self.permit(request, target, key, verdict, asked.now)?;
        let newcomer = is_newcomer(request, target, &key.actions);
        let evidence = match asked.acting() {
            Some(Acting { tie: Some(_), .. }) => Some(EvidenceKind::Representation),
            _ => asked.evidence.first().map(|evidence| evidence.kind),
        };
        let (grounds, hint, untold) = (asked.grounds(verdict), verdict.hint, verdict.untold);
        let under = verdict.under.iter();
        let erase_at = under.filter_map(|(_, grant)| grant.terms.erase_at).min();
        let again = verdict.again;
        let told = self.told_of(request, asked.now)?;
        let tags = target.tags().to_vec();
        Ok(move |request| Grant {
            permit,
            grounds,
            hint,
            untold,
            tag: tags.first().copied(),
            tags,
            evidence,
            told,
            newcomer,
            erase_at,
            again,
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
        if (request.purpose == Purpose::State) != matches!(request.what, What::Order(_)) {
            return Err(Refusal::forged("an order that is not named"));
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
            actor: Doer::login(actor).to_owned(),
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
            helped: actor.helper.is_some(),
            reviews_overdue: false,
            named: None,
            acting: None,
            delegated: None,
            own_cedula: false,
        }
    }

    /// The circumstances of a request, with the evidence that counts for it.
    fn circumstances_of(
        &self,
        in_force: &InForce,
        request: &Request,
        target: &Target,
        evidence: &[Evidence],
        words: &[Arc<Heard>],
        now: Timestamp,
    ) -> Result<Circumstances, Refusal> {
        let via = request.via.is_some();
        let (actor, scope) = (&request.actor, target.scope());
        let mut circumstances = self.circumstances(in_force, actor, request.purpose, scope, via);
        circumstances.evidence = evidence.iter().map(|e| e.kind.code()).collect();
        circumstances.evidence.dedup();
        if let Some(delegator) = &actor.delegator {
            circumstances.delegated = Some(Delegated::at(delegator, now));
            let types = request.types.as_deref();
            circumstances.own_cedula = question::takes_own_cedula(request.verbs, types);
        }
        let own_access = circumstances.evidence.contains(&"own-access");
        // Another member must say of its patient that it is she; her CURP need not travel for that, and one that does must be hers.
        let own_record = self.is_own(actor, target.tags());
        circumstances.own_record = match via {
            false => own_record,
            true => {
                let patient = actor.role == Role::Patient;
                patient && own_access && (own_record || actor.curp.is_none())
            }
        };
        if request.purpose == Purpose::Family {
            circumstances.own_record = false;
            circumstances.acting = match via {
                false => self.own_tag(actor),
                true => vouched(actor, evidence),
            };
            let words = words.iter().map(|heard| &heard.signed.word);
            let (evidence, acting) = (circumstances.evidence, circumstances.acting);
            circumstances.evidence = with_representation(evidence, acting, words, now);
        }
        if request.purpose == Purpose::Emergency {
            circumstances.reviews_overdue = self.reviews_overdue(actor, now)?;
        }
        if request.purpose == Purpose::State {
            let order = self.order_of(request)?;
            circumstances.named = order.map(|order| Category::set(&order.paper.what).0);
        }
        Ok(circumstances)
    }

    fn verdict(&self, in_force: &InForce, asked: &Asked<'_>) -> Arc<Verdict> {
        let (request, key) = (asked.request, &asked.key);
        if let Some(known) = locked(&self.house.verdicts).get(key, asked.now) {
            return known;
        }
        let words: Vec<&Word> = asked.words.iter().map(|heard| &heard.signed.word).collect();
        let verdict = Arc::new(judge(&Case {
            rulebook: &in_force.rulebook,
            purposes: &in_force.pact.purposes,
            never: in_force.pact.never(),
            seals: in_force.pact.seals.as_ref(),
            actions: &key.actions,
            opens: key.opens,
            viewer: Viewer {
                member: &request.actor.member,
                kind: asked.kind,
                role: request.actor.role,
                actor: &key.circumstances.actor,
                herself: key.circumstances.own_record,
                acting: key.circumstances.acting,
            },
            circumstances: &key.circumstances,
            words: &words,
            used: &key.used,
            purpose: request.purpose,
            now: asked.now,
        }));
        let until = holds_until(&words, &asked.evidence, asked.now);
        locked(&self.house.verdicts).put(key.clone(), verdict.clone(), asked.now, until);
        verdict
    }

    fn permit(
        &self,
        request: &Request,
        target: &Target,
        key: &Key,
        verdict: &Verdict,
        now: Timestamp,
    ) -> Result<store::Permit, Refusal> {
        let house_itself = matches!(request.actor.role, Role::System | Role::Operator);
        let opens = key.opens;
        let mut types = request.types.clone();
        let mut verbs = request.verbs;
        if opens == Opens::Identity {
            types = Some(ResourceType::from_name("Patient").into_iter().collect());
        }
        let left_out = verdict.left_out();
        let mut residual = self.sieve(&verdict.residual);
        let mut everyone = || {
            let (hidden, besides) = self.everyone(request, opens, left_out, now)?;
            residual = besides;
            Ok::<_, Refusal>(Scope::People(hidden))
        };
        let scope = match target {
            Target::Shared => Scope::Shared,
            Target::Everyone => everyone()?,
            // The institution's own software may store under an id of its choice what is not there yet.
            Target::Unknown if house_itself => everyone()?,
            Target::Unknown => Scope::Person {
                keys: Vec::new(),
                left_out,
                only: verdict.only,
            },
            Target::Person(person) if is_newcomer(request, target, &key.actions) => {
                debug_assert!(person.keys.is_empty());
                verbs = Verbs::only(Verb::Create);
                Scope::People(Arc::new(|_| LeftOut::default()))
            }
            Target::Person(Person { keys, .. }) => Scope::Person {
                keys: keys.clone(),
                left_out,
                only: verdict.only,
            },
        };
        Ok(self.house.seal.permit(Terms {
            id: random()?,
            scope,
            verbs,
            types,
            residual,
        }))
    }

    /// What is left out of each person for somebody who asks about everyone.
    pub(super) fn everyone(
        &self,
        request: &Request,
        opens: Opens,
        closed: LeftOut,
        now: Timestamp,
    ) -> Result<LeftOutOf, Refusal> {
        let words = match opens {
            Opens::Unseen => Arc::default(),
            _ => self.words_by_person()?,
        };
        let in_force = self.in_force();
        let (pact, kind) = (in_force.pact.clone(), in_force.kind(&request.actor.member));
        let (actor, purpose) = (request.actor.clone(), request.purpose);
        let mut viewers = vec![(Doer::login(&actor).to_owned(), actor.role)];
        let delegator = actor.delegator.iter();
        viewers.extend(delegator.map(|by| (by.login.clone(), by.role)));
        let silent = words.is_empty();
        let hers = Arc::new(move |person: PersonKey| -> Vec<Hidden> {
            let (Some(said), Some(kind)) = (words.get(&person), kind) else {
                return Vec::new();
            };
            let viewer = |(login, role)| Viewer {
                member: &actor.member,
                kind,
                role,
                actor: login,
                herself: false,
                acting: None,
            };
            let words = said.iter().map(|heard| Some(&heard.signed.word));
            let viewers = viewers.iter().map(|(login, role)| (login.as_str(), *role));
            words
                .flat_map(|word| viewers.clone().map(move |one| (word, viewer(one))))
                // Of everybody at once nobody counts what is used.
                .map(|(word, viewer)| {
                    let seals = pact.seals.as_ref();
                    word::hidden_when(word, seals, &viewer, purpose, now, &|_, _| true)
                })
                .collect()
        });
        let (labels, holder) = (hers.clone(), self.house.member.clone());
        let hidden: HiddenOf = Arc::new(move |person| {
            let hers = labels(person).into_iter();
            hers.fold(closed, |left_out, one| LeftOut {
                hidden: left_out.hidden.with(one.labels),
                held: left_out.held.with(judge::held(&one, opens)),
                ..left_out
            })
        });
        let residual: ResidualOf = Arc::new(move |person| {
            let hers = hers(person).into_iter().filter_map(|one| one.residual);
            Sieve::of(hers.collect(), &holder)
        });
        Ok((hidden, (!silent).then_some(residual)))
    }

    /// What resources of one person are asked under these residuals.
    pub(super) fn sieve(&self, residual: &[Arc<Residual>]) -> Option<ResidualOf> {
        let sieve = Sieve::of(residual.to_vec(), &self.house.member)?;
        Some(Arc::new(move |_| Some(sieve.clone())))
    }

    /// Makes a refusal an act, listed for the person it was about.
    pub(super) fn deny(
        &self,
        request: &Request,
        target: &Target,
        refusal: &Refusal,
        grounds: Option<Grounds>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let code = refusal.kind.code().to_owned();
        let deed = Deed {
            via: request.via.clone(),
            persons: target.tags().to_vec(),
            what: request.what.clone(),
            refused: [vec![code], refusal.because.clone()].concat(),
            // Who asks for a finding by its name would tell of it by being refused.
            labels: self.findings_named(&request.person),
            grounds,
            told: self.told_of(request, now)?,
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

/// The tag for which another member vouches of somebody who acts for a person.
fn vouched(actor: &Actor, evidence: &[Evidence]) -> Option<Tag> {
    let personal = |one: &&Evidence| one.actor.as_ref() == Some(&actor.id);
    let mut evidence = evidence.iter().filter(personal);
    let found = evidence.find_map(|one| one.acting)?;
    (actor.role == Role::Patient).then_some(found)
}

/// Somebody who is registered for the first time: only a new `Patient` may be stored, and only hers (see `write`).
fn is_newcomer(request: &Request, target: &Target, actions: &[&'static str]) -> bool {
    let unknown = matches!(target, Target::Person(person) if person.keys.is_empty());
    unknown && actions == [policy::REGISTER] && request.verbs.has(Verb::Create)
}

/// What the words of a person leave to her resources to answer, as the archive asks it.
struct Sieve {
    residual: Vec<Arc<Residual>>,
    holder: MemberId,
    name: [u8; 32],
}

impl Sieve {
    fn of(residual: Vec<Arc<Residual>>, holder: &MemberId) -> Option<Arc<dyn store::Residual>> {
        if residual.is_empty() {
            return None;
        }
        let rules: Vec<&Residual> = residual.iter().map(Arc::as_ref).collect();
        Some(Arc::new(Sieve {
            name: ledger::sha256(&json(&rules)),
            holder: holder.clone(),
            residual,
        }))
    }
}

impl store::Residual for Sieve {
    fn name(&self) -> [u8; 32] {
        self.name
    }
    fn hides(&self, of: ResourceType, id: &str, resource: &fhir::Value) -> bool {
        let mut residual = self.residual.iter();
        residual.any(|one| one.hides(&self.holder, of, id, resource))
    }
}

/// Until when the same inputs give the same decision: the next end of a rule, a wish or a piece of evidence.
fn holds_until(words: &[&Word], evidence: &[Evidence], now: Timestamp) -> Timestamp {
    let turns = words.iter().flat_map(|word| word.turns());
    turns
        .chain(evidence.iter().map(|evidence| evidence.until))
        .filter(|until| *until > now)
        .min()
        .unwrap_or(Timestamp::MAX)
}
