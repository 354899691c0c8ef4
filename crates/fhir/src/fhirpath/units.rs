//! UCUM, as far as quantities are compared: one value turned into another unit.

use crate::{decimal::Decimal, ucum};

/// A value of one unit in another; `None` when they do not measure the same, or a unit is not known.
pub(crate) fn converted(value: Decimal, from: &str, to: &str) -> Option<Decimal> {
    let digits = ucum::unit(to)?.from(&*ucum::unit(from)?, &value.to_string())?;
    Decimal::read(&digits)
}
