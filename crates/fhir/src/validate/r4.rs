//! What R4's tables say beyond structure: invariants, bindings, and the profiles and extensions of its own package.
//! Read once on first use; a profile is compiled when it is first asked for.

use super::shape::{Binding, Profile, Rule, Severity, Strength, Test};
use crate::{
    ResourceType,
    definitions::table::{Tables, tables},
    json,
};
use std::{
    collections::{HashMap, HashSet},
    sync::{LazyLock, OnceLock},
};

/// Where R4's own definitions stand.
pub(super) const HL7: &str = "http://hl7.org/fhir/StructureDefinition/";
/// Stands for it in the table.
const SHORT: &str = "@@";

/// What holds for one element (or one type) besides its structure.
#[derive(Default)]
pub(super) struct ElementRules {
    pub(super) rules: Vec<Rule>,
    pub(super) binding: Option<Binding>,
    /// Profiles that its type must follow (`SimpleQuantity`).
    pub(super) profiles: Vec<String>,
}

/// The table of rules.
pub(super) struct Rules {
    /// By node.
    nodes: Vec<Option<ElementRules>>,
    /// By node and slot.
    elements: HashMap<(u16, u8), ElementRules>,
    keys: HashSet<&'static str>,
}

static RULES: LazyLock<Rules> =
    LazyLock::new(|| read(include_str!("../../definitions/rules.tsv"), tables()));

type Lazy = (&'static str, OnceLock<Option<Profile>>);

static PROFILES: LazyLock<HashMap<String, Lazy>> = LazyLock::new(|| {
    let lines = include_str!("../../definitions/profiles.ndjson").lines();
    let entry = |line: &'static str| {
        // The url of the structure is the only member of that name in its line.
        let (_, url) = line.rsplit_once("\"url\":\"")?;
        let url = url.split_once('"')?.0.replace(SHORT, HL7);
        Some((url, (line, OnceLock::new())))
    };
    lines.filter_map(entry).collect()
});

/// The rules, read on first use.
pub(super) fn rules() -> &'static Rules {
    &RULES
}

/// A profile or extension of R4's package.
pub(super) fn profile(url: &str) -> Option<&'static Profile> {
    let (line, slot) = PROFILES.get(url)?;
    slot.get_or_init(|| {
        let text = line.replace(SHORT, HL7);
        let limits = json::Limits {
            bytes: 1 << 20,
            depth: 32,
        };
        let value = json::parse(text.as_bytes(), &limits).ok()?;
        Profile::compile(&value, |base| {
            if is_type(base) {
                return Some(None);
            }
            // A profile never builds on itself: the package has no such circle.
            (base != url).then(|| profile(base)).flatten().map(Some)
        })
        .ok()
    })
    .as_ref()
}

/// Whether a URL is that of a resource or data type of R4 itself.
pub(super) fn is_type(url: &str) -> bool {
    let name = url.strip_prefix(HL7).unwrap_or_default();
    type_name(name)
}

/// Whether R4 has a type of that name, abstract and primitive ones included.
pub(super) fn type_name(name: &str) -> bool {
    ResourceType::from_name(name).is_some()
        || tables().place_of(name).is_some()
        || crate::definitions::table::Primitive::from_name(name).is_some()
        || matches!(name, "Resource" | "DomainResource")
}

/// Whether R4 has an element of that path.
pub(super) fn has_path(path: &str) -> bool {
    let tables = tables();
    if type_name(path) || tables.place_of(path).is_some() {
        return true;
    }
    let Some((parent, name)) = path.rsplit_once('.') else {
        return false;
    };
    let node = tables.place_of(parent).and_then(|at| tables.node(at));
    node.is_some_and(|n| n.slots.contains(&name) || n.element(name).is_some())
}

impl Rules {
    /// What holds for objects of a node.
    pub(super) fn of_node(&self, node: u16) -> Option<&ElementRules> {
        self.nodes.get(usize::from(node))?.as_ref()
    }
    /// What holds for an element of a node.
    pub(super) fn of_element(&self, node: u16, slot: u8) -> Option<&ElementRules> {
        self.elements.get(&(node, slot))
    }
    /// Whether an invariant is one of R4's own types.
    pub(super) fn has_key(&self, key: &str) -> bool {
        matches!(key, "ele-1" | "ext-1") || self.keys.contains(key)
    }
}

fn read(text: &'static str, tables: &Tables) -> Rules {
    let mut all: Vec<Rule> = Vec::new();
    let mut out = Rules {
        nodes: Vec::new(),
        elements: HashMap::new(),
        keys: HashSet::new(),
    };
    out.nodes.resize_with(tables.nodes().len(), || None);
    for line in text.lines().filter(|l| !l.starts_with('#')) {
        let mut fields = line.split('\t');
        let mut field = || fields.next().unwrap_or_default();
        if field() == "c" {
            let (_, key, severity) = (field(), field(), field());
            out.keys.insert(key);
            all.push(Rule {
                key: key.into(),
                severity: match severity {
                    "best" => Severity::BestPractice,
                    "warning" => Severity::Warning,
                    _ => Severity::Error,
                },
                test: Test::new(field()),
            });
            continue;
        }
        let (path, numbers, strength, set) = (field(), field(), field(), field());
        let profiles = field().split(',').filter(|p| !p.is_empty());
        let rules = numbers
            .split(',')
            .filter_map(|n| all.get(n.parse::<usize>().ok()?));
        let rules = ElementRules {
            rules: rules.cloned().collect(),
            binding: Strength::from_code(strength).map(|strength| Binding {
                strength,
                set: set.to_owned(),
            }),
            profiles: profiles.map(|p| format!("{HL7}{p}")).collect(),
        };
        place(&mut out, tables, path, rules);
    }
    out
}

/// Puts the rules of a path where the walk looks for them: a type or backbone at its node, another element at its slot
/// of the node that holds it, and both when a backbone is bound to more than its content.
fn place(out: &mut Rules, tables: &Tables, path: &str, rules: ElementRules) {
    if let Some(node) = tables.place_of(path) {
        if let Some(slot) = out.nodes.get_mut(usize::from(node)) {
            *slot = Some(rules);
        }
        return;
    }
    let Some((parent, name)) = path.rsplit_once('.') else {
        return;
    };
    let Some(node) = tables.place_of(parent) else {
        return;
    };
    let slots = tables.node(node).map_or(&[][..], |n| &n.slots);
    if let Some(slot) = slots.iter().position(|s| *s == name)
        && let Ok(slot) = u8::try_from(slot)
    {
        out.elements.insert((node, slot), rules);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read() {
        let rules = rules();
        let node = tables().place_of("Patient.contact").unwrap();
        let of_node = rules.of_node(node).unwrap();
        assert_eq!(&*of_node.rules[0].key, "pat-1");
        assert!(rules.has_key("dom-6") && !rules.has_key("vs-2"));
        assert!(is_type("http://hl7.org/fhir/StructureDefinition/Quantity"));
        assert!(!is_type("http://hl7.org/fhir/StructureDefinition/bp"));
    }

    #[test]
    fn every_profile_of_the_package_compiles() {
        assert_eq!(PROFILES.len(), 444);
        for url in PROFILES.keys() {
            assert!(profile(url).is_some(), "{url}");
        }
        let bp = profile("http://hl7.org/fhir/StructureDefinition/bp").unwrap();
        assert_eq!(bp.of, "Observation");
        // Laid over vital signs.
        assert_eq!(bp.root.child("subject").map(|s| s.min), Some(1));
        assert_eq!(bp.root.child("component").map(|s| s.slices.len()), Some(2));
    }
}
