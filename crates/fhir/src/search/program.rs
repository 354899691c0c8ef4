//! Search expressions compiled, per type, into one tree that is walked once beside the resource.
//!
//! Paths that begin alike share the walk: a member of the resource is looked up once per level, whatever the number of
//! parameters that need it. A composite's components are programs of their own that start at each element its base
//! finds, so that their values are of one element.

use super::{
    Entry, IDENTIFIER, Indexed, Kind, SearchParameter,
    entries::index,
    path::{Condition, Step, Term, parse},
    table::Table,
};
use crate::Value;
use std::sync::Arc;

/// Values that a composite takes from one element at most; what is beyond is left out.
const MAX_TUPLES: usize = 256;

/// What finds all entries of one type.
#[derive(Default)]
pub(crate) struct Program {
    root: Node,
    truths: Vec<(Leaf, Test)>,
}

/// A place in the tree.
#[derive(Default)]
struct Node {
    leaves: Vec<Leaf>,
    groups: Vec<Arc<Group>>,
    filters: Vec<(Test, Node)>,
    /// Sorted by key.
    members: Vec<(String, Node)>,
}

/// A parameter whose value stands here.
#[derive(Clone, Copy)]
pub(super) struct Leaf {
    /// Whose value.
    pub(super) parameter: &'static SearchParameter,
    /// The system that a bare code has here by its binding, or empty.
    pub(super) system: &'static str,
}

/// What stands at the end of a path.
#[derive(Clone)]
enum End {
    Leaf(Leaf),
    Group(Arc<Group>),
}

/// A composite, at the element its components start from.
struct Group {
    number: u16,
    parts: Vec<Part>,
}

/// A component.
struct Part {
    number: u16,
    /// Starts at the resource (`%resource`), not at the element.
    whole: bool,
    node: Node,
}

/// A compiled step.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Hop {
    /// Into any of these members; more than one for a choice.
    Into(Vec<String>),
    /// Only where this holds.
    If(Test),
}

/// A compiled condition on an element.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Test {
    At(usize),
    And(Box<Test>, Box<Test>),
    Exists(Vec<Hop>),
    Equals(Vec<Hop>, &'static str),
    Differs(Vec<Hop>, &'static str),
    RefersTo(Vec<Hop>, &'static str),
}

impl Program {
    /// Adds a parameter of a type; an error says what in its expression is outside the subset.
    pub(super) fn add(
        &mut self,
        table: &Table,
        of: &'static str,
        parameter: &'static SearchParameter,
    ) -> Result<(), String> {
        let compiler = Compiler { table, of };
        if parameter.kind == Kind::Composite {
            return self.add_composite(&compiler, parameter);
        }
        for term in parse(parameter.expression)? {
            match term {
                Term::Path(steps) => {
                    let (hops, place) = compiler.hops(&steps, of, Some(parameter.kind))?;
                    let system = table.system(&place);
                    let leaf = End::Leaf(Leaf { parameter, system });
                    self.root.add(hops.into_iter(), leaf);
                }
                Term::Truth(condition) => {
                    let leaf = Leaf {
                        parameter,
                        system: "",
                    };
                    self.truths.push((leaf, compiler.test(&condition, of)?));
                }
            }
        }
        Ok(())
    }

    fn add_composite(
        &mut self,
        compiler: &Compiler<'_>,
        parameter: &'static SearchParameter,
    ) -> Result<(), String> {
        if parameter.components.is_empty() {
            return Err("it has no components".into());
        }
        for term in parse(parameter.expression)? {
            let Term::Path(steps) = term else {
                return Err("a condition cannot be the base of a composite".into());
            };
            let (hops, place) = compiler.hops(&steps, compiler.of, Some(Kind::Composite))?;
            let parts = parameter.components.iter();
            let parts = parts.map(|part| compiler.part(part, &place));
            let group = Group {
                number: parameter.number,
                parts: parts.collect::<Result<_, _>>()?,
            };
            self.root.add(hops.into_iter(), End::Group(Arc::new(group)));
        }
        Ok(())
    }

    /// Appends what the parameters find in a resource, in the order of the resource.
    pub(super) fn run(&self, resource: &Value, out: &mut Vec<Entry>) {
        self.root.visit(resource, 0, resource, out);
        for (leaf, test) in &self.truths {
            index(*leaf, &Value::Bool(test.holds(resource, 0)), out);
        }
    }
}

impl Node {
    fn add(&mut self, mut hops: impl Iterator<Item = Hop> + Clone, end: End) {
        match hops.next() {
            None => match end {
                End::Leaf(leaf) => self.leaves.push(leaf),
                End::Group(group) => self.groups.push(group),
            },
            Some(Hop::If(test)) => {
                let at = match self.filters.iter().position(|(known, _)| *known == test) {
                    Some(at) => at,
                    None => {
                        self.filters.push((test, Node::default()));
                        self.filters.len() - 1
                    }
                };
                if let Some((_, node)) = self.filters.get_mut(at) {
                    node.add(hops, end);
                }
            }
            Some(Hop::Into(keys)) => {
                for key in keys {
                    self.member(key).add(hops.clone(), end.clone());
                }
            }
        }
    }

    fn member(&mut self, key: String) -> &mut Node {
        let at = match self.members.binary_search_by(|(k, _)| k.cmp(&key)) {
            Ok(at) => at,
            Err(at) => {
                self.members.insert(at, (key, Node::default()));
                at
            }
        };
        &mut self.members[at].1
    }

    /// Visits a value, or each item when it is a list. Lists in lists are no FHIR and are passed over.
    fn visit(&self, value: &Value, at: usize, resource: &Value, out: &mut Vec<Entry>) {
        match value {
            Value::Array(items) => {
                for (at, item) in items.iter().enumerate() {
                    if !matches!(item, Value::Array(_)) {
                        self.visit(item, at, resource, out);
                    }
                }
            }
            Value::Null => {}
            _ => {
                for leaf in &self.leaves {
                    index(*leaf, value, out);
                }
                for group in &self.groups {
                    group.visit(value, resource, out);
                }
                for (test, node) in &self.filters {
                    if test.holds(value, at) {
                        node.visit(value, at, resource, out);
                    }
                }
                self.visit_members(value, resource, out);
            }
        }
    }

    fn visit_members(&self, value: &Value, resource: &Value, out: &mut Vec<Entry>) {
        let Value::Object(object) = value else { return };
        if self.members.is_empty() {
            return;
        }
        for (key, member) in object.iter() {
            let found = self.members.binary_search_by(|(k, _)| k.as_str().cmp(key));
            if let Some((_, node)) = found.ok().and_then(|at| self.members.get(at)) {
                node.visit(member, 0, resource, out);
            }
        }
    }
}

impl Group {
    /// Appends every combination of what the components find from an element; nothing when one finds nothing.
    fn visit(&self, value: &Value, resource: &Value, out: &mut Vec<Entry>) {
        let mut columns = Vec::with_capacity(self.parts.len());
        // The last component, the value, is the one most often missing.
        for part in self.parts.iter().rev() {
            let mut found = Vec::new();
            let start = if part.whole { resource } else { value };
            part.node.visit(start, 0, resource, &mut found);
            found.retain(|entry| entry.number == part.number);
            if found.is_empty() {
                return;
            }
            columns.push(found);
        }
        columns.reverse();
        tuples(self.number, columns, out);
    }
}

/// Appends a composite's entries: every combination of its components' values, each value once.
pub(super) fn tuples(number: u16, columns: Vec<Vec<Entry>>, out: &mut Vec<Entry>) {
    let mut tuples: Vec<Vec<Indexed>> = vec![Vec::new()];
    for column in columns {
        let mut values: Vec<Indexed> = column.into_iter().filter_map(wordless).collect();
        values.sort_unstable_by(Indexed::order);
        values.dedup();
        let longer = tuples.iter().flat_map(|tuple| {
            values.iter().map(|value| {
                let mut tuple = tuple.clone();
                tuple.push(value.clone());
                tuple
            })
        });
        tuples = longer.take(MAX_TUPLES).collect();
    }
    out.extend(tuples.into_iter().map(|tuple| Entry {
        number,
        value: Indexed::Composite(tuple.into()),
    }));
}

/// A component's value: a token without its words, which no modifier of a composite asks for.
fn wordless(entry: Entry) -> Option<Indexed> {
    match entry.value {
        _ if entry.number & IDENTIFIER != 0 => None,
        Indexed::Token { system, code, .. } => {
            (!system.is_empty() || !code.is_empty()).then_some(Indexed::Token {
                system,
                code,
                text: String::new(),
            })
        }
        other => Some(other),
    }
}

impl Test {
    fn holds(&self, value: &Value, at: usize) -> bool {
        match self {
            Test::At(wanted) => *wanted == at,
            Test::And(a, b) => a.holds(value, at) && b.holds(value, at),
            Test::Exists(hops) => any(value, at, hops, &|_| true),
            Test::Equals(hops, literal) => any(value, at, hops, &|v| equals(v, literal)),
            Test::Differs(hops, literal) => any(value, at, hops, &|v| !equals(v, literal)),
            Test::RefersTo(hops, of) => any(value, at, hops, &|v| refers_to(v, of)),
        }
    }
}

/// Whether any element that the hops lead to is accepted.
fn any(value: &Value, at: usize, hops: &[Hop], accept: &dyn Fn(&Value) -> bool) -> bool {
    if let Value::Array(items) = value {
        let mut items = items.iter().enumerate();
        return items
            .any(|(at, item)| !matches!(item, Value::Array(_)) && any(item, at, hops, accept));
    }
    match hops.split_first() {
        None => accept(value),
        Some((Hop::If(test), rest)) => test.holds(value, at) && any(value, at, rest, accept),
        Some((Hop::Into(keys), rest)) => keys
            .iter()
            .filter_map(|key| value.get(key))
            .any(|member| any(member, 0, rest, accept)),
    }
}

fn equals(value: &Value, literal: &str) -> bool {
    match value {
        Value::String(text) | Value::Number(text) => text == literal,
        Value::Bool(truth) => literal == if *truth { "true" } else { "false" },
        _ => false,
    }
}

/// Whether a reference points to a type: by its text, or by the type it states when the text does not tell.
fn refers_to(value: &Value, of: &str) -> bool {
    let text = value.get("reference").and_then(Value::as_str);
    match text.and_then(type_of) {
        Some(found) => found == of,
        None => value.get("type").and_then(Value::as_str) == Some(of),
    }
}

/// The type in `[base/]Patient/1[/_history/2]`.
fn type_of(reference: &str) -> Option<&str> {
    let bare = reference.split("/_history/").next()?;
    let mut parts = bare.rsplit('/');
    parts.next()?;
    let of = parts.next()?;
    of.starts_with(|c: char| c.is_ascii_uppercase())
        .then_some(of)
}

/// Compiles the expressions of one type.
pub(super) struct Compiler<'t> {
    pub(super) table: &'t Table,
    pub(super) of: &'static str,
}

impl Compiler<'_> {
    /// Compiles steps that start at a place, and says where they end. The kind, for the steps that end in a value,
    /// picks the types of a choice that mean something to it.
    pub(super) fn hops(
        &self,
        steps: &[Step<'static>],
        place: &str,
        kind: Option<Kind>,
    ) -> Result<(Vec<Hop>, String), String> {
        let mut place = place.to_owned();
        let mut hops = Vec::new();
        let mut steps = steps.iter().peekable();
        // The type's own name in front says nothing new.
        steps.next_if(|step| matches!(step, Step::Name(n) if [self.of, "Resource", "DomainResource"].contains(n)));
        while let Some(step) = steps.next() {
            match step {
                Step::Name(name) => {
                    place = format!("{place}.{name}");
                    let cast = match steps.peek() {
                        Some(Step::As(of)) => Some(*of),
                        _ => None,
                    };
                    let kind = kind.filter(|_| steps.peek().is_none());
                    hops.push(Hop::Into(self.keys(name, &place, cast, kind)?));
                }
                // Consumed by the name before; on anything but a choice the type is what it is.
                Step::As(_) => {}
                Step::At(position) => hops.push(Hop::If(Test::At(*position))),
                Step::Where(condition) => hops.push(Hop::If(self.test(condition, &place)?)),
                Step::Extension(url) => {
                    hops.push(Hop::Into(vec!["extension".into()]));
                    let of_url = vec![Hop::Into(vec!["url".into()])];
                    hops.push(Hop::If(Test::Equals(of_url, url)));
                    place = "Extension".into();
                    if steps.peek().is_none() && kind.is_some() {
                        let keys = self.keys("value", "Extension.value", None, kind)?;
                        hops.push(Hop::Into(keys));
                    }
                }
                Step::Resolve => return Err("resolve() is supported before `is` only".into()),
            }
        }
        Ok((hops, place))
    }

    /// The members that a name stands for: itself, or those of a choice (`value` -> `valueQuantity`...).
    fn keys(
        &self,
        name: &str,
        place: &str,
        cast: Option<&str>,
        kind: Option<Kind>,
    ) -> Result<Vec<String>, String> {
        let Some(types) = self.table.choice(place) else {
            return Ok(vec![name.to_owned()]);
        };
        let wanted = types.iter().filter(|of| match (cast, kind) {
            // R4 writes `DateTime` in one place.
            (Some(cast), _) => cast.eq_ignore_ascii_case(of),
            (None, Some(kind)) => takes(kind, of),
            (None, None) => true,
        });
        let keys: Vec<String> = wanted.map(|of| choice_key(name, of)).collect();
        match keys.is_empty() {
            true => Err(format!("{place} has no type of use here among {types:?}")),
            false => Ok(keys),
        }
    }

    /// A component, from where the base of its composite ends.
    fn part(&self, parameter: &'static SearchParameter, place: &str) -> Result<Part, String> {
        let rooted = parameter.expression.strip_prefix("%resource.");
        let place = if rooted.is_some() { self.of } else { place };
        let mut node = Node::default();
        for term in parse(rooted.unwrap_or(parameter.expression))? {
            let Term::Path(steps) = term else {
                return Err("a condition is no component".into());
            };
            let (hops, place) = self.hops(&steps, place, Some(parameter.kind))?;
            let system = self.table.system(&place);
            node.add(hops.into_iter(), End::Leaf(Leaf { parameter, system }));
        }
        Ok(Part {
            number: parameter.number,
            whole: rooted.is_some(),
            node,
        })
    }

    fn test(&self, condition: &Condition<'static>, place: &str) -> Result<Test, String> {
        let hops = |steps: &[Step<'static>]| Ok::<_, String>(self.hops(steps, place, None)?.0);
        Ok(match condition {
            Condition::And(a, b) => Test::And(
                Box::new(self.test(a, place)?),
                Box::new(self.test(b, place)?),
            ),
            Condition::Exists(path) => Test::Exists(hops(path)?),
            Condition::Equals(path, literal) => Test::Equals(hops(path)?, literal),
            Condition::Differs(path, literal) => Test::Differs(hops(path)?, literal),
            Condition::RefersTo(path, of) => Test::RefersTo(hops(path)?, of),
        })
    }
}

fn choice_key(name: &str, of: &str) -> String {
    let mut key = name.to_owned();
    let mut letters = of.chars();
    key.extend(letters.next().map(|c| c.to_ascii_uppercase()));
    key.push_str(letters.as_str());
    key
}

/// Which types of a choice are values for a kind of parameter.
fn takes(kind: Kind, of: &str) -> bool {
    let types: &[&str] = match kind {
        Kind::Number => &["decimal", "integer", "positiveInt", "unsignedInt", "Range"],
        Kind::Date => &["date", "dateTime", "instant", "Period", "Timing"],
        Kind::String => &["string", "markdown", "HumanName", "Address", "code"],
        Kind::Token => &[
            "code",
            "Coding",
            "CodeableConcept",
            "Identifier",
            "ContactPoint",
            "boolean",
            "string",
            "id",
            "uri",
            "canonical",
        ],
        Kind::Reference => &["Reference", "canonical", "uri"],
        Kind::Quantity => &[
            "Quantity",
            "Age",
            "Count",
            "Distance",
            "Duration",
            "Money",
            "Range",
            "SampledData",
        ],
        Kind::Uri => &["uri", "url", "canonical", "oid", "uuid"],
        Kind::Composite | Kind::Special => &[],
    };
    types.contains(&of)
}
