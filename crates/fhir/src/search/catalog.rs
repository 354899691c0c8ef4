//! The search parameters that a search may use and a resource is indexed by: those of R4, and those loaded at run time.
//!
//! In comes a SearchParameter resource, checked to the word: a name that is taken, an expression that cannot be run, a
//! component that is not there are issues with their place. What is loaded lives as long as the program, each content
//! once, and at most [`MAX_LOADED`] of them.

use super::{
    Entry, Kind, LOADED, SearchParameter, extract_with, parameter, parameters, script::Script,
};
use crate::{Issue, IssueCode, ResourceType, Value, fhirpath::Expression};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
    sync::{Arc, LazyLock, Mutex},
};

/// Search parameters loaded in the life of a program.
pub const MAX_LOADED: usize = 1_000;
/// What is kept of them: a parameter differs from type to type in its expression.
const MAX_KEPT: usize = 10_000;
/// Characters of an expression.
const MAX_EXPRESSION: usize = 4_000;
/// Components of a composite.
const MAX_COMPONENTS: usize = 8;

/// An immutable set of search parameters, cheaply cloned.
#[derive(Clone)]
pub struct Catalog(Arc<Loaded>);

#[derive(Default)]
struct Loaded {
    all: Vec<Arc<One>>,
    types: HashMap<ResourceType, Own>,
}

/// A loaded SearchParameter.
struct One {
    url: String,
    number: u16,
    uses: Vec<Use>,
    /// URLs of the definitions that its components name.
    parts: Vec<String>,
}

/// A loaded parameter on one type, ready to run.
struct Use {
    of: ResourceType,
    parameter: &'static SearchParameter,
    script: Arc<Script>,
}

/// What is loaded for one type.
#[derive(Default)]
struct Own {
    /// Sorted by code.
    parameters: Vec<&'static SearchParameter>,
    scripts: Vec<Arc<Script>>,
}

static R4: LazyLock<Catalog> = LazyLock::new(|| Catalog(Arc::default()));

impl fmt::Debug for Catalog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Catalog(R4 and {} more)", self.0.all.len())
    }
}

impl Catalog {
    /// Those of R4.
    pub fn r4() -> Catalog {
        R4.clone()
    }

    /// The parameter of that name on that type, those of every resource (`_id`, `_tag`...) included.
    pub fn parameter(&self, of: ResourceType, code: &str) -> Option<&'static SearchParameter> {
        parameter(of, code).or_else(|| {
            let own = &self.0.types.get(&of)?.parameters;
            let at = own.binary_search_by_key(&code, |p| p.code).ok()?;
            own.get(at).copied()
        })
    }

    /// All parameters of a type, by name.
    pub fn parameters(&self, of: ResourceType) -> Vec<&'static SearchParameter> {
        let mut all = parameters(of);
        if let Some(own) = self.0.types.get(&of) {
            all.extend(&own.parameters);
            all.sort_by_key(|p| p.code);
        }
        all
    }

    /// What is loaded beside R4: number, canonical URL, and the types it applies to.
    pub fn loaded(&self) -> impl Iterator<Item = (u16, &str, Vec<ResourceType>)> {
        self.0.all.iter().map(|one| {
            let types = one.uses.iter().map(|use_| use_.of).collect();
            (one.number, one.url.as_str(), types)
        })
    }

    /// What the index holds for a resource; see [`extract`](super::extract).
    pub fn extract(&self, of: ResourceType, resource: &Value) -> Vec<Entry> {
        let own = self.0.types.get(&of);
        let scripts = own.map_or(&[][..], |own| own.scripts.as_slice());
        extract_with(of.name(), resource, scripts)
    }

    /// This catalogue and one more parameter, a SearchParameter resource, under a number that the store gives it and
    /// keeps: from [`LOADED`] up and below [`IDENTIFIER`](super::IDENTIFIER). One with the same URL is replaced.
    ///
    /// It must be of R4 in form, active or draft, of a code that no parameter of its types has; its expression must be
    /// one that the index can run.
    pub fn with(&self, definition: &Value, number: u16) -> Result<Catalog, Vec<Issue>> {
        if !(LOADED..super::IDENTIFIER).contains(&number) {
            let said = format!("{number} is no number for a loaded search parameter.");
            return Err(vec![Issue::error(IssueCode::Exception, "", said)]);
        }
        let one = Reader {
            catalog: self,
            definition,
            number,
            issues: Vec::new(),
        };
        let one = Arc::new(one.read()?);
        let mut all: Vec<Arc<One>> = self.0.all.clone();
        all.retain(|other| other.url != one.url && other.number != number);
        all.push(one);
        Ok(together(all))
    }

    /// This catalogue without the parameter of that URL.
    pub fn without(&self, url: &str) -> Catalog {
        let mut all = self.0.all.clone();
        all.retain(|one| one.url != url);
        together(all)
    }

    /// Whether a parameter that was loaded is one of these: a number may have been another one's once.
    pub fn holds(&self, parameter: &'static SearchParameter) -> bool {
        let mut all = self.0.all.iter();
        let one = all.find(|one| one.number == parameter.number);
        one.is_some_and(|one| {
            let mut uses = one.uses.iter();
            uses.any(|use_| std::ptr::eq(use_.parameter, parameter))
        })
    }

    /// The URL of a loaded composite of which a component is defined by this URL, if there is one: it cannot be read
    /// again without.
    pub fn needing(&self, url: &str) -> Option<&str> {
        let needs = |one: &&Arc<One>| one.parts.iter().any(|part| part == url);
        let found = self.0.all.iter().find(needs)?;
        Some(found.url.as_str())
    }
}

/// Everything loaded, by type.
fn together(all: Vec<Arc<One>>) -> Catalog {
    let mut types = HashMap::<ResourceType, Own>::new();
    for use_ in all.iter().flat_map(|one| &one.uses) {
        let own = types.entry(use_.of).or_default();
        own.scripts.push(use_.script.clone());
        own.parameters.push(use_.parameter);
    }
    for own in types.values_mut() {
        own.parameters.sort_by_key(|p| p.code);
    }
    Catalog(Arc::new(Loaded { all, types }))
}

/// Reads a SearchParameter resource.
struct Reader<'a> {
    catalog: &'a Catalog,
    definition: &'a Value,
    number: u16,
    issues: Vec<Issue>,
}

impl Reader<'_> {
    fn wrong(&mut self, code: IssueCode, element: &str, said: impl Into<String>) {
        let place = format!("SearchParameter.{element}");
        self.issues.push(Issue::error(code, place, said.into()));
    }

    fn text(&self, key: &str) -> &str {
        self.definition.text(key).unwrap_or_default()
    }

    fn read(mut self) -> Result<One, Vec<Issue>> {
        let (url, code) = (self.text("url").to_owned(), self.text("code").to_owned());
        if self.text("resourceType") != "SearchParameter" {
            let said = "It is no SearchParameter.";
            return Err(vec![Issue::error(IssueCode::Structure, "", said)]);
        }
        if url.is_empty() {
            self.wrong(
                IssueCode::Required,
                "url",
                "A search parameter is known by its url.",
            );
        }
        if self.text("status") == "retired" {
            self.wrong(
                IssueCode::Value,
                "status",
                "A retired parameter is not loaded.",
            );
        }
        let letters = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if code.is_empty() || code.len() > 64 || code.starts_with('_') || !code.chars().all(letters)
        {
            let said =
                "A code is 1 to 64 letters, digits, `-` and `_`, and does not begin with `_`.";
            self.wrong(IssueCode::Value, "code", said);
        }
        let kind = Kind::from_name(self.text("type"));
        if kind.is_none() {
            let said = format!("`{}` is no kind of search parameter.", self.text("type"));
            self.wrong(IssueCode::Value, "type", said);
        }
        let expression = self.text("expression").to_owned();
        if expression.is_empty() || expression.len() > MAX_EXPRESSION {
            let said = format!("An expression of at most {MAX_EXPRESSION} characters is needed.");
            self.wrong(IssueCode::Required, "expression", said);
        }
        let types = self.types();
        for of in &types {
            let taken = self.catalog.parameter(*of, &code);
            if taken.is_some_and(|p| p.number != self.number && !self.is_own(&url, p.number)) {
                let said = format!("{of} has a search parameter `{code}` already.");
                self.wrong(IssueCode::Duplicate, "code", said);
            }
        }
        let Some(kind) = kind.filter(|_| self.issues.is_empty()) else {
            return Err(self.issues);
        };
        let mut uses = Vec::with_capacity(types.len());
        for of in types {
            let draft = self.on(of, &code, kind, &expression);
            match draft.and_then(|draft| runs(of, draft)) {
                Ok(one) => uses.push(one),
                Err(issue) => self.issues.push(issue),
            }
        }
        let parts = self.definition.list("component").iter();
        let parts = parts.filter_map(|part| Some(part.text("definition")?.to_owned()));
        match self.issues.is_empty() {
            true => Ok(One {
                url,
                number: self.number,
                uses,
                parts: parts.collect(),
            }),
            false => Err(self.issues),
        }
    }

    /// Whether a number is that of the parameter which is replaced.
    fn is_own(&self, url: &str, number: u16) -> bool {
        let mut all = self.catalog.0.all.iter();
        all.any(|one| one.url == url && one.number == number)
    }

    /// The types it applies to; the abstract ones stand for all.
    fn types(&mut self) -> Vec<ResourceType> {
        let mut types = BTreeSet::new();
        for base in self.definition.list("base") {
            match base.as_str().unwrap_or_default() {
                "Resource" | "DomainResource" => types.extend(ResourceType::all()),
                name => match ResourceType::from_name(name) {
                    Some(of) => {
                        types.insert(of);
                    }
                    None => {
                        let said = format!("`{}` is no type of R4.", crate::query::shown(name));
                        self.wrong(IssueCode::Value, "base", said);
                    }
                },
            }
        }
        if types.is_empty() && self.issues.is_empty() {
            self.wrong(
                IssueCode::Required,
                "base",
                "A type it applies to is needed.",
            );
        }
        types.into_iter().collect()
    }

    /// The parameter on one type: of a union, the alternatives that begin at it.
    fn on(
        &self,
        of: ResourceType,
        code: &str,
        kind: Kind,
        expression: &str,
    ) -> Result<Draft, Issue> {
        let targets = match kind {
            Kind::Reference => self.targets(),
            _ => Vec::new(),
        };
        let components = match kind {
            Kind::Composite => self.components(of)?,
            _ => Vec::new(),
        };
        Ok(Draft {
            number: self.number,
            code: code.to_owned(),
            kind,
            targets,
            expression: on_type(of, expression),
            components,
        })
    }

    /// The types its references point to; every type when it does not say.
    fn targets(&self) -> Vec<&'static str> {
        let named = self.definition.list("target").iter();
        let named = named.filter_map(|name| ResourceType::from_name(name.as_str()?));
        let named: Vec<&str> = named.map(ResourceType::name).collect();
        match named.is_empty() {
            true => ResourceType::all().map(ResourceType::name).collect(),
            false => named,
        }
    }

    fn components(
        &self,
        of: ResourceType,
    ) -> Result<Vec<(&'static SearchParameter, String)>, Issue> {
        let place = "SearchParameter.component";
        let parts = self.definition.list("component");
        if !(2..=MAX_COMPONENTS).contains(&parts.len()) {
            let said = format!("A composite has 2 to {MAX_COMPONENTS} components.");
            return Err(Issue::error(IssueCode::Value, place, said));
        }
        let read = |part: &Value| {
            let url = part.text("definition").unwrap_or_default();
            let there = self.defined(of, url).ok_or_else(|| {
                let shown = crate::query::shown(url);
                let said = format!("{of} has no search parameter that `{shown}` defines.");
                Issue::error(IssueCode::NotFound, place, said)
            })?;
            let expression = part.text("expression").unwrap_or_default();
            if expression.is_empty() || expression.len() > MAX_EXPRESSION {
                let said = "A component needs an expression.";
                return Err(Issue::error(IssueCode::Required, place, said));
            }
            Ok((there, expression.to_owned()))
        };
        parts.iter().map(read).collect()
    }

    /// The parameter of a type that a URL defines: a loaded one, or one of R4, whose URLs end in `Observation-code` or,
    /// where types share them, in `clinical-code`.
    fn defined(&self, of: ResourceType, url: &str) -> Option<&'static SearchParameter> {
        let loaded = self.catalog.0.all.iter().find(|one| one.url == url);
        if let Some(one) = loaded {
            let here = one.uses.iter().find(|there| there.of == of);
            return here.map(|there| there.parameter);
        }
        let name = url.strip_prefix("http://hl7.org/fhir/SearchParameter/")?;
        let (_, code) = name.split_once('-')?;
        parameter(of, code).filter(|p| !matches!(p.kind, Kind::Composite | Kind::Special))
    }
}

/// A parameter on a type, kept and ready to run.
fn runs(of: ResourceType, draft: Draft) -> Result<Use, Issue> {
    let refused = |expression: &str, reason: String| {
        let shown = crate::query::shown(expression);
        let said = format!("The expression `{shown}` cannot be run on {of}: {reason}.");
        let place = "SearchParameter.expression";
        Issue::error(IssueCode::NotSupported, place, said)
    };
    // Looked at before it is kept: what is refused leaves nothing behind.
    let parsed = Expression::parse(&draft.expression).map_err(|error| error.to_string());
    let checked = parsed.and_then(|parsed| {
        let checked = parsed.check(of.name());
        checked.map_err(|error| error.to_string())
    });
    checked.map_err(|reason| refused(&draft.expression, reason))?;
    for (_, part) in &draft.components {
        Expression::parse(part).map_err(|error| refused(part, error.to_string()))?;
    }
    let parameter = draft.keep()?;
    let script = Script::read(of.name(), parameter)
        .map_err(|reason| refused(parameter.expression, reason))?;
    Ok(Use {
        of,
        parameter,
        script: Arc::new(script),
    })
}

/// The alternatives of a union that are about a type: those that begin with its name, and those that name none.
fn on_type(of: ResourceType, expression: &str) -> String {
    let mut kept = Vec::new();
    let (mut start, mut depth, mut quoted) = (0, 0_i32, false);
    let ends = expression.char_indices().chain([(expression.len(), '|')]);
    for (at, c) in ends {
        match c {
            '\'' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => depth -= 1,
            '|' if !quoted && (depth <= 0 || at == expression.len()) => {
                let part = expression.get(start..at).unwrap_or_default().trim();
                let root = part
                    .trim_start_matches('(')
                    .split(['.', ' '])
                    .next()
                    .unwrap_or_default();
                let another = ResourceType::from_name(root).is_some_and(|root| root != of);
                if !another && !part.is_empty() {
                    kept.push(part);
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    kept.join(" | ")
}

/// What has the life of the program, each content once.
#[derive(Default)]
struct Kept {
    texts: HashSet<&'static str>,
    names: Vec<&'static [&'static str]>,
    parts: Vec<&'static [SearchParameter]>,
    parameters: Vec<&'static SearchParameter>,
}

static KEPT: LazyLock<Mutex<Kept>> = LazyLock::new(Mutex::default);

/// A parameter as it is read.
struct Draft {
    number: u16,
    code: String,
    kind: Kind,
    targets: Vec<&'static str>,
    expression: String,
    components: Vec<(&'static SearchParameter, String)>,
}

impl Draft {
    fn keep(self) -> Result<&'static SearchParameter, Issue> {
        let full = || {
            let said = format!("At most {MAX_LOADED} search parameters are loaded.");
            Issue::error(IssueCode::TooLong, "", said)
        };
        let mut kept = KEPT.lock().map_err(|_| full())?;
        if kept.parameters.len() >= MAX_KEPT {
            return Err(full());
        }
        let parts = self.components.into_iter().map(|(there, expression)| {
            let expression = kept.text(expression);
            SearchParameter {
                number: there.number,
                code: there.code,
                kind: there.kind,
                targets: there.targets,
                expression,
                boolean: there.boolean,
                components: &[],
            }
        });
        let parts: Vec<SearchParameter> = parts.collect();
        let parameter = SearchParameter {
            number: self.number,
            code: kept.text(self.code),
            kind: self.kind,
            targets: once(&mut kept.names, self.targets),
            expression: kept.text(self.expression),
            boolean: false,
            components: once(&mut kept.parts, parts),
        };
        if let Some(known) = kept.parameters.iter().find(|known| ***known == parameter) {
            return Ok(known);
        }
        let parameter: &'static SearchParameter = Box::leak(Box::new(parameter));
        kept.parameters.push(parameter);
        Ok(parameter)
    }
}

impl Kept {
    fn text(&mut self, text: String) -> &'static str {
        if let Some(known) = self.texts.get(text.as_str()) {
            return known;
        }
        let text: &'static str = text.leak();
        self.texts.insert(text);
        text
    }
}

fn once<T: PartialEq>(known: &mut Vec<&'static [T]>, list: Vec<T>) -> &'static [T] {
    if let Some(known) = known.iter().find(|known| **known == list.as_slice()) {
        return known;
    }
    let list: &'static [T] = list.leak();
    known.push(list);
    list
}

#[cfg(test)]
mod tests;
