//! What holds whatever comes in.

use identity::{Address, Apart, Identifier, Index, Model, Register, Registration, check, link};
use proptest::prelude::*;

fn text() -> impl Strategy<Value = Option<String>> {
    prop_oneof![
        Just(None),
        prop::sample::select(vec![
            "María",
            "Ma. Guadalupe",
            "José",
            "J. Luis",
            "Pepe",
            "Pérez",
            "Peres",
            "López Ruiz",
            "de la Cruz",
            "RN de Ana",
            "García",
            "Ñáñez",
            "XX",
            "desconocido",
            "1980-02-30",
            "03/04/1980",
            "1980",
            "55 1234 5678",
            "Hidalgo 12",
        ])
        .prop_map(|s| Some(s.to_owned())),
        "\\PC{0,24}".prop_map(Some),
        "[a-zA-Zñáé 0-9/.-]{0,300}".prop_map(Some),
    ]
}

fn registration() -> impl Strategy<Value = Registration> {
    let names = (text(), text(), text(), text(), text(), text());
    let rest = (
        text(),
        text(),
        text(),
        text(),
        prop::bool::ANY,
        text(),
        text(),
    );
    (names, rest).prop_map(
        |(
            (given, first, second, full, birth, place),
            (street, phone, number, mother, confirmed, father, other),
        )| {
            Registration {
                given,
                first,
                second,
                full,
                birth,
                birth_place: place.clone(),
                addresses: vec![Address {
                    street,
                    locality: place,
                    postcode: number.clone(),
                    ..Address::default()
                }],
                phones: phone.into_iter().collect(),
                identifiers: number
                    .into_iter()
                    .flat_map(|value| {
                        [mx::systems::CURP, mx::systems::NSS].map(|system| Identifier {
                            system: system.to_owned(),
                            value: value.clone(),
                            confirmed,
                        })
                    })
                    .collect(),
                mother,
                father,
                traits: vec![other.clone(), other],
                ..Registration::default()
            }
        },
    )
}

/// Groups as sets of positions.
fn groups(of: &[u32], order: &[usize]) -> Vec<Vec<usize>> {
    let mut out: std::collections::BTreeMap<u32, Vec<usize>> = Default::default();
    for (i, person) in of.iter().enumerate() {
        out.entry(*person).or_default().push(order[i]);
    }
    let mut sets: Vec<Vec<usize>> = out.into_values().collect();
    sets.iter_mut().for_each(|s| s.sort_unstable());
    sets.sort();
    sets
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_that_comes_in_panics_and_scores_are_symmetric(all in prop::collection::vec(registration(), 2..24)) {
        let mut register = Register::default();
        register.extend(&all);
        for one in &all {
            check(one);
        }
        let model = Model::first(all.len());
        for a in 0..all.len() as u32 {
            for b in 0..all.len() as u32 {
                let (there, back) = (register.explain(&model, a, b).unwrap(), register.explain(&model, b, a).unwrap());
                prop_assert_eq!(&there, &back);
                prop_assert!((0.0..=1.0).contains(&there.probability));
            }
        }
        let found = link(&register, &Apart::default());
        prop_assert_eq!(found.person.len(), all.len());
        let mut index = Index::new(register, found.model, found.person, Apart::default());
        for one in all.iter().take(6) {
            let came = index.arrive(one);
            prop_assert!(index.together(came.registration).contains(&came.registration));
        }
        index.split(0, 1);
        prop_assert_ne!(index.person(0), index.person(1));
    }

    #[test]
    fn the_order_of_input_does_not_change_who_is_who(
        all in prop::collection::vec(registration(), 2..40),
        seed in any::<u64>(),
    ) {
        let mut order: Vec<usize> = (0..all.len()).collect();
        let mut state = seed;
        for i in (1..order.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            order.swap(i, (state >> 33) as usize % (i + 1));
        }
        let people = |order: &[usize]| {
            let mut register = Register::default();
            register.extend(&order.iter().map(|i| all[*i].clone()).collect::<Vec<_>>());
            groups(&link(&register, &Apart::default()).person, order)
        };
        let straight: Vec<usize> = (0..all.len()).collect();
        prop_assert_eq!(people(&straight), people(&order));
    }
}
