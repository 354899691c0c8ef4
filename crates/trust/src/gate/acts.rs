//! The log: making acts, and reading them as the person they are about.

use super::person::Target;
use super::{Gate, Grant, Grounds, Purpose, Refusal, RefusalKind, Tag, What, hex, random, rows};
use crate::act::{Act, ActKind, ActView, Doer, Opinion, Seen};
use crate::{Actor, EvidenceKind, MemberId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use store::{ActRecord, Labels, PersonKey};

/// Rows to put or, without a value, to delete.
pub(crate) type Rows = Vec<(Vec<u8>, Option<Vec<u8>>)>;

/// Acts on a page at most.
const MAX_PAGE: usize = 1_000;
/// People under whose keys one act is listed at most; a load of more people is split by whoever loads.
const MAX_LISTED: usize = 10_000;

/// What is to be said of something that is done.
pub(crate) struct Deed<'a> {
    pub(crate) kind: ActKind,
    pub(crate) who: Doer,
    /// Under whose login it is listed, which may be more than the act itself says.
    pub(crate) login: Option<(&'a MemberId, &'a str)>,
    pub(crate) via: Option<MemberId>,
    pub(crate) purpose: Purpose,
    pub(crate) evidence: Option<EvidenceKind>,
    /// About whom: the first is named in the act, under all it is listed.
    pub(crate) persons: Vec<Tag>,
    /// People here that it touched without having been about one of them.
    pub(crate) locals: Vec<PersonKey>,
    /// The one person here whom it is about, 0 when there is none: it goes when her record is erased.
    pub(crate) about: PersonKey,
    pub(crate) what: What,
    pub(crate) seen: Vec<Seen>,
    pub(crate) resources: u64,
    pub(crate) labels: Labels,
    pub(crate) grounds: Option<Grounds>,
    pub(crate) refused: Vec<String>,
    pub(crate) opinion: Option<(Opinion, String)>,
    /// Until when the person does not read it; it is then listed apart.
    pub(crate) told: Option<Timestamp>,
}

impl<'a> Deed<'a> {
    pub(crate) fn new(kind: ActKind, actor: &'a Actor, purpose: Purpose) -> Deed<'a> {
        Deed {
            who: Doer::of(actor),
            login: Some((&actor.member, &actor.id)),
            ..Deed::by(kind, Doer::unknown(&actor.member), purpose)
        }
    }
    /// By somebody who has no login here.
    pub(crate) fn by(kind: ActKind, who: Doer, purpose: Purpose) -> Deed<'a> {
        Deed {
            kind,
            who,
            login: None,
            via: None,
            purpose,
            evidence: None,
            persons: Vec::new(),
            locals: Vec::new(),
            about: PersonKey(0),
            what: What::Interaction(String::new()),
            seen: Vec::new(),
            resources: 0,
            labels: Labels(0),
            grounds: None,
            refused: Vec::new(),
            opinion: None,
            told: None,
        }
    }
    /// The tag of somebody who acts for the person.
    fn acting(&self) -> Option<Tag> {
        let question = self.grounds.as_ref()?.question.as_ref()?;
        question.acting.map(|acting| acting.tag)
    }
    /// What is done under a grant.
    pub(crate) fn under(kind: ActKind, grant: &'a Grant) -> Deed<'a> {
        let request = &grant.request;
        Deed {
            via: request.via.clone(),
            evidence: grant.evidence,
            persons: grant.tags.clone(),
            about: about(&grant.permit),
            what: request.what.clone(),
            grounds: Some(grant.grounds.clone()),
            told: grant.told,
            ..Deed::new(kind, &request.actor, request.purpose)
        }
    }
}

/// What makes acts unlike any other: drawn before it is known what they will say, and how many they will be.
pub(crate) struct Blank {
    /// Names and salts follow from it; whoever knows one act's cannot come to it, nor to another's.
    seed: [u8; 32],
    node: MemberId,
    pact: u64,
}

impl Blank {
    /// Name and salt of one of the acts.
    fn nth(&self, place: u8) -> ([u8; 16], [u8; 32]) {
        let drawn = |what: u8| ledger::sha256(&[self.seed.as_slice(), &[place, what]].concat());
        let mut id = [0; 16];
        id.copy_from_slice(&drawn(0)[..16]);
        (id, drawn(1))
    }
    /// The act, ready to be kept.
    pub(crate) fn fill(self, deed: Deed<'_>, now: Timestamp) -> ActRecord {
        self.one(0, deed, now)
    }
    /// Several acts, ready to be kept in one commit; the receipt of the first opens what was read.
    pub(crate) fn fill_all<'a>(
        self,
        first: Deed<'a>,
        beside: impl Iterator<Item = Deed<'a>>,
        now: Timestamp,
    ) -> ActRecord {
        let beside = (1..).zip(beside);
        ActRecord {
            beside: beside
                .map(|(place, deed)| self.one(place, deed, now))
                .collect(),
            ..self.one(0, first, now)
        }
    }
    fn one(&self, place: u8, deed: Deed<'_>, now: Timestamp) -> ActRecord {
        let (id, salt) = self.nth(place);
        let listed = listed(&deed);
        // What is told late is not counted when her record is erased meanwhile: the number would tell it.
        let about = deed.told.map_or(deed.about, |_| PersonKey(0));
        let act = Act {
            id,
            salt,
            at: now,
            kind: deed.kind,
            node: self.node.clone(),
            who: deed.who,
            via: deed.via,
            purpose: deed.purpose,
            evidence: deed.evidence,
            person: deed.persons.first().copied(),
            what: deed.what,
            seen: deed.seen,
            resources: deed.resources,
            labels: deed.labels,
            grounds: deed
                .grounds
                .unwrap_or_else(|| Grounds::without_question(self.pact)),
            refused: deed.refused,
            opinion: deed.opinion,
            told: deed.told,
        };
        let body = act.body();
        ActRecord {
            id: act.id,
            leaf: act.leaf(&body),
            body,
            listed,
            about,
            beside: Vec::new(),
        }
    }
}

/// The one person a permit opens, by the first of her numbers here; 0 when it is for nobody or for many.
pub(crate) fn about(permit: &store::Permit) -> PersonKey {
    match permit.scope() {
        store::Scope::Person { keys, .. } => keys.first().copied().unwrap_or_default(),
        _ => PersonKey(0),
    }
}

fn listed(deed: &Deed<'_>) -> Vec<Vec<u8>> {
    let mut keys = Vec::new();
    keys.extend(
        deed.login
            .map(|(member, id)| rows::listed_actor(member, id)),
    );
    let list = match deed.told {
        None => rows::listed_person,
        Some(_) => rows::listed_late,
    };
    keys.extend(deed.persons.iter().map(|tag| list(*tag)));
    if let Some(acting) = deed.acting() {
        let persons = deed.persons.iter();
        keys.extend(persons.map(|person| rows::listed_acting(*person, acting)));
    }
    let locals = deed.locals.iter().take(MAX_LISTED);
    keys.extend(locals.map(|person| rows::listed_local(*person)));
    keys
}

/// What the person said of an act, as stored.
#[derive(Serialize, Deserialize)]
struct Said {
    opinion: Opinion,
    at: Timestamp,
}

impl Gate {
    /// A name and a salt for an act.
    pub(crate) fn blank(&self) -> Result<Blank, Refusal> {
        Ok(Blank {
            seed: random()?,
            node: self.house.member.clone(),
            pact: self.in_force().pact.version,
        })
    }

    /// Commits rows and an act together.
    pub(crate) fn keep(
        &self,
        changes: Rows,
        expect: Rows,
        deed: Option<Deed<'_>>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let act = deed
            .map(|deed| Ok::<_, Refusal>(self.blank()?.fill(deed, now)))
            .transpose()?;
        Ok(self.keep_rows(changes, expect, act, now)?)
    }

    /// Commits rows. The one way to write the house's rows: what is kept at hand of them is let go here.
    pub(crate) fn keep_rows(
        &self,
        changes: Rows,
        expect: Rows,
        act: Option<ActRecord>,
        now: Timestamp,
    ) -> store::Result<()> {
        let house = &self.house;
        let keys = changes.iter().map(|(key, _)| key.as_slice());
        let about: Vec<Tag> = keys.filter_map(rows::about_evidence).collect();
        let kept = house.store.keep(&house.seal, changes, expect, act, now);
        // After an error too: it may have been stored all the same.
        about.iter().for_each(|tag| house.evidence.changed(*tag));
        kept.map(drop)
    }

    /// The person's acts at this node, newest first, under a grant of [`What::Log`].
    ///
    /// To read them is an act too, kept when the first page is asked for. Readings of the log that follow each other
    /// by the same reader are shown as one: the oldest of them, with their number in `resources`. Acts on findings that she
    /// does not wish to know are kept back until she asks ([`super::apart`]). Somebody who acts for her reads what she did
    /// herself and nothing else: an act about what is hidden from her would tell of it by being there.
    pub fn acts(
        &self,
        grant: &Grant,
        before: Option<u64>,
        limit: usize,
        now: Timestamp,
    ) -> Result<Vec<ActView>, Refusal> {
        let lists = self.lists(grant)?;
        let limit = limit.clamp(1, MAX_PAGE);
        let (kept_back, all) = (self.kept_back(grant, now), acting(grant).is_none());
        let unnamed = self.unnamed(grant, now);
        let (mut views, mut from) = (Vec::new(), before);
        loop {
            let page = self.listed(&lists, from, limit)?;
            for (leaf, body) in &page {
                let act = Act::from_body(body).map_err(damaged)?;
                if views.len() < limit && is_told(&act, kept_back, now) && (all || found(&act)) {
                    let mut view = self.view(*leaf, &act)?;
                    view.categories = Labels(view.categories.0 & !unnamed.0);
                    views.push(view);
                }
            }
            match page.last() {
                Some((leaf, _)) if page.len() == limit && views.len() < limit => from = Some(*leaf),
                _ => break,
            }
        }
        if before.is_none() {
            let deed = Deed::under(ActKind::Log, grant);
            let act = self.blank()?.fill(deed, now);
            self.house.store.conclude(&grant.permit, act, now)?;
        }
        Ok(folded(views))
    }

    /// A receipt of an act for its person (under a grant of [`What::Log`]): text that `tejido verify` checks offline.
    /// An act that is not about her is refused as one that does not exist.
    pub fn receipt(&self, grant: &Grant, act: &str, now: Timestamp) -> Result<String, Refusal> {
        let (leaf, body, act) = self.act_of(grant, act, now)?;
        let opening = ledger::receipt::Opening {
            salt: act.salt,
            act: body,
        };
        let get = |key: &[u8]| self.house.store.witnessed(key).ok().flatten();
        ledger::receipt::Receipt::issue(leaf, Some(opening), &get)
            .map(|receipt| receipt.to_string())
            .map_err(damaged)
    }

    /// What the person says of an act at this node; `NotRight` opens a case. Twice is one case; she may change her
    /// mind, and a case that is open stays open.
    pub fn opine(
        &self,
        grant: &Grant,
        act: &str,
        opinion: Opinion,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let id = self.act_of(grant, act, now)?.2.id;
        let (house, key) = (&self.house, rows::opinion(&id));
        let before = house.store.get(&house.seal, &key)?;
        if self.said(&id)?.is_some_and(|said| said.opinion == opinion) {
            return Ok(());
        }
        let said = super::accounts::json(&Said { opinion, at: now });
        let mut changes = vec![(key.clone(), Some(said))];
        let case = rows::case(&id);
        if opinion == Opinion::NotRight && house.store.get(&house.seal, &case)?.is_none() {
            changes.push((case, Some(now.to_string().into_bytes())));
        }
        let deed = Deed {
            opinion: Some((opinion, hex(&id))),
            ..Deed::under(ActKind::Opinion, grant)
        };
        self.keep(changes, vec![(key, before)], Some(deed), now)
    }

    fn said(&self, act: &[u8; 16]) -> Result<Option<Said>, Refusal> {
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::opinion(act))?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    /// Under which keys the acts about the grant's person are listed.
    fn lists(&self, grant: &Grant) -> Result<Vec<Vec<u8>>, Refusal> {
        if grant.request.what != What::Log || grant.tags.is_empty() {
            return Err(Refusal::new(RefusalKind::Pact, Vec::new()));
        }
        if let Some(acting) = acting(grant) {
            let own = grant.tags.iter();
            return Ok(own.map(|tag| rows::listed_acting(*tag, acting)).collect());
        }
        let keys = match self.resolve(&grant.request.person)? {
            Target::Person(person) => person.keys,
            _ => Vec::new(),
        };
        let tags = grant.tags.iter().map(|tag| rows::listed_person(*tag));
        let late = grant.tags.iter().map(|tag| rows::listed_late(*tag));
        Ok(tags
            .chain(late)
            .chain(keys.into_iter().map(rows::listed_local))
            .collect())
    }

    /// Acts under several lists, newest first, each once.
    fn listed(
        &self,
        lists: &[Vec<u8>],
        before: Option<u64>,
        limit: usize,
    ) -> Result<Vec<(u64, Vec<u8>)>, Refusal> {
        let house = &self.house;
        let mut found: Vec<(u64, Vec<u8>)> = Vec::new();
        for list in lists {
            found.extend(house.store.acts(&house.seal, list, before, limit)?);
        }
        found.sort_by_key(|(leaf, _)| std::cmp::Reverse(*leaf));
        found.dedup_by_key(|(leaf, _)| *leaf);
        found.truncate(limit);
        Ok(found)
    }

    /// An act by its name, if it is listed for the grant's person and not kept back.
    pub(super) fn act_of(
        &self,
        grant: &Grant,
        act: &str,
        now: Timestamp,
    ) -> Result<(u64, Vec<u8>, Act), Refusal> {
        let (house, none) = (&self.house, not_there);
        // A receipt opens the whole act, which says what was left out: it is for the person alone, as is what she says of one.
        if acting(grant).is_some() {
            return Err(none());
        }
        let lists = self.lists(grant)?;
        let id: [u8; 16] = super::from_hex(act).ok_or_else(none)?;
        let (leaf, body) = house.store.act(&house.seal, &id)?.ok_or_else(none)?;
        let act = Act::from_body(&body).map_err(damaged)?;
        if !is_told(&act, self.kept_back(grant, now), now)
            || act.labels.meets(self.unnamed(grant, now))
        {
            return Err(none());
        }
        for list in &lists {
            let at = house
                .store
                .acts(&house.seal, list, Some(leaf.saturating_add(1)), 1)?;
            if at.first().is_some_and(|(place, _)| *place == leaf) {
                return Ok((leaf, body, act));
            }
        }
        Err(none())
    }

    /// The categories that the log of somebody too young for them does not name; until then an act on them has no receipt
    /// that opens.
    pub(super) fn unnamed(&self, grant: &Grant, now: Timestamp) -> Labels {
        let words = self.words_of(&grant.tags);
        let young = words
            .iter()
            .flat_map(|heard| heard.signed.word.too_young_for(now));
        young.fold(Labels(0), |all, category| all.with(category.bit()))
    }

    fn view(&self, leaf: u64, act: &Act) -> Result<ActView, Refusal> {
        let mut view = act.view(leaf);
        if let Some(said) = self.said(&act.id)? {
            view.opinion = Some(said.opinion);
        }
        Ok(view)
    }
}

/// Whether an act that is listed for a person is told to her: its day has come, and it is about no finding that is kept
/// back. The others are passed over as if they were not there, so that they take nobody's place on a page.
pub(super) fn is_told(act: &Act, kept_back: Labels, now: Timestamp) -> bool {
    act.told.is_none_or(|told| told <= now) && !act.labels.meets(kept_back)
}

/// Who acts for the person under a grant.
pub(super) fn acting(grant: &Grant) -> Option<Tag> {
    let question = grant.grounds.question.as_ref()?;
    question.acting.map(|acting| acting.tag)
}

/// The one answer for an act that is not there and one that is not hers to read.
pub(super) fn not_there() -> Refusal {
    Refusal::bad(
        "No hay tal movimiento en tu registro.",
        "There is no such act in your log.",
    )
}

/// Whether an act found what it looked for. Of what did not, whoever acts for the person is not told: to ask for what is
/// hidden by its name must look as to ask for what is not there, which is about nobody.
fn found(act: &Act) -> bool {
    act.kind != ActKind::Read || act.resources > 0
}

/// Neighbouring readings of the log by one reader become one.
fn folded(views: Vec<ActView>) -> Vec<ActView> {
    let mut shown: Vec<ActView> = Vec::with_capacity(views.len());
    for mut view in views {
        let again = |newer: &&mut ActView| {
            (newer.kind, view.kind) == (ActKind::Log, ActKind::Log)
                && newer.actor == view.actor
                && newer.institution == view.institution
                && newer.acting == view.acting
        };
        match shown.last_mut().filter(again) {
            Some(newer) => {
                view.resources = newer.resources + 1;
                *newer = view;
            }
            None => {
                if view.kind == ActKind::Log {
                    view.resources = 1;
                }
                shown.push(view);
            }
        }
    }
    shown
}

/// What the archive holds of an act does not fit: said to the operator, not to who asks.
pub(crate) fn damaged(error: impl std::fmt::Display) -> Refusal {
    tracing::error!(%error, "an act or its proof cannot be read");
    Refusal::new(RefusalKind::Unavailable, Vec::new())
}
