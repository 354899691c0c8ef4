//! Which codes a code system has and which a value set holds: those of R4 that its package lists (table
//! `terminology.tsv`), and those that were loaded. What cannot be known here is said to be unknown, never wrong.

use crate::Value;
use std::{
    borrow::Cow,
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, LazyLock},
};

type Text = Cow<'static, str>;

/// Value sets that name each other are followed so deep.
const DEEPEST: usize = 12;

/// What can be said of a code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Member {
    In,
    Out,
    Unknown,
}

#[derive(Default)]
struct System {
    codes: HashSet<Text>,
    /// Case does not count: codes stand in lower case.
    folded: bool,
    /// Given by R4 itself or by who loaded it: what it lacks is wrong, not newer.
    closed: bool,
    /// Parent to children, for filters of loaded value sets.
    below: HashMap<Text, Vec<Text>>,
}

enum Part {
    /// A whole code system.
    Whole(Text),
    /// Codes of a system.
    Codes(Text, HashSet<Text>),
    /// What is below a code, and perhaps that code.
    Below {
        system: Text,
        root: Text,
        with_root: bool,
    },
    /// Another value set.
    Set(Text),
    /// All of these at once.
    All(Vec<Part>),
    Unknown,
}

#[derive(Default)]
struct Set {
    include: Vec<Part>,
    exclude: Vec<Part>,
}

/// Code systems and value sets by URL: R4's below, what was loaded on top.
#[derive(Clone, Default)]
pub(super) struct Terminology {
    systems: HashMap<String, Arc<System>>,
    sets: HashMap<String, Arc<Set>>,
}

static R4: LazyLock<Terminology> =
    LazyLock::new(|| read(include_str!("../../definitions/terminology.tsv")));

impl Terminology {
    fn system(&self, url: &str) -> Option<&System> {
        let found = self.systems.get(url).or_else(|| R4.systems.get(url));
        found.map(Arc::as_ref)
    }
    fn set(&self, url: &str) -> Option<&Set> {
        let url = url.split('|').next().unwrap_or(url);
        let found = self.sets.get(url).or_else(|| R4.sets.get(url));
        found.map(Arc::as_ref)
    }

    /// Whether a URL is that of a value set known here.
    pub(super) fn is_set(&self, url: &str) -> bool {
        self.set(url).is_some()
    }

    /// Whether a code system has a code.
    pub(super) fn has(&self, system: &str, code: &str) -> Member {
        match self.system(system) {
            None => Member::Unknown,
            Some(system) if system.has(code) => Member::In,
            Some(_) => Member::Out,
        }
    }

    /// Whether a code that a system lacks cannot come from a newer edition of it.
    pub(super) fn is_closed(&self, system: &str) -> bool {
        self.system(system).is_some_and(|s| s.closed)
    }

    /// Whether a value set holds a code, of that system or (without one) of any.
    pub(super) fn member(&self, set: &str, system: Option<&str>, code: &str) -> Member {
        self.in_set(set, system, code, 0)
    }

    fn in_set(&self, set: &str, system: Option<&str>, code: &str, depth: usize) -> Member {
        match self.set(set).filter(|_| depth < DEEPEST) {
            Some(set) => self.in_parts(set, system, code, depth),
            None => Member::Unknown,
        }
    }

    /// Whether a ValueSet that is at hand (a contained one) holds a code.
    pub(super) fn member_of(&self, set: &Value, system: Option<&str>, code: &str) -> Member {
        self.in_parts(&read_set(set), system, code, 0)
    }

    fn in_parts(&self, set: &Set, system: Option<&str>, code: &str, depth: usize) -> Member {
        let any = |parts: &[Part]| {
            let mut said = Member::Out;
            for part in parts {
                match self.in_part(part, system, code, depth) {
                    Member::In => return Member::In,
                    Member::Unknown => said = Member::Unknown,
                    Member::Out => {}
                }
            }
            said
        };
        match (any(&set.include), any(&set.exclude)) {
            (Member::Out, _) | (_, Member::In) => Member::Out,
            (said, Member::Out) => said,
            _ => Member::Unknown,
        }
    }

    fn in_part(&self, part: &Part, system: Option<&str>, code: &str, depth: usize) -> Member {
        let other = |of: &Text| system.is_some_and(|s| s != of.as_ref());
        match part {
            Part::Unknown => Member::Unknown,
            Part::Set(url) => self.in_set(url, system, code, depth + 1),
            Part::Whole(of) | Part::Codes(of, _) | Part::Below { system: of, .. } if other(of) => {
                Member::Out
            }
            Part::Whole(of) => self.has(of, code),
            Part::Codes(of, codes) => match codes.contains(code) {
                true => Member::In,
                false if self.system(of).is_some_and(|s| s.folded) => {
                    let folds = codes.iter().any(|c| c.eq_ignore_ascii_case(code));
                    if folds { Member::In } else { Member::Out }
                }
                false => Member::Out,
            },
            Part::Below {
                system: of,
                root,
                with_root,
            } => match self.system(of) {
                None => Member::Unknown,
                Some(of) if of.is_below(root, code, *with_root) => Member::In,
                Some(_) => Member::Out,
            },
            Part::All(parts) => {
                let mut said = Member::In;
                for part in parts {
                    match self.in_part(part, system, code, depth) {
                        Member::Out => return Member::Out,
                        Member::Unknown => said = Member::Unknown,
                        Member::In => {}
                    }
                }
                said
            }
        }
    }

    /// Adds a CodeSystem. One that is not complete adds nothing: its lack of a code says nothing.
    pub(super) fn add_system(&mut self, resource: &Value) {
        let Some(url) = resource.text("url") else {
            return;
        };
        if resource.text("content") != Some("complete") {
            return;
        }
        let mut system = System {
            folded: resource.get("caseSensitive").and_then(Value::as_bool) == Some(false),
            closed: true,
            ..System::default()
        };
        add_concepts(&mut system, resource.list("concept"), None, 0);
        self.systems.insert(url.to_owned(), Arc::new(system));
    }

    /// Adds a ValueSet, by its compose or (without one) by its expansion.
    pub(super) fn add_set(&mut self, resource: &Value) {
        if let Some(url) = resource.text("url") {
            self.sets
                .insert(url.to_owned(), Arc::new(read_set(resource)));
        }
    }
}

/// The codes of a value set of R4.
pub(crate) enum Enumerated {
    /// System and code of each, in order.
    Codes(Vec<(String, String)>),
    /// There is no such value set in R4.
    Unknown,
    /// Not all of its codes can be known here.
    Open,
    /// More than asked for.
    Many,
}

/// Lists the codes of a value set of R4, at most so many. Cost: a look at each.
pub(crate) fn codes_of(url: &str, most: usize) -> Enumerated {
    let Some(set) = R4.set(url) else {
        return Enumerated::Unknown;
    };
    let mut codes = BTreeSet::new();
    match R4.enumerate(set, &mut codes, most, 0) {
        None => Enumerated::Open,
        Some(()) if codes.len() > most => Enumerated::Many,
        Some(()) => Enumerated::Codes(codes.into_iter().collect()),
    }
}

impl Terminology {
    /// Adds the codes of a set and stops soon after so many; `None` when one of its parts cannot be listed.
    fn enumerate(
        &self,
        set: &Set,
        codes: &mut BTreeSet<(String, String)>,
        most: usize,
        depth: usize,
    ) -> Option<()> {
        if depth == DEEPEST || !set.exclude.is_empty() {
            return None;
        }
        for part in &set.include {
            match part {
                Part::Whole(of) => {
                    let system = self.system(of).filter(|system| !system.folded)?;
                    add_codes(of, &system.codes, codes, most);
                }
                Part::Codes(of, listed) => {
                    if self.system(of).is_some_and(|system| system.folded) {
                        return None;
                    }
                    add_codes(of, listed, codes, most);
                }
                Part::Set(url) => self.enumerate(self.set(url)?, codes, most, depth + 1)?,
                Part::Below { .. } | Part::All(_) | Part::Unknown => return None,
            }
        }
        Some(())
    }
}

fn add_codes(
    system: &str,
    from: &HashSet<Text>,
    codes: &mut BTreeSet<(String, String)>,
    most: usize,
) {
    for code in from {
        if codes.len() > most {
            return;
        }
        codes.insert((system.to_owned(), code.to_string()));
    }
}

/// What a ValueSet is made of.
fn read_set(resource: &Value) -> Set {
    let mut set = Set::default();
    if let Some(compose) = resource.get("compose") {
        set.include = compose.list("include").iter().map(part).collect();
        set.exclude = compose.list("exclude").iter().map(part).collect();
    } else if resource.get("expansion").is_some() {
        let mut by_system: HashMap<String, HashSet<Text>> = HashMap::new();
        add_expanded(
            resource
                .path("expansion.contains")
                .map_or(&[], Value::items),
            &mut by_system,
            0,
        );
        let parts = by_system.into_iter();
        set.include = parts
            .map(|(s, codes)| Part::Codes(s.into(), codes))
            .collect();
    } else {
        set.include.push(Part::Unknown);
    }
    set
}

impl System {
    fn has(&self, code: &str) -> bool {
        if self.folded {
            return self.codes.contains(code.to_lowercase().as_str());
        }
        self.codes.contains(code)
    }
    fn is_below(&self, root: &str, code: &str, with_root: bool) -> bool {
        if code == root {
            return with_root;
        }
        let (mut seen, mut next) = (HashSet::new(), vec![root]);
        while let Some(at) = next.pop() {
            for child in self.below.get(at).into_iter().flatten() {
                if child == code {
                    return true;
                }
                if seen.insert(child) {
                    next.push(child);
                }
            }
        }
        false
    }
}

fn add_concepts(system: &mut System, concepts: &[Value], above: Option<&str>, depth: usize) {
    for concept in concepts {
        let Some(code) = concept.text("code") else {
            continue;
        };
        let folded = if system.folded {
            code.to_lowercase()
        } else {
            code.to_owned()
        };
        system.codes.insert(folded.into());
        let mut link = |above: &str| {
            let children = system.below.entry(above.to_owned().into()).or_default();
            children.push(code.to_owned().into());
        };
        if let Some(above) = above {
            link(above);
        }
        for property in concept.list("property") {
            let parent = matches!(property.text("code"), Some("parent" | "subsumedBy"));
            if let Some(above) = property.text("valueCode").filter(|_| parent) {
                link(above);
            }
        }
        if depth < DEEPEST * 4 {
            add_concepts(system, concept.list("concept"), Some(code), depth + 1);
        }
    }
}

fn add_expanded(items: &[Value], into: &mut HashMap<String, HashSet<Text>>, depth: usize) {
    for item in items {
        if let Some(code) = item.text("code") {
            let codes = into.entry(item.text("system").unwrap_or_default().to_owned());
            codes.or_default().insert(code.to_owned().into());
        }
        if depth < DEEPEST {
            add_expanded(item.list("contains"), into, depth + 1);
        }
    }
}

/// One include or exclude of a ValueSet.
fn part(include: &Value) -> Part {
    let mut all: Vec<Part> = Vec::new();
    if let Some(system) = include.text("system") {
        let system: Text = system.to_owned().into();
        let codes = include.list("concept");
        let filters = include.list("filter");
        if !codes.is_empty() {
            let codes = codes.iter().filter_map(|c| c.text("code"));
            all.push(Part::Codes(
                system,
                codes.map(|c| c.to_owned().into()).collect(),
            ));
        } else if filters.is_empty() {
            all.push(Part::Whole(system));
        } else {
            all.extend(filters.iter().map(|f| filter(f, &system)));
        }
    }
    let sets = include.list("valueSet").iter().filter_map(Value::as_str);
    all.extend(sets.map(|url| Part::Set(url.to_owned().into())));
    match all.len() {
        0 => Part::Unknown,
        1 => all.pop().unwrap_or(Part::Unknown),
        _ => Part::All(all),
    }
}

fn filter(filter: &Value, system: &Text) -> Part {
    let with_root = match filter.text("op") {
        Some("is-a") => true,
        Some("descendent-of") => false,
        _ => return Part::Unknown,
    };
    match (filter.text("property"), filter.text("value")) {
        (Some("concept" | "code"), Some(root)) => Part::Below {
            system: system.clone(),
            root: root.to_owned().into(),
            with_root,
        },
        _ => Part::Unknown,
    }
}

/// Reads the table.
fn read(text: &'static str) -> Terminology {
    let mut out = Terminology::default();
    let mut lines = text.lines().filter(|l| !l.starts_with('#')).peekable();
    while let Some(line) = lines.next() {
        let mut fields = line.split('\t');
        let kind = fields.next().unwrap_or_default();
        let url = fields.next().unwrap_or_default();
        let mut below = Vec::new();
        while let Some(line) = lines.peek().and_then(|l| l.strip_prefix('\t')) {
            below.push(line);
            lines.next();
        }
        if kind == "s" {
            let folded = fields.next() == Some("i");
            let codes = below.iter().flat_map(|l| l.split('\t'));
            let system = System {
                codes: codes
                    .map(|c| {
                        if folded {
                            c.to_lowercase().into()
                        } else {
                            c.into()
                        }
                    })
                    .collect(),
                folded,
                closed: url.starts_with("http://hl7.org/fhir/"),
                below: HashMap::new(),
            };
            out.systems.insert(url.to_owned(), Arc::new(system));
        } else {
            let set = Set {
                include: below.into_iter().map(row).collect(),
                exclude: Vec::new(),
            };
            out.sets.insert(url.to_owned(), Arc::new(set));
        }
    }
    out
}

fn row(line: &'static str) -> Part {
    if line == "?" {
        return Part::Unknown;
    }
    if let Some(url) = line.strip_prefix('@') {
        return Part::Set(url.into());
    }
    match line.split_once('\t') {
        None => Part::Whole(line.into()),
        Some((system, codes)) => {
            Part::Codes(system.into(), codes.split('\t').map(Text::from).collect())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sets_of_r4_know_their_codes() {
        let t = Terminology::default();
        let gender = "http://hl7.org/fhir/ValueSet/administrative-gender";
        let system = Some("http://hl7.org/fhir/administrative-gender");
        assert_eq!(t.member(gender, system, "female"), Member::In);
        assert_eq!(t.member(gender, None, "female"), Member::In);
        assert_eq!(t.member(gender, system, "F"), Member::Out);
        assert_eq!(t.member(gender, Some("x"), "female"), Member::Out);
        let act = "http://terminology.hl7.org/ValueSet/v3-ActEncounterCode";
        let v3 = Some("http://terminology.hl7.org/CodeSystem/v3-ActCode");
        assert_eq!(t.member(act, v3, "AMB"), Member::In);
        assert_eq!(t.member(act, v3, "ACCM"), Member::Out);
        for unknown in [
            "http://hl7.org/fhir/ValueSet/body-site",
            "http://nowhere.example",
        ] {
            assert_eq!(t.member(unknown, None, "1"), Member::Unknown);
        }
    }
}
