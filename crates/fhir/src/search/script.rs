//! Expressions of parameters that are loaded at run time, run by the whole FHIRPath engine. A bare `code` they find has
//! no system.
//!
//! `resolve()` finds a resource that has its type and id and nothing else, so that `resolve() is Patient` is answered
//! without looking anywhere. An expression that fails on a resource finds nothing in it.
//!
//! Cost: that of the engine, some microseconds for a path; at most [`STEPS`] steps for one parameter of one resource.

use super::{Entry, SearchParameter, entries::index, program::Leaf, program::tuples};
use crate::{
    Value,
    fhirpath::{Context, Expression, Item, Limits},
    obj,
};

/// Steps of the engine for one parameter of one resource.
const STEPS: u64 = 50_000;

/// A parameter's expression, and those of its components.
pub(super) struct Script {
    leaf: Leaf,
    expression: Expression,
    parts: Vec<Script>,
}

impl Script {
    /// Reads the expression of a parameter of a type; an error says what is wrong with it.
    pub(super) fn read(of: &str, parameter: &'static SearchParameter) -> Result<Script, String> {
        let script = Script::read_part(parameter)?;
        script
            .expression
            .check(of)
            .map_err(|error| error.to_string())?;
        Ok(script)
    }

    fn read_part(parameter: &'static SearchParameter) -> Result<Script, String> {
        let parts = parameter.components.iter().map(Script::read_part);
        Ok(Script {
            leaf: Leaf {
                parameter,
                system: "",
            },
            expression: Expression::parse(parameter.expression)
                .map_err(|error| error.to_string())?,
            parts: parts.collect::<Result<_, _>>()?,
        })
    }

    /// Appends what it finds in a resource.
    pub(super) fn run(&self, resource: &Value, out: &mut Vec<Entry>) {
        let context = Context::new(resource).resolve(&named).limits(Limits {
            steps: STEPS,
            items: 10_000,
            text: 100_000,
        });
        for item in self.find(Item::resource(resource), &context) {
            if self.parts.is_empty() {
                self.take(&item, out);
                continue;
            }
            let columns = self.parts.iter().map(|part| {
                let mut found = Vec::new();
                for item in part.find(item.clone(), &context) {
                    part.take(&item, &mut found);
                }
                found
            });
            tuples(self.leaf.parameter.number, columns.collect(), out);
        }
    }

    fn find<'a>(&'a self, focus: Item<'a>, context: &'a Context<'a>) -> Vec<Item<'a>> {
        self.expression.evaluate(focus, context).unwrap_or_default()
    }

    fn take(&self, item: &Item<'_>, out: &mut Vec<Entry>) {
        match (item.value(), item) {
            (Some(value), _) => index(self.leaf, value, out),
            (None, Item::Boolean(truth)) => index(self.leaf, &Value::Bool(*truth), out),
            (None, Item::Integer(_) | Item::Decimal(_)) => {
                if let Some(digits) = item.text() {
                    index(self.leaf, &Value::decimal(digits), out);
                }
            }
            (None, item) => {
                if let Some(text) = item.text() {
                    index(self.leaf, &Value::String(text.into_owned()), out);
                }
            }
        }
    }
}

/// What stands behind a reference, as far as its text says.
fn named(reference: &str) -> Option<Value> {
    let bare = reference.split("/_history/").next()?;
    let (rest, id) = bare.rsplit_once('/')?;
    let of = rest.rsplit('/').next()?;
    let of = crate::ResourceType::from_name(of)?;
    Some(obj! { "resourceType" => of.name(), "id" => id })
}
