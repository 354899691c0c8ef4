//! A profile as the walk needs it: a tree of elements, each with what it asks of what stands there.
//!
//! Made from a StructureDefinition's snapshot or, when it has none, by laying its differential over its base.
//! What R4's own definitions ask is not here: the walk along them ([`super::base`]) asks it anyway.

use super::path::Path;
use crate::{
    Issue, IssueCode, Value,
    fhirpath::{Expression, PathError},
};
use std::sync::{Arc, OnceLock};

/// Elements of one profile read before it is refused.
const MOST_ELEMENTS: usize = 20_000;

/// A profile, compiled.
pub(super) struct Profile {
    pub(super) url: String,
    pub(super) version: Option<String>,
    /// The type it constrains.
    pub(super) of: String,
    pub(super) root: Shape,
    /// Where an extension may stand: kind (`element`, `extension`, `fhirpath`) and expression.
    pub(super) contexts: Vec<(String, String)>,
}

/// An element of a profile, or a slice of one.
#[derive(Clone, Default)]
pub(super) struct Shape {
    /// Its last step: `identifier`, `value[x]`.
    pub(super) name: String,
    /// The name of the slice it is.
    pub(super) slice: Option<String>,
    pub(super) min: usize,
    /// None for no limit.
    pub(super) max: Option<usize>,
    /// Empty for any that R4 allows.
    pub(super) types: Vec<TypeRef>,
    pub(super) fixed: Option<Value>,
    pub(super) pattern: Option<Value>,
    pub(super) least: Option<Value>,
    pub(super) most: Option<Value>,
    pub(super) max_length: Option<usize>,
    pub(super) binding: Option<Binding>,
    pub(super) rules: Vec<Rule>,
    /// Another element of the profile whose content this has.
    pub(super) same_as: Option<String>,
    pub(super) slicing: Option<Slicing>,
    pub(super) slices: Vec<Shape>,
    pub(super) children: Vec<Shape>,
}

/// A type allowed, with the profiles it must follow and those that its targets must.
#[derive(Clone)]
pub(super) struct TypeRef {
    pub(super) code: String,
    pub(super) profiles: Vec<String>,
    pub(super) targets: Vec<String>,
}

#[derive(Clone)]
pub(super) struct Binding {
    pub(super) strength: Strength,
    pub(super) set: String,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Strength {
    Required,
    Extensible,
}

impl Strength {
    pub(super) fn from_code(code: &str) -> Option<Strength> {
        match code {
            "required" => Some(Strength::Required),
            "extensible" => Some(Strength::Extensible),
            _ => None,
        }
    }
}

/// An invariant.
#[derive(Clone)]
pub(super) struct Rule {
    pub(super) key: Arc<str>,
    pub(super) severity: Severity,
    pub(super) test: Arc<Test>,
}

/// An invariant's expression, read when it is first needed.
pub(super) struct Test {
    pub(super) text: String,
    read: OnceLock<Result<Expression, PathError>>,
}

impl Test {
    pub(super) fn new(text: &str) -> Arc<Test> {
        Arc::new(Test {
            text: text.to_owned(),
            read: OnceLock::new(),
        })
    }
    /// The expression, or why it cannot be read.
    pub(super) fn expression(&self) -> &Result<Expression, PathError> {
        self.read.get_or_init(|| Expression::parse(&self.text))
    }
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Severity {
    Error,
    Warning,
    /// A recommendation: a warning, unless whoever asks wants it otherwise.
    BestPractice,
}

#[derive(Clone)]
pub(super) struct Slicing {
    pub(super) by: Vec<Discriminator>,
    pub(super) rules: Rules,
    pub(super) ordered: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Rules {
    Open,
    OpenAtEnd,
    Closed,
}

#[derive(Clone)]
pub(super) struct Discriminator {
    pub(super) kind: Kind,
    pub(super) path: Path,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Kind {
    /// Also `pattern`: the two differ in name only.
    Value,
    Exists,
    Type,
    Profile,
}

impl Shape {
    fn named(name: &str) -> Shape {
        Shape {
            name: name.to_owned(),
            ..Shape::default()
        }
    }

    /// The child of that name.
    pub(super) fn child(&self, name: &str) -> Option<&Shape> {
        self.children.iter().find(|c| c.name == name)
    }

    /// The element at a path below this one, unsliced.
    pub(super) fn below(&self, path: &str) -> Option<&Shape> {
        path.split('.')
            .try_fold(self, |shape, step| shape.child(step))
    }

    /// The place of one step, made when it is not there: an element by its name, then a slice of it.
    fn step(&mut self, name: &str, slice: Option<&str>) -> &mut Shape {
        let at = match self.children.iter().position(|c| c.name == name) {
            Some(at) => at,
            None => {
                self.children.push(Shape::named(name));
                self.children.len() - 1
            }
        };
        let child = &mut self.children[at];
        match slice {
            None => child,
            Some(slice) => child.slice_at(slice),
        }
    }

    /// A slice, made when it is not there; `a/b` is slice `b` of slice `a`.
    fn slice_at(&mut self, slice: &str) -> &mut Shape {
        if let Some(at) = self
            .slices
            .iter()
            .position(|s| s.slice.as_deref() == Some(slice))
        {
            return &mut self.slices[at];
        }
        if let Some((outer, _)) = slice.rsplit_once('/')
            && let Some(at) = self
                .slices
                .iter()
                .position(|s| s.slice.as_deref() == Some(outer))
        {
            return self.slices[at].slice_at(slice);
        }
        let mut made = Shape::named(&self.name);
        made.slice = Some(slice.to_owned());
        self.slices.push(made);
        let last = self.slices.len() - 1;
        &mut self.slices[last]
    }

    /// Lays what an ElementDefinition says over what is there.
    fn lay(&mut self, element: &Value) {
        if let Some(min) = element.get("min").and_then(Value::as_number) {
            self.min = min.parse().unwrap_or(0);
        }
        if let Some(max) = element.text("max") {
            self.max = max.parse().ok();
        }
        let types = element.list("type");
        if !types.is_empty() {
            self.types = types.iter().map(type_ref).collect();
        }
        for (key, value) in element.as_object().into_iter().flat_map(|o| o.iter()) {
            if key.starts_with("fixed") {
                self.fixed = Some(value.clone());
            } else if key.starts_with("pattern") {
                self.pattern = Some(value.clone());
            } else if key.starts_with("minValue") {
                self.least = Some(value.clone());
            } else if key.starts_with("maxValue") {
                self.most = Some(value.clone());
            }
        }
        if let Some(length) = element.get("maxLength").and_then(Value::as_number) {
            self.max_length = length.parse().ok();
        }
        if let Some(binding) = element.get("binding") {
            let strength = binding.text("strength").and_then(Strength::from_code);
            if let (Some(strength), Some(set)) = (strength, binding.text("valueSet")) {
                let set = set.to_owned();
                self.binding = Some(Binding { strength, set });
            }
        }
        for rule in element.list("constraint") {
            let (Some(key), Some(expression)) = (rule.text("key"), rule.text("expression")) else {
                continue;
            };
            if super::r4::rules().has_key(key) {
                continue;
            }
            if self
                .rules
                .iter()
                .all(|r| &*r.key != key || r.test.text != expression)
            {
                let best = rule
                    .list("extension")
                    .iter()
                    .any(|e| e.text("url").is_some_and(|u| u.ends_with("bestpractice")));
                let severity = match rule.text("severity") {
                    _ if best => Severity::BestPractice,
                    Some("warning") => Severity::Warning,
                    _ => Severity::Error,
                };
                self.rules.push(Rule {
                    key: key.into(),
                    severity,
                    test: Test::new(expression),
                });
            }
        }
        if let Some(same) = element.text("contentReference") {
            let path = same.rsplit('#').next().unwrap_or_default();
            self.same_as = path.split_once('.').map(|(_, below)| below.to_owned());
        }
        if let Some(slicing) = element.get("slicing") {
            self.slicing = Some(read_slicing(slicing));
        }
    }
}

fn type_ref(of: &Value) -> TypeRef {
    let texts = |key: &str| {
        let items = of.list(key).iter().filter_map(Value::as_str);
        items.map(str::to_owned).collect()
    };
    TypeRef {
        code: of.text("code").unwrap_or_default().to_owned(),
        profiles: texts("profile"),
        targets: texts("targetProfile"),
    }
}

fn read_slicing(slicing: &Value) -> Slicing {
    let by = slicing.list("discriminator").iter().map(|d| Discriminator {
        kind: match d.text("type") {
            Some("exists") => Kind::Exists,
            Some("type") => Kind::Type,
            Some("profile") => Kind::Profile,
            _ => Kind::Value,
        },
        path: Path::read(d.text("path").unwrap_or_default()),
    });
    Slicing {
        by: by.collect(),
        rules: match slicing.text("rules") {
            Some("closed") => Rules::Closed,
            Some("openAtEnd") => Rules::OpenAtEnd,
            _ => Rules::Open,
        },
        ordered: slicing.get("ordered").and_then(Value::as_bool) == Some(true),
    }
}

impl Profile {
    /// Compiles a StructureDefinition. `base` finds what a differential is laid over: `Some(None)` for a type of R4.
    pub(super) fn compile<'a>(
        structure: &Value,
        base: impl FnOnce(&str) -> Option<Option<&'a Profile>>,
    ) -> Result<Profile, Vec<Issue>> {
        let wrong = |place: &str, what: String| vec![Issue::error(IssueCode::Invalid, place, what)];
        let text = |key: &str| structure.text(key).map(str::to_owned);
        let url = text("url").ok_or_else(|| {
            wrong(
                "StructureDefinition.url",
                "the profile has no url; give it one".into(),
            )
        })?;
        let of = text("type").ok_or_else(|| {
            wrong(
                "StructureDefinition.type",
                format!("{url} does not say which type it constrains"),
            )
        })?;
        let snapshot = structure
            .path("snapshot.element")
            .map_or(&[][..], Value::items);
        let (elements, mut root) = if snapshot.is_empty() {
            let name = structure.text("baseDefinition").unwrap_or_default();
            let Some(base) = base(name) else {
                let what = format!(
                    "{url} has no snapshot, and its base {name} is not known: load the base first"
                );
                return Err(wrong("StructureDefinition.baseDefinition", what));
            };
            let root = base.map_or_else(Shape::default, |base| base.root.clone());
            (
                structure
                    .path("differential.element")
                    .map_or(&[][..], Value::items),
                root,
            )
        } else {
            (snapshot, Shape::default())
        };
        if elements.len() > MOST_ELEMENTS {
            let what = format!("{url} has more than {MOST_ELEMENTS} elements");
            return Err(wrong("StructureDefinition", what));
        }
        root.name = of.clone();
        lay_all(&mut root, elements);
        let contexts = structure
            .list("context")
            .iter()
            .filter_map(|c| Some((c.text("type")?.to_owned(), c.text("expression")?.to_owned())));
        Ok(Profile {
            version: text("version"),
            contexts: contexts.collect(),
            url,
            of,
            root,
        })
    }
}

/// One step of an element's way: its name and the slice it is in.
type Step = (String, Option<String>);

/// Lays elements over a root, each at its place: by its id when it has one, else by its path and by the slices that the
/// elements before it opened.
fn lay_all(root: &mut Shape, elements: &[Value]) {
    let mut open: Vec<(String, Vec<Step>)> = Vec::new();
    for element in elements {
        let path = element.text("path").unwrap_or_default();
        let slice = element.text("sliceName");
        while open.last().is_some_and(|(above, _)| !is_below(path, above)) {
            open.pop();
        }
        let steps = match element
            .text("id")
            .filter(|id| id.matches('.').count() == path.matches('.').count())
        {
            Some(id) if id.contains(':') => id.split('.').skip(1).map(read_step).collect(),
            _ => {
                let (above, mut steps) = open.last().cloned().unwrap_or_default();
                let rest = path.strip_prefix(above.as_str()).unwrap_or(path);
                let skip = usize::from(above.is_empty());
                let names = rest.split('.').filter(|s| !s.is_empty()).skip(skip);
                steps.extend(names.map(|name| (name.to_owned(), None)));
                if let (Some(slice), Some(last)) = (slice, steps.last_mut()) {
                    last.1 = Some(slice.to_owned());
                }
                steps
            }
        };
        let mut at = &mut *root;
        for (name, slice) in &steps {
            at = at.step(name, slice.as_deref());
        }
        at.lay(element);
        open.push((path.to_owned(), steps));
    }
}

fn is_below(path: &str, above: &str) -> bool {
    path.strip_prefix(above)
        .is_some_and(|rest| rest.starts_with('.'))
}

/// `identifier:mrn` is slice `mrn` of `identifier`.
fn read_step(step: &str) -> Step {
    match step.split_once(':') {
        Some((name, slice)) => (name.to_owned(), Some(slice.to_owned())),
        None => (step.to_owned(), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json;

    fn profile(differential: &str) -> Profile {
        let text = format!(
            r#"{{"resourceType":"StructureDefinition","url":"u","type":"Patient","baseDefinition":"b","differential":{{"element":{differential}}}}}"#
        );
        let value = json::parse(text.as_bytes(), &json::Limits::default()).unwrap();
        Profile::compile(&value, |_| Some(None)).ok().unwrap()
    }

    #[test]
    fn elements_find_their_slices_without_ids() {
        let p = profile(
            r#"[{"path":"Patient"},{"path":"Patient.identifier","slicing":{"discriminator":[{"type":"value","path":"system"}],"rules":"open"}},
            {"path":"Patient.identifier","sliceName":"a","min":1},{"path":"Patient.identifier.system","fixedUri":"x"},
            {"path":"Patient.identifier","sliceName":"b"},{"path":"Patient.identifier.period.start","min":1},{"path":"Patient.name","min":1}]"#,
        );
        let identifier = p.root.child("identifier").unwrap();
        assert_eq!(identifier.slices.len(), 2);
        let a = &identifier.slices[0];
        assert_eq!(
            (a.min, a.child("system").unwrap().fixed.is_some()),
            (1, true)
        );
        assert_eq!(identifier.slices[1].below("period.start").unwrap().min, 1);
        assert_eq!(p.root.child("name").unwrap().min, 1);
    }
}
