//! The body behind the numbers: what a measurement of this person on that day would show, given her illnesses, their
//! treatment and how well she follows it. Two institutions that measure the same week see the same body.

use crate::day::Day;
use crate::dice::Dice;
use crate::disease::Health;
use crate::person::Person;
use crate::tables::{BodyTable, Conditions, Curve};

/// Parameters of one body.
pub(crate) struct Body {
    birth: Day,
    woman: bool,
    adult_height: f64,
    bmi_z: f64,
    pressure_z: f64,
    lipid_z: f64,
    kidney_z: f64,
    severity: f64,
    adherence: f64,
    phase: f64,
    onset: Onsets,
    bmi_mean: Curve,
    bmi_spread: Curve,
    growth: Curve,
}

/// Onset of the illnesses that numbers follow.
#[derive(Default)]
struct Onsets {
    diabetes: Option<Day>,
    hypertension: Option<Day>,
    dyslipidaemia: Option<Day>,
    ckd: Option<Day>,
    hypothyroidism: Option<Day>,
    hiv: Option<Day>,
    depression: Vec<Day>,
    prostate: Option<Day>,
    prostate_cancer: Option<Day>,
}

impl Body {
    pub(crate) fn new(
        table: &Conditions,
        person: &Person,
        health: &Health,
        dice: &mut Dice,
    ) -> Body {
        let BodyTable {
            height_men,
            height_women,
        } = table.body;
        let [mean, spread] = if person.is_woman() {
            height_women
        } else {
            height_men
        };
        let mut onset = Onsets::default();
        for illness in &health.illnesses {
            let key = table.lasting.get(illness.row).map_or("", |row| &row.key);
            let day = Some(illness.onset);
            match key {
                "diabetes" => onset.diabetes = day,
                "hypertension" => onset.hypertension = day,
                "dyslipidaemia" => onset.dyslipidaemia = day,
                "ckd" => onset.ckd = day,
                "hypothyroidism" => onset.hypothyroidism = day,
                "hiv" => onset.hiv = day,
                "depression" => onset.depression.push(illness.onset),
                "prostate" => onset.prostate = day,
                "prostate-cancer" => onset.prostate_cancer = day,
                _ => {}
            }
        }
        let obese = health
            .illnesses
            .iter()
            .any(|i| table.lasting.get(i.row).is_some_and(|r| r.key == "obesity"));
        let mut bmi_z = 0.6 * health.liability + 0.8 * dice.normal();
        if obese {
            // Who was told of obesity has it.
            bmi_z = bmi_z.max(0.45 + 0.3 * dice.unit());
        }
        Body {
            birth: Day::of(person.birth),
            woman: person.is_woman(),
            adult_height: mean + spread * dice.normal(),
            bmi_z,
            pressure_z: dice.normal(),
            lipid_z: dice.normal(),
            kidney_z: dice.normal(),
            severity: dice.unit(),
            adherence: health.adherence,
            phase: dice.range(0.0, 6.0),
            onset,
            // Adults after ENSANUT 2022 (38 % overweight, 37 % obesity); children after the WHO medians, a little above.
            bmi_mean: Curve::new(
                &[0.0, 0.5, 2.0, 5.0, 10.0, 15.0, 20.0, 30.0, 45.0, 60.0, 80.0],
                &[
                    13.4, 17.0, 16.3, 15.5, 17.6, 21.5, 25.0, 27.8, 29.1, 28.7, 26.8,
                ],
            ),
            bmi_spread: Curve::new(
                &[0.0, 5.0, 10.0, 15.0, 20.0, 30.0],
                &[1.0, 1.5, 2.8, 3.7, 4.4, 4.8],
            ),
            growth: Curve::new(
                &[0.0, 0.5, 1.0, 2.0, 5.0, 10.0, 13.0, 15.0, 17.0],
                &[0.30, 0.40, 0.45, 0.515, 0.645, 0.825, 0.93, 0.98, 1.0],
            ),
        }
    }

    /// A body as given, for a person whose story is written by hand.
    pub(crate) fn with(mut self, height: f64, bmi_z: f64, adherence: f64, severity: f64) -> Body {
        (self.adult_height, self.bmi_z) = (height, bmi_z);
        (self.adherence, self.severity) = (adherence, severity);
        (self.pressure_z, self.lipid_z, self.kidney_z) = (0.2, 0.3, -0.4);
        self
    }
    pub(crate) fn age(&self, day: Day) -> f64 {
        day.age(self.birth).max(0.0)
    }
    /// Height in cm.
    pub(crate) fn height(&self, day: Day) -> f64 {
        self.adult_height * self.growth.at(self.age(day))
    }
    pub(crate) fn bmi(&self, day: Day) -> f64 {
        let age = self.age(day);
        let wave = 0.4 * (f64::from(day.0) / 290.0 + self.phase).sin();
        (self.bmi_mean.at(age) + self.bmi_spread.at(age) * self.bmi_z + wave).max(12.0)
    }
    /// Weight in kg, as a scale shows it.
    pub(crate) fn weight(&self, day: Day, dice: &mut Dice) -> f64 {
        let metres = self.height(day) / 100.0;
        (self.bmi(day) * metres * metres + 0.4 * dice.normal()).max(2.0)
    }
    /// Years since an onset; negative before it, `None` without the illness.
    fn since(onset: Option<Day>, day: Day) -> Option<f64> {
        onset.map(|onset| day.age(onset))
    }
    /// How far treatment has worked: 0 at onset, 1 after a year.
    fn treated(years: f64) -> f64 {
        1.0 - (-years.max(0.0) / 0.4).exp()
    }
    /// Systolic and diastolic pressure in mmHg.
    pub(crate) fn pressure(&self, day: Day, dice: &mut Dice) -> (f64, f64) {
        let age = self.age(day);
        let mut systolic = if age < 18.0 {
            92.0 + 1.3 * age
        } else {
            110.0 + 0.22 * (age - 18.0)
        };
        systolic += 5.0 * self.pressure_z + 0.5 * (self.bmi(day) - 25.0).clamp(-5.0, 15.0);
        if let Some(years) = Self::since(self.onset.hypertension, day)
            && years > -2.0
        {
            let full = 30.0;
            let left = 5.0 + 17.0 * (1.0 - self.adherence);
            systolic += full + (left - full) * Self::treated(years);
        }
        systolic += 4.5 * dice.normal();
        let diastolic = 0.44 * systolic + 23.0 + 3.5 * dice.normal();
        let systolic = systolic.clamp(78.0, 215.0);
        (systolic, diastolic.clamp(45.0, systolic - 15.0))
    }
    /// Glycated haemoglobin in percent.
    pub(crate) fn hba1c(&self, day: Day) -> f64 {
        let age = self.age(day);
        let plain = 5.15 + 0.006 * (age - 25.0).max(0.0);
        match Self::since(self.onset.diabetes, day) {
            None => plain,
            Some(years) if years < 0.0 => plain + (0.5 + years / 6.0).max(0.0),
            Some(years) => {
                let first = 7.8 + 2.6 * self.severity;
                let goal = 6.3 + 3.0 * (1.0 - self.adherence) + 0.05 * years.min(20.0);
                let wave = 0.35 * (years * 1.7 + self.phase).sin();
                (first + (goal - first) * Self::treated(years) + wave).clamp(5.6, 14.0)
            }
        }
    }
    /// Fasting glucose in mg/dL.
    pub(crate) fn glucose(&self, day: Day, dice: &mut Dice) -> f64 {
        match self.onset.diabetes {
            Some(onset) if day >= onset => {
                (28.7 * self.hba1c(day) - 46.7 + 14.0 * dice.normal()).max(65.0)
            }
            _ => (86.0 + 12.0 * (self.hba1c(day) - 5.15) + 6.0 * dice.normal()).clamp(65.0, 125.0),
        }
    }
    /// Glomerular filtration in mL/min/1.73 m².
    pub(crate) fn filtration(&self, day: Day) -> f64 {
        let age = self.age(day);
        let mut rate = 116.0 - 0.75 * (age - 20.0).max(0.0) + 7.0 * self.kidney_z;
        if let Some(years) = Self::since(self.onset.diabetes, day) {
            rate -= 0.6 * years.max(0.0);
        }
        if let Some(years) = Self::since(self.onset.ckd, day) {
            // Found when it has fallen below 60; a few years before, it is on its way there.
            let fall = 2.0 + 2.5 * (1.0 - self.adherence);
            rate = rate.min(57.0 - fall * years);
        }
        rate.clamp(7.0, 130.0)
    }
    /// Serum creatinine in mg/dL that gives this filtration (CKD-EPI 2021, turned round).
    pub(crate) fn creatinine(&self, filtration: f64, day: Day) -> f64 {
        let (kappa, alpha, factor) = if self.woman {
            (0.7, -0.241, 1.012)
        } else {
            (0.9, -0.302, 1.0)
        };
        let at_kappa = 142.0 * 0.9938f64.powf(self.age(day)) * factor;
        let ratio = filtration / at_kappa;
        let power = if ratio < 1.0 { -1.0 / 1.2 } else { 1.0 / alpha };
        (kappa * ratio.powf(power)).clamp(0.3, 14.0)
    }
    /// A laboratory value by the key of `laboratory.toml`; creatinine and filtration are drawn together by the caller.
    pub(crate) fn value(&self, key: &str, day: Day, dice: &mut Dice) -> f64 {
        let noise = dice.normal();
        let lipids = Self::since(self.onset.dyslipidaemia, day)
            .filter(|years| *years > -3.0)
            .map(|years| 1.0 - 0.75 * self.adherence * Self::treated(years));
        match key {
            "glucose" => self.glucose(day, dice),
            "strip" => (self.glucose(day, dice) * 1.12 + 12.0 * noise).max(60.0),
            "hba1c" => (self.hba1c(day) + 0.12 * noise).max(4.2),
            "egfr" => self.filtration(day),
            "creatinine" => self.creatinine(self.filtration(day), day),
            "cholesterol" => {
                let age = self.age(day).min(60.0);
                150.0 + 0.7 * age + 16.0 * self.lipid_z + 9.0 * noise + 62.0 * lipids.unwrap_or(0.0)
            }
            "hdl" => (if self.woman { 49.0 } else { 43.0 }) + 5.0 * noise - 3.0 * self.lipid_z,
            "triglycerides" => {
                let shift = 0.012 * (self.bmi(day) - 25.0) + 0.2 * self.lipid_z + 0.15 * noise;
                118.0 * shift.exp() + 120.0 * lipids.unwrap_or(0.0)
            }
            "albuminuria" => {
                let kidney = Self::since(self.onset.ckd, day).map_or(0.0, |y| (y + 4.0).max(0.0));
                (9.0 + 45.0 * kidney) * (0.35 * noise).exp()
            }
            "tsh" => match Self::since(self.onset.hypothyroidism, day) {
                Some(years) if years > -1.0 => {
                    let left = 2.5 + 6.0 * (1.0 - self.adherence);
                    let tsh = 11.0 + (left - 11.0) * Self::treated(years);
                    tsh * (0.25 * noise).exp()
                }
                _ => 2.0 * (0.35 * noise).exp(),
            },
            "hemoglobin" => {
                let plain = if self.woman { 13.6 } else { 15.3 };
                let lost = (60.0 - self.filtration(day)).max(0.0) * 0.06;
                plain - lost + 0.7 * noise
            }
            "cd4" => {
                let years = Self::since(self.onset.hiv, day).unwrap_or(0.0).max(0.0);
                let first = 180.0 + 320.0 * self.severity;
                let back = 420.0 * self.adherence * (1.0 - (-years / 2.0).exp());
                first + back + 45.0 * noise
            }
            "viral_load" => {
                let years = Self::since(self.onset.hiv, day).unwrap_or(0.0);
                if years < 0.35 {
                    60_000.0 * (0.8 * noise).exp()
                } else if self.adherence > 0.35 {
                    20.0
                } else {
                    1_500.0 * (1.0 * noise).exp()
                }
            }
            "psa" => {
                let base = 0.6 + 0.02 * (self.age(day) - 40.0).max(0.0);
                let grown = if self.onset.prostate.is_some_and(|o| o <= day) {
                    2.2
                } else {
                    0.0
                };
                let cancer = match Self::since(self.onset.prostate_cancer, day) {
                    Some(years) if years < 0.0 => 9.0 * (1.0 + years / 4.0).max(0.0),
                    Some(years) => 0.3 + 14.0 * (-years / 0.3).exp(),
                    None => 0.0,
                };
                (base + grown) * (0.2 * noise).exp() + cancer
            }
            "phq9" => {
                let years = self
                    .onset
                    .depression
                    .iter()
                    .filter(|onset| **onset <= day)
                    .map(|onset| day.age(*onset))
                    .reduce(f64::min)
                    .unwrap_or(9.0);
                (17.0 - 12.0 * Self::treated(years / 1.5) + 1.5 * noise).clamp(0.0, 27.0)
            }
            _ => noise,
        }
        .max(0.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disease::Illness;
    use crate::{Country, Person};

    fn body(keys: &[(&str, i32)]) -> (Body, Person) {
        let country = Country::mexico().unwrap();
        let person = country.heroine().person;
        let table = &country.tables().conditions;
        let illnesses = keys
            .iter()
            .map(|(key, year)| Illness {
                row: table.lasting.iter().position(|r| r.key == *key).unwrap(),
                onset: Day::ymd(*year, 1, 1),
                end: None,
            })
            .collect();
        let health = Health {
            illnesses,
            liability: 0.0,
            adherence: 0.8,
            seeks_care: 1.0,
        };
        let body = Body::new(table, &person, &health, &mut Dice::new(1, 1));
        (body, person)
    }

    #[test]
    fn glucose_rises_with_diabetes_and_falls_with_treatment() {
        let (body, _) = body(&[("diabetes", 2018)]);
        let a1c = |year| body.hba1c(Day::ymd(year, 1, 2));
        assert!(a1c(2014) < 5.9);
        assert!(a1c(2018) > 7.5);
        assert!(a1c(2020) < a1c(2018));
    }
    #[test]
    fn filtration_falls_with_kidney_disease_and_creatinine_rises_with_it() {
        let (body, _) = body(&[("diabetes", 2008), ("ckd", 2020)]);
        let (early, late) = (Day::ymd(2019, 12, 1), Day::ymd(2026, 1, 1));
        let (before, after) = (body.filtration(early), body.filtration(late));
        assert!(after < 50.0 && after < before, "{before} {after}");
        assert!(body.creatinine(after, late) > body.creatinine(before, early));
        // CKD-EPI 2021: a woman of 60 with 1.5 mg/dL has about 40 mL/min.
        let sixty = Day::of(body_birth()).plus_years(60.0);
        assert!((body.creatinine(39.7, sixty) - 1.5).abs() < 0.03);
    }
    fn body_birth() -> jiff::civil::Date {
        Country::mexico().unwrap().heroine().person.birth
    }
}
