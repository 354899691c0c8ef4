//! The generated tables in memory: a tree of nodes, each with its elements in an order that is quick to search.
//!
//! Choice elements stand spelled out (`valueQuantity`, `valueString`...); all spellings of one share a *slot*, so that
//! a set of 64 bits says which elements an object has.

use crate::search::BESIDE;
use std::{collections::HashMap, sync::LazyLock};

/// The number of what is not there.
const NONE: u16 = u16::MAX;

static TABLES: LazyLock<Tables> = LazyLock::new(|| {
    Tables::read(
        include_str!("../../definitions/elements.tsv"),
        include_str!("../../definitions/codes.tsv"),
    )
});

/// The tables, read on first use.
pub(crate) fn tables() -> &'static Tables {
    &TABLES
}

/// All that R4 says of structure.
pub(crate) struct Tables {
    /// Concrete resource types, by name.
    pub(crate) resources: Vec<Resource>,
    nodes: Vec<Node>,
    by_path: HashMap<&'static str, u16>,
    targets: Vec<Vec<&'static str>>,
    codes: Vec<CodeSet>,
    /// Nodes that are checked by more than their elements.
    pub(crate) special: Special,
}

/// Places of the nodes that mean more than their elements.
#[derive(Default)]
#[allow(missing_docs)]
pub(crate) struct Special {
    pub(crate) element: u16,
    pub(crate) extension: u16,
    pub(crate) reference: u16,
    pub(crate) codeable_concept: u16,
    pub(crate) quantity: u16,
}

/// A concrete resource type.
pub(crate) struct Resource {
    pub(crate) name: &'static str,
    pub(crate) node: u16,
    pub(crate) in_patient_compartment: bool,
    /// Or beside it.
    pub(crate) personal: bool,
}

/// A type, or a nested part of one: what an object there can hold.
pub(crate) struct Node {
    /// `Patient`, `Patient.contact`, `HumanName`.
    pub(crate) path: &'static str,
    /// The node that this one specialises: `Element` of `HumanName`, `BackboneElement` of `Patient.contact`.
    pub(crate) base: Option<u16>,
    /// By length of name, then name.
    elements: Vec<Element>,
    /// Slots that must be filled.
    pub(crate) required: u64,
    /// Slots of choice elements.
    pub(crate) choices: u64,
    /// The names of slots as the definitions write them (`value[x]`).
    pub(crate) slots: Vec<&'static str>,
}

/// One element as it is written in JSON.
pub(crate) struct Element {
    /// `given`, `valueQuantity`.
    pub(crate) name: &'static str,
    /// Its place in [`Node::slots`].
    pub(crate) slot: u8,
    /// Whether it is an array.
    pub(crate) many: bool,
    pub(crate) kind: Kind,
    targets: u16,
    codes: u16,
}

/// What an element holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    Primitive(Primitive),
    /// An object of that node.
    Object(u16),
    /// Any resource.
    Resource,
}

/// A value set: its URL and its (code, system) pairs, in order.
pub(crate) struct CodeSet {
    pub(crate) url: &'static str,
    pub(crate) codes: Vec<(&'static str, &'static str)>,
}

macro_rules! primitives {
    ($($variant:ident $name:literal),* $(,)?) => {
        /// The primitive types of R4.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub(crate) enum Primitive { $($variant),* }
        impl Primitive {
            /// The type that R4 calls so.
            pub(crate) fn from_name(name: &str) -> Option<Primitive> {
                match name { $($name => Some(Primitive::$variant),)* _ => None }
            }
            /// The name R4 gives it.
            pub(crate) fn name(self) -> &'static str {
                match self { $(Primitive::$variant => $name),* }
            }
        }
    };
}
primitives! {
    Base64Binary "base64Binary", Boolean "boolean", Canonical "canonical", Code "code", Date "date",
    DateTime "dateTime", Decimal "decimal", Id "id", Instant "instant", Integer "integer", Markdown "markdown",
    Oid "oid", PositiveInt "positiveInt", String "string", Time "time", UnsignedInt "unsignedInt", Uri "uri",
    Url "url", Uuid "uuid", Xhtml "xhtml",
}

impl Node {
    /// The element written so in JSON.
    pub(crate) fn element(&self, name: &str) -> Option<&Element> {
        self.elements
            .binary_search_by(|e| (e.name.len().cmp(&name.len())).then_with(|| e.name.cmp(name)))
            .ok()
            .and_then(|at| self.elements.get(at))
    }
    /// All elements, choices spelled out.
    pub(crate) fn elements(&self) -> &[Element] {
        &self.elements
    }
    /// Whether a slot is that of a choice.
    pub(crate) fn is_choice(&self, slot: u8) -> bool {
        self.choices & 1u64.checked_shl(slot.into()).unwrap_or(0) != 0
    }
    /// The slot of the choice that the definitions write as this and `[x]`.
    pub(crate) fn choice(&self, stem: &str) -> Option<u8> {
        let mut slots = self.slots.iter();
        let at = slots.position(|slot| slot.strip_suffix("[x]") == Some(stem))?;
        u8::try_from(at).ok()
    }
    /// The definitions' name of a slot.
    pub(crate) fn slot(&self, slot: u32) -> &'static str {
        self.slots.get(slot as usize).copied().unwrap_or_default()
    }
}

impl Element {
    /// The types that a reference here may point to; empty for any.
    pub(crate) fn targets(&self, tables: &'static Tables) -> &'static [&'static str] {
        tables
            .targets
            .get(usize::from(self.targets))
            .map_or(&[], Vec::as_slice)
    }
    /// The value set that codes here must be of, when it can be listed.
    pub(crate) fn codes(&self, tables: &'static Tables) -> Option<&'static CodeSet> {
        tables.codes.get(usize::from(self.codes))
    }
}

impl CodeSet {
    /// Whether it has the code, in whichever system.
    pub(crate) fn has_code(&self, code: &str) -> bool {
        self.codes.binary_search_by(|(c, _)| (*c).cmp(code)).is_ok()
    }
    /// Whether it has the code in that system.
    pub(crate) fn has(&self, system: &str, code: &str) -> bool {
        self.codes.binary_search(&(code, system)).is_ok()
    }
}

impl Tables {
    /// All nodes, by their places.
    pub(crate) fn nodes(&self) -> &[Node] {
        &self.nodes
    }
    /// The place of the node of that path: `Patient`, `HumanName`, `Patient.contact`.
    pub(crate) fn place_of(&self, path: &str) -> Option<u16> {
        self.by_path.get(path).copied()
    }
    /// A node by its place.
    pub(crate) fn node(&self, at: u16) -> Option<&Node> {
        self.nodes.get(usize::from(at))
    }
    fn read(elements: &'static str, codes: &'static str) -> Tables {
        let (types, plans) = read_plans(elements);
        let (codes, set_numbers) = read_codes(codes);
        let mut builder = Builder {
            by_path: plans.iter().map(|p| p.path).zip(0..).collect(),
            plans,
            set_numbers,
            target_numbers: HashMap::new(),
            targets: vec![Vec::new()],
        };
        let nodes = (0..builder.plans.len())
            .map(|at| builder.node(at))
            .collect();
        let mut resources: Vec<Resource> = types
            .into_iter()
            .map(|(name, in_patient_compartment)| Resource {
                name,
                node: builder.number(name),
                in_patient_compartment,
                personal: in_patient_compartment
                    || BESIDE.iter().any(|(beside, _)| *beside == name),
            })
            .collect();
        resources.sort_unstable_by_key(|r| r.name);
        Tables {
            resources,
            nodes,
            special: Special {
                element: builder.number("Element"),
                extension: builder.number("Extension"),
                reference: builder.number("Reference"),
                codeable_concept: builder.number("CodeableConcept"),
                quantity: builder.number("Quantity"),
            },
            by_path: builder.by_path,
            targets: builder.targets,
            codes,
        }
    }
}

/// An element's line in the table.
#[derive(Clone, Copy)]
struct Row {
    /// With the type: `Patient.contact.name`.
    path: &'static str,
    required: bool,
    many: bool,
    types: &'static str,
    codes: &'static str,
}

/// A node to be: its own rows and the type whose rows come before them.
struct Plan {
    path: &'static str,
    base: &'static str,
    rows: Vec<Row>,
}

fn lines(text: &'static str) -> impl Iterator<Item = &'static str> {
    text.lines().filter(|l| !l.starts_with('#'))
}

/// The concrete resource types (with their place in the patient compartment), and every node to be.
fn read_plans(text: &'static str) -> (Vec<(&'static str, bool)>, Vec<Plan>) {
    let (mut resources, mut plans) = (Vec::new(), Vec::<Plan>::new());
    let mut by_path: HashMap<&'static str, usize> = HashMap::new();
    let add = |plans: &mut Vec<Plan>, path, base| {
        plans.push(Plan {
            path,
            base,
            rows: Vec::new(),
        });
        plans.len() - 1
    };
    for line in lines(text) {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        let first = field();
        let Some((parent, _)) = first.rsplit_once('.') else {
            let (name, base, patient) = (field(), field(), field() == "patient");
            if first == "resource" {
                resources.push((name, patient));
            }
            if first != "primitive" {
                by_path.insert(name, add(&mut plans, name, base));
            }
            continue;
        };
        let row = Row {
            path: first,
            required: field() != "0",
            many: field() != "1",
            types: field(),
            codes: field(),
        };
        if let Some(plan) = by_path.get(parent).and_then(|at| plans.get_mut(*at)) {
            plan.rows.push(row);
        }
        if matches!(row.types, "BackboneElement" | "Element") {
            by_path.insert(first, add(&mut plans, first, row.types));
        }
    }
    (resources, plans)
}

fn read_codes(text: &'static str) -> (Vec<CodeSet>, HashMap<&'static str, u16>) {
    let mut sets: Vec<CodeSet> = Vec::new();
    let mut numbers = HashMap::new();
    for line in lines(text) {
        match (line.strip_prefix('\t'), sets.last_mut()) {
            (Some(line), Some(set)) => {
                let mut fields = line.split('\t');
                let system = fields.next().unwrap_or_default();
                set.codes.extend(fields.map(|code| (code, system)));
            }
            _ => {
                numbers.insert(line, u16::try_from(sets.len()).unwrap_or(NONE));
                sets.push(CodeSet {
                    url: line,
                    codes: Vec::new(),
                });
            }
        }
    }
    for set in &mut sets {
        set.codes.sort_unstable();
    }
    (sets, numbers)
}

struct Builder {
    plans: Vec<Plan>,
    by_path: HashMap<&'static str, u16>,
    set_numbers: HashMap<&'static str, u16>,
    target_numbers: HashMap<&'static str, u16>,
    targets: Vec<Vec<&'static str>>,
}

impl Builder {
    fn number(&self, path: &str) -> u16 {
        self.by_path.get(path).copied().unwrap_or(NONE)
    }

    fn node(&mut self, at: usize) -> Node {
        let mut rows = Vec::new();
        let (path, base) = self.plans.get(at).map_or(("", ""), |p| (p.path, p.base));
        self.lineage(path, &mut rows);
        let mut node = Node {
            path,
            base: self.by_path.get(base).copied(),
            elements: Vec::with_capacity(rows.len()),
            required: 0,
            choices: 0,
            slots: Vec::with_capacity(rows.len()),
        };
        for (slot, row) in (0u8..).zip(rows) {
            self.add(&mut node, slot, row);
        }
        node.elements
            .sort_unstable_by_key(|e| (e.name.len(), e.name));
        node
    }

    /// The rows of a node, those of its bases first.
    fn lineage(&self, path: &str, into: &mut Vec<Row>) {
        if let Some(plan) = self.plans.get(usize::from(self.number(path))) {
            self.lineage(plan.base, into);
            into.extend(&plan.rows);
        }
    }

    fn add(&mut self, node: &mut Node, slot: u8, row: Row) {
        let name = row.path.rsplit('.').next().unwrap_or_default();
        let bit = 1u64.checked_shl(slot.into()).unwrap_or(0);
        node.slots.push(name);
        if row.required {
            node.required |= bit;
        }
        let stem = name.strip_suffix("[x]");
        if stem.is_some() {
            node.choices |= bit;
        }
        for of in row.types.split(',') {
            let (of, targets) = of.split_once('(').unwrap_or((of, ""));
            let element = Element {
                name: stem.map_or(name, |stem| spelled(stem, of)),
                slot,
                many: row.many,
                kind: self.kind(row.path, of),
                targets: self.target_number(targets.trim_end_matches(')')),
                codes: self.set_numbers.get(row.codes).copied().unwrap_or(NONE),
            };
            node.elements.push(element);
        }
    }

    fn kind(&self, path: &str, of: &str) -> Kind {
        if let Some(primitive) = Primitive::from_name(of) {
            return Kind::Primitive(primitive);
        }
        match of.strip_prefix('#') {
            Some(same) => Kind::Object(self.number(same)),
            None if of == "Resource" => Kind::Resource,
            None if self.by_path.contains_key(path) => Kind::Object(self.number(path)),
            None => Kind::Object(self.number(of)),
        }
    }

    fn target_number(&mut self, targets: &'static str) -> u16 {
        if targets.is_empty() {
            return 0;
        }
        *self.target_numbers.entry(targets).or_insert_with(|| {
            self.targets.push(targets.split('|').collect());
            u16::try_from(self.targets.len() - 1).unwrap_or(NONE)
        })
    }
}

/// `value` and `dateTime` make `valueDateTime`. Leaked: the tables live as long as the program.
fn spelled(stem: &str, of: &str) -> &'static str {
    let mut name = String::with_capacity(stem.len() + of.len());
    name.push_str(stem);
    let mut letters = of.chars();
    name.extend(letters.next().map(|c| c.to_ascii_uppercase()));
    name.push_str(letters.as_str());
    name.leak()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node_at(path: &str) -> &'static Node {
        tables().nodes.iter().find(|n| n.path == path).unwrap()
    }

    #[test]
    fn every_element_leads_to_a_known_type_and_fits_its_slots() {
        for node in &tables().nodes {
            assert!(node.slots.len() <= 64, "{}", node.path);
            assert!(!node.elements.is_empty(), "{}", node.path);
            for element in &node.elements {
                if let Kind::Object(at) = element.kind {
                    assert!(
                        tables().node(at).is_some(),
                        "{}.{}",
                        node.path,
                        element.name
                    );
                }
                assert_eq!(
                    node.element(element.name).map(|e| e.name),
                    Some(element.name),
                    "{} has it once",
                    node.path
                );
            }
        }
    }
    #[test]
    fn parts_inherit_and_share_content() {
        let patient = node_at("Patient");
        for name in ["id", "meta", "text", "contained", "extension", "birthDate"] {
            assert!(patient.element(name).is_some(), "{name}");
        }
        assert!(patient.element("deceased").is_none());
        assert_eq!(
            patient.element("deceasedBoolean").unwrap().slot,
            patient.element("deceasedDateTime").unwrap().slot
        );
        let age = node_at("Age");
        assert!(age.element("value").is_some());
        let within = |path: &str, name: &str| node_at(path).element(name).unwrap().kind;
        assert_eq!(
            within("Observation.component", "referenceRange"),
            within("Observation", "referenceRange")
        );
        assert_eq!(within("Bundle.entry", "resource"), Kind::Resource);
        assert_eq!(within("Patient", "id"), Kind::Primitive(Primitive::Id));
    }
    #[test]
    fn required_codes_and_targets_are_there() {
        let patient = node_at("Patient");
        let genders = patient.element("gender").unwrap().codes(tables()).unwrap();
        assert_eq!(genders.codes.len(), 4);
        assert!(genders.has("http://hl7.org/fhir/administrative-gender", "female"));
        assert!(!genders.has("", "female") && genders.has_code("female"));
        assert_eq!(
            patient
                .element("managingOrganization")
                .unwrap()
                .targets(tables()),
            ["Organization"]
        );
        assert!(
            patient
                .element("language")
                .unwrap()
                .codes(tables())
                .is_none()
        );
    }
}
