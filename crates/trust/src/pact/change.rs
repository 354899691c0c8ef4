//! What changes between two versions of a pact, in words, for whoever is asked to sign.

use super::{Member, Pact};
use crate::Lang;

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// In Spanish.
    pub es: String,
    /// In English.
    pub en: String,
}

impl Change {
    fn new(es: String, en: String) -> Change {
        Change { es, en }
    }
    /// In a language.
    pub fn sentence(&self, lang: Lang) -> &str {
        match lang {
            Lang::Es => &self.es,
            Lang::En => &self.en,
        }
    }
}

/// Every difference between two pacts, in plain words: members first, then numbers, then policies line by line.
/// Empty when only version and previous differ.
pub fn diff(old: &Pact, new: &Pact) -> Vec<Change> {
    let mut changes = Vec::new();
    if old.network != new.network {
        changes.push(Change::new(
            format!("La red se llamará {}.", new.network),
            format!("The network will be called {}.", new.network),
        ));
    }
    members(old, new, &mut changes);
    numbers(old, new, &mut changes);
    policies(old, new, &mut changes);
    changes
}

fn members(old: &Pact, new: &Pact, changes: &mut Vec<Change>) {
    for member in &new.members {
        match old.member(&member.id) {
            None => changes.push(Change::new(
                format!("Entra {} ({}).", member.name, member.id),
                format!("{} ({}) joins.", member.name, member.id),
            )),
            Some(before) => fields(before, member, changes),
        }
    }
    for member in &old.members {
        if new.member(&member.id).is_none() {
            changes.push(Change::new(
                format!("Sale {} ({}).", member.name, member.id),
                format!("{} ({}) leaves.", member.name, member.id),
            ));
        }
    }
}

fn fields(old: &Member, new: &Member, changes: &mut Vec<Change>) {
    let (old_kind, new_kind) = (
        crate::act::code_of(&old.kind),
        crate::act::code_of(&new.kind),
    );
    let fields = [
        ("nombre", "name", &old.name, &new.name),
        ("tipo", "kind", &old_kind, &new_kind),
        ("llave", "key", &old.key, &new.key),
        ("dirección", "address", &old.address, &new.address),
        ("página", "page", &old.public, &new.public),
    ];
    for (es, en, before, after) in fields {
        if before != after {
            changes.push(Change::new(
                format!("{} cambia de {es}: de {before} a {after}.", old.name),
                format!("{} changes its {en}: from {before} to {after}.", old.name),
            ));
        }
    }
}

fn numbers(old: &Pact, new: &Pact, changes: &mut Vec<Change>) {
    let count = |number: usize| u64::try_from(number).unwrap_or(u64::MAX);
    let numbers = [
        (
            "Firmas que pide un cambio",
            "Signatures that a change needs",
            count(old.threshold),
            count(new.threshold),
        ),
        (
            "Milisegundos para contestar",
            "Milliseconds to answer",
            old.deadline_ms,
            new.deadline_ms,
        ),
        (
            "Minutos que vale un registro en recepción",
            "Minutes that a check-in is good for",
            old.check_in_minutes,
            new.check_in_minutes,
        ),
        (
            "Minutos que vale una cita",
            "Minutes that an appointment is good for",
            old.appointment_minutes,
            new.appointment_minutes,
        ),
        (
            "Minutos que vale un código del paciente",
            "Minutes that a patient's code is good for",
            old.code_minutes,
            new.code_minutes,
        ),
    ];
    for (es, en, before, after) in numbers {
        if before != after {
            changes.push(Change::new(
                format!("{es}: antes {before}, ahora {after}."),
                format!("{en}: before {before}, now {after}."),
            ));
        }
    }
}

/// Lines that go and lines that come. Order alone is a change too: it is said once.
fn policies(old: &Pact, new: &Pact, changes: &mut Vec<Change>) {
    if old.policies == new.policies {
        return;
    }
    let before = changes.len();
    for line in lines_only_in(&old.policies, &new.policies) {
        changes.push(Change::new(
            format!("Regla que se quita: {line}"),
            format!("Policy line removed: {line}"),
        ));
    }
    for line in lines_only_in(&new.policies, &old.policies) {
        changes.push(Change::new(
            format!("Regla que se agrega: {line}"),
            format!("Policy line added: {line}"),
        ));
    }
    if changes.len() == before {
        changes.push(Change::new(
            "Las reglas cambian de orden o de forma.".into(),
            "The policies change their order or form.".into(),
        ));
    }
}

fn lines_only_in<'t>(these: &'t str, those: &str) -> Vec<&'t str> {
    let mut those: Vec<&str> = those.lines().map(str::trim).collect();
    let mut only = Vec::new();
    for line in these.lines().map(str::trim).filter(|line| !line.is_empty()) {
        match those.iter().position(|other| *other == line) {
            Some(place) => {
                those.swap_remove(place);
            }
            None => only.push(line),
        }
    }
    only
}
