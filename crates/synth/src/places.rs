//! Establishments and the professionals who work there: shared by all lives, the same for every seed.

use crate::cover::Institution;
use crate::dice::Dice;
use crate::person;
use crate::tables::People;
use fhir::{Value, obj};
use jiff::civil::date;
use mx::{Clues, MxState, systems};

/// The seed of the country's buildings and staff: they do not change with the people.
const COUNTRY: u64 = 0x7e51d0;

/// One establishment.
pub(crate) struct Unit {
    pub(crate) id: String,
    pub(crate) clues: String,
    pub(crate) name: String,
    state: MxState,
    pub(crate) staff: Vec<Professional>,
}

/// One professional.
pub(crate) struct Professional {
    pub(crate) id: String,
    pub(crate) name: String,
    given: String,
    family: String,
    woman: bool,
    cedula: String,
    pub(crate) specialty: &'static str,
}

/// What one institution has.
pub(crate) struct House {
    institution: Institution,
    head: String,
    /// By state number minus one.
    clinics: Vec<Unit>,
    hospitals: Vec<Unit>,
}

const CLINIC: [&str; 3] = ["Medicina general", "Medicina general", "Enfermería"];
const HOSPITAL: [&str; 7] = [
    "Urgencias",
    "Medicina interna",
    "Ginecología y obstetricia",
    "Cirugía general",
    "Psiquiatría",
    "Oncología",
    "Infectología",
];

impl House {
    /// Builds the houses of all six institutions.
    pub(crate) fn all(people: &People) -> Vec<House> {
        Institution::ALL
            .into_iter()
            .map(|institution| House::build(people, institution))
            .collect()
    }
    fn build(people: &People, institution: Institution) -> House {
        let stream = u64::try_from(institution.number()).unwrap_or(0);
        let mut dice = Dice::new(COUNTRY, stream);
        let head = dice.uuid();
        let units = |hospital: bool, dice: &mut Dice| -> Vec<Unit> {
            MxState::all()
                .map(|state| unit(people, institution, state, hospital, dice))
                .collect()
        };
        let clinics = units(false, &mut dice);
        let hospitals = if institution == Institution::Farmacia {
            Vec::new()
        } else {
            units(true, &mut dice)
        };
        House {
            institution,
            head,
            clinics,
            hospitals,
        }
    }
    /// The unit that serves a state; a pharmacy has no hospital and answers with its consulting room.
    pub(crate) fn unit(&self, state: MxState, hospital: bool) -> Option<&Unit> {
        let at = usize::from(state.number().max(1)) - 1;
        let from = if hospital && !self.hospitals.is_empty() {
            &self.hospitals
        } else {
            &self.clinics
        };
        from.get(at)
    }
    /// Organization and Practitioner resources, the head first.
    pub(crate) fn resources(&self) -> Vec<Value> {
        let mut out = vec![obj! {
            "resourceType" => "Organization",
            "id" => &self.head,
            "active" => true,
            "type" => [provider_type()],
            "name" => self.institution.name(),
        }];
        for unit in self.clinics.iter().chain(&self.hospitals) {
            out.push(unit.resource(&self.head));
            out.extend(unit.staff.iter().map(Professional::resource));
        }
        out
    }
}

fn provider_type() -> Value {
    obj! {
        "coding" => [obj! {
            "system" => "http://terminology.hl7.org/CodeSystem/organization-type",
            "code" => "prov",
            "display" => "Healthcare Provider",
        }],
    }
}

fn unit(
    people: &People,
    institution: Institution,
    state: MxState,
    hospital: bool,
    dice: &mut Dice,
) -> Unit {
    // The two that share the letters SMP share the numbers; above 900000 no real establishment is numbered.
    let series = match (institution, hospital) {
        (Institution::Farmacia, _) => 2,
        (_, true) => 1,
        (_, false) => 0,
    };
    let number = 900_001 + 100 * series + u32::from(state.number());
    let clues = format!(
        "{}{}{number}",
        state.letters(),
        institution.clues_code().letters()
    );
    debug_assert!(Clues::parse(&clues).is_ok(), "{clues}");
    let n = dice.between(1, 90);
    let name = match (institution, hospital) {
        (Institution::Imss, false) => format!("Unidad de Medicina Familiar {n}, {state}"),
        (Institution::Imss, true) => format!("Hospital General de Zona {n}, {state}"),
        (Institution::Issste, false) => format!("Clínica de Medicina Familiar {n}, {state}"),
        (Institution::Issste, true) => format!("Hospital Regional ISSSTE, {state}"),
        (Institution::ImssBienestar, false) => format!("Centro de Salud {n}, {state}"),
        (Institution::ImssBienestar, true) => format!("Hospital General IMSS-Bienestar, {state}"),
        (Institution::Pemex, false) => format!("Unidad Médica PEMEX, {state}"),
        (Institution::Pemex, true) => format!("Hospital Regional PEMEX, {state}"),
        (Institution::Privado, false) => format!("Consultorios Ángel de la Salud, {state}"),
        (Institution::Privado, true) => format!("Hospital Ángel de la Salud, {state}"),
        (Institution::Farmacia, _) => format!("Farmacia del Centro {n}, {state}"),
    };
    let roles: &[&'static str] = match (institution, hospital) {
        (Institution::Farmacia, _) => &["Medicina general", "Medicina general"],
        (_, false) => &CLINIC,
        (_, true) => &HOSPITAL,
    };
    let staff = roles
        .iter()
        .map(|specialty| professional(people, state, specialty, dice))
        .collect();
    Unit {
        id: dice.uuid(),
        clues,
        name,
        state,
        staff,
    }
}

fn professional(
    people: &People,
    state: MxState,
    specialty: &'static str,
    dice: &mut Dice,
) -> Professional {
    let woman = dice.chance(0.52);
    let birth = date(1960, 1, 1).saturating_add(jiff::Span::new().days(dice.between(0, 12_000)));
    let (given, first, second) = person::names(people, birth, woman, state, dice);
    let family = match second {
        Some(second) => format!("{first} {second}"),
        None => first,
    };
    let title = match (specialty, woman) {
        ("Enfermería", _) => "Enf.",
        (_, true) => "Dra.",
        (_, false) => "Dr.",
    };
    Professional {
        id: dice.uuid(),
        name: format!("{title} {given} {family}"),
        given,
        family,
        woman,
        cedula: format!("99{:06}", dice.between(0, 999_999)),
        specialty,
    }
}

impl Unit {
    fn resource(&self, head: &str) -> Value {
        obj! {
            "resourceType" => "Organization",
            "id" => &self.id,
            "identifier" => [obj! { "system" => systems::CLUES, "value" => &self.clues }],
            "active" => true,
            "type" => [provider_type()],
            "name" => &self.name,
            "address" => [obj! { "state" => self.state.name(), "country" => "MX" }],
            "partOf" => obj! { "reference" => format!("Organization/{head}") },
        }
    }
    /// Who of the staff sees somebody for this specialty; the first who has it, or anybody who is a doctor.
    pub(crate) fn doctor(&self, specialty: Option<&str>, dice: &mut Dice) -> Option<&Professional> {
        if let Some(wanted) = specialty
            && let Some(found) = self.staff.iter().find(|p| p.specialty == wanted)
        {
            return Some(found);
        }
        let doctors = self
            .staff
            .iter()
            .filter(|p| p.specialty != "Enfermería")
            .count();
        let last = i32::try_from(doctors.min(2)).unwrap_or(1) - 1;
        self.staff.get(usize::try_from(dice.between(0, last)).ok()?)
    }
    /// Who gives vaccines.
    pub(crate) fn nurse(&self) -> Option<&Professional> {
        self.staff
            .iter()
            .find(|p| p.specialty == "Enfermería")
            .or(self.staff.first())
    }
}

impl Professional {
    fn resource(&self) -> Value {
        obj! {
            "resourceType" => "Practitioner",
            "id" => &self.id,
            "identifier" => [obj! { "system" => systems::CEDULA, "value" => &self.cedula }],
            "active" => true,
            "name" => [obj! {
                "text" => &self.name,
                "family" => &self.family,
                "given" => self.given.split(' ').collect::<Vec<_>>(),
            }],
            "gender" => if self.woman { "female" } else { "male" },
            "qualification" => [obj! { "code" => obj! { "text" => self.specialty } }],
        }
    }
}
