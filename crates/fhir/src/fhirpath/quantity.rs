//! Quantities: a decimal and a unit, of UCUM or of the calendar.

use super::item::{Item, Node};
use crate::{Value, decimal::Decimal, definitions::table::tables};
use std::{borrow::Cow, cmp::Ordering, fmt};

/// A number with a unit.
#[derive(Clone, Debug, PartialEq)]
pub struct Quantity<'a> {
    /// How much.
    pub value: Decimal,
    /// Of what.
    pub unit: Unit<'a>,
}

/// What a quantity counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit<'a> {
    /// A word of the calendar: `4 days`.
    Calendar(Calendar),
    /// A code of UCUM: `10 'mg'`.
    Ucum(Cow<'a, str>),
    /// A unit of another system or a mere word, equal only to itself: system and code.
    Other(&'a str, &'a str),
}

/// The calendar's durations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Calendar {
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
}

const UCUM: &str = "http://unitsofmeasure.org";

impl Calendar {
    fn named(word: &str) -> Option<Calendar> {
        Some(match word {
            "year" | "years" => Calendar::Year,
            "month" | "months" => Calendar::Month,
            "week" | "weeks" => Calendar::Week,
            "day" | "days" => Calendar::Day,
            "hour" | "hours" => Calendar::Hour,
            "minute" | "minutes" => Calendar::Minute,
            "second" | "seconds" => Calendar::Second,
            "millisecond" | "milliseconds" => Calendar::Millisecond,
            _ => return None,
        })
    }
    fn word(self) -> &'static str {
        match self {
            Calendar::Year => "year",
            Calendar::Month => "month",
            Calendar::Week => "week",
            Calendar::Day => "day",
            Calendar::Hour => "hour",
            Calendar::Minute => "minute",
            Calendar::Second => "second",
            Calendar::Millisecond => "millisecond",
        }
    }
    /// Milliseconds of what always lasts the same.
    fn milliseconds(self) -> Option<i64> {
        Some(match self {
            Calendar::Millisecond => 1,
            Calendar::Second => 1_000,
            Calendar::Minute => 60_000,
            Calendar::Hour => 3_600_000,
            Calendar::Day => 86_400_000,
            Calendar::Week => 604_800_000,
            Calendar::Month | Calendar::Year => return None,
        })
    }
    fn months(self) -> Option<i64> {
        match self {
            Calendar::Month => Some(1),
            Calendar::Year => Some(12),
            _ => None,
        }
    }
}

impl<'a> Unit<'a> {
    /// The unit of a number without one.
    pub const ONE: Unit<'static> = Unit::Ucum(Cow::Borrowed("1"));

    /// What stands in quotes after a number: a code of UCUM, or a word of the calendar.
    pub(crate) fn quoted(text: Cow<'a, str>) -> Unit<'a> {
        Unit::calendar(&text).unwrap_or(Unit::Ucum(text))
    }
    /// A bare word after a number.
    pub(crate) fn calendar(word: &str) -> Option<Unit<'static>> {
        Calendar::named(word).map(Unit::Calendar)
    }
    /// The duration of the calendar that it always equals: a day is 24 hours, but a month is not `'mo'`.
    pub(crate) fn definite(&self) -> Option<Calendar> {
        match self {
            Unit::Calendar(word) => Some(*word),
            Unit::Ucum(code) => match code.as_ref() {
                "wk" => Some(Calendar::Week),
                "d" => Some(Calendar::Day),
                "h" => Some(Calendar::Hour),
                "min" => Some(Calendar::Minute),
                "s" => Some(Calendar::Second),
                "ms" => Some(Calendar::Millisecond),
                _ => None,
            },
            Unit::Other(..) => None,
        }
    }
    /// The duration that it is about: `'mo'` for a month.
    fn about(&self) -> Option<Calendar> {
        match self {
            Unit::Ucum(code) if code == "a" => Some(Calendar::Year),
            Unit::Ucum(code) if code == "mo" => Some(Calendar::Month),
            other => other.definite(),
        }
    }
    /// Its code in UCUM; the calendar's year and month have none that is the same.
    fn code(&self) -> Option<&str> {
        match self {
            Unit::Ucum(code) => Some(code),
            Unit::Calendar(word) => Some(match word {
                Calendar::Week => "wk",
                Calendar::Day => "d",
                Calendar::Hour => "h",
                Calendar::Minute => "min",
                Calendar::Second => "s",
                Calendar::Millisecond => "ms",
                Calendar::Month | Calendar::Year => return None,
            }),
            Unit::Other(..) => None,
        }
    }
}

impl<'a> Quantity<'a> {
    /// A number as a quantity.
    pub(crate) fn plain(value: Decimal) -> Quantity<'static> {
        Quantity {
            value,
            unit: Unit::ONE,
        }
    }
    /// A FHIR Quantity (Age, Duration... too): not with a comparator, whose value is not known.
    pub(crate) fn of_fhir(node: &Node<'a>) -> Option<Quantity<'a>> {
        let wanted = super::types::FhirType::Node(tables().special.quantity);
        if !node.of.is(wanted) {
            return None;
        }
        let object = node.value?;
        let text = |name: &str| object.get(name).and_then(Value::as_str);
        if text("comparator").is_some() {
            return None;
        }
        let value = Decimal::read(object.get("value")?.as_number()?)?;
        let unit = match (text("system"), text("code"), text("unit")) {
            (Some(UCUM), Some(code), _) => Unit::Ucum(Cow::Borrowed(code)),
            (None, None, None) => Unit::ONE,
            (system, code, unit) => Unit::Other(
                system.unwrap_or_default(),
                code.or(unit).unwrap_or_default(),
            ),
        };
        Some(Quantity { value, unit })
    }
    /// Reads `4`, `4 days`, `10.1 'mg'`.
    pub(crate) fn read(text: &str) -> Option<Quantity<'static>> {
        let text = text.trim();
        let end = text
            .find(|c: char| !(c.is_ascii_digit() || matches!(c, '.' | '-' | '+')))
            .unwrap_or(text.len());
        let (number, unit) = text.split_at_checked(end)?;
        let value = Decimal::read(number)?;
        let unit = unit.trim_start();
        let unit = match unit.strip_prefix('\'') {
            None if unit.is_empty() => Unit::ONE,
            None => Unit::calendar(unit)?,
            Some(quoted) => {
                let code = quoted.strip_suffix('\'').filter(|c| !c.is_empty())?;
                Unit::quoted(Cow::Owned(code.to_owned()))
            }
        };
        Some(Quantity { value, unit })
    }

    /// Both values in one unit; `None` when there is none, or it is not known. Roughly: also a month with `'mo'`.
    fn common(&self, other: &Quantity<'_>, roughly: bool) -> Option<(Decimal, Decimal)> {
        if self.unit == other.unit {
            return Some((self.value, other.value));
        }
        let duration = |q: &Quantity<'_>| {
            if roughly {
                q.unit.about()
            } else {
                q.unit.definite()
            }
        };
        if let (Some(a), Some(b)) = (duration(self), duration(other)) {
            let factors = match (a.milliseconds(), b.milliseconds()) {
                (Some(a), Some(b)) => (a, b),
                _ => (a.months()?, b.months()?),
            };
            let value = self.value.times(factors.0.into())?;
            return Some((value, other.value.times(factors.1.into())?));
        }
        let (from, to) = (self.unit.code()?, other.unit.code()?);
        Some((self.value, super::units::converted(other.value, to, from)?))
    }

    /// Equal, or `None` when the units do not tell.
    pub(crate) fn equals(&self, other: &Quantity<'_>) -> Option<bool> {
        self.order(other).map(Ordering::is_eq)
    }
    /// Less or more.
    pub(crate) fn order(&self, other: &Quantity<'_>) -> Option<Ordering> {
        let (a, b) = self.common(other, false)?;
        Some(a.order(b))
    }
    /// The same as far as the less precise of both says.
    pub(crate) fn equivalent(&self, other: &Quantity<'_>) -> bool {
        self.common(other, true)
            .is_some_and(|(a, b)| super::compare::about(a, b))
    }
    /// Whether the units can be compared.
    pub(crate) fn comparable(&self, other: &Quantity<'_>) -> bool {
        self.common(other, false).is_some()
    }

    pub(crate) fn plus(&self, other: &Quantity<'_>) -> Option<Quantity<'a>> {
        let (a, b) = self.common(other, false)?;
        let sum = a.plus(b)?;
        // Two durations were turned into milliseconds or months; they are given in the finer of both.
        if let (Some(a), Some(b)) = (self.unit.definite(), other.unit.definite())
            && self.unit != other.unit
        {
            let finer = a.min(b);
            let one = finer.milliseconds().or(finer.months())?;
            return Some(Quantity {
                value: sum.over(one.into())?,
                unit: Unit::Calendar(finer),
            });
        }
        Some(Quantity {
            value: sum,
            unit: self.unit.clone(),
        })
    }
    pub(crate) fn negated(&self) -> Quantity<'a> {
        Quantity {
            value: self.value.negated(),
            unit: self.unit.clone(),
        }
    }
    pub(crate) fn times(&self, other: &Quantity<'_>) -> Option<Quantity<'a>> {
        let value = self.value.times(other.value)?;
        Some(Quantity {
            value,
            unit: joined(&self.unit, '.', &other.unit)?,
        })
    }
    pub(crate) fn over(&self, other: &Quantity<'_>) -> Option<Quantity<'a>> {
        let value = self.value.over(other.value)?;
        Some(Quantity {
            value,
            unit: joined(&self.unit, '/', &other.unit)?,
        })
    }
    /// The same in another unit; `None` when it does not measure the same.
    pub(crate) fn in_unit(&self, unit: &str) -> Option<Quantity<'a>> {
        let unit = Unit::quoted(Cow::Owned(unit.to_owned()));
        let one = Quantity {
            value: Decimal::from(1),
            unit: unit.clone(),
        };
        let (value, one) = self.common(&one, false)?;
        let value = value.over(one)?;
        Some(Quantity { value, unit })
    }
    /// As an item.
    pub(crate) fn item(self) -> Item<'a> {
        Item::Quantity(self)
    }
}

/// Longest unit that products are joined to.
const LONGEST_UNIT: usize = 200;

/// `cm` and `m` as `(cm).(m)`.
fn joined<'a>(a: &Unit<'_>, sign: char, b: &Unit<'_>) -> Option<Unit<'a>> {
    let (a, b) = (a.code()?, b.code()?);
    let part = |code: &str| match code.contains(['.', '/']) {
        true => format!("({code})"),
        false => code.to_owned(),
    };
    let code = match (a, sign, b) {
        (a, _, "1") => a.to_owned(),
        ("1", '.', b) => b.to_owned(),
        (a, '/', b) if a == b => "1".to_owned(),
        (a, sign, b) => format!("{}{sign}{}", part(a), part(b)),
    };
    (code.len() <= LONGEST_UNIT).then_some(Unit::Ucum(Cow::Owned(code)))
}

impl fmt::Display for Quantity<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.unit {
            Unit::Calendar(word) => {
                let many = self.value.order(Decimal::from(1)).is_ne();
                let end = if many { "s" } else { "" };
                write!(f, "{} {}{end}", self.value, word.word())
            }
            Unit::Ucum(code) => write!(f, "{} '{code}'", self.value),
            Unit::Other(_, code) => write!(f, "{} '{code}'", self.value),
        }
    }
}
