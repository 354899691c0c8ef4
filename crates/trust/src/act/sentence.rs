//! Acts as sentences. Short words, "tú", one sentence for each act.

use super::{ActKind, ActView, Opinion, emergency, reason, registry, represent};
use crate::What;
use crate::category::{Category, Finding, IDENTITY, joined, list};
use crate::gate::{ASKED, PAGE_MADE, WISHED};
use crate::{EvidenceKind, Lang, MemberId, Purpose, Role};
use jiff::Timestamp;
use jiff::tz::{TimeZone, offset};

/// Gives the name of a member as people say it.
pub(super) type Names<'n> = &'n dyn Fn(&MemberId) -> String;

pub(super) fn spanish(act: &ActView, names: Names<'_>) -> String {
    let hour = hour_es(act.at);
    if let What::Registry(step) = &act.what {
        return registry::sentence(act, step, (&who_es(act, names), names), &hour, Lang::Es);
    }
    if is_own(act) {
        let said = own_es(act, &hour);
        return match &act.helper {
            Some(helper) => format!("Con ayuda de {helper}, en el mostrador: {}", lowered(&said)),
            None => said,
        };
    }
    let who = who_es(act, names);
    if !act.refused.is_empty() {
        let reason = reason::words(&act.refused, Lang::Es);
        return match act.kind {
            ActKind::SignIn => {
                format!("Alguien quiso entrar con tu nombre {hour} y no pudo, porque {reason}.")
            }
            _ if matches!(act.what, What::Erasure(_)) => {
                format!("{who} quiso borrar lo tuyo {hour} y no se le permitió, porque {reason}.")
            }
            _ if asked_whether_sent(act) => {
                format!("{who} preguntó {hour} si te enviaron ahí, y no hay ninguna referencia.")
            }
            _ if act.what == What::Reception => {
                format!("{who} quiso recibirte {hour} y no se le permitió, porque {reason}.")
            }
            _ if act.what == What::Discharge => {
                format!("{who} quiso darte de alta {hour} y no se le permitió, porque {reason}.")
            }
            _ if let What::Glass(step) = &act.what => {
                let tried = emergency::tried(step, &hour, Lang::Es);
                format!("{who} {tried} y no se le permitió, porque {reason}.")
            }
            _ if would_write(act) => {
                format!(
                    "{who} quiso guardar algo tuyo {hour} y no se le permitió, porque {reason}."
                )
            }
            _ => {
                let what = tried(act, Lang::Es);
                format!("{who} quiso ver {what} {hour} y no se le permitió, porque {reason}.")
            }
        };
    }
    let why = why_es(act);
    if matches!(act.what, What::Order(_)) {
        return format!("{who} {}", emergency::ordered(act, &hour, Lang::Es));
    }
    match act.kind {
        ActKind::Read | ActKind::Denied => match (&act.what, act.resources) {
            (What::Find, _) => format!("{who} te buscó por tu nombre {hour}{why}."),
            // What it found may be what she does not wish to know: of that another act speaks.
            (_, 0) => format!("{who} buscó datos tuyos {hour}{why}."),
            _ => format!("{who} vio {} {hour}{why}.", seen(act, Lang::Es)),
        },
        ActKind::Write => format!("{who} {} {hour}{why}.", wrote_es(act)),
        ActKind::Ask => format!("{who} pidió tu historia en otros lugares {hour}{why}."),
        ActKind::Pact => format!("{who} tiene un pacto nuevo {hour}."),
        ActKind::Licence => format!("{who} cambió el estado de una cédula {hour}."),
        ActKind::Delegation => format!("{who} cambió un encargo {hour}."),
        ActKind::Unusual => {
            format!("{who} abrió muchos expedientes sin señal de atención; se notó {hour}.")
        }
        ActKind::SignIn => format!("{who} entró al sistema {hour}."),
        ActKind::Word => represent::by(act, &who, &hour, Lang::Es)
            .unwrap_or_else(|| format!("{} recibió tus reglas nuevas {hour}.", names(&act.node))),
        ActKind::Registry => format!("{who} revisó quién es quién {hour}."),
        ActKind::Evidence => format!("{who} {} {hour}.", evidence_es(act)),
        ActKind::Import => match act.resources {
            1 => format!("{} guardó un registro tuyo {hour}.", names(&act.node)),
            many => format!("{} guardó {many} registros tuyos {hour}.", names(&act.node)),
        },
        ActKind::Emergency | ActKind::Review | ActKind::Order => {
            format!("{who} {}", emergency::done(act, &hour, Lang::Es))
        }
        ActKind::Log if matches!(act.role, Role::Operator | Role::Privacy) => {
            format!("{who} vio por qué alguien miró tu historia {hour}.")
        }
        ActKind::Log if act.purpose == Purpose::Family => {
            format!("{who} miró lo que ha visto por ti {hour}.")
        }
        ActKind::Log => format!("{who} vio contigo quién miró tu historia {hour}."),
        ActKind::Opinion => format!("{who} anotó lo que dijiste de una visita {hour}."),
        ActKind::Disclosure => disclosed_es(act, &who, &hour),
        ActKind::Erasure => match act.resources {
            1 => format!("{who} borró para siempre un registro tuyo {hour}."),
            many => format!("{who} borró para siempre {many} registros tuyos {hour}."),
        },
    }
}

fn own_es(act: &ActView, hour: &str) -> String {
    if !act.refused.is_empty() {
        let reason = reason::words(&act.refused, Lang::Es);
        return match act.kind {
            ActKind::SignIn => {
                format!("Alguien quiso entrar con tu nombre {hour} y no pudo, porque {reason}.")
            }
            _ => format!(
                "Quisiste ver {} {hour} y no se pudo, porque {reason}.",
                tried(act, Lang::Es)
            ),
        };
    }
    match act.kind {
        ActKind::Read | ActKind::Denied => match (&act.what, act.resources) {
            (What::Find, _) => format!("Buscaste tus datos {hour}."),
            (_, 0) => format!("Buscaste tus datos {hour}."),
            _ => format!("Tú viste {} {hour}.", seen(act, Lang::Es)),
        },
        ActKind::Write | ActKind::Import => format!("Tú guardaste datos {hour}."),
        ActKind::Disclosure => format!("Se te avisó de algo {hour}."),
        ActKind::Erasure => format!("Se borró para siempre lo tuyo {hour}."),
        ActKind::Ask => {
            format!("Pediste tu historia a todos los lugares donde te atienden {hour}.")
        }
        ActKind::Pact => format!("Hay un pacto nuevo {hour}."),
        ActKind::Licence => format!("Cambió el estado de una cédula {hour}."),
        ActKind::Delegation => format!("Cambió un encargo {hour}."),
        ActKind::Unusual => format!("Se notó algo fuera de lo común {hour}."),
        ActKind::SignIn => format!("Entraste a tu página {hour}."),
        ActKind::Word => match wish(act) {
            Some(WISHED) => format!("Elegiste de qué no quieres saber {hour}."),
            Some(ASKED) => format!("Pediste saber lo que antes no querías {hour}."),
            _ => represent::own(act, hour, Lang::Es)
                .unwrap_or_else(|| format!("Cambiaste tus reglas {hour}.")),
        },
        ActKind::Evidence => format!("Pediste un código para tu médico {hour}."),
        ActKind::Registry => format!("Revisaste quién es quién {hour}."),
        ActKind::Emergency | ActKind::Review | ActKind::Order => {
            format!("Hubo una emergencia {hour}.")
        }
        ActKind::Log => format!("Viste quién miró tu historia {hour}."),
        ActKind::Opinion => match act.opinion {
            Some(Opinion::NotRight) => format!("Dijiste que una visita no estuvo bien {hour}."),
            _ => format!("Dijiste que una visita estuvo bien {hour}."),
        },
    }
}

/// "La Dra. Ana Ruiz, médica general de Farmacia del Centro," with its closing comma where there is something between.
fn who_es(act: &ActView, names: Names<'_>) -> String {
    let place = names(&act.institution);
    if act.machine {
        return format!("Un sistema de {place}");
    }
    if act.who.is_empty() {
        return format!("Alguien en {place}");
    }
    if act.purpose == Purpose::Family {
        return match act.acting.and_then(|acting| acting.tie) {
            Some(tie) => format!("{}, {},", act.who, tie.yours(Lang::Es)),
            None => format!("{}, que dice actuar por ti,", act.who),
        };
    }
    let female = is_female(&act.who);
    let article = match female {
        Some(true) => "La ",
        Some(false) => "El ",
        None => "",
    };
    let job = job_es(act, female);
    let said = match &act.supervisor {
        Some(answers) => format!(
            "{article}{}, pasante a cargo de {answers} en {place},",
            act.who
        ),
        None => format!("{article}{}, {job} de {place},", act.who),
    };
    match &act.delegator {
        Some(by) => format!("{said} por encargo {},", of_whom(by)),
        None => said,
    }
}

/// A name after "de": "de la Dra. Ana Ruiz".
fn of_whom(name: &str) -> String {
    match is_female(name) {
        Some(true) => format!("de la {name}"),
        Some(false) => format!("del {name}"),
        None => format!("de {name}"),
    }
}

/// What the title in a name says.
fn is_female(name: &str) -> Option<bool> {
    match name.split_whitespace().next()? {
        "Dra." | "Dra" | "Lcda." | "Mtra." | "Enfra." | "Quím.ª" => Some(true),
        "Dr." | "Dr" | "Lcdo." | "Mtro." | "Enfro." => Some(false),
        _ => None,
    }
}

fn job_es(act: &ActView, female: Option<bool>) -> String {
    let specialty = act.specialty.as_deref().unwrap_or_default().to_lowercase();
    match (act.role, specialty.as_str(), female) {
        (Role::Physician, "medicina general" | "médico general" | "médica general", Some(true)) => {
            "médica general".into()
        }
        (Role::Physician, "medicina general" | "médico general" | "médica general", _) => {
            "médico general".into()
        }
        (Role::Physician, "medicina familiar", Some(true)) => "médica familiar".into(),
        (Role::Physician, "medicina familiar", _) => "médico familiar".into(),
        (Role::Physician, "", Some(true)) => "médica".into(),
        (Role::Physician, "", _) => "médico".into(),
        (Role::Physician, specialty, Some(true)) => format!("médica de {specialty}"),
        (Role::Physician, specialty, _) => format!("médico de {specialty}"),
        (Role::Nurse, ..) => "de enfermería".into(),
        (Role::Pharmacist, ..) => "del mostrador".into(),
        (Role::Clerk, ..) => "de recepción".into(),
        (Role::Patient, ..) => "paciente".into(),
        (Role::System, ..) => "un sistema".into(),
        (Role::Operator, ..) => "de sistemas".into(),
        (Role::Privacy, ..) => "de privacidad".into(),
    }
}

fn why_es(act: &ActView) -> &'static str {
    let cares = matches!(act.role, Role::Physician | Role::Nurse);
    match (act.evidence, act.purpose) {
        (Some(EvidenceKind::CheckIn), _) if cares => " porque estabas en consulta",
        (Some(EvidenceKind::CheckIn), _) => " porque te registraron en la recepción",
        (Some(EvidenceKind::Appointment), _) => " porque tenías cita",
        (Some(EvidenceKind::PatientCode), _) => " porque le diste tu código",
        (Some(EvidenceKind::Admission), _) => " porque estabas en su hospital",
        (Some(EvidenceKind::Referral), _) => " porque te enviaron ahí",
        (Some(EvidenceKind::OwnAccess), _) => " porque eras tú",
        (Some(EvidenceKind::Emergency | EvidenceKind::EmergencyConfirmed), _)
        | (None, Purpose::Emergency) => " por una emergencia",
        (None, Purpose::Operations) => " para hacer su trabajo",
        (None, Purpose::Research) => " para un estudio",
        (None, Purpose::Payment) => " para cobrar tu consulta",
        (Some(EvidenceKind::Order), _) | (None, Purpose::State) => " por orden de una autoridad",
        (None, Purpose::Underwriting) => " para decidir si te asegura",
        (None, Purpose::Employment) => " para decidir sobre tu trabajo",
        (Some(EvidenceKind::Representation), _) => " porque actúa por ti",
        (None, Purpose::Treatment | Purpose::OwnRequest | Purpose::Family) => "",
    }
}

fn wrote_es(act: &ActView) -> String {
    match (&act.what, written(act)) {
        (_, Some(Written::Note)) => "escribió una nota de tu consulta".into(),
        (_, Some(Written::Prescription)) => "te recetó medicinas".into(),
        (_, Some(Written::Referral)) => "te envió con otro médico".into(),
        (What::Interaction(line), _) if line.starts_with("DELETE") => {
            format!("borró datos en {}", seen(act, Lang::Es))
        }
        (What::Interaction(line), _) if line.starts_with("PUT") => {
            format!("cambió datos en {}", seen(act, Lang::Es))
        }
        _ => format!("guardó datos en {}", seen(act, Lang::Es)),
    }
}

fn evidence_es(act: &ActView) -> &'static str {
    match act.evidence {
        _ if is_page(act) => "abrió tu página propia, contigo presente",
        Some(EvidenceKind::Appointment) => "te dio una cita",
        Some(EvidenceKind::PatientCode) => "usó tu código",
        Some(EvidenceKind::Admission) if act.what == What::Discharge => "te dio de alta",
        Some(EvidenceKind::Admission) => "te internó",
        Some(EvidenceKind::Referral) if act.node != act.institution => "supo que te enviaron ahí",
        Some(EvidenceKind::Referral) => "vio que te enviaron ahí",
        _ => "te registró en la recepción",
    }
}

pub(super) fn english(act: &ActView, names: Names<'_>) -> String {
    let hour = hour_en(act.at);
    if let What::Registry(step) = &act.what {
        return registry::sentence(act, step, (&who_en(act, names), names), &hour, Lang::En);
    }
    if is_own(act) {
        let said = own_en(act, &hour);
        return match &act.helper {
            Some(helper) => format!("With the help of {helper}, at the desk: {}", lowered(&said)),
            None => said,
        };
    }
    let who = who_en(act, names);
    if !act.refused.is_empty() {
        let reason = reason::words(&act.refused, Lang::En);
        return match act.kind {
            ActKind::SignIn => format!(
                "Somebody tried to sign in with your name {hour} and could not, because {reason}."
            ),
            _ if matches!(act.what, What::Erasure(_)) => format!(
                "{who} tried to erase what is yours {hour} and was not allowed to, because {reason}."
            ),
            _ if asked_whether_sent(act) => format!(
                "{who} asked {hour} whether you were referred there, and there is no referral."
            ),
            _ if act.what == What::Reception => format!(
                "{who} tried to receive you {hour} and was not allowed to, because {reason}."
            ),
            _ if act.what == What::Discharge => format!(
                "{who} tried to discharge you {hour} and was not allowed to, because {reason}."
            ),
            _ if let What::Glass(step) = &act.what => {
                let tried = emergency::tried(step, &hour, Lang::En);
                format!("{who} {tried} and was not allowed to, because {reason}.")
            }
            _ if would_write(act) => format!(
                "{who} tried to save something of yours {hour} and was not allowed to, because {reason}."
            ),
            _ => {
                let what = tried(act, Lang::En);
                format!(
                    "{who} tried to see {what} {hour} and was not allowed to, because {reason}."
                )
            }
        };
    }
    let why = why_en(act);
    if matches!(act.what, What::Order(_)) {
        return format!("{who} {}", emergency::ordered(act, &hour, Lang::En));
    }
    match act.kind {
        ActKind::Read | ActKind::Denied => match (&act.what, act.resources) {
            (What::Find, _) => format!("{who} looked you up by name {hour}{why}."),
            (_, 0) => format!("{who} looked for data of yours {hour}{why}."),
            _ => format!("{who} saw {} {hour}{why}.", seen(act, Lang::En)),
        },
        ActKind::Write => format!("{who} {} {hour}{why}.", wrote_en(act)),
        ActKind::Ask => format!("{who} asked other places for your history {hour}{why}."),
        ActKind::Pact => format!("{who} has a new pact {hour}."),
        ActKind::Licence => format!("{who} changed the state of a licence {hour}."),
        ActKind::Delegation => format!("{who} changed a delegation {hour}."),
        ActKind::Unusual => {
            format!("{who} opened many records without a sign of care; it was noticed {hour}.")
        }
        ActKind::SignIn => format!("{who} signed in {hour}."),
        ActKind::Word => represent::by(act, &who, &hour, Lang::En)
            .unwrap_or_else(|| format!("{} received your new rules {hour}.", names(&act.node))),
        ActKind::Registry => format!("{who} looked into who is who {hour}."),
        ActKind::Evidence => format!("{who} {} {hour}.", evidence_en(act)),
        ActKind::Import => match act.resources {
            1 => format!("{} saved one record of yours {hour}.", names(&act.node)),
            many => format!("{} saved {many} records of yours {hour}.", names(&act.node)),
        },
        ActKind::Emergency | ActKind::Review | ActKind::Order => {
            format!("{who} {}", emergency::done(act, &hour, Lang::En))
        }
        ActKind::Log if matches!(act.role, Role::Operator | Role::Privacy) => {
            format!("{who} looked at why somebody saw your history {hour}.")
        }
        ActKind::Log if act.purpose == Purpose::Family => {
            format!("{who} looked at what she saw for you {hour}.")
        }
        ActKind::Log => format!("{who} looked with you at who saw your history {hour}."),
        ActKind::Opinion => format!("{who} noted what you said of a visit {hour}."),
        ActKind::Disclosure => disclosed_en(act, &who, &hour),
        ActKind::Erasure => match act.resources {
            1 => format!("{who} erased one record of yours for good {hour}."),
            many => format!("{who} erased {many} records of yours for good {hour}."),
        },
    }
}

fn own_en(act: &ActView, hour: &str) -> String {
    if !act.refused.is_empty() {
        let reason = reason::words(&act.refused, Lang::En);
        return match act.kind {
            ActKind::SignIn => format!(
                "Somebody tried to sign in with your name {hour} and could not, because {reason}."
            ),
            _ => format!(
                "You tried to see {} {hour} and it could not be, because {reason}.",
                tried(act, Lang::En)
            ),
        };
    }
    match act.kind {
        ActKind::Read | ActKind::Denied => match (&act.what, act.resources) {
            (What::Find, _) => format!("You looked for your data {hour}."),
            (_, 0) => format!("You looked for your data {hour}."),
            _ => format!("You saw {} {hour}.", seen(act, Lang::En)),
        },
        ActKind::Write | ActKind::Import => format!("You saved data {hour}."),
        ActKind::Disclosure => format!("You were told of something {hour}."),
        ActKind::Erasure => format!("What is yours was erased for good {hour}."),
        ActKind::Ask => format!("You asked all places that care for you for your history {hour}."),
        ActKind::Pact => format!("There is a new pact {hour}."),
        ActKind::Licence => format!("The state of a licence changed {hour}."),
        ActKind::Delegation => format!("A delegation changed {hour}."),
        ActKind::Unusual => format!("Something out of the common was noticed {hour}."),
        ActKind::SignIn => format!("You opened your page {hour}."),
        ActKind::Word => match wish(act) {
            Some(WISHED) => format!("You chose what you do not wish to know {hour}."),
            Some(ASKED) => {
                format!("You asked to know what you did not wish to know before {hour}.")
            }
            _ => represent::own(act, hour, Lang::En)
                .unwrap_or_else(|| format!("You changed your rules {hour}.")),
        },
        ActKind::Evidence => format!("You asked for a code for your doctor {hour}."),
        ActKind::Registry => format!("You looked into who is who {hour}."),
        ActKind::Emergency | ActKind::Review | ActKind::Order => {
            format!("There was an emergency {hour}.")
        }
        ActKind::Log => format!("You looked at who saw your history {hour}."),
        ActKind::Opinion => match act.opinion {
            Some(Opinion::NotRight) => format!("You said that a visit was not right {hour}."),
            _ => format!("You said that a visit was right {hour}."),
        },
    }
}

fn who_en(act: &ActView, names: Names<'_>) -> String {
    let place = names(&act.institution);
    if act.machine {
        return format!("A system of {place}");
    }
    if act.who.is_empty() {
        return format!("Somebody at {place}");
    }
    if act.purpose == Purpose::Family {
        return match act.acting.and_then(|acting| acting.tie) {
            Some(tie) => format!("{}, {},", act.who, tie.yours(Lang::En)),
            None => format!("{}, who says to act for you,", act.who),
        };
    }
    let job = match act.role {
        Role::Physician => match act.specialty.as_deref().map(str::to_lowercase).as_deref() {
            Some("medicina general") => "general practitioner",
            Some("medicina familiar") => "family doctor",
            _ => "doctor",
        },
        Role::Nurse => "nurse",
        Role::Pharmacist => "pharmacist",
        Role::Clerk => "desk clerk",
        Role::Patient => "patient",
        Role::System => "system",
        Role::Operator => "system operator",
        Role::Privacy => "privacy officer",
    };
    let said = match &act.supervisor {
        Some(answers) => format!("{}, trainee under {answers} at {place},", act.who),
        None => format!("{}, {job} at {place},", act.who),
    };
    match &act.delegator {
        Some(by) => format!("{said} in the name of {by},"),
        None => said,
    }
}

fn why_en(act: &ActView) -> &'static str {
    let cares = matches!(act.role, Role::Physician | Role::Nurse);
    match (act.evidence, act.purpose) {
        (Some(EvidenceKind::CheckIn), _) if cares => " because you had a consultation",
        (Some(EvidenceKind::CheckIn), _) => " because you were received at the desk",
        (Some(EvidenceKind::Appointment), _) => " because you had an appointment",
        (Some(EvidenceKind::PatientCode), _) => " because you gave them your code",
        (Some(EvidenceKind::Admission), _) => " because you were in their hospital",
        (Some(EvidenceKind::Referral), _) => " because you were referred there",
        (Some(EvidenceKind::OwnAccess), _) => " because it was you",
        (Some(EvidenceKind::Emergency | EvidenceKind::EmergencyConfirmed), _)
        | (None, Purpose::Emergency) => " in an emergency",
        (None, Purpose::Operations) => " to do their work",
        (None, Purpose::Research) => " for a study",
        (None, Purpose::Payment) => " to be paid for your visit",
        (Some(EvidenceKind::Order), _) | (None, Purpose::State) => " on the order of an authority",
        (None, Purpose::Underwriting) => " to decide whether to insure you",
        (None, Purpose::Employment) => " to decide about your job",
        (Some(EvidenceKind::Representation), _) => " because they act for you",
        (None, Purpose::Treatment | Purpose::OwnRequest | Purpose::Family) => "",
    }
}

fn wrote_en(act: &ActView) -> String {
    match (&act.what, written(act)) {
        (_, Some(Written::Note)) => "wrote a note of your visit".into(),
        (_, Some(Written::Prescription)) => "prescribed you medicines".into(),
        (_, Some(Written::Referral)) => "referred you to another doctor".into(),
        (What::Interaction(line), _) if line.starts_with("DELETE") => {
            format!("removed data in {}", seen(act, Lang::En))
        }
        (What::Interaction(line), _) if line.starts_with("PUT") => {
            format!("changed data in {}", seen(act, Lang::En))
        }
        _ => format!("saved data in {}", seen(act, Lang::En)),
    }
}

fn evidence_en(act: &ActView) -> &'static str {
    match act.evidence {
        _ if is_page(act) => "made a page of your own, with you there",
        Some(EvidenceKind::Appointment) => "gave you an appointment",
        Some(EvidenceKind::PatientCode) => "used your code",
        Some(EvidenceKind::Admission) if act.what == What::Discharge => "discharged you",
        Some(EvidenceKind::Admission) => "admitted you",
        Some(EvidenceKind::Referral) if act.node != act.institution => {
            "was told that you were referred there"
        }
        Some(EvidenceKind::Referral) => "saw that you were referred there",
        _ => "received you at the desk",
    }
}

/// What care writes, by the codes and type names that rooms use.
enum Written {
    Note,
    Prescription,
    Referral,
}

fn written(act: &ActView) -> Option<Written> {
    let What::Writing(what) = &act.what else {
        return None;
    };
    match what.as_str() {
        "note" | "nota" | "Composition" | "DocumentReference" => Some(Written::Note),
        "prescription" | "receta" | "MedicationRequest" => Some(Written::Prescription),
        "referral" | "referencia" | "ServiceRequest" => Some(Written::Referral),
        _ => None,
    }
}

/// Whether what was asked for would have changed the record.
fn would_write(act: &ActView) -> bool {
    match &act.what {
        What::Writing(_) | What::Import(_) | What::Disclosure(_) | What::Erasure(_) => true,
        What::Interaction(line) => !line.starts_with("GET") && !line.contains("_search"),
        What::Summary
        | What::Log
        | What::Find
        | What::Reception
        | What::Discharge
        | What::Glass(_)
        | What::Registry(_)
        | What::Order(_) => {
            matches!(act.kind, ActKind::Write | ActKind::Import)
        }
    }
}

/// Somebody asked here whether she was referred to her institution.
fn asked_whether_sent(act: &ActView) -> bool {
    act.kind == ActKind::Evidence && act.evidence == Some(EvidenceKind::Referral)
}

/// A page of her own was made at a desk.
fn is_page(act: &ActView) -> bool {
    matches!(&act.what, What::Writing(what) if what.split(' ').next() == Some(PAGE_MADE))
}

/// A sentence to come after a colon.
fn lowered(sentence: &str) -> String {
    let mut letters = sentence.chars();
    let first = letters.next().into_iter().flat_map(char::to_lowercase);
    first.chain(letters).collect()
}

/// The person acted about her own record.
fn is_own(act: &ActView) -> bool {
    let hers = act.role == Role::Patient && act.purpose != Purpose::Family;
    act.evidence == Some(EvidenceKind::OwnAccess) || hers
}

/// The ground of a disclosure, who proposed it, and the reason.
fn disclosure(act: &ActView) -> (&str, &str, &str) {
    let text = match &act.what {
        What::Disclosure(text) => text.as_str(),
        _ => "",
    };
    let mut lines = text.splitn(3, '\n');
    let mut line = || lines.next().unwrap_or_default();
    (line(), line(), line())
}

fn disclosed_es(act: &ActView, who: &str, hour: &str) -> String {
    let (ground, first, reason) = disclosure(act);
    let because = match ground {
        "imminent-danger" => "corre prisa y se puede tratar",
        "third-party" => "protege a otra persona",
        _ => "una ley lo manda",
    };
    match Finding::of(act.categories).is_empty() {
        true => format!(
            "{who} y {first} decidieron {hour} avisarte de algo que no querías saber, porque {because}: {reason}."
        ),
        false => format!(
            "{who} y {first} trataron {hour} {} que no querías saber, porque {because}: {reason}.",
            seen(act, Lang::Es)
        ),
    }
}

fn disclosed_en(act: &ActView, who: &str, hour: &str) -> String {
    let (ground, first, reason) = disclosure(act);
    let because = match ground {
        "imminent-danger" => "it is urgent and can be treated",
        "third-party" => "it protects somebody else",
        _ => "a law demands it",
    };
    match Finding::of(act.categories).is_empty() {
        true => format!(
            "{who} and {first} decided {hour} to tell you something that you did not wish to know, because {because}: {reason}."
        ),
        false => format!(
            "{who} and {first} dealt {hour} with {} that you did not wish to know, because {because}: {reason}.",
            seen(act, Lang::En)
        ),
    }
}

/// What a word that she said was about, if it was a wish not to know.
fn wish(act: &ActView) -> Option<&str> {
    match &act.what {
        What::Writing(what) => Some(what),
        _ => None,
    }
}

/// What was seen or written.
fn seen(act: &ActView, lang: Lang) -> String {
    let findings = Finding::of(act.categories);
    if !findings.is_empty() {
        let names: Vec<&str> = findings.iter().map(|one| one.inside(lang)).collect();
        return match lang {
            Lang::Es => format!("un hallazgo sobre {}", list(&names, lang)),
            Lang::En => format!("a finding about {}", list(&names, lang)),
        };
    }
    let categories = Category::of(act.categories);
    if categories.is_empty() && act.categories.meets(IDENTITY) {
        return match lang {
            Lang::Es => "tu nombre y tus datos de registro".into(),
            Lang::En => "your name and contact data".into(),
        };
    }
    if categories.is_empty() {
        return tried(act, lang);
    }
    joined(&categories, lang)
}

/// What somebody wanted to see and did not.
fn tried(act: &ActView, lang: Lang) -> String {
    let categories = Category::of(act.categories);
    if !categories.is_empty() {
        return joined(&categories, lang);
    }
    match lang {
        Lang::Es => "tu historia".into(),
        Lang::En => "your history".into(),
    }
}

/// Hour and minute in central Mexico, which has had no summer time since 30 October 2022 (Ley de los Husos Horarios).
fn clock(at: Timestamp) -> (i8, i8) {
    let local = at.to_zoned(TimeZone::fixed(offset(-6)));
    (local.hour(), local.minute())
}

fn hour_es(at: Timestamp) -> String {
    match clock(at) {
        (1, minute) => format!("a la 1:{minute:02}"),
        (hour, minute) => format!("a las {hour}:{minute:02}"),
    }
}

fn hour_en(at: Timestamp) -> String {
    let (hour, minute) = clock(at);
    format!("at {hour}:{minute:02}")
}

/// A day and a time of it in words.
pub(crate) fn moment(at: Timestamp, lang: Lang) -> String {
    let hour = match lang {
        Lang::Es => hour_es(at),
        Lang::En => hour_en(at),
    };
    format!("{} {hour}", day(at, lang))
}

/// A day in words: "3 de marzo de 2027", "3 March 2027".
pub(crate) fn day(at: Timestamp, lang: Lang) -> String {
    const MONTHS: [(&str, &str); 12] = [
        ("enero", "January"),
        ("febrero", "February"),
        ("marzo", "March"),
        ("abril", "April"),
        ("mayo", "May"),
        ("junio", "June"),
        ("julio", "July"),
        ("agosto", "August"),
        ("septiembre", "September"),
        ("octubre", "October"),
        ("noviembre", "November"),
        ("diciembre", "December"),
    ];
    let local = at.to_zoned(TimeZone::fixed(offset(-6)));
    let (day, year) = (local.day(), local.year());
    let month = usize::try_from(local.month() - 1).unwrap_or_default();
    let (es, en) = MONTHS.get(month).copied().unwrap_or_default();
    match lang {
        Lang::Es => format!("{day} de {es} de {year}"),
        Lang::En => format!("{day} {en} {year}"),
    }
}
