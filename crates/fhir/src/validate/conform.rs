//! The walk along a profile: what it asks of each element besides what R4 asks.

use super::{
    base::place_of,
    equal,
    item::{Found, Item},
    r4,
    scope::{Scope, type_named},
    shape::{Profile, Shape, TypeRef},
    walk::Walk,
};
use crate::{
    IssueCode, Value,
    check::{near, place::Place},
    ucum,
};
use std::cmp::Ordering;

/// Words of a fixed value that are told.
const SHOWN: usize = 120;

impl<'v> Walk<'v> {
    /// A value against a profile.
    pub(super) fn against(
        &mut self,
        item: Item<'v>,
        profile: &'v Profile,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        let before = self.under.replace(profile);
        if is_of(&item, &profile.of) {
            self.conform(item, &profile.root, profile, place, scope);
        } else {
            self.wrong(
                IssueCode::Structure,
                place,
                format!("found a {}; the profile is for {}", item.of, profile.of),
            );
        }
        self.under = before;
    }

    /// A value against an element of a profile, and all below it.
    pub(super) fn conform(
        &mut self,
        item: Item<'v>,
        shape: &'v Shape,
        profile: &'v Profile,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        if !self.may_go_on(place) {
            return;
        }
        self.own(&item, shape, place, scope);
        let inner;
        let mut scope = scope;
        if let Some(value) = item.value
            && crate::ResourceType::from_name(item.of).is_some()
            && !std::ptr::eq(value, scope.resource)
        {
            // Into an entry's resource, a contained one, or what a reference leads to.
            let mut among = scope.root.list("contained").iter();
            let contained = among.any(|c| std::ptr::eq(c, value));
            inner = if contained {
                Scope {
                    resource: value,
                    depth: place.depth(),
                    ..*scope
                }
            } else {
                let holds = scope.resource.get("entry").is_some();
                let outer = if holds {
                    scope
                } else {
                    scope.bundle().unwrap_or(scope)
                };
                Scope {
                    resource: value,
                    root: value,
                    outer: Some(outer),
                    url: url_of(value, outer),
                    depth: place.depth(),
                }
            };
            scope = &inner;
        }
        let same = shape
            .same_as
            .as_deref()
            .and_then(|path| profile.root.below(path));
        let shared = same.map_or(&[][..], |s| &s.children);
        for child in shape.children.iter().chain(shared) {
            self.child(&item, child, profile, place, scope);
        }
    }

    /// The items of one element: how many, each by itself, and its slices.
    fn child(
        &mut self,
        parent: &Item<'v>,
        shape: &'v Shape,
        profile: &'v Profile,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        let found = parent.below(&shape.name, self.tables);
        self.count(found.len(), shape, parent, place);
        for one in &found {
            self.conform(one.item, shape, profile, &place_of(place, one), scope);
        }
        if !shape.slices.is_empty() || shape.slicing.is_some() {
            self.slices(
                &found.iter().collect::<Vec<_>>(),
                shape,
                profile,
                parent,
                place,
                scope,
            );
        }
    }

    /// How often an element (or a slice of it) is there.
    pub(super) fn count(
        &mut self,
        count: usize,
        shape: &Shape,
        parent: &Item<'v>,
        place: &Place<'_>,
    ) {
        let node = parent.definition(self.tables).map_or(parent.of, |n| n.path);
        let name = &shape.name;
        if count < shape.min {
            let what = match &shape.slice {
                Some(slice) if shape.min == 1 => {
                    format!("{node} must have a `{name}` of the slice `{slice}`")
                }
                Some(slice) => format!(
                    "{node} must have {} `{name}` of the slice `{slice}`, found {count}",
                    shape.min
                ),
                None if shape.min == 1 => format!("{node} must have `{name}`"),
                None => format!("{node} must have {} `{name}`, found {count}", shape.min),
            };
            self.wrong(IssueCode::Required, place, what);
        }
        if let Some(max) = shape.max.filter(|max| count > *max) {
            let of = match &shape.slice {
                Some(slice) => format!(" of the slice `{slice}`"),
                None => String::new(),
            };
            let what = match max {
                0 => format!("{node} must not have `{name}`{of}, found {count}"),
                _ => format!("{node} must have at most {max} `{name}`{of}, found {count}"),
            };
            self.wrong(IssueCode::Structure, place, what);
        }
    }

    /// What an element asks of one value, without what is below.
    fn own(&mut self, item: &Item<'v>, shape: &'v Shape, place: &Place<'_>, scope: &Scope<'_, 'v>) {
        if !shape.types.is_empty() && !self.typed(item, shape, place, scope) {
            return;
        }
        if let Some(fixed) = &shape.fixed {
            let good = item.value.is_some_and(|v| equal::is_fixed(v, fixed));
            if !good {
                self.wrong(
                    IssueCode::Value,
                    place,
                    format!("found {}; expected {}", shown(item), short(fixed)),
                );
            }
        }
        if let Some(pattern) = &shape.pattern {
            let good = item.value.is_some_and(|v| equal::follows(v, pattern));
            if !good {
                self.wrong(
                    IssueCode::Value,
                    place,
                    format!(
                        "found {}; expected at least {}",
                        shown(item),
                        short(pattern)
                    ),
                );
            }
        }
        self.within(item, shape, place);
        if let Some(most) = shape.max_length {
            let length = item.as_str().map_or(0, |text| text.chars().count());
            if length > most {
                self.wrong(
                    IssueCode::TooLong,
                    place,
                    format!("found {length} characters; at most {most} are allowed"),
                );
            }
        }
        if let Some(binding) = &shape.binding {
            self.bound(item, binding, place);
        }
        for rule in &shape.rules {
            self.invariant(rule, item, place, scope);
        }
    }

    /// The least and the most that a number or date may be.
    fn within(&mut self, item: &Item<'v>, shape: &Shape, place: &Place<'_>) {
        for (limit, refused, word) in [
            (&shape.least, Ordering::Less, "at least"),
            (&shape.most, Ordering::Greater, "at most"),
        ] {
            let (Some(limit), Some(value)) = (limit, item.value) else {
                continue;
            };
            if compare(value, limit) == Some(refused) {
                self.wrong(
                    IssueCode::Value,
                    place,
                    format!("found {}; expected {word} {}", shown(item), short(limit)),
                );
            }
        }
    }

    /// The types allowed, with their profiles and the targets of references. False when it is of none of them.
    fn typed(
        &mut self,
        item: &Item<'v>,
        shape: &'v Shape,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) -> bool {
        let fitting: Vec<&TypeRef> = shape
            .types
            .iter()
            .filter(|t| is_of(item, &t.code))
            .collect();
        if fitting.is_empty() {
            let expected = near::listed(shape.types.iter().map(|t| t.code.as_str()), 12);
            self.wrong(
                IssueCode::Structure,
                place,
                format!("found a {}; expected {expected}", item.of),
            );
            return false;
        }
        if item.of == "Reference" {
            self.targets(item, &fitting, place, scope);
        }
        let open = fitting.iter().any(|t| t.profiles.is_empty());
        if item.of != "Extension" && !open {
            let urls = fitting.iter().flat_map(|t| &t.profiles);
            self.one_of(item, urls, place, scope);
        }
        true
    }

    /// One of some profiles must be followed. When there is only one, its issues are told as they are.
    fn one_of(
        &mut self,
        item: &Item<'v>,
        urls: impl Iterator<Item = &'v String>,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        let mut profiles = Vec::new();
        for url in urls {
            match self.known.find(url) {
                Some(profile) => profiles.push(profile),
                None if r4::is_type(url) => return,
                None => {
                    self.remark(
                        place,
                        format!("the profile {url} is not known here, so it was not checked"),
                    );
                    return;
                }
            }
        }
        match profiles.as_slice() {
            [] => {}
            [one] => self.against(*item, one, place, scope),
            several => {
                if !several.iter().any(|p| self.follows(*item, p, place, scope)) {
                    let names = near::listed(several.iter().map(|p| p.url.as_str()), 8);
                    self.wrong(
                        IssueCode::Structure,
                        place,
                        format!("this follows none of the profiles {names}"),
                    );
                }
            }
        }
    }

    /// What a reference may lead to: the type it names, and the profile of what it leads to when that is here.
    fn targets(
        &mut self,
        item: &Item<'v>,
        types: &[&'v TypeRef],
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        let targets: Vec<&'v String> = types.iter().flat_map(|t| &t.targets).collect();
        let Some(text) = item.text("reference") else {
            return;
        };
        if targets.is_empty() || types.iter().any(|t| t.targets.is_empty()) {
            return;
        }
        let found = self.resolve(text, scope);
        let of = match found.and_then(|f| f.text("resourceType")) {
            Some(of) => Some(of),
            None => type_named(text).map(|t| t.name()),
        };
        let Some(of) = of else { return };
        let mut allowed = Vec::new();
        let mut profiles = Vec::new();
        for url in targets {
            let bare = url.split('|').next().unwrap_or(url);
            match bare
                .strip_prefix(r4::HL7)
                .filter(|name| r4::type_name(name))
            {
                Some(name) if name == of || matches!(name, "Resource" | "DomainResource") => return,
                Some(name) => allowed.push(name.to_owned()),
                None => match self.known.find(url) {
                    // What is not known cannot be refused.
                    None => return,
                    Some(profile) if profile.of == of || profile.of == "Resource" => {
                        profiles.push(profile)
                    }
                    Some(profile) => allowed.push(profile.of.clone()),
                },
            }
        }
        if profiles.is_empty() {
            allowed.dedup();
            self.wrong(
                IssueCode::Structure,
                &place.member("reference"),
                format!(
                    "found {}, a {of}; expected a reference to {}",
                    near::quoted(text),
                    near::listed(allowed.iter(), 12)
                ),
            );
            return;
        }
        let Some(target) = found.and_then(|f| Item::resource(f, self.tables)) else {
            return;
        };
        if !profiles
            .iter()
            .any(|p| self.follows(target, p, place, scope))
        {
            let names = near::listed(profiles.iter().map(|p| p.url.as_str()), 8);
            self.wrong(
                IssueCode::Structure,
                place,
                format!(
                    "what {} leads to does not follow {names}",
                    near::quoted(text)
                ),
            );
        }
    }

    /// What a reference leads to, here or by the caller's hook.
    pub(super) fn resolve(&self, reference: &str, scope: &Scope<'_, 'v>) -> Option<&'v Value> {
        scope
            .resolve(reference)
            .or_else(|| (self.options.resolve?)(reference))
    }
}

/// The fullUrl of the entry that has a resource.
fn url_of<'v>(resource: &'v Value, scope: &Scope<'_, 'v>) -> Option<&'v str> {
    let entries = scope.resource.list("entry").iter();
    let mut holding =
        entries.filter(|e| e.get("resource").is_some_and(|r| std::ptr::eq(r, resource)));
    holding.next()?.text("fullUrl")
}

/// Whether an item is of a type that the definitions name.
pub(super) fn is_of(item: &Item<'_>, code: &str) -> bool {
    let code = code.strip_prefix(r4::HL7).unwrap_or(code);
    code == item.of
        || match code {
            "Element" => true,
            "Resource" => crate::ResourceType::from_name(item.of).is_some(),
            "DomainResource" => {
                crate::ResourceType::from_name(item.of).is_some()
                    && !matches!(item.of, "Bundle" | "Parameters" | "Binary")
            }
            "Quantity" => matches!(item.of, "Age" | "Count" | "Distance" | "Duration" | "Money"),
            _ => code.starts_with("http://hl7.org/fhirpath/"),
        }
}

/// How a value stands to a limit; quantities by UCUM.
pub(super) fn compare(value: &Value, limit: &Value) -> Option<Ordering> {
    match (value, limit) {
        (Value::Number(value), Value::Number(limit)) => equal::order(value, limit),
        (Value::String(value), Value::String(limit)) => Some(value.cmp(limit)),
        (Value::Object(_), Value::Object(_)) => {
            let digits = |v: &Value| v.get("value")?.as_number().map(str::to_owned);
            let (a, b) = (digits(value)?, digits(limit)?);
            if value.text("code") == limit.text("code")
                && value.text("system") == limit.text("system")
            {
                return equal::order(&a, &b);
            }
            if value.text("system") != Some(ucum::SYSTEM)
                || limit.text("system") != Some(ucum::SYSTEM)
            {
                return None;
            }
            // Of the same kind, in base units.
            let value = ucum::canonical(&a, value.text("code")?)?;
            let limit = ucum::canonical(&b, limit.text("code")?)?;
            (value.unit == limit.unit).then(|| equal::order(&value.digits, &limit.digits))?
        }
        _ => None,
    }
}

fn shown(item: &Item<'_>) -> String {
    match item.value {
        Some(value @ Value::Object(_)) => short(value),
        Some(value) => near::shown(value),
        None => "no value".into(),
    }
}

/// A value in few words.
fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN) {
        Some((at, _)) => format!("{}...", text.get(..at).unwrap_or_default()),
        None => text,
    }
}

/// Found items by reference, as slices take them.
pub(super) type Items<'a, 'v> = [&'a Found<'v>];
