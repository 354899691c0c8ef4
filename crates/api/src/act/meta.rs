//! `$meta`, `$meta-add`, `$meta-delete`: profiles, tags and security labels of a resource; those in use on a type or on
//! all types.

use super::condition::repeated;
use crate::{
    fault::Fault,
    negotiate::Wishes,
    reply::{Body, Reply},
    session::{Ask, Outcome, Session, verbs},
};
use fhir::{
    Issue, IssueCode, ResourceType, Value, json, obj,
    query::{self, Handling},
    search::Catalog,
};
use store::{Held, Labels, Page, Verb};
use trust::{PersonRef, Role, What};

/// What is done to a resource's meta.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Add,
    Delete,
}

/// The lists of a meta that these operations are about.
const LISTS: [&str; 3] = ["profile", "security", "tag"];
/// The conditions that find whatever has one of them.
const USED: [&str; 3] = ["_profile:missing", "_security:missing", "_tag:missing"];
/// Resources whose meta is gathered for one answer; beyond, the question is refused.
const MOST: usize = 20_000;

impl Session<'_> {
    pub(super) fn meta(&self, of: Option<ResourceType>, id: Option<&str>) -> Outcome {
        let meta = match (of, id) {
            (Some(of), Some(id)) => self.meta_of_one(of, id)?,
            (of, _) => self.meta_in_use(of)?,
        };
        Ok(Reply::made(parameters(meta)))
    }

    fn meta_of_one(&self, of: ResourceType, id: &str) -> Result<Value, Fault> {
        let what = What::Interaction(format!("GET {of}/$meta"));
        let grant = self.decide_about(of, id, verbs(&[Verb::Read]), what)?;
        let held = self.house.gate.store().read(&grant.permit, of, id)?;
        let version = self.open(&grant, held)?;
        let version = version.ok_or_else(|| self.missing(of, id))?;
        match version.deleted {
            true => Err(super::read::was_deleted(&version)),
            false => Ok(meta_of(&version.body)),
        }
    }

    /// Profiles, labels and tags of all that the permit opens, each once.
    fn meta_in_use(&self, of: Option<ResourceType>) -> Result<Value, Fault> {
        let person = match (&self.actor.role, &self.actor.curp) {
            (Role::Patient, Some(curp)) => PersonRef::Curp(curp.clone()),
            _ if of.is_some_and(|of| !self.is_kept_from(of)) && !self.of_the_house() => {
                PersonRef::Nobody
            }
            _ => PersonRef::Everyone,
        };
        let line = of.map_or("GET $meta".to_owned(), |of| format!("GET {of}/$meta"));
        let grant = self.decide(Ask {
            person,
            verbs: verbs(&[Verb::Search, Verb::Read]),
            types: of.map(|of| vec![of]),
            what: What::Interaction(line),
        })?;
        let types: Vec<ResourceType> = match of {
            Some(of) => vec![of],
            None => ResourceType::all().collect(),
        };
        let (mut held, mut found): (Vec<Held<Page>>, usize) = (Vec::new(), 0);
        for of in types {
            for name in USED {
                self.all_pages(&grant, of, name, &mut held, &mut found)?;
            }
        }
        let Some(held) = Held::all(held) else {
            return Ok(obj! {});
        };
        let mut meta = obj! {};
        for page in self.open(&grant, held)? {
            for version in &page.matches {
                add(&mut meta, &meta_of(&version.body));
            }
        }
        Ok(meta)
    }

    fn all_pages(
        &self,
        grant: &trust::Grant,
        of: ResourceType,
        name: &str,
        held: &mut Vec<Held<Page>>,
        found: &mut usize,
    ) -> Result<(), Fault> {
        let pairs = [
            (name.to_owned(), "false".to_owned()),
            ("_count".to_owned(), "1000".to_owned()),
        ];
        let query = query::parse(&Catalog::r4(), of, &pairs, Handling::Strict)
            .map_err(|issues| Fault::of(400, issues))?;
        let page = self
            .house
            .gate
            .store()
            .search(&grant.permit, &query, None)?;
        *found += page.seen().len();
        // A page that is full may not be the last; what it says would be less than the truth.
        if page.seen().len() >= query.count || *found > MOST {
            return Err(Fault::new(
                403,
                IssueCode::TooLong,
                "Too many resources carry profiles, labels or tags to list them here; ask for one type, or search by _tag, _security or _profile.",
            ));
        }
        held.push(page);
        Ok(())
    }

    pub(super) fn change_meta(
        &self,
        of: ResourceType,
        id: &str,
        change: Change,
        parameters_sent: &Value,
        wishes: &Wishes,
    ) -> Outcome {
        let asked = meta_asked(parameters_sent)?;
        let name = match change {
            Change::Add => "meta-add",
            Change::Delete => "meta-delete",
        };
        let changed = |before: &Value| {
            let mut after = before.clone();
            let mut meta = before.get("meta").cloned().unwrap_or_else(|| obj! {});
            match change {
                Change::Add => add(&mut meta, &asked),
                Change::Delete => delete(&mut meta, &asked),
            }
            after.set("meta", meta);
            Ok(after)
        };
        let done = repeated(|| {
            let line = format!("POST {of}/${name}");
            self.amend(of, id, Vec::new(), wishes, line, &changed)
        })?;
        Ok(Reply {
            body: Body::Made(parameters(meta_of(done.body.bytes()))),
            location: None,
            write: false,
            unwanted: Labels::default(),
            ..done
        })
    }
}

/// The `meta` of a stored resource, without its version and time, which are the resource's own affair.
fn meta_of(body: &[u8]) -> Value {
    let limits = json::Limits {
        bytes: usize::MAX,
        depth: 256,
    };
    let resource = json::parse(body, &limits).unwrap_or(Value::Null);
    let mut meta = obj! {};
    if let Some(found) = resource.get("meta") {
        for list in LISTS {
            let items = found.list(list);
            if !items.is_empty() {
                meta.set(list, items.to_vec());
            }
        }
    }
    meta
}

fn parameters(meta: Value) -> Vec<u8> {
    let meta = match meta.as_object().is_some_and(|meta| !meta.is_empty()) {
        true => obj! { "name" => "return", "valueMeta" => meta },
        // An empty object is no FHIR value; the parameter stands for it without one.
        false => return obj! { "resourceType" => "Parameters" }.to_bytes(),
    };
    obj! { "resourceType" => "Parameters", "parameter" => [meta] }.to_bytes()
}

/// The `meta` of the Parameters sent.
fn meta_asked(parameters: &Value) -> Result<Value, Fault> {
    let wrong = |said: &str| {
        let issue = Issue::error(IssueCode::Required, "Parameters.parameter", said);
        Err(Fault::of(400, vec![issue]))
    };
    if parameters.text("resourceType") != Some("Parameters") {
        return wrong("Send Parameters with one parameter `meta`, a valueMeta.");
    }
    fhir::check(parameters).map_err(|issues| Fault::of(422, issues))?;
    match parameters.list("parameter") {
        [one] if one.text("name") == Some("meta") => match one.get("valueMeta") {
            Some(meta) => Ok(meta.clone()),
            None => wrong("The parameter `meta` has no valueMeta."),
        },
        _ => wrong("There is exactly one parameter, `meta`, a valueMeta."),
    }
}

/// What tells one item of a list from another: a profile's address; system and code of a label or tag.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(_), Value::Object(_)) => {
            a.get("system") == b.get("system") && a.get("code") == b.get("code")
        }
        _ => a == b,
    }
}

fn add(meta: &mut Value, asked: &Value) {
    for list in LISTS {
        let mut items = meta.list(list).to_vec();
        for item in asked.list(list) {
            if !items.iter().any(|known| same(known, item)) {
                items.push(item.clone());
            }
        }
        if !items.is_empty() {
            meta.set(list, items);
        }
    }
}

fn delete(meta: &mut Value, asked: &Value) {
    for list in LISTS {
        let gone = asked.list(list);
        let mut items = meta.list(list).to_vec();
        items.retain(|item| !gone.iter().any(|one| same(one, item)));
        if let Some(object) = meta.as_object_mut() {
            match items.is_empty() {
                true => drop(object.remove(list)),
                false => object.set(list, items),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_are_told_by_system_and_code() {
        let tag = |code: &str, display: &str| obj! { "system" => "s", "code" => code, "display" => display };
        let mut meta = obj! { "tag" => [tag("a", "A")], "source" => "x" };
        add(
            &mut meta,
            &obj! { "tag" => [tag("a", "again"), tag("b", "B")], "profile" => ["p"] },
        );
        assert_eq!((meta.list("tag").len(), meta.list("profile").len()), (2, 1));
        delete(
            &mut meta,
            &obj! { "tag" => [tag("a", "")], "profile" => ["p"] },
        );
        assert_eq!(meta, obj! { "tag" => [tag("b", "B")], "source" => "x" });
    }
}
