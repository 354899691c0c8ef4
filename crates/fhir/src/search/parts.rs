//! Which parameters find nothing that others of their type do not find: an index that holds what those find need not hold
//! it again.
//!
//! It follows from the expressions alone. `combo-code` of an Observation has the two paths of `code` and
//! `component-code`; `phonetic` of a Patient has the path of `name`; `practitioner` of an Encounter has that of
//! `participant`, of which it takes what points to a Practitioner.

use super::{
    Entry, IDENTIFIER, Kind, SearchParameter, order,
    path::{Term, parse},
    program::{Compiler, Hop, Test},
    table,
};
use crate::ResourceType;
use std::sync::LazyLock;

/// A parameter that finds a part of what another one finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Its number.
    pub number: u16,
    /// The type to which a reference must point to be found by the other one as well; without it all is.
    pub target: Option<ResourceType>,
}

/// A parameter and what it is made of.
#[derive(Debug)]
struct Made {
    number: u16,
    parts: Vec<Part>,
}

/// By type and number.
static MADE: LazyLock<Vec<Vec<Made>>> = LazyLock::new(|| ResourceType::all().map(made).collect());

/// The parameters that find together what this one finds in a resource of a type; each of them is made of no others.
/// Empty where there are no such, and for parameters that are loaded at run time.
pub fn parts(of: ResourceType, number: u16) -> &'static [Part] {
    let made = all(of);
    let at = made.binary_search_by_key(&number, |made| made.number);
    let found = at.ok().and_then(|at| made.get(at));
    found.map_or(&[], |made| made.parts.as_slice())
}

/// Whether what this one finds can be told from what others found ([`complete`]): not where their targets decide, which
/// a reference may not say.
pub fn follows(of: ResourceType, number: u16) -> bool {
    let parts = parts(of, number & !IDENTIFIER);
    !parts.is_empty() && parts.iter().all(|part| part.target.is_none())
}

/// From the entries that are kept of a resource, those without what follows from others ([`follows`]), the entries that
/// are wanted, in the order of [`extract`](super::extract). `kept` says which entries are needed for that.
pub struct Completion(Vec<&'static Made>);

impl Completion {
    /// For the parameters that are wanted.
    pub fn of(of: ResourceType, wanted: &dyn Fn(u16) -> bool) -> Completion {
        let follows = all(of).iter().filter(|made| follows(of, made.number));
        Completion(follows.filter(|made| wanted(made.number)).collect())
    }
    /// Whether something that is wanted is made of this parameter.
    pub fn needs(&self, number: u16) -> bool {
        let mut parts = self.0.iter().flat_map(|made| &made.parts);
        parts.any(|part| part.number == number & !IDENTIFIER)
    }
    /// Adds what follows and takes away what is not wanted.
    pub fn apply(&self, entries: &mut Vec<Entry>, wanted: &dyn Fn(u16) -> bool) {
        if self.0.is_empty() {
            return;
        }
        let mut more = Vec::new();
        for entry in entries.iter() {
            let (number, mark) = (entry.number & !IDENTIFIER, entry.number & IDENTIFIER);
            let of = |made: &&&Made| made.parts.iter().any(|part| part.number == number);
            more.extend(self.0.iter().filter(of).map(|made| Entry {
                number: made.number | mark,
                value: entry.value.clone(),
            }));
        }
        entries.retain(|entry| wanted(entry.number));
        entries.extend(more);
        entries.sort_unstable_by(order);
        entries.dedup();
    }
}

fn all(of: ResourceType) -> &'static [Made] {
    MADE.get(usize::from(of.as_u16()))
        .map_or(&[], Vec::as_slice)
}

/// A parameter and its paths.
struct Whole {
    parameter: &'static SearchParameter,
    paths: Vec<Path>,
}

fn made(of: ResourceType) -> Vec<Made> {
    // The entry of a Bundle that stands in it is found by its type.
    if of.name() == "Bundle" {
        return Vec::new();
    }
    let parameters = table().parameters(of.name()).into_iter();
    let parameters =
        parameters.filter(|p| p.indexed() && !matches!(p.code, "_id" | "_lastUpdated"));
    let mut wholes: Vec<Whole> = parameters
        .filter_map(|parameter| {
            let paths = paths(of.name(), parameter)?;
            Some(Whole { parameter, paths })
        })
        .collect();
    // What others can be made of comes before them: fewer paths, and all before what takes only one type of it.
    wholes.sort_by_key(|whole| {
        let narrow = narrowed(whole).is_some();
        (narrow, whole.paths.len(), whole.parameter.number)
    });
    let (mut plain, mut made) = (Vec::<Whole>::new(), Vec::new());
    for whole in wholes {
        let parts = match narrowed(&whole) {
            Some((target, bare)) => union(&plain, &bare, Some(target)),
            None => None,
        };
        match parts.or_else(|| union(&plain, &whole, None)) {
            Some(parts) => made.push(Made {
                number: whole.parameter.number,
                parts,
            }),
            None => plain.push(whole),
        }
    }
    made.sort_unstable_by_key(|made| made.number);
    made
}

/// The fewest parameters, largest first, that have together the paths of this one and no others.
fn union(plain: &[Whole], whole: &Whole, target: Option<ResourceType>) -> Option<Vec<Part>> {
    let alike = |one: &&Whole| {
        let (a, b) = (one.parameter, whole.parameter);
        let components = |p: &SearchParameter| {
            let parts = p.components.iter();
            parts
                .map(|part| (part.kind, part.expression))
                .collect::<Vec<_>>()
        };
        let targets = target.is_some() || a.targets == b.targets;
        a.kind == b.kind && targets && components(a) == components(b)
    };
    let within = |one: &&Whole| one.paths.iter().all(|path| whole.paths.contains(path));
    let mut open: Vec<&Path> = whole.paths.iter().collect();
    let mut parts = Vec::new();
    for one in plain.iter().rev().filter(alike).filter(within) {
        let before = open.len();
        open.retain(|path| !one.paths.contains(path));
        if open.len() < before {
            parts.push(Part {
                number: one.parameter.number,
                target,
            });
        }
    }
    open.is_empty().then_some(parts)
}

/// The one type that every path asks its references to point to, and the paths without that.
fn narrowed(whole: &Whole) -> Option<(ResourceType, Whole)> {
    if whole.parameter.kind != Kind::Reference {
        return None;
    }
    let mut paths = whole.paths.clone();
    let mut targets = paths.iter_mut().map(Path::take_target);
    let first = targets.next()??;
    let same = targets.all(|target| target == Some(first));
    let target = ResourceType::from_name(first).filter(|_| same)?;
    let parameter = whole.parameter;
    Some((target, Whole { parameter, paths }))
}

/// One way through a resource to what a parameter finds, without choices.
#[derive(Clone, Debug, PartialEq)]
struct Path {
    hops: Vec<Hop>,
    system: &'static str,
}

impl Path {
    /// The type to which its references must point, which it then asks no longer.
    fn take_target(&mut self) -> Option<&'static str> {
        let target = match self.hops.last() {
            Some(Hop::If(Test::RefersTo(hops, of))) if hops.is_empty() => *of,
            _ => return None,
        };
        self.hops.pop();
        Some(target)
    }
}

/// The paths of a parameter of a type, each once; `None` when it is no union of paths.
fn paths(of: &'static str, parameter: &'static SearchParameter) -> Option<Vec<Path>> {
    let table = table();
    let compiler = Compiler { table, of };
    let mut paths = Vec::new();
    for term in parse(parameter.expression).ok()? {
        let Term::Path(steps) = term else {
            return None;
        };
        let (hops, place) = compiler.hops(&steps, of, Some(parameter.kind)).ok()?;
        let mut ways = vec![Vec::new()];
        for hop in hops {
            let next = match hop {
                Hop::Into(keys) => keys.into_iter().map(|key| Hop::Into(vec![key])).collect(),
                test => vec![test],
            };
            let longer = ways.iter().flat_map(|way: &Vec<Hop>| {
                next.iter()
                    .map(|hop| [way.as_slice(), std::slice::from_ref(hop)].concat())
            });
            ways = longer.collect();
        }
        let system = table.system(&place);
        paths.extend(ways.into_iter().map(|hops| Path { hops, system }));
    }
    let mut once = Vec::with_capacity(paths.len());
    for path in paths {
        if !once.contains(&path) {
            once.push(path);
        }
    }
    Some(once)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::search::{extract, parameter};

    fn number(of: ResourceType, code: &str) -> u16 {
        parameter(of, code).unwrap().number
    }

    #[track_caller]
    fn check(of: &str, code: &str, wanted: &[&str], target: Option<&str>) {
        let of = ResourceType::from_name(of).unwrap();
        let target = target.map(|target| ResourceType::from_name(target).unwrap());
        let mut found = parts(of, number(of, code)).to_vec();
        let part = |code: &&str| Part {
            number: number(of, code),
            target,
        };
        let mut wanted: Vec<Part> = wanted.iter().map(part).collect();
        found.sort_unstable_by_key(|part| part.number);
        wanted.sort_unstable_by_key(|part| part.number);
        assert_eq!(found, wanted, "{of} {code}");
    }

    #[test]
    fn what_is_made_of_others_follows_from_the_expressions() {
        let of = "Observation";
        check(of, "combo-code", &["code", "component-code"], None);
        let both = ["value-quantity", "component-value-quantity"];
        check(of, "combo-value-quantity", &both, None);
        let both = ["code-value-quantity", "component-code-value-quantity"];
        check(of, "combo-code-value-quantity", &both, None);
        check(of, "patient", &["subject"], Some("Patient"));
        for code in ["code", "subject", "code-value-quantity", "status"] {
            check(of, code, &[], None);
        }
        check("Patient", "phonetic", &["name"], None);
        check("Patient", "family", &[], None);
        let who = Some("Practitioner");
        check("Encounter", "practitioner", &["participant"], who);
    }

    #[test]
    fn nothing_is_made_of_what_is_made_of_others() {
        for of in ResourceType::all() {
            for made in all(of) {
                assert!(!made.parts.is_empty());
                for part in &made.parts {
                    assert!(parts(of, part.number).is_empty(), "{of} {made:?}");
                }
            }
        }
    }

    /// A resource in which many parameters find something, several of them the same.
    const RESOURCES: [&str; 3] = [
        r#"{"resourceType":"Observation","status":"final","identifier":[{"value":"1"}],
            "code":{"coding":[{"system":"s","code":"a","display":"A"}],"text":"t"},
            "subject":{"reference":"Patient/1","identifier":{"value":"x"}},
            "valueQuantity":{"value":3,"unit":"g","system":"http://unitsofmeasure.org","code":"g"},
            "dataAbsentReason":{"coding":[{"code":"unknown"}]},
            "component":[
              {"code":{"coding":[{"system":"s","code":"b"}]},"valueQuantity":{"value":3,"unit":"mg"}},
              {"code":{"coding":[{"system":"s","code":"a","display":"A"}]},"valueQuantity":{"value":3,"unit":"g","system":"http://unitsofmeasure.org","code":"g"}},
              {"code":{"text":"c"},"valueCodeableConcept":{"coding":[{"code":"yes"}]}}]}"#,
        r#"{"resourceType":"Encounter","status":"finished","class":{"code":"AMB"},
            "subject":{"reference":"Group/1"},
            "participant":[{"individual":{"reference":"Practitioner/1"}},{"individual":{"reference":"RelatedPerson/1"}},
              {"individual":{"type":"Practitioner","identifier":{"value":"y"}}}]}"#,
        r#"{"resourceType":"Patient","name":[{"family":"Ruiz","given":["Ana"]}],"address":[{"city":"Puebla"}]}"#,
    ];

    #[test]
    fn what_follows_is_told_from_the_others_as_it_was_found() {
        let mut seen = 0;
        for text in RESOURCES {
            let limits = crate::json::Limits::default();
            let resource = crate::json::parse(text.as_bytes(), &limits).unwrap();
            let of = ResourceType::from_name(resource.text("resourceType").unwrap()).unwrap();
            let whole = extract(of, &resource);
            let mut kept = whole.clone();
            kept.retain(|entry| !follows(of, entry.number));
            seen += whole.len() - kept.len();
            for wanted in all(of).iter().map(|made| made.number).chain([0]) {
                let takes = |number: u16| wanted == 0 || number & !IDENTIFIER == wanted;
                let completion = Completion::of(of, &takes);
                let mut entries = kept.clone();
                entries.retain(|entry| takes(entry.number) || completion.needs(entry.number));
                completion.apply(&mut entries, &takes);
                let mut right = whole.clone();
                right.retain(|entry| takes(entry.number));
                assert_eq!(entries, right, "{of} {wanted}");
            }
            // What a target decides is among what the other one finds.
            for made in all(of).iter().filter(|made| !follows(of, made.number)) {
                let mark = |number: u16| number & IDENTIFIER;
                for entry in whole
                    .iter()
                    .filter(|e| e.number & !IDENTIFIER == made.number)
                {
                    let mut others = whole.iter().filter(|other| {
                        let part = |part: &Part| part.number | mark(entry.number) == other.number;
                        made.parts.iter().any(part)
                    });
                    assert!(others.any(|other| other.value == entry.value), "{entry:?}");
                    seen += 1;
                }
            }
        }
        assert!(seen > 10, "{seen}");
    }
}
