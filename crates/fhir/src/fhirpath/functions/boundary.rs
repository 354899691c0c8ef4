//! The least and the greatest that a value may be, given how precisely it was written.

use super::call::Work;
use crate::{
    decimal::Decimal,
    fhirpath::{
        PathError,
        eval::{Outcome, single},
        item::{Found, Item},
        moment::{Date, DateTime, Time, civil},
        quantity::Quantity,
        tree::Function,
    },
};

/// Most places that a decimal's boundary is given to.
const MOST_PLACES: i64 = 28;
/// Places without an argument.
const PLACES: i64 = 8;
/// Offsets that a time without one may have, in minutes: the first place to see a day, and the last.
const FIRST_OFFSET: i16 = 14 * 60;
const LAST_OFFSET: i16 = -12 * 60;

pub(super) fn call<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let Some(item) = work.one()? else {
        return Ok(Found::None);
    };
    let high = match work.call.function {
        Function::LowBoundary => false,
        Function::HighBoundary => true,
        _ => return precision(work, &item),
    };
    let asked = work.whole_argument(0)?;
    let found = match item {
        Item::Integer(whole) => {
            decimal(Decimal::from(whole), asked.unwrap_or(PLACES), high).map(Item::Decimal)
        }
        Item::Decimal(number) => decimal(number, asked.unwrap_or(PLACES), high).map(Item::Decimal),
        Item::Quantity(Quantity { value, unit }) => decimal(value, asked.unwrap_or(PLACES), high)
            .map(|value| Quantity { value, unit }.item()),
        Item::Date(of) => date(of, asked.unwrap_or(8), high).map(Item::Date),
        Item::DateTime(of) => moment(of, asked.unwrap_or(17), high),
        Item::Time(of) => time(of, asked.unwrap_or(9), high).map(Item::Time),
        _ => {
            let reason = format!(
                "`{}` works on numbers, quantities, dates and times",
                work.name()
            );
            return Err(PathError::execution(reason));
        }
    };
    Ok(found.into())
}

/// Half a unit of the last digit below or above; outwards when fewer places are asked for.
fn decimal(number: Decimal, places: i64, high: bool) -> Option<Decimal> {
    if !(0..=MOST_PLACES).contains(&places) {
        return None;
    }
    let places = u32::try_from(places).ok()?;
    let half = number.half_unit()?;
    if high {
        number.plus(half)?.ceiling(places).with_places(places)
    } else {
        number.minus(half)?.floor(places).with_places(places)
    }
}

fn date(of: Date, digits: i64, high: bool) -> Option<Date> {
    let month = of.month.unwrap_or(if high { 12 } else { 1 });
    let first = civil(Date {
        month: Some(month),
        day: None,
        ..of
    })?;
    let day = of.day.unwrap_or(match high {
        true => u8::try_from(first.days_in_month()).ok()?,
        false => 1,
    });
    Some(match digits {
        4 => Date {
            month: None,
            day: None,
            ..of
        },
        6 => Date {
            month: Some(month),
            day: None,
            ..of
        },
        8 => Date {
            month: Some(month),
            day: Some(day),
            ..of
        },
        _ => return None,
    })
}

fn time(of: Time, digits: i64, high: bool) -> Option<Time> {
    let most = if high { 59 } else { 0 };
    let full = Time {
        hour: of.hour,
        minute: Some(of.minute.unwrap_or(most)),
        second: Some(of.second.unwrap_or(most)),
        fraction: Some(match of.fraction {
            Some((nanos, digits)) if digits >= 3 => (nanos - nanos % 1_000_000, 3),
            Some((nanos, digits)) if high => {
                let unit = 10u32.pow(9 - u32::from(digits));
                (nanos + unit - 1_000_000, 3)
            }
            Some((nanos, _)) => (nanos, 3),
            None => (if high { 999_000_000 } else { 0 }, 3),
        }),
    };
    let (minute, second, fraction) = (full.minute, full.second, full.fraction);
    let cut = |minute, second, fraction| Time {
        hour: of.hour,
        minute,
        second,
        fraction,
    };
    Some(match digits {
        2 => cut(None, None, None),
        4 => cut(minute, None, None),
        6 => cut(minute, second, None),
        9 => cut(minute, second, fraction),
        _ => return None,
    })
}

fn moment<'a>(of: DateTime, digits: i64, high: bool) -> Option<Item<'a>> {
    if digits <= 8 {
        return date(of.date, digits, high).map(|date| Item::DateTime(date.at(None, None)));
    }
    let day = date(of.date, 8, high)?;
    let clock = of.time.unwrap_or(Time {
        hour: if high { 23 } else { 0 },
        minute: None,
        second: None,
        fraction: None,
    });
    let clock = time(clock, digits - 8, high)?;
    let outer = if high { LAST_OFFSET } else { FIRST_OFFSET };
    Some(Item::DateTime(
        day.at(Some(clock), Some(of.offset.unwrap_or(outer))),
    ))
}

/// How many digits were written.
fn precision<'a>(work: &Work<'_, '_, 'a>, item: &Item<'a>) -> Outcome<'a> {
    let digits = match item {
        Item::Integer(_) => 0,
        Item::Decimal(number) => i64::from(number.places()),
        Item::Date(date) => date.precision(),
        Item::DateTime(at) => at.precision(),
        Item::Time(time) => time.precision(),
        _ => {
            let reason = format!("`{}` works on numbers, dates and times", work.name());
            return Err(PathError::execution(reason));
        }
    };
    Ok(Found::One(Item::Integer(digits)))
}

/// Whether two quantities measure the same.
pub(super) fn comparable<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let other = work.argument(0)?;
    let other = single(&other, "the argument of `comparable`")?.and_then(Item::computed);
    match (work.one()?, other) {
        (Some(Item::Quantity(a)), Some(Item::Quantity(b))) => Ok(Found::truth(a.comparable(&b))),
        (None, _) | (_, None) => Ok(Found::None),
        _ => Err(PathError::execution("`comparable` works on quantities")),
    }
}
