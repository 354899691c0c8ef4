//! One piece of input, read and checked: the changes it asks for, or why not.
//!
//! Pure: text in, plan out. Ids are kept; what has none gets one made of the text's own bytes, so that the same file
//! always gives the same ids.

use super::links::{self, Links};
use super::report::Refused;
use super::source::{Line, MAX_DOCUMENT, MAX_LINE};
use super::text;
use fhir::json::{self, Limits};
use fhir::{Issue, ResourceType, Value};

/// Deepest nesting taken.
const DEPTH: usize = 64;
/// Reasons given for one resource.
const MAX_REASONS: usize = 5;

/// What is to be done with one resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Deed {
    /// Store it under its id.
    Put {
        resource: Value,
        if_match: Option<u64>,
        /// Only if this search of its type finds nothing.
        if_none_exist: Option<String>,
    },
    /// Delete it.
    Delete { if_match: Option<u64> },
}

/// One change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    pub(crate) of: ResourceType,
    pub(crate) id: String,
    pub(crate) deed: Deed,
    pub(crate) line: Option<u64>,
    pub(crate) entry: Option<usize>,
}

impl Item {
    pub(crate) fn name(&self) -> String {
        format!("{}/{}", self.of, self.id)
    }
    pub(crate) fn refused(
        &self,
        file: &str,
        expression: &str,
        reason: impl Into<String>,
    ) -> Refused {
        Refused {
            file: file.to_owned(),
            line: self.line,
            entry: self.entry,
            resource: Some(self.name()),
            expression: expression.to_owned(),
            reason: reason.into(),
        }
    }
}

/// A piece, ready to be stored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Plan {
    pub(crate) file: String,
    /// All of it or nothing: a Bundle.
    pub(crate) whole: bool,
    pub(crate) items: Vec<Item>,
    pub(crate) refused: Vec<Refused>,
    /// Type of each resource refused; `?` when it could not be known.
    pub(crate) refused_types: Vec<String>,
    /// Some item has a conditional reference or a condition of its own.
    pub(crate) asks: bool,
    /// `urn:` references to nothing in the Bundle.
    pub(crate) open: u64,
}

impl Plan {
    fn new(file: &str, whole: bool) -> Plan {
        Plan {
            file: file.to_owned(),
            whole,
            ..Plan::default()
        }
    }
    pub(crate) fn refuse(&mut self, of: &str, refused: Refused) {
        self.refused.push(refused);
        self.refused_types.push(of.to_owned());
    }
    /// A Bundle with a fault is refused as a whole.
    pub(crate) fn settle(&mut self) {
        if !self.whole || self.refused.is_empty() || self.items.is_empty() {
            return;
        }
        let others = self.items.len();
        let reason = format!(
            "{others} other resources of this Bundle were not stored: a Bundle is stored whole or not at all"
        );
        self.refused.push(Refused::file(&self.file, reason));
        let types = self.items.drain(..).map(|item| item.of.name().to_owned());
        self.refused_types.extend(types);
    }
}

/// Reads lines of NDJSON. A Bundle on a line becomes a plan of its own.
pub(crate) fn lines(file: &str, lines: Vec<Line>) -> Vec<Plan> {
    let mut plans = vec![Plan::new(file, false)];
    let mut plan = Plan::new(file, false);
    for line in lines {
        match read(&line.text, MAX_LINE) {
            Err(error) => plan.refuse(
                "?",
                Refused {
                    expression: error.path.clone(),
                    ..Refused::line(
                        file,
                        line.number,
                        format!("column {}: {}", error.column, error.reason),
                    )
                },
            ),
            Ok(value) if value.text("resourceType") == Some("Bundle") => {
                let mut bundle = bundle(file, &line.text, value);
                for at in bundle
                    .items
                    .iter_mut()
                    .map(|i| &mut i.line)
                    .chain(bundle.refused.iter_mut().map(|r| &mut r.line))
                {
                    *at = Some(line.number);
                }
                plans.push(bundle);
            }
            Ok(value) => single(&mut plan, &line.text, value, Some(line.number)),
        }
    }
    if let Some(first) = plans.first_mut() {
        *first = plan;
    }
    plans
}

/// Reads a whole document: a Bundle or one resource.
pub(crate) fn document(file: &str, text: &[u8]) -> Plan {
    let mut plan = Plan::new(file, true);
    match read(text, MAX_DOCUMENT) {
        Err(error) => plan.refuse(
            "?",
            Refused {
                expression: error.path.clone(),
                ..Refused::line(
                    file,
                    error.line as u64,
                    format!("column {}: {}", error.column, error.reason),
                )
            },
        ),
        Ok(value) if value.text("resourceType") == Some("Bundle") => {
            return bundle(file, text, value);
        }
        Ok(value) => single(&mut plan, text, value, None),
    }
    plan
}

fn read(text: &[u8], bytes: usize) -> Result<Value, json::Error> {
    let limits = Limits {
        bytes: bytes + 2,
        depth: DEPTH,
    };
    json::parse(text, &limits)
}

/// One resource that stands by itself.
fn single(plan: &mut Plan, text: &[u8], mut value: Value, line: Option<u64>) {
    let (of, id) = match checked(&value, None) {
        Ok(of) => (of, own_id(&value).unwrap_or_else(|| made_id(text, 0))),
        Err(reasons) => return refuse_each(plan, &value, line, None, reasons),
    };
    let mut links = Links::default();
    links::resolve(&mut value, &mut links);
    plan.open += links.open;
    plan.asks |= links.asks;
    plan.items.push(Item {
        of,
        id,
        deed: Deed::Put {
            resource: value,
            if_match: None,
            if_none_exist: None,
        },
        line,
        entry: None,
    });
}

/// A Bundle. `text` is what it was read from.
pub(crate) fn bundle(file: &str, text: &[u8], mut value: Value) -> Plan {
    let mut plan = Plan::new(file, true);
    let kind = value.text("type").unwrap_or_default().to_owned();
    let requests = match kind.as_str() {
        "transaction" | "batch" => true,
        "collection" | "searchset" => false,
        other => {
            plan.refuse(
                "Bundle",
                Refused {
                    resource: Some("Bundle".into()),
                    expression: "Bundle.type".into(),
                    ..Refused::file(file, no_such_bundle(other))
                },
            );
            return plan;
        }
    };
    let entries = match value
        .as_object_mut()
        .and_then(|bundle| bundle.remove("entry"))
    {
        Some(Value::Array(entries)) => entries,
        None => return plan,
        Some(_) => {
            plan.refuse(
                "Bundle",
                Refused {
                    expression: "Bundle.entry".into(),
                    ..Refused::file(file, "it must be an array")
                },
            );
            return plan;
        }
    };
    let mut links = Links::default();
    let mut wanted = Vec::with_capacity(entries.len());
    for (at, entry) in entries.into_iter().enumerate() {
        match wanted_of(entry, at, requests, text) {
            Ok(Some(one)) => {
                if let Some(url) = &one.full_url {
                    links.add(url, format!("{}/{}", one.of, one.id));
                }
                wanted.push(one);
            }
            Ok(None) => {}
            Err((of, reasons)) => {
                let refused = reasons.into_iter().map(|(expression, reason)| Refused {
                    entry: Some(at),
                    expression,
                    ..Refused::file(file, reason)
                });
                plan.refused.extend(refused);
                plan.refused_types.push(of);
            }
        }
    }
    for one in wanted {
        take(&mut plan, one, &mut links);
    }
    plan.open = links.open;
    plan.asks |= links.asks;
    place(&mut plan, text);
    plan.settle();
    plan
}

fn no_such_bundle(kind: &str) -> String {
    let why = match kind {
        "document" => "a document's text would be lost; post it as a transaction",
        "message" => "a message is processed, not stored; post it as a transaction",
        "history" => "past versions cannot be loaded; export the current ones as a collection",
        "transaction-response" | "batch-response" => {
            "it is a server's answer; import what was asked for"
        }
        _ => "a Bundle's type must be transaction, batch, collection or searchset",
    };
    format!("a Bundle of type \"{kind}\" is not taken: {why}")
}

/// Lines are found only when something has to be told.
fn place(plan: &mut Plan, text: &[u8]) {
    if plan.refused.is_empty() {
        return;
    }
    let lines = text::entry_lines(text);
    for refused in &mut plan.refused {
        refused.line = refused.entry.and_then(|at| lines.get(at).copied());
    }
}

/// An entry's wish, before its references are known.
struct Wanted {
    of: ResourceType,
    id: String,
    full_url: Option<String>,
    deed: Deed,
    entry: usize,
}

type Reasons = Vec<(String, String)>;

fn wanted_of(
    mut entry: Value,
    at: usize,
    requests: bool,
    text: &[u8],
) -> Result<Option<Wanted>, (String, Reasons)> {
    let wrong = |of: &str, place: &str, why: String| {
        (
            of.to_owned(),
            vec![(format!("Bundle.entry[{at}]{place}"), why)],
        )
    };
    let resource = entry
        .as_object_mut()
        .and_then(|entry| entry.remove("resource"));
    let full_url = entry.text("fullUrl").map(str::to_owned);
    let method = match entry.text("request.method") {
        Some(method) if requests => method,
        _ => "POST",
    };
    let url = entry
        .text("request.url")
        .unwrap_or_default()
        .trim_start_matches('/');
    let if_match = match entry.text("request.ifMatch").filter(|_| requests) {
        None => None,
        Some(tag) => match tag.trim_start_matches("W/").trim_matches('"').parse() {
            Ok(version) => Some(version),
            Err(_) => {
                let why = format!("\"{tag}\" is no version; write it as W/\"3\"");
                return Err(wrong("?", ".request.ifMatch", why));
            }
        },
    };
    match (method, resource) {
        ("DELETE", _) => match target(url) {
            Some((of, id)) => Ok(Some(Wanted {
                of,
                id,
                full_url: None,
                deed: Deed::Delete { if_match },
                entry: at,
            })),
            None => Err(wrong(
                "?",
                ".request.url",
                format!("\"{url}\" names no resource to delete; write Type/id"),
            )),
        },
        ("POST" | "PUT", None) if requests => Err(wrong(
            "?",
            ".resource",
            format!("a {method} needs a resource"),
        )),
        (_, None) => Ok(None),
        ("POST" | "PUT", Some(resource)) => {
            let name = resource.text("resourceType").unwrap_or("?").to_owned();
            if !requests
                && name == "OperationOutcome"
                && entry.text("search.mode") == Some("outcome")
            {
                return Ok(None);
            }
            let of = ResourceType::from_name(&name).ok_or_else(|| {
                wrong(
                    "?",
                    ".resource.resourceType",
                    format!("R4 has no type \"{name}\""),
                )
            })?;
            let own = own_id(&resource);
            if method == "PUT" {
                let named = target(url);
                if named.as_ref() != own.clone().map(|id| (of, id)).as_ref() {
                    let why = format!(
                        "PUT to \"{url}\", but the resource is {name}/{}; both must say the same, and a conditional update is not taken by an import",
                        own.unwrap_or_default()
                    );
                    return Err(wrong(&name, ".request.url", why));
                }
            }
            let if_none_exist = entry.text("request.ifNoneExist").filter(|_| requests);
            Ok(Some(Wanted {
                of,
                id: own.unwrap_or_else(|| made_id(text, at)),
                full_url,
                deed: Deed::Put {
                    resource,
                    if_match,
                    if_none_exist: if_none_exist.map(str::to_owned),
                },
                entry: at,
            }))
        }
        (other, Some(resource)) => {
            let name = resource.text("resourceType").unwrap_or("?").to_owned();
            Err(wrong(
                &name,
                ".request.method",
                format!("{other} is not taken by an import; POST, PUT and DELETE are"),
            ))
        }
    }
}

fn take(plan: &mut Plan, one: Wanted, links: &mut Links) {
    let (mut deed, entry) = (one.deed, one.entry);
    if let Deed::Put {
        resource,
        if_none_exist,
        ..
    } = &mut deed
    {
        links::resolve(resource, links);
        links.asks |= if_none_exist.is_some();
        if let Err(reasons) = checked(resource, Some(entry)) {
            refuse_each(plan, resource, None, Some(entry), reasons);
            return;
        }
    }
    plan.items.push(Item {
        of: one.of,
        id: one.id,
        deed,
        line: None,
        entry: Some(entry),
    });
}

/// The type of a sound resource that may stand by itself; else up to [`MAX_REASONS`] places and reasons.
fn checked(value: &Value, _entry: Option<usize>) -> Result<ResourceType, Reasons> {
    let of = fhir::check(value).map_err(|issues| {
        let reason = |issue: Issue| (issue.expression, issue.diagnostics);
        issues
            .into_iter()
            .take(MAX_REASONS)
            .map(reason)
            .collect::<Reasons>()
    })?;
    if matches!(of.name(), "Parameters" | "OperationOutcome") {
        return Err(vec![(
            of.name().to_owned(),
            format!("a {of} is an answer or a question, not a record; it is not stored"),
        )]);
    }
    if of.name() == "Person" && identity::is_of_several(value) {
        return Err(vec![(
            "Person.link".to_owned(),
            identity::OF_SEVERAL.to_owned(),
        )]);
    }
    Ok(of)
}

fn refuse_each(
    plan: &mut Plan,
    value: &Value,
    line: Option<u64>,
    entry: Option<usize>,
    reasons: Reasons,
) {
    let of = value.text("resourceType").unwrap_or("?");
    let resource = value.text("id").map(|id| format!("{of}/{id}"));
    let refused = reasons.into_iter().map(|(expression, reason)| Refused {
        file: plan.file.clone(),
        line,
        entry,
        resource: resource.clone(),
        expression,
        reason,
    });
    plan.refused.extend(refused);
    let known = ResourceType::from_name(of).map_or("?", ResourceType::name);
    plan.refused_types.push(known.to_owned());
}

fn own_id(resource: &Value) -> Option<String> {
    resource.text("id").map(str::to_owned)
}

/// `Type/id`.
fn target(url: &str) -> Option<(ResourceType, String)> {
    let (of, id) = url.split_once('/')?;
    let plain = !id.is_empty()
        && id
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.'));
    Some((ResourceType::from_name(of)?, id.to_owned())).filter(|_| plain)
}

/// An id made of the bytes that it was read from: the same file gives the same ids, another file others.
fn made_id(text: &[u8], at: usize) -> String {
    let whole = ledger::sha256(text);
    let mut bytes = whole.to_vec();
    bytes.extend_from_slice(&(at as u64).to_be_bytes());
    let hex: String = ledger::sha256(&bytes)
        .iter()
        .take(16)
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("i-{hex}")
}
