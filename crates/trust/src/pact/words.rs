//! A pact in words, for whoever is asked to sign it.

use super::{Agreed, Care, Emergency, Member, Orders, Pact, linkage, seals};
use crate::category::list;
use crate::delegate::Delegated;
use crate::policy::{self, Circumstances, Rulebook};
use crate::{Category, EvidenceKind, Lang, LicenceState, MemberKind, Purpose, Role, Task};

/// One sentence in both languages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sentence {
    /// In Spanish.
    pub es: String,
    /// In English.
    pub en: String,
}

impl Sentence {
    pub(super) fn new(es: impl Into<String>, en: impl Into<String>) -> Sentence {
        Sentence {
            es: es.into(),
            en: en.into(),
        }
    }
    /// In a language.
    pub fn text(&self, lang: Lang) -> &str {
        match lang {
            Lang::Es => &self.es,
            Lang::En => &self.en,
        }
    }
}

/// What a pact says, in plain words: its numbers, its purposes, and what its policies open to each role in care. The
/// last is not read out of the policies' text, which nobody can do in general: they are asked.
///
/// Cost: some hundred questions to the policies, a few milliseconds.
pub fn describe(pact: &Pact) -> Vec<Sentence> {
    let members = pact.members.len();
    let mut said = vec![
        Sentence::new(
            format!("{}, versión {}.", pact.network, pact.version),
            format!("{}, version {}.", pact.network, pact.version),
        ),
        Sentence::new(
            format!("Un cambio pide {} firmas de {members}.", pact.threshold),
            format!("A change needs {} signatures of {members}.", pact.threshold),
        ),
        Sentence::new(
            format!("Cada quien tiene {} ms para contestar.", pact.deadline_ms),
            format!("Each has {} ms to answer.", pact.deadline_ms),
        ),
        Sentence::new(
            format!(
                "Un registro en recepción vale {} min, una cita {} min después de su hora, un código {} min.",
                pact.check_in_minutes, pact.appointment_minutes, pact.code_minutes
            ),
            format!(
                "A check-in is good for {} min, an appointment for {} min after its hour, a code for {} min.",
                pact.check_in_minutes, pact.appointment_minutes, pact.code_minutes
            ),
        ),
    ];
    said.extend(pact.word_minutes.map(|minutes| old_words(Some(minutes))));
    match pact.purposes.is_empty() {
        true => said.push(Sentence::new(
            "El pacto no nombra motivos: qué prueba pide cada uno lo dicen solo sus reglas.",
            "The pact names no purposes: what evidence each needs is said by its policies alone.",
        )),
        false => said.extend(pact.purposes.iter().map(agreed)),
    }
    said.push(care(pact.care.as_ref()));
    said.push(emergencies(pact.emergency.as_ref()));
    said.push(orders(pact.orders.as_ref()));
    said.push(linkage::said(pact));
    said.extend(seals::said(pact.seals.as_ref()));
    said.extend(pact.never().iter().map(|purpose| never(*purpose)));
    if let Ok(rulebook) = Rulebook::parse(&pact.policies) {
        said.extend(CARE.into_iter().map(|role| opens(&rulebook, role)));
        said.push(delegates(&rulebook));
    }
    said.extend(pact.members.iter().map(member));
    said
}

/// What was asked of a pact, as far as its sentences differ by it.
pub(crate) struct Concern<'a> {
    pub(crate) purpose: Purpose,
    pub(crate) role: Role,
    /// In another one's name.
    pub(crate) delegated: bool,
    /// Why it was refused, by codes; empty when it was allowed.
    pub(crate) refused: &'a [String],
}

/// What a pact says of one request, in the sentences of [`describe`].
pub(crate) fn concerning(pact: &Pact, rulebook: &Rulebook, concern: &Concern<'_>) -> Vec<Sentence> {
    let Concern { purpose, role, .. } = *concern;
    if pact.never().contains(&purpose) {
        return vec![never(purpose)];
    }
    let mut said = Vec::new();
    let mut purposes = pact.purposes.iter();
    match purposes.find(|agreed| agreed.purpose == purpose) {
        Some(found) => said.push(agreed(found)),
        None if pact.purposes.is_empty() => {}
        None => said.push(unnamed(purpose)),
    }
    match purpose {
        Purpose::Treatment if CARE.contains(&role) => said.push(opens(rulebook, role)),
        Purpose::Emergency => said.push(emergencies(pact.emergency.as_ref())),
        Purpose::State => said.push(orders(pact.orders.as_ref())),
        _ => {}
    }
    if concern.delegated {
        said.push(delegates(rulebook));
    }
    if concern.refused.iter().any(|code| code == "old-word") {
        said.push(old_words(pact.word_minutes));
    }
    said
}

/// A purpose that the pact does not name.
fn unnamed(unnamed: Purpose) -> Sentence {
    let (es, en) = purpose(unnamed);
    Sentence::new(
        format!("Para {es} no se abre nada: no está entre los motivos del pacto."),
        format!("For {en} nothing is opened: it is not among the pact's purposes."),
    )
}

/// Who cares for people.
const CARE: [Role; 4] = [Role::Physician, Role::Nurse, Role::Pharmacist, Role::Clerk];

/// What becomes of a word whose author cannot be heard.
pub(super) fn old_words(minutes: Option<u64>) -> Sentence {
    match minutes {
        Some(minutes) => Sentence::new(
            format!(
                "Si una institución no responde en {minutes} min, lo de quien dio ahí sus reglas se cierra para los demás."
            ),
            format!(
                "When an institution is not heard for {minutes} min, what is of people who gave their rules there is closed to others."
            ),
        ),
        None => Sentence::new(
            "Las reglas de una persona valen hasta que lleguen otras, aunque su institución no responda.",
            "A person's rules hold until newer ones arrive, though their institution is not heard.",
        ),
    }
}

/// What the pact says of who stays and who was sent.
pub(super) fn care(terms: Option<&Care>) -> Sentence {
    let Some(terms) = terms else {
        return Sentence::new(
            "Ni un internamiento ni una referencia abren nada.",
            "Neither an admission nor a referral opens anything.",
        );
    };
    let (stay, sent) = (terms.admission_days, terms.referral_days);
    Sentence::new(
        format!(
            "Un internamiento vale hasta el alta, y {stay} días a lo más si no se renueva; una referencia vale para la institución a la que va, {sent} días desde que se escribió."
        ),
        format!(
            "An admission is good until the discharge, and {stay} days at most unless it is renewed; a referral is good for the institution that it goes to, {sent} days from when it was written."
        ),
    )
}

/// What the pact says of emergencies.
pub(super) fn emergencies(terms: Option<&Emergency>) -> Sentence {
    let Some(Emergency { hours, review_days }) = terms else {
        return Sentence::new(
            "No hay acceso de emergencia.",
            "There is no emergency access.",
        );
    };
    Sentence::new(
        format!(
            "Una emergencia abre {hours} h; en {review_days} días la revisa alguien de fuera de esa área, o el área pierde ese derecho."
        ),
        format!(
            "An emergency opens for {hours} h; within {review_days} days somebody outside that unit reviews it, or the unit loses that right."
        ),
    )
}

/// What the pact says of orders of the state.
pub(super) fn orders(terms: Option<&Orders>) -> Sentence {
    let Some(Orders { hours, notice_days }) = terms else {
        return Sentence::new(
            "Ninguna orden de autoridad abre nada.",
            "No order of an authority opens anything.",
        );
    };
    Sentence::new(
        format!(
            "La orden de una autoridad abre lo que nombra {hours} h, si dos personas la autorizan; la persona lo lee a más tardar en {notice_days} días."
        ),
        format!(
            "An order of an authority opens what it names for {hours} h, if two people release it; the person reads of it within {notice_days} days."
        ),
    )
}

/// What a purpose needs.
pub(super) fn agreed(agreed: &Agreed) -> Sentence {
    let (es, en) = purpose(agreed.purpose);
    if agreed.evidence.is_empty() {
        return Sentence::new(
            format!("Para {es} no se pide prueba."),
            format!("For {en} no evidence is needed."),
        );
    }
    Sentence::new(
        format!("Para {es} se pide: {}.", kinds(agreed, Lang::Es)),
        format!("For {en} it needs: {}.", kinds(agreed, Lang::En)),
    )
}

/// What is never opened.
pub(super) fn never(never: Purpose) -> Sentence {
    let (es, en) = purpose(never);
    Sentence::new(
        format!("Para {es} no se abre nunca nada, ni con permiso de la persona."),
        format!("For {en} nothing is ever opened, not even with the person's leave."),
    )
}

fn kinds(agreed: &Agreed, lang: Lang) -> String {
    let or = match lang {
        Lang::Es => " o ",
        Lang::En => " or ",
    };
    let names = agreed.evidence.iter().map(|kind| {
        let (es, en) = evidence(*kind);
        match lang {
            Lang::Es => es,
            Lang::En => en,
        }
    });
    names.collect::<Vec<_>>().join(or)
}

/// A purpose, after "para" and "for".
pub fn purpose(purpose: Purpose) -> (&'static str, &'static str) {
    match purpose {
        Purpose::Treatment => ("la atención (TREAT)", "care (TREAT)"),
        Purpose::OwnRequest => (
            "lo que pide la persona misma (PATRQT)",
            "what the person herself asks (PATRQT)",
        ),
        Purpose::Family => (
            "lo que pide quien actúa por la persona (FAMRQT)",
            "what whoever acts for the person asks (FAMRQT)",
        ),
        Purpose::Operations => (
            "el trabajo propio de la institución (HOPERAT)",
            "the institution's own work (HOPERAT)",
        ),
        Purpose::Research => ("la investigación (HRESCH)", "research (HRESCH)"),
        Purpose::Payment => ("el cobro (HPAYMT)", "payment (HPAYMT)"),
        Purpose::Emergency => ("una emergencia (BTG)", "an emergency (BTG)"),
        Purpose::State => (
            "la orden de una autoridad (HLEGAL)",
            "the order of an authority (HLEGAL)",
        ),
        Purpose::Underwriting => (
            "decidir si se asegura a alguien (UNDERWRITING)",
            "deciding whether to insure somebody (UNDERWRITING)",
        ),
        Purpose::Employment => (
            "decidir sobre el trabajo de alguien (EMPLOYMENT)",
            "deciding about somebody's job (EMPLOYMENT)",
        ),
    }
}

/// A kind of evidence.
pub fn evidence(kind: EvidenceKind) -> (&'static str, &'static str) {
    match kind {
        EvidenceKind::CheckIn => ("un registro en recepción", "a check-in"),
        EvidenceKind::Appointment => ("una cita", "an appointment"),
        EvidenceKind::PatientCode => ("un código del paciente", "a patient's code"),
        EvidenceKind::Admission => ("un internamiento", "an admission"),
        EvidenceKind::Referral => ("una referencia", "a referral"),
        EvidenceKind::OwnAccess => ("la sesión de la persona misma", "the person's own session"),
        EvidenceKind::Representation => (
            "la sesión de quien actúa por la persona, según la palabra de ella",
            "the session of whoever acts for the person, as her word says",
        ),
        EvidenceKind::Order => (
            "una orden autorizada por dos personas",
            "an order that two people released",
        ),
        EvidenceKind::Emergency => ("una emergencia declarada", "a declared emergency"),
        EvidenceKind::EmergencyConfirmed => (
            "una emergencia confirmada con segundo factor",
            "an emergency confirmed with a second factor",
        ),
    }
}

/// Somebody of a role who cares, at home, with an active licence and all evidence.
fn carer(role: Role) -> Circumstances {
    let member = crate::MemberId("a".into());
    Circumstances {
        actor: "a".into(),
        institution: member.clone(),
        holder: member,
        scope: "person",
        purpose: Purpose::Treatment.code(),
        evidence: EvidenceKind::CARE.map(EvidenceKind::code).to_vec(),
        role: role.code(),
        licence_state: match role {
            Role::Clerk => "none",
            _ => "active",
        },
        institution_kind: "clinic",
        via_other_member: false,
        own_record: false,
        helped: false,
        reviews_overdue: false,
        named: None,
        acting: None,
        delegated: None,
        own_cedula: false,
    }
}

/// Who may work in whose name, by roles.
fn delegates(rulebook: &Rulebook) -> Sentence {
    let roles = [
        (Role::Physician, "una médica", "a physician"),
        (Role::Nurse, "una enfermera", "a nurse"),
        (Role::Pharmacist, "una farmacéutica", "a pharmacist"),
        (Role::Clerk, "la recepción", "the desk"),
    ];
    let mut pairs = Vec::new();
    for (by, es, en) in &roles {
        let known = |role: Role| {
            let circumstances = Circumstances {
                delegated: Some(Delegated {
                    login: "b".into(),
                    role: *by,
                    licence: Some(LicenceState::Active),
                    purposes: vec![Purpose::Treatment],
                    tasks: Task::ALL.to_vec(),
                    stands: true,
                }),
                ..carer(role)
            };
            rulebook.ask(policy::DELEGATE, &circumstances).allowed
        };
        // The desk has no licence, and so names nobody.
        let named = roles
            .iter()
            .filter(|(role, ..)| *by != Role::Clerk && known(*role));
        let (whom_es, whom_en): (Vec<&str>, Vec<&str>) =
            named.map(|(_, es, en)| (*es, *en)).unzip();
        if !whom_es.is_empty() {
            let (whom_es, whom_en) = (list(&whom_es, Lang::Es), list(&whom_en, Lang::En));
            pairs.push((
                format!("En nombre de {es} pueden trabajar {whom_es}."),
                format!("In the name of {en} may work {whom_en}."),
            ));
        }
    }
    match pairs.is_empty() {
        true => Sentence::new(
            "Nadie trabaja en nombre de otra persona.",
            "Nobody works in another one's name.",
        ),
        false => {
            let (es, en): (Vec<String>, Vec<String>) = pairs.into_iter().unzip();
            Sentence::new(es.join(" "), en.join(" "))
        }
    }
}

/// What the policies open to a role for care, at home, with an active licence and all evidence.
fn opens(rulebook: &Rulebook, role: Role) -> Sentence {
    let circumstances = carer(role);
    let may = |action| rulebook.ask(action, &circumstances).allowed;
    let verbs = [
        (policy::READ, "lee", "reads"),
        (policy::WRITE, "escribe", "writes"),
        (policy::DISPENSE, "surte", "dispenses"),
        (policy::REGISTER, "registra", "registers"),
        (policy::RECEIVE, "recibe", "receives"),
        (policy::FIND, "busca", "finds"),
    ];
    let does: Vec<_> = verbs
        .into_iter()
        .filter(|(action, ..)| may(action))
        .collect();
    let seen = match may(policy::READ) {
        true => rulebook.sees(&circumstances).0,
        false => Vec::new(),
    };
    let (es, en) = match role {
        Role::Physician => ("Una médica", "A physician"),
        Role::Nurse => ("Una enfermera", "A nurse"),
        Role::Pharmacist => ("Una farmacéutica", "A pharmacist"),
        _ => ("La recepción", "The desk"),
    };
    let sentence = |who: &str, does: Vec<&str>, lang: Lang| {
        let (nothing, sees, all) = match lang {
            Lang::Es => ("no hace nada", "ve", "todo"),
            Lang::En => ("does nothing", "sees", "everything"),
        };
        let does = match does.is_empty() {
            true => nothing.to_owned(),
            false => list(&does, lang),
        };
        let names: Vec<&str> = seen.iter().map(|category| category.name(lang)).collect();
        match names.len() {
            0 => format!("{who}: {does}."),
            n if n == Category::ALL.len() => format!("{who}: {does}; {sees} {all}."),
            _ => format!("{who}: {does}; {sees} {}.", list(&names, lang)),
        }
    };
    let spanish = does.iter().map(|(_, es, _)| *es).collect();
    let english = does.iter().map(|(.., en)| *en).collect();
    Sentence::new(
        sentence(es, spanish, Lang::Es),
        sentence(en, english, Lang::En),
    )
}

fn member(member: &Member) -> Sentence {
    let (es, en) = kind(member.kind);
    let (id, name, address, public) = (&member.id, &member.name, &member.address, &member.public);
    let former = member.former.iter().map(|former| former.until.to_string());
    let until = former.collect::<Vec<_>>().join(", ");
    let (until_es, until_en) = match until.is_empty() {
        true => (String::new(), String::new()),
        false => (
            format!("; lo firmado con sus llaves de antes vale hasta {until}"),
            format!("; what its former keys signed counts up to {until}"),
        ),
    };
    Sentence::new(
        format!("{name} ({id}), {es}: nodo {address}, páginas {public}{until_es}."),
        format!("{name} ({id}), {en}: node {address}, pages {public}{until_en}."),
    )
}

fn kind(kind: MemberKind) -> (&'static str, &'static str) {
    match kind {
        MemberKind::PublicInstitution => ("institución pública", "public institution"),
        MemberKind::PrivateHospital => ("hospital privado", "private hospital"),
        MemberKind::Clinic => ("clínica", "clinic"),
        MemberKind::Pharmacy => ("farmacia", "pharmacy"),
        MemberKind::Laboratory => ("laboratorio", "laboratory"),
        MemberKind::Insurer => ("aseguradora", "insurer"),
        MemberKind::University => ("universidad", "university"),
        MemberKind::Witness => ("testigo de la sociedad civil", "civil-society witness"),
        MemberKind::Authority => ("autoridad", "authority"),
    }
}
