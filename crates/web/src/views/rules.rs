//! My rules: in sentences, with a form that says one more and a preview of what it changes before it is said.

use super::field::{Choice, Field, Form, choice};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::threads::Threads;
use crate::when;
use askama::Template;
use trust::{Category, MemberId, MemberKind, Previewed, Purpose, Role, Rule, Who};

/// A rule as a sentence.
#[derive(Clone, Debug)]
pub struct RuleView {
    /// Names it.
    pub id: String,
    /// The sentence.
    pub sentence: String,
    /// What somebody refused is told, and until when.
    pub detail: String,
    /// Opens rather than closes.
    pub allow: bool,
}

/// One category in the preview.
#[derive(Clone, Debug)]
pub struct PreviewRow {
    /// The category in words.
    pub what: String,
    /// Open with the rule.
    pub open: bool,
    /// Open today.
    pub today: bool,
}

/// The preview.
#[derive(Clone, Debug)]
pub struct Preview {
    /// Whose eyes.
    pub headline: String,
    /// What changes, in one sentence.
    pub difference: String,
    /// Category by category.
    pub rows: Vec<PreviewRow>,
}

/// A category with its box.
#[derive(Clone, Debug)]
pub struct Tick {
    /// Code.
    pub code: &'static str,
    /// Words.
    pub label: String,
    /// Ticked.
    pub on: bool,
}

/// Whom a rule can be about, as the form sends it: `kind:pharmacy`, `member:imss`, `role:nurse`, `everyone`, or a
/// sealed name of one professional.
pub(crate) fn who_code(who: &Who) -> String {
    match who {
        Who::Everyone => "everyone".to_owned(),
        Who::Kind(kind) => format!("kind:{}", kind_code(*kind)),
        Who::Member(member) => format!("member:{member}"),
        Who::Role(role) => format!("role:{}", role_code(*role)),
        Who::Actor(member, login) => format!("actor:{member}:{login}"),
    }
}

/// Reads [`who_code`].
pub(crate) fn who_of(code: &str) -> Option<Who> {
    let (family, rest) = code.split_once(':').unwrap_or((code, ""));
    match family {
        "everyone" => Some(Who::Everyone),
        "kind" => KINDS
            .iter()
            .find(|k| kind_code(**k) == rest)
            .map(|k| Who::Kind(*k)),
        "member" => Some(Who::Member(MemberId(rest.to_owned()))),
        "role" => ROLES
            .iter()
            .find(|r| role_code(**r) == rest)
            .map(|r| Who::Role(*r)),
        "actor" => {
            let (member, login) = rest.split_once(':')?;
            Some(Who::Actor(MemberId(member.to_owned()), login.to_owned()))
        }
        _ => None,
    }
}

const KINDS: [MemberKind; 6] = [
    MemberKind::Pharmacy,
    MemberKind::PrivateHospital,
    MemberKind::PublicInstitution,
    MemberKind::Clinic,
    MemberKind::Laboratory,
    MemberKind::Insurer,
];
const ROLES: [Role; 3] = [Role::Physician, Role::Nurse, Role::Pharmacist];

fn kind_code(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::PublicInstitution => "public-institution",
        MemberKind::PrivateHospital => "private-hospital",
        MemberKind::Clinic => "clinic",
        MemberKind::Pharmacy => "pharmacy",
        MemberKind::Laboratory => "laboratory",
        MemberKind::Insurer => "insurer",
        MemberKind::University => "university",
        MemberKind::Witness => "witness",
        MemberKind::Authority => "authority",
    }
}

fn role_code(role: Role) -> &'static str {
    match role {
        Role::Physician => "physician",
        Role::Nurse => "nurse",
        Role::Pharmacist => "pharmacist",
        Role::Clerk => "clerk",
        Role::Patient => "patient",
        Role::System => "system",
        Role::Operator => "operator",
    }
}

/// Whom, in words: `las farmacias`.
pub(crate) fn who_words(t: Text, threads: &Threads, who: &Who) -> String {
    match who {
        Who::Everyone => t.say("whom.everyone").to_owned(),
        Who::Kind(kind) => t.say(&format!("whom.{}", kind_code(*kind))).to_owned(),
        Who::Member(member) => threads.name(member),
        Who::Role(role) => t.say(&format!("whom.{}", role_code(*role))).to_owned(),
        Who::Actor(member, login) => t.fill(
            "whom.actor",
            &[("login", login), ("where", &threads.name(member))],
        ),
    }
}

/// A category in words: `mis medicinas`.
pub(crate) fn category(t: Text, category: Category) -> String {
    t.say(&format!("category.{}", category.code())).to_owned()
}

fn listed(t: Text, words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [most @ .., last] => format!("{} {} {last}", most.join(", "), t.say("word.and")),
    }
}

/// A rule as a sentence.
pub(crate) fn rule(t: Text, threads: &Threads, rule: &Rule) -> RuleView {
    let what: Vec<String> = rule.what.iter().map(|c| category(t, *c)).collect();
    let key = if rule.allow {
        "rule.opens"
    } else {
        "rule.closes"
    };
    let plural = match &rule.who {
        Who::Everyone | Who::Member(_) | Who::Actor(..) => "one",
        Who::Kind(_) | Who::Role(_) => "many",
    };
    let whom = who_words(t, threads, &rule.who);
    let nothing = if rule.allow {
        "category.all"
    } else {
        "category.nothing"
    };
    let what = if what.is_empty() {
        t.say(nothing).to_owned()
    } else {
        listed(t, &what)
    };
    let mut sentence = capital(&t.fill(
        &format!("{key}.{plural}"),
        &[("who", &whom), ("what", &what)],
    ));
    if let Some(purpose) = rule.purpose {
        sentence = format!("{sentence} {}", t.say(purpose_key(purpose)));
    }
    let mut detail = vec![match rule.until {
        None => t.say("rule.always").to_owned(),
        Some(until) => t.fill(
            "rule.until",
            &[("date", &when::date(t, &when::iso_day(until)))],
        ),
    }];
    if !rule.allow {
        let key = if rule.hint {
            "rule.hint"
        } else {
            "rule.silence"
        };
        detail.push(t.say(key).to_owned());
    }
    RuleView {
        id: rule.id.clone(),
        sentence,
        detail: detail.join(" "),
        allow: rule.allow,
    }
}

fn capital(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

fn purpose_key(purpose: Purpose) -> &'static str {
    match purpose {
        Purpose::Treatment => "purpose.treatment",
        Purpose::OwnRequest => "purpose.own",
        Purpose::Operations => "purpose.operations",
        Purpose::Research => "purpose.research",
        Purpose::Payment => "purpose.payment",
    }
}

/// What a preview says.
pub fn preview(t: Text, threads: &Threads, who: &Who, rows: &[Previewed]) -> Preview {
    let whom = who_words(t, threads, who);
    let rows: Vec<PreviewRow> = rows
        .iter()
        .map(|p| PreviewRow {
            what: category(t, p.category),
            open: p.open,
            today: p.open_today,
        })
        .collect();
    let of = |pick: fn(&PreviewRow) -> bool| -> Vec<String> {
        rows.iter()
            .filter(|r| pick(r))
            .map(|r| r.what.clone())
            .collect()
    };
    let (closes, opens) = (of(|r| r.today && !r.open), of(|r| !r.today && r.open));
    let mut difference = Vec::new();
    if !closes.is_empty() {
        difference.push(t.fill("preview.closes", &[("what", &listed(t, &closes))]));
    }
    if !opens.is_empty() {
        difference.push(t.fill("preview.opens", &[("what", &listed(t, &opens))]));
    }
    if difference.is_empty() {
        difference.push(t.say("preview.same").to_owned());
    }
    Preview {
        headline: t.fill("preview.headline", &[("who", &whom)]),
        difference: difference.join(" "),
        rows,
    }
}

/// What the page is made of.
pub struct Input<'a> {
    /// The rules in force.
    pub rules: &'a [Rule],
    /// A professional from the log, to make a rule about: (code, words).
    pub actor: Option<(String, String)>,
    /// The form as typed.
    pub typed: &'a Fields,
    /// What is wrong with it.
    pub errors: &'a [FieldError],
    /// The preview, once asked for.
    pub preview: Option<Preview>,
}

#[derive(Template)]
#[template(path = "rules.html")]
struct Page<'a> {
    frame: Frame,
    /// Sealed name of a professional that the form may be about.
    about: String,
    rules: Vec<RuleView>,
    verb: Field,
    who: Field,
    until: Field,
    date: Field,
    eyes: Field,
    kinds: Vec<Tick>,
    topics: Vec<Tick>,
    everything: bool,
    silence: bool,
    what_error: String,
    errors: &'a [FieldError],
    preview: Option<Preview>,
}

/// The page.
pub fn page(frame: Frame, input: Input<'_>) -> String {
    let t = frame.t;
    let threads = frame.threads.clone();
    let f = Form {
        t,
        prefix: "field",
        typed: input.typed,
        errors: input.errors,
    };
    let whom = whom_choices(t, &threads, &input);
    let mut eyes = vec![choice("", t.say("field.same_as_who"))];
    eyes.extend(whom.iter().skip(1).cloned());
    let boxes = |topics: bool| -> Vec<Tick> {
        Category::ALL
            .into_iter()
            .filter(|c| (*c as u8 >= 16) == topics)
            .map(|c| Tick {
                code: c.code(),
                label: category(t, c),
                on: input.typed.has("what", c.code()),
            })
            .collect()
    };
    let untils = ["always", "day", "week", "month", "year", "date"]
        .map(|u| choice(u, t.say(&format!("until.{u}"))));
    let verbs = ["close", "open"].map(|v| choice(v, t.say(&format!("verb.{v}"))));
    let mut who = f.choice("who", whom);
    if who.value.is_empty() {
        who.value = input.actor.map_or_else(String::new, |(code, _)| code);
    }
    let about = input.typed.get("quien").to_owned();
    super::render(&Page {
        about,
        rules: input.rules.iter().map(|r| rule(t, &threads, r)).collect(),
        verb: f.choice("verb", verbs.into()),
        who,
        until: f.choice("until", untils.into()),
        date: f.of("until_date", "date"),
        eyes: f.choice("eyes", eyes),
        kinds: boxes(false),
        topics: boxes(true),
        everything: input.typed.has("what", "everything"),
        silence: input.typed.get("hint") == "silence",
        what_error: input
            .errors
            .iter()
            .find(|e| e.field == "what")
            .map_or_else(String::new, |e| e.sentence.clone()),
        errors: input.errors,
        preview: input.preview,
        frame: frame.titled(t.say("nav.rules")),
    })
}

fn whom_choices(t: Text, threads: &Threads, input: &Input<'_>) -> Vec<Choice> {
    let mut out = vec![choice("", t.say("field.choose"))];
    if let Some((code, words)) = &input.actor {
        out.push(choice(code, words));
    }
    let mut add = |who: Who| out.push(choice(&who_code(&who), &who_words(t, threads, &who)));
    add(Who::Everyone);
    for kind in KINDS {
        add(Who::Kind(kind));
    }
    for role in ROLES {
        add(Who::Role(role));
    }
    for member in threads.all() {
        add(Who::Member(MemberId(member.id)));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use trust::Lang;

    fn closing(who: Who, what: &[Category]) -> Rule {
        Rule {
            id: "r1".into(),
            allow: false,
            who,
            what: what.to_vec(),
            purpose: None,
            until: None,
            hint: true,
        }
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let threads = Threads::new([("imss", "IMSS")]);
        let pharmacies = closing(
            Who::Kind(MemberKind::Pharmacy),
            &[Category::MentalHealth, Category::Hiv],
        );
        let es = rule(Text::of(Lang::Es), &threads, &pharmacies);
        assert_eq!(
            es.sentence,
            "Las farmacias no pueden ver mi salud mental y mi información sobre VIH e ITS."
        );
        let en = rule(Text::of(Lang::En), &threads, &pharmacies);
        assert_eq!(
            en.sentence,
            "Pharmacies cannot see my mental health and my HIV and STI information."
        );
        let all = closing(Who::Member(MemberId("imss".into())), &[]);
        assert_eq!(
            rule(Text::of(Lang::Es), &threads, &all).sentence,
            "IMSS no puede ver nada de mi expediente."
        );
    }

    #[test]
    fn whom_a_rule_is_about_survives_the_form() {
        for who in [
            Who::Everyone,
            Who::Kind(MemberKind::Insurer),
            Who::Member(MemberId("imss".into())),
            Who::Role(Role::Nurse),
            Who::Actor(MemberId("imss".into()), "a:b".into()),
        ] {
            assert_eq!(who_of(&who_code(&who)), Some(who));
        }
        assert_eq!(who_of("role:operator"), None);
        assert_eq!(who_of(""), None);
    }

    #[test]
    fn a_preview_says_what_changes() {
        let row = |category, open, open_today| Previewed {
            category,
            open,
            open_today,
            rule: None,
        };
        let t = Text::of(Lang::Es);
        let rows = [
            row(Category::Medicines, false, true),
            row(Category::Allergies, true, true),
        ];
        let p = preview(
            t,
            &Threads::default(),
            &Who::Kind(MemberKind::Pharmacy),
            &rows,
        );
        assert!(p.difference.contains("mis medicinas"), "{}", p.difference);
        assert!(!p.difference.contains("alergias"));
    }
}
