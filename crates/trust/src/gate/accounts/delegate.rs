//! Delegates: named and ended by a professional, ended by the operator, and the session in which somebody works in another's
//! name. The law is [`crate::delegate`]'s; what it hangs on (accounts, roles, licences) is looked up here, with each session.

use super::{Account, Session, SignedIn, hash_token, json, later};
use crate::act::Doer;
use crate::delegate::{Delegated, LONGEST, MAX_DAYS, MAX_DELEGATES, PURPOSES};
use crate::gate::acts::{Deed, Rows};
use crate::gate::{Gate, Refusal, RefusalKind, What, locked, rows};
use crate::policy::{self, Circumstances};
use crate::{
    ActKind, Actor, Colleague, Delegation, Delegator, EvidenceKind, LicenceState, Purpose, Role,
    Task,
};
use jiff::Timestamp;

/// Rows of delegations that are read of one person of the house.
const MOST: usize = 1_000;
/// Letters of an operator's reason.
const MAX_REASON: usize = 200;

/// Somebody who is to work in a professional's name.
#[derive(Clone, Debug)]
pub struct NewDelegate {
    /// Her login.
    pub login: String,
    /// For what.
    pub purposes: Vec<Purpose>,
    /// To do what.
    pub tasks: Vec<Task>,
    /// From when; `None` means from now on.
    pub from: Option<Timestamp>,
    /// Until when: at most [`MAX_DAYS`] later.
    pub until: Timestamp,
}

impl Gate {
    /// A professional names somebody of this institution her delegate, or names her anew. It is an act. Counts from its
    /// moment on, in sessions in which the delegate chooses to work in that name.
    ///
    /// Refused: to whoever has no active licence here, works in somebody's name herself, or has [`MAX_DELEGATES`]; for
    /// somebody who does not work here or is herself; for times beyond [`MAX_DAYS`] days; where the pact knows no such delegates.
    pub fn name_delegate(
        &self,
        by: &Actor,
        new: NewDelegate,
        now: Timestamp,
    ) -> Result<Delegation, Refusal> {
        if by.delegator.is_some() || by.helper.is_some() || by.member != self.house.member {
            return Err(own_name_only());
        }
        let licence = || Refusal::new(RefusalKind::Licence, Vec::new());
        self.answering(&by.id)?.ok_or_else(licence)?;
        let delegation = self.drafted(by, new, now)?;
        self.check_known(&delegation, now)?;
        let (one, other) = (&delegation.delegate.login, &by.id);
        let (key, index) = (rows::delegation(one, other), rows::delegate(other, one));
        let before = self.house.store.get(&self.house.seal, &key)?;
        let all = self.rows_of_delegates(other)?;
        let others = all.iter().filter(|known| known.delegate.login != *one);
        if others.filter(|known| !known.is_over(now)).count() >= MAX_DELEGATES {
            return Err(Refusal::bad(
                format!(
                    "Ya trabajan {MAX_DELEGATES} personas en tu nombre: termina antes un encargo."
                ),
                format!(
                    "{MAX_DELEGATES} people work in your name already: end a delegation first."
                ),
            ));
        }
        let mut changes = vec![
            (key.clone(), Some(json(&delegation))),
            (index, Some(Vec::new())),
        ];
        changes.extend(long_over(&all, one, now));
        let tasks: Vec<&str> = delegation.tasks.iter().map(|task| task.code()).collect();
        let purposes: Vec<&str> = delegation.purposes.iter().map(|one| one.code()).collect();
        let line = format!(
            "delegate {one}: {}; {}; {} to {}",
            purposes.join(" "),
            tasks.join(" "),
            delegation.from,
            delegation.until
        );
        let deed = Deed {
            what: What::Interaction(line),
            ..Deed::new(ActKind::Delegation, by, Purpose::Operations)
        };
        self.keep(changes, vec![(key, before)], Some(deed), now)?;
        locked(&self.house.accounts.sessions).clear();
        Ok(delegation)
    }

    /// A professional ends what she named somebody for. Counts at the next request; it is an act.
    pub fn end_delegate(&self, by: &Actor, login: &str, now: Timestamp) -> Result<(), Refusal> {
        if by.delegator.is_some() || by.member != self.house.member {
            return Err(own_name_only());
        }
        let deed = Deed {
            what: What::Interaction(format!("delegate {login}: ended")),
            ..Deed::new(ActKind::Delegation, by, Purpose::Operations)
        };
        self.end(&by.id, login, deed, now)
    }

    /// The operator ends a delegation of two people here, and says why (the operator's command line).
    pub fn end_delegation(
        &self,
        delegator: &str,
        delegate: &str,
        reason: &str,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let reason = reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON {
            return Err(Refusal::bad(
                "Di por qué termina el encargo, en 1 a 200 letras.",
                "Say why the delegation ends, in 1 to 200 characters.",
            ));
        }
        let line = format!("delegate {delegate} of {delegator}: ended, {reason}");
        let house = Doer::house(&self.house.member);
        let deed = Deed {
            what: What::Interaction(line),
            ..Deed::by(ActKind::Delegation, house, Purpose::Operations)
        };
        self.end(delegator, delegate, deed, now)
    }

    fn end(
        &self,
        delegator: &str,
        delegate: &str,
        deed: Deed<'_>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let none = || {
            Refusal::bad(
                "No hay tal encargo, o ya terminó.",
                "There is no such delegation, or it is over.",
            )
        };
        let known = self.delegation(delegate, delegator)?;
        let known = known.filter(|known| !known.is_over(now)).ok_or_else(none)?;
        let ended = Delegation {
            ended: Some(now),
            ..known.clone()
        };
        let key = rows::delegation(delegate, delegator);
        let expect = vec![(key.clone(), Some(json(&known)))];
        self.keep(vec![(key, Some(json(&ended)))], expect, Some(deed), now)?;
        locked(&self.house.accounts.sessions).clear();
        Ok(())
    }

    /// Whom somebody here named, those of late included, and whether each counts now.
    pub fn delegates_of(
        &self,
        login: &str,
        now: Timestamp,
    ) -> Result<Vec<(Delegation, bool)>, Refusal> {
        self.standing(self.rows_of_delegates(login)?, now)
    }

    /// In whose names somebody here was named to work, and whether each counts now.
    pub fn delegators_of(
        &self,
        login: &str,
        now: Timestamp,
    ) -> Result<Vec<(Delegation, bool)>, Refusal> {
        let house = &self.house;
        let found = house
            .store
            .scan(&house.seal, &rows::delegations_of(login), None, MOST)?;
        let read = |(_, row): &(Vec<u8>, Vec<u8>)| serde_json::from_slice(row).ok();
        self.standing(found.iter().filter_map(read).collect(), now)
    }

    /// From now on the session's holder works in somebody's name; without one, in her own again. The session goes on under
    /// a new token, so that no form of before is sent in another name; the old token is worth nothing. It is a sign-in.
    ///
    /// Refused: a token that is not good; a delegation that does not count now.
    pub fn work_for(
        &self,
        token: &str,
        delegator: Option<&str>,
        now: Timestamp,
    ) -> Result<SignedIn, Refusal> {
        let unknown = || Refusal::new(RefusalKind::NotSignedIn, Vec::new());
        let old = rows::session(&hash_token(token).ok_or_else(unknown)?);
        let row = self.house.store.get(&self.house.seal, &old)?;
        let row = row.ok_or_else(unknown)?;
        let session: Session = serde_json::from_slice(&row).map_err(|_| unknown())?;
        if session.until <= now {
            return Err(Refusal::new(RefusalKind::Expired, Vec::new()));
        }
        let account = self.find_account(&session.login)?.ok_or_else(unknown)?;
        let delegator = match delegator {
            None => None,
            Some(login) => {
                let over = vec!["delegation-over".to_owned()];
                let found = self.delegator(&account, login)?;
                let stands = found.stands_at(now) && session.helper.is_none();
                let refused = || Refusal::new(RefusalKind::Delegation, over);
                Some(stands.then_some(found).ok_or_else(refused)?)
            }
        };
        let actor = Actor {
            helper: session.helper.clone(),
            delegator,
            ..self.actor(&account)
        };
        let session = Session {
            in_name_of: actor.delegator.as_ref().map(|by| by.login.clone()),
            ..session
        };
        let (token, hash) = super::new_token()?;
        let changes = vec![
            (rows::session(&hash), Some(json(&session))),
            (old.clone(), None),
        ];
        let deed = self.sign_in_of(&actor);
        self.keep(changes, vec![(old, Some(row))], Some(deed), now)?;
        locked(&self.house.accounts.sessions).clear();
        Ok(SignedIn {
            token,
            actor,
            until: session.until,
        })
    }

    /// In whose name the holder of an account works, as it counts now.
    pub(super) fn delegator(&self, account: &Account, login: &str) -> Result<Delegator, Refusal> {
        let known = self.delegation(&account.login, login)?;
        let named = self.find_account(login)?;
        let stands = known
            .as_ref()
            .is_some_and(|known| holds(known, account, named.as_ref()));
        let name = named.as_ref().map(|account| account.name.clone());
        let licence = named.as_ref().and_then(|account| account.licence.clone());
        let ended = known.as_ref().and_then(|known| known.ended);
        let of = |known: Delegation| Delegator {
            login: login.to_owned(),
            name: name.clone().unwrap_or(known.delegator.name),
            role: known.delegator.role,
            licence: licence.clone().map(|held| self.as_it_counts(held)),
            purposes: known.purposes,
            tasks: known.tasks,
            from: known.from,
            until: ended.map_or(known.until, |ended| ended.min(known.until)),
            stands,
        };
        Ok(known.map(of).unwrap_or_else(|| Delegator {
            login: login.to_owned(),
            name: name.clone().unwrap_or_else(|| login.to_owned()),
            role: account.role,
            licence: None,
            purposes: Vec::new(),
            tasks: Vec::new(),
            from: Timestamp::MIN,
            until: Timestamp::MIN,
            stands: false,
        }))
    }

    fn standing(
        &self,
        all: Vec<Delegation>,
        now: Timestamp,
    ) -> Result<Vec<(Delegation, bool)>, Refusal> {
        let mut told = Vec::new();
        for one in all {
            let stands = one.is_on(now)
                && match self.find_account(&one.delegate.login)? {
                    Some(account) => self
                        .delegator(&account, &one.delegator.login)?
                        .stands_at(now),
                    None => false,
                };
            told.push((one, stands));
        }
        Ok(told)
    }

    fn delegation(&self, delegate: &str, delegator: &str) -> Result<Option<Delegation>, Refusal> {
        let house = &self.house;
        let key = rows::delegation(delegate, delegator);
        let row = house.store.get(&house.seal, &key)?;
        Ok(row.and_then(|row| serde_json::from_slice(&row).ok()))
    }

    fn rows_of_delegates(&self, login: &str) -> Result<Vec<Delegation>, Refusal> {
        let (house, prefix) = (&self.house, rows::delegates_of(login));
        let found = house.store.scan(&house.seal, &prefix, None, MOST)?;
        let mut all = Vec::new();
        for (key, _) in found {
            let delegate = key.get(prefix.len()..).unwrap_or_default();
            all.extend(self.delegation(&String::from_utf8_lossy(delegate), login)?);
        }
        Ok(all)
    }

    /// What is to be kept, if it makes sense.
    fn drafted(&self, by: &Actor, new: NewDelegate, now: Timestamp) -> Result<Delegation, Refusal> {
        let login = new.login.trim();
        let works = |account: &Account| {
            let roles = [Role::Physician, Role::Nurse, Role::Pharmacist, Role::Clerk];
            roles.contains(&account.role) && account.login != by.id
        };
        let account = self.find_account(login)?.filter(works).ok_or_else(|| {
            Refusal::bad(
                "Aquí no hay nadie con ese usuario que pueda trabajar en tu nombre.",
                "There is nobody here of that login who could work in your name.",
            )
        })?;
        let (mut purposes, mut tasks) = (new.purposes, new.tasks);
        purposes.sort_unstable_by_key(|one| one.code());
        purposes.dedup();
        tasks.sort_unstable();
        tasks.dedup();
        let good = purposes.iter().all(|one| PURPOSES.contains(one));
        if purposes.is_empty() || tasks.is_empty() || !good {
            return Err(Refusal::bad(
                "Di para qué y qué va a hacer en tu nombre.",
                "Say for what, and what she is to do in your name.",
            ));
        }
        let from = new.from.unwrap_or(now).max(now);
        if from > later(now, LONGEST) || new.until <= from || new.until > later(from, LONGEST) {
            return Err(Refusal::bad(
                format!("Un encargo empieza dentro de {MAX_DAYS} días y dura {MAX_DAYS} a lo más."),
                format!("A delegation begins within {MAX_DAYS} days and lasts {MAX_DAYS} at most."),
            ));
        }
        let colleague = |login: &str, name: &str, role| Colleague {
            login: login.to_owned(),
            name: name.to_owned(),
            role,
        };
        Ok(Delegation {
            delegator: colleague(&by.id, &by.name, by.role),
            delegate: colleague(&account.login, &account.name, account.role),
            purposes,
            tasks,
            from,
            until: new.until,
            ended: None,
        })
    }

    /// Whether the pact knows delegates of such roles, for every purpose.
    fn check_known(&self, delegation: &Delegation, now: Timestamp) -> Result<(), Refusal> {
        let in_force = self.in_force();
        let account = self.held(&delegation.delegate.login)?;
        let actor = self.actor(&account);
        let knows = |purpose: &Purpose| {
            let circumstances = Circumstances {
                evidence: EvidenceKind::CARE.map(EvidenceKind::code).to_vec(),
                delegated: Some(Delegated {
                    login: delegation.delegator.login.clone(),
                    role: delegation.delegator.role,
                    licence: Some(LicenceState::Active),
                    purposes: delegation.purposes.clone(),
                    tasks: delegation.tasks.clone(),
                    stands: delegation.until > now,
                }),
                ..self.circumstances(&in_force, &actor, *purpose, "person", false)
            };
            in_force
                .rulebook
                .ask(policy::DELEGATE, &circumstances)
                .allowed
        };
        match delegation.purposes.iter().all(knows) {
            true => Ok(()),
            false => Err(Refusal::new(
                RefusalKind::Delegation,
                vec!["delegation-unknown".to_owned()],
            )),
        }
    }
}

/// Whether both are still who they were when one named the other.
fn holds(known: &Delegation, delegate: &Account, delegator: Option<&Account>) -> bool {
    delegate.role == known.delegate.role
        && delegator.is_some_and(|account| account.role == known.delegator.role)
}

/// The rows of delegations that were over long ago, to be deleted.
fn long_over(all: &[Delegation], but: &str, now: Timestamp) -> Rows {
    let old = |one: &&Delegation| {
        let over = one.over(now);
        one.delegate.login != but && over.is_some_and(|over| later(over, LONGEST) < now)
    };
    let rows_of = |one: &Delegation| {
        let (delegate, delegator) = (&one.delegate.login, &one.delegator.login);
        [
            (rows::delegation(delegate, delegator), None),
            (rows::delegate(delegator, delegate), None),
        ]
    };
    all.iter().filter(old).flat_map(rows_of).collect()
}

fn own_name_only() -> Refusal {
    Refusal::bad(
        "Los encargos se dan y se quitan en el propio nombre: deja antes el encargo en que trabajas.",
        "Delegations are given and ended in one's own name: lay down the one that you work in first.",
    )
}
