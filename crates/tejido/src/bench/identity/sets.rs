//! Sets with truth: where they lie, what their columns mean, and how well somebody's answer fits.

use super::parquet;
use crate::Error;
use identity::{Address, Identifier, Registration};
use mx::Sex;
use std::collections::HashMap;
use std::path::{Path, PathBuf};

/// What the names of columns mean. One table for all sets; a column that is not here is not used.
const COLUMNS: [(&str, Means); 23] = [
    ("cluster", Means::Truth),
    ("rec_id", Means::RecordOfTruth),
    ("given_name", Means::Given),
    ("first_name", Means::Given),
    ("surname", Means::Surname),
    ("last_name", Means::Surname),
    ("full_name", Means::Full),
    ("dob", Means::Birth),
    ("date_of_birth", Means::Birth),
    ("birth_place", Means::BirthPlace),
    ("gender", Means::Sex),
    ("sex", Means::Sex),
    ("street_number", Means::HouseNumber),
    ("address_1", Means::Street),
    ("address_2", Means::Line2),
    ("suburb", Means::Locality),
    ("city", Means::Locality),
    ("postcode", Means::Postcode),
    ("postcode_fake", Means::Postcode),
    ("state", Means::Region),
    ("occupation", Means::Trait),
    ("phone_number", Means::Phone),
    ("soc_sec_id", Means::Number),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Means {
    Truth,
    /// `rec-N-org`, `rec-N-dup-K`: N is the truth.
    RecordOfTruth,
    Given,
    Surname,
    Full,
    Birth,
    BirthPlace,
    Sex,
    HouseNumber,
    Street,
    Line2,
    Locality,
    Postcode,
    Region,
    Trait,
    Phone,
    Number,
}

impl Means {
    /// The name under which Splink's script knows it.
    fn word(self) -> Option<&'static str> {
        Some(match self {
            Means::Given => "first_name",
            Means::Surname => "surname",
            Means::Birth => "dob",
            Means::BirthPlace => "birth_place",
            Means::Postcode => "postcode",
            Means::Locality => "suburb",
            Means::Street => "street",
            Means::Trait => "occupation",
            Means::Number => "number",
            _ => return None,
        })
    }
}

/// A set.
pub(super) struct Set {
    pub(super) name: String,
    pub(super) registrations: Vec<Registration>,
    /// Whose each is.
    pub(super) truth: Vec<u64>,
    /// Which are originals and which copies, where the set says so: an original's name ends in `-org`.
    pub(super) copies: Option<Vec<bool>>,
    /// The columns that Splink gets.
    pub(super) columns: Vec<(&'static str, Vec<Option<String>>)>,
}

/// All sets of a folder and its folders, by name. Numbers of people are used only if asked for.
pub(super) fn all(folder: &Path, numbers: bool) -> Result<Vec<Set>, Error> {
    let mut files = Vec::new();
    list(folder, &mut files).map_err(|e| Error::io(folder, e))?;
    files.sort();
    let mut sets = Vec::new();
    for file in files {
        let bytes = std::fs::read(&file).map_err(|e| Error::io(&file, e))?;
        let parquet = file.extension().is_some_and(|e| e == "parquet");
        let table = if parquet {
            parquet::read(&bytes)
        } else {
            csv(&bytes)
        };
        let table = table.map_err(|e| Error::say(format!("{}: {e}", file.display())))?;
        let name = file
            .file_stem()
            .map_or_else(String::new, |s| s.to_string_lossy().into_owned());
        sets.extend(Set::of(name, table, numbers));
    }
    Ok(sets)
}

fn list(folder: &Path, out: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            list(&path, out)?;
        } else if path
            .extension()
            .is_some_and(|e| e == "csv" || e == "parquet")
        {
            out.push(path);
        }
    }
    Ok(())
}

/// A table of comma-separated values with a line of names; quotes as in RFC 4180, blanks around values left out.
fn csv(bytes: &[u8]) -> Result<Vec<parquet::Column>, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut rows: Vec<Vec<String>> = vec![vec![String::new()]];
    let mut quoted = false;
    let mut signs = text.chars().peekable();
    while let Some(c) = signs.next() {
        let row = rows.last_mut().ok_or("no row")?;
        let value = row.last_mut().ok_or("no value")?;
        match c {
            '"' if quoted && signs.peek() == Some(&'"') => value.extend(signs.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => row.push(String::new()),
            '\n' if !quoted => rows.push(vec![String::new()]),
            '\r' if !quoted => {}
            c => value.push(c),
        }
    }
    let mut rows = rows
        .into_iter()
        .filter(|row| row.iter().any(|v| !v.trim().is_empty()));
    let names = rows.next().ok_or("it is empty")?;
    let mut columns: Vec<parquet::Column> = names
        .iter()
        .map(|n| (n.trim().to_owned(), Vec::new()))
        .collect();
    for (at, row) in rows.enumerate() {
        if row.len() != columns.len() {
            return Err(format!(
                "record {} has {} values instead of {}",
                at + 1,
                row.len(),
                columns.len()
            ));
        }
        for ((_, column), value) in columns.iter_mut().zip(row) {
            let value = value.trim();
            column.push((!value.is_empty()).then(|| value.to_owned()));
        }
    }
    Ok(columns)
}

impl Set {
    /// Of a table; `None` if it holds no truth.
    fn of(name: String, table: Vec<parquet::Column>, numbers: bool) -> Option<Set> {
        let means = |column: &str| COLUMNS.iter().find(|(c, _)| *c == column).map(|(_, m)| *m);
        let columns: Vec<(Means, Vec<Option<String>>)> = table
            .into_iter()
            .filter_map(|(column, values)| Some((means(&column)?, values)))
            .filter(|(means, _)| numbers || *means != Means::Number)
            .collect();
        let of = |wanted: Means| {
            columns
                .iter()
                .find(|(means, _)| *means == wanted)
                .map(|(_, v)| v)
        };
        let record = |value: &Option<String>| {
            value
                .as_deref()
                .and_then(|v| v.split('-').nth(1))
                .map(str::to_owned)
        };
        let truth: Vec<Option<String>> = match (of(Means::Truth), of(Means::RecordOfTruth)) {
            (Some(values), _) => values.clone(),
            (_, Some(values)) => values.iter().map(record).collect(),
            _ => return None,
        };
        let mut people: HashMap<String, u64> = HashMap::new();
        let truth = truth
            .into_iter()
            .enumerate()
            .map(|(row, value)| {
                let next = people.len() as u64;
                *people
                    .entry(value.unwrap_or_else(|| format!("nobody {row}")))
                    .or_insert(next)
            })
            .collect::<Vec<u64>>();
        let is_copy = |name: &Option<String>| !name.as_deref().is_some_and(|n| n.ends_with("-org"));
        let copies = of(Means::RecordOfTruth).map(|names| names.iter().map(is_copy).collect());
        let registrations = (0..truth.len())
            .map(|row| registration(&columns, row))
            .collect();
        let columns = columns
            .into_iter()
            .filter_map(|(m, v)| Some((m.word()?, v)))
            .collect();
        Some(Set {
            name,
            registrations,
            truth,
            copies,
            columns,
        })
    }
}

fn registration(columns: &[(Means, Vec<Option<String>>)], row: usize) -> Registration {
    let mut out = Registration::default();
    let mut address = Address::default();
    for (means, values) in columns {
        let value = values.get(row).cloned().flatten();
        match means {
            Means::Truth | Means::RecordOfTruth => {}
            Means::Given => out.given = value,
            Means::Surname => out.first = value,
            Means::Full => out.full = value,
            Means::Birth => out.birth = value,
            Means::BirthPlace => out.birth_place = value,
            Means::Sex => {
                out.sex = match value.as_deref() {
                    Some("male" | "m" | "M") => Some(Sex::Man),
                    Some("female" | "f" | "F") => Some(Sex::Woman),
                    _ => None,
                }
            }
            Means::HouseNumber => address.number = value,
            Means::Street => address.street = value,
            Means::Line2 => address.line2 = value,
            Means::Locality => address.locality = value,
            Means::Postcode => address.postcode = value,
            Means::Region => address.region = value,
            Means::Trait => out.traits.push(value),
            Means::Phone => out.phones.extend(value),
            Means::Number => out.identifiers.extend(value.map(|value| Identifier {
                system: "number".to_owned(),
                value,
                confirmed: false,
            })),
        }
    }
    out.addresses.push(address);
    out
}

/// How well an answer fits the truth, over pairs.
#[derive(Clone, Copy, Debug, PartialEq, serde::Serialize)]
pub(super) struct Fit {
    pub(super) precision: f64,
    pub(super) recall: f64,
    pub(super) f1: f64,
    /// Pairs of one person in truth.
    pub(super) pairs: u64,
}

/// Compares groups with the truth: a pair is right if both say that it is of one person.
pub(super) fn fit(truth: &[u64], person: &[u32]) -> Fit {
    let pairs = |n: u64| n * n.saturating_sub(1) / 2;
    let (mut of_truth, mut of_answer, mut of_both) =
        (HashMap::new(), HashMap::new(), HashMap::new());
    for (t, p) in truth.iter().zip(person) {
        *of_truth.entry(*t).or_insert(0u64) += 1;
        *of_answer.entry(*p).or_insert(0u64) += 1;
        *of_both.entry((*t, *p)).or_insert(0u64) += 1;
    }
    let all: u64 = of_truth.into_values().map(pairs).sum();
    let said: u64 = of_answer.into_values().map(pairs).sum();
    let right: u64 = of_both.into_values().map(pairs).sum();
    of_counts(all, said, right)
}

/// The same over the pairs of one registration here and one there.
pub(super) fn across(truth: &[u64], person: &[u32], there: &[bool]) -> Fit {
    let (mut of_truth, mut of_answer, mut of_both) =
        (HashMap::new(), HashMap::new(), HashMap::new());
    for ((t, p), side) in truth.iter().zip(person).zip(there) {
        let side = usize::from(*side);
        of_truth.entry(*t).or_insert([0u64; 2])[side] += 1;
        of_answer.entry(*p).or_insert([0u64; 2])[side] += 1;
        of_both.entry((*t, *p)).or_insert([0u64; 2])[side] += 1;
    }
    let pairs = |sides: [u64; 2]| sides[0] * sides[1];
    let all: u64 = of_truth.into_values().map(pairs).sum();
    let said: u64 = of_answer.into_values().map(pairs).sum();
    let right: u64 = of_both.into_values().map(pairs).sum();
    of_counts(all, said, right)
}

/// Of pairs that are of one person, that are said to be, and both.
fn of_counts(all: u64, said: u64, right: u64) -> Fit {
    let share = |whole: u64| {
        if whole == 0 {
            1.0
        } else {
            right as f64 / whole as f64
        }
    };
    let (precision, recall) = (share(said), share(all));
    let f1 = 2.0 * precision * recall / (precision + recall).max(1e-9);
    Fit {
        precision,
        recall,
        f1,
        pairs: all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fit_counts_pairs() {
        // In truth {0,1,2} and {3}; the answer says {0,1} and {2,3}: one of two is right, one of three found.
        let fit = fit(&[7, 7, 7, 8], &[0, 0, 2, 2]);
        assert_eq!((fit.precision, fit.pairs), (0.5, 3));
        assert!((fit.recall - 1.0 / 3.0).abs() < 1e-9 && (fit.f1 - 0.4).abs() < 1e-9);
    }
    #[test]
    fn across_counts_pairs_of_both_sides_only() {
        // In truth {0,1 | 2} and {| 3}; the answer says {0 | 2,3} and {1 |}.
        let fit = across(&[7, 7, 7, 8], &[0, 1, 0, 0], &[false, false, true, true]);
        assert_eq!((fit.pairs, fit.precision, fit.recall), (2, 0.5, 0.5));
    }
    #[test]
    fn a_table_becomes_registrations_with_their_truth() {
        let table = csv(b"rec_id, given_name, surname, soc_sec_id\nrec-5-org, ana, \"o\"\"hara, jr\", 123\nrec-5-dup-0, , lee,\n").unwrap();
        let set = Set::of("x".to_owned(), table, false).unwrap();
        assert_eq!(set.truth, [0, 0]);
        assert_eq!(set.copies, Some(vec![false, true]));
        assert_eq!(set.registrations[0].first.as_deref(), Some("o\"hara, jr"));
        assert_eq!(set.registrations[1].given, None);
        assert!(set.registrations[0].identifiers.is_empty());
        assert!(
            csv(b"a,b\n1\n")
                .unwrap_err()
                .contains("record 1 has 1 values instead of 2")
        );
    }
}
