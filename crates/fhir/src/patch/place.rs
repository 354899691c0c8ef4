//! Where parts of a resource lie in its JSON, and how they are put there and taken away: a primitive's value together
//! with the id and extensions that stand beside it (`_given` beside `given`).

use crate::{Object, Value, definitions::table::Element, fhirpath::Node};

/// A step into JSON.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Step {
    Member(String),
    Item(usize),
}

/// Where a part of a resource lies. For a primitive that has nothing but extensions: where those lie, its `_` left out.
#[derive(Debug)]
pub(super) struct Place(pub(super) Vec<Step>);

/// What holds an element: an object, the element's name in it, and its place in a list.
pub(super) struct Holder<'v> {
    pub(super) node: Node<'v>,
    pub(super) place: Place,
    pub(super) name: &'v str,
    pub(super) at: Option<usize>,
}

impl Place {
    pub(super) fn of(resource: &Value, node: &Node<'_>) -> Option<Place> {
        let wanted = node.value().or(node.extra())?;
        let mut steps = Vec::new();
        search(resource, wanted, &mut steps).then_some(())?;
        if node.value().is_none() {
            let mut from_the_end = steps.iter_mut().rev();
            if let Some(Step::Member(name)) =
                from_the_end.find(|step| matches!(step, Step::Member(_)))
                && let Some(bare) = name.strip_prefix('_')
            {
                *name = bare.to_owned();
            }
        }
        Some(Place(steps))
    }
    pub(super) fn descend<'v>(&self, resource: &'v mut Value) -> Option<&'v mut Value> {
        self.0
            .iter()
            .try_fold(resource, |value, step| match (value, step) {
                (Value::Object(object), Step::Member(name)) => object.get_mut(name),
                (Value::Array(items), Step::Item(at)) => items.get_mut(*at),
                _ => None,
            })
    }
    /// The object beside a primitive, made when there is none.
    pub(super) fn descend_beside<'v>(&self, resource: &'v mut Value) -> Option<&'v mut Value> {
        let (name, at, holder) = match self.0.as_slice() {
            [holder @ .., Step::Member(name), Step::Item(at)] => (name, Some(*at), holder),
            [holder @ .., Step::Member(name)] => (name, None, holder),
            _ => return None,
        };
        let Some(Value::Object(object)) = Place(holder.to_vec()).descend(resource) else {
            return None;
        };
        let name = beside(name);
        if object.get(&name).is_none() {
            object.set(name.as_str(), Value::Array(Vec::new()));
        }
        let mut slot = object.get_mut(&name)?;
        if let Some(at) = at {
            let Value::Array(items) = slot else {
                return None;
            };
            items.resize(items.len().max(at + 1), Value::Null);
            slot = items.get_mut(at)?;
        }
        if !matches!(slot, Value::Object(_)) {
            *slot = Value::Object(Object::new());
        }
        Some(slot)
    }
    /// What holds it, with its type: found by walking from the root.
    pub(super) fn holder<'s, 'v: 's>(&'s self, resource: &'v Value) -> Option<Holder<'s>> {
        let (name, at, holder) = match self.0.as_slice() {
            [holder @ .., Step::Member(name), Step::Item(at)] => (name, Some(*at), holder),
            [holder @ .., Step::Member(name)] => (name, None, holder),
            _ => return None,
        };
        let mut node = Node::of_resource(resource);
        let mut steps = holder.iter().peekable();
        while let Some(step) = steps.next() {
            let Step::Member(name) = step else {
                return None;
            };
            let at = match steps.peek() {
                Some(Step::Item(at)) => {
                    steps.next();
                    Some(*at)
                }
                _ => None,
            };
            node = node.child(name, at)?;
        }
        Some(Holder {
            node,
            place: Place(holder.to_vec()),
            name,
            at,
        })
    }
}

/// The member that holds a primitive's id and extensions.
pub(super) fn beside(name: &str) -> String {
    format!("_{name}")
}

/// Looks for a value by its address.
fn search(value: &Value, wanted: &Value, steps: &mut Vec<Step>) -> bool {
    if std::ptr::eq(value, wanted) {
        return true;
    }
    let mut try_step = |step: Step, inner: &Value| {
        steps.push(step);
        let found = search(inner, wanted, steps);
        if !found {
            steps.pop();
        }
        found
    };
    match value {
        Value::Object(object) => object
            .iter()
            .any(|(name, inner)| try_step(Step::Member(name.to_owned()), inner)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .any(|(at, inner)| try_step(Step::Item(at), inner)),
        _ => false,
    }
}

pub(super) fn is_there(object: &Object, element: &Element) -> bool {
    object.get(element.name).is_some() || object.get(&beside(element.name)).is_some()
}

/// How many items a list has, those with nothing but extensions included.
pub(super) fn list_length(object: &Object, element: &Element) -> usize {
    let length = |name: &str| object.get(name).map_or(0, |v| v.items().len());
    length(element.name).max(length(&beside(element.name)))
}

/// Puts a value and what stands beside it into an element: at a place of a list, or as the element itself.
pub(super) fn put(
    object: &mut Object,
    element: &Element,
    at: usize,
    (value, extra): (Option<Value>, Option<Value>),
) {
    let length = list_length(object, element);
    for (name, part) in [(element.name, value), (&beside(element.name), extra)] {
        if !element.many {
            if let Some(part) = part {
                object.set(name, part);
            }
            continue;
        }
        if object.get(name).is_none() {
            if part.is_none() {
                continue;
            }
            object.set(name, Value::Array(Vec::new()));
        }
        if let Some(Value::Array(items)) = object.get_mut(name) {
            items.resize(length.max(items.len()), Value::Null);
            items.insert(at.min(items.len()), part.unwrap_or(Value::Null));
        }
    }
}

/// Takes an item out of a list, with what stands beside it.
pub(super) fn take(
    object: &mut Object,
    element: &Element,
    at: usize,
) -> (Option<Value>, Option<Value>) {
    let mut out = |name: &str| match object.get_mut(name) {
        Some(Value::Array(items)) if at < items.len() => {
            Some(items.remove(at)).filter(|v| *v != Value::Null)
        }
        _ => None,
    };
    (out(element.name), out(&beside(element.name)))
}

/// Deletes what lies at a place, then what that leaves empty. The root stays.
pub(super) fn delete(value: &mut Value, steps: &[Step]) {
    let Value::Object(object) = value else {
        return;
    };
    match steps {
        [Step::Member(name)] => {
            object.remove(name);
            object.remove(&beside(name));
        }
        [Step::Member(name), Step::Item(at)] => drop_item(object, name, *at),
        [Step::Member(name), Step::Item(at), rest @ ..] => {
            let Some(Value::Array(items)) = object.get_mut(name) else {
                return;
            };
            let Some(inner) = items.get_mut(*at) else {
                return;
            };
            delete(inner, rest);
            if !is_empty(inner) {
                return;
            }
            *inner = Value::Null;
            // What stands beside a value goes alone; an item goes from both lists.
            let bare = name.strip_prefix('_').unwrap_or(name);
            let value = object.get(bare).and_then(|list| list.items().get(*at));
            match value.is_none_or(|value| *value == Value::Null) {
                true => drop_item(object, bare, *at),
                false => drop_blank(object, name),
            }
        }
        [Step::Member(name), rest @ ..] => {
            let Some(inner) = object.get_mut(name) else {
                return;
            };
            delete(inner, rest);
            if is_empty(inner) {
                object.remove(name);
            }
        }
        _ => {}
    }
}

/// Takes an item out of a list and of the list beside it.
fn drop_item(object: &mut Object, name: &str, at: usize) {
    for name in [name.to_owned(), beside(name)] {
        if let Some(Value::Array(items)) = object.get_mut(&name)
            && at < items.len()
        {
            items.remove(at);
        }
        drop_blank(object, &name);
    }
}

/// Removes a list that has nothing but nulls.
fn drop_blank(object: &mut Object, name: &str) {
    let blank = |list: &Value| list.items().iter().all(|item| *item == Value::Null);
    if matches!(object.get(name), Some(list @ Value::Array(_)) if blank(list)) {
        object.remove(name);
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
