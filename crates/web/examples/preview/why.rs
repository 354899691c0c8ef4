//! Why something was decided as it was: allowed with a rule of hers, refused, and decided elsewhere.

use crate::{act, frame, now};
use trust::pact::Sentence;
use trust::{ActKind, Again, Category, EvidenceKind, Lang, Role, Rule, Who, Why};
use web::views;

/// What the pact says of a doctor who cares for somebody.
fn pact() -> Vec<Sentence> {
    let sentence = |es: &str, en: &str| Sentence {
        es: es.into(),
        en: en.into(),
    };
    vec![
        sentence(
            "Para la atención (TREAT) se pide: un registro en recepción o una cita o un código del paciente.",
            "For care (TREAT) it needs: a check-in or an appointment or a patient's code.",
        ),
        sentence(
            "Una médica: lee, escribe, surte, registra, recibe y busca; ve todo.",
            "A physician: reads, writes, dispenses, registers, receives and finds; sees everything.",
        ),
    ]
}

pub(super) fn says(lang: Lang) -> Vec<String> {
    pact().iter().map(|one| one.text(lang).to_owned()).collect()
}

fn allowed() -> Why {
    let mut read = act(
        "9f3c1d9f3c1d9f3c1d9f3c1d9f3c1d9f",
        "2026-11-22T17:42:01Z",
        ActKind::Read,
        "imss",
        Role::Physician,
    );
    read.categories = Category::Medicines.bit().with(Category::Allergies.bit());
    read.resources = 214;
    read.delegator = Some("Dr. Luis Cano".into());
    let rule = Rule {
        id: "r1".into(),
        who: Who::Kind(trust::MemberKind::Pharmacy),
        what: vec![Category::MentalHealth, Category::Reproductive],
        hint: true,
        ..Rule::default()
    };
    Why {
        seals: Some(trust::Seals::usual()),
        act: read,
        pact: 3,
        says: pact(),
        policies: vec!["care-reads".into(), "care-sees-all".into()],
        licence: Some("active"),
        evidence: vec![(EvidenceKind::CheckIn, Some(now()))],
        rules: vec![Some(rule), None],
        left_out: vec![Category::MentalHealth, Category::Reproductive],
        spared: true,
        narrowed: false,
        again: Again::Same,
    }
}

pub(super) fn pages(lang: Lang) -> Vec<(&'static str, String)> {
    let page = |why: &Why| views::why::page(frame(lang, "/accesos", Some(Role::Patient)), why);
    let allowed = allowed();
    let mut denied = act(
        "b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4b4",
        "2026-11-21T22:10:00Z",
        ActKind::Denied,
        "farmacia",
        Role::Physician,
    );
    denied.refused = vec!["no-evidence".into()];
    let refused = Why {
        act: denied,
        policies: Vec::new(),
        evidence: Vec::new(),
        rules: Vec::new(),
        left_out: Vec::new(),
        spared: false,
        ..allowed.clone()
    };
    let elsewhere = Why {
        evidence: vec![(EvidenceKind::CheckIn, None)],
        again: Again::Elsewhere,
        ..allowed.clone()
    };
    let differs = Why {
        again: Again::Differs,
        ..allowed.clone()
    };
    vec![
        ("porque", page(&allowed)),
        ("porque-no", page(&refused)),
        ("porque-de-otra", page(&elsewhere)),
        ("porque-distinto", page(&differs)),
    ]
}
