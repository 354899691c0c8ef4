//! What is said of fields, in English: the Spanish of [`crate::field`] beside it.

/// Names of fields and what a comparison says of them. Every phrase of a field or level stands here.
const PHRASES: &[(&str, &str)] = &[
    ("el nombre", "the given name"),
    ("el primer apellido", "the first surname"),
    ("el segundo apellido", "the second surname"),
    ("otras partes del nombre", "other parts of the name"),
    ("la fecha de nacimiento", "the birth date"),
    ("el sexo", "the sex"),
    ("el lugar de nacimiento", "the place of birth"),
    ("el domicilio", "the address"),
    ("el teléfono", "the telephone"),
    ("la CURP", "the CURP"),
    (
        "otro número de identificación",
        "another identifying number",
    ),
    ("el nombre de la madre", "the mother's name"),
    ("el nombre del padre", "the father's name"),
    ("otro dato", "another item"),
    ("coincide", "agrees"),
    ("coincide en parte", "agrees in part"),
    (
        "es una forma corta o familiar del mismo",
        "is a short or pet form of the same",
    ),
    ("se parece", "is similar"),
    ("tiene la misma inicial", "has the same initial"),
    ("aparece en otro lugar", "stands in another place"),
    ("se parece poco", "is a little similar"),
    (
        "comparte una palabra y difiere en otra",
        "shares a word and differs in another",
    ),
    ("difiere", "differs"),
    ("coinciden en una palabra", "agree in a word"),
    ("se parecen", "are similar"),
    ("difieren", "differ"),
    (
        "tiene el día y el mes intercambiados",
        "has day and month exchanged",
    ),
    ("difiere en un dígito", "differs in a digit"),
    (
        "coincide hasta donde se conoce",
        "agrees as far as it is known",
    ),
    (
        "coincide en dos de sus tres partes",
        "agrees in two of its three parts",
    ),
    ("coincide en el año", "agrees in the year"),
    ("difiere en una generación", "differs by a generation"),
    ("coincide en la calle", "agrees in the street"),
    (
        "coincide en la colonia y el código postal",
        "agrees in neighbourhood and postcode",
    ),
    (
        "coincide en la colonia o el código postal",
        "agrees in neighbourhood or postcode",
    ),
    ("es de la misma zona", "is of the same area"),
    ("es del mismo estado", "is of the same state"),
    ("difiere en un signo", "differs in a sign"),
    (
        "difiere, y en ambas está bien el dígito verificador",
        "differs, and the check digit is right in both",
    ),
    ("comparte una palabra", "shares a word"),
];

/// The English of a phrase; the phrase itself if it is none of ours.
pub(crate) fn english(spanish: &'static str) -> &'static str {
    let found = PHRASES.iter().find(|(known, _)| *known == spanish);
    found.map_or(spanish, |(_, english)| english)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::Field;
    use std::collections::HashSet;

    #[test]
    fn every_phrase_of_a_field_has_its_english_and_none_is_left_over() {
        let mut said = HashSet::new();
        for field in Field::ALL {
            said.insert(field.spanish());
            said.extend(field.levels().iter().map(|level| level.spanish));
        }
        let known: HashSet<&str> = PHRASES.iter().map(|(spanish, _)| *spanish).collect();
        assert_eq!(said, known);
        assert_eq!(known.len(), PHRASES.len(), "a phrase stands twice");
    }
}
