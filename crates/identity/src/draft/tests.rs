use super::*;
use crate::registration::Identifier;

fn draft(given: &str, first: &str, second: &str) -> Draft {
    Draft::read(&Registration {
        given: Some(given.to_owned()),
        first: Some(first.to_owned()),
        second: Some(second.to_owned()),
        ..Registration::default()
    })
}

#[test]
fn spellings_of_one_name_have_one_form() {
    let wanted = draft("María de los Ángeles", "De la Cruz", "Peña");
    for (given, first, second) in [
        ("MA. DE LOS ANGELES", "DE LA CRUZ", "PENA"),
        ("M. Ángeles", "Cruz", "Peña"),
        ("ma angeles", "cruz", "peña"),
    ] {
        let other = draft(given, first, second);
        assert_eq!(
            (other.given, other.first, other.second),
            (
                wanted.given.clone(),
                wanted.first.clone(),
                wanted.second.clone()
            )
        );
    }
}

#[test]
fn two_surnames_in_one_field_are_two_and_a_compound_one_is_one() {
    let both = draft("Ana", "Pérez López", "");
    assert_eq!(
        (both.first.as_str(), both.second.as_str()),
        ("perez", "lopez")
    );
    let compound = draft("Ana", "Montes de Oca", "");
    assert_eq!(
        (compound.first.as_str(), compound.second.as_str()),
        ("montes oca", "")
    );
}

#[test]
fn a_newborn_has_no_name_yet_but_a_mother() {
    for given in [
        "RN",
        "RN de María López",
        "Recién nacido",
        "HIJA DE MARIA LOPEZ",
        "RN1 de Maria Lopez",
    ] {
        let child = draft(given, "López", "");
        assert!(child.given.is_empty(), "{given}");
        assert!(
            ["", "maria lopez"].contains(&child.mother.as_str()),
            "{given}: {}",
            child.mother
        );
    }
    assert_eq!(draft("Rneida", "López", "").given, ["rneida"]);
}

#[test]
fn a_whole_name_is_split_as_spanish_names_are_built() {
    let read = |full: &str| {
        let draft = Draft::read(&Registration {
            full: Some(full.to_owned()),
            ..Registration::default()
        });
        format!("{}|{}|{}", draft.given.join(" "), draft.first, draft.second)
    };
    assert_eq!(read("José Luis Pérez López"), "jose luis|perez|lopez");
    assert_eq!(read("Ana de la Cruz"), "ana|cruz|");
    assert_eq!(read("Cher"), "cher||");
    assert_eq!(read(""), "||");
}

#[test]
fn a_curp_fills_what_is_not_written() {
    let with = |value: &str, birth: Option<&str>| {
        Draft::read(&Registration {
            birth: birth.map(str::to_owned),
            identifiers: vec![Identifier {
                system: systems::CURP.to_owned(),
                value: value.to_owned(),
                confirmed: false,
            }],
            ..Registration::default()
        })
    };
    let draft = with("eaaf010203mnlsrra7", None);
    assert_eq!(draft.birth, Written::parse("2001-02-03"));
    assert_eq!(
        (draft.sex, draft.birth_place.as_str()),
        (Some(Sex::Woman), "nuevo leon")
    );
    assert_eq!(draft.from_curp, [true; 3]);
    assert_eq!(draft.curp.unwrap().state, IdentifierState::DigitOk);
    let stated = with("EAAF010203MNLSRRA1", Some("2001-02-04"));
    assert_eq!(stated.birth, Written::parse("2001-02-04"));
    assert_eq!(stated.curp.unwrap().state, IdentifierState::FormatOk);
    assert_eq!(with(GENERIC, None).curp, None);
}

#[test]
fn the_same_address_in_other_words() {
    let read = |street: &str, number: Option<&str>| {
        place(&Address {
            street: Some(street.to_owned()),
            number: number.map(str::to_owned),
            ..Address::default()
        })
    };
    let wanted = read("Calle Hidalgo", Some("123"));
    assert_eq!(read("HIDALGO 123", None), wanted);
    assert_eq!(read("C. Hidalgo No. 123", None), wanted);
    assert_eq!(read("5 de Mayo 7", None).street, "5 mayo");
}

#[test]
fn numbers_pack_and_unpack() {
    for code in ["7", "0000", "ABC123", "Z00000000000"] {
        let (back, len) = unpack(pack(code).unwrap());
        let text: String = back[..len]
            .iter()
            .rev()
            .filter_map(|d| char::from_digit(u32::from(*d), 36))
            .collect();
        assert_eq!(text.to_uppercase(), code);
    }
    assert_eq!(pack("1234567890123"), None);
    assert_eq!(unpack(hashed("1234567890123")).1, 0);
}
