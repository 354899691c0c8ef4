//! A FHIR R4 `Consent` as rules: what other people's systems say, in her word's terms.
//!
//! Nothing is dropped: an element that the rules have no place for is refused with its path, and nothing of the Consent
//! is taken. What says nothing of who may see what (narrative, who recorded it, signatures, which policy text it
//! belongs to) is left where it is.
//!
//! How a Consent reads (R4 `Consent.provision`, IHE PCF 1.1.1): the root says what holds, and what stands inside it are
//! exceptions. A root that permits under conditions permits nothing else: it becomes a rule that closes everything
//! unless the conditions are met, and what it permits inside it are further exceptions of that rule, which take from it
//! the purposes, the time and the parts they do not name themselves. What it denies inside becomes a closing rule of its own.

use super::part::{ACT_CODE, Author, Label, Part, Period, in_mexico, kept_at};
use super::terms::{Frequency, Per, Terms};
use super::{Rule, Unless, Who, WordError, check_rules};
use crate::act::systems;
use crate::{Category, MemberId, MemberKind, Purpose, Role, Tag};
use fhir::time::{Span, span};
use fhir::{ResourceType, Value};
use jiff::Timestamp;
use serde::de::DeserializeOwned;

/// How what a Consent names is known in this network.
pub trait Names {
    /// Who a reference stands for; a group stands for several. `None`: nobody that is known.
    fn who(&self, reference: &Value) -> Option<Vec<Who>>;
    /// What a purpose that is not HL7's means here.
    fn purpose(&self, system: &str, code: &str) -> Option<Purpose>;
    /// Whether an institution is a member of the network.
    fn is_member(&self, member: &MemberId) -> bool;
    /// What a resource is called in the network ([`Part`]), by its reference in the Consent. `None`: nothing that a member
    /// keeps.
    fn kept(&self, reference: &str) -> Option<String>;
}

/// An element that the rules cannot say.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}: {why}")]
pub struct Unsaid {
    /// Its path: `Consent.provision.provision[1].action`.
    pub place: String,
    /// Why not.
    pub why: &'static str,
}

pub(super) type Said<T> = Result<T, Unsaid>;

/// Elements of a Consent that say nothing of who may see what.
const TOLD: [&str; 19] = [
    "resourceType",
    "id",
    "meta",
    "language",
    "text",
    "contained",
    "identifier",
    "status",
    "scope",
    "category",
    "patient",
    "dateTime",
    "performer",
    "organization",
    "sourceAttachment",
    "sourceReference",
    "policy",
    "policyRule",
    "verification",
];
/// Elements of a provision that are read.
const READ: [&str; 11] = [
    "id",
    "extension",
    "type",
    "period",
    "actor",
    "securityLabel",
    "purpose",
    "class",
    "dataPeriod",
    "data",
    "provision",
];

pub(super) const TYPES: &str = "http://hl7.org/fhir/resource-types";
const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";

/// Reads an active Consent. Whose it is, is for the caller to check.
///
/// # Errors
/// The first element that cannot be said as a rule, by its path.
pub fn from_consent(consent: &Value, names: &dyn Names) -> Result<Vec<Rule>, Unsaid> {
    let members = consent.as_object().map(|members| members.iter());
    for (name, _) in members.into_iter().flatten() {
        if name != "provision" && !TOLD.contains(&name) {
            return unsaid(&format!("Consent.{name}"), "no rule says this");
        }
    }
    if consent.text("resourceType") != Some("Consent") {
        return unsaid("Consent", "this is no Consent");
    }
    if consent.text("status") != Some("active") {
        return unsaid("Consent.status", "only an active Consent says what holds");
    }
    let scopes = codings(consent.get("scope"));
    if scopes != [(SCOPE, "patient-privacy")] {
        return unsaid("Consent.scope", "only privacy is a matter of her rules");
    }
    let category = consent.list("category").iter();
    if !category
        .flat_map(|one| codings(Some(one)))
        .any(|one| one == (mx::systems::LOINC, "59284-0"))
    {
        return unsaid(
            "Consent.category",
            "only a patient's consent (LOINC 59284-0)",
        );
    }
    let rule = codings(consent.get("policyRule"));
    if !rule.is_empty() && rule != [(ACT_CODE, "OPTIN")] {
        return unsaid(
            "Consent.policyRule",
            "another ground rule than that all is open",
        );
    }
    let Some(root) = consent.get("provision") else {
        return Ok(Vec::new());
    };
    let mut reading = Reading {
        names,
        rules: Vec::new(),
    };
    reading.root(root)?;
    let rules = reading.rules;
    match check_rules(&rules) {
        Ok(()) => Ok(rules),
        Err(WordError::Rule { why, .. }) => unsaid("Consent.provision", why),
        Err(_) => unsaid("Consent.provision", "it breaks the bounds of a word"),
    }
}

struct Reading<'a> {
    names: &'a dyn Names,
    rules: Vec<Rule>,
}

/// A provision by itself, what stands inside it apart.
struct Provision {
    id: String,
    permit: bool,
    hint: bool,
    insist: bool,
    quiet: bool,
    who: Vec<Who>,
    purposes: Vec<Purpose>,
    what: Vec<Category>,
    /// Any of these; one that is all when nothing is named.
    parts: Vec<Part>,
    from: Option<Timestamp>,
    until: Option<Timestamp>,
    terms: Terms,
}

impl Provision {
    /// Whether it says anything but that it permits or denies.
    fn is_plain(&self) -> bool {
        let all = self.parts.iter().all(Part::is_all);
        let ever = self.from.is_none() && self.until.is_none();
        self.who.is_empty() && self.purposes.is_empty() && self.what.is_empty() && all && ever
    }

    fn whos(&self) -> Vec<Who> {
        match self.who.as_slice() {
            [] => vec![Who::Everyone],
            some => some.to_vec(),
        }
    }

    /// As exceptions: one for each person and part.
    fn exceptions(&self) -> Vec<Unless> {
        let mut all = Vec::new();
        for who in self.whos() {
            for part in &self.parts {
                all.push(Unless {
                    who: who.clone(),
                    purposes: self.purposes.clone(),
                    what: self.what.clone(),
                    part: part.clone(),
                    from: self.from,
                    until: self.until,
                    terms: self.terms,
                });
            }
        }
        all
    }

    /// As rules: one for each person, purpose and part.
    fn rules(&self, unless: &[Unless]) -> Vec<Rule> {
        let purposes: Vec<Option<Purpose>> = match self.purposes.as_slice() {
            [] => vec![None],
            some => some.iter().copied().map(Some).collect(),
        };
        let mut all = Vec::new();
        for who in self.whos() {
            for purpose in &purposes {
                for part in &self.parts {
                    let place = all.len();
                    all.push(Rule {
                        id: match place {
                            0 => self.id.clone(),
                            more => format!("{}-{more}", self.id),
                        },
                        allow: self.permit,
                        who: who.clone(),
                        what: self.what.clone(),
                        purpose: *purpose,
                        until: self.until,
                        hint: self.hint,
                        insist: self.insist,
                        quiet: self.quiet,
                        speaker: None,
                        from: self.from,
                        part: part.clone(),
                        unless: unless.to_vec(),
                        terms: self.terms,
                    });
                }
            }
        }
        all
    }

    /// What stands around it, for its people, purposes and time.
    fn also(&self, outer: &Provision) -> Provision {
        Provision {
            id: self.id.clone(),
            who: self.who.clone(),
            purposes: self.purposes.clone(),
            from: self.from.or(outer.from),
            until: self.until.or(outer.until),
            what: outer.what.clone(),
            parts: outer.parts.clone(),
            terms: self.terms.or(&outer.terms),
            ..*outer
        }
    }

    /// What it does not say itself, it takes from what it stands in.
    fn within(mut self, outer: &Provision) -> Provision {
        if self.purposes.is_empty() {
            self.purposes.clone_from(&outer.purposes);
        }
        if self.what.is_empty() {
            self.what.clone_from(&outer.what);
        }
        let parts = self.parts.iter();
        let both = parts.flat_map(|own| outer.parts.iter().map(move |outer| own.within(outer)));
        self.parts = both.collect();
        self.from = self.from.or(outer.from);
        self.until = self.until.or(outer.until);
        self.terms = self.terms.or(&outer.terms);
        self
    }
}

impl Reading<'_> {
    fn root(&mut self, value: &Value) -> Said<()> {
        let at = "Consent.provision";
        let root = self.provision(value, at, "base")?;
        if !root.permit {
            let unless = self.exceptions_in(value, at)?;
            self.rules.extend(root.rules(&unless));
            return Ok(());
        }
        let plain = root.is_plain();
        let mut unless = root.exceptions();
        for (place, inner) in value.list("provision").iter().enumerate() {
            let at = format!("{at}.provision[{place}]");
            let one = self.provision(inner, &at, &format!("p{place}"))?;
            match (one.permit, plain) {
                (false, _) => {
                    let unless = self.exceptions_in(inner, &at)?;
                    self.rules.extend(one.rules(&unless));
                }
                (true, _) if !inner.list("provision").is_empty() => {
                    return unsaid(&format!("{at}.provision"), "no exception of an exception");
                }
                (true, true) => self.rules.extend(one.rules(&[])),
                (true, false) => {
                    // For those whom it permits another purpose, what the root permits is permitted as well.
                    if !one.purposes.is_empty() {
                        unless.extend(one.also(&root).exceptions());
                    }
                    unless.extend(one.within(&root).exceptions());
                }
            }
        }
        if !plain {
            let closed = Rule {
                id: root.id,
                hint: root.hint,
                insist: root.insist,
                quiet: root.quiet,
                unless,
                ..Rule::default()
            };
            self.rules.insert(0, closed);
        }
        Ok(())
    }

    /// What a denying provision permits inside.
    fn exceptions_in(&self, value: &Value, at: &str) -> Said<Vec<Unless>> {
        let mut all = Vec::new();
        for (place, inner) in value.list("provision").iter().enumerate() {
            let at = format!("{at}.provision[{place}]");
            let one = self.provision(inner, &at, &format!("e{place}"))?;
            if !one.permit {
                return unsaid(&format!("{at}.type"), "what is denied is denied already");
            }
            if !inner.list("provision").is_empty() {
                return unsaid(&format!("{at}.provision"), "no exception of an exception");
            }
            all.extend(one.exceptions());
        }
        Ok(all)
    }

    fn provision(&self, value: &Value, at: &str, name: &str) -> Said<Provision> {
        let members = value.as_object().map(|members| members.iter());
        for (name, inner) in members.into_iter().flatten() {
            let at = format!("{at}.{name}");
            match name {
                "extension" | "provision" => {}
                _ if READ.contains(&name) => plain(inner, &at)?,
                _ => return unsaid(&at, "no rule says this"),
            }
        }
        let permit = match value.text("type") {
            Some("permit") => true,
            Some("deny") => false,
            _ => return unsaid(&format!("{at}.type"), "neither permit nor deny"),
        };
        let (what, types) = self.classes(value, at)?;
        let (from, until) = period(value.get("period"), &format!("{at}.period"))?;
        let data_at = format!("{at}.dataPeriod");
        let dates = match period(value.get("dataPeriod"), &data_at)? {
            (None, None) => None,
            (from, until) => Some(Period { from, until }),
        };
        let mut labels = labels(value, at)?;
        // Our own pictures of a rule say a topic in both places.
        let said = |label: &Label| {
            let mut topics = what.iter().filter_map(|topic| topic.sensitivity());
            label.system == ACT_CODE && topics.any(|code| code == label.code)
        };
        if !what.is_empty() && what.iter().all(|one| one.is_topic()) && labels.iter().all(said) {
            labels.clear();
        }
        let parts = self.data(value, at)?.into_iter().map(|part| Part {
            period: dates,
            types: types.clone(),
            labels: labels.clone(),
            ..part
        });
        let ([hint, insist, quiet], terms) = extensions(value, at)?;
        if !permit && !terms.is_none() {
            let at = format!("{at}.extension");
            return unsaid(&at, "only what is permitted has terms");
        }
        let who = self.actors(value, at)?;
        let purposes = self.purposes(value, at)?;
        let apart = who.len() > 1 || purposes.len() > 1;
        if apart && terms.frequency.is_some() {
            let at = format!("{at}.extension");
            return unsaid(
                &at,
                "how often is counted for one recipient and one purpose",
            );
        }
        Ok(Provision {
            terms,
            id: value.text("id").unwrap_or(name).to_owned(),
            permit,
            hint,
            insist,
            quiet,
            who,
            purposes,
            parts: parts.collect(),
            what,
            from,
            until,
        })
    }

    fn actors(&self, value: &Value, at: &str) -> Said<Vec<Who>> {
        let mut all = Vec::new();
        for (place, actor) in value.list("actor").iter().enumerate() {
            let at = format!("{at}.actor[{place}]");
            let roles = codings(actor.get("role"));
            if roles.is_empty() || roles.iter().any(|(_, code)| *code != "IRCP") {
                return unsaid(&format!("{at}.role"), "only those who receive information");
            }
            let reference = actor.get("reference");
            let who = reference.and_then(|reference| match own_who(reference) {
                Some(who) => self.is_here(&who).then(|| vec![who]),
                None => self.names.who(reference),
            });
            match who {
                Some(who) if !who.is_empty() => all.extend(who),
                _ => return unsaid(&format!("{at}.reference"), "nobody that is known here"),
            }
        }
        Ok(all)
    }

    /// Whether the institution that somebody is named by is a member.
    fn is_here(&self, who: &Who) -> bool {
        match who {
            Who::Member(member) | Who::Actor(member, _) => self.names.is_member(member),
            _ => true,
        }
    }

    fn purposes(&self, value: &Value, at: &str) -> Said<Vec<Purpose>> {
        let mut all = Vec::new();
        for (place, coding) in value.list("purpose").iter().enumerate() {
            let (system, code) = pair(coding).unwrap_or_default();
            let own = match system {
                systems::PURPOSE | systems::OWN_PURPOSE => code_of(code),
                _ => None,
            };
            match own.or_else(|| self.names.purpose(system, code)) {
                Some(purpose) => all.push(purpose),
                None => {
                    let at = format!("{at}.purpose[{place}]");
                    return unsaid(&at, "a purpose that nobody here can have");
                }
            }
        }
        Ok(all)
    }

    /// Categories of ours, and FHIR types.
    fn classes(&self, value: &Value, at: &str) -> Said<(Vec<Category>, Vec<String>)> {
        let (mut what, mut types) = (Vec::new(), Vec::new());
        for (place, coding) in value.list("class").iter().enumerate() {
            let at = format!("{at}.class[{place}]");
            match pair(coding) {
                Some((systems::CATEGORY, code)) => match Category::from_code(code) {
                    Some(category) => what.push(category),
                    None => return unsaid(&at, "a category that is not known"),
                },
                Some((TYPES, code)) if ResourceType::from_name(code).is_some() => {
                    types.push(code.to_owned());
                }
                _ => return unsaid(&at, "neither a category of ours nor a type of FHIR"),
            }
        }
        Ok((what, types))
    }

    /// The data that a provision names: a part for each meaning, any of which will do; one that is all for none.
    fn data(&self, value: &Value, at: &str) -> Said<Vec<Part>> {
        let (mut instances, mut visits) = (Part::default(), Part::default());
        let mut authored = Part::default();
        for (place, data) in value.list("data").iter().enumerate() {
            let at = format!("{at}.data[{place}]");
            let reference = data.get("reference");
            let name = reference.and_then(|reference| reference.text("reference"));
            let kept = name.and_then(|name| self.names.kept(name));
            let nothing = || unsaid(&format!("{at}.reference"), "nothing that a member keeps");
            match (data.text("meaning"), kept) {
                (Some("instance"), Some(name)) => instances.resources.push(name),
                (Some("related"), Some(name)) if kept_at(&name).1.starts_with("Encounter/") => {
                    visits.visits.push(name);
                }
                (Some("instance" | "related"), None) => return nothing(),
                (Some("related"), _) => {
                    return unsaid(&at, "only what is related to a visit can be told");
                }
                (Some("authoredby"), kept) => match reference.and_then(identified) {
                    Some(Author::Institution(member)) if !self.names.is_member(&member) => {
                        return nothing();
                    }
                    Some(author) => authored.authors.push(author),
                    None => match kept {
                        Some(name) => authored.authors.push(Author::Reference(name)),
                        None => return unsaid(&format!("{at}.reference"), "no author is named"),
                    },
                },
                _ => return unsaid(&format!("{at}.meaning"), "no rule says this"),
            }
        }
        let named = [instances, visits, authored].into_iter();
        let named: Vec<Part> = named.filter(|part| !part.is_all()).collect();
        Ok(match named.is_empty() {
            true => vec![Part::default()],
            false => named,
        })
    }
}

pub(super) fn unsaid<T>(place: &str, why: &'static str) -> Said<T> {
    Err(Unsaid {
        place: place.to_owned(),
        why,
    })
}

/// Whom an identifier of ours names.
fn own_who(reference: &Value) -> Option<Who> {
    let value = reference.text("identifier.value")?;
    Some(match reference.text("identifier.system")? {
        systems::MEMBER_KIND => Who::Kind(code_of::<MemberKind>(value)?),
        systems::ROLE => Who::Role(code_of::<Role>(value)?),
        systems::MEMBER => Who::Member(MemberId(value.to_owned())),
        systems::REPRESENTATIVE if value == "all" => Who::Representatives,
        systems::REPRESENTATIVE => Who::Representative(Tag::from_hex(value)?),
        systems::ACTOR => {
            let (member, login) = value.split_once('/')?;
            Who::Actor(MemberId(member.to_owned()), login.to_owned())
        }
        _ => return None,
    })
}

/// Who is named by an identifier.
fn identified(reference: &Value) -> Option<Author> {
    let value = reference.text("identifier.value")?;
    Some(match reference.text("identifier.system")? {
        systems::MEMBER => Author::Institution(MemberId(value.to_owned())),
        system => Author::Identifier(system.to_owned(), value.to_owned()),
    })
}

/// Refuses what stands beside the values that are read: extensions, and what is said of a value itself (`_start`).
fn plain(value: &Value, at: &str) -> Said<()> {
    match value {
        Value::Object(members) => members.iter().try_for_each(|(name, inner)| {
            let at = format!("{at}.{name}");
            match name.ends_with("xtension") || name.starts_with('_') {
                true => unsaid(&at, "no rule says this"),
                false => plain(inner, &at),
            }
        }),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .try_for_each(|(place, item)| plain(item, &format!("{at}[{place}]"))),
        _ => Ok(()),
    }
}

fn labels(value: &Value, at: &str) -> Said<Vec<Label>> {
    let mut all = Vec::new();
    for (place, coding) in value.list("securityLabel").iter().enumerate() {
        let Some((system, code)) = pair(coding) else {
            let at = format!("{at}.securityLabel[{place}]");
            return unsaid(&at, "a label without system or code");
        };
        all.push(Label {
            system: system.to_owned(),
            code: code.to_owned(),
        });
    }
    Ok(all)
}

/// The extensions that say whether the refused are told, whether a rule insists, and whether it is quiet; and those that
/// say how often, and by when it is erased. No other is understood.
fn extensions(value: &Value, at: &str) -> Said<([bool; 3], Terms)> {
    let ([mut hint, mut insist, mut quiet], mut terms) = ([false; 3], Terms::default());
    for (place, extension) in value.list("extension").iter().enumerate() {
        let at = format!("{at}.extension[{place}]");
        match (extension.text("url"), extension.get("valueBoolean")) {
            (Some(systems::EXT_HINT), Some(Value::Bool(said))) => hint = *said,
            (Some(systems::EXT_INSIST), Some(Value::Bool(said))) => insist = *said,
            (Some(systems::EXT_QUIET), Some(Value::Bool(said))) => quiet = *said,
            (Some(systems::EXT_FREQUENCY), _) => {
                terms.frequency = Some(frequency(extension, &at)?);
            }
            (Some(systems::EXT_ERASE_AT), _) => match moment(extension.text("valueDateTime")) {
                Some(span) => terms.erase_at = Timestamp::from_microsecond(span.from).ok(),
                None => return unsaid(&at, "no moment"),
            },
            _ => return unsaid(&at, "no rule says this"),
        }
    }
    Ok(([hint, insist, quiet], terms))
}

/// `Timing.repeat` with a frequency, in one hour, day, week or month.
fn frequency(extension: &Value, at: &str) -> Said<Frequency> {
    let repeat = extension
        .get("valueTiming")
        .and_then(|timing| timing.get("repeat"));
    let members = repeat
        .and_then(Value::as_object)
        .map(|repeat| repeat.iter());
    let mut known = members.into_iter().flatten().map(|(name, _)| name);
    let number = |name: &str| {
        let number = repeat.and_then(|repeat| repeat.get(name)?.as_number());
        number.and_then(|number| number.parse::<u32>().ok())
    };
    let unit = repeat.and_then(|repeat| repeat.text("periodUnit"));
    let per = Per::ALL.into_iter().find(|per| {
        let (period, code) = per.ucum();
        (number("period"), unit) == (Some(period), Some(code))
    });
    let only = known.all(|name| ["frequency", "period", "periodUnit"].contains(&name));
    match (number("frequency"), per) {
        (Some(times), Some(per)) if only => Ok(Frequency { times, per }),
        _ => unsaid(at, "so many times in one h, d, wk or mo, and nothing else"),
    }
}

pub(super) fn moment(text: Option<&str>) -> Option<Span> {
    span(text?).map(in_mexico)
}

/// A Period as moments: the second is the first that is no longer in it.
fn period(value: Option<&Value>, at: &str) -> Said<(Option<Timestamp>, Option<Timestamp>)> {
    let end = |name: &str, pick: fn(Span) -> i64| -> Said<Option<Timestamp>> {
        let Some(text) = value.and_then(|value| value.text(name)) else {
            return Ok(None);
        };
        let moment =
            moment(Some(text)).and_then(|span| Timestamp::from_microsecond(pick(span)).ok());
        match moment {
            Some(moment) => Ok(Some(moment)),
            None => unsaid(&format!("{at}.{name}"), "no date"),
        }
    };
    let from = end("start", |span| span.from)?;
    Ok((from, end("end", |span| span.to.saturating_add(1))?))
}

fn pair(coding: &Value) -> Option<(&str, &str)> {
    coding.text("system").zip(coding.text("code"))
}

fn codings(concept: Option<&Value>) -> Vec<(&str, &str)> {
    let codings = concept.map_or(&[][..], |concept| concept.list("coding"));
    codings.iter().filter_map(pair).collect()
}

/// What a code stands for, by the names that words and pacts write.
fn code_of<T: DeserializeOwned>(code: &str) -> Option<T> {
    serde_json::from_value(serde_json::Value::String(code.to_owned())).ok()
}
