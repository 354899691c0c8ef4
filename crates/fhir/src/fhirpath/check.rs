//! What an expression can find, told from the definitions without a resource: so that a misspelt element in a profile or
//! a patch is an error and not an empty answer.
//!
//! In doubt nothing is said: what comes out of `resolve()`, of variables or of abstract types may be anything.

use super::{
    Fault, PathError,
    tree::{Call, Expr, Function as F, Literal, Operator, Step},
    types::{FhirType, SystemType, TypeTest},
};

/// The types that the items of a collection can have.
#[derive(Clone, Debug)]
struct Kinds {
    /// `None` when they may be anything.
    types: Option<Vec<Kind>>,
    /// Whether the items have an order that means something.
    ordered: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Fhir(FhirType),
    System(SystemType),
}

type Inferred = Result<Kinds, PathError>;

/// Most types that are followed; beyond, it may be anything.
const MOST_TYPES: usize = 100;

pub(super) fn check(tree: &Expr, focus: FhirType) -> Result<(), PathError> {
    let focus = Kinds::of(vec![Kind::Fhir(focus)]);
    infer(tree, &focus).map(drop)
}

fn semantic<T>(reason: String, at: u32) -> Result<T, PathError> {
    let mut error = PathError::new(Fault::Semantic, reason);
    error.at = Some(at as usize);
    Err(error)
}

impl Kinds {
    fn of(types: Vec<Kind>) -> Kinds {
        Kinds {
            types: (types.len() <= MOST_TYPES).then_some(types),
            ordered: true,
        }
    }
    fn any() -> Kinds {
        Kinds {
            types: None,
            ordered: true,
        }
    }
    fn system(of: SystemType) -> Kinds {
        Kinds::of(vec![Kind::System(of)])
    }
    fn tested(test: &TypeTest) -> Kinds {
        let fhir = test.fhir.map(Kind::Fhir);
        Kinds::of(
            fhir.into_iter()
                .chain(test.system.map(Kind::System))
                .collect(),
        )
    }
    fn with(mut self, other: Kinds) -> Kinds {
        self.ordered &= other.ordered;
        match (&mut self.types, other.types) {
            (Some(types), Some(more)) => {
                for kind in more {
                    if !types.contains(&kind) {
                        types.push(kind);
                    }
                }
            }
            (types, _) => *types = None,
        }
        self
    }
    /// Whether it is known that no item is a boolean.
    fn never_boolean(&self) -> bool {
        let boolean = FhirType::from_name("boolean");
        self.types.as_ref().is_some_and(|types| {
            !types.is_empty()
                && types.iter().all(|kind| match kind {
                    Kind::Fhir(of) => Some(*of) != boolean,
                    Kind::System(of) => *of != SystemType::Boolean,
                })
        })
    }
    fn names(&self) -> String {
        let name = |kind: &Kind| match kind {
            Kind::Fhir(of) => of.path(),
            Kind::System(of) => of.name(),
        };
        let names: Vec<&str> = self.types.iter().flatten().map(name).collect();
        names.join(", ")
    }
}

/// The elements of that name of one type: `None` when it may have any.
fn element(of: FhirType, name: &str) -> Option<Vec<Kind>> {
    // Something more special may stand where an abstract type is named.
    let open = ["Resource", "DomainResource", "Element", "BackboneElement"];
    let found = of.elements_named(name);
    match of {
        FhirType::Unknown => None,
        _ if found.is_empty() && open.contains(&of.path()) => None,
        _ => Some(found.into_iter().map(Kind::Fhir).collect()),
    }
}

fn member(name: &str, from: &Kinds, at_root: bool) -> Inferred {
    let Some(types) = &from.types else {
        return Ok(Kinds::any());
    };
    if at_root && let Some(named) = FhirType::from_name(name) {
        let is = |kind: &Kind| matches!(kind, Kind::Fhir(of) if of.is(named) || named.is(*of));
        if types.iter().any(is) {
            return Ok(Kinds::of(vec![Kind::Fhir(named)]));
        }
    }
    let mut found = Kinds::of(Vec::new());
    for kind in types {
        let of = match kind {
            Kind::Fhir(of) => element(*of, name),
            Kind::System(_) => None,
        };
        found = found.with(of.map_or(Kinds::any(), Kinds::of));
    }
    match &found.types {
        Some(none) if none.is_empty() && !types.is_empty() => Err(PathError::new(
            Fault::Semantic,
            format!("there is no element `{name}` in {}", from.names()),
        )),
        _ => Ok(found),
    }
}

fn infer(expr: &Expr, this: &Kinds) -> Inferred {
    Ok(match expr {
        Expr::Literal(literal) => Kinds::system(match literal {
            Literal::Boolean(_) => SystemType::Boolean,
            Literal::String(_) => SystemType::String,
            Literal::Integer(_) => SystemType::Integer,
            Literal::Decimal(_) => SystemType::Decimal,
            Literal::Date(_) => SystemType::Date,
            Literal::DateTime(_) => SystemType::DateTime,
            Literal::Time(_) => SystemType::Time,
            Literal::Quantity(_) => SystemType::Quantity,
        }),
        Expr::Empty => Kinds::of(Vec::new()),
        Expr::This => this.clone(),
        Expr::Index => Kinds::system(SystemType::Integer),
        Expr::Total | Expr::Variable(..) => Kinds::any(),
        Expr::Negate(of, _) | Expr::Plus(of, _) | Expr::Fixed(of, _) => infer(of, this)?,
        Expr::Is(of, ..) => {
            infer(of, this)?;
            Kinds::system(SystemType::Boolean)
        }
        Expr::As(of, test, _) => {
            infer(of, this)?;
            Kinds::tested(test)
        }
        Expr::Chain(first, rest) => {
            let mut left = infer(first, this)?;
            for (operator, right, _) in rest {
                let right = infer(right, this)?;
                left = match operator {
                    Operator::Union => left.with(right),
                    _ if operator.rank() <= 6 => Kinds::system(SystemType::Boolean),
                    Operator::Concatenate => Kinds::system(SystemType::String),
                    _ => Kinds::any(),
                };
            }
            left
        }
        Expr::Path(start, steps) => {
            let mut now = match start {
                Some(start) => infer(start, this)?,
                None => this.clone(),
            };
            for (at, step) in steps.iter().enumerate() {
                now = match step {
                    Step::Member(name) => member(name, &now, at == 0 && start.is_none())?,
                    Step::At(index, at) => {
                        infer(index, this)?;
                        in_order(&now, "[]", *at)?;
                        now
                    }
                    Step::Call(call) => called(call, now, this)?,
                };
            }
            now
        }
    })
}

fn in_order(kinds: &Kinds, what: &str, at: u32) -> Result<(), PathError> {
    match kinds.ordered {
        true => Ok(()),
        false => semantic(
            format!("`{what}` asks for an order, and children have none"),
            at,
        ),
    }
}

fn called(call: &Call, input: Kinds, this: &Kinds) -> Inferred {
    let argument = |at: usize, on: &Kinds| match call.arguments.get(at) {
        Some(argument) => infer(argument, on),
        None => Ok(Kinds::of(Vec::new())),
    };
    let condition = |at: usize, on: &Kinds| {
        let kinds = argument(at, on)?;
        match kinds.never_boolean() && call.function == F::Iif {
            true => semantic("the condition of `iif` is never a boolean".into(), call.at),
            false => Ok(()),
        }
    };
    Ok(match call.function {
        F::Where | F::All | F::Exists | F::Sort | F::Trace => {
            for at in 0..call.arguments.len() {
                condition(at, &input)?;
            }
            match call.function {
                F::All | F::Exists => Kinds::system(SystemType::Boolean),
                F::Sort => Kinds {
                    ordered: true,
                    ..input
                },
                _ => input,
            }
        }
        F::Select => Kinds {
            ordered: input.ordered,
            ..argument(0, &input)?
        },
        F::Repeat => {
            let first = argument(0, &input)?;
            let next = argument(0, &first).unwrap_or_else(|_| Kinds::any());
            first.with(next)
        }
        F::Iif => {
            condition(0, &input)?;
            argument(1, &input)?.with(argument(2, &input)?)
        }
        F::Union | F::Combine => input.with(argument(0, this)?),
        F::OfType | F::As => match &call.test {
            Some(test) => Kinds {
                ordered: input.ordered,
                ..Kinds::tested(test)
            },
            None => input,
        },
        F::First | F::Last | F::Tail | F::Skip | F::Take => {
            argument(0, this)?;
            in_order(&input, call.function.name(), call.at)?;
            input
        }
        F::Distinct
        | F::Intersect
        | F::Exclude
        | F::Single
        | F::CheckModifiers
        | F::DefineVariable => {
            argument(0, this)?;
            input
        }
        F::Children | F::Descendants => Kinds {
            types: None,
            ordered: false,
        },
        F::Extension => FhirType::from_name("Extension")
            .map_or_else(Kinds::any, |of| Kinds::of(vec![Kind::Fhir(of)])),
        F::Empty
        | F::Not
        | F::AllTrue
        | F::AnyTrue
        | F::AllFalse
        | F::AnyFalse
        | F::IsDistinct
        | F::Is
        | F::HasValue
        | F::ConvertsToBoolean
        | F::ConvertsToString
        | F::HtmlChecks => Kinds::system(SystemType::Boolean),
        F::Count | F::Length | F::IndexOf | F::ToInteger => Kinds::system(SystemType::Integer),
        _ => Kinds::any(),
    })
}
