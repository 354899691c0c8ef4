//! The country: tables, buildings, and the day on which every life is told.

use crate::Error;
use crate::cover::{self, Institution};
use crate::day::Day;
use crate::dice::Dice;
use crate::life::{self, Life};
use crate::places::House;
use crate::tables::Tables;
use crate::{disease, heroine, person};
use fhir::Value;
use jiff::civil::{Date, date};

/// Tables and establishments, loaded once; lives are drawn from it. Cheap to share between threads.
pub struct Country {
    tables: Tables,
    houses: Vec<House>,
    today: Day,
}

/// The day that lives end at unless told otherwise.
const TODAY: Date = date(2026, 11, 1);

impl Country {
    /// The synthetic Mexico of the built-in tables, on 1 November 2026.
    ///
    /// # Errors
    /// When a built-in table cannot be read: a fault of the build.
    pub fn mexico() -> Result<Country, Error> {
        Country::mexico_on(TODAY)
    }
    /// The same on another day: nothing in any life lies after it.
    ///
    /// # Errors
    /// As [`Country::mexico`].
    pub fn mexico_on(today: Date) -> Result<Country, Error> {
        let tables = Tables::load()?;
        let houses = House::all(&tables.people);
        Ok(Country {
            tables,
            houses,
            today: Day::of(today),
        })
    }
    /// The day that lives end at.
    pub fn today(&self) -> Date {
        self.today.date()
    }
    /// Life number `index` of a seed: the same whatever else is drawn, in any order, on any thread.
    pub fn life(&self, seed: u64, index: u64) -> Life {
        let mut dice = Dice::new(seed, index);
        // The tables hold only names and states that a CURP can carry; should one not, the next draw is taken.
        for _ in 0..8 {
            if let Some(person) = person::draw(&self.tables.people, self.today, &mut dice) {
                let covers =
                    cover::covers(&self.tables.affiliation, &person, self.today, &mut dice);
                let health = disease::draw(&self.tables.conditions, &person, self.today, &mut dice);
                return life::live(self, index, person, covers, &health, &mut dice);
            }
        }
        self.heroine()
    }
    /// A fixed person with a fixed story, for demonstrations: María Guadalupe Hernández López, 58, known to IMSS,
    /// ISSSTE, IMSS-Bienestar, a private hospital and a pharmacy. Her index is `u64::MAX`.
    pub fn heroine(&self) -> Life {
        heroine::tell(self)
    }
    /// Organizations and Practitioners of an institution, which all its records refer to; the same for every seed.
    pub fn shared(&self, institution: Institution) -> Vec<Value> {
        self.house(institution).resources()
    }
    pub(crate) fn tables(&self) -> &Tables {
        &self.tables
    }
    pub(crate) fn today_number(&self) -> Day {
        self.today
    }
    pub(crate) fn house(&self, institution: Institution) -> &House {
        // `House::all` builds one for each institution, in their order.
        self.houses
            .get(institution.number())
            .unwrap_or(&self.houses[0])
    }
}
