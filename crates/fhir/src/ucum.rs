//! Units of UCUM: quantities in base units, so that 5000 mg and 5 g are one.
//!
//! In come the digits of a quantity and the code of its unit; out comes the same amount in the base units of UCUM
//! (`g`, `m`, `s`, `rad`, `K`, `C`, `cd`, and arbitrary ones such as `[iU]`). Digits are exact to 24 places. Units on
//! scales that are not linear (`[pH]`, `B`) have no canonical form and stay what they are, as does what is no UCUM.
//!
//! Tables and arithmetic are those of `octofhir-ucum` (UCUM 2.2). Cost: a unit met before is one look into a table; a
//! new one is read in some microseconds.

use octofhir_ucum::{Number, get_canonical_units};
use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, RwLock},
};

/// The system of UCUM's codes.
pub const SYSTEM: &str = "http://unitsofmeasure.org";

/// The longest code that is read.
const MAX_CODE: usize = 100;
/// Units kept read; what is beyond is read each time.
const MAX_KEPT: usize = 4_096;

/// A unit, as it stands to its base units.
#[derive(Clone, Debug)]
pub struct Unit {
    /// The base units, in one spelling for all units of a kind: `g.m-3`; `1` for numbers and ratios.
    pub base: String,
    factor: Number,
    offset: Number,
}

/// An amount in base units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Canonical {
    /// The digits.
    pub digits: String,
    /// The base units.
    pub unit: String,
}

static KEPT: LazyLock<RwLock<HashMap<String, Option<Arc<Unit>>>>> = LazyLock::new(RwLock::default);

/// The unit of a code; `None` when it is no UCUM, or has no linear way to base units. The unity may be written as empty
/// text.
pub fn unit(code: &str) -> Option<Arc<Unit>> {
    if code.len() > MAX_CODE {
        return None;
    }
    if let Ok(kept) = KEPT.read()
        && let Some(unit) = kept.get(code)
    {
        return unit.clone();
    }
    let unit = read(code);
    if let Ok(mut kept) = KEPT.write()
        && kept.len() < MAX_KEPT
    {
        kept.insert(code.to_owned(), unit.clone());
    }
    unit
}

fn read(code: &str) -> Option<Arc<Unit>> {
    let code = if code.is_empty() { "1" } else { code };
    let canonical = get_canonical_units(code).ok()?;
    Some(Arc::new(Unit {
        base: canonical.unit,
        factor: canonical.factor,
        offset: canonical.offset,
    }))
}

impl Unit {
    /// An amount of this unit, in base units. `digits` is a FHIR decimal.
    pub fn in_base(&self, digits: &str) -> Option<String> {
        self.number(digits).and_then(rounded)
    }

    /// The same as a float; `None` beyond what floats hold.
    pub fn in_base_f64(&self, digits: &str) -> Option<f64> {
        let value = self.number(digits)?.to_f64();
        value.is_finite().then_some(value)
    }

    fn number(&self, digits: &str) -> Option<Number> {
        let number = Number::parse(digits)?.checked_mul(self.factor)?;
        number.checked_add(self.offset)
    }

    /// An amount of another unit in this one; `None` when they measure different things.
    pub fn from(&self, other: &Unit, digits: &str) -> Option<String> {
        if self.base != other.base {
            return None;
        }
        let base = other.number(digits)?.checked_sub(self.offset)?;
        rounded(base.checked_div(self.factor)?)
    }
}

/// The digits of a number, at most 24: what factors without an end leave behind is beyond.
fn rounded(number: Number) -> Option<String> {
    const MOST: u128 = 10_u128.pow(24);
    let (mut digits, mut exponent) = number.to_integer_and_exponent();
    while digits.unsigned_abs() >= MOST {
        digits = digits / 10 + (digits % 10) / 5;
        exponent += 1;
    }
    Some(Number::parse(&format!("{digits}e{exponent}"))?.to_string())
}

/// A quantity in base units; `None` when the unit is no UCUM or not linear, or the digits are none.
pub fn canonical(digits: &str, code: &str) -> Option<Canonical> {
    let unit = unit(code)?;
    Some(Canonical {
        digits: unit.in_base(digits)?,
        unit: unit.base.clone(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(digits: &str, code: &str, wanted: &str) {
        let found = canonical(digits, code).map(|c| format!("{} {}", c.digits, c.unit));
        assert_eq!(found.as_deref(), Some(wanted), "{digits} {code}");
    }

    #[test]
    fn amounts_stand_in_base_units_to_the_digit() {
        check("5000", "mg", "5 g");
        check("0.1", "kg", "100 g");
        check("120", "mm[Hg]", "15998640 g.m-1.s-2");
        check("5.4", "mmol/L", "3.2519560104e24 m-3");
        check("37", "Cel", "310.15 K");
        check("98.6", "[degF]", "310.15 K");
        check("12", "%", "0.12 1");
        check("80", "/min", "1.33333333333333333333333 s-1");
        check("7", "[IU]/mL", "7000000 m-3.[iU]");
        check("3", "{count}", "3 1");
        check("3", "", "3 1");
        check("-1.50e3", "ug", "-0.0015 g");
        check("1", "a", "31557600 s");
        check("1", "[lb_av]", "453.59237 g");
    }

    #[test]
    fn what_is_no_unit_has_no_canonical_form() {
        for code in ["mgs", "Stück", "7.4 [pH]", "[pH]", "mg mL", "(", "m//"] {
            assert_eq!(canonical("1", code), None, "{code}");
        }
        assert_eq!(canonical("viele", "mg"), None);
        assert_eq!(canonical("1", &"m.".repeat(60)), None);
    }

    #[test]
    fn amounts_go_from_one_unit_to_another_of_its_kind() {
        let (mg, lb) = (unit("mg").unwrap(), unit("[lb_av]").unwrap());
        assert_eq!(mg.from(&lb, "1").as_deref(), Some("453592.37"));
        let (f, c) = (unit("[degF]").unwrap(), unit("Cel").unwrap());
        assert_eq!(f.from(&c, "37").as_deref(), Some("98.6"));
        assert_eq!(mg.from(&c, "37"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_it_panic(digits in ".{0,12}|[0-9.eE-]{0,12}", code in ".{0,12}|[a-zA-Z\\[\\]./0-9-]{0,12}") {
            canonical(&digits, &code);
        }
    }
}
