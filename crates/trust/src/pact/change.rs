//! What changes between two versions of a pact, in words, for whoever is asked to sign.

use super::words::{self, Sentence};
use super::{FormerKey, Member, Pact, linkage, seals};

/// Every difference between two pacts, in plain words: members first, then numbers, purposes, and policies line by line.
/// Empty when only version and previous differ.
pub fn diff(old: &Pact, new: &Pact) -> Vec<Sentence> {
    let mut changes = Vec::new();
    if old.network != new.network {
        changes.push(Sentence::new(
            format!("La red se llamará {}.", new.network),
            format!("The network will be called {}.", new.network),
        ));
    }
    members(old, new, &mut changes);
    numbers(old, new, &mut changes);
    if old.emergency != new.emergency {
        changes.push(words::emergencies(new.emergency.as_ref()));
    }
    if old.orders != new.orders {
        changes.push(words::orders(new.orders.as_ref()));
    }
    if old.care != new.care {
        changes.push(words::care(new.care.as_ref()));
    }
    if old.linkage != new.linkage {
        changes.push(linkage::said(new));
    }
    changes.extend(seals::changes(old, new));
    purposes(old, new, &mut changes);
    policies(old, new, &mut changes);
    changes
}

fn members(old: &Pact, new: &Pact, changes: &mut Vec<Sentence>) {
    for member in &new.members {
        match old.member(&member.id) {
            None => changes.push(Sentence::new(
                format!("Entra {} ({}).", member.name, member.id),
                format!("{} ({}) joins.", member.name, member.id),
            )),
            Some(before) => fields(before, member, changes),
        }
    }
    for member in &old.members {
        if new.member(&member.id).is_none() {
            changes.push(Sentence::new(
                format!("Sale {} ({}).", member.name, member.id),
                format!("{} ({}) leaves.", member.name, member.id),
            ));
        }
    }
}

fn fields(old: &Member, new: &Member, changes: &mut Vec<Sentence>) {
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
            changes.push(Sentence::new(
                format!("{} cambia de {es}: de {before} a {after}.", old.name),
                format!("{} changes its {en}: from {before} to {after}.", old.name),
            ));
        }
    }
    former(old, new, changes);
}

/// What becomes of what a member signed with a key that it has no more.
fn former(old: &Member, new: &Member, changes: &mut Vec<Sentence>) {
    let name = &old.name;
    for key in &new.former {
        if !old.former.contains(key) {
            changes.push(Sentence::new(
                format!(
                    "{name}: lo que firmó con su llave anterior hasta {} sigue valiendo.",
                    key.until
                ),
                format!(
                    "{name}: what it signed with its former key up to {} still counts.",
                    key.until
                ),
            ));
        }
    }
    let had = old
        .former
        .iter()
        .map(|former| &former.key)
        .chain([&old.key]);
    let has =
        |key: &String| *key == new.key || new.former.iter().any(|one: &FormerKey| one.key == *key);
    for key in had.filter(|key| !has(key)) {
        changes.push(Sentence::new(
            format!("{name}: nada de lo que firmó con la llave {key} vale ya."),
            format!("{name}: nothing that it signed with the key {key} counts any more."),
        ));
    }
}

fn purposes(old: &Pact, new: &Pact, changes: &mut Vec<Sentence>) {
    for agreed in &new.purposes {
        if !old.purposes.contains(agreed) {
            changes.push(words::agreed(agreed));
        }
    }
    for gone in &old.purposes {
        let stays = new
            .purposes
            .iter()
            .any(|agreed| agreed.purpose == gone.purpose);
        if !stays && !new.purposes.is_empty() {
            let (es, en) = words::purpose(gone.purpose);
            changes.push(Sentence::new(
                format!("Ya no se abre nada para {es}."),
                format!("Nothing is opened any more for {en}."),
            ));
        }
    }
    let (before, after) = (old.never(), new.never());
    let added = after.iter().filter(|purpose| !before.contains(purpose));
    changes.extend(added.map(|purpose| words::never(*purpose)));
    for gone in before.iter().filter(|purpose| !after.contains(purpose)) {
        let (es, en) = words::purpose(*gone);
        changes.push(Sentence::new(
            format!("Para {es} ya puede abrirse algo, si el pacto nombra ese motivo."),
            format!("For {en} something may be opened again, if the pact names that purpose."),
        ));
    }
    if new.purposes.is_empty() && !old.purposes.is_empty() {
        changes.push(Sentence::new(
            "El pacto ya no nombra motivos: qué prueba pide cada uno lo dicen solo sus reglas.",
            "The pact names no purposes any more: what evidence each needs is said by its policies alone.",
        ));
    }
}

fn numbers(old: &Pact, new: &Pact, changes: &mut Vec<Sentence>) {
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
    if old.word_minutes != new.word_minutes {
        changes.push(words::old_words(new.word_minutes));
    }
    for (es, en, before, after) in numbers {
        if before != after {
            changes.push(Sentence::new(
                format!("{es}: antes {before}, ahora {after}."),
                format!("{en}: before {before}, now {after}."),
            ));
        }
    }
}

/// Lines that go and lines that come. Order alone is a change too: it is said once.
fn policies(old: &Pact, new: &Pact, changes: &mut Vec<Sentence>) {
    if old.policies == new.policies {
        return;
    }
    let before = changes.len();
    for line in lines_only_in(&old.policies, &new.policies) {
        changes.push(Sentence::new(
            format!("Regla que se quita: {line}"),
            format!("Policy line removed: {line}"),
        ));
    }
    for line in lines_only_in(&new.policies, &old.policies) {
        changes.push(Sentence::new(
            format!("Regla que se agrega: {line}"),
            format!("Policy line added: {line}"),
        ));
    }
    if changes.len() == before {
        changes.push(Sentence::new(
            "Las reglas cambian de orden o de forma.",
            "The policies change their order or form.",
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
