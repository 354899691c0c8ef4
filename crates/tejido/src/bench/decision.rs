//! `tejido bench decision`: what a decision costs under a large pact and a long word, by one client, who waits for nobody.
//!
//! The pact has the usual policies and as many more as make 200, the word 50 rules for and against. Warm: the same doctor
//! asks for the same person again. Cold: each time another doctor asks, of whom nothing is remembered. Beside them a read by
//! id under a grant that is there already, its act durable: what the decision adds to it.

use super::Times;
use crate::{Error, out, pact};
use fhir::ResourceType;
use jiff::Timestamp;
use ledger::SigningKey;
use std::fmt::Write;
use std::time::{Duration, Instant};
use store::{Change, Verb, Verbs};
use trust::{
    Actor, Category, Gate, Grant, Licence, LicenceState, Member, MemberId, MemberKind, PersonRef,
    Purpose, Request, Role, Rule, What, Who,
};

/// Policies of the pact, and rules of the word.
const POLICIES: usize = 200;
const RULES: usize = 50;
/// The limit that we set ourselves, warm: microseconds of the 99th in a hundred.
const LIMIT_US: f64 = 50.0;
/// The limit of what a warm decision adds to a read: its work over that of the read and its act.
const LIMIT_ADDED: f64 = 0.15;
/// A person who does not exist.
const CURP: &str = "HEGG560427MVZRRL04";

/// What it takes.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Args {
    /// Seconds for each figure.
    #[arg(long, default_value_t = 5)]
    pub(super) seconds: u64,
}

/// Measures and prints.
///
/// # Errors
/// When the node cannot be made, or a decision that must be a grant is a refusal.
pub(super) fn run(args: &Args) -> Result<(), Error> {
    let folder = std::env::temp_dir().join(format!("tejido-decision-{}", std::process::id()));
    let measured = measure(args, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    measured
}

fn measure(args: &Args, folder: &std::path::Path) -> Result<(), Error> {
    let gate = open(folder)?;
    let now = Timestamp::now();
    let doctor = |login: String| Actor {
        licence: Some(Licence {
            cedula: "1234567".into(),
            specialty: "Medicina general".into(),
            state: LicenceState::Active,
            checked: now,
            supervisor: None,
        }),
        ..actor(&gate, login, Role::Physician)
    };
    let same = doctor("ana".into());
    // Two seconds are plenty for what takes a hundred times as long.
    let (warm, cold) = (args.seconds, args.seconds.min(2));
    let warm = times(warm, |_| decide(&gate, same.clone(), Timestamp::now()))?;
    let cold = times(cold, |n| {
        decide(&gate, doctor(format!("ana{n}")), Timestamp::now())
    })?;
    let met = match warm.percentile(0.99) * 1e3 < LIMIT_US {
        true => "met",
        false => "not met",
    };
    say(
        &warm,
        "warm",
        &format!("limit of p99 {LIMIT_US:.0} us: {met}"),
    );
    say(&cold, "cold", "every policy asked anew for 15 questions");
    let read = reads(&gate, same, args.seconds.min(2))?;
    let added = work(&warm) / work(&read).max(1e-9);
    let met = match added <= LIMIT_ADDED {
        true => "met",
        false => "not met",
    };
    out::line(format!(
        "{:<44}{:>10.2}     {:.1} us of work beside {:.1} us of the read and its act; limit {LIMIT_ADDED}: {met}",
        "what a warm decision adds to a read",
        added,
        work(&warm),
        work(&read)
    ));
    Ok(())
}

/// Reads by id under one grant, each with its act durable.
fn reads(gate: &Gate, actor: Actor, seconds: u64) -> Result<Times, Error> {
    let of = patient()?;
    let grant = granted(gate, actor, Timestamp::now())?;
    times(seconds, |_| {
        let held = gate.store().read(&grant.permit, of, "her");
        let held = held.map_err(|error| Error::say(error.to_string()))?;
        let (found, _) = gate.open_answer(&grant, held, Timestamp::now())?;
        match found {
            Some(_) => Ok(()),
            None => Err(Error::say("she is not here")),
        }
    })
}

/// Microseconds of a core for one.
fn work(times: &Times) -> f64 {
    times.cpu.as_secs_f64() * 1e6 / times.each.len().max(1) as f64
}

fn patient() -> Result<ResourceType, Error> {
    ResourceType::from_name("Patient").ok_or_else(|| Error::say("no Patient"))
}

fn say(times: &Times, what: &str, beside: &str) {
    out::line(format!(
        "{:<44}{:>10}/s   p50 {:>8.1} us   p99 {:>8.1} us   {beside}",
        format!("decisions, {POLICIES} policies, {RULES} rules, {what}"),
        out::count(times.rate() as u64),
        times.percentile(0.5) * 1e3,
        times.percentile(0.99) * 1e3
    ));
}

fn times(seconds: u64, mut one: impl FnMut(u64) -> Result<(), Error>) -> Result<Times, Error> {
    let (mut each, started, worked) = (Vec::new(), Instant::now(), super::cpu());
    one(0)?;
    for number in 1.. {
        let at = Instant::now();
        if at - started >= Duration::from_secs(seconds) {
            break;
        }
        one(number)?;
        each.push(at.elapsed());
    }
    let wall = started.elapsed();
    each.sort_unstable();
    Ok(Times {
        each,
        wall,
        cpu: super::cpu().saturating_sub(worked),
    })
}

fn decide(gate: &Gate, actor: Actor, now: Timestamp) -> Result<(), Error> {
    granted(gate, actor, now).map(drop)
}

fn granted(gate: &Gate, actor: Actor, now: Timestamp) -> Result<Grant, Error> {
    let grant = gate.decide(
        Request {
            actor,
            purpose: Purpose::Treatment,
            person: PersonRef::Patient("her".into()),
            verbs: Verbs::READING,
            types: None,
            evidence: Vec::new(),
            via: None,
            word: None,
            what: What::Summary,
        },
        now,
    )?;
    match grant.grounds.rules.is_empty() {
        true => Err(Error::say(
            "no rule of hers closed anything: the figure would mean nothing",
        )),
        false => Ok(grant),
    }
}

/// A node by itself with one person, who is received and has said her word.
fn open(folder: &std::path::Path) -> Result<Gate, Error> {
    let seed = [7; 32];
    let key = SigningKey::from_seed("bench.example/local", seed)?;
    let member = Member {
        id: MemberId("local".into()),
        name: "Local".into(),
        kind: MemberKind::Clinic,
        key: key.verifier().to_string(),
        address: "localhost:7443".into(),
        public: "https://localhost:8443".into(),
        former: Vec::new(),
    };
    let mut pact = pact::founding("Local", 1, vec![member]);
    pact.policies = policies()?;
    let now = Timestamp::now();
    let gate = Gate::open(
        folder,
        trust::Config {
            member: MemberId("local".into()),
            key: seed,
            network_secret: seed,
            pact: pact::signed(&pact, &[key])?,
            now,
            store: store::Options::default(),
        },
    )?;
    register(&gate, now)?;
    gate.check_in(&actor(&gate, "rosa".into(), Role::Clerk), CURP, now)?;
    let herself = Actor {
        curp: Some(CURP.into()),
        ..actor(&gate, "ella".into(), Role::Patient)
    };
    gate.say(&herself, rules(), now)?;
    Ok(gate)
}

fn actor(gate: &Gate, id: String, role: Role) -> Actor {
    Actor {
        id,
        name: String::new(),
        member: gate.member(),
        role,
        licence: None,
        curp: None,
        helper: None,
        delegator: None,
    }
}

fn register(gate: &Gate, now: Timestamp) -> Result<(), Error> {
    let of = patient()?;
    let text = format!(
        r#"{{"resourceType":"Patient","id":"her","identifier":[{{"system":"{}","value":"{CURP}"}}]}}"#,
        mx::systems::CURP
    );
    let resource = fhir::json::parse(text.as_bytes(), &fhir::json::Limits::default())
        .map_err(|error| Error::say(error.to_string()))?;
    let request = Request {
        actor: crate::import::operator(gate),
        purpose: Purpose::Operations,
        person: PersonRef::Everyone,
        verbs: Verbs::only(Verb::Create).and(Verb::Update),
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Import("bench".into()),
    };
    let grant = gate.decide(request, now)?;
    let change = Change::Update {
        of,
        id: "her".into(),
        resource,
        if_match: None,
    };
    gate.write(&grant, vec![change], now)?;
    Ok(())
}

/// The usual policies, and prohibitions for institutions that are not here until there are enough: each is looked at.
fn policies() -> Result<String, Error> {
    let mut text = trust::policy::DEFAULT.to_owned();
    let usual = text.matches("@id(").count();
    for number in usual..POLICIES {
        write!(
            text,
            "@id(\"closed-{number}\")\nforbid (principal, action in [Action::\"read\", Action::\"see\"], resource)\nwhen {{ context.role == \"physician\" && context.institution_kind == \"kind-{number}\" && context.via_other_member }};\n"
        )
        .map_err(|error| Error::say(error.to_string()))?;
    }
    Ok(text)
}

/// Rules that close and open categories for everybody, kinds, roles, institutions and single doctors.
fn rules() -> Vec<Rule> {
    let categories = Category::ALL.iter().copied().cycle();
    let rules = categories
        .take(RULES)
        .enumerate()
        .map(|(number, category)| {
            let member = MemberId("local".into());
            Rule {
                id: format!("r{number}"),
                allow: number % 3 == 1,
                who: match number % 5 {
                    0 => Who::Everyone,
                    1 => Who::Kind(MemberKind::Clinic),
                    2 => Who::Role(Role::Physician),
                    3 => Who::Member(member),
                    _ => Who::Actor(member, format!("ana{number}")),
                },
                what: vec![category],
                purpose: None,
                until: None,
                hint: number % 2 == 0,
                ..Rule::default()
            }
        });
    rules.collect()
}
