//! What expressions work on: nodes of a resource, borrowed, and values computed from them; and collections of both.

use super::{
    moment::{Date, DateTime, Time},
    quantity::Quantity,
    types::{FhirType, SystemType, TypeTest},
};
use crate::{
    ResourceType, Value,
    decimal::Decimal,
    definitions::table::{Element, Node as Shape, Primitive, tables},
};
use std::{borrow::Cow, rc::Rc};

/// One member of a collection.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    /// A part of a resource.
    Node(Node<'a>),
    /// `System.Boolean`
    Boolean(bool),
    /// `System.String`
    String(Cow<'a, str>),
    /// `System.Integer`
    Integer(i64),
    /// `System.Decimal`
    Decimal(Decimal),
    /// `System.Date`
    Date(Date),
    /// `System.DateTime`
    DateTime(DateTime),
    /// `System.Time`
    Time(Time),
    /// `System.Quantity`
    Quantity(Quantity<'a>),
    /// What `type()` answers: namespace and name.
    Type(&'static str, &'static str),
}

/// A part of a resource with its type: its value, and for a primitive also the object that holds its id and extensions.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    pub(crate) value: Option<&'a Value>,
    pub(crate) extra: Option<&'a Value>,
    pub(crate) of: FhirType,
}

/// A collection. Most hold one item or none, and those cost no allocation.
#[derive(Clone, Debug, Default)]
pub(crate) enum Found<'a> {
    #[default]
    None,
    One(Item<'a>),
    Many(Vec<Item<'a>>),
    /// Kept elsewhere too: cheap to hand on.
    Shared(Rc<Vec<Item<'a>>>),
}

impl<'a> Item<'a> {
    /// A resource, its type taken from `resourceType`.
    pub fn resource(value: &'a Value) -> Item<'a> {
        Item::Node(Node::of_resource(value))
    }
    /// An element of that type or path (`HumanName`, `Patient.contact`, `string`), with the object of its id and
    /// extensions when it is a primitive (`_given` beside `given`). `None` when R4 has no such type.
    pub fn element(
        value: Option<&'a Value>,
        extra: Option<&'a Value>,
        type_or_path: &str,
    ) -> Option<Item<'a>> {
        let of = FhirType::from_name(type_or_path)?;
        Some(Item::Node(Node { value, extra, of }))
    }
    /// The JSON it is, when it is a part of a resource that has a value.
    pub fn value(&self) -> Option<&'a Value> {
        match self {
            Item::Node(node) => node.value,
            _ => None,
        }
    }
    /// Namespace and name of its type: `FHIR`, `HumanName`.
    pub fn type_name(&self) -> (&'static str, &'static str) {
        match (self, self.system_type()) {
            (Item::Node(node), _) => ("FHIR", node.of.name()),
            (_, Some(of)) => ("System", of.name()),
            _ => ("System", "TypeInfo"),
        }
    }
    /// Its truth, when it is a boolean of either kind.
    pub fn as_bool(&self) -> Option<bool> {
        match self.computed() {
            Some(Item::Boolean(truth)) => Some(truth),
            _ => None,
        }
    }
    /// What `toString()` gives.
    pub fn text(&self) -> Option<Cow<'a, str>> {
        Some(match self.computed()? {
            Item::String(text) => text,
            Item::Boolean(truth) => Cow::Borrowed(if truth { "true" } else { "false" }),
            Item::Integer(number) => Cow::Owned(number.to_string()),
            Item::Decimal(number) => Cow::Owned(number.to_string()),
            Item::Date(date) => Cow::Owned(date.to_string()),
            Item::DateTime(at) => Cow::Owned(at.to_string()),
            Item::Time(time) => Cow::Owned(time.to_string()),
            Item::Quantity(quantity) => Cow::Owned(quantity.to_string()),
            Item::Node(_) | Item::Type(..) => return None,
        })
    }

    pub(crate) fn borrowed(text: &'a str) -> Item<'a> {
        Item::String(Cow::Borrowed(text))
    }
    fn system_type(&self) -> Option<SystemType> {
        Some(match self {
            Item::Boolean(_) => SystemType::Boolean,
            Item::String(_) => SystemType::String,
            Item::Integer(_) => SystemType::Integer,
            Item::Decimal(_) => SystemType::Decimal,
            Item::Date(_) => SystemType::Date,
            Item::DateTime(_) => SystemType::DateTime,
            Item::Time(_) => SystemType::Time,
            Item::Quantity(_) => SystemType::Quantity,
            Item::Node(_) | Item::Type(..) => return None,
        })
    }
    /// The value FHIRPath computes with: a primitive node's, a FHIR Quantity's, or itself. `None` for other nodes and
    /// for primitives without a value.
    pub(crate) fn computed(&self) -> Option<Item<'a>> {
        match self {
            Item::Node(node) => node.computed(),
            other => Some(other.clone()),
        }
    }
    /// Whether its type has a value to compute with and it has none: a primitive with nothing but extensions, a quantity
    /// with a comparator.
    pub(crate) fn lacks_value(&self) -> bool {
        match self {
            Item::Node(node) => {
                let quantity = FhirType::Node(tables().special.quantity);
                (node.is_primitive() || node.of.is(quantity)) && node.computed().is_none()
            }
            _ => false,
        }
    }
    /// Whether it is of that type or a specialisation.
    pub(crate) fn is(&self, test: &TypeTest) -> bool {
        match self {
            _ if test.any => true,
            Item::Node(node) => test.fhir.is_some_and(|wanted| node.of.is(wanted)),
            other => test.system.is_some() && other.system_type() == test.system,
        }
    }
    /// Whether `as` and `ofType` keep it: primitives must be exactly of the type, since a code is not handed on as a
    /// string; other types may be specialised.
    pub(crate) fn kept_as(&self, test: &TypeTest) -> bool {
        match (self, test.fhir) {
            (Item::Node(node), Some(wanted @ FhirType::Primitive(_))) => node.of == wanted,
            _ => self.is(test),
        }
    }
}

impl<'a> Node<'a> {
    pub(crate) fn of_resource(value: &'a Value) -> Node<'a> {
        let of = value
            .text("resourceType")
            .filter(|name| ResourceType::from_name(name).is_some())
            .and_then(FhirType::from_name)
            .unwrap_or(FhirType::Unknown);
        Node {
            value: Some(value),
            extra: None,
            of,
        }
    }
    /// The elements it can have.
    pub(crate) fn shape(&self) -> Option<&'static Shape> {
        match self.of {
            FhirType::Node(at) => tables().node(at),
            FhirType::Primitive(_) => tables().node(tables().special.element),
            FhirType::Unknown => None,
        }
    }
    /// The object that holds its members.
    fn members(&self) -> Option<&'a crate::Object> {
        match self.of {
            FhirType::Primitive(_) => self.extra?.as_object(),
            _ => self.value?.as_object(),
        }
    }
    /// Its JSON; `None` for a primitive that has nothing but extensions.
    pub fn value(&self) -> Option<&'a Value> {
        self.value
    }
    /// The object of a primitive's id and extensions.
    pub fn extra(&self) -> Option<&'a Value> {
        self.extra
    }
    /// Its element spelled as in JSON (`valueQuantity`), in a list the one at that place.
    pub(crate) fn child(&self, name: &str, at: Option<usize>) -> Option<Node<'a>> {
        let bare = name.strip_prefix('_').unwrap_or(name);
        let of = FhirType::of(self.shape()?.element(bare)?.kind);
        let found = self.members()?.get(name)?;
        let found = match at {
            Some(at) => found.items().get(at)?,
            None => found,
        };
        Some(match bare.len() == name.len() {
            true => Node::typed(Some(found), None, of),
            false => Node {
                value: None,
                extra: Some(found),
                of,
            },
        })
    }
    /// The elements of what an element holds; `None` for primitives.
    pub(crate) fn shape_of(element: &Element) -> Option<&'static Shape> {
        match FhirType::of(element.kind) {
            FhirType::Node(at) => tables().node(at),
            _ => None,
        }
    }
    /// Whether it is a primitive.
    pub(crate) fn is_primitive(&self) -> bool {
        matches!(self.of, FhirType::Primitive(_))
    }

    /// What FHIRPath computes with.
    pub(crate) fn computed(&self) -> Option<Item<'a>> {
        let of = match self.of {
            FhirType::Primitive(of) => of,
            _ => return Quantity::of_fhir(self).map(Item::Quantity),
        };
        let value = self.value?;
        match (of, value) {
            (Primitive::Boolean, Value::Bool(truth)) => Some(Item::Boolean(*truth)),
            (Primitive::Decimal, Value::Number(digits)) => Decimal::read(digits).map(Item::Decimal),
            (
                Primitive::Integer | Primitive::PositiveInt | Primitive::UnsignedInt,
                Value::Number(digits),
            ) => match digits.parse() {
                Ok(whole) => Some(Item::Integer(whole)),
                Err(_) => Decimal::read(digits)?.to_i64().map(Item::Integer),
            },
            (Primitive::Date, Value::String(text)) => Date::read(text).map(Item::Date),
            (Primitive::DateTime | Primitive::Instant, Value::String(text)) => {
                DateTime::read(text).map(Item::DateTime)
            }
            (Primitive::Time, Value::String(text)) => Time::read(text).map(Item::Time),
            (
                Primitive::Boolean
                | Primitive::Decimal
                | Primitive::Integer
                | Primitive::PositiveInt
                | Primitive::UnsignedInt,
                _,
            ) => None,
            (_, Value::String(text)) => Some(Item::borrowed(text)),
            _ => None,
        }
    }

    /// Its children of that name, whatever the type spelled into a choice's name.
    pub(crate) fn member(&self, name: &str, into: &mut Found<'a>) {
        let (Some(shape), Some(members)) = (self.shape(), self.members()) else {
            return;
        };
        if let Some(element) = shape.element(name) {
            if !shape.is_choice(element.slot) {
                self.element(element, into);
            }
            return;
        }
        let Some(slot) = shape.choice(name) else {
            return;
        };
        let spelled = members.iter().find_map(|(key, _)| {
            let bare = key.strip_prefix('_').unwrap_or(key);
            bare.starts_with(name)
                .then(|| shape.element(bare))
                .flatten()
                .filter(|e| e.slot == slot)
        });
        if let Some(element) = spelled {
            self.element(element, into);
        }
    }

    /// What it holds in one element, spelled as in JSON.
    fn element(&self, element: &Element, into: &mut Found<'a>) {
        let Some(members) = self.members() else {
            return;
        };
        let of = FhirType::of(element.kind);
        let value = members.get(element.name);
        if !matches!(of, FhirType::Primitive(_)) {
            match value {
                Some(Value::Array(items)) => {
                    for item in items {
                        into.push(Item::Node(Node::typed(Some(item), None, of)));
                    }
                }
                Some(Value::Null) | None => {}
                Some(item) => into.push(Item::Node(Node::typed(Some(item), None, of))),
            }
            return;
        }
        // Names of siblings are short: no allocation.
        let extra = with_underscore(element.name, |name| members.get(name));
        match (value, extra) {
            (None, None) => {}
            (Some(Value::Array(values)), extra) => {
                let extras = extra.map_or(&[][..], Value::items);
                for at in 0..values.len().max(extras.len()) {
                    into.push_primitive(values.get(at), extras.get(at), of);
                }
            }
            (None, Some(Value::Array(extras))) => {
                for extra in extras {
                    into.push_primitive(None, Some(extra), of);
                }
            }
            (value, extra) => into.push_primitive(value, extra, of),
        }
    }

    /// A node whose type a resource's own `resourceType` may narrow.
    fn typed(value: Option<&'a Value>, extra: Option<&'a Value>, of: FhirType) -> Node<'a> {
        match value {
            Some(value) if of == FhirType::of(crate::definitions::table::Kind::Resource) => {
                Node::of_resource(value)
            }
            _ => Node { value, extra, of },
        }
    }

    /// All its children, in the order they are written.
    pub(crate) fn children(&self, into: &mut Found<'a>) {
        let (Some(shape), Some(members)) = (self.shape(), self.members()) else {
            return;
        };
        for (key, _) in members.iter() {
            let bare = key.strip_prefix('_').unwrap_or(key);
            if bare.len() != key.len() && members.get(bare).is_some() {
                continue;
            }
            if let Some(element) = shape.element(bare) {
                self.element(element, into);
            }
        }
    }

    /// Its extensions with that URL.
    pub(crate) fn extensions(&self, url: &str, into: &mut Found<'a>) {
        let extensions = self
            .members()
            .and_then(|members| members.get("extension"))
            .map_or(&[][..], Value::items);
        for extension in extensions {
            if extension.text("url") == Some(url) {
                into.push(Item::Node(Node {
                    value: Some(extension),
                    extra: None,
                    of: FhirType::Node(tables().special.extension),
                }));
            }
        }
    }
}

/// Gives `_name` to a look-up without allocating for the names that FHIR has.
fn with_underscore<T>(name: &str, look: impl FnOnce(&str) -> T) -> T {
    let mut room = [b'_'; 64];
    match room.get_mut(1..=name.len()) {
        Some(rest) => {
            rest.copy_from_slice(name.as_bytes());
            look(
                room.get(..=name.len())
                    .and_then(|bytes| std::str::from_utf8(bytes).ok())
                    .unwrap_or_default(),
            )
        }
        None => look(&format!("_{name}")),
    }
}

impl<'a> Found<'a> {
    pub(crate) fn push(&mut self, item: Item<'a>) {
        *self = match std::mem::take(self) {
            Found::None => Found::One(item),
            Found::One(first) => Found::Many(vec![first, item]),
            Found::Many(mut items) => {
                items.push(item);
                Found::Many(items)
            }
            Found::Shared(items) => {
                let mut items = Rc::unwrap_or_clone(items);
                items.push(item);
                Found::Many(items)
            }
        };
    }
    fn push_primitive(&mut self, value: Option<&'a Value>, extra: Option<&'a Value>, of: FhirType) {
        let there = |v: &&Value| **v != Value::Null;
        let (value, extra) = (value.filter(there), extra.filter(there));
        if value.is_some() || extra.is_some() {
            self.push(Item::Node(Node { value, extra, of }));
        }
    }
    pub(crate) fn append(&mut self, other: Found<'a>) {
        match other {
            Found::None => {}
            Found::One(item) => self.push(item),
            Found::Many(items) if self.is_empty() => *self = Found::Many(items),
            Found::Shared(items) if self.is_empty() => *self = Found::Shared(items),
            other => other
                .into_vec()
                .into_iter()
                .for_each(|item| self.push(item)),
        }
    }
    /// The same, cheap to clone.
    pub(crate) fn shared(self) -> Found<'a> {
        match self {
            Found::Many(items) => Found::Shared(Rc::new(items)),
            few => few,
        }
    }
    pub(crate) fn items(&self) -> &[Item<'a>] {
        match self {
            Found::None => &[],
            Found::One(item) => std::slice::from_ref(item),
            Found::Many(items) => items,
            Found::Shared(items) => items,
        }
    }
    pub(crate) fn len(&self) -> usize {
        self.items().len()
    }
    pub(crate) fn is_empty(&self) -> bool {
        self.items().is_empty()
    }
    pub(crate) fn into_vec(self) -> Vec<Item<'a>> {
        match self {
            Found::None => Vec::new(),
            Found::One(item) => vec![item],
            Found::Many(items) => items,
            Found::Shared(items) => Rc::unwrap_or_clone(items),
        }
    }
    pub(crate) fn truth(truth: bool) -> Found<'a> {
        Found::One(Item::Boolean(truth))
    }
    pub(crate) fn whole(number: usize) -> Found<'a> {
        Found::One(Item::Integer(i64::try_from(number).unwrap_or(i64::MAX)))
    }
}

impl<'a> From<Option<Item<'a>>> for Found<'a> {
    fn from(item: Option<Item<'a>>) -> Found<'a> {
        item.map_or(Found::None, Found::One)
    }
}
impl<'a> From<Vec<Item<'a>>> for Found<'a> {
    fn from(mut items: Vec<Item<'a>>) -> Found<'a> {
        match items.len() {
            0 => Found::None,
            1 => items.pop().into(),
            _ => Found::Many(items),
        }
    }
}
impl<'a> FromIterator<Item<'a>> for Found<'a> {
    fn from_iter<T: IntoIterator<Item = Item<'a>>>(items: T) -> Found<'a> {
        let mut found = Found::None;
        items.into_iter().for_each(|item| found.push(item));
        found
    }
}
