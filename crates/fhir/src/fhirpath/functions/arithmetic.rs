//! `+ - * / div mod &`: numbers, texts, quantities, and durations added to dates.

use crate::{
    decimal::Decimal,
    fhirpath::{
        Fault, PathError, compare,
        eval::{Outcome, Run, single},
        item::{Found, Item},
        moment::{Date, DateTime, Time, civil, from_civil},
        quantity::{Calendar, Quantity},
        tree::Operator,
    },
};
use std::borrow::Cow;

pub(crate) fn arithmetic<'a>(
    operator: Operator,
    left: &Found<'a>,
    right: &Found<'a>,
    run: &Run<'a>,
) -> Outcome<'a> {
    let side = format_args!("each side of `{}`", operator.text());
    let (left, right) = (single(left, side)?, single(right, side)?);
    if operator == Operator::Concatenate {
        let text = |item: Option<&Item<'a>>| match item.map(Item::computed) {
            None | Some(None) => Ok(Cow::Borrowed("")),
            Some(Some(Item::String(text))) => Ok(text),
            Some(_) => Err(PathError::execution("`&` joins texts only")),
        };
        return joined(&text(left)?, &text(right)?, run);
    }
    let (Some(left), Some(right)) = (left, right) else {
        return Ok(Found::None);
    };
    let wrong = || {
        let name = |item: &Item<'_>| {
            let (space, name) = item.type_name();
            format!("{space}.{name}")
        };
        PathError::execution(format!(
            "`{}` cannot be worked out between {} and {}",
            operator.text(),
            name(left),
            name(right)
        ))
    };
    let (Some(a), Some(b)) = (left.computed(), right.computed()) else {
        return if left.lacks_value() || right.lacks_value() {
            Ok(Found::None)
        } else {
            Err(wrong())
        };
    };
    match (&a, &b) {
        (Item::String(a), Item::String(b)) if operator == Operator::Add => joined(a, b, run),
        (Item::Integer(a), Item::Integer(b)) => Ok(integers(operator, *a, *b).into()),
        (Item::Quantity(a), Item::Quantity(b)) => quantities(operator, a, b).ok_or_else(wrong)?,
        (Item::Quantity(a), b) => match compare::number(b) {
            Some(b) => quantities(operator, a, &Quantity::plain(b)).ok_or_else(wrong)?,
            None => Err(wrong()),
        },
        (Item::Date(_) | Item::DateTime(_) | Item::Time(_), Item::Quantity(by)) => {
            let by = match operator {
                Operator::Add => by.clone(),
                Operator::Subtract => by.negated(),
                _ => return Err(wrong()),
            };
            moved(&a, &by)
        }
        _ => match (compare::number(&a), compare::number(&b), &b) {
            (Some(a), Some(b), _) => Ok(decimals(operator, a, b).into()),
            (Some(a), _, Item::Quantity(b)) => {
                quantities(operator, &Quantity::plain(a), b).ok_or_else(wrong)?
            }
            _ => Err(wrong()),
        },
    }
}

fn joined<'a>(a: &str, b: &str, run: &Run<'a>) -> Outcome<'a> {
    let most = run.context.limits.text;
    run.tick((a.len() + b.len()) / 64)?;
    if a.len() + b.len() > most {
        let reason = format!("a text would have more than {most} bytes, which is the limit");
        return Err(PathError::new(Fault::Limit, reason));
    }
    Ok(Found::One(Item::String(Cow::Owned(format!("{a}{b}")))))
}

fn integers<'a>(operator: Operator, a: i64, b: i64) -> Option<Item<'a>> {
    let whole = match operator {
        Operator::Add => a.checked_add(b),
        Operator::Subtract => a.checked_sub(b),
        Operator::Multiply => a.checked_mul(b),
        Operator::Div => a.checked_div(b),
        Operator::Mod => a.checked_rem(b),
        _ => return Decimal::from(a).over(b.into()).map(Item::Decimal),
    };
    whole.map(Item::Integer)
}

fn decimals<'a>(operator: Operator, a: Decimal, b: Decimal) -> Option<Item<'a>> {
    let number = match operator {
        Operator::Add => a.plus(b),
        Operator::Subtract => a.minus(b),
        Operator::Multiply => a.times(b),
        Operator::Mod => a.remainder(b),
        Operator::Div => return a.whole_over(b)?.to_i64().map(Item::Integer),
        _ => a.over(b),
    };
    number.map(Item::Decimal)
}

/// `None` when the operator is not for quantities; nothing found when the units do not go together.
fn quantities<'a>(operator: Operator, a: &Quantity<'a>, b: &Quantity<'a>) -> Option<Outcome<'a>> {
    let quantity = match operator {
        Operator::Add => a.plus(b),
        Operator::Subtract => a.plus(&b.negated()),
        Operator::Multiply => a.times(b),
        Operator::Divide => a.over(b),
        _ => return None,
    };
    Some(Ok(quantity.map(Quantity::item).into()))
}

/// A date or time later or earlier. Parts of a duration finer than what was written are left out, and so are fractions
/// of all but seconds.
fn moved<'a>(item: &Item<'a>, by: &Quantity<'a>) -> Outcome<'a> {
    let Some(unit) = by.unit.definite() else {
        let reason =
            format!("`{by}` is no duration of the calendar that can be added to a date or time");
        return Err(PathError::execution(reason));
    };
    let found = match item {
        Item::Date(date) => move_date(*date, by.value, unit).map(Item::Date),
        Item::DateTime(at) => move_moment(*at, by.value, unit).map(Item::DateTime),
        Item::Time(time) => match unit {
            Calendar::Hour | Calendar::Minute | Calendar::Second | Calendar::Millisecond => {
                move_time(*time, by.value, unit).map(Item::Time)
            }
            _ => {
                let reason =
                    "a time of day can be moved by hours, minutes, seconds and milliseconds";
                return Err(PathError::execution(reason));
            }
        },
        _ => None,
    };
    Ok(found.into())
}

/// Whole months, days or nanoseconds of a duration.
enum Shift {
    Months(i64),
    Days(i64),
    Nanos(i64),
}

fn shift(value: Decimal, unit: Calendar) -> Option<Shift> {
    let whole = || value.truncated().to_i64();
    let nanos = |unit: i64| whole()?.checked_mul(unit).map(Shift::Nanos);
    match unit {
        Calendar::Year => Some(Shift::Months(whole()?.checked_mul(12)?)),
        Calendar::Month => Some(Shift::Months(whole()?)),
        Calendar::Week => Some(Shift::Days(whole()?.checked_mul(7)?)),
        Calendar::Day => Some(Shift::Days(whole()?)),
        Calendar::Hour => nanos(3_600_000_000_000),
        Calendar::Minute => nanos(60_000_000_000),
        Calendar::Second => {
            let nanos = value.times(Decimal::from(1_000_000_000))?;
            Some(Shift::Nanos(nanos.truncated().to_i64()?))
        }
        Calendar::Millisecond => nanos(1_000_000),
    }
}

const DAY: i64 = 86_400_000_000_000;

fn move_date(date: Date, value: Decimal, unit: Calendar) -> Option<Date> {
    let days = match shift(value, unit)? {
        Shift::Months(months) => {
            let months = if date.month.is_none() {
                months / 12 * 12
            } else {
                months
            };
            let span = jiff::Span::new().try_months(months).ok()?;
            return kept(date, civil(date)?.checked_add(span).ok()?);
        }
        Shift::Days(days) => days,
        Shift::Nanos(nanos) => nanos / DAY,
    };
    match (date.month, date.day) {
        // What is written to the month or year moves by whole months of 30 and years of 365 days.
        (None, _) => move_date(date, Decimal::from(days / 365), Calendar::Year),
        (_, None) => move_date(date, Decimal::from(days / 30), Calendar::Month),
        _ => {
            let span = jiff::Span::new().try_days(days).ok()?;
            kept(date, civil(date)?.checked_add(span).ok()?)
        }
    }
}

/// A day of the calendar with the precision of another date.
fn kept(like: Date, day: jiff::civil::Date) -> Option<Date> {
    let day = from_civil(day);
    (day.year > 0).then_some(Date {
        year: day.year,
        month: like.month.and(day.month),
        day: like.day.and(day.day),
    })
}

fn move_moment(at: DateTime, value: Decimal, unit: Calendar) -> Option<DateTime> {
    let Some(time) = at.time else {
        return Some(move_date(at.date, value, unit)?.at(None, at.offset));
    };
    match shift(value, unit)? {
        Shift::Months(_) | Shift::Days(_) => {
            Some(move_date(at.date, value, unit)?.at(at.time, at.offset))
        }
        Shift::Nanos(nanos) => {
            let sum = nanos_of(time).checked_add(nanos)?;
            let days = Decimal::from(sum.div_euclid(DAY));
            let date = move_date(at.date, days, Calendar::Day)?;
            Some(date.at(Some(time_of(sum.rem_euclid(DAY), time)), at.offset))
        }
    }
}

fn move_time(time: Time, value: Decimal, unit: Calendar) -> Option<Time> {
    match shift(value, unit)? {
        Shift::Nanos(nanos) => {
            let sum = nanos_of(time).checked_add(nanos % DAY)?;
            Some(time_of(sum.rem_euclid(DAY), time))
        }
        _ => None,
    }
}

fn nanos_of(time: Time) -> i64 {
    let part = |part: Option<u8>| i64::from(part.unwrap_or(0));
    let seconds = (i64::from(time.hour) * 60 + part(time.minute)) * 60 + part(time.second);
    seconds * 1_000_000_000 + time.fraction.map_or(0, |(nanos, _)| i64::from(nanos))
}

/// Nanoseconds of a day with the precision of another time; milliseconds are shown when there are some.
fn time_of(nanos: i64, like: Time) -> Time {
    let part = |number: i64| u8::try_from(number).unwrap_or(0);
    let seconds = nanos / 1_000_000_000;
    let rest = u32::try_from(nanos % 1_000_000_000).unwrap_or(0);
    let digits = match like.fraction {
        Some((_, digits)) => Some(digits.max(if rest % 1_000_000 == 0 {
            3.min(digits)
        } else {
            9
        })),
        None if like.second.is_some() && rest > 0 => Some(3),
        None => None,
    };
    Time {
        hour: part(seconds / 3600),
        minute: like.minute.map(|_| part(seconds / 60 % 60)),
        second: like.second.map(|_| part(seconds % 60)),
        fraction: digits.map(|digits| (rest, digits)),
    }
}
