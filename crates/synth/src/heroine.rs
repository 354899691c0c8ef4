//! One life written by hand: the person whose story the demonstration tells.
//!
//! María Guadalupe Hernández López taught at a public school (ISSSTE), then worked at a private company (IMSS), where
//! hypertension and diabetes were found. A private hospital took out her gallbladder, learnt of her allergy to
//! penicillin and treated a depression; nobody else knows of either. Vaccines came from IMSS-Bienestar's brigades.
//! She goes to the pharmacy round the corner when her clinic has no appointments; there she was given amoxicillin,
//! since nobody there could see the allergy. The hospital repeated what IMSS had
//! measured days before; IMSS and the pharmacy write different doses of metformin; ISSSTE has her blood group wrong.

use crate::body::Body;
use crate::chart::Chart;
use crate::country::Country;
use crate::cover::{Cover, Institution};
use crate::day::{Day, Moment};
use crate::dice::Dice;
use crate::disease::{Health, Illness};
use crate::follow_up::Lines;
use crate::life::Life;
use crate::person::{Person, invented_curp};
use crate::plan::{Event, Why};
use crate::registration::Card;
use crate::resources::cie10;
use crate::tell::{Teller, blood_group, clinic};
use jiff::civil::date;
use mx::{MxState, Names, Nss, Sex, vaccines};

/// A seed and stream of her own: her ids and noise never change.
const HERS: (u64, u64) = (0x6d_6172_6961, 1);

/// Doses by place: (place, medicine, position in `medicines.toml`).
const DOSES: [(Institution, &str, usize); 6] = [
    (Institution::Imss, "metformina", 1),
    (Institution::Farmacia, "metformina", 0),
    (Institution::Imss, "losartan", 1),
    (Institution::Farmacia, "losartan", 1),
    (Institution::Imss, "atorvastatina", 0),
    (Institution::Privado, "sertralina", 0),
];

/// Tells her life on the country's day.
pub(crate) fn tell(country: &Country) -> Life {
    let mut dice = Dice::new(HERS.0, HERS.1);
    let person = person();
    let table = &country.tables().conditions;
    let illness = |key: &str, onset: Day, end: Option<Day>| {
        let row = table.lasting.iter().position(|row| row.key == key);
        row.map(|row| Illness { row, onset, end })
    };
    let illnesses: Vec<Illness> = [
        illness("hypertension", Day::ymd(2015, 3, 11), None),
        illness("dyslipidaemia", Day::ymd(2016, 9, 7), None),
        illness("diabetes", Day::ymd(2018, 6, 14), None),
        illness(
            "depression",
            Day::ymd(2022, 4, 20),
            Some(Day::ymd(2023, 8, 30)),
        ),
    ]
    .into_iter()
    .flatten()
    .collect();
    let health = Health {
        illnesses,
        liability: 0.8,
        adherence: 0.62,
        seeks_care: 1.0,
    };
    let body = Body::new(table, &person, &health, &mut dice).with(154.0, 0.55, 0.62, 0.6);
    let mut teller = Teller {
        country,
        person: &person,
        health: &health,
        body: &body,
        pregnancies: &[],
        allergies: table
            .allergy
            .iter()
            .filter(|a| a.name == "Penicilina")
            .collect(),
        lines: Lines(vec![
            (0, "losartan", Day::ymd(2015, 3, 11)),
            (1, "atorvastatina", Day::ymd(2016, 9, 7)),
            (2, "metformina", Day::ymd(2018, 6, 14)),
            (3, "sertralina", Day::ymd(2022, 4, 20)),
        ]),
        fixed_doses: &DOSES,
        charts: [None, None, None, None, None, None],
    };
    for (place, folio, given, upper) in CARDS {
        teller_chart(&mut teller, place, folio, given, upper, &mut dice);
    }
    for event in events(country) {
        if event.day == SORE_THROAT {
            sore_throat(&mut teller, &event, &mut dice);
            continue;
        }
        teller.tell_plainly(&event, &mut dice);
        if event.day == REPEATED && event.place == Institution::Imss {
            let tests = ["glucose", "hba1c", "creatinine"];
            teller.again_elsewhere(&event, &tests, &mut dice);
        }
    }
    let records = teller.finish();
    Life {
        index: u64::MAX,
        person,
        covers: covers(),
        records,
    }
}

/// The day on which the pharmacy gives her what the private hospital knows she must not get.
const SORE_THROAT: Day = Day(19_373);

/// A visit whose prescription is part of the story, so it is not left to chance.
fn sore_throat(teller: &mut Teller<'_>, event: &Event, dice: &mut Dice) {
    let at = Moment {
        day: event.day,
        minute: event.minute,
    };
    teller.with(event.place, dice, |chart, _, dice| {
        let reason = cie10("J029", "Faringitis aguda, no especificada");
        let opening = clinic(at, "Consulta general", 15);
        let visit = chart.visit(opening, vec![reason.clone()], dice);
        chart.diagnose(&visit, reason.clone(), 7, dice);
        chart.prescribe_course(&visit, "amoxicilina", reason.clone(), dice);
        chart.prescribe_course(&visit, "paracetamol", reason, dice);
        let note = "Odinofagia de dos días con exudado. Se pregunta por alergias: no recuerda. Se indica amoxicilina.";
        chart.note(&visit, note, dice);
    });
}

/// The day at IMSS whose tests the private hospital repeats.
const REPEATED: Day = Day(20_698);

/// Place, folio, given names as written, upper case.
const CARDS: [(Institution, &str, &str, bool); 5] = [
    (Institution::Imss, "00412977", "MA. GUADALUPE", true),
    (Institution::Issste, "00031856", "MARIA GUADALUPE", true),
    (
        Institution::ImssBienestar,
        "00920144",
        "MARIA GUADALUPE",
        true,
    ),
    (Institution::Privado, "00007731", "María Guadalupe", false),
    (Institution::Farmacia, "00000412", "Guadalupe", false),
];

fn teller_chart<'a>(
    teller: &mut Teller<'a>,
    place: Institution,
    folio: &str,
    given: &str,
    upper: bool,
    dice: &mut Dice,
) {
    let person = teller.person;
    let written = |name: &str| {
        if upper {
            mx::names::normalise(name)
        } else {
            name.to_owned()
        }
    };
    let card = Card {
        id: dice.uuid(),
        folio: folio.to_owned(),
        curp: Some(person.curp.as_str().to_owned()),
        given: given.to_owned(),
        first: written(&person.first),
        second: person.second.as_deref().map(written),
        birth: person.birth,
        faults: Vec::new(),
    };
    let mut chart = Chart::with_card(teller.country, place, person, card, dice);
    // Only the private hospital asks her, before surgery.
    chart.asked_allergies = place != Institution::Privado;
    if let Some(slot) = teller.charts.get_mut(place.number()) {
        *slot = Some(chart);
    }
    let group = match place {
        Institution::Imss => Some((Day::ymd(2014, 9, 2), "O+")),
        Institution::Issste => Some((Day::ymd(2006, 5, 16), "A+")),
        _ => None,
    };
    if let Some((day, group)) = group {
        let at = Moment { day, minute: 545 };
        teller.with(place, dice, |chart, _, dice| {
            let visit = chart.visit(clinic(at, "Apertura de expediente", 20), Vec::new(), dice);
            blood_group(chart, &visit, group, dice);
        });
    }
}

fn person() -> Person {
    let names = Names {
        given: "María Guadalupe",
        first: "Hernández",
        second: Some("López"),
    };
    let birth = date(1968, 4, 12);
    let state = MxState::from_letters("DF").unwrap_or(MxState::ABROAD);
    let fallback = || mx::Curp::parse(mx::curp::GENERIC);
    let curp = invented_curp(names, birth, Sex::Woman, state, '0').map_or_else(fallback, Ok);
    let nss = Nss::parse("92886801239");
    // Both are constants of this file, checked by its tests.
    let (Ok(curp), Ok(nss)) = (curp, nss) else {
        unreachable!("the constants of the story are valid")
    };
    Person {
        given: names.given.to_owned(),
        first: names.first.to_owned(),
        second: names.second.map(str::to_owned),
        birth,
        sex: Sex::Woman,
        born_in: state,
        lives_in: state,
        curp,
        nss,
        blood: "O+".to_owned(),
    }
}

fn covers() -> Vec<Cover> {
    vec![
        Cover {
            by: None,
            from: date(1968, 4, 12),
        },
        Cover {
            by: Some(Institution::Issste),
            from: date(1991, 8, 16),
        },
        Cover {
            by: Some(Institution::Imss),
            from: date(2014, 9, 1),
        },
    ]
}

/// What happened, until the country's day.
fn events(country: &Country) -> Vec<Event> {
    use Institution::{Farmacia, Imss, ImssBienestar, Issste, Privado};
    let conditions = &country.tables().conditions;
    let episode = |key: &str| {
        let row = conditions.episode.iter().position(|row| row.key == key);
        row.map(Why::Episode)
    };
    let surgery = conditions
        .surgery
        .iter()
        .position(|row| row.key == "gallstones")
        .map(Why::Surgery);
    let mut out: Vec<(Day, Institution, Option<Why>)> = vec![
        (Day::ymd(2006, 5, 17), Issste, Some(Why::CheckUp)),
        (Day::ymd(2007, 3, 8), Issste, Some(Why::Cytology)),
        (Day::ymd(2008, 2, 21), Issste, episode("back-pain")),
        (Day::ymd(2009, 6, 3), Issste, Some(Why::CheckUp)),
        (Day::ymd(2010, 11, 18), Issste, episode("uti")),
        (Day::ymd(2011, 5, 24), Issste, Some(Why::Cytology)),
        (Day::ymd(2012, 10, 9), Issste, Some(Why::CheckUp)),
        (Day::ymd(2016, 4, 26), Imss, Some(Why::Cytology)),
        (Day::ymd(2019, 5, 14), Imss, Some(Why::Mammography)),
        (Day::ymd(2022, 5, 17), Imss, Some(Why::Mammography)),
        (Day::ymd(2025, 5, 20), Imss, Some(Why::Mammography)),
        (Day::ymd(2020, 2, 18), Privado, surgery),
        (SORE_THROAT, Farmacia, episode("pharyngitis")),
        (Day::ymd(2024, 8, 5), Farmacia, episode("gastroenteritis")),
        (Day::ymd(2025, 2, 10), Farmacia, Some(Why::FollowUp)),
        (Day::ymd(2025, 12, 8), Farmacia, episode("uti")),
        (Day::ymd(2026, 3, 23), Farmacia, Some(Why::FollowUp)),
        (REPEATED, Imss, Some(Why::FollowUp)),
    ];
    // Every four months at IMSS since the hypertension was found, until the clinic ran out of appointments this year.
    let mut day = Day::ymd(2015, 3, 11);
    while day < REPEATED + -230 {
        out.push((day.working(), Imss, Some(Why::FollowUp)));
        day = day + 121;
    }
    // Psychiatry at the private hospital.
    let mut day = Day::ymd(2022, 5, 3);
    while day < Day::ymd(2023, 8, 30) {
        out.push((day.working(), Privado, Some(Why::Specialty(3))));
        day = day + 63;
    }
    out.extend(
        vaccine_days(country)
            .into_iter()
            .map(|(day, doses)| (day.working(), ImssBienestar, Some(Why::Vaccines(doses)))),
    );
    let mut events: Vec<Event> = out
        .into_iter()
        .filter(|(day, _, _)| *day <= country.today_number())
        .filter_map(|(day, place, why)| {
            Some(Event {
                day,
                minute: 9 * 60 + (day.0.rem_euclid(24)) * 10,
                place,
                why: why?,
            })
        })
        .collect();
    events.sort_by_key(|event| (event.day, event.minute));
    events
}

/// What the brigades gave her: the doses of her cohort since 2015, and influenza each November since her diabetes.
fn vaccine_days(country: &Country) -> Vec<(Day, Vec<vaccines::Due>)> {
    let person = person();
    let cohort = vaccines::due_until(person.birth, person.sex, country.today())
        .into_iter()
        .filter(|due| due.from >= date(2015, 1, 1));
    let influenza = vaccines::schedule()
        .iter()
        .find(|dose| dose.vaccine == "influenza-mayor");
    let yearly = influenza.into_iter().flat_map(|dose| {
        (2018..2026).map(move |year| vaccines::Due {
            dose,
            from: date(year, 11, 4),
        })
    });
    cohort
        .chain(yearly)
        .map(|due| (Day::of(due.from) + 11, vec![due]))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use mx::{CurpState, IdentifierState};

    #[test]
    fn her_story_is_the_one_told() {
        let country = Country::mexico().unwrap();
        let her = country.heroine();
        assert_eq!(her.person.curp.state(), CurpState::DigitOk);
        assert_eq!(her.person.nss.state(), IdentifierState::DigitOk);
        assert_eq!(her.records.len(), 5);
        let has = |place: Institution, kind: &str, words: &str| {
            her.at(place).unwrap().entries.iter().any(|entry| {
                entry.text("resourceType") == Some(kind) && entry.to_string().contains(words)
            })
        };
        assert!(has(Institution::Imss, "Condition", "E119"));
        assert!(has(Institution::Imss, "Condition", "I10X"));
        assert!(has(Institution::Privado, "Procedure", "Colecistectomía"));
        assert!(has(Institution::Privado, "Condition", "F329"));
        assert!(has(Institution::ImssBienestar, "Immunization", "Covid-19"));
        assert!(has(Institution::Farmacia, "Condition", "N390"));
        // The allergy is known at one place only.
        for place in Institution::ALL {
            if her.at(place).is_some() {
                let known = has(place, "AllergyIntolerance", "Penicilina");
                assert_eq!(known, place == Institution::Privado, "{}", place.name());
            }
        }
        assert!(has(
            Institution::Farmacia,
            "MedicationRequest",
            "Amoxicilina"
        ));
        // Two doses of one medicine, both in force.
        assert!(has(Institution::Imss, "MedicationRequest", "cada 12 horas"));
        assert!(has(
            Institution::Farmacia,
            "MedicationRequest",
            "1 tableta (850 mg) vía oral cada 24 horas"
        ));
    }
    #[test]
    fn the_private_hospital_repeats_within_days_what_imss_measured() {
        let her = Country::mexico().unwrap().heroine();
        let days = |place| -> Vec<Day> {
            her.at(place)
                .unwrap()
                .entries
                .iter()
                .filter(|entry| entry.text("code.coding.0.code") == Some("4548-4"))
                .filter_map(|entry| entry.text("effectiveDateTime"))
                .map(|at| Day::of(at[..10].parse().unwrap()))
                .collect()
        };
        let (imss, private) = (days(Institution::Imss), days(Institution::Privado));
        assert!(imss.len() >= 12, "{imss:?}");
        let near = private
            .iter()
            .any(|p| imss.iter().any(|i| (0..10).contains(&(*p - *i))));
        assert!(near, "{imss:?} {private:?}");
    }
}
