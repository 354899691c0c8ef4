//! Invariants: those on every resource by hand, the others by their expressions.

use super::{
    item::Item,
    scope::Scope,
    shape::{Rule, Severity},
    terminology::Member,
    walk::Walk,
};
use crate::{
    IssueCode, Value,
    check::place::Place,
    fhirpath::{self, Context, Fault, PathError},
};
use std::collections::HashSet;

impl<'v> Walk<'v> {
    /// One invariant on one value.
    pub(super) fn invariant(
        &mut self,
        rule: &Rule,
        item: &Item<'v>,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        let resource = item.value;
        let broken = match &*rule.key {
            // Part of the structure, the reference's form, and the narrative; looked at there.
            "dom-2" | "dom-3" | "ref-1" | "txt-1" | "txt-2" => return,
            "dom-4" => contained(resource).any(|c| {
                c.path("meta.versionId").is_some() || c.path("meta.lastUpdated").is_some()
            }),
            "dom-5" => contained(resource).any(|c| c.path("meta.security").is_some()),
            "dom-6" => resource.is_some_and(|r| r.text("text.div").is_none_or(str::is_empty)),
            _ if self.endless >= MOST_ENDLESS => {
                self.cut = true;
                return;
            }
            _ => match self.holds(rule, item, scope) {
                Ok(holds) => !holds,
                Err(why) => {
                    self.endless += u32::from(why.fault == Fault::Limit);
                    self.remark(
                        place,
                        format!("the invariant {} was not checked: {why}", rule.key),
                    );
                    false
                }
            },
        };
        if broken {
            self.of_severity(rule.severity, IssueCode::Invariant, place, said(rule));
        }
    }

    /// Whether an invariant holds, or why that cannot be said.
    fn holds(
        &self,
        rule: &Rule,
        item: &Item<'v>,
        scope: &Scope<'_, 'v>,
    ) -> Result<bool, PathError> {
        let expression = rule.test.expression().as_ref().map_err(PathError::clone)?;
        let of = item
            .definition(self.tables)
            .map_or(item.of, |node| node.path);
        let extra = item.extra_value;
        let Some(focus) = fhirpath::Item::element(item.value, extra, of) else {
            return Ok(true);
        };
        let (known, tables) = (self.known, self.tables);
        let resolve = |reference: &str| self.resolve(reference, scope).cloned();
        let member_of = |item: &fhirpath::Item<'_>, set: &str| {
            let item = Item::of_path(item, tables)?;
            match super::coded::is_member(&known.terminology, &item, set) {
                Member::In => Some(true),
                Member::Out => Some(false),
                Member::Unknown => None,
            }
        };
        let conforms_to = |item: &fhirpath::Item<'_>, url: &str| {
            let item = Item::of_path(item, tables)?;
            let profile = known.find(url)?;
            Some(super::conforms(known, item, profile))
        };
        let mut context = Context::new(scope.resource)
            .root(scope.root)
            .resolve(&resolve)
            .member_of(&member_of)
            .conforms_to(&conforms_to);
        if let Some(now) = self.options.now {
            context = context.now(now);
        }
        expression.holds(focus, &context)
    }

    /// Contained resources must be meant by a reference, or refer to what contains them (dom-3).
    pub(super) fn contained_are_meant(&mut self, resource: &'v Value, place: &Place<'_>) {
        let contained = resource.list("contained");
        if contained.is_empty() {
            return;
        }
        let mut named = HashSet::new();
        fragments(resource, &mut named, 0);
        for (i, one) in contained.iter().enumerate() {
            let id = one.text("id").unwrap_or_default();
            let mut outward = HashSet::new();
            fragments(one, &mut outward, 0);
            if !named.contains(id) && !outward.contains("") {
                self.of_severity(
                    Severity::Error,
                    IssueCode::Invariant,
                    &place.item("contained", i),
                    format!("dom-3: nothing refers to the contained resource \"{id}\""),
                );
            }
        }
    }
}

/// Expressions that run into their limit before the others are left out.
const MOST_ENDLESS: u32 = 8;

/// What an invariant's issue says.
fn said(rule: &Rule) -> String {
    format!("{}: this must hold: {}", rule.key, rule.test.text)
}

fn contained(resource: Option<&Value>) -> impl Iterator<Item = &Value> {
    resource.map_or(&[][..], |r| r.list("contained")).iter()
}

/// The ids that references, canonicals and URIs name as `#id`.
fn fragments<'v>(value: &'v Value, into: &mut HashSet<&'v str>, depth: usize) {
    match value {
        Value::String(text) if text.starts_with("<div") => {
            // A picture or link in the narrative.
            let inner = text.split("=\"#").skip(1);
            into.extend(inner.filter_map(|rest| rest.split('"').next()));
        }
        Value::String(text) => into.extend(text.strip_prefix('#')),
        Value::Array(items) if depth < super::walk::DEEPEST => {
            for item in items {
                fragments(item, into, depth + 1);
            }
        }
        Value::Object(object) if depth < super::walk::DEEPEST => {
            for (_, member) in object.iter() {
                fragments(member, into, depth + 1);
            }
        }
        _ => {}
    }
}
