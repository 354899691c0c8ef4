//! Reading a kept act back.

use super::{Act, ActKind, Doer, Opinion, Seen};
use crate::delegate::Delegated;
use crate::gate::{SCOPES, verbs};
use crate::word::Used;
use crate::{Acting, Grounds, Question, Said, What};
use crate::{Helper, MemberId, Purpose, Supervisor, Tag, Tie};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fhir::ResourceType;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde_json::Value;
use store::Labels;

/// A body that is not an act.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the body of an act: {0}")]
pub struct BodyError(pub String);

type Result<T> = std::result::Result<T, BodyError>;

pub(super) fn from_body(body: &[u8]) -> Result<Act> {
    let body: Value = serde_json::from_slice(body).map_err(|e| BodyError(e.to_string()))?;
    let event = &body["event"];
    if event["resourceType"] != "AuditEvent" {
        return Err(lacks("event"));
    }
    let details = Details(&entity(event, "decision")?["detail"]);
    let at = text(&event["recorded"], "recorded")?
        .parse()
        .map_err(|_| lacks("recorded"))?;
    let person = person(event)?;
    let kind: ActKind = code(
        event["subtype"].as_array().and_then(|all| all.last()),
        "subtype",
    )?;
    Ok(Act {
        id: unhex(text(&event["id"], "id")?)?,
        salt: salt(&body["salt"])?,
        at,
        kind,
        node: member(&event["source"]["observer"])?,
        who: Doer {
            supervisor: professional(event, super::event::RESPONSIBLE)?,
            delegator: professional(event, super::event::DELEGATOR)?,
            helper: helper(event)?,
            ..doer(&event["agent"][0])?
        },
        via: match details.one("via") {
            Some(_) => Some(client(event)?),
            None => None,
        },
        purpose: purpose(event)?,
        evidence: details.one("evidence-kind").map(from_code).transpose()?,
        person,
        what: what(&details)?,
        seen: seen(event)?,
        resources: details.number("resources")?,
        labels: Labels(details.number("labels")?),
        grounds: Grounds {
            pact: details.number("pact")?,
            word: details.number("word")?,
            question: question(&details, at, person)?,
            evidence: details.all("evidence"),
            policies: details.all("policy"),
            rules: details.all("rule"),
            hidden: details.number("hidden")?,
            held: details.number(match details.one("held") {
                Some(_) => "held",
                None => "hidden",
            })?,
            only: match details.one("only") {
                Some(_) => Some(details.number("only")?),
                None => None,
            },
        },
        refused: details.all("refused"),
        opinion: opinion(&details)?,
        told: match details.one("told") {
            Some(time) => Some(time.parse().map_err(|_| lacks("told"))?),
            None => None,
        },
    })
}

/// The details of the decision's entity.
struct Details<'v>(&'v Value);

impl<'v> Details<'v> {
    fn named(&self, name: &'static str) -> impl Iterator<Item = &'v str> {
        let details = self.0.as_array().map(Vec::as_slice).unwrap_or_default();
        details
            .iter()
            .filter(move |detail| detail["type"] == name)
            .filter_map(|detail| detail["valueString"].as_str())
    }
    fn one(&self, name: &'static str) -> Option<&'v str> {
        self.named(name).next()
    }
    fn all(&self, name: &'static str) -> Vec<String> {
        self.named(name).map(str::to_owned).collect()
    }
    fn number<T: std::str::FromStr>(&self, name: &'static str) -> Result<T> {
        self.one(name)
            .and_then(|number| number.parse().ok())
            .ok_or_else(|| lacks(name))
    }
}

fn entity<'v>(event: &'v Value, code: &str) -> Result<&'v Value> {
    entities(event)
        .find(|entity| entity["type"]["code"] == code)
        .ok_or_else(|| lacks("decision"))
}

fn entities(event: &Value) -> impl Iterator<Item = &Value> {
    event["entity"].as_array().into_iter().flatten()
}

fn salt(value: &Value) -> Result<[u8; 32]> {
    URL_SAFE_NO_PAD
        .decode(text(value, "salt")?)
        .ok()
        .and_then(|salt| salt.try_into().ok())
        .ok_or_else(|| lacks("salt"))
}

fn doer(agent: &Value) -> Result<Doer> {
    let (member, id) = text(&agent["who"]["identifier"]["value"], "agent")?
        .split_once('/')
        .ok_or_else(|| lacks("agent"))?;
    let role = &agent["role"][0];
    let specialty = role["text"].as_str().unwrap_or_default();
    Ok(Doer {
        id: id.to_owned(),
        name: agent["name"].as_str().unwrap_or_default().to_owned(),
        member: MemberId(member.to_owned()),
        role: code(role["coding"].get(0), "role")?,
        licence: agent["altId"]
            .as_str()
            .map(|cedula| (cedula.to_owned(), specialty.to_owned())),
        supervisor: None,
        delegator: None,
        helper: None,
    })
}

/// The login, the name and the number of the agent who takes part so.
fn beside(event: &Value, part: &str) -> Result<Option<[String; 3]>> {
    let agents = event["agent"].as_array().into_iter().flatten();
    let mut beside = agents.filter(|agent| agent["type"]["coding"][0]["code"] == part);
    let Some(agent) = beside.next() else {
        return Ok(None);
    };
    let named = text(&agent["who"]["identifier"]["value"], "agent")?;
    let (_, login) = named.split_once('/').ok_or_else(|| lacks("agent"))?;
    let of = |name: &str| agent[name].as_str().unwrap_or_default().to_owned();
    Ok(Some([login.to_owned(), of("name"), of("altId")]))
}

fn professional(event: &Value, part: &str) -> Result<Option<Supervisor>> {
    let found = beside(event, part)?;
    Ok(found.map(|[login, name, cedula]| Supervisor {
        login,
        name,
        cedula,
    }))
}

fn helper(event: &Value) -> Result<Option<Helper>> {
    let found = beside(event, super::event::HELPING)?;
    Ok(found.map(|[login, name, _]| Helper { login, name }))
}

/// The institution that asked: of the two machines, which stand last, the first.
fn client(event: &Value) -> Result<MemberId> {
    let mut agents = event["agent"].as_array().into_iter().flatten().rev();
    member(&agents.nth(1).ok_or_else(|| lacks("agent"))?["who"])
}

fn member(reference: &Value) -> Result<MemberId> {
    let id = text(&reference["identifier"]["value"], "member")?;
    Ok(MemberId(id.to_owned()))
}

fn purpose(event: &Value) -> Result<Purpose> {
    code(
        event["purposeOfEvent"][0]["coding"].get(0),
        "purposeOfEvent",
    )
}

fn person(event: &Value) -> Result<Option<Tag>> {
    entities(event)
        .map(|entity| &entity["what"]["identifier"])
        .find(|identifier| identifier["system"] == super::systems::TAG)
        .map(|identifier| Ok(Tag(unhex(text(&identifier["value"], "tag")?)?)))
        .transpose()
}

fn what(details: &Details<'_>) -> Result<What> {
    let text = || details.one("what-text").unwrap_or_default().to_owned();
    Ok(match details.one("what") {
        Some("summary") => What::Summary,
        Some("log") => What::Log,
        Some("find") => What::Find,
        Some("reception") => What::Reception,
        Some("discharge") => What::Discharge,
        Some("interaction") => What::Interaction(text()),
        Some("writing") => What::Writing(text()),
        Some("import") => What::Import(text()),
        Some("disclosure") => What::Disclosure(text()),
        Some("erasure") => What::Erasure(text()),
        Some("registry") => What::Registry(
            serde_json::from_str(&text()).map_err(|_| lacks("step about who is who"))?,
        ),
        Some("order") => {
            What::Order(serde_json::from_str(&text()).map_err(|_| lacks("step of an order"))?)
        }
        Some("glass") => {
            What::Glass(serde_json::from_str(&text()).map_err(|_| lacks("step of an emergency"))?)
        }
        _ => return Err(lacks("what")),
    })
}

/// What the rules were asked; acts that were kept before it was remembered have no verbs.
fn question(details: &Details<'_>, at: Timestamp, person: Option<Tag>) -> Result<Option<Question>> {
    let Some(letters) = details.one("verbs") else {
        return Ok(None);
    };
    let types = details.one("types").map(|names| {
        let named = names.split(' ').filter(|name| !name.is_empty());
        let types = named.map(|name| ResourceType::from_name(name).ok_or_else(|| lacks("types")));
        types.collect::<Result<Vec<_>>>()
    });
    let scope = match (details.one("scope"), person) {
        (None, Some(_)) => Some("person"),
        (code, _) => SCOPES.into_iter().find(|scope| Some(*scope) == code),
    };
    Ok(Some(Question {
        verbs: verbs(letters).ok_or_else(|| lacks("verbs"))?,
        types: types.transpose()?,
        scope: scope.ok_or_else(|| lacks("scope"))?,
        licence: details.one("licence").map(from_code).transpose()?,
        own_record: details.one("own").is_some(),
        reviews_overdue: details.one("overdue").is_some(),
        named: match details.one("named") {
            Some(_) => Some(details.number("named")?),
            None => None,
        },
        acting: details.one("acting").map(acting).transpose()?,
        delegated: details.one("delegated").map(delegated).transpose()?,
        words: details
            .named("said")
            .map(|text| said(text, person))
            .collect::<Result<_>>()?,
        used: details
            .named("used")
            .map(|text| used(text, person))
            .collect::<Result<_>>()?,
        also: details
            .named("also")
            .map(|tag| Ok(Tag(unhex(tag)?)))
            .collect::<Result<_>>()?,
        at: match details.one("decided") {
            Some(time) => time.parse().map_err(|_| lacks("decided"))?,
            None => at,
        },
    }))
}

/// Who acts for the person, and what she is to her.
fn acting(text: &str) -> Result<Acting> {
    let (tag, tie) = text.split_once(' ').unwrap_or((text, ""));
    Ok(Acting {
        tag: Tag(unhex(tag)?),
        tie: match tie {
            "" => None,
            code => Some(Tie::from_code(code).ok_or_else(|| lacks("acting"))?),
        },
    })
}

/// `role licence purposes tasks stands login`; another member's login may hold anything.
fn delegated(text: &str) -> Result<Delegated> {
    let parts: Vec<&str> = text.splitn(6, ' ').collect();
    let [role, licence, purposes, tasks, stands, login] = parts[..] else {
        return Err(lacks("delegated"));
    };
    Ok(Delegated {
        login: login.to_owned(),
        role: from_code(role)?,
        licence: match licence {
            "none" => None,
            code => Some(from_code(code)?),
        },
        purposes: codes(purposes)?,
        tasks: codes(tasks)?,
        stands: stands == "stands",
    })
}

/// Codes with `+` between them; `-` for none.
fn codes<T: DeserializeOwned>(text: &str) -> Result<Vec<T>> {
    let codes = text.split('+').filter(|code| *code != "-");
    codes.map(from_code).collect()
}

/// `version digest`, and whose it is if it is not the person's of the act.
fn said(text: &str, person: Option<Tag>) -> Result<Said> {
    let mut parts = text.split(' ');
    let version = parts.next().and_then(|number| number.parse().ok());
    let digest = parts.next().ok_or_else(|| lacks("said"))?;
    let whose = match parts.next() {
        Some(tag) => Some(Tag(unhex(tag)?)),
        None => person,
    };
    Ok(Said {
        person: whose.ok_or_else(|| lacks("said"))?,
        version: version.ok_or_else(|| lacks("said"))?,
        digest: unhex(digest)?,
    })
}

/// `grant times again`, `-` for a grant that is not used up, and whose it is if it is not the person's of the act.
fn used(text: &str, person: Option<Tag>) -> Result<Used> {
    let mut parts = text.split(' ');
    let grant = parts.next().ok_or_else(|| lacks("used"))?.to_owned();
    let times = parts.next().and_then(|number| number.parse().ok());
    let again = match parts.next() {
        Some("-") => None,
        Some(time) => Some(time.parse().map_err(|_| lacks("used"))?),
        None => return Err(lacks("used")),
    };
    let whose = match parts.next() {
        Some(tag) => Some(Tag(unhex(tag)?)),
        None => person,
    };
    Ok(Used {
        person: whose.ok_or_else(|| lacks("used"))?,
        grant,
        times: times.ok_or_else(|| lacks("used"))?,
        again,
    })
}

fn seen(event: &Value) -> Result<Vec<Seen>> {
    entities(event)
        .filter_map(|entity| entity["what"]["reference"].as_str())
        .map(|reference| {
            let mut parts = reference.split('/');
            let of = parts.next().and_then(ResourceType::from_name);
            let (Some(of), Some(id)) = (of, parts.next()) else {
                return Err(lacks("entity.what"));
            };
            let version = match (parts.next(), parts.next()) {
                (Some("_history"), Some(version)) => version.parse().ok(),
                (None, None) => Some(0),
                _ => None,
            };
            Ok(Seen {
                of,
                id: id.to_owned(),
                version: version.ok_or_else(|| lacks("entity.what"))?,
            })
        })
        .collect()
}

fn opinion(details: &Details<'_>) -> Result<Option<(Opinion, String)>> {
    let Some(opinion) = details.one("opinion") else {
        return Ok(None);
    };
    let of = details.one("opinion-of").ok_or_else(|| lacks("opinion"))?;
    Ok(Some((from_code(opinion)?, of.to_owned())))
}

fn code<T: DeserializeOwned>(coding: Option<&Value>, name: &str) -> Result<T> {
    let code = coding
        .and_then(|coding| coding["code"].as_str())
        .ok_or_else(|| lacks(name))?;
    from_code(code)
}

fn from_code<T: DeserializeOwned>(code: &str) -> Result<T> {
    serde_json::from_value(Value::String(code.to_owned()))
        .map_err(|_| BodyError(format!("it has an unknown code {code:?}")))
}

fn text<'v>(value: &'v Value, name: &str) -> Result<&'v str> {
    value.as_str().ok_or_else(|| lacks(name))
}

fn unhex<const N: usize>(text: &str) -> Result<[u8; N]> {
    let mut bytes = [0; N];
    if text.len() != 2 * N || !text.is_ascii() {
        return Err(lacks("hexadecimal name"));
    }
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = std::str::from_utf8(digits)
            .ok()
            .and_then(|digits| u8::from_str_radix(digits, 16).ok())
            .ok_or_else(|| lacks("hexadecimal name"))?;
    }
    Ok(bytes)
}

fn lacks(name: &str) -> BodyError {
    BodyError(format!("its {name} is missing or malformed"))
}
