//! Does a value have the structure that R4 gives its type?
//!
//! One walk along the tree of [`crate::definitions`], no allocation unless something is wrong; a few microseconds for
//! a resource of 1.5 kB, since this runs on everything that comes in.
//!
//! # What is taken though R4 is stricter
//!
//! Nothing is lost by these, and real exports do them:
//!
//! - `_given` may be longer or shorter than `given`, as long as each `null` in one stands beside a value in the other.
//! - A conditional reference (`Practitioner?identifier=...`) is taken wherever a reference may stand; resolving it, or
//!   refusing it outside a transaction, is for whoever stores the resource.
//! - A `uri`, `url` or `canonical` may have spaces at its ends (an OpenMRS export writes the system of every ICD-10
//!   code so). They are kept; whoever compares URIs trims them first.
//! - A `uuid` may have upper-case letters.

mod codes;
mod extension;
pub(crate) mod near;
pub(crate) mod place;
pub(crate) mod primitive;
mod reference;
#[cfg(test)]
mod tests;

use crate::{
    Issue, IssueCode, Object, ResourceType, Value,
    definitions::table::{Element, Kind, Node, Tables, tables},
};
use place::Place;
use std::collections::HashSet;

/// Issues reported before giving up on the rest.
const MOST_ISSUES: usize = 50;
/// Nesting beyond which a value is refused; what [`crate::json::Limits`] takes by default.
const DEEPEST: usize = 64;

/// Checks a resource against the base definitions of R4: known type, known elements, JSON types, cardinalities, the
/// form of primitives (id, date, instant, uri, code...), required bindings, choice elements once, reference form and
/// target type, extensions. Returns its type, or every issue found (at most 50), each with its path.
///
/// Not checked here: profiles and invariants (they come with `$validate`).
///
/// Cost: linear in the value; nothing is allocated unless there is an issue.
pub fn check(resource: &Value) -> Result<ResourceType, Vec<Issue>> {
    let mut walk = Walk {
        tables: tables(),
        issues: Vec::new(),
        contained: None,
    };
    let of = walk.resource(resource, &Place::root(""), None);
    match of {
        Some(of) if walk.issues.is_empty() => Ok(of),
        _ => Err(walk.issues),
    }
}

struct Walk<'v> {
    tables: &'static Tables,
    issues: Vec<Issue>,
    /// Ids of what the resource last asked contains, when those are many.
    contained: Option<(&'v Object, HashSet<&'v str>)>,
}

impl<'v> Walk<'v> {
    fn full(&self) -> bool {
        self.issues.len() >= MOST_ISSUES
    }

    /// Notes an issue; its text is made only when there is room for it.
    fn wrong(&mut self, code: IssueCode, place: &Place<'_>, what: impl FnOnce() -> String) {
        if !self.full() {
            self.issues
                .push(Issue::error(code, place.to_string(), what()));
        }
    }

    /// A resource: the whole, one in a bundle's entry, or (with the resource that holds it) a contained one.
    fn resource(
        &mut self,
        value: &'v Value,
        place: &Place<'_>,
        holder: Option<&'v Object>,
    ) -> Option<ResourceType> {
        let Value::Object(object) = value else {
            self.wrong(IssueCode::Structure, place, || {
                format!(
                    "found {}; expected a resource, an object with a resourceType",
                    near::shown(value)
                )
            });
            return None;
        };
        let of = match object.get("resourceType") {
            Some(Value::String(name)) => ResourceType::from_name(name),
            _ => None,
        };
        let Some((of, node)) = of.and_then(|of| Some((of, of.node()?))) else {
            self.wrong(IssueCode::Invalid, place, || {
                near::unknown_type(object.get("resourceType"))
            });
            return None;
        };
        if holder.is_some() && object.get("contained").is_some() {
            self.wrong(IssueCode::Structure, place, || {
                "a contained resource cannot contain others: move them to the outer resource's contained"
                    .into()
            });
        }
        let root = Place::root(of.name());
        let place = if place.is_root() { &root } else { place };
        self.object(node, object, place, holder.unwrap_or(object), true);
        Some(of)
    }

    /// The members of an object; returns the slots that are filled.
    fn object(
        &mut self,
        node: &'static Node,
        object: &'v Object,
        place: &Place<'_>,
        holder: &'v Object,
        is_resource: bool,
    ) -> u64 {
        let mut filled = 0;
        if place.depth() > DEEPEST {
            self.wrong(IssueCode::TooLong, place, || {
                format!("this is nested deeper than {DEEPEST} levels")
            });
            return filled;
        }
        for (name, value) in object.iter() {
            if self.full() {
                return filled;
            }
            let (bare, sibling) = match name.strip_prefix('_') {
                Some(bare) => (bare, true),
                None => (name, false),
            };
            let element = match node.element(bare) {
                Some(element) if !sibling || matches!(element.kind, Kind::Primitive(_)) => element,
                _ if is_resource && name == "resourceType" => continue,
                _ => {
                    self.wrong(IssueCode::Structure, &place.member(name), || {
                        near::unknown_element(node, name)
                    });
                    continue;
                }
            };
            let slot = 1u64 << element.slot;
            if filled & node.choices & slot != 0 {
                self.chosen_once(node, object, element, &place.member(name));
            }
            filled |= slot;
            if sibling {
                self.sibling(element, value, object, place, holder);
            } else {
                self.member(element, value, object, place, holder);
            }
        }
        let missing = node.required & !filled;
        if missing != 0 {
            self.missing(node, missing, place);
        }
        filled
    }

    fn missing(&mut self, node: &'static Node, slots: u64, place: &Place<'_>) {
        for slot in (0..64).filter(|slot| slots & (1 << slot) != 0) {
            self.wrong(IssueCode::Required, place, || {
                format!("{} must have `{}`", node.path, node.slot(slot))
            });
        }
    }

    /// A choice element may be there in one of its types only (`valueString` beside `_valueString` is one).
    fn chosen_once(
        &mut self,
        node: &'static Node,
        object: &'v Object,
        element: &Element,
        place: &Place<'_>,
    ) {
        let other = object
            .iter()
            .filter_map(|(name, _)| node.element(name.strip_prefix('_').unwrap_or(name)))
            .find(|e| e.slot == element.slot && e.name != element.name);
        if let Some(other) = other {
            self.wrong(IssueCode::Structure, place, || {
                format!(
                    "`{}` stands beside `{}`; only one of {} is allowed",
                    element.name,
                    other.name,
                    node.slot(element.slot.into())
                )
            });
        }
    }

    /// An element's value: one, or an array of them.
    fn member(
        &mut self,
        element: &Element,
        value: &'v Value,
        object: &'v Object,
        place: &Place<'_>,
        holder: &'v Object,
    ) {
        if !element.many {
            return self.one(element, value, &place.member(element.name), holder);
        }
        let Some(items) = self.items(value, &place.member(element.name)) else {
            return;
        };
        for (i, item) in items.iter().enumerate() {
            if self.full() {
                return;
            }
            let place = place.item(element.name, i);
            if *item != Value::Null {
                self.one(element, item, &place, holder);
            } else if !matches!(element.kind, Kind::Primitive(_)) {
                self.wrong(IssueCode::Structure, &place, || {
                    "found null: leave the item out".into()
                });
            } else if !beside(object, &format!("_{}", element.name), i) {
                self.null_without_partner(&place, &format!("_{}", element.name), i);
            }
        }
    }

    /// `_birthDate` beside `birthDate`: the id and extensions of a primitive value.
    fn sibling(
        &mut self,
        element: &Element,
        value: &'v Value,
        object: &'v Object,
        place: &Place<'_>,
        holder: &'v Object,
    ) {
        let Some(node) = self.tables.node(self.tables.special.element) else {
            return;
        };
        if !element.many {
            let place = place.member(element.name);
            self.nested(node, value, &place.as_sibling(), holder);
            return;
        }
        let place_of_all = place.member(element.name);
        let Some(items) = self.items(value, &place_of_all.as_sibling()) else {
            return;
        };
        for (i, item) in items.iter().enumerate() {
            if self.full() {
                return;
            }
            let place = place.item(element.name, i);
            let place = place.as_sibling();
            if *item != Value::Null {
                self.nested(node, item, &place, holder);
            } else if !beside(object, element.name, i) {
                self.null_without_partner(&place, element.name, i);
            }
        }
    }

    fn null_without_partner(&mut self, place: &Place<'_>, partner: &str, i: usize) {
        self.wrong(IssueCode::Structure, place, || {
            format!("found null, and nothing in `{partner}[{i}]` that it would stand beside")
        });
    }

    /// The items of what must be an array that is not empty.
    fn items(&mut self, value: &'v Value, place: &Place<'_>) -> Option<&'v [Value]> {
        match value {
            Value::Array(items) if !items.is_empty() => return Some(items),
            Value::Array(_) => self.wrong(IssueCode::Structure, place, || {
                "found an empty array: leave the element out".into()
            }),
            other => self.wrong(IssueCode::Structure, place, || {
                format!(
                    "found {}; expected an array, since the element can repeat",
                    near::shown(other)
                )
            }),
        }
        None
    }

    /// One value of an element.
    fn one(&mut self, element: &Element, value: &'v Value, place: &Place<'_>, holder: &'v Object) {
        match element.kind {
            Kind::Primitive(of) => match primitive::fault(of, value) {
                Some(expected) => self.wrong(expected.code(), place, || {
                    format!(
                        "found {}; expected {}",
                        near::shown(value),
                        expected.in_words(of)
                    )
                }),
                None => self.bound_code(element, value, place),
            },
            Kind::Resource => {
                let holder = (element.name == "contained").then_some(holder);
                self.resource(value, place, holder);
            }
            Kind::Object(at) => {
                let Some(node) = self.tables.node(at) else {
                    return;
                };
                let filled = self.nested(node, value, place, holder);
                let Value::Object(object) = value else { return };
                let special = &self.tables.special;
                if at == special.reference {
                    self.reference(element, object, place, holder);
                } else if at == special.extension {
                    self.extension(node, object, filled, place);
                } else if at == special.codeable_concept {
                    self.bound_concept(element, object, place);
                }
            }
        }
    }

    /// An object that is not a resource; returns the slots filled.
    fn nested(
        &mut self,
        node: &'static Node,
        value: &'v Value,
        place: &Place<'_>,
        holder: &'v Object,
    ) -> u64 {
        match value {
            Value::Object(object) if !object.is_empty() => {
                return self.object(node, object, place, holder, false);
            }
            Value::Object(_) => self.wrong(IssueCode::Structure, place, || {
                "found an empty object: leave the element out".into()
            }),
            other => self.wrong(IssueCode::Structure, place, || {
                format!(
                    "found {}; expected an object ({})",
                    near::shown(other),
                    node.path
                )
            }),
        }
        u64::MAX
    }
}

/// Whether a member of an object is an array that has something at that position.
fn beside(object: &Object, name: &str, i: usize) -> bool {
    object
        .get(name)
        .and_then(|other| other.items().get(i))
        .is_some_and(|item| *item != Value::Null)
}
