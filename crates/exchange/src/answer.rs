//! What this node answers to another member. Everything goes through the gate; blocking.

use crate::linkage::Runs;
use crate::message::{
    AboutAct, AnswerHead, Ask, FindAsk, FindWho, RedeemAsk, ReferralAsk, path, write_answer,
};
use crate::server::{Reply, refusal};
use crate::{Answer, Candidate};
use fhir::json::{Limits, parse};
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use trust::{
    Actor, Gate, MemberId, News, PersonRef, Purpose, Refusal, RefusalKind, Request, Settled,
    SignedWord, Tag, What,
};

/// Acts of a log that one answer carries.
const LOG_ACTS: usize = 1_000;
/// Candidates that one answer carries; who matches more must ask more exactly.
const CANDIDATES: usize = 10;

/// Answers one message of a member.
pub(crate) fn answer(gate: &Gate, runs: &Runs, from: &MemberId, path: &str, body: &[u8]) -> Reply {
    let now = Timestamp::now();
    let answered = match path {
        path::ASK => read(body).and_then(|ask: Ask| record(gate, ask.into_request_of(from)?, now)),
        path::FIND => read(body).and_then(|ask: FindAsk| {
            vouched(&ask.actor, from)?;
            let found = find(gate, &ask.actor, &ask.who, Some(from.clone()), now)?;
            json(&found)
        }),
        path::LOG => read(body).and_then(|ask: Ask| {
            let grant = gate.decide(ask.into_request_of(from)?, now)?;
            json(&gate.acts(&grant, None, LOG_ACTS, now)?)
        }),
        path::RECEIPT => read(body).and_then(|about: AboutAct| {
            let grant = gate.decide(about.ask.into_request_of(from)?, now)?;
            Ok(gate.receipt(&grant, &about.act, now)?.into_bytes())
        }),
        path::OPINE => read(body).and_then(|about: AboutAct| {
            let grant = gate.decide(about.ask.into_request_of(from)?, now)?;
            let opinion = about.opinion.ok_or_else(nonsense)?;
            gate.opine(&grant, &about.act, opinion, now)?;
            Ok(Vec::new())
        }),
        path::WORD => read(body).and_then(|word: SignedWord| {
            gate.hear(&word, from, now)?;
            Ok(Vec::new())
        }),
        path::SAID => read(body).and_then(|until: Timestamp| {
            gate.all_said(from, until, now)?;
            Ok(Vec::new())
        }),
        path::VERDICT => read(body).and_then(|news: News| {
            gate.hear_verdict(from, &news, now)?;
            Ok(Vec::new())
        }),
        path::REDEEM => read(body)
            .and_then(|ask: RedeemAsk| json(&gate.redeem(&ask.code, from, &ask.actor, now)?)),
        path::REFERRAL => read(body).and_then(|ask: ReferralAsk| {
            vouched(&ask.actor, from)?;
            json(&gate.referral(&ask.actor, ask.person, now)?)
        }),
        path::LINKAGE_SAID => read(body).and_then(|settled: Settled| {
            gate.hear_settled(from, &settled, now)?;
            Ok(Vec::new())
        }),
        path::LINKAGE_OFFER | path::LINKAGE_PIECE | path::LINKAGE_OWN | path::LINKAGE_TOLD => {
            runs.answer(gate, from, path, body)
        }
        _ => Err(refusal(
            RefusalKind::Bad,
            "Este nodo no conoce ese mensaje.",
            "This node does not know that message.",
        )),
    };
    match answered {
        Ok(body) => Reply::ok(body),
        Err(refusal) => Reply::refused(&refusal),
    }
}

/// Whom a message is about, where what answers it may hang on her record: it leaves at a beat of the member and this
/// question, so that no actor and no evidence of the asker's draws another one. `None` of what is about nobody here.
pub(crate) fn about(path: &str, body: &[u8]) -> Option<String> {
    let about = match path {
        path::ASK | path::LOG | path::REFERRAL => {
            serde_json::from_slice::<Whom>(body).ok()?.person.hex()
        }
        path::FIND => serde_json::from_slice::<Wanted>(body).ok()?.who.words(),
        path::RECEIPT | path::OPINE => {
            let asked: AskedOf = serde_json::from_slice(body).ok()?;
            format!("{} {}", asked.ask.person.hex(), asked.act)
        }
        _ => return None,
    };
    Some(format!("{path} {about}"))
}

/// As much of an [`Ask`] or a [`ReferralAsk`] as says whom it is about.
#[derive(Deserialize)]
struct Whom {
    person: Tag,
}

/// The same of a [`FindAsk`].
#[derive(Deserialize)]
struct Wanted {
    who: FindWho,
}

/// The same of an [`AboutAct`].
#[derive(Deserialize)]
struct AskedOf {
    ask: Whom,
    act: String,
}

/// Takes a pact that another member brings, if our own rules allow.
pub(crate) fn pact(gate: &Gate, body: &[u8]) -> Reply {
    match gate.adopt(&String::from_utf8_lossy(body), Timestamp::now()) {
        Ok(()) => Reply::ok(Vec::new()),
        Err(refusal) => Reply::refused(&refusal),
    }
}

pub(crate) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body).map_err(|error| {
        let mut refusal = nonsense();
        refusal.because.push(error.to_string());
        refusal
    })
}

pub(crate) fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(|_| nonsense())
}

pub(crate) fn nonsense() -> Refusal {
    refusal(
        RefusalKind::Bad,
        "El mensaje no se entiende.",
        "The message cannot be understood.",
    )
}

/// A member speaks for its own people only: a relay cannot lend its voice to a stranger.
fn vouched(actor: &Actor, from: &MemberId) -> Result<(), Refusal> {
    if actor.member == *from {
        return Ok(());
    }
    Err(refusal(
        RefusalKind::Forged,
        "Una institución sólo puede preguntar por su propia gente.",
        "An institution can only ask on behalf of its own people.",
    ))
}

impl Ask {
    fn into_request_of(self, from: &MemberId) -> Result<Request, Refusal> {
        vouched(&self.actor, from)?;
        Ok(self.into_request(from.clone()))
    }
}

/// The person's record here, as bytes for the wire.
fn record(gate: &Gate, request: Request, now: Timestamp) -> Result<Vec<u8>, Refusal> {
    let asked_word = request.word.as_ref().map_or(0, |w| w.word.version);
    let (head, page, word) = open(gate, request, now)?;
    // The asker may stand on an older word than ours: the newer one goes back with the answer.
    let word = word.filter(|w| w.word.version > asked_word);
    let head = AnswerHead { word, ..head };
    let bodies = page.matches.iter().chain(&page.included).map(|v| &*v.body);
    write_answer(&head, bodies).map_err(|_| nonsense())
}

/// The person's record here, for this node itself.
pub(crate) fn own_record(gate: &Gate, request: Request, now: Timestamp) -> Result<Answer, Refusal> {
    let (head, page, _) = open(gate, request, now)?;
    let limits = Limits::default();
    let bodies = page.matches.iter().chain(&page.included);
    let resources = bodies
        .filter_map(|v| parse(&v.body, &limits).ok())
        .collect();
    Ok(head.answer(resources))
}

fn open(
    gate: &Gate,
    request: Request,
    now: Timestamp,
) -> Result<(AnswerHead, store::Page, Option<SignedWord>), Refusal> {
    let grant = gate.decide(request, now)?;
    let word = grant.tag.and_then(|tag| gate.word(tag));
    let held = gate
        .store()
        .everything(&grant.permit, &store::Asked::default())
        .map_err(unavailable)?;
    let withholds = || gate.store().withholds(&grant.permit, grant.untold);
    let withheld = grant.hint && withholds().map_err(unavailable)?;
    let (page, act) = gate.open_answer(&grant, held, now)?;
    let head = AnswerHead {
        withheld,
        cautious: false,
        act,
        word: None,
        erase_at: grant.erase_at,
        again: grant.again,
    };
    Ok((head, page, word))
}

fn unavailable(error: store::Error) -> Refusal {
    tracing::error!(%error, "the archive did not answer");
    refusal(
        RefusalKind::Unavailable,
        "El archivo de este nodo no responde; intenta en un momento.",
        "This node's archive does not answer; try again in a moment.",
    )
}

/// Who is meant, among the people of this node. Only exact names and birth dates match.
pub(crate) fn find(
    gate: &Gate,
    actor: &Actor,
    who: &FindWho,
    via: Option<MemberId>,
    now: Timestamp,
) -> Result<Vec<Candidate>, Refusal> {
    let patient = ResourceType::from_name("Patient").ok_or_else(nonsense)?;
    let request = Request {
        actor: actor.clone(),
        purpose: Purpose::Treatment,
        person: match who {
            FindWho::Tag(tag) => PersonRef::Tag(*tag),
            FindWho::Name { .. } => PersonRef::Everyone,
        },
        verbs: store::Verbs::only(store::Verb::Search),
        types: Some(vec![patient]),
        evidence: Vec::new(),
        via,
        word: None,
        what: What::Find,
    };
    let grant = gate.decide(request, now)?;
    let pairs: Vec<(String, String)> = match who {
        FindWho::Tag(_) => Vec::new(),
        FindWho::Name {
            family, birth_date, ..
        } => {
            vec![
                ("family".into(), escape(family)),
                ("birthdate".into(), birth_date.clone()),
            ]
        }
    };
    let query = fhir::query::parse(
        &fhir::search::Catalog::r4(),
        patient,
        &pairs,
        fhir::query::Handling::Strict,
    )
    .map_err(|issues| {
        let because = issues.into_iter().map(|i| i.diagnostics).collect();
        Refusal {
            because,
            ..refusal(
                RefusalKind::Bad,
                "Revisa el nombre y la fecha.",
                "Check the name and the date.",
            )
        }
    })?;
    let held = gate
        .store()
        .search(&grant.permit, &query, None)
        .map_err(unavailable)?;
    let (page, _) = gate.open_answer(&grant, held, now)?;
    let limits = Limits::default();
    let patients = page
        .matches
        .iter()
        .filter_map(|v| parse(&v.body, &limits).ok());
    let meant = patients.filter(|p| match who {
        FindWho::Tag(_) => true,
        FindWho::Name {
            given,
            family,
            birth_date,
        } => p.text("birthDate") == Some(birth_date.as_str()) && same_name(p, given, family),
    });
    Ok(meant
        .take(CANDIDATES)
        .map(|p| candidate(gate, &p))
        .collect())
}

/// A comma, bar, dollar sign or backslash in a name is part of it, not of the search language.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.trim().chars() {
        if matches!(c, ',' | '|' | '$' | '\\') {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

/// Whether a Patient bears these names, written with or without accents and capitals.
fn same_name(patient: &Value, given: &str, family: &str) -> bool {
    let fold = fhir::search::fold;
    let (given, family) = (fold(given), fold(family));
    patient.list("name").iter().any(|name| {
        let own: Vec<&str> = name
            .list("given")
            .iter()
            .filter_map(Value::as_str)
            .collect();
        fold(&own.join(" ")) == given && name.text("family").is_some_and(|f| fold(f) == family)
    })
}

fn candidate(gate: &Gate, patient: &Value) -> Candidate {
    let names = patient.list("name");
    let name = names.first().map(|name| {
        let given = name.list("given").iter().filter_map(Value::as_str);
        given
            .chain(name.text("family"))
            .collect::<Vec<_>>()
            .join(" ")
    });
    let curp = patient
        .list("identifier")
        .iter()
        .find(|i| i.text("system") == Some(mx::systems::CURP));
    Candidate {
        name: name.unwrap_or_default(),
        birth_date: patient.text("birthDate").unwrap_or_default().to_owned(),
        gender: patient.text("gender").unwrap_or_default().to_owned(),
        curp: curp
            .and_then(|i| i.text("value"))
            .unwrap_or_default()
            .to_owned(),
        members: vec![gate.member()],
    }
}
