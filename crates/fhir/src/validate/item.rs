//! What stands at a place of a resource: a value with its type, and the elements below it.

use crate::{
    Object, ResourceType, Value,
    definitions::table::{Element, Kind, Node, Primitive, Tables},
    fhirpath,
};

/// A value of an element (or a resource), with what R4 says of it.
#[derive(Clone, Copy)]
pub(super) struct Item<'v> {
    /// Absent when only the id or extensions of a primitive are there.
    pub(super) value: Option<&'v Value>,
    /// The id and extensions of a primitive, an object.
    pub(super) extra: Option<&'v Object>,
    /// The same, as the value it is.
    pub(super) extra_value: Option<&'v Value>,
    /// `Patient`, `Quantity`, `code`, `BackboneElement`.
    pub(super) of: &'static str,
    /// The node of an object.
    pub(super) node: Option<u16>,
}

/// An item below another, and by which member it is reached.
pub(super) struct Found<'v> {
    pub(super) item: Item<'v>,
    pub(super) element: &'static Element,
    pub(super) index: Option<usize>,
}

impl<'v> Item<'v> {
    /// A resource; `None` when it is none that R4 has.
    pub(super) fn resource(value: &'v Value, tables: &'static Tables) -> Option<Item<'v>> {
        let of = ResourceType::from_name(value.get("resourceType")?.as_str()?)?;
        Some(Item {
            value: Some(value),
            extra: None,
            extra_value: None,
            of: of.name(),
            node: tables.place_of(of.name()),
        })
    }

    /// What an expression found, when it is a part of a resource.
    pub(super) fn of_path(item: &fhirpath::Item<'v>, tables: &'static Tables) -> Option<Item<'v>> {
        let value = item.value()?;
        let (_, name) = item.type_name();
        if let Some(resource) = Item::resource(value, tables) {
            return Some(resource);
        }
        let node = tables.place_of(name);
        let of = match node.and_then(|at| tables.node(at)) {
            Some(node) => node.path,
            None => Primitive::from_name(name)?.name(),
        };
        Some(Item {
            value: Some(value),
            extra: None,
            extra_value: None,
            of,
            node,
        })
    }

    /// Its members, when it is an object.
    pub(super) fn object(&self) -> Option<&'v Object> {
        self.value.and_then(Value::as_object)
    }

    /// A member's text.
    pub(super) fn text(&self, name: &str) -> Option<&'v str> {
        self.object()?.get(name)?.as_str()
    }

    pub(super) fn as_str(&self) -> Option<&'v str> {
        self.value.and_then(Value::as_str)
    }

    pub(super) fn definition(&self, tables: &'static Tables) -> Option<&'static Node> {
        tables.node(self.node?)
    }

    /// The items of the element of that name; `value` and `value[x]` give those of every type, `valueQuantity` of one.
    pub(super) fn below(&self, name: &str, tables: &'static Tables) -> Vec<Found<'v>> {
        let mut out = Vec::new();
        if let Some(extra) = self.extra {
            // A primitive's own elements: its id and extensions.
            if let Some(element) = tables
                .node(tables.special.element)
                .and_then(|node| node.element(name))
            {
                members(extra, element, tables, &mut out);
            }
        }
        let (Some(object), Some(node)) = (self.object(), self.definition(tables)) else {
            return out;
        };
        if let Some(element) = node.element(name) {
            members(object, element, tables, &mut out);
            return out;
        }
        let stem = name.trim_end_matches("[x]");
        let slot = node
            .slots
            .iter()
            .position(|slot| slot.strip_suffix("[x]") == Some(stem));
        let Some(slot) = slot else { return out };
        for element in node.elements() {
            if usize::from(element.slot) == slot {
                members(object, element, tables, &mut out);
            }
        }
        out
    }
}

/// The items that an object has of an element.
pub(super) fn members<'v>(
    object: &'v Object,
    element: &'static Element,
    tables: &'static Tables,
    out: &mut Vec<Found<'v>>,
) {
    let value = object.get(element.name);
    let extra = match element.kind {
        Kind::Primitive(_) => object.get(&format!("_{}", element.name)),
        _ => None,
    };
    if !element.many {
        if let Some(item) = item(element, value, extra, tables) {
            let index = None;
            out.push(Found {
                item,
                element,
                index,
            });
        }
        return;
    }
    let (values, extras) = (
        value.map_or(&[][..], Value::items),
        extra.map_or(&[][..], Value::items),
    );
    for i in 0..values.len().max(extras.len()) {
        if let Some(item) = item(element, values.get(i), extras.get(i), tables) {
            let index = Some(i);
            out.push(Found {
                item,
                element,
                index,
            });
        }
    }
}

fn item<'v>(
    element: &Element,
    value: Option<&'v Value>,
    extra: Option<&'v Value>,
    tables: &'static Tables,
) -> Option<Item<'v>> {
    let value = value.filter(|v| **v != Value::Null);
    let extra_value = extra.filter(|e| e.as_object().is_some());
    let extra = extra.and_then(Value::as_object);
    match element.kind {
        Kind::Primitive(of) => (value.is_some() || extra.is_some()).then(|| Item {
            value,
            extra,
            extra_value,
            of: of.name(),
            node: None,
        }),
        Kind::Resource => Item::resource(value?, tables),
        Kind::Object(node) => {
            value?.as_object()?;
            let path = tables.node(node)?.path;
            let of = if path.contains('.') {
                "BackboneElement"
            } else {
                path
            };
            Some(Item {
                value,
                extra: None,
                extra_value: None,
                of,
                node: Some(node),
            })
        }
    }
}
