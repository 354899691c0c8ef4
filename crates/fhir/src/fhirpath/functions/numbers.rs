//! Functions on numbers. Roots, powers and logarithms go through floats; all else is exact.

use super::call::Work;
use crate::{
    decimal::Decimal,
    fhirpath::{
        PathError, compare,
        eval::{Outcome, single},
        item::{Found, Item},
        quantity::Quantity,
        tree::Function,
    },
};

pub(super) fn call<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let item = match work.one()? {
        Some(item) => item,
        None if matches!(work.input.items(), [Item::Node(node)] if !node.is_primitive()) => {
            return Err(not_a_number(work));
        }
        None => return Ok(Found::None),
    };
    let function = work.call.function;
    if let Item::Quantity(quantity) = &item {
        return on_quantity(work, quantity);
    }
    let Some(number) = compare::number(&item) else {
        return Err(not_a_number(work));
    };
    let whole = matches!(item, Item::Integer(_));
    let float = |float: f64| Ok(Decimal::from_f64(float).map(Item::Decimal).into());
    let integer = |d: Decimal| Ok(d.to_i64().map(Item::Integer).into());
    match function {
        Function::Abs if whole => integer(number.abs()),
        Function::Abs => Ok(Found::One(Item::Decimal(number.abs()))),
        Function::Ceiling => integer(number.ceiling(0)),
        Function::Floor => integer(number.floor(0)),
        Function::Truncate => integer(number.truncated()),
        Function::Round => {
            let places = work.whole_argument(0)?.unwrap_or(0);
            let Ok(places) = u32::try_from(places) else {
                return Err(PathError::execution(
                    "`round` cannot round to fewer than 0 places",
                ));
            };
            Ok(Found::One(Item::Decimal(number.rounded(places))))
        }
        Function::Exp => float(number.to_f64().exp()),
        Function::Ln => float(number.to_f64().ln()),
        Function::Sqrt => float(number.to_f64().sqrt()),
        Function::Log => {
            let Some(base) = number_argument(work)? else {
                return Ok(Found::None);
            };
            float(logarithm(number.to_f64(), base.to_f64()))
        }
        _ => {
            let Some(exponent) = number_argument(work)? else {
                return Ok(Found::None);
            };
            power(number, exponent, whole)
        }
    }
}

fn not_a_number(work: &Work<'_, '_, '_>) -> PathError {
    PathError::execution(format!("`{}` works on a number", work.name()))
}

fn on_quantity<'a>(work: &Work<'_, '_, 'a>, quantity: &Quantity<'a>) -> Outcome<'a> {
    let value = match work.call.function {
        Function::Abs => quantity.value.abs(),
        Function::Ceiling => quantity.value.ceiling(0),
        Function::Floor => quantity.value.floor(0),
        Function::Truncate => quantity.value.truncated(),
        Function::Round => {
            let places = work.whole_argument(0)?.unwrap_or(0);
            quantity.value.rounded(u32::try_from(places).unwrap_or(0))
        }
        _ => return Err(not_a_number(work)),
    };
    let unit = quantity.unit.clone();
    Ok(Found::One(Quantity { value, unit }.item()))
}

fn number_argument(work: &Work<'_, '_, '_>) -> Result<Option<Decimal>, PathError> {
    let found = work.argument(0)?;
    let what = format_args!("the argument of `{}`", work.name());
    let Some(item) = single(&found, what)? else {
        return Ok(None);
    };
    match item.computed().as_ref().and_then(compare::number) {
        Some(number) => Ok(Some(number)),
        None => Err(PathError::execution(format!("{what} must be a number"))),
    }
}

/// Exact where the base's own logarithm is: 16 to the base 2 is 4.
fn logarithm(number: f64, base: f64) -> f64 {
    if base == 2.0 {
        number.log2()
    } else if base == 10.0 {
        number.log10()
    } else {
        number.ln() / base.ln()
    }
}

/// Exact for small whole exponents, else through floats.
fn power<'a>(number: Decimal, exponent: Decimal, whole: bool) -> Outcome<'a> {
    let small = exponent.to_i64().filter(|e| (0..=128).contains(e));
    let exact = small.and_then(|e| (0..e).try_fold(Decimal::from(1), |p, _| p.times(number)));
    let answer = exact.or_else(|| Decimal::from_f64(number.to_f64().powf(exponent.to_f64())));
    Ok(answer
        .map(|p| match p.to_i64().filter(|_| whole) {
            Some(integer) => Item::Integer(integer),
            None => Item::Decimal(p),
        })
        .into())
}
