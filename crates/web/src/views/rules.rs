//! My rules: in sentences, with a form that says one more and a preview of what it changes before it is said.

use super::field::{Choice, Field, Form, choice};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::threads::Threads;
use crate::when;
use askama::Template;
use jiff::{SignedDuration, Timestamp};
use trust::{
    Author, Category, MemberId, MemberKind, Part, Per, Previewed, Purpose, Role, Rule, Seals, Tag,
    Unless, Who,
};

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
    /// How much with the rule.
    pub then: Much,
    /// How much today.
    pub today: Much,
    /// Today and then, as the page says it: whether anything is seen, and the words.
    pub cells: [(bool, &'static str); 2],
}

/// How much of a category somebody sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs)]
pub enum Much {
    Nothing,
    /// What could save her life.
    Saving,
    Part,
    All,
}

impl Much {
    fn of(open: bool, partly: bool, saving: bool) -> Much {
        match (open, partly) {
            (false, _) if saving => Much::Saving,
            (false, _) => Much::Nothing,
            (true, true) => Much::Part,
            (true, false) => Much::All,
        }
    }
    /// Whether anything of it is seen.
    fn any(self) -> bool {
        self > Much::Saving
    }
    /// In words: `lo ve`.
    fn words(self, t: Text) -> &'static str {
        t.say(match self {
            Much::Nothing => "preview.blind",
            Much::Saving => "preview.saving",
            Much::Part => "preview.part",
            Much::All => "preview.sees",
        })
    }
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
        Who::Representatives => "representatives".to_owned(),
        Who::Representative(tag) => format!("representative:{}", tag.hex()),
    }
}

/// Reads [`who_code`].
pub(crate) fn who_of(code: &str) -> Option<Who> {
    let (family, rest) = code.split_once(':').unwrap_or((code, ""));
    match family {
        "everyone" => Some(Who::Everyone),
        "representatives" => Some(Who::Representatives),
        "representative" => Tag::from_hex(rest).map(Who::Representative),
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
        Role::Privacy => "privacy-officer",
    }
}

/// Whom, in words: `las farmacias`.
pub(crate) fn who_words(t: Text, threads: &Threads, who: &Who) -> String {
    match who {
        Who::Everyone => t.say("whom.everyone").to_owned(),
        Who::Kind(kind) => t.say(&format!("whom.{}", kind_code(*kind))).to_owned(),
        Who::Representatives => t.say("whom.representatives").to_owned(),
        Who::Representative(_) => t.say("whom.representative").to_owned(),
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

/// A rule as a sentence, as it means something under the pact's terms of seals.
pub(crate) fn rule(t: Text, threads: &Threads, seals: Option<&Seals>, rule: &Rule) -> RuleView {
    let what: Vec<String> = rule.what.iter().map(|c| category(t, *c)).collect();
    let key = if rule.allow {
        "rule.opens"
    } else {
        "rule.closes"
    };
    let plural = match &rule.who {
        Who::Everyone | Who::Member(_) | Who::Actor(..) | Who::Representative(_) => "one",
        Who::Kind(_) | Who::Role(_) | Who::Representatives => "many",
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
    let mut detail = part(t, threads, &rule.part);
    detail.extend(rule.terms.sentences(t.lang()));
    detail.extend(rule.unless.iter().map(|one| unless(t, threads, one)));
    let day = |at: Timestamp| when::date(t, &when::iso_day(at));
    if let Some(from) = rule.from {
        detail.push(t.fill("rule.from", &[("date", &day(from))]));
    }
    detail.push(match rule.until {
        None => t.say("rule.always").to_owned(),
        Some(until) => t.fill("rule.until", &[("date", &day(until))]),
    });
    if !rule.allow {
        detail.extend(told(t, seals, rule));
        if rule.insist {
            detail.push(t.say("rule.insists").to_owned());
        }
        if rule.quiet {
            detail.push(t.say("rule.quiet").to_owned());
        }
    }
    detail.extend(rule.speaker.as_ref().map(|one| one.sentence(t.lang())));
    RuleView {
        id: rule.id.clone(),
        sentence,
        detail: detail.join(" "),
        allow: rule.allow,
    }
}

/// What whoever is refused by a closing rule is told.
fn told(t: Text, seals: Option<&Seals>, rule: &Rule) -> Vec<String> {
    if !rule.hint || seals.is_some_and(|seals| !seals.lets_tell(rule)) {
        return vec![t.say("rule.silence").to_owned()];
    }
    let mut said = vec![t.say("rule.hint").to_owned()];
    let kept = seals.map_or(Vec::new(), |seals| seals.kept_silent(rule));
    said.extend(never_told(t, &kept));
    said
}

/// Of what no hint is ever given, if there is such a thing.
fn never_told(t: Text, silent: &[Category]) -> Option<String> {
    let what: Vec<String> = silent.iter().map(|one| category(t, *one)).collect();
    (!what.is_empty()).then(|| t.fill("rules.never_told", &[("what", &listed(t, &what))]))
}

/// A part of the record, a sentence for each thing that it says.
fn part(t: Text, threads: &Threads, part: &Part) -> Vec<String> {
    let mut said = Vec::new();
    if let Some(period) = part.period {
        let day = |at: Timestamp| when::date(t, &when::iso_day(at));
        // Its end is the first moment that is no longer in it; people name the last day that is.
        let last = |until: Timestamp| day(until - SignedDuration::from_secs(1));
        said.push(match (period.from, period.until) {
            (Some(from), Some(until)) => t.fill(
                "part.between",
                &[("from", &day(from)), ("to", &last(until))],
            ),
            (Some(from), None) => t.fill("part.since", &[("from", &day(from))]),
            (None, Some(until)) => t.fill("part.before", &[("to", &last(until))]),
            (None, None) => String::new(),
        });
    }
    if !part.authors.is_empty() {
        let names: Vec<String> = part
            .authors
            .iter()
            .map(|one| author(threads, one))
            .collect();
        said.push(t.fill("part.by", &[("names", &listed(t, &names))]));
    }
    let counted = [
        ("part.visits", part.visits.len()),
        ("part.resources", part.resources.len()),
    ];
    for (key, count) in counted.into_iter().filter(|(_, count)| *count > 0) {
        said.push(t.count(key, count));
    }
    let codes = part.labels.iter().map(|label| &label.code);
    let named: Vec<String> = part.types.iter().chain(codes).cloned().collect();
    if !named.is_empty() {
        said.push(t.fill("part.codes", &[("names", &listed(t, &named))]));
    }
    said
}

fn author(threads: &Threads, author: &Author) -> String {
    match author {
        Author::Institution(member) => threads.name(member),
        Author::Identifier(_, value) => value.clone(),
        Author::Reference(name) => name.clone(),
    }
}

/// An exception of a rule.
fn unless(t: Text, threads: &Threads, unless: &Unless) -> String {
    let whom = who_words(t, threads, &unless.who);
    let what: Vec<String> = unless.what.iter().map(|c| category(t, *c)).collect();
    let what = match what.is_empty() {
        true => t.say("category.all").to_owned(),
        false => listed(t, &what),
    };
    let mut said = vec![t.fill("rule.unless", &[("who", &whom), ("what", &what)])];
    let purposes = unless.purposes.iter();
    said.extend(purposes.map(|one| t.say(purpose_key(*one)).to_owned()));
    said.extend(part(t, threads, &unless.part));
    said.extend(unless.terms.sentences(t.lang()));
    said.join(" ")
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
        Purpose::Family => "purpose.family",
        Purpose::Operations => "purpose.operations",
        Purpose::Research => "purpose.research",
        Purpose::Payment => "purpose.payment",
        Purpose::Emergency => "purpose.emergency",
        Purpose::State => "purpose.state",
        Purpose::Underwriting => "purpose.underwriting",
        Purpose::Employment => "purpose.employment",
    }
}

/// What a preview says of a rule that is tried: whom it lets see what once it holds, on what terms, and what is told though
/// it would let be told.
pub fn preview(
    t: Text,
    threads: &Threads,
    seals: Option<&Seals>,
    (who, rows): (&Who, &[Previewed]),
    tried: &Rule,
) -> Preview {
    let whom = who_words(t, threads, who);
    let rows: Vec<PreviewRow> = rows
        .iter()
        .map(|p| {
            let today = Much::of(p.open_today, p.partly_today, false);
            let then = Much::of(p.open, p.partly, p.saving);
            PreviewRow {
                what: category(t, p.category),
                then,
                today,
                cells: [today, then].map(|much| (much.any(), much.words(t))),
            }
        })
        .collect();
    let of = |pick: fn(&PreviewRow) -> bool| -> Vec<String> {
        rows.iter()
            .filter(|r| pick(r))
            .map(|r| r.what.clone())
            .collect()
    };
    let changes = [
        ("preview.closes", of(|r| r.today.any() && !r.then.any())),
        (
            "preview.closes_part",
            of(|r| r.then == Much::Part && r.today == Much::All),
        ),
        (
            "preview.opens_part",
            of(|r| r.then == Much::Part && !r.today.any()),
        ),
        (
            "preview.opens",
            of(|r| r.then == Much::All && r.today < Much::All),
        ),
    ];
    let mut difference = Vec::new();
    for (key, what) in changes.into_iter().filter(|(_, what)| !what.is_empty()) {
        difference.push(t.fill(key, &[("what", &listed(t, &what))]));
    }
    if let Some(from) = tried.from {
        let date = when::date(t, &when::iso_day(from));
        difference.push(t.fill("preview.from", &[("date", &date)]));
    }
    if difference.is_empty() {
        difference.push(t.say("preview.same").to_owned());
    }
    difference.extend(tried.terms.sentences(t.lang()));
    let kept = seals.map_or(Vec::new(), |seals| seals.kept_silent(tried));
    difference.extend(never_told(t, &kept));
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
    /// What the pact says of seals.
    pub seals: Option<&'a Seals>,
    /// What she said, newest first: version and moment.
    pub said: &'a [(u64, Timestamp)],
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
    /// Receipts: version, and when she said it.
    receipts: Vec<(u64, String)>,
    verb: Field,
    who: Field,
    until: Field,
    date: Field,
    /// Only a part: dates, who wrote it; and from when the rule holds.
    parts: [Field; 4],
    /// Whether the form says anything of a part.
    is_part: bool,
    /// How often, in how long, and by when it is erased.
    terms: [Field; 3],
    /// Whether the form says anything of terms.
    is_limited: bool,
    eyes: Field,
    kinds: Vec<Tick>,
    topics: Vec<Tick>,
    everything: bool,
    /// Of what is told nothing, whatever she chooses; empty where there is no such thing.
    never_told: String,
    silence: bool,
    /// What becomes of what could save her life, and what it is to insist.
    emergency_hint: &'static str,
    insists: &'static str,
    insist: bool,
    quiet: bool,
    sure_error: String,
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
    let whom = whom_choices(t, &threads, input.actor.as_ref(), true);
    let mut eyes = vec![choice("", t.say("field.same_as_who"))];
    eyes.extend(whom.iter().skip(1).cloned());
    // What is closed already may be opened to somebody, whether it could be closed anew or not.
    let offered = |one: &Category| {
        let closed = |rule: &Rule| !rule.allow && rule.what.contains(one);
        input
            .seals
            .is_none_or(|seals| seals.categories.contains(one))
            || input.rules.iter().any(closed)
    };
    let boxes = |topics: bool| -> Vec<Tick> {
        Category::ALL
            .into_iter()
            .filter(|c| c.is_topic() == topics && offered(c))
            .map(|c| Tick {
                code: c.code(),
                label: category(t, c),
                on: input.typed.has("what", c.code()),
            })
            .collect()
    };
    let untils = ["always", "day", "week", "month", "year", "date"]
        .map(|u| choice(u, t.say(&format!("until.{u}"))));
    let mut authors = vec![choice("", t.say("part.anyone"))];
    for member in threads.all() {
        let name = threads.name(&MemberId(member.id.clone()));
        authors.push(choice(&member.id, &name));
    }
    let parts = [
        f.of("part_from", "date"),
        f.of("part_to", "date"),
        f.choice("part_by", authors),
        f.of("from_date", "date"),
    ];
    let spans = Per::ALL.map(|per| choice(per.code(), t.say(&format!("per.{}", per.code()))));
    let terms = [
        f.of("times", "number"),
        f.choice("per", spans.into()),
        f.of("erase_date", "date"),
    ];
    let verbs = ["close", "open"].map(|v| choice(v, t.say(&format!("verb.{v}"))));
    let mut who = f.choice("who", whom);
    if who.value.is_empty() {
        who.value = input.actor.map_or_else(String::new, |(code, _)| code);
    }
    let about = input.typed.get("quien").to_owned();
    let spares = input.seals.is_none_or(|seals| seals.emergency);
    let error = |field: &str| {
        let mut errors = input.errors.iter();
        let found = errors.find(|e| e.field == field);
        found.map_or_else(String::new, |e| e.sentence.clone())
    };
    super::render(&Page {
        about,
        rules: (input.rules.iter())
            .map(|r| rule(t, &threads, input.seals, r))
            .collect(),
        receipts: receipts(t, input.said),
        verb: f.choice("verb", verbs.into()),
        who,
        until: f.choice("until", untils.into()),
        date: f.of("until_date", "date"),
        is_part: parts
            .iter()
            .any(|field| !field.value.is_empty() || !field.error.is_empty()),
        parts,
        is_limited: [&terms[0], &terms[2]]
            .iter()
            .any(|field| !field.value.is_empty() || !field.error.is_empty()),
        terms,
        eyes: f.choice("eyes", eyes),
        kinds: boxes(false),
        topics: boxes(true),
        everything: input.typed.has("what", "everything"),
        never_told: input
            .seals
            .and_then(|seals| never_told(t, &seals.silent))
            .unwrap_or_default(),
        emergency_hint: t.say(match spares {
            true => "rules.emergency_hint",
            false => "rules.emergency_closed",
        }),
        insists: t.say(match spares {
            true => "rules.insist",
            false => "rules.insist_closed",
        }),
        silence: input.typed.get("hint") == "silence",
        insist: input.typed.get("insist") == "yes",
        quiet: input.typed.get("quiet") == "yes",
        sure_error: error("insist_sure"),
        what_error: error("what"),
        errors: input.errors,
        preview: input.preview,
        frame: frame.titled(t.say("nav.rules")),
    })
}

/// Receipts on the page at most; older ones are named by their number in the address.
const RECEIPTS: usize = 12;

fn receipts(t: Text, said: &[(u64, Timestamp)]) -> Vec<(u64, String)> {
    let newest = said.iter().take(RECEIPTS);
    let words =
        |at: Timestamp| format!("{}, {}", when::date(t, &when::iso_day(at)), when::time(at));
    newest.map(|(version, at)| (*version, words(*at))).collect()
}

/// Whom a rule can be about: a professional from the log first; those who act for her only where she speaks (`kin`).
pub(crate) fn whom_choices(
    t: Text,
    threads: &Threads,
    actor: Option<&(String, String)>,
    kin: bool,
) -> Vec<Choice> {
    let mut out = vec![choice("", t.say("field.choose"))];
    if let Some((code, words)) = actor {
        out.push(choice(code, words));
    }
    let mut add = |who: Who| out.push(choice(&who_code(&who), &who_words(t, threads, &who)));
    add(Who::Everyone);
    if kin {
        add(Who::Representatives);
    }
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
            ..Rule::default()
        }
    }

    #[test]
    fn a_rule_reads_as_a_sentence() {
        let threads = Threads::new([("imss", "IMSS")]);
        let pharmacies = closing(
            Who::Kind(MemberKind::Pharmacy),
            &[Category::MentalHealth, Category::Hiv],
        );
        let es = rule(Text::of(Lang::Es), &threads, None, &pharmacies);
        assert_eq!(
            es.sentence,
            "Las farmacias no pueden ver mi salud mental y mi información sobre VIH e ITS."
        );
        let en = rule(Text::of(Lang::En), &threads, None, &pharmacies);
        assert_eq!(
            en.sentence,
            "Pharmacies cannot see my mental health and my HIV and STI information."
        );
        let all = closing(Who::Member(MemberId("imss".into())), &[]);
        assert_eq!(
            rule(Text::of(Lang::Es), &threads, None, &all).sentence,
            "IMSS no puede ver nada de mi expediente."
        );
    }

    #[test]
    fn what_the_pact_keeps_silent_is_not_said_to_be_told() {
        let (t, threads) = (Text::of(Lang::Es), Threads::default());
        let seals = Seals::usual();
        let detail = |seals, what: &[Category]| {
            rule(t, &threads, seals, &closing(Who::Everyone, what)).detail
        };
        let never = "De mi información sobre violencia no se avisa nunca.";
        let violence = [Category::Violence];
        assert!(detail(None, &violence).contains(t.say("rule.hint")));
        let silent = detail(Some(&seals), &violence);
        assert!(
            silent.contains(t.say("rule.silence")) && !silent.contains(never),
            "{silent}"
        );
        let all = detail(Some(&seals), &[]);
        assert!(
            all.contains(t.say("rule.hint")) && all.contains(never),
            "{all}"
        );
        let hiv = detail(Some(&seals), &[Category::Hiv]);
        assert!(
            hiv.contains(t.say("rule.hint")) && !hiv.contains(never),
            "{hiv}"
        );
        // The preview says so before it is saved.
        let tried = |what: &[Category]| {
            let who = Who::Everyone;
            let tried = closing(who.clone(), what);
            preview(t, &threads, Some(&seals), (&who, &[]), &tried).difference
        };
        assert!(tried(&violence).ends_with(never), "{}", tried(&violence));
        assert!(!tried(&[Category::Hiv]).contains(never));
    }

    #[test]
    fn whom_a_rule_is_about_survives_the_form() {
        for who in [
            Who::Everyone,
            Who::Kind(MemberKind::Insurer),
            Who::Member(MemberId("imss".into())),
            Who::Role(Role::Nurse),
            Who::Actor(MemberId("imss".into()), "a:b".into()),
            Who::Representatives,
            Who::Representative(Tag([7; 32])),
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
            partly: false,
            partly_today: false,
            saving: false,
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
            None,
            (&Who::Kind(MemberKind::Pharmacy), &rows),
            &Rule::default(),
        );
        assert!(p.difference.contains("mis medicinas"), "{}", p.difference);
        assert!(!p.difference.contains("alergias"));
        assert!(!p.difference.contains("veces"));
        let twice = trust::Frequency {
            times: 2,
            per: Per::Week,
        };
        let on_terms = Rule {
            allow: true,
            terms: trust::Terms {
                frequency: Some(twice),
                erase_at: None,
            },
            ..Rule::default()
        };
        let everyone = Who::Everyone;
        let p = preview(t, &Threads::default(), None, (&everyone, &rows), &on_terms);
        let said = "Cada institución, 2 veces a la semana.";
        assert!(p.difference.ends_with(said), "{}", p.difference);
    }
}
