//! Who somebody is: accounts, secrets, tokens.
//!
//! A secret is kept as its argon2id hash (19 MiB, two passes, one lane), a token (256 random bits) as its SHA-256. One
//! hash of a secret is computed at a time, so that guessing cannot take the node's memory.

mod delegate;
mod desk;
mod licence;

pub use delegate::NewDelegate;
pub(crate) use desk::PAGE_MADE;
pub use desk::{Document, NewPage};
pub use licence::NewLicence;

use super::acts::Deed;
use super::person::check_curp;
use super::tries::{Tries, Try};
use super::{Gate, Refusal, RefusalKind, Tag, hex, locked, random, rows};
use crate::act::Doer;
use crate::{ActKind, Actor, Helper, Licence, LicenceTurn, Purpose, Role};
use argon2::{Algorithm, Argon2, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Mutex;

const MEMORY_KIB: u32 = 19 * 1024;
const PASSES: u32 = 2;
const LANES: u32 = 1;
/// Characters of a login, bytes of a secret, hours of a program's token.
const MAX_LOGIN: usize = 128;
const MAX_SECRET: usize = 1024;
const MAX_HOURS: u32 = 24 * 366;
/// How long sessions last, in hours.
const STAFF_HOURS: i64 = 12;
const PATIENT_HOURS: i64 = 1;
/// Sessions kept at hand, and old ones looked at with each sign-in.
const MAX_AT_HAND: usize = 10_000;
const SWEEP: usize = 64;
/// Rows read at once where all are read.
const PAGE: usize = 1_000;

/// A session that was opened.
#[derive(Clone)]
pub struct SignedIn {
    /// Opaque random token; only its hash is stored.
    pub token: String,
    /// Who.
    pub actor: Actor,
    /// Until when.
    pub until: Timestamp,
}

impl std::fmt::Debug for SignedIn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "SignedIn({:?} until {}, token withheld)",
            self.actor, self.until
        )
    }
}

/// An account to be made by the operator.
#[derive(Clone)]
pub struct NewAccount {
    /// Login.
    pub login: String,
    /// Secret (password or PIN), hashed with argon2id.
    pub secret: String,
    /// Name.
    pub name: String,
    /// Role.
    pub role: Role,
    /// For professionals.
    pub licence: Option<Licence>,
    /// For patients.
    pub curp: Option<String>,
    /// For who works here: her unit, as in `urgencias`. Who reviews an emergency is of another unit than who declared it.
    pub unit: Option<String>,
}

impl std::fmt::Debug for NewAccount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "NewAccount({}, {:?}, secret withheld)",
            self.login, self.role
        )
    }
}

/// An account as stored.
#[derive(Serialize, Deserialize)]
pub(crate) struct Account {
    login: String,
    salt: String,
    hash: String,
    name: String,
    role: Role,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    licence: Option<Licence>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    curp: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unit: Option<String>,
    /// What her licence was before and is, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    turns: Vec<LicenceTurn>,
}

/// A session as stored.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Session {
    login: String,
    until: Timestamp,
    /// Who helps at the desk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    helper: Option<Helper>,
    /// The login of whoever she works in the name of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    in_name_of: Option<String>,
}

/// How long a session lasts, and who helps.
struct SignedFor {
    time: SignedDuration,
    helper: Option<Helper>,
}

impl SignedFor {
    fn hours(hours: i64) -> SignedFor {
        SignedFor {
            time: SignedDuration::from_hours(hours),
            helper: None,
        }
    }
}

/// What the gate keeps at hand about accounts; the truth is in the rows.
#[derive(Default)]
pub(crate) struct Accounts {
    sessions: Mutex<HashMap<[u8; 32], (Actor, Timestamp)>>,
    tries: Mutex<Tries>,
    hashing: Mutex<()>,
    swept: Mutex<Option<Vec<u8>>>,
}

impl Gate {
    /// Makes or replaces an account (the operator's command line). A professional's licence and a patient's CURP come
    /// with it. What her licence was before stays known.
    pub fn account(&self, account: NewAccount, now: Timestamp) -> Result<(), Refusal> {
        self.put_account(account, None, now)
    }

    fn put_account(
        &self,
        account: NewAccount,
        deed: Option<Deed<'_>>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        check_account(&account)?;
        let salt = random::<16>()?;
        let hash = self.hash(account.secret.as_bytes(), &salt)?;
        let licence = match account.licence {
            Some(licence) => Some(self.answered_for(licence)?),
            None => None,
        };
        let before = self.find_account(&as_login(&account.login))?;
        let turns = licence::turned(before, licence.as_ref(), now);
        let kept = Account {
            salt: hex(&salt),
            hash: hex(&hash),
            login: as_login(&account.login),
            name: account.name,
            role: account.role,
            licence,
            turns,
            curp: account.curp.map(|c| super::witness::normal(&c)),
            unit: account.unit.map(|unit| unit.trim().to_owned()),
        };
        let row = (rows::account(&kept.login), Some(json(&kept)));
        self.keep(vec![row], Vec::new(), deed, now)?;
        locked(&self.house.accounts.sessions).clear();
        Ok(())
    }

    /// Signs somebody in; wrong secrets slow down and are acts. An unknown login and a wrong secret are told apart
    /// neither by the answer nor by the work done for it.
    pub fn sign_in(&self, login: &str, secret: &str, now: Timestamp) -> Result<SignedIn, Refusal> {
        let account = self.known(login, secret, now)?;
        let hours = match account.role {
            Role::Patient => PATIENT_HOURS,
            _ => STAFF_HOURS,
        };
        self.open_session(account, SignedFor::hours(hours), now)
    }

    /// The account of a login and its secret.
    fn known(&self, login: &str, secret: &str, now: Timestamp) -> Result<Account, Refusal> {
        self.keep_samples(now)?;
        let login = as_login(login.trim());
        let login = login.as_str();
        if login.len() > MAX_LOGIN || secret.len() > MAX_SECRET {
            return self.refuse_stranger(RefusalKind::WrongSecret, now);
        }
        // From the question whether one may try to the answer whether it was wrong, nobody else tries: else a hundred
        // guesses at once would all be the first.
        let _one_at_a_time = locked(&self.house.accounts.hashing);
        let wait = locked(&self.house.accounts.tries).wait(login, now);
        if wait > 0 {
            self.note_stranger(RefusalKind::SlowDown, now)?;
            return Err(Refusal::wait(wait));
        }
        let account = self.find_account(login)?;
        if self.fits(account.as_ref(), secret)? {
            return account.ok_or_else(wrong_secret);
        }
        let tried = locked(&self.house.accounts.tries).wrong(login, now);
        match account {
            None => self.refuse_stranger(RefusalKind::WrongSecret, now),
            Some(account) => self.refuse_known(&account, tried, now),
        }
    }

    /// A token for a program, good for some hours (the operator's command line).
    pub fn token(&self, login: &str, hours: u32, now: Timestamp) -> Result<SignedIn, Refusal> {
        let account = self.held(login)?;
        let hours = i64::from(hours.clamp(1, MAX_HOURS));
        self.open_session(account, SignedFor::hours(hours), now)
    }

    /// Who a token stands for. `None` or a bad one is refused, and the refusal is an act (see `sample` for how floods
    /// are counted).
    pub fn authenticate(&self, token: Option<&str>, now: Timestamp) -> Result<Actor, Refusal> {
        self.keep_samples(now)?;
        let Some(hash) = token.and_then(hash_token) else {
            return self.refuse_stranger(RefusalKind::NotSignedIn, now);
        };
        let Some((actor, until)) = self.session(&hash)? else {
            return self.refuse_stranger(RefusalKind::NotSignedIn, now);
        };
        if until <= now {
            return self.refuse_stranger(RefusalKind::Expired, now);
        }
        Ok(actor)
    }

    /// Who a token stands for, if that is known without asking the archive; `None` says nothing: ask
    /// [`authenticate`](Gate::authenticate). Does not block.
    pub fn at_hand(&self, token: Option<&str>, now: Timestamp) -> Option<Actor> {
        let hash = hash_token(token?)?;
        let known = locked(&self.house.accounts.sessions).get(&hash).cloned();
        let (actor, until) = known?;
        let is_good = until > now && !locked(&self.house.sampler).is_due(now);
        is_good.then_some(actor)
    }

    /// Somebody at the door for nodes was turned away: a certificate that no member issued, a message that is not signed
    /// as it must be. An act like those of other strangers; a flood of them is counted (see `sample`).
    pub fn turned_away(&self, now: Timestamp) -> Result<(), Refusal> {
        self.keep_samples(now)?;
        match self.refuse_stranger::<()>(RefusalKind::Forged, now) {
            Err(refusal) if refusal.kind == RefusalKind::Forged => Ok(()),
            other => other,
        }
    }

    /// Ends a session. One that is not there: nothing changes.
    pub fn sign_out(&self, token: &str, now: Timestamp) -> Result<(), Refusal> {
        let Some(hash) = hash_token(token) else {
            return Ok(());
        };
        self.keep(vec![(rows::session(&hash), None)], Vec::new(), None, now)?;
        locked(&self.house.accounts.sessions).remove(&hash);
        Ok(())
    }

    /// An actor of this node by login, when there is one.
    pub(crate) fn colleague(&self, login: &str) -> Result<Option<Actor>, Refusal> {
        Ok(self.find_account(login)?.map(|a| self.actor(&a)))
    }

    /// The unit of somebody here; `None` for who has none, and who has no account.
    pub(crate) fn unit_of(&self, login: &str) -> Result<Option<String>, Refusal> {
        Ok(self.find_account(login)?.and_then(|account| account.unit))
    }

    /// Whether who is signed in says her password again; a wrong one is an act, as at the door.
    pub(crate) fn sign_in_again(
        &self,
        by: &Actor,
        secret: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if secret.len() > MAX_SECRET {
            return Err(wrong_secret());
        }
        let _one_at_a_time = locked(&self.house.accounts.hashing);
        let wait = locked(&self.house.accounts.tries).wait(&by.id, now);
        if wait > 0 {
            return Err(Refusal::wait(wait));
        }
        let account = self.find_account(&by.id)?;
        if self.fits(account.as_ref(), secret)? {
            return Ok(());
        }
        let tried = locked(&self.house.accounts.tries).wrong(&by.id, now);
        match account {
            None => Err(wrong_secret()),
            Some(account) => self.refuse_known(&account, tried, now).map(drop),
        }
    }

    /// Takes up the wrong tries that rows kept.
    pub(crate) fn load_tries(&self) -> Result<(), Refusal> {
        let prefix = rows::TRIES;
        let found = self
            .house
            .store
            .scan(&self.house.seal, prefix, None, MAX_AT_HAND)?;
        let mut tries = locked(&self.house.accounts.tries);
        for (key, value) in found {
            if let (Ok(login), Ok(tried)) = (
                String::from_utf8(key.get(prefix.len()..).unwrap_or_default().to_vec()),
                serde_json::from_slice::<Try>(&value),
            ) {
                tries.put(login, tried);
            }
        }
        Ok(())
    }

    /// The logins of a person's own accounts. Reads all accounts.
    fn logins_of(&self, tags: &[Tag]) -> Result<Vec<String>, Refusal> {
        let mut logins = Vec::new();
        self.each_row(rows::ACCOUNTS, &mut |_, value| {
            if let Ok(account) = serde_json::from_slice::<Account>(value)
                && self.is_own(&self.actor(&account), tags)
            {
                logins.push(account.login);
            }
        })?;
        Ok(logins)
    }

    /// What is kept of the accounts that are a person's own, as rows to delete: the account, its sessions, its tries.
    /// Whoever works here has an account for her work, which stays. Reads all accounts and sessions.
    pub(crate) fn accounts_of(&self, tags: &[Tag]) -> Result<super::acts::Rows, Refusal> {
        let logins = self.logins_of(tags)?;
        let mut gone = Vec::new();
        for login in &logins {
            gone.push(rows::account(login));
            let tries = rows::tries(login);
            if self.house.store.get(&self.house.seal, &tries)?.is_some() {
                gone.push(tries);
            }
        }
        if !logins.is_empty() {
            self.each_row(rows::SESSIONS, &mut |key, value| {
                if serde_json::from_slice::<Session>(value).is_ok_and(|s| logins.contains(&s.login))
                {
                    gone.push(key.to_vec());
                }
            })?;
        }
        Ok(gone.into_iter().map(|key| (key, None)).collect())
    }

    /// Lets go of what is at hand of accounts; the rows say what is true.
    pub(crate) fn forget_accounts(&self, gone: &[String]) {
        locked(&self.house.accounts.sessions).clear();
        let mut tries = locked(&self.house.accounts.tries);
        for login in gone {
            tries.right(login);
        }
    }

    /// Goes through the house's rows that begin so.
    pub(crate) fn each_row(
        &self,
        prefix: &[u8],
        visit: &mut dyn FnMut(&[u8], &[u8]),
    ) -> Result<(), Refusal> {
        let house = &self.house;
        let mut after: Option<Vec<u8>> = None;
        loop {
            let page = house
                .store
                .scan(&house.seal, prefix, after.as_deref(), PAGE)?;
            for (key, value) in &page {
                visit(key, value);
            }
            match page.last() {
                Some((key, _)) if page.len() == PAGE => after = Some(key.clone()),
                _ => return Ok(()),
            }
        }
    }

    fn actor(&self, account: &Account) -> Actor {
        Actor {
            id: account.login.clone(),
            name: account.name.clone(),
            member: self.house.member.clone(),
            role: account.role,
            licence: account.licence.clone().map(|held| self.as_it_counts(held)),
            curp: account.curp.clone(),
            helper: None,
            delegator: None,
        }
    }

    fn find_account(&self, login: &str) -> Result<Option<Account>, Refusal> {
        let row = self
            .house
            .store
            .get(&self.house.seal, &rows::account(login))?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    /// The session of a token's hash, from what is at hand or from its row.
    fn session(&self, hash: &[u8; 32]) -> Result<Option<(Actor, Timestamp)>, Refusal> {
        if let Some(found) = locked(&self.house.accounts.sessions).get(hash) {
            return Ok(Some(found.clone()));
        }
        let row = self
            .house
            .store
            .get(&self.house.seal, &rows::session(hash))?;
        let Some(session) = row.and_then(|r| serde_json::from_slice::<Session>(&r).ok()) else {
            return Ok(None);
        };
        let Some(account) = self.find_account(&session.login)? else {
            return Ok(None);
        };
        let delegator = match &session.in_name_of {
            Some(login) => Some(self.delegator(&account, login)?),
            None => None,
        };
        let actor = Actor {
            helper: session.helper,
            delegator,
            ..self.actor(&account)
        };
        let found = (actor, session.until);
        let mut at_hand = locked(&self.house.accounts.sessions);
        if at_hand.len() >= MAX_AT_HAND {
            at_hand.clear();
        }
        at_hand.insert(*hash, found.clone());
        Ok(Some(found))
    }

    fn open_session(
        &self,
        account: Account,
        signed_for: SignedFor,
        now: Timestamp,
    ) -> Result<SignedIn, Refusal> {
        let (token, hash) = new_token()?;
        let until = later(now, signed_for.time);
        let session = Session {
            login: account.login.clone(),
            until,
            helper: signed_for.helper.clone(),
            in_name_of: None,
        };
        let mut changes = self.sweep(now)?;
        changes.push((rows::session(&hash), Some(json(&session))));
        if locked(&self.house.accounts.tries).right(&account.login) {
            changes.push((rows::tries(&account.login), None));
        }
        let actor = Actor {
            helper: signed_for.helper,
            ..self.actor(&account)
        };
        let deed = self.sign_in_of(&actor);
        self.keep(changes, Vec::new(), Some(deed), now)?;
        Ok(SignedIn {
            token,
            actor,
            until,
        })
    }

    /// A few of the sessions that ran out a day ago or more, as rows to delete: each sign-in cleans some.
    fn sweep(&self, now: Timestamp) -> Result<super::acts::Rows, Refusal> {
        let mut swept = locked(&self.house.accounts.swept);
        let store = &self.house.store;
        let found = store.scan(&self.house.seal, rows::SESSIONS, swept.as_deref(), SWEEP)?;
        *swept = match found.last() {
            Some((key, _)) if found.len() == SWEEP => Some(key.clone()),
            _ => None,
        };
        let over = |value: &[u8]| match serde_json::from_slice::<Session>(value) {
            Ok(session) => later(session.until, SignedDuration::from_hours(24)) < now,
            Err(_) => true,
        };
        Ok(found
            .into_iter()
            .filter(|(_, value)| over(value))
            .map(|(key, _)| (key, None))
            .collect())
    }

    fn fits(&self, account: Option<&Account>, secret: &str) -> Result<bool, Refusal> {
        let (salt, kept) = account
            .and_then(|a| Some((super::from_hex(&a.salt)?, super::from_hex::<32>(&a.hash)?)))
            .unwrap_or(([0; 16], [0; 32]));
        let hash = self.hash(secret.as_bytes(), &salt)?;
        let equal = aws_lc_rs::constant_time::verify_slices_are_equal(&hash, &kept).is_ok();
        Ok(equal && account.is_some())
    }

    fn hash(&self, secret: &[u8], salt: &[u8; 16]) -> Result<[u8; 32], Refusal> {
        let failed = |_| Refusal::new(RefusalKind::Unavailable, Vec::new());
        let params = Params::new(MEMORY_KIB, PASSES, LANES, Some(32)).map_err(failed)?;
        let mut hash = [0; 32];
        Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into(secret, salt, &mut hash)
            .map_err(failed)?;
        Ok(hash)
    }

    /// The act of a sign-in; a patient reads hers in her own log.
    fn sign_in_of<'a>(&self, actor: &'a Actor) -> Deed<'a> {
        let purpose = match actor.role {
            Role::Patient => Purpose::OwnRequest,
            _ => Purpose::Operations,
        };
        let person = (actor.role == Role::Patient)
            .then(|| actor.curp.as_deref().map(|c| self.tag(c)))
            .flatten();
        Deed {
            persons: person.into_iter().collect(),
            ..Deed::new(ActKind::SignIn, actor, purpose)
        }
    }

    fn refuse_known(
        &self,
        account: &Account,
        tried: Try,
        now: Timestamp,
    ) -> Result<Account, Refusal> {
        let actor = self.actor(account);
        let refused = vec![RefusalKind::WrongSecret.code().to_owned()];
        let deed = Deed {
            refused,
            ..self.sign_in_of(&actor)
        };
        let row = (rows::tries(&account.login), Some(json(&tried)));
        self.keep(vec![row], Vec::new(), Some(deed), now)?;
        Err(wrong_secret())
    }

    fn refuse_stranger<T>(&self, kind: RefusalKind, now: Timestamp) -> Result<T, Refusal> {
        self.note_stranger(kind, now)?;
        Err(Refusal::new(kind, Vec::new()))
    }

    fn note_stranger(&self, kind: RefusalKind, now: Timestamp) -> Result<(), Refusal> {
        if !locked(&self.house.sampler).keep(kind) {
            return Ok(());
        }
        self.keep_stranger(kind.code(), 1, now)
    }

    /// Keeps the counts that the last minutes left over.
    fn keep_samples(&self, now: Timestamp) -> Result<(), Refusal> {
        let over = locked(&self.house.sampler).turn(now);
        over.into_iter()
            .try_for_each(|(kind, times)| self.keep_stranger(kind, times, now))
    }

    fn keep_stranger(&self, kind: &str, times: u64, now: Timestamp) -> Result<(), Refusal> {
        // What a stranger typed as her name may be a secret in the wrong box: it is not kept.
        let stranger = Doer::unknown(&self.house.member);
        let deed = Deed {
            resources: times,
            refused: vec![kind.to_owned()],
            ..Deed::by(ActKind::SignIn, stranger, Purpose::Operations)
        };
        self.keep(Vec::new(), Vec::new(), Some(deed), now)
    }
}

fn check_account(account: &NewAccount) -> Result<(), Refusal> {
    let good = |c: char| c.is_ascii_alphanumeric() || "._-@+".contains(c);
    let login = &account.login;
    if login.is_empty() || login.len() > MAX_LOGIN || !login.chars().all(good) {
        return Err(Refusal::bad(
            "El usuario lleva de 1 a 128 letras sin acento, cifras o . _ - @ +",
            "A login is 1 to 128 ASCII letters, digits or . _ - @ +",
        ));
    }
    if account.secret.len() < 4 || account.secret.len() > MAX_SECRET {
        return Err(Refusal::bad(
            "La contraseña lleva de 4 a 1024 caracteres.",
            "A secret has 4 to 1024 characters.",
        ));
    }
    if account.role == Role::Patient && account.curp.is_none() {
        return Err(Refusal::bad(
            "La cuenta de una persona necesita su CURP.",
            "A patient's account needs her CURP.",
        ));
    }
    let plain = |unit: &String| {
        let unit = unit.trim();
        !unit.is_empty() && unit.chars().count() <= 64 && !unit.chars().any(char::is_control)
    };
    if !account.unit.as_ref().is_none_or(plain) {
        return Err(Refusal::bad(
            "El área lleva de 1 a 64 letras.",
            "A unit has 1 to 64 characters.",
        ));
    }
    account.curp.as_deref().map_or(Ok(()), check_curp)
}

/// A login as it is kept. Whoever signs in with her CURP may write it in small letters.
fn as_login(login: &str) -> String {
    let curp = super::witness::normal(login);
    match check_curp(&curp) {
        Ok(()) => curp,
        Err(_) => login.to_owned(),
    }
}

fn wrong_secret() -> Refusal {
    Refusal::new(RefusalKind::WrongSecret, Vec::new())
}

/// A new token, and its hash.
fn new_token() -> Result<(String, [u8; 32]), Refusal> {
    let token = URL_SAFE_NO_PAD.encode(random::<32>()?);
    let hash = ledger::sha256(token.as_bytes());
    Ok((token, hash))
}

/// The hash of a token's text; `None` for what cannot be one of ours.
fn hash_token(token: &str) -> Option<[u8; 32]> {
    (token.len() == 43).then(|| ledger::sha256(token.as_bytes()))
}

/// A time some while later, at the end of time at most.
pub(crate) fn later(at: Timestamp, by: SignedDuration) -> Timestamp {
    at.checked_add(by).unwrap_or(Timestamp::MAX)
}

pub(crate) fn json<T: Serialize>(value: &T) -> Vec<u8> {
    // Our own types with string keys: nothing in them can fail to be written.
    serde_json::to_vec(value).unwrap_or_default()
}
