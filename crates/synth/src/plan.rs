//! What happens in a life that a record could hold: when, where, why. Nothing is written here.

use crate::country::Country;
use crate::cover::{Cover, Institution, cover_on, place};
use crate::day::Day;
use crate::dice::Dice;
use crate::disease::Health;
use crate::person::Person;
use crate::tables::PlaceRows;
use mx::vaccines::{self, Due};

/// Why somebody comes.
#[derive(Clone, Debug)]
pub(crate) enum Why {
    /// Follow-up of everything lasting that a family doctor sees.
    FollowUp,
    /// Follow-up of one illness by its specialty; illness number.
    Specialty(usize),
    /// An acute illness; row of `conditions.episode`.
    Episode(usize),
    /// Prenatal visit at that week of the pregnancy of that number.
    Prenatal(usize, i32),
    /// The birth that ends the pregnancy of that number.
    Birth(usize),
    /// Vaccines of one day.
    Vaccines(Vec<Due>),
    /// Tdap in pregnancy.
    Tdap,
    /// Surgery; row of `conditions.surgery`.
    Surgery(usize),
    /// Cervical cytology.
    Cytology,
    /// Mammography.
    Mammography,
    /// Prostate antigen.
    ProstateTest,
    /// A check-up without complaint.
    CheckUp,
}

/// One thing that happens.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) day: Day,
    pub(crate) minute: i32,
    pub(crate) place: Institution,
    pub(crate) why: Why,
}

/// A pregnancy that ended in a birth.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pregnancy {
    pub(crate) caesarean: bool,
    pub(crate) gestational_diabetes: bool,
    pub(crate) preeclampsia: bool,
}

/// All events of a life, in the order of time, and its pregnancies.
pub(crate) struct Plan {
    pub(crate) events: Vec<Event>,
    pub(crate) pregnancies: Vec<Pregnancy>,
}

struct Planner<'a> {
    country: &'a Country,
    person: &'a Person,
    covers: &'a [Cover],
    health: &'a Health,
    birth: Day,
    /// First day that any electronic record of this person could hold.
    from: Day,
    today: Day,
    events: Vec<Event>,
    pregnancies: Vec<Pregnancy>,
}

/// Plans a life's contacts with care.
pub(crate) fn plan(
    country: &Country,
    person: &Person,
    covers: &[Cover],
    health: &Health,
    dice: &mut Dice,
) -> Plan {
    let habits = &country.tables().conditions.habits;
    let birth = Day::of(person.birth);
    let opened = Day::ymd(habits.recorded_from, 1, 1) + dice.between(0, 365 * 9);
    let mut planner = Planner {
        country,
        person,
        covers,
        health,
        birth,
        from: opened.max(birth),
        today: country.today_number(),
        events: Vec::new(),
        pregnancies: Vec::new(),
    };
    planner.vaccines(dice);
    planner.episodes(dice);
    planner.follow_ups(dice);
    planner.specialties(dice);
    planner.pregnancies(dice);
    planner.surgeries(dice);
    planner.prevention(dice);
    let mut events = planner.events;
    // Stable: what was planned first on a minute stays first.
    events.sort_by_key(|event| (event.day, event.minute));
    Plan {
        events,
        pregnancies: planner.pregnancies,
    }
}

impl Planner<'_> {
    fn add(
        &mut self,
        day: Day,
        rows: fn(&crate::tables::Places) -> &PlaceRows,
        why: Why,
        dice: &mut Dice,
    ) {
        let day = day.working();
        if day < self.from || day > self.today {
            return;
        }
        let cover = cover_on(self.covers, day);
        let places = &self.country.tables().affiliation.places;
        let place = place(rows(places), cover, dice);
        self.add_at(day, place, why, dice);
    }
    fn add_at(&mut self, day: Day, place: Institution, why: Why, dice: &mut Dice) {
        let minute = 8 * 60 + 5 * dice.between(0, 130);
        self.events.push(Event {
            day,
            minute,
            place,
            why,
        });
    }
    /// The schedule's doses; children get most of them, adults some. Those of one day are one visit.
    fn vaccines(&mut self, dice: &mut Dice) {
        let reached = dice.range(0.75, 1.0);
        let due = vaccines::due_until(self.person.birth, self.person.sex, self.today.date());
        let mut visits: Vec<(Day, Vec<Due>)> = Vec::new();
        for dose in due {
            let day = Day::of(dose.from);
            let age = day.age(self.birth);
            let share = match dose.dose.vaccine {
                "covid19" => 0.72,
                "influenza-anual" | "influenza-mayor" => 0.45 * reached,
                _ if age < 7.0 => 0.94 * reached,
                _ if age < 13.0 => 0.8 * reached,
                _ => 0.22,
            };
            if !dice.chance(share) {
                continue;
            }
            match visits.last_mut() {
                Some((last, doses)) if day - *last < 20 => doses.push(dose),
                _ => visits.push((day, vec![dose])),
            }
        }
        for (day, doses) in visits {
            let late = dice.between(0, 24);
            self.add(day + late, |p| &p.public, Why::Vaccines(doses), dice);
        }
    }
    fn episodes(&mut self, dice: &mut Dice) {
        let country = self.country;
        for (row, episode) in country.tables().conditions.episode.iter().enumerate() {
            let curve = if self.person.is_woman() {
                &episode.women_curve
            } else {
                &episode.men_curve
            };
            let [first, last] = episode.years.unwrap_or([0, 9999]);
            // Thinning: draw at the highest rate of the curve, keep by the rate of the day.
            let most = (0..10)
                .map(|i| curve.at(f64::from(i) * 10.0))
                .fold(0.0, f64::max)
                .max(curve.at(0.0))
                .max(curve.at(5.0));
            let most = most * self.health.seeks_care;
            let mut day = self.from;
            loop {
                day = day + dice.wait_days(most);
                if day > self.today {
                    break;
                }
                let rate = curve.at(day.age(self.birth)) * self.health.seeks_care;
                if !dice.chance(rate / most.max(1e-9)) || !(first..=last).contains(&day.year()) {
                    continue;
                }
                if episode.hospital {
                    self.add(day, |p| &p.hospital, Why::Episode(row), dice);
                } else {
                    self.add(day, |p| &p.acute, Why::Episode(row), dice);
                }
            }
        }
    }
    /// One line of visits for everything a family doctor follows: as often as the most demanding asks, and a little
    /// more for each other.
    fn follow_ups(&mut self, dice: &mut Dice) {
        let table = &self.country.tables().conditions.lasting;
        let followed: Vec<(f64, Day)> = self
            .health
            .illnesses
            .iter()
            .filter_map(|i| table.get(i.row).map(|row| (i, row)))
            .filter(|(_, row)| row.specialty.is_none() && row.lasts.is_none())
            .map(|(i, row)| (row.visits, i.onset))
            .collect();
        let Some(first) = followed.iter().map(|(_, onset)| *onset).min() else {
            return;
        };
        let mut day = first.max(self.from);
        let keeps = 0.35 + 0.75 * self.health.adherence;
        while day <= self.today {
            let active = followed.iter().filter(|(_, onset)| *onset <= day);
            let (most, sum) = active.fold((0.0f64, 0.0), |(most, sum), (visits, _)| {
                (most.max(*visits), sum + visits)
            });
            self.add(day, |p| &p.chronic, Why::FollowUp, dice);
            let rate = (most + 0.15 * (sum - most)) * keeps;
            let gap = 365.25 / rate.max(0.2) * dice.range(0.6, 1.5);
            day = day + (gap as i32).max(14);
        }
    }
    fn specialties(&mut self, dice: &mut Dice) {
        let country = self.country;
        let health = self.health;
        for (number, illness) in health.illnesses.iter().enumerate() {
            let Some(row) = country.tables().conditions.lasting.get(illness.row) else {
                continue;
            };
            if row.specialty.is_none() && row.lasts.is_none() {
                continue;
            }
            // A person goes to one place for one such illness.
            let cover = cover_on(self.covers, illness.onset.max(self.from));
            let places = &country.tables().affiliation.places;
            let place = place(&places.hospital, cover, dice);
            let mut day = illness.onset.max(self.from) + dice.between(0, 40);
            while day <= self.today && illness.active(day) {
                let visit = day.working();
                if visit >= self.from && visit <= self.today {
                    self.add_at(visit, place, Why::Specialty(number), dice);
                }
                let gap = 365.25 / row.visits * dice.range(0.6, 1.6);
                day = day + (gap as i32).max(10);
            }
        }
    }
    fn pregnancies(&mut self, dice: &mut Dice) {
        if !self.person.is_woman() {
            return;
        }
        let table = &self.country.tables().people.fertility;
        let mut next = Day(i32::MIN / 2);
        for year in 15..50 {
            let band = table.from.iter().rposition(|from| *from <= f64::from(year));
            let rate = band.and_then(|b| table.rate.get(b)).copied().unwrap_or(0.0) / 1000.0;
            let birth = self.birth.plus_years(f64::from(year) + dice.unit());
            if !dice.chance(rate) || birth < next {
                continue;
            }
            next = birth + 500;
            let pregnancy = Pregnancy {
                caesarean: dice.chance(table.caesarean),
                gestational_diabetes: dice.chance(table.gestational_diabetes),
                preeclampsia: dice.chance(table.preeclampsia),
            };
            if birth < self.from || birth + -280 > self.today {
                continue;
            }
            let number = self.pregnancies.len();
            self.pregnancies.push(pregnancy);
            let mut week = dice.between(7, 15);
            while week < 40 {
                let day = birth + 7 * (week - 40);
                self.add(day, |p| &p.chronic, Why::Prenatal(number, week), dice);
                week += dice.between(3, 7);
            }
            if dice.chance(0.6) {
                self.add(birth + -90, |p| &p.public, Why::Tdap, dice);
            }
            self.add(birth, |p| &p.hospital, Why::Birth(number), dice);
        }
    }
    fn surgeries(&mut self, dice: &mut Dice) {
        let country = self.country;
        for (row, surgery) in country.tables().conditions.surgery.iter().enumerate() {
            let curve = if self.person.is_woman() {
                &surgery.women_curve
            } else {
                &surgery.men_curve
            };
            if let Some(age) = curve.reaches(dice.unit()) {
                let day = self.birth.plus_years(age);
                self.add(day, |p| &p.hospital, Why::Surgery(row), dice);
            }
        }
    }
    fn prevention(&mut self, dice: &mut Dice) {
        let screening = &self.country.tables().conditions.screening;
        let woman = self.person.is_woman();
        let keen = self.health.seeks_care.min(2.0);
        let mut day = self.from + dice.between(0, 364);
        while day <= self.today {
            let age = day.age(self.birth);
            if woman && (25.0..65.0).contains(&age) && dice.chance(screening.pap_yearly * keen) {
                self.add(day, |p| &p.public, Why::Cytology, dice);
            }
            if woman
                && (40.0..70.0).contains(&age)
                && dice.chance(screening.mammography_yearly * keen)
            {
                self.add(day + 9, |p| &p.public, Why::Mammography, dice);
            }
            if !woman && age >= 45.0 && dice.chance(screening.psa_yearly * keen) {
                self.add(day, |p| &p.chronic, Why::ProstateTest, dice);
            }
            if age >= 5.0 && dice.chance(screening.checkup_yearly * keen) {
                self.add(day + 40, |p| &p.chronic, Why::CheckUp, dice);
            }
            day = day + 365;
        }
    }
}
