//! Questions to the archive and their answers; reading by id.

use crate::{
    Error, Held, Labels, Permit, PersonKey, Result, Scope, Seen, Store, Verb,
    body::{Opened, Stored},
    commit::of_old,
    engine::{Direction, Rows, Snapshot},
    grant::Grant,
    head::Head,
    index::{Secret, whole_hash},
    keys::{BODY, Key, PEOPLE, REFERS, SHARED, Tail, VERSION, from_six, records},
    loaded::Loaded,
    residual::Place,
    store::{AT_ONCE, head_of, heads_of, held},
    vault::Vault,
};
use bytes::Bytes;
use fhir::{
    ResourceType,
    query::Query,
    search::{self, Kind, SearchParameter},
};
use jiff::Timestamp;
use std::{
    cell::{Cell, RefCell},
    collections::{HashMap, HashSet},
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

/// One version of one resource as stored.
#[derive(Clone, Debug)]
pub struct Version {
    /// Its type.
    pub of: ResourceType,
    /// Its logical id.
    pub id: String,
    /// From 1.
    pub version: u64,
    /// When it was committed.
    pub updated: Timestamp,
    /// A deletion: no body.
    pub deleted: bool,
    /// The resource as JSON, `meta.versionId` and `meta.lastUpdated` set; empty for a deletion. Goes into answers as
    /// it is.
    pub body: Bytes,
    /// Whose it is; 0 when nobody's.
    pub person: PersonKey,
}

/// Whose history.
#[derive(Clone, Debug)]
pub enum HistoryOf {
    /// One resource.
    Instance(ResourceType, String),
    /// A type.
    Type(ResourceType),
    /// All.
    System,
}

/// What an answer can be continued with; text, safe in a URL, bound to the question and to the permit's scope.
pub type PageToken = String;

/// A page of an answer.
#[derive(Clone, Debug)]
pub struct Page {
    /// What matched, in order.
    pub matches: Vec<Version>,
    /// What `_include` and `_revinclude` added.
    pub included: Vec<Version>,
    /// Exact number of matches under the permit, when asked for or known.
    pub total: Option<u64>,
    /// How to go on; `None` on the last page.
    pub next: Option<PageToken>,
    /// Whether there was more to include than one page takes: `included` is not all of it.
    pub cut: bool,
}

/// What `$everything` is asked for.
#[derive(Clone, Debug, Default)]
pub struct Asked {
    /// Only these types; empty means all.
    pub types: Vec<ResourceType>,
    /// Only versions committed at or after.
    pub since: Option<Timestamp>,
    /// Resources on a page; 0 means all in one (bounded by the store's limit).
    pub count: usize,
    /// Where to go on.
    pub page: Option<PageToken>,
}

impl Store {
    /// The current version (a deleted one included, without body). What the permit does not open is not there.
    /// Cost: two row reads.
    pub fn read(
        &self,
        permit: &Permit,
        of: ResourceType,
        id: &str,
    ) -> Result<Held<Option<Version>>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Read, Some(of))?;
        let found = self.asked("read", Some(of), &grant, |reading| reading.current(of, id))?;
        Ok(one(permit, found))
    }

    /// One version.
    pub fn vread(
        &self,
        permit: &Permit,
        of: ResourceType,
        id: &str,
        version: u64,
    ) -> Result<Held<Option<Version>>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Read, Some(of))?;
        let found = self.asked("vread", Some(of), &grant, |reading| {
            reading.version(of, id, version)
        })?;
        Ok(one(permit, found))
    }
}

fn one(permit: &Permit, found: Option<Shown>) -> Held<Option<Version>> {
    match found {
        Some(Shown { seen, version }) => held(permit, vec![seen], Some(version)),
        None => held(permit, Vec::new(), None),
    }
}

/// A version that an answer shows.
pub(crate) struct Shown {
    pub(crate) seen: Seen,
    pub(crate) version: Version,
}

impl Shown {
    pub(crate) fn new(version: Version, labels: Labels) -> Shown {
        Shown {
            seen: Seen {
                of: version.of,
                id: version.id.clone(),
                version: version.version,
                labels,
                person: version.person,
            },
            version,
        }
    }
}

/// One snapshot read under one permit.
pub(crate) struct Reading<'a> {
    pub(crate) snapshot: Box<dyn Snapshot + 'a>,
    pub(crate) grant: &'a Grant,
    pub(crate) secret: Secret,
    pub(crate) vault: Arc<Vault>,
    /// The loaded search parameters, of before the snapshot.
    pub(crate) loaded: Option<Arc<Loaded>>,
    /// Whether rows were met that do not agree, as when partitions are seen at different moments of a commit.
    pub(crate) torn: Cell<bool>,
    /// What residuals leave out of the people met so far (`residual.rs`).
    pub(crate) left_out: RefCell<HashMap<u64, Rc<HashSet<u64>>>>,
}

/// How often a question is asked anew, at most, when the rows that it met do not agree.
const AGAIN: u32 = 4;
/// Before the first of these; each further one waits four times as long.
const BREATH: Duration = Duration::from_millis(2);

impl Store {
    /// Answers a question. No view spans partitions on an engine that keeps them apart: a reader may meet a head whose
    /// body is not there yet. Such a question is asked anew over a new view, a few times within its time; what then still
    /// does not agree is answered with caution: as if it were not there.
    pub(crate) fn asked<T>(
        &self,
        kind: &'static str,
        of: Option<ResourceType>,
        grant: &Grant,
        question: impl Fn(&Reading<'_>) -> Result<T>,
    ) -> Result<T> {
        let _span = grant.span(kind, of).entered();
        let until = Instant::now() + self.inner.question_time;
        let mut wait = BREATH;
        let mut left = AGAIN;
        loop {
            let loaded = self.inner.shelf.now();
            let reading = Reading {
                loaded: Some(loaded),
                snapshot: self.timed(until)?,
                grant,
                secret: self.inner.secrets.index,
                vault: self.inner.vault.clone(),
                torn: Cell::new(false),
                left_out: RefCell::default(),
            };
            let answer = question(&reading);
            let torn = reading.torn.get() || matches!(answer, Err(Error::Damaged(_)));
            if !torn || left == 0 || Instant::now() + wait >= until {
                return answer;
            }
            drop(reading);
            tracing::debug!(left, "rows did not agree; asking anew");
            std::thread::sleep(wait);
            wait *= 4;
            left -= 1;
        }
    }
}

impl Reading<'_> {
    /// The version of a stamp that some row names; `None` when its person was erased, or when it is not there (yet).
    pub(crate) fn stored_at(&self, of: ResourceType, stamp: u64) -> Result<Option<Stored>> {
        let mut stored = self.stored_many(&[(of, stamp)])?;
        Ok(stored.pop().flatten())
    }

    /// The versions of many stamps, in their order.
    pub(crate) fn stored_many(&self, asked: &[(ResourceType, u64)]) -> Result<Vec<Option<Stored>>> {
        let mut stored = Vec::with_capacity(asked.len());
        for asked in asked.chunks(AT_ONCE) {
            let key = |&(of, stamp)| Key::new(records(of), BODY).long(stamp).done();
            let keys: Vec<Vec<u8>> = asked.iter().map(key).collect();
            for (key, row) in keys.iter().zip(self.snapshot.get_many(&keys)?) {
                stored.push(match row {
                    Some(row) => self.vault.body(key, &row)?,
                    None => {
                        self.torn.set(true);
                        None
                    }
                });
            }
        }
        Ok(stored)
    }

    /// As [`Reading::stored_many`], as answers show them: what was opened of late is at hand.
    pub(crate) fn opened_many(
        &self,
        asked: &[(ResourceType, u64)],
    ) -> Result<Vec<Option<Arc<Opened>>>> {
        let known = asked.iter().map(|(_, stamp)| self.vault.opened(*stamp));
        let mut opened: Vec<Option<Arc<Opened>>> = known.collect();
        let missing = opened.iter().zip(asked);
        let missing = missing.filter_map(|(known, asked)| known.is_none().then_some(*asked));
        let missing: Vec<(ResourceType, u64)> = missing.collect();
        if missing.is_empty() {
            return Ok(opened);
        }
        let stored = self.stored_many(&missing)?;
        let empty = opened.iter_mut().filter(|known| known.is_none());
        for (place, ((_, stamp), stored)) in empty.zip(missing.into_iter().zip(stored)) {
            *place = stored.map(|stored| self.vault.keep_opened(stamp, stored));
        }
        Ok(opened)
    }

    /// Of one stamp.
    fn opened_at(&self, of: ResourceType, stamp: u64) -> Result<Option<Arc<Opened>>> {
        let mut opened = self.opened_many(&[(of, stamp)])?;
        Ok(opened.pop().flatten())
    }

    /// Refuses questions that name a loaded search parameter which cannot be asked for in this snapshot.
    pub(crate) fn answers(&self, queries: &[Query]) -> Result<()> {
        match &self.loaded {
            Some(loaded) => loaded.answers(self.snapshot.as_ref(), queries),
            None => Ok(()),
        }
    }

    /// The references of a type that can be asked for in this snapshot.
    pub(crate) fn references(&self, of: ResourceType) -> Result<Vec<&'static SearchParameter>> {
        let mut all = search::parameters(of);
        all.retain(|parameter| parameter.kind == Kind::Reference);
        if let Some(loaded) = &self.loaded {
            all.extend(loaded.references(self.snapshot.as_ref(), of)?);
        }
        Ok(all)
    }

    /// Whether the permit opens a current resource.
    pub(crate) fn opens(
        &self,
        of: ResourceType,
        id: &str,
        tail: &Tail,
        labels: Labels,
    ) -> Result<bool> {
        self.opens_row(of, tail, labels, || self.refers(&format!("{of}/{id}")))
    }

    /// Whether the permit opens a version that is a person's, as far as she and what the version says go.
    fn opens_version(
        &self,
        id: &str,
        person: PersonKey,
        labels: Labels,
        place: Place,
    ) -> Result<bool> {
        let of = place.of;
        let named = || self.refers(&format!("{of}/{id}"));
        Ok(
            self.grant.opens(of, person, labels, named)?
                && !self.version_left_out(person, place)?,
        )
    }

    /// Whether the permit opens a stored version: as it was, and as the resource is now. What is hidden today, or was
    /// moved to another person, is so in all its versions. `labels` are those of both.
    pub(crate) fn opens_stored(
        &self,
        head: &Head,
        opened: &Opened,
        stamp: u64,
        labels: Labels,
    ) -> Result<bool> {
        let version = &opened.version;
        let (of, id, now) = (version.of, &version.id, head.tail.person);
        let place = Place {
            of,
            rid: opened.rid,
            version: version.version,
            stamp,
        };
        Ok(self.opens_version(id, now, labels, head.place(of))?
            && (stamp == head.stamp || self.opens_version(id, now, labels, place)?)
            && (version.person == now || self.opens_version(id, version.person, labels, place)?))
    }

    /// Whether anything that the permit opens of its person names this shared resource.
    fn refers(&self, name: &str) -> Result<bool> {
        let Scope::Person { keys, .. } = &self.grant.scope else {
            return Ok(false);
        };
        let hash = whole_hash(name, &self.secret);
        for &person in keys {
            for partition in [PEOPLE, SHARED] {
                let (from, to) = Key::new(partition, REFERS)
                    .person(person)
                    .bytes(&hash)
                    .range();
                let mut rows = Rows::default();
                self.snapshot
                    .scan(&from, &to, Direction::Up, usize::MAX, &mut rows)?;
                for (key, row) in rows.iter() {
                    let rid = key.last_chunk::<6>().and_then(|six| from_six(six));
                    if !(self.grant).withholds(person, crate::commit::labels_of(row)?)
                        && !self.leaves_out(person, rid.unwrap_or_default())?
                    {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The current version, if there is one and the permit opens it.
    pub(crate) fn current(&self, of: ResourceType, id: &str) -> Result<Option<Shown>> {
        let Some(head) =
            head_of(&self.secret, self.snapshot.as_ref(), of, id)?.filter(|head| head.version > 0)
        else {
            return Ok(None);
        };
        if !self.opens_version(id, head.tail.person, head.labels, head.place(of))? {
            return Ok(None);
        }
        let opened = self.opened_at(of, head.stamp)?;
        Ok(opened.map(|opened| Shown::new(opened.version.clone(), head.labels)))
    }

    /// The current versions of resources that something names which the permit opens: those that there are, and that it
    /// opens too. Cost: a call for some heads at a time, and one for some bodies.
    pub(crate) fn current_named(&self, names: &[(ResourceType, &str)]) -> Result<Vec<Shown>> {
        let snapshot = self.snapshot.as_ref();
        let (mut open, mut asked) = (Vec::new(), Vec::new());
        for (&(of, _), head) in names.iter().zip(heads_of(&self.secret, snapshot, names)?) {
            if let Some(head) = head.filter(|head| head.version > 0)
                && (self.grant).opens(of, head.tail.person, head.labels, || Ok(true))?
                && !self.version_left_out(head.tail.person, head.place(of))?
            {
                open.push(head.labels);
                asked.push((of, head.stamp));
            }
        }
        let opened = self.opened_many(&asked)?;
        let shown = opened.into_iter().zip(open);
        Ok(shown
            .filter_map(|(opened, labels)| Some(Shown::new(opened?.version.clone(), labels)))
            .collect())
    }

    /// Stamp and labels of a version that is not current.
    pub(crate) fn old(
        &self,
        of: ResourceType,
        rid: u64,
        version: u64,
    ) -> Result<Option<(u64, Labels)>> {
        let key = Key::new(records(of), VERSION).rid(rid).long(version);
        let row = self.snapshot.get(&key.done())?;
        row.map(|row| of_old(&row)).transpose()
    }

    /// One version. It must be opened both as it was and as the resource is now: what is hidden or moved to another
    /// person today is so in all its versions.
    pub(crate) fn version(
        &self,
        of: ResourceType,
        id: &str,
        version: u64,
    ) -> Result<Option<Shown>> {
        let Some(head) =
            head_of(&self.secret, self.snapshot.as_ref(), of, id)?.filter(|head| head.version > 0)
        else {
            return Ok(None);
        };
        let (stamp, labels) = if version == head.version {
            (head.stamp, head.labels)
        } else {
            match self.old(of, head.tail.rid, version)? {
                Some((stamp, labels)) => (stamp, head.labels.with(labels)),
                None => {
                    let was = (1..head.version).contains(&version);
                    self.torn.set(self.torn.get() || was);
                    return Ok(None);
                }
            }
        };
        let Some(opened) = self.opened_at(of, stamp)? else {
            return Ok(None);
        };
        let open = self.opens_stored(&head, &opened, stamp, labels)?;
        Ok(open.then(|| Shown::new(opened.version.clone(), labels)))
    }
}
