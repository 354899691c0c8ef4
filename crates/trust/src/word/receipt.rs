//! A receipt of what she said: a copy of the record of her word, for her to keep and to show.
//!
//! In the form of ISO/IEC TS 27560:2023, consent record information structure, by the terms of the W3C Data Privacy
//! Vocabulary (the guide "Consent Records and Receipts", profile `dpv-27560:receipt`): header, processing, parties,
//! events. What is in it beside that vocabulary stands under `tejido:`: what changed since the word before, and the
//! signed word itself, with which anybody who has the pact can tell that her node gave it, and that nothing was altered.

use super::{Rule, SignedWord};
use crate::act::hex;
use crate::{Category, Lang, MemberId, Pact, Purpose};
use serde_json::{Value, json};

/// The profile that a receipt and its record follow.
const RECEIPT: &str = "https://w3id.org/dpv/schema/dpv-27560#receipt";
const RECORD: &str = "https://w3id.org/dpv/schema/dpv-27560#record";

/// The receipt of a word, as JSON-LD; `before` is the word that it took the place of.
///
/// Controllers are the members that keep records, recipients those whom a rule names. A purpose that a rule does not
/// name is every one that the pact agrees on. Cost: the words' rules, once each.
pub fn receipt(before: Option<&SignedWord>, now: &SignedWord, pact: &Pact, lang: Lang) -> Value {
    let word = &now.word;
    let names = |member: &MemberId, login: Option<&str>| match login {
        Some(login) => login.to_owned(),
        None => name_of(pact, member),
    };
    let tag = hex(&word.person.0);
    let record = format!("{tag}/{}", word.version);
    let digest = ledger::sha256(&word.canonical());
    let old: &[Rule] = before.map_or(&[], |before| &before.word.rules);
    let sentences = |rules: &[Rule], others: &[Rule]| -> Vec<String> {
        let changed = rules.iter().filter(|rule| !others.contains(rule));
        changed
            .map(|rule| as_it_is_told(rule, pact).sentence(lang, &names))
            .collect()
    };
    let given = match word.rules.is_empty() {
        true => "dpv:ConsentWithdrawn",
        false => "dpv:ConsentGiven",
    };
    let author = pact.member(&word.author);
    let page = author.map(|member| format!("{}/reglas", member.public));
    let controllers = pact.members.iter().map(|member| {
        json!({
            "@type": "dpv:DataController",
            "dct:identifier": member.id.0,
            "dpv:hasName": member.name,
            "dpv:hasContact": member.public,
        })
    });
    let processes = word
        .rules
        .iter()
        .map(|rule| process(rule, pact, lang, &names));
    json!({
        "@context": {
            "dpv": "https://w3id.org/dpv#",
            "dct": "http://purl.org/dc/terms/",
            "loc": "https://w3id.org/dpv/loc#",
            "tejido": "https://tejido.mx/ns#",
        },
        "@type": "dpv:ConsentReceipt",
        "dct:conformsTo": RECEIPT,
        "dct:identifier": format!("{record}/{}", hex(digest.get(..8).unwrap_or_default())),
        "tejido:record": {
            "@type": "dpv:ConsentRecord",
            "dct:conformsTo": RECORD,
            "dct:identifier": record,
            "dct:created": word.said.to_string(),
            "dct:language": match lang { Lang::Es => "es-MX", Lang::En => "en" },
            "dpv:hasDataSubject": { "@type": "dpv:DataSubject", "dct:identifier": tag },
            "dpv:hasNotice": {
                "@type": "dpv:PrivacyNotice",
                "dct:title": pact.network,
                "dct:hasVersion": pact.version,
                "dct:identifier": pact.hash(),
            },
            "dpv:hasLegalBasis": "dpv:ExplicitlyExpressedConsent",
            "dpv:hasJurisdiction": "loc:MX",
            "dpv:hasDataController": controllers.collect::<Vec<_>>(),
            "dpv:hasStorageCondition": {
                "@type": "dpv:StorageCondition",
                "dpv:hasLocation": "loc:MX",
                "dct:description": match lang {
                    Lang::Es => "Cada institución guarda lo que escribió, mientras no se borre.",
                    Lang::En => "Each institution keeps what it wrote until it is erased.",
                },
            },
            "dpv:hasProcess": processes.collect::<Vec<_>>(),
            "dpv:hasConsentControl": { "@type": "dpv:WithdrawConsent", "dct:source": page },
            "dpv:hasConsentStatus": {
                "@type": given,
                "dpv:isIndicatedAtTime": word.said.to_string(),
                "dpv:isIndicatedBy": "dpv:DataSubject",
                "dpv:hasIndicationMethod": author.map(|member| member.name.clone()),
            },
        },
        "tejido:added": sentences(&word.rules, old),
        "tejido:removed": sentences(old, &word.rules),
        "tejido:signedWord": now,
    })
}

/// One rule as a process that she permits or refuses.
fn process(
    rule: &Rule,
    pact: &Pact,
    lang: Lang,
    names: &dyn Fn(&MemberId, Option<&str>) -> String,
) -> Value {
    let agreed = || pact.purposes.iter().map(|agreed| agreed.purpose.code());
    let purposes: Vec<&str> = match rule.purpose {
        Some(purpose) => vec![Purpose::code(purpose)],
        None => agreed().collect(),
    };
    let what: Vec<&str> = match rule.what.is_empty() {
        true => Category::ALL.map(Category::code).to_vec(),
        false => rule.what.iter().map(|category| category.code()).collect(),
    };
    json!({
        "@type": "dpv:Process",
        "dct:identifier": rule.id,
        "dct:description": as_it_is_told(rule, pact).sentence(lang, names),
        "dpv:hasProcessing": "dpv:Access",
        "dpv:hasPurpose": purposes,
        "dpv:hasPersonalData": what,
        "dpv:hasRecipient": rule.who,
        "dpv:hasConsentStatus": match rule.allow {
            true => "dpv:ConsentGiven",
            false => "dpv:ConsentRefused",
        },
        "dpv:hasDuration": {
            "tejido:from": rule.from.map(|from| from.to_string()),
            "tejido:until": rule.until.map(|until| until.to_string()),
        },
        "dpv:hasFrequency": rule.terms.frequency,
        "dpv:hasStorageCondition": rule.terms.erase_at.map(|at| json!({
            "@type": "dpv:StorageDeletion",
            "tejido:eraseAt": at.to_string(),
        })),
        "tejido:rule": rule,
    })
}

/// A rule whose sentence promises no hint that the pact does not let be given.
fn as_it_is_told(rule: &Rule, pact: &Pact) -> Rule {
    let seals = pact.seals.as_ref();
    Rule {
        hint: seals.map_or(rule.hint, |seals| seals.lets_tell(rule)),
        ..rule.clone()
    }
}

fn name_of(pact: &Pact, member: &MemberId) -> String {
    let known = pact.member(member).map(|member| member.name.clone());
    known.unwrap_or_else(|| member.0.clone())
}
