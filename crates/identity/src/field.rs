//! What is compared, and how well it can agree.
//!
//! Each field has levels of agreement. `m` is how often two registrations of one person stand at the level, `u` how
//! often two of different people do; the figures here are where learning starts and what holds for a register too
//! small to learn from. They are rounded from general knowledge of civil and hospital registers; those of
//! given names that differ and of wrong dates were moved once more while FEBRL 1 to 3, the historical set and the named
//! tests were looked at, so results on those are no test of them. `rare` says how much it counts that the value agreed on is a rare one: 1 for the same value (then the
//! chance of it *is* the value's frequency), a half where the values only resemble each other.

/// What is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Field {
    /// Given names.
    Given,
    /// First surname.
    First,
    /// Second surname.
    Second,
    /// Other words of the whole name.
    Other,
    /// Birth date.
    Birth,
    /// Sex.
    Sex,
    /// Place of birth.
    BirthPlace,
    /// Address.
    Address,
    /// Telephone.
    Phone,
    /// CURP.
    Curp,
    /// Other numbers.
    Number,
    /// Mother's name.
    Mother,
    /// Father's name.
    Father,
    /// The source's first further trait.
    TraitA,
    /// The source's second further trait.
    TraitB,
}

/// How many fields there are.
pub(crate) const FIELDS: usize = Field::TraitB as usize + 1;

impl Field {
    /// All fields in order.
    pub(crate) const ALL: [Field; FIELDS] = [
        Field::Given,
        Field::First,
        Field::Second,
        Field::Other,
        Field::Birth,
        Field::Sex,
        Field::BirthPlace,
        Field::Address,
        Field::Phone,
        Field::Curp,
        Field::Number,
        Field::Mother,
        Field::Father,
        Field::TraitA,
        Field::TraitB,
    ];
    /// Its levels, best first.
    pub(crate) fn levels(self) -> &'static [Level] {
        match self {
            Field::Given => &GIVEN,
            Field::First => &FIRST,
            Field::Second => &SECOND,
            Field::Other => &OTHER,
            Field::Birth => &BIRTH,
            Field::Sex => &SEX,
            Field::BirthPlace => &BIRTH_PLACE,
            Field::Address => &ADDRESS,
            Field::Phone => &PHONE,
            Field::Curp => &CURP,
            Field::Number => &NUMBER,
            Field::Mother | Field::Father => &PARENT,
            Field::TraitA | Field::TraitB => &TRAIT,
        }
    }
    /// The field in Spanish, with its article.
    pub fn spanish(self) -> &'static str {
        match self {
            Field::Given => "el nombre",
            Field::First => "el primer apellido",
            Field::Second => "el segundo apellido",
            Field::Other => "otras partes del nombre",
            Field::Birth => "la fecha de nacimiento",
            Field::Sex => "el sexo",
            Field::BirthPlace => "el lugar de nacimiento",
            Field::Address => "el domicilio",
            Field::Phone => "el teléfono",
            Field::Curp => "la CURP",
            Field::Number => "otro número de identificación",
            Field::Mother => "el nombre de la madre",
            Field::Father => "el nombre del padre",
            Field::TraitA | Field::TraitB => "otro dato",
        }
    }
}

/// One level of agreement of a field.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Level {
    /// What it says, in Spanish, after the field's name.
    pub(crate) spanish: &'static str,
    pub(crate) m: f32,
    pub(crate) u: f32,
    pub(crate) rare: f32,
}

const fn level(spanish: &'static str, m: f32, u: f32, rare: f32) -> Level {
    Level {
        spanish,
        m,
        u,
        rare,
    }
}

/// Levels by number, as a comparison holds them; zero is "not known on both sides".
pub(crate) mod at {
    pub(crate) const UNKNOWN: u8 = 0;
    pub(crate) const SAME: u8 = 1;
    pub(crate) mod given {
        pub(crate) const PART: u8 = 2;
        pub(crate) const PET: u8 = 3;
        pub(crate) const NEAR: u8 = 4;
        pub(crate) const INITIAL: u8 = 5;
        pub(crate) const ELSEWHERE: u8 = 6;
        pub(crate) const FAR: u8 = 7;
        pub(crate) const SHARED: u8 = 8;
        pub(crate) const DIFFER: u8 = 9;
    }
    pub(crate) mod surname {
        pub(crate) const NEAR: u8 = 2;
        pub(crate) const PART: u8 = 3;
        pub(crate) const ELSEWHERE: u8 = 4;
        pub(crate) const FAR: u8 = 5;
        pub(crate) const DIFFER: u8 = 6;
    }
    pub(crate) mod birth {
        pub(crate) const EXCHANGED: u8 = 2;
        pub(crate) const SLIP: u8 = 3;
        pub(crate) const AS_FAR_AS_KNOWN: u8 = 4;
        pub(crate) const TWO_PARTS: u8 = 5;
        pub(crate) const YEAR: u8 = 6;
        pub(crate) const GENERATION: u8 = 7;
        pub(crate) const DIFFER: u8 = 8;
    }
    pub(crate) mod address {
        pub(crate) const STREET: u8 = 2;
        pub(crate) const NEIGHBOURHOOD: u8 = 3;
        pub(crate) const PLACE: u8 = 4;
        pub(crate) const AREA: u8 = 5;
        pub(crate) const REGION: u8 = 6;
        pub(crate) const DIFFER: u8 = 7;
    }
    pub(crate) mod curp {
        pub(crate) const SLIP: u8 = 2;
        pub(crate) const ALIKE: u8 = 3;
        pub(crate) const DIFFER: u8 = 4;
        pub(crate) const BOTH_RIGHT: u8 = 5;
    }
    /// Fields with three levels: the same, alike, different.
    pub(crate) const ALIKE: u8 = 2;
    pub(crate) const DIFFER: u8 = 3;
    pub(crate) mod parent {
        pub(crate) const SHARED: u8 = 3;
        pub(crate) const DIFFER: u8 = 4;
    }
}

/// Whether a level of the given names, the birth date or the sex says that the values are two, and neither a form of the other
/// nor a known way to write it.
pub(crate) fn are_two(field: Field, level: u8) -> bool {
    match field {
        Field::Given => level >= at::given::FAR,
        Field::Birth => level >= at::birth::SLIP && level != at::birth::AS_FAR_AS_KNOWN,
        Field::Sex => level > at::SAME,
        _ => false,
    }
}

const GIVEN: [Level; 9] = [
    level("coincide", 0.65, 0.004, 1.0),
    level("coincide en parte", 0.15, 0.008, 0.5),
    level("es una forma corta o familiar del mismo", 0.04, 0.004, 0.5),
    level("se parece", 0.08, 0.004, 0.5),
    level("tiene la misma inicial", 0.01, 0.004, 0.0),
    level("aparece en otro lugar", 0.02, 0.006, 0.5),
    level("se parece poco", 0.03, 0.02, 0.5),
    level("comparte una palabra y difiere en otra", 0.01, 0.03, 0.0),
    level("difiere", 0.01, 0.92, 0.0),
];

const FIRST: [Level; 6] = [
    level("coincide", 0.82, 0.005, 1.0),
    level("se parece", 0.08, 0.004, 0.5),
    level("coincide en parte", 0.01, 0.001, 0.5),
    level("aparece en otro lugar", 0.03, 0.01, 0.5),
    level("se parece poco", 0.02, 0.02, 0.5),
    level("difiere", 0.04, 0.96, 0.0),
];

const SECOND: [Level; 6] = [
    level("coincide", 0.82, 0.006, 1.0),
    level("se parece", 0.08, 0.004, 0.5),
    level("coincide en parte", 0.01, 0.001, 0.5),
    level("aparece en otro lugar", 0.03, 0.01, 0.5),
    level("se parece poco", 0.02, 0.02, 0.5),
    level("difiere", 0.04, 0.96, 0.0),
];

const OTHER: [Level; 3] = [
    level("coinciden en una palabra", 0.5, 0.01, 0.5),
    level("se parecen", 0.1, 0.02, 0.5),
    level("difieren", 0.4, 0.97, 0.0),
];

const BIRTH: [Level; 8] = [
    level("coincide", 0.85, 0.000_05, 1.0),
    level("tiene el día y el mes intercambiados", 0.01, 0.000_03, 0.0),
    level("difiere en un dígito", 0.07, 0.001, 0.0),
    level("coincide hasta donde se conoce", 0.01, 0.02, 0.0),
    level("coincide en dos de sus tres partes", 0.03, 0.004, 0.0),
    level("coincide en el año", 0.01, 0.015, 0.0),
    level("difiere en una generación", 0.005, 0.48, 0.0),
    level("difiere", 0.008, 0.48, 0.0),
];

const SEX: [Level; 2] = [
    level("coincide", 0.985, 0.5, 0.0),
    level("difiere", 0.015, 0.5, 0.0),
];

const BIRTH_PLACE: [Level; 3] = [
    level("coincide", 0.85, 0.04, 1.0),
    level("se parece", 0.05, 0.01, 0.5),
    level("difiere", 0.10, 0.95, 0.0),
];

const ADDRESS: [Level; 7] = [
    level("coincide", 0.50, 0.000_02, 1.0),
    level("coincide en la calle", 0.10, 0.000_5, 0.5),
    level(
        "coincide en la colonia y el código postal",
        0.08,
        0.001,
        1.0,
    ),
    level(
        "coincide en la colonia o el código postal",
        0.12,
        0.003,
        1.0,
    ),
    level("es de la misma zona", 0.05, 0.02, 0.5),
    level("es del mismo estado", 0.08, 0.08, 0.0),
    level("difiere", 0.07, 0.90, 0.0),
];

const PHONE: [Level; 3] = [
    level("coincide", 0.60, 0.000_005, 1.0),
    level("difiere en un dígito", 0.04, 0.000_01, 0.0),
    level("difiere", 0.36, 0.999_98, 0.0),
];

const CURP: [Level; 5] = [
    level("coincide", 0.88, 0.000_000_1, 1.0),
    level("difiere en un signo", 0.10, 0.000_000_5, 0.0),
    level("se parece", 0.009, 0.000_02, 0.0),
    level("difiere", 0.008, 0.2, 0.0),
    level(
        "difiere, y en ambas está bien el dígito verificador",
        0.003,
        0.8,
        0.0,
    ),
];

const NUMBER: [Level; 3] = [
    level("coincide", 0.93, 0.000_000_2, 1.0),
    level("difiere en un dígito", 0.05, 0.000_005, 0.0),
    level("difiere", 0.02, 0.999_99, 0.0),
];

const PARENT: [Level; 4] = [
    level("coincide", 0.70, 0.000_2, 1.0),
    level("se parece", 0.17, 0.000_5, 0.5),
    level("comparte una palabra", 0.08, 0.15, 0.0),
    level("difiere", 0.05, 0.85, 0.0),
];

const TRAIT: [Level; 3] = [
    level("coincide", 0.80, 0.05, 1.0),
    level("se parece", 0.05, 0.02, 0.5),
    level("difiere", 0.15, 0.93, 0.0),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shares_of_a_field_add_up_to_one() {
        for field in Field::ALL {
            for share in [|l: &Level| l.m, |l: &Level| l.u] {
                let sum: f32 = field.levels().iter().map(share).sum();
                assert!((0.985..1.015).contains(&sum), "{field:?} {sum}");
            }
        }
    }
}
