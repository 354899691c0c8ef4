//! Working in somebody's name: a professional lets somebody of her institution do a part of her work, for some days.
//!
//! The law:
//! 1. A delegate acts **as herself, in the name of** one professional. Every act names both, and the person reads both names.
//! 2. What she may is what **both** may. Policies and the person's rules are asked twice, for the delegate and for whoever
//!    named her, on the evidence of the latter; what is refused to either is refused, what is hidden from either is left out.
//!    So a delegate never sees more than the one who named her would at that moment.
//! 3. The pact must know it: its policies must permit the action `delegate` for her role and for that of whoever named her
//!    (`context.delegated_by`). A pact that says nothing of it knows no delegates.
//! 4. She does what was named: purposes and [`Task`]s, from a moment until another, [`MAX_DAYS`] apart at most.
//! 5. It stands while whoever named her has her account, her role and an active licence, and the delegate her role: that is
//!    looked up with each session. Its end, and whether it stands, are asked with each decision.
//! 6. It is not passed on. What takes the professional's own cédula no delegate does: prescribing and ordering
//!    ([`needs_own_cedula`]), dispensing, an emergency, its review, an order of the state, what two must stand for.

use crate::{Licence, LicenceState, Purpose, Role, policy};
use fhir::ResourceType;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Days that a delegation lasts at most, and that it may begin ahead.
pub const MAX_DAYS: i64 = 30;
/// The same as a length of time.
pub(crate) const LONGEST: SignedDuration = SignedDuration::from_hours(24 * MAX_DAYS);
/// Delegates whom a professional has at once, at most.
pub const MAX_DELEGATES: usize = 20;

/// What somebody may be named for at all: care, and what a pact may agree on one day. What a person asks herself, what a
/// house does for itself, emergencies and orders are nobody's to hand on.
pub const PURPOSES: [Purpose; 3] = [Purpose::Treatment, Purpose::Payment, Purpose::Research];

/// A part of a professional's work.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Finds people, receives them, registers them.
    Desk,
    /// Reads records, and asks other members for them.
    Read,
    /// Writes into records, but for what takes the professional's own cédula.
    Write,
}

impl Task {
    /// All.
    pub const ALL: [Task; 3] = [Task::Desk, Task::Read, Task::Write];
    /// Its code: `desk`.
    pub fn code(self) -> &'static str {
        match self {
            Task::Desk => "desk",
            Task::Read => "read",
            Task::Write => "write",
        }
    }
    /// The task of a code.
    pub fn from_code(code: &str) -> Option<Task> {
        Task::ALL.into_iter().find(|one| one.code() == code)
    }
    /// The task that an action of the policies belongs to; `None` for what no delegate does.
    pub(crate) fn of(action: &str) -> Option<Task> {
        match action {
            policy::FIND | policy::RECEIVE | policy::REGISTER => Some(Task::Desk),
            policy::READ => Some(Task::Read),
            policy::WRITE => Some(Task::Write),
            _ => None,
        }
    }
}

/// What is ordered under the name and cédula of who orders it: prescriptions (Ley General de Salud, article 28 Bis, says who
/// may), and by the same ground studies, referrals, devices, diets.
const ORDERS: [&str; 6] = [
    "MedicationRequest",
    "ServiceRequest",
    "DeviceRequest",
    "NutritionOrder",
    "VisionPrescription",
    "RequestGroup",
];

/// Whether to write resources of this type takes the professional's own cédula.
pub fn needs_own_cedula(of: ResourceType) -> bool {
    ORDERS.contains(&of.name())
}

/// In whose name somebody works, as her institution vouches for it.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegator {
    /// The login of whoever named her, at the same institution.
    pub login: String,
    /// Her name.
    pub name: String,
    /// What she is there.
    pub role: Role,
    /// Her licence as it counts now; none where she has no account any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub licence: Option<Licence>,
    /// For what, at most.
    pub purposes: Vec<Purpose>,
    /// To do what, at most.
    pub tasks: Vec<Task>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// Both are still who they were when it was named, and nobody ended it.
    pub stands: bool,
}

/// Says which account, never the person behind it.
impl std::fmt::Debug for Delegator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let until = self.until;
        write!(
            f,
            "Delegator({}, {:?}, until {until})",
            self.login, self.role
        )
    }
}

impl Delegator {
    /// Whether it counts at a moment.
    pub fn stands_at(&self, now: Timestamp) -> bool {
        let active = self.licence_state() == Some(LicenceState::Active);
        self.stands && active && self.from <= now && now < self.until
    }
    fn licence_state(&self) -> Option<LicenceState> {
        self.licence.as_ref().map(|licence| licence.state)
    }
    /// Whether something is among what was named, and counts at a moment.
    pub fn lets(&self, purpose: Purpose, task: Task, now: Timestamp) -> bool {
        self.stands_at(now) && self.purposes.contains(&purpose) && self.tasks.contains(&task)
    }
}

/// Somebody of a house, as she was when a delegation was named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Colleague {
    /// Her login.
    pub login: String,
    /// Her name.
    pub name: String,
    /// What she is.
    pub role: Role,
}

/// What a professional named somebody for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Delegation {
    /// Who named her.
    pub delegator: Colleague,
    /// Whom she named.
    pub delegate: Colleague,
    /// For what.
    pub purposes: Vec<Purpose>,
    /// To do what.
    pub tasks: Vec<Task>,
    /// From when.
    pub from: Timestamp,
    /// Until when.
    pub until: Timestamp,
    /// When somebody ended it before its time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<Timestamp>,
}

impl Delegation {
    /// Whether its time is now.
    pub fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && !self.is_over(now)
    }
    /// Whether its time is past, or somebody ended it.
    pub fn is_over(&self, now: Timestamp) -> bool {
        self.over(now).is_some()
    }
    /// When it was over, for one that is.
    pub fn over(&self, now: Timestamp) -> Option<Timestamp> {
        let end = self.ended.map_or(self.until, |ended| ended.min(self.until));
        (end <= now).then_some(end)
    }
}

/// In whose name somebody works, as far as a decision stands on it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Delegated {
    /// The login of whoever named her.
    pub login: String,
    /// What that one is.
    pub role: Role,
    /// That one's licence.
    pub licence: Option<LicenceState>,
    /// For what, at most.
    pub purposes: Vec<Purpose>,
    /// To do what, at most.
    pub tasks: Vec<Task>,
    /// It counts at that moment.
    pub stands: bool,
}

impl Delegated {
    pub(crate) fn at(delegator: &Delegator, now: Timestamp) -> Delegated {
        Delegated {
            login: delegator.login.clone(),
            role: delegator.role,
            licence: delegator.licence_state(),
            purposes: delegator.purposes.clone(),
            tasks: delegator.tasks.clone(),
            stands: delegator.stands_at(now),
        }
    }
}
