//! FHIRPath Patch: a `Parameters` of operations, each with a FHIRPath to where it works.
//!
//! What a path finds is a borrowed part of the resource; where it lies is found again by its address, so that every
//! expression serves that leads to an element, functions included.

use super::{
    DEEPEST, MOST_OPERATIONS,
    place::{Place, beside, delete, is_there, list_length, put, take},
    size,
};
use crate::{
    Issue, IssueCode, Object, Value,
    definitions::table::{Element, Node as Shape},
    fhirpath::{Context, Expression, Item, Limits, Node},
};

/// Steps that the path of one operation may take, and those of all together.
const STEPS: u64 = 200_000;
const ALL_STEPS: u64 = 2_000_000;

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
    let steps = STEPS.min(ALL_STEPS / operations.len().max(1) as u64);
    for (at, operation) in operations.iter().enumerate() {
        let place = format!("Parameters.parameter[{at}]");
        patched = Operation::read(operation)
            .and_then(|operation| operation.apply(&patched, steps))
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
                extra: object.get(&beside(name)),
            });
        }
        match (object.get("part"), object.get("resource")) {
            (Some(Value::Array(parts)), _) => Some(New::Parts(parts)),
            (_, Some(resource)) => Some(New::Typed {
                of: "Resource",
                value: Some(resource),
                extra: None,
            }),
            _ => None,
        }
    }
    /// The JSON of an element: its value, and what stands beside it when it is a primitive.
    fn built(&self, element: &Element) -> Result<(Option<Value>, Option<Value>), Fault> {
        match self {
            New::Typed { value, extra, .. } => {
                for part in value.iter().chain(extra) {
                    if size(part).1 > DEEPEST / 2 {
                        return invalid("the value is nested too deep");
                    }
                }
                Ok((value.cloned(), extra.cloned()))
            }
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
        let built = match (new, Node::shape_of(element)) {
            (New::Parts(parts), Some(inner)) => (Some(object_of(inner, parts, level + 1)?), None),
            (new, _) => new.built(element)?,
        };
        let at = list_length(&object, element);
        put(&mut object, element, at, built);
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

    fn apply(&self, resource: &Value, steps: u64) -> Result<Value, Fault> {
        let path = Expression::parse(self.path)
            .map_err(|error| (IssueCode::Invalid, format!("`path`: {error}")))?;
        let limits = Limits {
            steps,
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
        let Some(shape) = node.shape() else {
            return invalid(format!("nothing can be added to `{}`", self.path));
        };
        let new = self.value()?;
        let element = new.element_of(shape, name)?;
        let built = new.built(element)?;
        let into = match node.is_primitive() {
            true => place.descend_beside(patched),
            false => place.descend(patched),
        };
        let Some(Value::Object(object)) = into else {
            return conflict(format!("`{}` is no object", self.path));
        };
        let there = |e: &&Element| e.slot == element.slot && is_there(object, e);
        if !element.many && shape.elements().iter().any(|e| there(&e)) {
            return conflict(format!("`{}` has `{name}` already: use replace", self.path));
        }
        let at = list_length(object, element);
        put(object, element, at, built);
        Ok(())
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
        let built = new.built(element)?;
        let Some(Value::Object(object)) = holder.place.descend(patched) else {
            return conflict(format!("`{}` is not there", self.path));
        };
        if element.name != old.name {
            object.remove(old.name);
            object.remove(&beside(old.name));
        }
        if let Some(at) = holder.at {
            take(object, element, at);
        } else {
            object.remove(&beside(element.name));
        }
        put(object, element, holder.at.unwrap_or(0), built);
        Ok(())
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
            let built = self.value()?.built(element)?;
            put(object, element, at, built);
            return Ok(());
        }
        let last = length.saturating_sub(1);
        let from = within("source", self.source, last)?;
        let to = within("destination", self.destination, last)?;
        let moved = take(object, element, from);
        put(object, element, to, moved);
        Ok(())
    }
}
