//! A country of invented people whose names are as unevenly spread as in Mexico: a few surnames are a tenth of it, most
//! are rare. Families share surnames and a home.

use identity::{Address, Registration};

const GIVEN: [&str; 48] = [
    "Juan",
    "Guadalupe",
    "José",
    "Luis",
    "María",
    "Francisco",
    "Juana",
    "Antonio",
    "Jesús",
    "Miguel",
    "Pedro",
    "Alejandro",
    "Margarita",
    "Manuel",
    "Carlos",
    "Rosa",
    "Roberto",
    "Fernando",
    "Daniel",
    "Jorge",
    "Verónica",
    "Ricardo",
    "Eduardo",
    "Javier",
    "Leticia",
    "Rafael",
    "Martín",
    "Raúl",
    "David",
    "Elizabeth",
    "Araceli",
    "Patricia",
    "Yolanda",
    "Arturo",
    "Silvia",
    "Gabriela",
    "Teresa",
    "Óscar",
    "Alicia",
    "Norma",
    "Itzel",
    "Ximena",
    "Regina",
    "Valentina",
    "Emiliano",
    "Santiago",
    "Leonardo",
    "Mateo",
];

const SURNAMES: [&str; 52] = [
    "Hernández",
    "García",
    "Martínez",
    "López",
    "González",
    "Pérez",
    "Rodríguez",
    "Sánchez",
    "Ramírez",
    "Cruz",
    "Flores",
    "Gómez",
    "Morales",
    "Vázquez",
    "Reyes",
    "Jiménez",
    "Torres",
    "Díaz",
    "Gutiérrez",
    "Ruiz",
    "Mendoza",
    "Aguilar",
    "Ortiz",
    "Moreno",
    "Castillo",
    "Romero",
    "Álvarez",
    "Méndez",
    "Chávez",
    "Rivera",
    "Juárez",
    "Ramos",
    "Domínguez",
    "Herrera",
    "Medina",
    "Castro",
    "Vargas",
    "Guzmán",
    "Velázquez",
    "Rojas",
    "Muñoz",
    "Santiago",
    "Contreras",
    "Salazar",
    "Luna",
    "Ortega",
    "Guerrero",
    "Estrada",
    "Bautista",
    "Cortés",
    "Soto",
    "Alvarado",
];

/// A rare surname, made of syllables.
fn rare(n: usize) -> String {
    const A: [&str; 12] = [
        "Ba", "Ce", "Du", "Fi", "Ho", "Lla", "Me", "Nu", "Pi", "Que", "Ta", "Zu",
    ];
    const B: [&str; 10] = [
        "rra", "llo", "gue", "ndo", "ste", "mbi", "lta", "ñu", "sca", "vi",
    ];
    const C: [&str; 6] = ["no", "da", "les", "ro", "ga", "tín"];
    format!("{}{}{}", A[n % 12], B[n / 12 % 10], C[n / 120 % 6])
}

/// Numbers that look random, the same each time.
pub(crate) struct Dice(pub(crate) u64);

impl Dice {
    /// Less than `n`.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % n
    }
    /// Less than `n`, small numbers oftener: after Zipf and Mandelbrot, one over the rank and four.
    fn skewed(&mut self, n: usize) -> usize {
        let all: f64 = (0..n).map(|r| 1.0 / (r as f64 + 4.0)).sum();
        let mut left = self.below(1 << 30) as f64 / f64::from(1 << 30) * all;
        for rank in 0..n {
            left -= 1.0 / (rank as f64 + 4.0);
            if left < 0.0 {
                return rank;
            }
        }
        n - 1
    }
    fn surname(&mut self) -> String {
        match self.skewed(400) {
            rank if rank < SURNAMES.len() => SURNAMES[rank].to_owned(),
            rank => rare(rank - SURNAMES.len()),
        }
    }
}

fn person(dice: &mut Dice, first: &str, second: &str, year: usize, home: &Address) -> Registration {
    Registration {
        given: Some(GIVEN[dice.skewed(GIVEN.len())].to_owned()),
        first: Some(first.to_owned()),
        second: (dice.below(20) > 0).then(|| second.to_owned()),
        birth: Some(format!(
            "{year}-{:02}-{:02}",
            1 + dice.below(12),
            1 + dice.below(28)
        )),
        addresses: vec![home.clone()],
        ..Registration::default()
    }
}

/// At least so many people, in families.
pub(crate) fn country(people: usize, seed: u64) -> Vec<Registration> {
    let mut dice = Dice(seed);
    let mut out = Vec::new();
    while out.len() < people {
        let names: Vec<String> = (0..4).map(|_| dice.surname()).collect();
        let home = Address {
            street: Some(format!(
                "{} {}",
                rare(dice.skewed(700)),
                1 + dice.below(300)
            )),
            postcode: Some(format!("{:05}", 1000 + 37 * dice.skewed(300))),
            ..Address::default()
        };
        let year = 1940 + dice.below(55);
        out.push(person(&mut dice, &names[0], &names[1], year, &home));
        out.push(person(&mut dice, &names[2], &names[3], year + 2, &home));
        for child in 0..dice.below(4) {
            out.push(person(
                &mut dice,
                &names[0],
                &names[2],
                year + 22 + 3 * child,
                &home,
            ));
        }
    }
    out
}

/// The same person, as another institution wrote her.
pub(crate) fn elsewhere(dice: &mut Dice, mut one: Registration) -> Registration {
    if dice.below(8) == 0 {
        one.first = one
            .first
            .map(|name| name.replace('z', "s").replace("ll", "y"));
    }
    if dice.below(12) == 0 {
        one.given = one.given.map(|name| format!("María {name}"));
    }
    if dice.below(10) == 0 {
        one.addresses[0].street = Some(rare(dice.below(700)));
        one.addresses[0].postcode = Some(format!("{:05}", 1000 + 37 * dice.below(300)));
    }
    if dice.below(20) == 0 {
        one.birth = one.birth.map(|date| {
            format!(
                "{}-{:02}-{:02}",
                &date[..4],
                1 + dice.below(12),
                1 + dice.below(28)
            )
        });
    }
    one
}
