//! Measurements of a visit: vital signs and laboratory, read off the body and rounded as an instrument shows them.

use crate::body::Body;
use crate::chart::Chart;
use crate::dice::Dice;
use crate::resources::{Visit, codeable, quantity};
use crate::tables::Test;
use fhir::{Value, obj};
use mx::systems;

/// Which vital signs a visit takes.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Signs {
    pub(crate) weight: bool,
    pub(crate) pressure: bool,
    /// Fever in °C above normal.
    pub(crate) temperature: Option<f64>,
    pub(crate) oxygen: bool,
    pub(crate) strip: bool,
}

/// What a visit's vital signs showed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Taken {
    /// In one line for the note, as in `TA 128/82 mmHg, peso 71.2 kg`; empty if nothing was taken.
    pub(crate) said: String,
    pub(crate) systolic: Option<f64>,
}

impl Taken {
    /// A note followed by what was measured.
    pub(crate) fn after(&self, note: &str) -> String {
        let mut rest = self.said.chars();
        match rest.next() {
            Some(first) => format!("{note} {}{}.", first.to_uppercase(), rest.as_str()),
            None => note.to_owned(),
        }
    }
}

const VITAL: &str = "vital-signs";

impl<'c> Chart<'c> {
    /// Takes vital signs.
    pub(crate) fn vitals(
        &mut self,
        visit: &Visit,
        body: &Body,
        signs: Signs,
        dice: &mut Dice,
    ) -> Taken {
        let day = visit.at.day;
        let mut measured = None;
        let mut said = Vec::new();
        let sign = |chart: &mut Chart<'c>, loinc, text, value: Value, dice: &mut Dice| {
            let mut resource = visit.observation(&dice.uuid(), VITAL, loinc, text);
            resource.set("valueQuantity", value);
            chart.entries.push(resource);
        };
        if signs.pressure && body.age(day) >= 12.0 {
            let (systolic, diastolic) = body.pressure(day, dice);
            let id = dice.uuid();
            self.pressure(visit, systolic, diastolic, &id);
            measured = Some(systolic);
            said.push(format!("TA {systolic:.0}/{diastolic:.0} mmHg"));
        }
        if signs.weight {
            let weight = body.weight(day, dice);
            let height = body.height(day);
            let value = quantity(weight, 1, "kg", "kg");
            sign(self, "29463-7", "Peso corporal", value, dice);
            said.push(format!("peso {weight:.1} kg"));
            let growing = body.age(day) < 18.0;
            let stale = self
                .height_on
                .is_none_or(|on| day - on > if growing { 60 } else { 1500 });
            if stale {
                self.height_on = Some(day);
                let value = quantity(height, 1, "cm", "cm");
                sign(self, "8302-2", "Talla", value, dice);
                let bmi = weight / (height / 100.0).powi(2);
                let value = quantity(bmi, 1, "kg/m2", "kg/m2");
                sign(self, "39156-5", "Índice de masa corporal", value, dice);
            }
        }
        if let Some(fever) = signs.temperature {
            let degrees = (36.5 + fever + 0.2 * dice.normal()).clamp(35.4, 40.5);
            let value = quantity(degrees, 1, "°C", "Cel");
            sign(self, "8310-5", "Temperatura corporal", value, dice);
            said.push(format!("temperatura {degrees:.1} °C"));
        }
        if signs.oxygen {
            let share = (96.5 + 1.2 * dice.normal()).clamp(84.0, 100.0);
            let value = quantity(share, 0, "%", "%");
            sign(self, "2708-6", "Saturación de oxígeno", value, dice);
            said.push(format!("SpO2 {share:.0} %"));
        }
        if signs.strip {
            let glucose = self.test(visit, body, "strip", dice);
            if let Some(glucose) = glucose {
                said.push(format!("glucosa capilar {glucose} mg/dL"));
            }
        }
        Taken {
            said: said.join(", "),
            systolic: measured,
        }
    }
    fn pressure(&mut self, visit: &Visit, systolic: f64, diastolic: f64, id: &str) {
        let part = |loinc, text, value| {
            obj! {
                "code" => codeable(systems::LOINC, loinc, text),
                "valueQuantity" => quantity(value, 0, "mmHg", "mm[Hg]"),
            }
        };
        let mut resource = visit.observation(id, VITAL, "85354-9", "Presión arterial");
        resource.set(
            "component",
            vec![
                part("8480-6", "Presión sistólica", systolic),
                part("8462-4", "Presión diastólica", diastolic),
            ],
        );
        self.entries.push(resource);
    }
    /// Takes one test; gives the value as written.
    pub(crate) fn test(
        &mut self,
        visit: &Visit,
        body: &Body,
        key: &'c str,
        dice: &mut Dice,
    ) -> Option<String> {
        let test = self.country.tables().laboratory.test.get(key)?;
        let value = body.value(key, visit.at.day, dice);
        let written = format!("{value:.*}", test.decimals);
        let resource = laboratory(visit, test, value, &dice.uuid());
        self.entries.push(resource);
        self.last_test.insert(key, visit.at.day);
        Some(written)
    }
    /// Takes those of the tests that this institution has not taken for so many months.
    pub(crate) fn tests_due(
        &mut self,
        visit: &Visit,
        body: &Body,
        keys: impl Iterator<Item = (&'c str, i32)>,
        dice: &mut Dice,
    ) -> Vec<&'c str> {
        let mut taken = Vec::new();
        for (key, months) in keys {
            let due = self
                .last_test
                .get(key)
                .is_none_or(|last| visit.at.day - *last > months * 30);
            if due && self.test(visit, body, key, dice).is_some() {
                taken.push(key);
            }
        }
        taken
    }
}

/// A laboratory Observation with its range and, outside it, its interpretation.
fn laboratory(visit: &Visit, test: &Test, value: f64, id: &str) -> Value {
    let decimals = test.decimals;
    let mut resource = visit.observation(id, "laboratory", &test.loinc, &test.text);
    resource.set(
        "valueQuantity",
        quantity(value, decimals, &test.unit, &test.ucum),
    );
    let flag = if value > test.high {
        Some("H")
    } else if value < test.low {
        Some("L")
    } else {
        None
    };
    if let Some(flag) = flag {
        resource.set(
            "interpretation",
            [obj! {
                "coding" => [obj! {
                    "system" => "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
                    "code" => flag,
                }],
            }],
        );
    }
    resource.set(
        "referenceRange",
        [obj! {
            "low" => quantity(test.low, decimals, &test.unit, &test.ucum),
            "high" => quantity(test.high, decimals, &test.unit, &test.ucum),
        }],
    );
    resource
}
