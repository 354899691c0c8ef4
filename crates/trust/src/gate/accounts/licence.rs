//! Professionals' licences: their states with their history, and who answers for a pasante.
//!
//! A licence is what the operator found in the register when she last looked. A change is an act, counts at the next
//! request, and stays in the history of the account. A pasante has no cédula yet: she works under a named professional
//! of the same institution, and only while that one's own licence is active and her account here.

use super::{Account, json};
use crate::act::Doer;
use crate::gate::acts::Deed;
use crate::gate::{Gate, Refusal, What, locked, rows};
use crate::{ActKind, Licence, LicenceState, LicenceTurn, Purpose, Role, Supervisor};
use jiff::Timestamp;

/// States kept of one licence; the oldest go first.
const MAX_TURNS: usize = 100;
/// Letters of a reason.
const MAX_REASON: usize = 200;

/// A change of a licence's state, as the operator says it.
#[derive(Clone, Debug)]
pub struct NewLicence {
    /// Whose: her login.
    pub login: String,
    /// What it is from now on.
    pub state: LicenceState,
    /// The login of who answers for her, where she becomes a pasante.
    pub supervisor: Option<String>,
    /// Why: what the register said, the number of a resolution.
    pub reason: String,
}

impl Gate {
    /// Changes the state of a professional's licence. In force at the very next request here, and with other members as
    /// soon as they are asked; decisions of before are made again with what it was then.
    ///
    /// Refused: no such account, no licence, no reason, a pasante without a supervisor whose licence is active.
    pub fn set_licence(&self, change: NewLicence, now: Timestamp) -> Result<(), Refusal> {
        let reason = change.reason.trim();
        if reason.is_empty() || reason.chars().count() > MAX_REASON {
            return Err(Refusal::bad(
                "Di por qué cambia la cédula, en 1 a 200 letras.",
                "Say why the licence changes, in 1 to 200 characters.",
            ));
        }
        let mut account = self.held(&change.login)?;
        let before = account.licence.take().ok_or_else(no_licence)?;
        let was = before.state.code();
        let licence = self.answered_for(Licence {
            state: change.state,
            checked: now,
            supervisor: change.supervisor.map(named),
            ..before
        })?;
        account.turns.push(turn(&licence, now, reason));
        shorten(&mut account.turns);
        let line = format!(
            "licence {}: {was} -> {}, {reason}",
            account.login,
            licence.state.code()
        );
        account.licence = Some(licence);
        let house = Doer::house(&self.house.member);
        let deed = Deed {
            what: What::Interaction(line),
            ..Deed::by(ActKind::Licence, house, Purpose::Operations)
        };
        let row = (rows::account(&account.login), Some(json(&account)));
        self.keep(vec![row], Vec::new(), Some(deed), now)?;
        locked(&self.house.accounts.sessions).clear();
        Ok(())
    }

    /// What a licence was and is, oldest first. Empty for whoever has none.
    pub fn licence_turns(&self, login: &str) -> Result<Vec<LicenceTurn>, Refusal> {
        Ok(self.held(login)?.turns)
    }

    pub(super) fn held(&self, login: &str) -> Result<Account, Refusal> {
        self.find_account(login)?.ok_or_else(|| {
            Refusal::bad(
                "No hay ninguna cuenta con ese nombre.",
                "There is no account of that name.",
            )
        })
    }

    /// The licence with who answers for it, as her account says; refused where a pasante has nobody.
    pub(super) fn answered_for(&self, licence: Licence) -> Result<Licence, Refusal> {
        let asked = licence.supervisor.as_ref().map(|one| one.login.clone());
        let supervisor = match (licence.state, asked) {
            (LicenceState::Unsupervised, _) => {
                return Err(Refusal::bad(
                    "Nadie se declara sin supervisor: es lo que resulta cuando el suyo falta.",
                    "Nobody is said to be unsupervised: it is what becomes of her whose supervisor is missing.",
                ));
            }
            (LicenceState::Pasante, None) => {
                return Err(Refusal::bad(
                    "Un pasante trabaja a cargo de alguien: di quién.",
                    "A pasante works under somebody: say who.",
                ));
            }
            (LicenceState::Pasante, Some(login)) => {
                Some(self.answering(&login)?.ok_or_else(|| {
                    Refusal::bad(
                        "Quien responde por un pasante tiene cuenta aquí y su cédula activa.",
                        "Whoever answers for a pasante has an account here and an active licence.",
                    )
                })?)
            }
            (_, None) => None,
            (_, Some(_)) => {
                return Err(Refusal::bad(
                    "Sólo un pasante trabaja a cargo de alguien.",
                    "Only a pasante works under somebody.",
                ));
            }
        };
        Ok(Licence {
            supervisor,
            ..licence
        })
    }

    /// The licence as it counts now: a pasante's only while somebody answers for her.
    pub(super) fn as_it_counts(&self, licence: Licence) -> Licence {
        if licence.state != LicenceState::Pasante {
            return licence;
        }
        let login = licence.supervisor.as_ref().map(|one| one.login.as_str());
        // What cannot be looked up is not there: she waits, rather than work with nobody answering.
        let answering = login.and_then(|login| self.answering(login).ok().flatten());
        Licence {
            state: match answering {
                Some(_) => LicenceState::Pasante,
                None => LicenceState::Unsupervised,
            },
            supervisor: answering.or(licence.supervisor),
            ..licence
        }
    }

    /// A professional here whose licence is active, so that she may answer for a pasante or name a delegate.
    pub(super) fn answering(&self, login: &str) -> Result<Option<Supervisor>, Refusal> {
        let Some(account) = self.find_account(login)? else {
            return Ok(None);
        };
        let cares = matches!(
            account.role,
            Role::Physician | Role::Nurse | Role::Pharmacist
        );
        let active = account
            .licence
            .filter(|licence| licence.state == LicenceState::Active && cares);
        Ok(active.map(|licence| Supervisor {
            login: account.login,
            name: account.name,
            cedula: licence.cedula,
        }))
    }
}

/// The history of a licence with an account's new one: a turn more where the state or who answers changed.
pub(super) fn turned(
    before: Option<Account>,
    licence: Option<&Licence>,
    now: Timestamp,
) -> Vec<LicenceTurn> {
    let mut turns = before.map_or_else(Vec::new, |account| account.turns);
    if let Some(licence) = licence {
        let last = turns.last();
        let same = |last: &LicenceTurn| {
            last.state == licence.state && last.supervisor == licence.supervisor
        };
        if !last.is_some_and(same) {
            turns.push(turn(licence, now, ""));
        }
    }
    shorten(&mut turns);
    turns
}

fn turn(licence: &Licence, from: Timestamp, reason: &str) -> LicenceTurn {
    LicenceTurn {
        state: licence.state,
        supervisor: licence.supervisor.clone(),
        from,
        reason: reason.to_owned(),
    }
}

fn shorten(turns: &mut Vec<LicenceTurn>) {
    let over = turns.len().saturating_sub(MAX_TURNS);
    turns.drain(..over);
}

/// Somebody by her login, before her account is looked up.
fn named(login: String) -> Supervisor {
    Supervisor {
        login,
        name: String::new(),
        cedula: String::new(),
    }
}

fn no_licence() -> Refusal {
    Refusal::bad(
        "Esa cuenta no tiene cédula: hazla de nuevo con una.",
        "That account has no licence: make it again with one.",
    )
}
