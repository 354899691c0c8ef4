//! What a condition means, in the plainest words we have: the reference that faster ways are compared with.

use super::{Clause, Modifier, Prefix, Wanted};
use crate::search::{CANONICAL, Entry, IDENTIFIER, Indexed, fold, of_type};
use crate::ucum;

/// Whether a resource meets a condition, given what [`extract`](crate::search::extract) found in it.
///
/// `_id` and `_lastUpdated` are the store's to know: a caller who asks about them adds an entry under their numbers, a
/// token with the id as code, and a date.
///
/// `_text` and `_content` look at the entries of [`words`](crate::search::words), which the caller adds as well. `:above`
/// and `:below` on a reference ask for the named resource alone, or for the versions of a canonical: the store puts the
/// resources that stand above or below into the values first.
///
/// A value that was indexed as several entries (the two ends of a Range, say) meets a condition when one of them does.
pub fn matches(clause: &Clause, entries: &[Entry]) -> bool {
    let number = clause.parameter.number;
    let own = |number: u16| entries.iter().filter(move |e| e.number == number);
    let any_of = |number: u16| {
        own(number).any(|entry| {
            let mut values = clause.values.iter();
            values.any(|wanted| meets(&entry.value, clause.modifier, wanted))
        })
    };
    match clause.modifier {
        // A reference by identifier alone is there, though it has no literal to search for.
        Modifier::Missing(missing) => {
            let there = own(number).chain(own(number | IDENTIFIER)).next().is_some();
            there != missing
        }
        // None of its values may be among those asked for; having no value is fine.
        Modifier::Not => !any_of(number),
        Modifier::Identifier | Modifier::OfType => any_of(number | IDENTIFIER),
        _ => any_of(number),
    }
}

fn meets(found: &Indexed, modifier: Modifier, wanted: &Wanted) -> bool {
    match (found, wanted) {
        (Indexed::Text { folded, exact }, Wanted::Text(wanted)) => match modifier {
            Modifier::Exact => exact == wanted,
            Modifier::Contains => folded.contains(wanted.as_str()),
            Modifier::Whole => folded == wanted,
            Modifier::Ends => folded.ends_with(wanted.as_str()),
            _ => folded.starts_with(wanted.as_str()),
        },
        // `:text` is a string search in the words beside the code.
        (Indexed::Token { text, .. }, Wanted::Text(wanted)) => {
            fold(text).starts_with(wanted.as_str())
        }
        (
            Indexed::Token { system, code, .. },
            Wanted::Token {
                system: in_system,
                code: is_code,
            },
        ) => {
            let is_in = in_system.as_ref().is_none_or(|wanted| wanted == system);
            is_in && is_code.as_ref().is_none_or(|wanted| wanted == code)
        }
        (Indexed::Token { code, .. }, Wanted::Id(id)) => code == id,
        (
            Indexed::Token { system, code, .. },
            Wanted::OfType {
                system: in_system,
                code: of,
                value,
            },
        ) => {
            let is_in = in_system.as_ref().is_none_or(|wanted| wanted == system);
            is_in && *code == of_type(of, value)
        }
        (Indexed::Text { folded, .. }, Wanted::Words(words)) => {
            let text = format!(" {folded} ");
            let mut words = words.iter();
            words.all(|words| text.contains(&format!(" {words} ")))
        }
        (Indexed::Reference(found), Wanted::Reference(wanted)) => match modifier {
            Modifier::Above => found == wanted || is_version_below(wanted, found),
            Modifier::Below => found == wanted || is_version_below(found, wanted),
            _ => found == wanted,
        },
        (Indexed::Uri(found), Wanted::Uri(wanted)) => match modifier {
            Modifier::Above => is_below(wanted, found),
            Modifier::Below => is_below(found, wanted),
            _ => found == wanted,
        },
        (Indexed::Position { lat, lon }, Wanted::Near { lat: n, lon: e, km }) => {
            distance((*lat, *lon), (*n, *e)) <= *km
        }
        (Indexed::Composite(found), Wanted::Composite(wanted)) => {
            let mut pairs = found.iter().zip(wanted);
            found.len() == wanted.len()
                && pairs.all(|(found, wanted)| meets(found, Modifier::None, wanted))
        }
        (
            Indexed::Date { from, to },
            Wanted::Date {
                prefix,
                from: f,
                to: t,
            },
        ) => in_time((*from, *to), *prefix, (*f, *t)),
        (
            Indexed::Number { value },
            Wanted::Number {
                prefix,
                value: v,
                low,
                high,
            },
        ) => in_range(*value, *prefix, *v, (*low, *high)),
        (
            Indexed::Quantity {
                value,
                system,
                code,
            },
            Wanted::Quantity {
                prefix,
                value: v,
                low,
                high,
                system: in_system,
                code: in_unit,
            },
        ) => {
            let is_in = match in_system.as_deref() {
                // What was written, in whatever unit.
                None => system != CANONICAL,
                // Written in base units, it does not stand in them once more.
                Some(CANONICAL) => system == CANONICAL || system == ucum::SYSTEM,
                Some(wanted) => wanted == system,
            };
            let unit = in_unit.as_ref().is_none_or(|wanted| wanted == code);
            is_in && unit && in_range(*value, *prefix, *v, (*low, *high))
        }
        _ => false,
    }
}

/// Whether a URI is another one or goes on from it, at a `/`.
fn is_below(uri: &str, above: &str) -> bool {
    uri.strip_prefix(above)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || above.ends_with('/'))
}

/// Whether the version of a canonical goes on from that of another one with the same URL: 1.2 from 1, not 10.
fn is_version_below(canonical: &str, above: &str) -> bool {
    above.contains('|')
        && canonical
            .strip_prefix(above)
            .is_some_and(|rest| rest.starts_with(['.', '-']))
}

/// Kilometres between two places in degrees, on a ball of the earth's mean radius (haversine formula).
fn distance((lat, lon): (f64, f64), (n, e): (f64, f64)) -> f64 {
    const RADIUS_KM: f64 = 6_371.009;
    let half = |from: f64, to: f64| ((to - from).to_radians() / 2.0).sin().powi(2);
    let across = half(lat, n) + lat.to_radians().cos() * n.to_radians().cos() * half(lon, e);
    2.0 * RADIUS_KM * across.clamp(0.0, 1.0).sqrt().asin()
}

/// Two spans of time, both ends included: R4, 3.1.1.4.5 "prefixes".
fn in_time(found: (i64, i64), prefix: Prefix, asked: (i64, i64)) -> bool {
    let within = asked.0 <= found.0 && found.1 <= asked.1;
    match prefix {
        Prefix::Eq => within,
        Prefix::Ne => !within,
        Prefix::Gt => found.1 > asked.1,
        Prefix::Lt => found.0 < asked.0,
        Prefix::Ge => found.1 > asked.1 || within,
        Prefix::Le => found.0 < asked.0 || within,
        Prefix::Sa => found.0 > asked.1,
        Prefix::Eb => found.1 < asked.0,
        Prefix::Ap => found.0 <= asked.1 && asked.0 <= found.1,
    }
}

/// A number against what was asked: only `eq`, `ne` and `ap` look at the range, the others at the exact number, as R4 says.
fn in_range(found: f64, prefix: Prefix, value: f64, (low, high): (f64, f64)) -> bool {
    let within = low <= found && found < high;
    match prefix {
        Prefix::Eq | Prefix::Ap => within,
        Prefix::Ne => !within,
        Prefix::Gt | Prefix::Sa => found > value,
        Prefix::Lt | Prefix::Eb => found < value,
        Prefix::Ge => found >= value,
        Prefix::Le => found <= value,
    }
}
