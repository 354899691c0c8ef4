//! `toX()` and `convertsToX()`.

use super::{
    PathError,
    compare::number,
    eval::Outcome,
    functions::call::Work,
    item::{Found, Item},
    moment::{Date, DateTime, Time},
    quantity::Quantity,
    tree::Function as F,
};
use crate::decimal::Decimal;
use std::borrow::Cow;

/// The input as another type, nothing when it cannot be.
pub(crate) fn to<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let Some(item) = work.one()? else {
        return Ok(Found::None);
    };
    Ok(converted(work, work.call.function, &item)?.into())
}

/// Whether it can be.
pub(crate) fn converts<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let to = match work.call.function {
        F::ConvertsToBoolean => F::ToBoolean,
        F::ConvertsToInteger => F::ToInteger,
        F::ConvertsToDecimal => F::ToDecimal,
        F::ConvertsToDate => F::ToDate,
        F::ConvertsToDateTime => F::ToDateTime,
        F::ConvertsToTime => F::ToTime,
        F::ConvertsToString => F::ToStringOf,
        _ => F::ToQuantity,
    };
    match work.one()? {
        None if work.input.is_empty() => Ok(Found::None),
        None => Ok(Found::truth(false)),
        Some(item) => Ok(Found::truth(converted(work, to, &item)?.is_some())),
    }
}

fn converted<'a>(
    work: &Work<'_, '_, 'a>,
    to: F,
    item: &Item<'a>,
) -> Result<Option<Item<'a>>, PathError> {
    Ok(match (to, item) {
        (F::ToBoolean, item) => boolean(item).map(Item::Boolean),
        (F::ToInteger, item) => integer(item).map(Item::Integer),
        (F::ToDecimal, Item::Boolean(truth)) => {
            Some(Item::Decimal(Decimal::from(i64::from(*truth))))
        }
        (F::ToDecimal, Item::String(text)) => plain_number(text).map(Item::Decimal),
        (F::ToDecimal, item) => number(item).map(Item::Decimal),
        (F::ToDate, Item::Date(date)) => Some(Item::Date(*date)),
        (F::ToDate, Item::DateTime(at)) => Some(Item::Date(at.date)),
        (F::ToDate, Item::String(text)) => match Date::read(text) {
            Some(date) => Some(Item::Date(date)),
            None => DateTime::read(text).map(|at| Item::Date(at.date)),
        },
        (F::ToDateTime, Item::Date(date)) => Some(Item::DateTime(date.at(None, None))),
        (F::ToDateTime, Item::DateTime(at)) => Some(Item::DateTime(*at)),
        (F::ToDateTime, Item::String(text)) => DateTime::read(text).map(Item::DateTime),
        (F::ToTime, Item::Time(time)) => Some(Item::Time(*time)),
        (F::ToTime, Item::String(text)) => {
            Time::read(text.strip_prefix('T').unwrap_or(text)).map(Item::Time)
        }
        (F::ToStringOf, item) => item
            .text()
            .map(|text| Item::String(Cow::Owned(text.into_owned()))),
        (F::ToQuantity, item) => quantity(work, item)?.map(Item::Quantity),
        _ => None,
    })
}

fn boolean(item: &Item<'_>) -> Option<bool> {
    match item {
        Item::Boolean(truth) => Some(*truth),
        Item::String(text) => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(true),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(false),
            _ => None,
        },
        item => match number(item)?.to_i64() {
            Some(1) => Some(true),
            Some(0) => Some(false),
            _ => None,
        },
    }
}

fn integer(item: &Item<'_>) -> Option<i64> {
    match item {
        Item::Integer(whole) => Some(*whole),
        Item::Boolean(truth) => Some(i64::from(*truth)),
        Item::String(text) => text.parse().ok(),
        _ => None,
    }
}

/// Sign, digits, point: no exponent.
fn plain_number(text: &str) -> Option<Decimal> {
    let plain = !text.contains(['e', 'E']);
    plain.then(|| Decimal::read(text)).flatten()
}

fn quantity<'a>(
    work: &Work<'_, '_, 'a>,
    item: &Item<'a>,
) -> Result<Option<Quantity<'a>>, PathError> {
    let quantity = match item {
        Item::Quantity(quantity) => Some(quantity.clone()),
        Item::Boolean(truth) => Some(Quantity::plain(Decimal::from(i64::from(*truth)))),
        Item::String(text) => Quantity::read(text),
        item => number(item).map(Quantity::plain),
    };
    let (Some(unit), Some(quantity)) = (work.text_argument(0)?, &quantity) else {
        return Ok(quantity);
    };
    Ok(quantity.in_unit(&unit))
}
