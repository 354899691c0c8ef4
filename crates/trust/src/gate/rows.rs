//! Where the house's own rows stand in the archive. Every key the gate writes is made here.
//!
//! | key | value |
//! |---|---|
//! | `a` login | [`Account`](super::accounts::Account) as JSON |
//! | `s` SHA-256 of a token | [`Session`](super::accounts::Session) as JSON |
//! | `t` login | wrong secrets in a row, and when the last was |
//! | `e` tag, until (8 bytes), id | [`Evidence`](crate::Evidence) as JSON; in the order of its end |
//! | `c` HMAC of a patient's code | [`Code`](super::codes::Code) as JSON |
//! | `k` tag | the HMAC of the person's one living code |
//! | `w` tag | the person's word in force, signed, as JSON |
//! | `v` tag, version (8 bytes), the first 8 bytes of its SHA-256 | every word that was in force here |
//! | `p` | the pact in force, signed text |
//! | `q` version (8 bytes) | every pact that was in force here |
//! | `o` act | the person's opinion on an act |
//! | `n` act | the case that an opinion opened |
//! | `u` tag, id (hex) | [`Limit`](super::limit::Limit) as JSON: what is told in spite of a wish not to know |
//! | `r` room, 0, key | rows of other rooms (outboxes) |
//! | `d` person's number | [`Begun`](super::erasure::Begun) as JSON: an erasure that is under way |
//! | `m` time inverted (8 bytes), member, 0, login | [`Unusual`](super::noticed::Unusual) as JSON: many records opened without a sign of care |
//! | `u` member | until when all its words are here |
//! | `g` emergency | [`Break`](crate::glass::Break) as JSON |
//! | `h` due (8 bytes), emergency | it is not reviewed; in the order of its day |
//! | `i` tag, emergency | it was of that person |
//! | `j` member, 0, due (8 bytes), emergency | another member's, that opened something here and whose verdict is not heard |
//! | `y` order | [`Order`](crate::order::Order) as JSON |
//! | `2` login | the second factor of an account |
//! | `3` person's number | [`Linked`](super::links) as JSON: the group of registrations that it belongs to |
//! | `4` person's number, person's number | [`Decision`](crate::registry::Decision) as JSON: they are of two people |
//! | `5` person's number, tag | [`Disowned`](crate::registry::Disowned) as JSON: it carries a CURP that is not its person's |
//! | `6` tag, member, 0, grant | when the uses began that an institution made of what she opened, as JSON |
//! | `7` login, 0, login | [`Delegation`](crate::delegate::Delegation) as JSON: the first works in the name of the second |
//! | `8` login, 0, login | the second works in the name of the first: whom a professional named |
//! | `1` member | when the runs began in which registers were compared with that member's, as JSON |
//! | `9` person's number, member | [`Alike`](super::linkage::Alike) as JSON: somebody of that member's resembles her |
//! | `x` tag | version (8 bytes) of the last word of a person who was erased |
//!
//! Numbers are big-endian. Acts are listed (see [`store::ActRecord::listed`]) under `p` tag, `l` person's number and
//! `a` member/login; those that the person reads from a day on under `n` tag instead of `p` tag; what was done by somebody
//! who acts for her, under `f` tag and that one's tag as well.

use super::question::Said;
use crate::{MemberId, Tag};
use jiff::Timestamp;
use store::PersonKey;

pub(crate) const PACT: &[u8] = b"p";
pub(crate) const WORDS: &[u8] = b"w";
pub(crate) const SESSIONS: &[u8] = b"s";
pub(crate) const TRIES: &[u8] = b"t";
pub(crate) const ACCOUNTS: &[u8] = b"a";
pub(crate) const UNUSUAL: &[u8] = b"m";
pub(crate) const ALL_SAID: &[u8] = b"u";
/// Members at most, as the pact has it.
pub(crate) const MEMBERS: usize = *crate::pact::bounds::MEMBERS.end();
pub(crate) const ERASING: &[u8] = b"d";

pub(crate) const GLASS: &[u8] = b"g";
pub(crate) const UNREVIEWED: &[u8] = b"h";

pub(crate) fn glass(id: &str) -> Vec<u8> {
    [GLASS, id.as_bytes()].concat()
}
pub(crate) fn unreviewed(due: Timestamp, id: &str) -> Vec<u8> {
    [UNREVIEWED, &seconds(due), id.as_bytes()].concat()
}
pub(crate) fn glass_of(person: Tag, id: &str) -> Vec<u8> {
    [b"i".as_slice(), &person.0, id.as_bytes()].concat()
}
/// Sorts before all emergencies of a member that are watched.
pub(crate) fn watched_of(member: &MemberId) -> Vec<u8> {
    [b"j", member.0.as_bytes(), b"\0"].concat()
}
pub(crate) fn watched(member: &MemberId, due: Timestamp, id: &str) -> Vec<u8> {
    [&watched_of(member), seconds(due).as_slice(), id.as_bytes()].concat()
}
/// The day, in seconds, that follows a prefix in a key.
pub(crate) fn due(key: &[u8], prefix: &[u8]) -> Option<i64> {
    let seconds = key.strip_prefix(prefix)?.first_chunk::<8>()?;
    i64::try_from(u64::from_be_bytes(*seconds)).ok()
}
pub(crate) const ORDERS: &[u8] = b"y";

pub(crate) fn order(id: &str) -> Vec<u8> {
    [ORDERS, id.as_bytes()].concat()
}
pub(crate) fn factor(login: &str) -> Vec<u8> {
    [b"2", login.as_bytes()].concat()
}
/// Whole seconds, so that keys sort by time. What is before 1970 is at its beginning.
fn seconds(at: Timestamp) -> [u8; 8] {
    u64::try_from(at.as_second()).unwrap_or(0).to_be_bytes()
}

pub(crate) fn account(login: &str) -> Vec<u8> {
    [ACCOUNTS, login.as_bytes()].concat()
}
pub(crate) fn session(hash: &[u8; 32]) -> Vec<u8> {
    [SESSIONS, hash].concat()
}
pub(crate) fn tries(login: &str) -> Vec<u8> {
    [TRIES, login.as_bytes()].concat()
}
fn pair(family: &[u8], one: &str, other: &str) -> Vec<u8> {
    [family, one.as_bytes(), b"\0", other.as_bytes()].concat()
}
/// Sorts before all in whose name somebody works.
pub(crate) fn delegations_of(delegate: &str) -> Vec<u8> {
    pair(b"7", delegate, "")
}
pub(crate) fn delegation(delegate: &str, delegator: &str) -> Vec<u8> {
    pair(b"7", delegate, delegator)
}
/// Sorts before all whom a professional named.
pub(crate) fn delegates_of(delegator: &str) -> Vec<u8> {
    pair(b"8", delegator, "")
}
pub(crate) fn delegate(delegator: &str, delegate: &str) -> Vec<u8> {
    pair(b"8", delegator, delegate)
}
pub(crate) fn evidence_of(person: Tag) -> Vec<u8> {
    [b"e".as_slice(), &person.0].concat()
}
/// About whom a row of evidence is; `None` for every other row.
pub(crate) fn about_evidence(key: &[u8]) -> Option<Tag> {
    let tag = key.strip_prefix(b"e")?.first_chunk::<32>()?;
    Some(Tag(*tag))
}
pub(crate) fn evidence(person: Tag, until: Timestamp, id: &str) -> Vec<u8> {
    let mut key = evidence_until(person, until);
    key.extend_from_slice(id.as_bytes());
    key
}
/// Sorts before all evidence about a person that ends at `until` or later.
pub(crate) fn evidence_until(person: Tag, until: Timestamp) -> Vec<u8> {
    [b"e".as_slice(), &person.0, &seconds(until)].concat()
}
pub(crate) fn code(mac: &[u8]) -> Vec<u8> {
    [b"c", mac].concat()
}
pub(crate) fn code_of(person: Tag) -> Vec<u8> {
    [b"k".as_slice(), &person.0].concat()
}
pub(crate) fn word(person: Tag) -> Vec<u8> {
    [WORDS, &person.0].concat()
}
/// Sorts before every word that was in force of a person.
pub(crate) fn words_of(person: Tag) -> Vec<u8> {
    [b"v".as_slice(), &person.0].concat()
}
pub(crate) fn last_word(person: Tag) -> Vec<u8> {
    [b"x".as_slice(), &person.0].concat()
}
pub(crate) fn erasing(person: PersonKey) -> Vec<u8> {
    [ERASING, person.0.to_be_bytes().as_slice()].concat()
}
/// Two words of one version may both have been in force, one after the other: the digest tells them apart.
pub(crate) fn word_at(said: &Said) -> Vec<u8> {
    let mut key = words_at(said.person, said.version);
    key.extend(said.digest);
    key
}
pub(crate) fn words_at(person: Tag, version: u64) -> Vec<u8> {
    [b"v".as_slice(), &person.0, version.to_be_bytes().as_slice()].concat()
}
pub(crate) fn pact_at(version: u64) -> Vec<u8> {
    [b"q".as_slice(), version.to_be_bytes().as_slice()].concat()
}
pub(crate) fn unusual(at: Timestamp, member: &MemberId, login: &str) -> Vec<u8> {
    let newest_first = seconds(at).map(|byte| !byte);
    let who = [member.0.as_bytes(), b"\0", login.as_bytes()].concat();
    [UNUSUAL, &newest_first, &who].concat()
}
/// The member and the login of a row of somebody who was noticed.
pub(crate) fn noticed(key: &[u8]) -> Option<(MemberId, String)> {
    let who = key.strip_prefix(UNUSUAL)?.get(8..)?;
    let (member, login) = std::str::from_utf8(who).ok()?.split_once('\0')?;
    Some((MemberId(member.to_owned()), login.to_owned()))
}
pub(crate) fn all_said(member: &MemberId) -> Vec<u8> {
    [ALL_SAID, member.0.as_bytes()].concat()
}
pub(crate) fn opinion(act: &[u8; 16]) -> Vec<u8> {
    [b"o".as_slice(), act].concat()
}
pub(crate) fn case(act: &[u8; 16]) -> Vec<u8> {
    [b"n".as_slice(), act].concat()
}
pub(crate) fn limits_of(person: Tag) -> Vec<u8> {
    [b"u".as_slice(), &person.0].concat()
}
pub(crate) fn limit(person: Tag, id: &str) -> Vec<u8> {
    let mut key = limits_of(person);
    key.extend_from_slice(id.as_bytes());
    key
}
/// Sorts before all uses of what a person opened.
pub(crate) fn used_of(person: Tag) -> Vec<u8> {
    [b"6".as_slice(), &person.0].concat()
}
pub(crate) fn used(person: Tag, member: &MemberId, grant: &str) -> Vec<u8> {
    let who = [member.0.as_bytes(), b"\0", grant.as_bytes()].concat();
    [used_of(person), who].concat()
}
pub(crate) fn room(room: &str, key: &[u8]) -> Vec<u8> {
    [b"r", room.as_bytes(), b"\0", key].concat()
}

pub(crate) fn listed_person(person: Tag) -> Vec<u8> {
    [b"p".as_slice(), &person.0].concat()
}
pub(crate) fn listed_acting(person: Tag, representative: Tag) -> Vec<u8> {
    [b"f".as_slice(), &person.0, &representative.0].concat()
}
pub(crate) fn listed_late(person: Tag) -> Vec<u8> {
    [b"n".as_slice(), &person.0].concat()
}
pub(crate) fn listed_local(person: PersonKey) -> Vec<u8> {
    [b"l".as_slice(), person.0.to_be_bytes().as_slice()].concat()
}
pub(crate) fn listed_actor(member: &MemberId, login: &str) -> Vec<u8> {
    format!("a{member}/{login}").into_bytes()
}

/// The families of rows about links.
pub(crate) const LINKS: [&[u8]; 3] = [b"3", b"4", b"5"];

pub(crate) fn linked(key: PersonKey) -> Vec<u8> {
    [b"3".as_slice(), &key.0.to_be_bytes()].concat()
}
pub(crate) fn linked_of(key: &[u8]) -> Option<PersonKey> {
    number(key.strip_prefix(b"3")?)
}
pub(crate) fn apart(one: PersonKey, other: PersonKey) -> Vec<u8> {
    [
        b"4".as_slice(),
        &one.0.to_be_bytes(),
        &other.0.to_be_bytes(),
    ]
    .concat()
}
pub(crate) fn apart_of(key: &[u8]) -> Option<(PersonKey, PersonKey)> {
    let (one, other) = key.strip_prefix(b"4")?.split_at_checked(8)?;
    Some((number(one)?, number(other)?))
}
pub(crate) fn disowned(key: PersonKey, tag: Tag) -> Vec<u8> {
    [b"5".as_slice(), &key.0.to_be_bytes(), &tag.0].concat()
}
pub(crate) fn disowned_of(key: &[u8]) -> Option<(PersonKey, Tag)> {
    let (key, tag) = key.strip_prefix(b"5")?.split_at_checked(8)?;
    Some((number(key)?, Tag(tag.try_into().ok()?)))
}
pub(crate) const ALIKE: &[u8] = b"9";

pub(crate) fn runs_with(member: &MemberId) -> Vec<u8> {
    [b"1", member.0.as_bytes()].concat()
}
/// Sorts before all who resemble somebody here.
pub(crate) fn alike_of(key: PersonKey) -> Vec<u8> {
    [ALIKE, &key.0.to_be_bytes()].concat()
}
pub(crate) fn alike(key: PersonKey, member: &MemberId) -> Vec<u8> {
    [&alike_of(key), member.0.as_bytes()].concat()
}
pub(crate) fn alike_at(key: &[u8]) -> Option<(PersonKey, MemberId)> {
    let (key, member) = key.strip_prefix(ALIKE)?.split_at_checked(8)?;
    let member = std::str::from_utf8(member).ok()?;
    Some((number(key)?, MemberId(member.to_owned())))
}
fn number(bytes: &[u8]) -> Option<PersonKey> {
    Some(PersonKey(u64::from_be_bytes(bytes.try_into().ok()?)))
}
