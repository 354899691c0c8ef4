//! Institutions, and who covers a person when.

use crate::day::Day;
use crate::dice::Dice;
use crate::person::Person;
use crate::tables::{Affiliation, CoverShares, PlaceRows, RegistrationRow};
use jiff::civil::Date;

/// Who writes records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Institution {
    /// Instituto Mexicano del Seguro Social
    Imss,
    /// Institute of the workers of the state
    Issste,
    /// IMSS-Bienestar: people without social security
    ImssBienestar,
    /// PEMEX, standing also for the armed forces
    Pemex,
    /// Private hospitals and doctors
    Privado,
    /// Consulting rooms beside a pharmacy
    Farmacia,
}

impl Institution {
    /// All, in the order of the tables.
    pub const ALL: [Institution; 6] = [
        Institution::Imss,
        Institution::Issste,
        Institution::ImssBienestar,
        Institution::Pemex,
        Institution::Privado,
        Institution::Farmacia,
    ];
    /// The word for folders and identifiers.
    pub fn slug(self) -> &'static str {
        match self {
            Institution::Imss => "imss",
            Institution::Issste => "issste",
            Institution::ImssBienestar => "imss-bienestar",
            Institution::Pemex => "pemex",
            Institution::Privado => "privado",
            Institution::Farmacia => "farmacia",
        }
    }
    /// From the word.
    pub fn from_slug(slug: &str) -> Option<Institution> {
        Institution::ALL.into_iter().find(|i| i.slug() == slug)
    }
    /// The name people use.
    pub fn name(self) -> &'static str {
        match self {
            Institution::Imss => "IMSS",
            Institution::Issste => "ISSSTE",
            Institution::ImssBienestar => "IMSS-Bienestar",
            Institution::Pemex => "Servicios de Salud de PEMEX",
            Institution::Privado => "Grupo Hospitalario Ángel de la Salud",
            Institution::Farmacia => "Farmacia del Centro",
        }
    }
    /// The code that its CLUES carry.
    pub fn clues_code(self) -> mx::Institution {
        match self {
            Institution::Imss => mx::Institution::Imss,
            Institution::Issste => mx::Institution::Issste,
            Institution::ImssBienestar => mx::Institution::ImssBienestar,
            Institution::Pemex => mx::Institution::Pemex,
            Institution::Privado | Institution::Farmacia => mx::Institution::Privado,
        }
    }
    pub(crate) fn number(self) -> usize {
        Institution::ALL
            .iter()
            .position(|i| *i == self)
            .unwrap_or(0)
    }
    pub(crate) fn registration(self, table: &Affiliation) -> &RegistrationRow {
        let rows = &table.registration;
        match self {
            Institution::Imss => &rows.imss,
            Institution::Issste => &rows.issste,
            Institution::ImssBienestar => &rows.imss_bienestar,
            Institution::Pemex => &rows.pemex,
            Institution::Privado => &rows.privado,
            Institution::Farmacia => &rows.farmacia,
        }
    }
}

/// A time under one cover.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cover {
    /// Who covers; `None` for nobody. Never a pharmacy.
    pub by: Option<Institution>,
    /// First day.
    pub from: Date,
}

/// Covers in the order of [`CoverShares`].
const BY: [Option<Institution>; 6] = [
    Some(Institution::Imss),
    Some(Institution::Issste),
    Some(Institution::ImssBienestar),
    Some(Institution::Pemex),
    Some(Institution::Privado),
    None,
];

fn shares(of: &CoverShares) -> [f64; 6] {
    [
        of.imss,
        of.issste,
        of.imss_bienestar,
        of.pemex,
        of.privado,
        of.none,
    ]
}

/// Covers over a life, oldest first, none empty; the last is today's and has the shares of the table. Before it the
/// life is walked backwards: in working age a cover ends with the yearly chance of the table.
pub(crate) fn covers(
    table: &Affiliation,
    person: &Person,
    today: Day,
    dice: &mut Dice,
) -> Vec<Cover> {
    let birth = Day::of(person.birth);
    let mut at = dice.weighted(&shares(&table.now));
    let mut end = today;
    let mut out = Vec::new();
    loop {
        // How long this cover had lasted, walking back through the ages in which covers change.
        let last_change = birth.plus_years(table.change.to_age);
        let start = end.min(last_change) + -dice.wait_days(table.change.yearly);
        let by = BY.get(at).copied().flatten();
        if start <= birth.plus_years(table.change.from_age) || out.len() > 7 {
            out.push(Cover {
                by,
                from: person.birth,
            });
            break;
        }
        out.push(Cover {
            by,
            from: start.date(),
        });
        end = start;
        let mut before = shares(&table.change.before);
        if let Some(slot) = before.get_mut(at) {
            *slot = 0.0;
        }
        at = dice.weighted(&before);
    }
    out.reverse();
    out
}

/// The cover of a day.
pub(crate) fn cover_on(covers: &[Cover], day: Day) -> Option<Institution> {
    let date = day.date();
    covers
        .iter()
        .rev()
        .find(|cover| cover.from <= date)
        .or_else(|| covers.first())
        .and_then(|cover| cover.by)
}

/// Where somebody with that cover goes.
pub(crate) fn place(rows: &PlaceRows, cover: Option<Institution>, dice: &mut Dice) -> Institution {
    let row = match cover {
        Some(Institution::Imss) => &rows.imss,
        Some(Institution::Issste) => &rows.issste,
        Some(Institution::ImssBienestar) => &rows.imss_bienestar,
        Some(Institution::Pemex) => &rows.pemex,
        Some(Institution::Privado) => &rows.privado,
        Some(Institution::Farmacia) | None => &rows.none,
    };
    let at = dice.weighted(row);
    Institution::ALL
        .get(at)
        .copied()
        .unwrap_or(Institution::Farmacia)
}
