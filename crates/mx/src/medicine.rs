//! Groups of medicines under article 226 of the General Health Law: what a pharmacy may hand over, how often, until when.
//!
//! The table [`MedicineGroup::rule`] is data with its source; [`may_dispense`] applies it and says why not.

use jiff::ToSpan;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// The six groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MedicineGroup {
    /// Narcotics: special prescription or permit.
    I,
    /// Psychotropics kept by the pharmacy and entered in its control book.
    II,
    /// Psychotropics with up to three fills.
    III,
    /// Prescription, fills as the prescriber says; antibiotics among them.
    IV,
    /// No prescription, pharmacies only.
    V,
    /// No prescription, any shop.
    VI,
}

/// Who decides how often a prescription may be filled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fills {
    /// The law: so many.
    Law(u32),
    /// The prescriber; once if the prescription is silent.
    Prescriber,
    /// Nobody: no prescription is needed.
    Free,
}

/// How long a prescription is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Validity {
    /// Days from the day of issue, the last included.
    Days(u16),
    /// Months from the day of issue.
    Months(u8),
    /// The law sets no limit.
    Open,
}

/// When the pharmacy keeps the prescription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retention {
    /// At the first fill.
    AtOnce,
    /// At the last fill allowed.
    AtLastFill,
    /// Only of antibiotics, when the course is complete (accord of 2010).
    AntibioticsWhenComplete,
    /// Never.
    Never,
}

/// What the law says of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupRule {
    /// Fills allowed.
    pub fills: Fills,
    /// How long the prescription is good.
    pub validity: Validity,
    /// When the pharmacy keeps it.
    pub retention: Retention,
    /// Most packages of the same product in one fill.
    pub packages: Option<u32>,
    /// Special prescription with a bar code.
    pub special_form: bool,
    /// Each fill is entered in a control book.
    pub registered: bool,
    /// The diagnosis must stand on the prescription.
    pub diagnosis: bool,
    /// Longest treatment that one prescription may cover, in days.
    pub treatment_days: Option<u16>,
    /// Where it comes from, and how sure we are of it.
    pub source: &'static str,
}

const FREE: GroupRule = GroupRule {
    fills: Fills::Free,
    validity: Validity::Open,
    retention: Retention::Never,
    packages: None,
    special_form: false,
    registered: false,
    diagnosis: false,
    treatment_days: None,
    source: "Ley General de Salud art. 226 V, VI",
};

const RULES: [(MedicineGroup, GroupRule); 6] = [
    (
        MedicineGroup::I,
        GroupRule {
            fills: Fills::Law(1),
            validity: Validity::Days(30),
            retention: Retention::AtOnce,
            packages: None,
            special_form: true,
            registered: true,
            diagnosis: true,
            treatment_days: Some(30),
            source: "Ley General de Salud art. 226 I, 240-241; 30 days of treatment, and validity taken equal to it, recalled and not read",
        },
    ),
    (
        MedicineGroup::II,
        GroupRule {
            fills: Fills::Law(1),
            validity: Validity::Days(30),
            retention: Retention::AtOnce,
            packages: Some(2),
            special_form: false,
            registered: true,
            diagnosis: false,
            treatment_days: None,
            source: "Ley General de Salud art. 226 II, 252",
        },
    ),
    (
        MedicineGroup::III,
        GroupRule {
            fills: Fills::Law(3),
            validity: Validity::Months(6),
            retention: Retention::AtLastFill,
            packages: None,
            special_form: false,
            registered: true,
            diagnosis: false,
            treatment_days: None,
            source: "Ley General de Salud art. 226 III, 253",
        },
    ),
    (
        MedicineGroup::IV,
        GroupRule {
            fills: Fills::Prescriber,
            validity: Validity::Open,
            retention: Retention::AntibioticsWhenComplete,
            packages: None,
            special_form: false,
            registered: false,
            diagnosis: false,
            treatment_days: None,
            source: "Ley General de Salud art. 226 IV; antibiotics: accord of 27 May 2010, recalled and not read",
        },
    ),
    (MedicineGroup::V, FREE),
    (MedicineGroup::VI, FREE),
];

impl MedicineGroup {
    /// What the law says.
    pub fn rule(self) -> GroupRule {
        RULES
            .iter()
            .find(|(group, _)| *group == self)
            .map_or(FREE, |(_, rule)| *rule)
    }
    /// The Roman numeral.
    pub fn numeral(self) -> &'static str {
        match self {
            MedicineGroup::I => "I",
            MedicineGroup::II => "II",
            MedicineGroup::III => "III",
            MedicineGroup::IV => "IV",
            MedicineGroup::V => "V",
            MedicineGroup::VI => "VI",
        }
    }
    /// From the Roman numeral.
    pub fn from_numeral(numeral: &str) -> Option<MedicineGroup> {
        RULES
            .iter()
            .map(|(group, _)| *group)
            .find(|group| group.numeral() == numeral)
    }
    /// Whether it is sold only on a prescription.
    pub fn needs_prescription(self) -> bool {
        self <= MedicineGroup::IV
    }
}

/// What is known when somebody stands at the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// The medicine's group.
    pub group: MedicineGroup,
    /// Whether it is an antibiotic.
    pub antibiotic: bool,
    /// Day the prescription was issued; `None` without a prescription.
    pub prescribed: Option<Date>,
    /// Fills that the prescriber allowed; `None` if the prescription is silent.
    pub fills_prescribed: Option<u32>,
    /// Fills already made on it, at any pharmacy.
    pub fills_made: u32,
    /// Packages asked for now.
    pub packages: u32,
    /// Today.
    pub today: Date,
}

/// What the pharmacy does with the prescription when it hands the medicine over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// Keep it.
    pub retain: bool,
    /// Enter the fill in the control book, seal the prescription.
    pub register: bool,
    /// Fills left after this one; `None` when there is no count.
    pub fills_left: Option<u32>,
}

/// Why the medicine may not be handed over.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// The group is sold on a prescription only.
    #[error("group {0} is sold on a prescription only")]
    NoPrescription(&'static str),
    /// The prescription bears a later day than today.
    #[error("the prescription is dated {0}, after today")]
    NotYet(Date),
    /// Its validity is over.
    #[error("the prescription was good until {0}")]
    Expired(Date),
    /// All fills were made.
    #[error("the prescription allows {allowed} fill(s), and {made} were made")]
    NoFillsLeft {
        /// Allowed by law or prescriber.
        allowed: u32,
        /// Made so far.
        made: u32,
    },
    /// Too many packages at once, or none.
    #[error("{asked} packages were asked for; this group allows 1 to {allowed} in one fill")]
    Packages {
        /// Asked for.
        asked: u32,
        /// Allowed.
        allowed: u32,
    },
}

/// Whether a medicine may be handed over under the rule of its group, and what then happens to the prescription.
///
/// # Errors
/// The first reason against it.
pub fn may_dispense(request: Request) -> Result<Allowed, Refusal> {
    let rule = request.group.rule();
    let most = rule.packages.unwrap_or(u32::MAX);
    if request.packages == 0 || request.packages > most {
        return Err(Refusal::Packages {
            asked: request.packages,
            allowed: most,
        });
    }
    let allowed = match rule.fills {
        Fills::Free => {
            return Ok(Allowed {
                retain: false,
                register: false,
                fills_left: None,
            });
        }
        Fills::Law(fills) => fills.min(request.fills_prescribed.unwrap_or(fills)),
        Fills::Prescriber => request.fills_prescribed.unwrap_or(1),
    };
    let prescribed = request
        .prescribed
        .ok_or(Refusal::NoPrescription(request.group.numeral()))?;
    if prescribed > request.today {
        return Err(Refusal::NotYet(prescribed));
    }
    if let Some(last) = last_day(rule.validity, prescribed)
        && request.today > last
    {
        return Err(Refusal::Expired(last));
    }
    if request.fills_made >= allowed {
        return Err(Refusal::NoFillsLeft {
            allowed,
            made: request.fills_made,
        });
    }
    let left = allowed - request.fills_made - 1;
    Ok(Allowed {
        retain: match rule.retention {
            Retention::AtOnce => true,
            Retention::AtLastFill => left == 0,
            Retention::AntibioticsWhenComplete => request.antibiotic && left == 0,
            Retention::Never => false,
        },
        register: rule.registered || request.antibiotic,
        fills_left: Some(left),
    })
}

/// The last day on which a prescription is good; `None` when the law sets none.
pub fn last_day(validity: Validity, prescribed: Date) -> Option<Date> {
    match validity {
        Validity::Days(days) => prescribed.checked_add(i32::from(days).days()).ok(),
        Validity::Months(months) => prescribed.checked_add(i32::from(months).months()).ok(),
        Validity::Open => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn ask(group: MedicineGroup, made: u32, today: Date) -> Request {
        Request {
            group,
            antibiotic: false,
            prescribed: Some(date(2026, 1, 31)),
            fills_prescribed: None,
            fills_made: made,
            packages: 1,
            today,
        }
    }

    #[test]
    fn group_two_is_filled_once_within_thirty_days_and_kept() {
        let good = ask(MedicineGroup::II, 0, date(2026, 3, 2));
        let allowed = may_dispense(good).unwrap();
        assert!(allowed.retain && allowed.register);
        assert_eq!(allowed.fills_left, Some(0));
        let late = ask(MedicineGroup::II, 0, date(2026, 3, 3));
        assert_eq!(may_dispense(late), Err(Refusal::Expired(date(2026, 3, 2))));
        let three = Request {
            packages: 3,
            ..good
        };
        assert_eq!(
            may_dispense(three).unwrap_err().to_string(),
            "3 packages were asked for; this group allows 1 to 2 in one fill"
        );
    }
    #[test]
    fn group_three_is_kept_at_the_third_fill_and_ends_after_six_months() {
        let day = date(2026, 7, 31);
        assert!(
            !may_dispense(ask(MedicineGroup::III, 1, day))
                .unwrap()
                .retain
        );
        assert!(
            may_dispense(ask(MedicineGroup::III, 2, day))
                .unwrap()
                .retain
        );
        assert_eq!(
            may_dispense(ask(MedicineGroup::III, 3, day)),
            Err(Refusal::NoFillsLeft {
                allowed: 3,
                made: 3
            })
        );
        let next = ask(MedicineGroup::III, 0, date(2026, 8, 1));
        assert_eq!(may_dispense(next), Err(Refusal::Expired(day)));
    }
    #[test]
    fn an_antibiotic_is_registered_and_kept_when_complete() {
        let request = Request {
            antibiotic: true,
            fills_prescribed: Some(2),
            ..ask(MedicineGroup::IV, 0, date(2026, 2, 1))
        };
        let first = may_dispense(request).unwrap();
        assert!(first.register && !first.retain);
        let second = may_dispense(Request {
            fills_made: 1,
            ..request
        })
        .unwrap();
        assert!(second.register && second.retain);
    }
    #[test]
    fn five_and_six_need_no_prescription_and_one_to_four_do() {
        for (group, _) in RULES {
            let request = Request {
                prescribed: None,
                ..ask(group, 0, date(2026, 2, 1))
            };
            assert_eq!(may_dispense(request).is_err(), group.needs_prescription());
            assert_eq!(MedicineGroup::from_numeral(group.numeral()), Some(group));
        }
    }
    #[test]
    fn a_prescription_from_tomorrow_is_not_good_today() {
        let early = ask(MedicineGroup::IV, 0, date(2026, 1, 30));
        assert_eq!(may_dispense(early), Err(Refusal::NotYet(date(2026, 1, 31))));
    }
}
