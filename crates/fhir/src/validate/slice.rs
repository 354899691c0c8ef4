//! Slices: which items belong to which, how many of each, in which order.

use super::{
    base::place_of,
    conform::{Items, is_of},
    equal,
    item::{Found, Item},
    path::{Path, Step},
    r4,
    scope::{Scope, type_named},
    shape::{Discriminator, Kind, Profile, Rules, Shape, Slicing, Strength},
    terminology::Member,
    walk::Walk,
};
use crate::{IssueCode, ResourceType, Value, check::place::Place};

impl<'v> Walk<'v> {
    /// Sorts items into the slices of their element.
    pub(super) fn slices(
        &mut self,
        items: &Items<'_, 'v>,
        shape: &'v Shape,
        profile: &'v Profile,
        parent: &Item<'v>,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        let given;
        let slicing = match &shape.slicing {
            Some(slicing) => slicing,
            None => {
                given = usual(&shape.name);
                &given
            }
        };
        let mut homes: Vec<Option<usize>> = Vec::with_capacity(items.len());
        for found in items {
            let at = place_of(place, found);
            if !self.may_go_on(&at) {
                return;
            }
            let mut home = None;
            for (number, slice) in shape.slices.iter().enumerate() {
                match self.is_in(&found.item, slice, slicing, profile, &at, scope) {
                    Some(true) if home.is_none() => home = Some(number),
                    Some(true) => {
                        let name = |n: usize| shape.slices.get(n).and_then(|s| s.slice.as_deref()).unwrap_or("?");
                        let (one, other) = (home.map_or("?", name), name(number));
                        self.wrong(
                            IssueCode::Structure,
                            &at,
                            format!("this is of two slices, `{one}` and `{other}`"),
                        );
                    }
                    Some(false) => {}
                    None => self.remark(
                        &at,
                        format!(
                            "whether this is of the slice `{}` cannot be told: the profile's discriminator was not understood",
                            slice.slice.as_deref().unwrap_or("?")
                        ),
                    ),
                }
            }
            homes.push(home);
        }
        self.places_of_slices(items, &homes, slicing, place);
        for (number, slice) in shape.slices.iter().enumerate() {
            let own: Vec<&Found<'v>> = items
                .iter()
                .zip(&homes)
                .filter(|(_, home)| **home == Some(number))
                .map(|(found, _)| *found)
                .collect();
            self.count(own.len(), slice, parent, place);
            for found in &own {
                self.conform(found.item, slice, profile, &place_of(place, found), scope);
            }
            if !slice.slices.is_empty() {
                self.slices(&own, slice, profile, parent, place, scope);
            }
        }
    }

    /// What is of no slice, and what stands in the wrong order.
    fn places_of_slices(
        &mut self,
        items: &Items<'_, 'v>,
        homes: &[Option<usize>],
        slicing: &Slicing,
        place: &Place<'_>,
    ) {
        let mut highest = 0;
        let mut outside = false;
        for (found, home) in items.iter().zip(homes) {
            let at = place_of(place, found);
            match home {
                None if slicing.rules == Rules::Closed => {
                    self.wrong(
                        IssueCode::Structure,
                        &at,
                        "this is of no slice, and others are not allowed",
                    );
                }
                None => outside = true,
                Some(_) if outside && slicing.rules == Rules::OpenAtEnd => {
                    self.wrong(
                        IssueCode::Structure,
                        &at,
                        "what is of no slice may stand at the end only, and this comes after",
                    );
                }
                Some(number) if slicing.ordered && *number < highest => {
                    self.wrong(
                        IssueCode::Structure,
                        &at,
                        "the slices stand in another order",
                    );
                }
                Some(number) => highest = highest.max(*number),
            }
        }
    }

    /// Whether an item belongs to a slice; `None` when that cannot be told.
    fn is_in(
        &mut self,
        item: &Item<'v>,
        slice: &'v Shape,
        slicing: &Slicing,
        profile: &'v Profile,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) -> Option<bool> {
        let mut said = None;
        for by in &slicing.by {
            match self.agrees(item, slice, by, profile, place, scope) {
                Some(false) => return Some(false),
                Some(true) => said = Some(true),
                None => {}
            }
        }
        said
    }

    /// Whether an item is what a slice asks at one discriminator; `None` when the slice asks nothing there.
    fn agrees(
        &mut self,
        item: &Item<'v>,
        slice: &'v Shape,
        by: &Discriminator,
        profile: &'v Profile,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) -> Option<bool> {
        let Path { steps: Some(steps) } = &by.path else {
            return None;
        };
        if let [Step::Name(url)] = steps.as_slice()
            && url == "url"
            && let Some(own) = slice.types.iter().find_map(|t| t.profiles.first())
            && item.of == "Extension"
        {
            let bare = own.split('|').next().unwrap_or(own);
            return Some(item.text("url") == Some(bare));
        }
        let shapes = self.shapes_at(slice, steps, profile);
        let items = self.items_at(*item, steps, scope);
        let resolved = steps.last() == Some(&Step::Resolve);
        match by.kind {
            Kind::Exists => {
                if shapes.iter().any(|(s, _)| s.max == Some(0)) {
                    return Some(items.is_empty());
                }
                shapes
                    .iter()
                    .any(|(s, _)| s.min > 0)
                    .then_some(!items.is_empty())
            }
            Kind::Type if resolved => {
                let targets: Vec<&String> = targets(&shapes);
                if targets.is_empty() {
                    return None;
                }
                let of = match items.first() {
                    Some(item) => item.of,
                    None => self.named_before(*item, steps, scope)?.name(),
                };
                Some(targets.iter().any(|url| match self.known.find(url) {
                    Some(profile) => profile.of == of,
                    None => url.rsplit('/').next() == Some(of),
                }))
            }
            Kind::Type => {
                let mut types = shapes.iter().flat_map(|(s, _)| &s.types).peekable();
                types.peek()?;
                let types: Vec<_> = types.collect();
                Some(
                    items
                        .iter()
                        .any(|i| types.iter().any(|t| is_of(i, &t.code))),
                )
            }
            Kind::Profile => {
                let urls: Vec<&String> = if resolved {
                    targets(&shapes)
                } else {
                    shapes
                        .iter()
                        .flat_map(|(s, _)| &s.types)
                        .flat_map(|t| &t.profiles)
                        .collect()
                };
                let plain = urls.iter().any(|url| {
                    let name = url.strip_prefix(r4::HL7).filter(|name| r4::type_name(name));
                    name.is_some_and(|name| items.iter().any(|i| is_of(i, name)))
                });
                if plain {
                    return Some(true);
                }
                let types_only = !urls.is_empty() && urls.iter().all(|url| r4::is_type(url));
                if types_only {
                    return Some(false);
                }
                let profiles: Vec<&'v Profile> =
                    urls.iter().filter_map(|url| self.known.find(url)).collect();
                if profiles.is_empty() {
                    return None;
                }
                Some(items.iter().any(|i| {
                    profiles
                        .iter()
                        .any(|p| is_of(i, &p.of) && self.follows(*i, p, place, scope))
                }))
            }
            Kind::Value => {
                let mut said = None;
                for (shape, _) in shapes {
                    let mut any = false;
                    let mut asked = false;
                    if items.is_empty() {
                        asked = asks(shape, 0);
                    }
                    for item in &items {
                        if let Some(good) = self.has_value(item, shape, 0) {
                            asked = true;
                            any |= good;
                        }
                    }
                    if asked && !any {
                        return Some(false);
                    }
                    if asked {
                        said = Some(true);
                    }
                }
                said
            }
        }
    }

    /// Whether a value is what a shape fixes, itself or below; `None` when it fixes nothing.
    fn has_value(&self, item: &Item<'v>, shape: &'v Shape, depth: usize) -> Option<bool> {
        let value = item.value;
        if let Some(fixed) = &shape.fixed {
            return Some(value.is_some_and(|v| equal::is_fixed(v, fixed)));
        }
        if let Some(pattern) = &shape.pattern {
            return Some(value.is_some_and(|v| equal::follows(v, pattern)));
        }
        let mut said = None;
        if depth < DEEPEST {
            for child in shape
                .children
                .iter()
                .flat_map(|c| std::iter::once(c).chain(&c.slices))
            {
                if !asks(child, depth + 1) {
                    continue;
                }
                let below = item.below(&child.name, self.tables);
                if below.is_empty() && child.min == 0 {
                    continue;
                }
                let mut verdicts = below
                    .iter()
                    .filter_map(|f| self.has_value(&f.item, child, depth + 1));
                if !verdicts.any(|good| good) {
                    // A slice that need not be there fixes nothing.
                    if child.slice.is_some() && child.min == 0 {
                        continue;
                    }
                    return Some(false);
                }
                said = Some(true);
            }
        }
        if said.is_none()
            && let Some(binding) = &shape.binding
            && binding.strength == Strength::Required
        {
            return match self.is_bound(item, &binding.set) {
                Member::Unknown => None,
                member => Some(member == Member::In),
            };
        }
        said
    }

    /// The shapes at the end of a path, in this profile and in those that its types follow.
    fn shapes_at(
        &self,
        from: &'v Shape,
        steps: &[Step],
        profile: &'v Profile,
    ) -> Vec<(&'v Shape, &'v Profile)> {
        let mut at = vec![(from, profile)];
        for step in steps {
            let mut next = Vec::new();
            for (shape, profile) in at {
                match step {
                    Step::Resolve if steps.last() == Some(step) => next.push((shape, profile)),
                    Step::Resolve => {
                        let targets = shape.types.iter().flat_map(|t| &t.targets);
                        let found = targets.filter_map(|url| self.known.find(url));
                        next.extend(found.map(|p| (&p.root, p)));
                    }
                    Step::OfType(of) => {
                        let fits =
                            shape.types.is_empty() || shape.types.iter().any(|t| t.code == *of);
                        if fits {
                            next.push((shape, profile));
                        }
                        for slice in &shape.slices {
                            if slice.types.iter().any(|t| t.code == *of) {
                                next.push((slice, profile));
                            }
                        }
                    }
                    Step::Extension(url) => {
                        for (shape, profile) in self.inner(shape, profile) {
                            let child = shape.child("extension");
                            for slice in child.map_or(&[][..], |c| &c.slices) {
                                if is_extension(slice, url) {
                                    next.push((slice, profile));
                                }
                            }
                        }
                    }
                    Step::Name(name) => {
                        for (shape, profile) in self.inner(shape, profile) {
                            let children =
                                shape.children.iter().filter(|c| is_named(&c.name, name));
                            for child in children {
                                next.push((child, profile));
                                let inner = child.slices.iter().filter(|s| s.min > 0);
                                next.extend(inner.map(|s| (s, profile)));
                            }
                        }
                    }
                }
            }
            at = next;
        }
        at
    }

    /// A shape, and the roots of the profiles that its type follows.
    fn inner(&self, shape: &'v Shape, profile: &'v Profile) -> Vec<(&'v Shape, &'v Profile)> {
        let mut out = vec![(shape, profile)];
        let profiles = shape.types.iter().flat_map(|t| &t.profiles);
        out.extend(
            profiles
                .filter_map(|url| self.known.find(url))
                .map(|p| (&p.root, p)),
        );
        out
    }

    /// The items at the end of a path.
    fn items_at(&self, from: Item<'v>, steps: &[Step], scope: &Scope<'_, 'v>) -> Vec<Item<'v>> {
        let mut at = vec![from];
        for step in steps {
            let mut next = Vec::new();
            for item in at {
                match step {
                    Step::Name(name) => {
                        next.extend(item.below(name, self.tables).into_iter().map(|f| f.item));
                    }
                    Step::Extension(url) => next.extend(
                        item.below("extension", self.tables)
                            .into_iter()
                            .map(|f| f.item)
                            .filter(|e| e.text("url") == Some(url)),
                    ),
                    Step::OfType(of) if is_of(&item, of) => next.push(item),
                    Step::OfType(_) => {}
                    Step::Resolve => next.extend(
                        reference(&item)
                            .and_then(|text| self.resolve(text, scope))
                            .and_then(|found| Item::resource(found, self.tables)),
                    ),
                }
            }
            at = next;
        }
        at
    }

    /// The type that the reference before the last step names, when what it leads to is not here.
    fn named_before(
        &self,
        from: Item<'v>,
        steps: &[Step],
        scope: &Scope<'_, 'v>,
    ) -> Option<ResourceType> {
        let (_, before) = steps.split_last()?;
        let items = self.items_at(from, before, scope);
        let found = items.first()?;
        let by_text = reference(found).and_then(type_named);
        by_text.or_else(|| ResourceType::from_name(found.text("type")?))
    }
}

/// Whether a shape fixes anything, itself or below.
fn asks(shape: &Shape, depth: usize) -> bool {
    let bound = shape.binding.as_ref();
    shape.fixed.is_some()
        || shape.pattern.is_some()
        || bound.is_some_and(|b| b.strength == Strength::Required)
        || (depth < DEEPEST
            && shape
                .children
                .iter()
                .flat_map(|c| std::iter::once(c).chain(&c.slices))
                .any(|c| asks(c, depth + 1)))
}

/// Fixed values are looked for so deep below a discriminator.
const DEEPEST: usize = 6;

fn targets<'v>(shapes: &[(&'v Shape, &'v Profile)]) -> Vec<&'v String> {
    shapes
        .iter()
        .flat_map(|(s, _)| &s.types)
        .flat_map(|t| &t.targets)
        .collect()
}

/// Whether a profile's element is the one that a path names: `value` leads to `value[x]` and to `valueCode`.
fn is_named(element: &str, name: &str) -> bool {
    match element.strip_prefix(name) {
        Some("" | "[x]") => true,
        Some(of) => {
            let mut letters = of.chars();
            let first = letters.next().map(|c| c.to_ascii_lowercase());
            let lower: String = first.into_iter().chain(letters).collect();
            of.starts_with(|c: char| c.is_ascii_uppercase())
                && (r4::type_name(of) || r4::type_name(&lower))
        }
        None => false,
    }
}

/// The text of a reference or canonical.
fn reference<'v>(item: &Item<'v>) -> Option<&'v str> {
    item.text("reference").or_else(|| item.as_str())
}

fn is_extension(slice: &Shape, url: &str) -> bool {
    let by_profile = slice
        .types
        .iter()
        .flat_map(|t| &t.profiles)
        .any(|p| p == url);
    let by_url = slice
        .child("url")
        .and_then(|u| u.fixed.as_ref())
        .and_then(Value::as_str);
    by_profile || by_url == Some(url)
}

/// How an element is sliced when the profile does not say: extensions by url, choices by type.
fn usual(name: &str) -> Slicing {
    let by = match name {
        "extension" | "modifierExtension" => vec![(Kind::Value, "url")],
        _ if name.ends_with("[x]") => vec![(Kind::Type, "$this")],
        _ => Vec::new(),
    };
    Slicing {
        by: by
            .into_iter()
            .map(|(kind, path)| Discriminator {
                kind,
                path: Path::read(path),
            })
            .collect(),
        rules: Rules::Open,
        ordered: false,
    }
}
