//! Who is who: the work list, two registrations side by side, and a person's own.

use super::frame::Frame;
use crate::text::Text;
use crate::when;
use askama::Template;
use fhir::Value;
use identity::{Explanation, Field, Grade, Pair};
use jiff::Timestamp;
use trust::registry::Hers;
use trust::{MemberId, Resemblance, Stage, Together};

/// What a registration says, in the lines of the page. Empty where it says nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Side {
    /// Whole name.
    pub name: String,
    /// Birth date as written.
    pub birth: String,
    /// Code of FHIR's gender.
    pub gender: String,
    /// Place of birth.
    pub born_in: String,
    /// Numbers: system's last part and value.
    pub numbers: Vec<(String, String)>,
    /// Telephones.
    pub phones: String,
    /// Addresses.
    pub address: String,
    /// Her mother's name.
    pub mother: String,
}

impl Side {
    /// Of a `Patient`.
    pub fn of(patient: &Value) -> Side {
        let read = identity::registration_of(patient);
        let parts = [&read.given, &read.first, &read.second];
        let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
        let name = match parts.is_empty() {
            true => read.full.unwrap_or_default(),
            false => parts.join(" "),
        };
        let address = read.addresses.first().map(|one| {
            let parts = [
                &one.street,
                &one.line2,
                &one.locality,
                &one.postcode,
                &one.region,
            ];
            let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
            parts.join(", ")
        });
        let number = |one: &identity::Identifier| {
            let last = one.system.rsplit('/').next().unwrap_or_default();
            let label = match mx::systems::clues_of_folio(&one.system) {
                Some(_) => "folio".to_owned(),
                None => last.to_uppercase(),
            };
            (label, one.value.clone())
        };
        Side {
            name,
            birth: read.birth.unwrap_or_default(),
            gender: patient.text("gender").unwrap_or_default().to_owned(),
            born_in: read.birth_place.unwrap_or_default(),
            numbers: read.identifiers.iter().map(number).collect(),
            phones: read.phones.join(", "),
            address: address.unwrap_or_default(),
            mother: read.mother.unwrap_or_default(),
        }
    }
    fn numbers_said(&self) -> String {
        let said = self
            .numbers
            .iter()
            .map(|(label, value)| format!("{label} {value}"));
        said.collect::<Vec<_>>().join(" · ")
    }
}

/// Code of a grade, as FHIR's match-grade has it.
pub fn code(grade: Grade) -> &'static str {
    match grade {
        Grade::Certain => "certain",
        Grade::Probable => "probable",
        Grade::Possible => "possible",
        Grade::CertainlyNot => "certainly-not",
    }
}

/// Nothing that is weighed is sure.
fn percent(probability: f64) -> String {
    format!("{:.0}", (probability * 100.0).clamp(0.0, 99.0))
}

fn likeness(t: Text, grade: Grade, probability: f64) -> String {
    let key = format!("registry.grade.{}", code(grade));
    t.fill(&key, &[("n", &percent(probability))])
}

/// One pair on the list.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// Its reference.
    pub reference: String,
    /// How alike they are, or what is to be looked at.
    pub headline: String,
    /// Numbers speak against the rest.
    pub conflict: bool,
}

#[derive(Template)]
#[template(path = "registry.html")]
struct List {
    frame: Frame,
    disputed: Vec<(String, String)>,
    elsewhere: Vec<(String, String)>,
    pairs: Vec<Waiting>,
    open: bool,
}

/// What waits for whoever looks after the register, each with its reference.
pub struct Work<'a> {
    /// What people said not to be theirs, and when.
    pub disputed: &'a [(String, Timestamp)],
    /// Who resembles somebody of another member's, and the name of that.
    pub elsewhere: &'a [(String, String, Resemblance)],
    /// Pairs of this house.
    pub pairs: &'a [(String, Pair)],
    /// Whether the register is filled.
    pub open: bool,
}

/// The work list.
pub fn list(frame: Frame, work: &Work<'_>) -> String {
    let t = frame.t;
    let elsewhere = work.elsewhere.iter().map(|(reference, member, one)| {
        let (date, likeness) = (when::date(t, &when::iso_day(one.at)), resembles(t, one));
        let said = t.fill(
            match one.stage {
                Stage::Open {
                    they_say_one: false,
                } => "registry.elsewhere_of",
                Stage::Open { they_say_one: true } => "registry.elsewhere_they_say",
                Stage::Said => "registry.elsewhere_we_say",
                Stage::Both(Together::Not) => "registry.elsewhere_both_say",
                Stage::Both(_) => "registry.elsewhere_joined",
            },
            &[("member", member), ("date", &date), ("likeness", &likeness)],
        );
        (reference.clone(), said)
    });
    let pairs = work.pairs.iter().map(|(reference, pair)| Waiting {
        reference: reference.clone(),
        headline: match pair.conflict {
            true => t.say("registry.conflict").to_owned(),
            false => likeness(t, pair.grade, pair.score),
        },
        conflict: pair.conflict,
    });
    let disputed = work.disputed.iter().map(|(reference, at)| {
        let day = when::date(t, &when::iso_day(*at));
        (
            reference.clone(),
            t.fill("registry.said_not_me", &[("date", &day)]),
        )
    });
    super::render(&List {
        disputed: disputed.collect(),
        elsewhere: elsewhere.collect(),
        pairs: pairs.collect(),
        open: work.open,
        frame: frame.titled(t.say("nav.registry")),
    })
}

/// How alike somebody here and somebody of another member's are; a number never decides there.
fn resembles(t: Text, one: &Resemblance) -> String {
    likeness(t, Grade::Probable, f64::from(one.per_mille) / 1_000.0)
}

/// A registration here that resembles one of another member's.
pub struct Elsewhere<'a> {
    /// Its reference.
    pub reference: &'a str,
    /// The other member's name.
    pub member: &'a str,
    /// What was found.
    pub found: &'a Resemblance,
    /// What the registration here says; `None` for one that its person closed or that is gone.
    pub side: Option<Side>,
}

#[derive(Template)]
#[template(path = "registry_elsewhere.html")]
struct ElsewherePage<'a> {
    frame: Frame,
    reference: &'a str,
    headline: String,
    agree: String,
    closed: bool,
    without_curp: bool,
    said: String,
    is_one: bool,
    rows: Vec<(String, String)>,
    hint: String,
}

/// The page of one that resembles somebody of another member's: of the other nothing is known but in what they agree.
pub fn elsewhere(frame: Frame, shown: &Elsewhere<'_>) -> String {
    let t = frame.t;
    let (es, en) = trust::pact::parts_in_words(&shown.found.agreed);
    let parts = if t.english() { en } else { es };
    let side = shown.side.clone().unwrap_or_default();
    let rows = LINES.iter().map(|(line, _)| {
        let label = t.say(&format!("registry.line.{line}")).to_owned();
        (label, value(t, &side, line))
    });
    let closed = shown.side.is_none();
    let said = match shown.found.stage {
        Stage::Open {
            they_say_one: false,
        } => String::new(),
        Stage::Open { they_say_one: true } => {
            t.fill("registry.they_say", &[("member", shown.member)])
        }
        Stage::Said => t.fill("registry.we_say", &[("member", shown.member)]),
        Stage::Both(Together::Here) => t.say("registry.both_joined").to_owned(),
        Stage::Both(Together::There) => t.fill("registry.both_told", &[("member", shown.member)]),
        Stage::Both(Together::Not) => t.say("registry.both_say").to_owned(),
    };
    super::render(&ElsewherePage {
        said,
        is_one: !matches!(shown.found.stage, Stage::Open { .. }),
        reference: shown.reference,
        headline: resembles(t, shown.found),
        agree: t.fill(
            "registry.elsewhere_agree",
            &[("member", shown.member), ("parts", &parts)],
        ),
        without_curp: !closed && !side.numbers.iter().any(|(label, _)| label == "CURP"),
        closed,
        rows: rows.filter(|(_, value)| !value.is_empty()).collect(),
        hint: t.fill(
            "registry.elsewhere_decide_hint",
            &[("member", shown.member)],
        ),
        frame: frame.titled(t.say("registry.elsewhere_one")),
    })
}

/// Two registrations side by side.
pub struct Shown<'a> {
    /// Reference of the pair.
    pub reference: &'a str,
    /// What each says; `None` for one that its person closed or that is gone.
    pub sides: [Option<Side>; 2],
    /// What speaks for and against one person.
    pub why: Option<&'a Explanation>,
    /// Whether they are of one person now.
    pub are_one: bool,
}

/// A line of the comparison.
#[derive(Clone, Debug)]
pub struct Row {
    /// What it is.
    pub label: String,
    /// What the first says.
    pub one: String,
    /// What the second says.
    pub other: String,
    /// How they agree, in words; empty where one says nothing.
    pub said: String,
    /// `same`, `alike`, `differs` or nothing.
    pub sign: &'static str,
    /// The drawn sign beside the words.
    pub icon: &'static str,
}

#[derive(Template)]
#[template(path = "registry_pair.html")]
struct PairPage<'a> {
    frame: Frame,
    reference: &'a str,
    headline: String,
    sentence: &'a str,
    conflicts: Vec<&'static str>,
    closed: bool,
    rows: Vec<Row>,
    are_one: bool,
}

/// Fields of the comparison, with the line that shows their values.
const LINES: [(&str, &[Field]); 8] = [
    (
        "name",
        &[Field::Given, Field::First, Field::Second, Field::Other],
    ),
    ("birth", &[Field::Birth]),
    ("gender", &[Field::Sex]),
    ("born_in", &[Field::BirthPlace]),
    ("numbers", &[Field::Curp, Field::Number]),
    ("phones", &[Field::Phone]),
    ("address", &[Field::Address]),
    ("mother", &[Field::Mother]),
];

fn value(t: Text, side: &Side, line: &str) -> String {
    match line {
        "name" => side.name.clone(),
        "birth" => side.birth.clone(),
        "gender" => match side.gender.as_str() {
            "male" | "female" | "other" => t
                .say(&format!("registry.gender.{}", side.gender))
                .to_owned(),
            _ => String::new(),
        },
        "born_in" => side.born_in.clone(),
        "numbers" => side.numbers_said(),
        "phones" => side.phones.clone(),
        "address" => side.address.clone(),
        _ => side.mother.clone(),
    }
}

/// How the fields of a line agree, as the comparison says it.
fn agreement(t: Text, why: Option<&Explanation>, fields: &[Field]) -> (String, &'static str) {
    let said: Vec<_> = why
        .iter()
        .flat_map(|why| &why.fields)
        .filter(|said| fields.contains(&said.field))
        .collect();
    let Some(worst) = said.iter().min_by(|x, y| x.bits.total_cmp(&y.bits)) else {
        return (String::new(), "");
    };
    let sign = match (said.iter().all(|one| one.is_same()), worst.bits >= 0.0) {
        (true, _) => "same",
        (false, true) => "alike",
        (false, false) => "differs",
    };
    let words = said.iter().map(|one| match t.english() {
        true => one.english.as_str(),
        false => one.spanish.as_str(),
    });
    (words.collect::<Vec<_>>().join("; "), sign)
}

/// The page of a pair.
pub fn pair(frame: Frame, shown: &Shown<'_>) -> String {
    let t = frame.t;
    let nothing = Side::default();
    let [one, other] = &shown.sides;
    let closed = one.is_none() || other.is_none();
    let (one, other) = (
        one.as_ref().unwrap_or(&nothing),
        other.as_ref().unwrap_or(&nothing),
    );
    // Of a registration that is closed nothing is told, how it compares included.
    let why = shown.why.filter(|_| !closed);
    let rows = LINES.iter().map(|(line, fields)| {
        let (said, sign) = agreement(t, why, fields);
        Row {
            label: t.say(&format!("registry.line.{line}")).to_owned(),
            one: value(t, one, line),
            other: value(t, other, line),
            icon: match sign {
                "same" => "check",
                "alike" => "twice",
                "differs" => "cross",
                _ => "",
            },
            said,
            sign,
        }
    });
    let rows = rows.filter(|row| !row.one.is_empty() || !row.other.is_empty());
    let conflicts = why.map_or(&[][..], |why| why.conflicts.as_slice());
    let conflicts = conflicts.iter().map(|conflict| match t.english() {
        true => conflict.english(),
        false => conflict.spanish(),
    });
    super::render(&PairPage {
        reference: shown.reference,
        headline: why.map_or_else(String::new, |why| likeness(t, why.grade, why.probability)),
        sentence: why.map_or("", |why| match t.english() {
            true => &why.english,
            false => &why.sentence,
        }),
        conflicts: conflicts.collect(),
        closed,
        rows: rows.collect(),
        are_one: shown.are_one,
        frame: frame.titled(t.say("registry.compare")),
    })
}

/// One of her registrations.
#[derive(Clone, Debug)]
pub struct OwnView {
    /// Its reference.
    pub reference: String,
    /// The name on it.
    pub name: String,
    /// Birth date and numbers.
    pub detail: String,
    /// Why it counts as hers.
    pub how: String,
    /// What the button says to who cannot see what it stands beside.
    pub not_me: String,
}

#[derive(Template)]
#[template(path = "whoami.html")]
struct Own {
    frame: Frame,
    hers: Vec<OwnView>,
}

/// A person's registrations here: reference, what each says, and how it is hers; `name` is how people call a member.
pub fn own(
    frame: Frame,
    hers: &[(String, Side, Hers)],
    name: &dyn Fn(&MemberId) -> String,
) -> String {
    let t = frame.t;
    let views = hers.iter().map(|(reference, side, how)| {
        let birth = match side.birth.len() {
            10 => when::date(t, &side.birth),
            _ => side.birth.clone(),
        };
        let detail = [birth, side.numbers_said()];
        let detail: Vec<&str> = detail
            .iter()
            .map(String::as_str)
            .filter(|part| !part.is_empty())
            .collect();
        OwnView {
            reference: reference.clone(),
            name: side.name.clone(),
            detail: detail.join(" · "),
            how: how_said(t, how, name),
            not_me: t.fill("whoami.not_me_this", &[("name", &side.name)]),
        }
    });
    super::render(&Own {
        hers: views.collect(),
        frame: frame.titled(t.say("nav.whoami")),
    })
}

fn how_said(t: Text, how: &Hers, name: &dyn Fn(&MemberId) -> String) -> String {
    let linked = match how {
        Hers::Curp => return t.say("whoami.by_curp").to_owned(),
        Hers::Linked(linked) => linked,
        Hers::Elsewhere { decision, with } => {
            let date = when::date(t, &when::iso_day(decision.at));
            let n = percent(f64::from(decision.on.per_mille.unwrap_or_default()) / 1_000.0);
            let (who, member) = (decision.name.as_str(), name(with));
            let places = [
                ("name", who),
                ("member", &member),
                ("date", &date),
                ("n", &n),
            ];
            return t.fill("whoami.by_two_members", &places);
        }
    };
    let date = when::date(t, &when::iso_day(linked.at));
    if linked.on.number {
        return t.fill("whoami.by_number", &[("date", &date)]);
    }
    match linked.on.per_mille {
        Some(per_mille) => {
            let n = percent(f64::from(per_mille) / 1_000.0);
            t.fill(
                "whoami.by_somebody_sure",
                &[("name", &linked.name), ("date", &date), ("n", &n)],
            )
        }
        None => t.fill(
            "whoami.by_somebody",
            &[("name", &linked.name), ("date", &date)],
        ),
    }
}
