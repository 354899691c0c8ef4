//! A person's own list of acts, checked by the person.
//!
//! The log is public and says nothing; the list (which acts, at which places, with their salts) is the person's, and
//! comes from the very node that might wish to leave something out. A [`Checker`] is what the person keeps between
//! visits: the last head and the list as it was. With it, whatever was altered, moved, repeated, dropped or only now
//! admitted is found. A [`Tally`], signed by the node, pins the list down as a whole, so that an act that turns up
//! elsewhere (in the log of the member that asked) convicts the node that left it out.

use crate::checkpoint::{Checkpoint, base64_hash, decimal};
use crate::hash::{leaf_hash, sha256};
use crate::note::{self, SigningKey, VerifierKey};
use crate::receipt::Opening;
use crate::{Error, Hash, Result, proof, witness};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use std::collections::BTreeMap;
use std::fmt;

/// An act as a node shows it to the person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Its place in the log.
    pub index: u64,
    /// Its bytes and salt.
    pub opening: Opening,
    /// Its inclusion proof under the head shown with the list.
    pub path: Vec<Hash>,
}

/// Something that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// The head shown is not the log's; nothing else can be said.
    Head(Error),
    /// The head does not continue the one that was kept: history was rewritten, or cut short.
    History(Error),
    /// The act shown is not what the log has at this place.
    Altered(u64),
    /// The act stands after one that came later.
    OutOfOrder(u64),
    /// The act is shown twice.
    Repeated(u64),
    /// The act was in the list before, and is no longer.
    Dropped(u64),
    /// The act is older than the last head kept, but was not in the list then. There can be a lawful reason (a delayed
    /// notice); it must be given.
    Late(u64),
    /// The list is not the one that the node signed.
    Tally(Error),
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Finding::Head(error) => write!(f, "the head shown is not the log's: {error}"),
            Finding::History(error) => write!(f, "history was rewritten: {error}"),
            Finding::Altered(index) => write!(f, "act {index} is not what the log holds there"),
            Finding::OutOfOrder(index) => write!(f, "act {index} is out of order"),
            Finding::Repeated(index) => write!(f, "act {index} is shown twice"),
            Finding::Dropped(index) => write!(f, "act {index} was there before and is gone"),
            Finding::Late(index) => write!(f, "act {index} was kept from you until now"),
            Finding::Tally(error) => write!(f, "this is not the list the node signed: {error}"),
        }
    }
}

/// What a person remembers of one log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checker {
    log: VerifierKey,
    head: Option<Checkpoint>,
    known: BTreeMap<u64, Hash>,
}

impl Checker {
    /// Someone who sees this log for the first time. The log's origin is its key's name.
    pub fn new(log: VerifierKey) -> Checker {
        Checker {
            log,
            head: None,
            known: BTreeMap::new(),
        }
    }

    /// The last good head.
    pub fn head(&self) -> Option<&Checkpoint> {
        self.head.as_ref()
    }

    /// Checks the whole list, oldest first, under a signed checkpoint. `path` is the consistency proof from
    /// [`Checker::head`] (empty the first time); `tally` the signed tally, when there is one.
    ///
    /// Gives what is wrong, and nothing when all is well; only then are the list and the head remembered. Cost: one
    /// signature check, and a proof an act.
    pub fn check(
        &mut self,
        list: &[Claim],
        checkpoint: &str,
        path: &[Hash],
        tally: Option<(&str, &Hash)>,
    ) -> Vec<Finding> {
        let opened = Checkpoint::open(checkpoint.as_bytes(), self.log.name(), &self.log, &[]);
        let head = match opened {
            Ok((head, _)) => head,
            Err(error) => return vec![Finding::Head(error)],
        };
        let mut findings = Vec::new();
        if let Some(Err(error)) = self
            .head
            .as_ref()
            .map(|old| witness::follows(old, &head, path))
        {
            findings.push(Finding::History(error));
        }
        findings.extend(list.iter().filter_map(|claim| altered(claim, &head)));
        findings.extend(order(list));
        findings.extend(self.against_memory(list));
        if let Some((tally, of)) = tally {
            let checked = Tally::open(tally, &self.log).and_then(|t| t.fits(of, &head, list));
            findings.extend(checked.err().map(Finding::Tally));
        }
        if findings.is_empty() {
            self.known = places(list);
            self.head = Some(head);
        }
        findings
    }

    fn against_memory(&self, list: &[Claim]) -> Vec<Finding> {
        let now = places(list);
        let past = self.head.as_ref().map_or(0, |head| head.size);
        let lost = self
            .known
            .iter()
            .filter_map(|(index, commitment)| match now.get(index) {
                None => Some(Finding::Dropped(*index)),
                Some(shown) if shown != commitment => Some(Finding::Altered(*index)),
                Some(_) => None,
            });
        let late = now
            .keys()
            .filter(|index| **index < past && !self.known.contains_key(index))
            .map(|index| Finding::Late(*index));
        lost.chain(late).collect()
    }
}

fn places(list: &[Claim]) -> BTreeMap<u64, Hash> {
    list.iter()
        .map(|claim| (claim.index, claim.opening.commitment()))
        .collect()
}

fn altered(claim: &Claim, head: &Checkpoint) -> Option<Finding> {
    let leaf = leaf_hash(&claim.opening.commitment());
    proof::verify_inclusion(&leaf, claim.index, head.size, &claim.path, &head.root)
        .err()
        .map(|_| Finding::Altered(claim.index))
}

fn order(list: &[Claim]) -> Vec<Finding> {
    list.iter()
        .zip(list.iter().skip(1))
        .filter_map(|(before, after)| match before.index.cmp(&after.index) {
            std::cmp::Ordering::Less => None,
            std::cmp::Ordering::Equal => Some(Finding::Repeated(after.index)),
            std::cmp::Ordering::Greater => Some(Finding::OutOfOrder(after.index)),
        })
        .collect()
}

/// A node's word on a person's list as a whole: under this head, so many acts, these and no others.
///
/// A signed note of six lines: `tejido/list/v1`, origin, tree size, whose list (a hash that tells nobody else who it
/// is), number of acts, and the digest of their places and commitments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tally {
    /// The log.
    pub origin: String,
    /// Size of its tree when the list was made.
    pub size: u64,
    /// Whose list: a salted hash, agreed between node and person.
    pub of: Hash,
    /// Acts.
    pub count: u64,
    /// `d(n) = SHA-256(d(n-1) || index || commitment)` from 32 zero bytes on; the index in 8 bytes, big-endian.
    pub digest: Hash,
}

const TALLY: &str = "tejido/list/v1";

impl Tally {
    /// The tally of a list, given as places and commitments, oldest first.
    pub fn of(head: &Checkpoint, of: Hash, list: impl IntoIterator<Item = (u64, Hash)>) -> Tally {
        let (mut count, mut digest) = (0, [0; 32]);
        for (index, commitment) in list {
            let index = index.to_be_bytes();
            digest = sha256(&[digest.as_slice(), &index, &commitment].concat());
            count += 1;
        }
        Tally {
            origin: head.origin.clone(),
            size: head.size,
            of,
            count,
            digest,
        }
    }

    /// Signs it with the log's key.
    pub fn sign(&self, key: &SigningKey) -> Result<String> {
        let (of, digest) = (STANDARD.encode(self.of), STANDARD.encode(self.digest));
        let Tally {
            origin,
            size,
            count,
            ..
        } = self;
        let text = format!("{TALLY}\n{origin}\n{size}\n{of}\n{count}\n{digest}\n");
        note::sign(&text, &[key])
    }

    /// Opens a signed tally of this log.
    pub fn open(note: &str, log: &VerifierKey) -> Result<Tally> {
        let opened = note::open(note.as_bytes(), std::slice::from_ref(log))?;
        let lines: Vec<&str> = opened.text.lines().collect();
        let wrong = Error::Note("it is not a tally");
        let [TALLY, origin, size, of, count, digest] = lines.as_slice() else {
            return Err(wrong);
        };
        if *origin != log.name() {
            return Err(Error::Origin {
                wanted: log.name().to_owned(),
                found: (*origin).to_owned(),
            });
        }
        let numbers = decimal(size).zip(decimal(count));
        let hashes = base64_hash(of).zip(base64_hash(digest));
        let ((size, count), (of, digest)) = numbers.zip(hashes).ok_or(wrong)?;
        Ok(Tally {
            origin: (*origin).to_owned(),
            size,
            of,
            count,
            digest,
        })
    }

    fn fits(&self, of: &Hash, head: &Checkpoint, list: &[Claim]) -> Result<()> {
        let shown = list
            .iter()
            .map(|claim| (claim.index, claim.opening.commitment()));
        let shown = Tally::of(head, *of, shown);
        if self.of != *of || self.size != head.size {
            return Err(Error::Proof("the tally is of another list"));
        }
        if self.count != shown.count {
            return Err(Error::Proof(
                "the list has not as many acts as the tally says",
            ));
        }
        if self.digest != shown.digest {
            return Err(Error::Proof("the list has other acts than the tally says"));
        }
        Ok(())
    }
}
