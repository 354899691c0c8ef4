//! A FHIR `Patient` as a registration.

use crate::registration::{Address, Identifier, Registration};
use fhir::Value;
use mx::{Sex, systems};

/// Extensions of HL7's core, by the last part of their address.
const FATHERS: &str = "humanname-fathers-family";
const MOTHERS: &str = "humanname-mothers-family";
const OWN: &str = "humanname-own-name";
const MOTHERS_NAME: &str = "patient-mothersMaidenName";
const BIRTH_PLACE: &str = "patient-birthPlace";

/// Why a `Person` of several `Patient`s is not stored, as whoever sent it reads it.
pub const OF_SEVERAL: &str = "A Person of several Patients says that they are one person. Here that is decided with Patient/$merge and read with Patient/{id}/$person; a Person of one Patient is stored.";

/// Whether a `Person` says of several `Patient`s that they are of one. Whoever may decides that of two registrations, with an
/// act that both people read, and either can undo it; a resource that is stored decides nothing.
pub fn is_of_several(person: &Value) -> bool {
    let patients = person.list("link").iter().filter(|link| {
        let target = link.text("target.reference").unwrap_or_default();
        let is_named = target.split('/').any(|part| part == "Patient");
        is_named || link.text("target.type") == Some("Patient")
    });
    patients.count() > 1
}

/// What a `Patient` says, as a registration. Of several names the official one counts, else the usual one, else the first;
/// surnames are taken from HL7's extensions for Spanish names where they are, else `family` holds both. A number counts as
/// confirmed where its extension [`systems::EXT_IDENTIFIER_STATE`] says so. Pure; what has not the form of R4 counts as absent.
pub fn registration_of(patient: &Value) -> Registration {
    let name = name_of(patient);
    let given = name.map(given_of).unwrap_or_default();
    let family = name.and_then(|name| name.text("family"));
    let parts = name.and_then(|name| name.get("_family"));
    let part = |which: &str| {
        parts
            .and_then(|parts| extension(parts, which))
            .and_then(value)
    };
    let first = part(FATHERS).or_else(|| part(OWN)).or(family);
    let nothing = given.is_empty() && first.is_none();
    let full = name.and_then(|name| name.text("text")).filter(|_| nothing);
    let telecom = patient.list("telecom").iter().filter(|one| {
        let system = one.text("system").unwrap_or_default();
        matches!(system, "phone" | "sms") && one.text("use") != Some("old")
    });
    let addresses = patient.list("address").iter();
    Registration {
        given: (!given.is_empty()).then_some(given),
        first: first.map(str::to_owned),
        second: part(MOTHERS).map(str::to_owned),
        full: full.map(str::to_owned),
        birth: patient.text("birthDate").map(str::to_owned),
        sex: match patient.text("gender") {
            Some("male") => Some(Sex::Man),
            Some("female") => Some(Sex::Woman),
            Some("other") => Some(Sex::NonBinary),
            _ => None,
        },
        birth_place: birth_place(patient),
        addresses: addresses
            .filter(|one| one.text("use") != Some("old"))
            .map(address)
            .collect(),
        phones: telecom
            .filter_map(|one| one.text("value").map(str::to_owned))
            .collect(),
        identifiers: patient
            .list("identifier")
            .iter()
            .filter_map(identifier)
            .collect(),
        mother: extension(patient, MOTHERS_NAME)
            .and_then(value)
            .map(str::to_owned),
        father: None,
        traits: Vec::new(),
    }
}

/// The name to go by.
fn name_of(patient: &Value) -> Option<&Value> {
    let names = patient.list("name");
    let of_use = |wanted: &str| names.iter().find(|name| name.text("use") == Some(wanted));
    of_use("official")
        .or_else(|| of_use("usual"))
        .or_else(|| names.first())
}

fn given_of(name: &Value) -> String {
    let given = name.list("given").iter().filter_map(Value::as_str);
    given.collect::<Vec<_>>().join(" ")
}

fn extension<'v>(value: &'v Value, which: &str) -> Option<&'v Value> {
    let is_it = |one: &&Value| {
        let url = one.text("url").unwrap_or_default();
        url == which || url.rsplit_once('/').is_some_and(|(_, last)| last == which)
    };
    value.list("extension").iter().find(is_it)
}

fn value(extension: &Value) -> Option<&str> {
    extension
        .text("valueString")
        .or_else(|| extension.text("valueCode"))
}

fn birth_place(patient: &Value) -> Option<String> {
    let state = extension(patient, systems::EXT_STATE_OF_BIRTH).and_then(value);
    let place = || extension(patient, BIRTH_PLACE).and_then(|one| one.get("valueAddress"));
    let of = |place: &Value| {
        let told = ["state", "city", "text"].into_iter();
        told.filter_map(|part| place.text(part))
            .next()
            .map(str::to_owned)
    };
    state.map(str::to_owned).or_else(|| place().and_then(of))
}

fn address(of: &Value) -> Address {
    let text = |name: &str| of.text(name).map(str::to_owned);
    let line = |place: usize| {
        of.list("line")
            .get(place)
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    Address {
        street: line(0),
        number: None,
        line2: line(1),
        postcode: text("postalCode"),
        locality: text("city").or_else(|| text("district")),
        region: text("state"),
    }
}

fn identifier(of: &Value) -> Option<Identifier> {
    let value_of = of
        .text("value")
        .map(str::trim)
        .filter(|value| !value.is_empty())?;
    let system = of.text("system").unwrap_or_default();
    let state = extension(of, systems::EXT_IDENTIFIER_STATE).and_then(value);
    // An old number was hers and may be somebody else's by now.
    if of.text("use") == Some("old") {
        return None;
    }
    let curp = systems::is_curp(system);
    Some(Identifier {
        system: if curp { systems::CURP } else { system }.to_owned(),
        value: if curp {
            value_of.to_uppercase()
        } else {
            value_of.to_owned()
        },
        confirmed: state == Some("confirmed"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Registration {
        let parsed = fhir::json::parse(text.as_bytes(), &fhir::json::Limits::default());
        registration_of(&parsed.unwrap())
    }

    #[test]
    fn a_patient_as_mexican_institutions_write_it_is_read_whole() {
        let it = read(
            r#"{"resourceType":"Patient","extension":[{"url":"https://tejido.mx/fhir/StructureDefinition/entidad-nacimiento","valueCode":"DF"},{"url":"http://hl7.org/fhir/StructureDefinition/patient-mothersMaidenName","valueString":"Elvira López"}],"identifier":[{"system":"urn:oid:2.16.840.1.113883.4.629","value":" helg680412mdfrpd00 ","extension":[{"url":"https://tejido.mx/fhir/StructureDefinition/estado-identificador","valueCode":"confirmed"}]},{"system":"https://tejido.mx/id/nss","value":"12345678903"},{"system":"https://tejido.mx/id/nss","use":"old","value":"9"},{"value":" "}],"name":[{"use":"old","family":"X"},{"use":"official","text":"María Guadalupe Hernández López","family":"Hernández López","_family":{"extension":[{"url":"http://hl7.org/fhir/StructureDefinition/humanname-fathers-family","valueString":"Hernández"},{"url":"http://hl7.org/fhir/StructureDefinition/humanname-mothers-family","valueString":"López"}]},"given":["María","Guadalupe"]}],"telecom":[{"system":"phone","value":"55 0000 1234"},{"system":"email","value":"a@b"}],"gender":"female","birthDate":"1968-04-12","address":[{"line":["Calle Sol 5","Col. Centro"],"city":"Puebla","state":"Puebla","postalCode":"72000"}]}"#,
        );
        let text = |text: &str| Some(text.to_owned());
        let number = |system: &str, value: &str, confirmed| Identifier {
            system: system.to_owned(),
            value: value.to_owned(),
            confirmed,
        };
        assert_eq!(
            it,
            Registration {
                given: text("María Guadalupe"),
                first: text("Hernández"),
                second: text("López"),
                full: None,
                birth: text("1968-04-12"),
                sex: Some(Sex::Woman),
                birth_place: text("DF"),
                addresses: vec![Address {
                    street: text("Calle Sol 5"),
                    number: None,
                    line2: text("Col. Centro"),
                    postcode: text("72000"),
                    locality: text("Puebla"),
                    region: text("Puebla"),
                }],
                phones: vec!["55 0000 1234".to_owned()],
                identifiers: vec![
                    number(systems::CURP, "HELG680412MDFRPD00", true),
                    number(systems::NSS, "12345678903", false),
                ],
                mother: text("Elvira López"),
                father: None,
                traits: Vec::new(),
            }
        );
    }

    #[test]
    fn what_lacks_or_has_another_form_counts_as_absent() {
        assert_eq!(read("{}"), Registration::default());
        let odd = read(
            r#"{"name":[{"text":"Ana Ruiz"}],"identifier":"x","birthDate":5,"gender":"unknown","telecom":[1]}"#,
        );
        assert_eq!(
            odd,
            Registration {
                full: Some("Ana Ruiz".to_owned()),
                ..Registration::default()
            }
        );
        assert_eq!(
            read(r#"{"name":[{"family":"Ruiz Paz"}]}"#).first.as_deref(),
            Some("Ruiz Paz")
        );
    }
}
