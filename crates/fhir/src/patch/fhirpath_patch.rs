//! FHIRPath Patch: a `Parameters` of operations, each with a FHIRPath to where it works.
//!
//! What a path finds is a borrowed part of the resource; where it lies is found again by its address, so that every
//! expression serves that leads to an element, functions included.

use super::{DEEPEST, MOST_OPERATIONS, size};
use crate::{
    Issue, IssueCode, Object, Value,
    definitions::table::{Element, Node as Shape},
    fhirpath::{Context, Expression, Item, Limits, Node},
};

/// Steps that the paths of one operation may take.
const STEPS: u64 = 200_000;

/// The resource after all operations; the first that cannot be done stops it. The error's expression is the operation's
/// place in the `Parameters`, or the part of it that is wrong.
///
/// `add` puts an element into what the path finds, at the end of a list or where there was none; `insert` puts one into
/// the list that the path finds; `replace` and `delete` work on one element (`delete` may find none); `move` changes the
/// order of a list. What a deletion leaves empty goes too.
pub fn fhirpath(resource: &Value, parameters: &Value) -> Result<Value, Issue> {
    if parameters.text("resourceType") != Some("Parameters") {
        let reason = "a FHIRPath Patch is a Parameters resource";
        return Err(Issue::error(IssueCode::Structure, "", reason));
    }
    let operations = parameters.list("parameter");
    if operations.len() > MOST_OPERATIONS {
        let reason = format!(
            "the patch has {} operations; the limit is {MOST_OPERATIONS}",
            operations.len()
        );
        return Err(Issue::error(IssueCode::TooLong, "Parameters", reason));
    }
    let mut patched = resource.clone();
    for (at, operation) in operations.iter().enumerate() {
        let place = format!("Parameters.parameter[{at}]");
        patched = Operation::read(operation)
            .and_then(|operation| operation.apply(&patched))
            .map_err(|(code, reason)| Issue::error(code, place, reason))?;
    }
    Ok(patched)
}

type Fault = (IssueCode, String);

fn invalid<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err((IssueCode::Invalid, reason.into()))
}

fn conflict<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err((IssueCode::Conflict, reason.into()))
}

/// One operation as it was sent.
struct Operation<'p> {
    of: Kind,
    path: &'p str,
    name: Option<&'p str>,
    value: Option<New<'p>>,
    index: Option<usize>,
    source: Option<usize>,
    destination: Option<usize>,
}

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Add,
    Insert,
    Delete,
    Replace,
    Move,
}

/// A value that was sent: `valueX` with its type and what stands beside it, or parts.
#[derive(Clone, Copy)]
enum New<'p> {
    Typed {
        /// `HumanName`, `Date`: what follows `value`.
        of: &'p str,
        value: Option<&'p Value>,
        extra: Option<&'p Value>,
    },
    Parts(&'p [Value]),
}

impl<'p> New<'p> {
    fn read(part: &'p Value) -> Option<New<'p>> {
        let object = part.as_object()?;
        let typed = object.iter().find_map(|(name, _)| {
            let bare = name.strip_prefix('_').unwrap_or(name);
            let of = bare.strip_prefix("value").filter(|of| !of.is_empty())?;
            Some((of, bare))
        });
        if let Some((of, name)) = typed {
            return Some(New::Typed {
                of,
                value: object.get(name),
                extra: object.get(&format!("_{name}")),
            });
        }
        match object.get("part") {
            Some(Value::Array(parts)) => Some(New::Parts(parts)),
            _ => None,
        }
    }
    /// The JSON of an element: its value, and what stands beside it when it is a primitive.
    fn built(&self, element: &Element) -> Result<(Option<Value>, Option<Value>), Fault> {
        match self {
            New::Typed { value, extra, .. } => Ok((value.cloned(), extra.cloned())),
            New::Parts(parts) => {
                let Some(shape) = Node::shape_of(element) else {
                    return invalid(format!("`{}` has no parts", element.name));
                };
                Ok((Some(object_of(shape, parts, 1)?), None))
            }
        }
    }
    /// The spelling of an element for this type: `value` of a `Quantity` is `valueQuantity`.
    fn element_of(&self, shape: &'static Shape, name: &str) -> Result<&'static Element, Fault> {
        let spelled = match (self, shape.choice(name)) {
            (New::Typed { of, .. }, Some(_)) => shape.element(&format!("{name}{of}")),
            _ => shape.element(name),
        };
        match spelled {
            Some(element) => Ok(element),
            None => invalid(format!(
                "{} has no element `{name}` of that type",
                shape.path
            )),
        }
    }
}

/// An object out of parts named like its elements.
fn object_of(shape: &'static Shape, parts: &[Value], level: usize) -> Result<Value, Fault> {
    if level > DEEPEST {
        return invalid("the parts of the value are nested too deep");
    }
    let mut object = Object::new();
    for part in parts {
        let Some(name) = part.text("name") else {
            return invalid("a part of the value has no name");
        };
        let Some(new) = New::read(part) else {
            return invalid(format!("the part `{name}` has no value"));
        };
        let element = new.element_of(shape, name)?;
        let (value, extra) = match (new, Node::shape_of(element)) {
            (New::Parts(parts), Some(inner)) => (Some(object_of(inner, parts, level + 1)?), None),
            (new, _) => new.built(element)?,
        };
        let at = list_length(&object, element);
        put(&mut object, element, at, value, extra)?;
    }
    Ok(Value::Object(object))
}

impl<'p> Operation<'p> {
    fn read(parameter: &'p Value) -> Result<Operation<'p>, Fault> {
        if parameter.text("name") != Some("operation") {
            return invalid("each parameter of a patch has the name `operation`");
        }
        let part = |name: &str| {
            let mut parts = parameter.list("part").iter();
            parts.find(|p| p.text("name") == Some(name))
        };
        let text = |name: &str| {
            part(name).and_then(|p| p.text("valueString").or_else(|| p.text("valueCode")))
        };
        let whole = |name: &str| match part(name).and_then(|p| p.as_object()) {
            None => Ok(None),
            Some(object) => {
                let number = object.iter().find(|(k, _)| k.starts_with("value"));
                match number.and_then(|(_, v)| v.as_number()?.parse().ok()) {
                    Some(number) => Ok(Some(number)),
                    None => invalid(format!("`{name}` must be an integer from 0")),
                }
            }
        };
        let of = match text("type") {
            Some("add") => Kind::Add,
            Some("insert") => Kind::Insert,
            Some("delete") => Kind::Delete,
            Some("replace") => Kind::Replace,
            Some("move") => Kind::Move,
            Some(other) => {
                return invalid(format!(
                    "`{other}` is no type of operation; there are add, insert, delete, replace and move"
                ));
            }
            None => return invalid("the part `type` is missing"),
        };
        let Some(path) = text("path") else {
            return invalid("the part `path` is missing");
        };
        Ok(Operation {
            of,
            path,
            name: text("name"),
            value: part("value").and_then(New::read),
            index: whole("index")?,
            source: whole("source")?,
            destination: whole("destination")?,
        })
    }

    fn apply(&self, resource: &Value) -> Result<Value, Fault> {
        let path = Expression::parse(self.path)
            .map_err(|error| (IssueCode::Invalid, format!("`path`: {error}")))?;
        let limits = Limits {
            steps: STEPS,
            ..Limits::default()
        };
        let context = Context::new(resource).limits(limits);
        let found = path
            .evaluate(Item::resource(resource), &context)
            .map_err(|error| (IssueCode::Invalid, format!("`path`: {error}")))?;
        let mut patched = resource.clone();
        match self.of {
            Kind::Add => self.add(&mut patched, &self.only(resource, &found)?)?,
            Kind::Replace => self.replace(&mut patched, resource, &self.only(resource, &found)?)?,
            Kind::Delete if found.is_empty() => {}
            Kind::Delete => {
                let (_, place) = self.only(resource, &found)?;
                if place.0.is_empty() {
                    return invalid("a patch cannot delete the resource");
                }
                delete(&mut patched, &place.0);
            }
            Kind::Insert | Kind::Move => self.in_list(&mut patched, resource, &found)?,
        }
        Ok(patched)
    }

    /// The one place that the path must find.
    fn only<'a>(&self, resource: &Value, found: &[Item<'a>]) -> Result<(Node<'a>, Place), Fault> {
        match found {
            [one] => self.place(resource, one),
            [] => conflict(format!("`{}` finds nothing", self.path)),
            many => conflict(format!(
                "`{}` finds {} elements where one is wanted",
                self.path,
                many.len()
            )),
        }
    }

    fn place<'a>(&self, resource: &Value, item: &Item<'a>) -> Result<(Node<'a>, Place), Fault> {
        let Item::Node(node) = item else {
            return invalid(format!(
                "`{}` gives a value, not a part of the resource",
                self.path
            ));
        };
        match Place::of(resource, node) {
            Some(place) => Ok((*node, place)),
            None => invalid(format!("`{}` leads out of the resource", self.path)),
        }
    }

    fn value(&self) -> Result<New<'p>, Fault> {
        match self.value {
            Some(value) => Ok(value),
            None => invalid("the part `value` is missing, or has no value"),
        }
    }

    fn add(&self, patched: &mut Value, (node, place): &(Node<'_>, Place)) -> Result<(), Fault> {
        let Some(name) = self.name else {
            return invalid("the part `name` is missing: the element to add");
        };
        let (Some(shape), false) = (node.shape(), node.is_primitive()) else {
            return invalid(format!("nothing can be added to `{}`", self.path));
        };
        let new = self.value()?;
        let element = new.element_of(shape, name)?;
        let (value, extra) = new.built(element)?;
        let Some(Value::Object(object)) = place.descend(patched) else {
            return conflict(format!("`{}` is no object", self.path));
        };
        let there = |e: &&Element| e.slot == element.slot && is_there(object, e);
        if !element.many && shape.elements().iter().any(|e| there(&e)) {
            return conflict(format!("`{}` has `{name}` already: use replace", self.path));
        }
        let at = list_length(object, element);
        put(object, element, at, value, extra)
    }

    fn replace(
        &self,
        patched: &mut Value,
        resource: &Value,
        (_, place): &(Node<'_>, Place),
    ) -> Result<(), Fault> {
        let Some(holder) = place.holder(resource) else {
            return invalid("a patch cannot replace the resource");
        };
        let new = self.value()?;
        let Some(shape) = holder.node.shape() else {
            return invalid(format!("`{}` cannot be replaced", self.path));
        };
        let Some(old) = shape.element(holder.name) else {
            return invalid(format!("`{}` cannot be replaced", self.path));
        };
        // Another type of a choice has another name.
        let stem = shape.slot(old.slot.into()).trim_end_matches("[x]");
        let element = match shape.is_choice(old.slot) {
            true => new.element_of(shape, stem)?,
            false => old,
        };
        let (value, extra) = new.built(element)?;
        let Some(Value::Object(object)) = holder.place.descend(patched) else {
            return conflict(format!("`{}` is not there", self.path));
        };
        if element.name != old.name {
            object.remove(old.name);
            object.remove(&format!("_{}", old.name));
        }
        match holder.at {
            Some(at) => {
                take(object, element, at);
                put(object, element, at, value, extra)
            }
            None => {
                object.remove(&format!("_{}", element.name));
                put(object, element, 0, value, extra)
            }
        }
    }

    /// `insert` and `move`: the path finds all items of one list.
    fn in_list(
        &self,
        patched: &mut Value,
        resource: &Value,
        found: &[Item<'_>],
    ) -> Result<(), Fault> {
        let Some(first) = found.first() else {
            return conflict(format!("`{}` finds no list", self.path));
        };
        let (_, first) = self.place(resource, first)?;
        let Some(list) = first.holder(resource).filter(|h| h.at == Some(0)) else {
            return invalid(format!("`{}` is no list", self.path));
        };
        let Some(element) = list.node.shape().and_then(|shape| shape.element(list.name)) else {
            return invalid(format!("`{}` is no list", self.path));
        };
        let Some(Value::Object(object)) = list.place.descend(patched) else {
            return conflict(format!("`{}` is not there", self.path));
        };
        let length = list_length(object, element);
        if found.len() != length {
            let reason = format!(
                "`{}` must find all items of one list, and no others",
                self.path
            );
            return invalid(reason);
        }
        let within = |what: &str, at: Option<usize>, most: usize| match at {
            None => invalid(format!("the part `{what}` is missing")),
            Some(at) if at > most => {
                invalid(format!("`{what}` is {at}; the list has {length} items"))
            }
            Some(at) => Ok(at),
        };
        if self.of == Kind::Insert {
            let at = within("index", self.index, length)?;
            let (value, extra) = self.value()?.built(element)?;
            return put(object, element, at, value, extra);
        }
        let last = length.saturating_sub(1);
        let from = within("source", self.source, last)?;
        let to = within("destination", self.destination, last)?;
        let (value, extra) = take(object, element, from);
        put(object, element, to, value, extra)
    }
}

/// A step into JSON.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Member(String),
    Item(usize),
}

/// Where a part of a resource lies. For a primitive that has nothing but extensions: where those lie, its `_` left out.
#[derive(Debug)]
struct Place(Vec<Step>);

/// What holds an element: an object, the element's name in it, and its place in a list.
struct Holder<'v> {
    node: Node<'v>,
    place: Place,
    name: &'v str,
    at: Option<usize>,
}

impl Place {
    fn of(resource: &Value, node: &Node<'_>) -> Option<Place> {
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
    fn descend<'v>(&self, resource: &'v mut Value) -> Option<&'v mut Value> {
        self.0
            .iter()
            .try_fold(resource, |value, step| match (value, step) {
                (Value::Object(object), Step::Member(name)) => object.get_mut(name),
                (Value::Array(items), Step::Item(at)) => items.get_mut(*at),
                _ => None,
            })
    }
    /// What holds it, with its type: found by walking from the root.
    fn holder<'s, 'v: 's>(&'s self, resource: &'v Value) -> Option<Holder<'s>> {
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

fn is_there(object: &Object, element: &Element) -> bool {
    object.get(element.name).is_some() || object.get(&format!("_{}", element.name)).is_some()
}

/// How many items a list has, those with nothing but extensions included.
fn list_length(object: &Object, element: &Element) -> usize {
    let length = |name: &str| object.get(name).map_or(0, |v| v.items().len());
    length(element.name).max(length(&format!("_{}", element.name)))
}

/// Puts a value and what stands beside it into an element: at a place of a list, or as the element itself.
fn put(
    object: &mut Object,
    element: &Element,
    at: usize,
    value: Option<Value>,
    extra: Option<Value>,
) -> Result<(), Fault> {
    for part in value.iter().chain(&extra) {
        if size(part).1 > DEEPEST {
            return invalid("the value is nested too deep");
        }
    }
    let beside = format!("_{}", element.name);
    if !element.many {
        for (name, part) in [(element.name, value), (&beside, extra)] {
            if let Some(part) = part {
                object.set(name, part);
            }
        }
        return Ok(());
    }
    let length = list_length(object, element);
    for (name, part) in [(element.name, value), (&beside, extra)] {
        if object.get(name).is_none() && part.is_none() {
            continue;
        }
        if object.get(name).is_none() {
            object.set(name, Value::Array(Vec::new()));
        }
        if let Some(Value::Array(items)) = object.get_mut(name) {
            items.resize(length.max(items.len()), Value::Null);
            items.insert(at.min(items.len()), part.unwrap_or(Value::Null));
        }
    }
    Ok(())
}

/// Takes an item out of a list, with what stands beside it.
fn take(object: &mut Object, element: &Element, at: usize) -> (Option<Value>, Option<Value>) {
    let mut out = |name: &str| match object.get_mut(name) {
        Some(Value::Array(items)) if at < items.len() => {
            Some(items.remove(at)).filter(|v| *v != Value::Null)
        }
        _ => None,
    };
    (out(element.name), out(&format!("_{}", element.name)))
}

/// Deletes what lies at a place, then what that leaves empty. The root stays.
fn delete(value: &mut Value, steps: &[Step]) {
    match (value, steps) {
        (Value::Object(object), [Step::Member(name)]) => {
            object.remove(name);
            object.remove(&format!("_{name}"));
        }
        (Value::Object(object), [Step::Member(name), Step::Item(at)]) => {
            for name in [name.clone(), format!("_{name}")] {
                if let Some(Value::Array(items)) = object.get_mut(&name) {
                    if *at < items.len() {
                        items.remove(*at);
                    }
                    if items.iter().all(|v| *v == Value::Null) {
                        object.remove(&name);
                    }
                }
            }
        }
        (Value::Object(object), [Step::Member(name), Step::Item(at), rest @ ..]) => {
            let mut empty = false;
            if let Some(inner) = object.get_mut(name).and_then(|list| match list {
                Value::Array(items) => items.get_mut(*at),
                _ => None,
            }) {
                delete(inner, rest);
                empty = is_empty(inner);
            }
            if empty {
                let here = [Step::Member(name.clone()), Step::Item(*at)];
                delete_in(object, &here);
            }
        }
        (Value::Object(object), [Step::Member(name), rest @ ..]) => {
            let mut empty = false;
            if let Some(inner) = object.get_mut(name) {
                delete(inner, rest);
                empty = is_empty(inner);
            }
            if empty {
                object.remove(name);
            }
        }
        _ => {}
    }
}

fn delete_in(object: &mut Object, steps: &[Step]) {
    let mut whole = Value::Object(std::mem::take(object));
    delete(&mut whole, steps);
    if let Value::Object(inner) = whole {
        *object = inner;
    }
}

fn is_empty(value: &Value) -> bool {
    match value {
        Value::Object(object) => object.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    }
}
