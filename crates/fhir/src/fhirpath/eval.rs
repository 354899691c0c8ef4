//! Walking an expression over a resource.

use super::{
    Context, Fault, PathError, compare,
    functions::call,
    item::{Found, Item},
    tree::{Expr, Function, Literal, Operator, Step},
};
use std::{
    borrow::Cow,
    cell::{Cell, RefCell},
    cmp::Ordering,
    fmt,
};

pub(crate) type Outcome<'a> = Result<Found<'a>, PathError>;

/// One evaluation.
pub(crate) struct Run<'a> {
    pub(crate) context: &'a Context<'a>,
    focus: Item<'a>,
    /// Whether `as()` takes several items and keeps those of the type.
    pub(crate) as_filters: bool,
    /// What the parts gave that are worked out once.
    fixed: RefCell<Vec<Option<Found<'a>>>>,
    steps: Cell<u64>,
}

/// What names mean at one place of the expression.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'s, 'a> {
    /// `$this`
    pub(crate) this: &'s Found<'a>,
    /// `$index`
    pub(crate) index: Option<usize>,
    /// `$total`
    pub(crate) total: Option<&'s Found<'a>>,
    pub(crate) variables: Option<&'s Variable<'s, 'a>>,
}

/// What `defineVariable` defined, the latest first.
pub(crate) struct Variable<'s, 'a> {
    name: Cow<'a, str>,
    value: Found<'a>,
    before: Option<&'s Variable<'s, 'a>>,
}

impl<'s, 'a> Scope<'s, 'a> {
    /// The same with another `$this`.
    pub(crate) fn with<'t>(&'t self, this: &'t Found<'a>, index: Option<usize>) -> Scope<'t, 'a>
    where
        's: 't,
    {
        Scope {
            this,
            index: index.or(self.index),
            total: self.total,
            variables: self.variables,
        }
    }
}

pub(crate) fn run<'a>(
    tree: &'a Expr,
    focus: Item<'a>,
    context: &'a Context<'a>,
    as_filters: bool,
    fixed: Vec<Option<Found<'a>>>,
) -> Outcome<'a> {
    let run = Run {
        context,
        focus: focus.clone(),
        as_filters,
        fixed: RefCell::new(fixed),
        steps: Cell::new(0),
    };
    let scope = Scope {
        this: &Found::One(focus),
        index: None,
        total: None,
        variables: None,
    };
    run.eval(tree, &scope)
}

fn placed(at: u32) -> impl Fn(PathError) -> PathError {
    move |mut error| {
        error.at.get_or_insert(at as usize);
        error
    }
}

/// The one item of a collection, none, or an error.
pub(crate) fn single<'f, 'a>(
    found: &'f Found<'a>,
    what: impl fmt::Display,
) -> Result<Option<&'f Item<'a>>, PathError> {
    match found.items() {
        [] => Ok(None),
        [one] => Ok(Some(one)),
        many => Err(PathError::execution(format!(
            "{what} must be a single item; there are {}",
            many.len()
        ))),
    }
}

/// The truth of a collection: a single item that is no boolean counts as true.
pub(crate) fn truth(found: &Found<'_>, what: impl fmt::Display) -> Result<Option<bool>, PathError> {
    let item = single(found, what)?;
    Ok(item.map(|item| item.as_bool().unwrap_or(true)))
}

impl<'a> Run<'a> {
    /// Counts work; an error when there was too much.
    pub(crate) fn tick(&self, count: usize) -> Result<(), PathError> {
        let steps = self.steps.get().saturating_add(count as u64);
        self.steps.set(steps);
        let most = self.context.limits.steps;
        if steps > most {
            let reason = format!("the expression takes more than {most} steps on this resource");
            return Err(PathError::new(Fault::Limit, reason));
        }
        Ok(())
    }
    /// Counts the items of a collection.
    pub(crate) fn bounded(&self, found: Found<'a>) -> Outcome<'a> {
        self.tick(found.len())?;
        let most = self.context.limits.items;
        if found.len() > most {
            let reason = format!(
                "a collection has {} items; the limit is {most}",
                found.len()
            );
            return Err(PathError::new(Fault::Limit, reason));
        }
        Ok(found)
    }

    pub(crate) fn eval(&self, expr: &'a Expr, scope: &Scope<'_, 'a>) -> Outcome<'a> {
        self.tick(1)?;
        match expr {
            Expr::Literal(literal) => Ok(Found::One(item_of(literal))),
            Expr::Empty => Ok(Found::None),
            Expr::This => Ok(scope.this.clone()),
            Expr::Index => Ok(scope.index.map_or(Found::None, Found::whole)),
            Expr::Total => Ok(scope.total.cloned().unwrap_or_default()),
            Expr::Variable(name, at) => self.variable(name, scope).map_err(placed(*at)),
            Expr::Path(start, steps) => self.path(start.as_deref(), steps, scope),
            Expr::Negate(of, at) => {
                let found = self.eval(of, scope)?;
                negated(&found).map_err(placed(*at))
            }
            Expr::Plus(of, at) => {
                let found = self.eval(of, scope)?;
                negated(&found).map_err(placed(*at))?;
                Ok(found)
            }
            Expr::Chain(first, rest) => {
                let mut left = self.eval(first, scope)?;
                for (operator, right, at) in rest {
                    left = self
                        .operate(*operator, left, right, scope)
                        .map_err(placed(*at))?;
                }
                Ok(left)
            }
            Expr::Fixed(of, slot) => {
                if let Some(Some(kept)) = self.fixed.borrow().get(*slot) {
                    return Ok(kept.clone());
                }
                let found = self.eval(of, scope)?.shared();
                if let Some(slot) = self.fixed.borrow_mut().get_mut(*slot) {
                    *slot = Some(found.clone());
                }
                Ok(found)
            }
            Expr::Is(of, test, at) => {
                let found = self.eval(of, scope)?;
                let item = single(&found, "what `is` asks about").map_err(placed(*at))?;
                Ok(item.map(|item| Item::Boolean(item.is(test))).into())
            }
            Expr::As(of, test, at) => {
                let found = self.eval(of, scope)?;
                let item = single(&found, "what `as` takes").map_err(placed(*at))?;
                Ok(item.filter(|item| item.kept_as(test)).cloned().into())
            }
        }
    }

    fn path(
        &self,
        start: Option<&'a Expr>,
        steps: &'a [Step],
        scope: &Scope<'_, 'a>,
    ) -> Outcome<'a> {
        match (start, steps) {
            (Some(start), steps) => self.steps(self.eval(start, scope)?, steps, scope),
            (None, [Step::Member(name), rest @ ..]) => {
                self.steps(self.root_member(name, scope.this)?, rest, scope)
            }
            (None, steps) => self.steps(scope.this.clone(), steps, scope),
        }
    }

    fn steps(&self, mut now: Found<'a>, steps: &'a [Step], scope: &Scope<'_, 'a>) -> Outcome<'a> {
        for (done, step) in steps.iter().enumerate() {
            now = match step {
                Step::Member(name) => self.member(name, &now)?,
                Step::At(index, at) => self.at(index, now, scope).map_err(placed(*at))?,
                Step::Call(one) if one.function == Function::DefineVariable => {
                    let (name, value) =
                        call::definition(self, one, &now, scope).map_err(placed(one.at))?;
                    let variable = Variable {
                        name,
                        value,
                        before: scope.variables,
                    };
                    let inner = Scope {
                        variables: Some(&variable),
                        ..*scope
                    };
                    return self.steps(now, steps.get(done + 1..).unwrap_or_default(), &inner);
                }
                Step::Call(one) => {
                    self.tick(1)?;
                    let found = call::call(self, one, now, scope).map_err(placed(one.at))?;
                    self.bounded(found)?
                }
            };
        }
        Ok(now)
    }

    /// The first name of a path: an element of `$this`, or the type of `$this` itself.
    fn root_member(&self, name: &'a str, this: &Found<'a>) -> Outcome<'a> {
        let typed = name.starts_with(|c: char| c.is_ascii_uppercase());
        match this {
            Found::One(item @ Item::Node(node)) if typed => {
                let named = super::types::FhirType::from_name(name);
                match named.is_some_and(|named| node.of.is(named)) {
                    true => Ok(Found::One(item.clone())),
                    false => self.member(name, this),
                }
            }
            _ => self.member(name, this),
        }
    }

    /// The children of that name of all items.
    fn member(&self, name: &'a str, items: &Found<'a>) -> Outcome<'a> {
        let mut found = Found::None;
        for item in items.items() {
            self.tick(1)?;
            match item {
                Item::Node(node) => node.member(name, &mut found),
                Item::Type(space, _) if name == "namespace" => found.push(Item::borrowed(space)),
                Item::Type(_, of) if name == "name" => found.push(Item::borrowed(of)),
                Item::Quantity(quantity) if name == "value" => {
                    found.push(Item::Decimal(quantity.value));
                }
                _ => {}
            }
        }
        self.bounded(found)
    }

    fn at(&self, index: &'a Expr, items: Found<'a>, scope: &Scope<'_, 'a>) -> Outcome<'a> {
        let index = self.eval(index, scope)?;
        let Some(item) = single(&index, "an index")? else {
            return Ok(Found::None);
        };
        let Some(Item::Integer(index)) = item.computed() else {
            return Err(PathError::execution("an index must be an integer"));
        };
        let at = usize::try_from(index).ok();
        Ok(at.and_then(|at| items.items().get(at)).cloned().into())
    }

    fn variable(&self, name: &str, scope: &Scope<'_, 'a>) -> Outcome<'a> {
        let mut defined = scope.variables;
        while let Some(variable) = defined {
            if variable.name == name {
                return Ok(variable.value.clone());
            }
            defined = variable.before;
        }
        self.fixed_variable(name)
            .or_else(|| self.context.variable_named(name))
            .ok_or_else(|| {
                PathError::new(Fault::Semantic, format!("there is no variable `%{name}`"))
            })
    }

    /// The variables of FHIR.
    fn fixed_variable(&self, name: &str) -> Option<Found<'a>> {
        let text = |text: &'static str| Some(Found::One(Item::borrowed(text)));
        match name {
            "context" => Some(Found::One(self.focus.clone())),
            "resource" => Some(self.context.resource.clone().into()),
            "rootResource" => Some(self.context.root.clone().into()),
            "ucum" => text("http://unitsofmeasure.org"),
            "sct" => text("http://snomed.info/sct"),
            "loinc" => text("http://loinc.org"),
            _ => {
                let (folder, rest) = match name.strip_prefix("vs-") {
                    Some(rest) => ("ValueSet", rest),
                    None => ("StructureDefinition", name.strip_prefix("ext-")?),
                };
                let url = format!("http://hl7.org/fhir/{folder}/{rest}");
                Some(Found::One(Item::String(Cow::Owned(url))))
            }
        }
    }
    /// Whether a name is taken: nothing may be defined over it.
    pub(crate) fn is_defined(&self, name: &str, scope: &Scope<'_, 'a>) -> bool {
        self.variable(name, scope).is_ok()
    }

    fn operate(
        &self,
        operator: Operator,
        left: Found<'a>,
        right: &'a Expr,
        scope: &Scope<'_, 'a>,
    ) -> Outcome<'a> {
        if let Operator::And | Operator::Or | Operator::Xor | Operator::Implies = operator {
            return self.logic(operator, &left, right, scope);
        }
        let right = self.eval(right, scope)?;
        let answer = |truth: Option<bool>| Ok(truth.map(Item::Boolean).into());
        match operator {
            Operator::Equal | Operator::NotEqual => {
                self.tick(left.len())?;
                let equal = compare::all_equal(&left, &right);
                answer(equal.map(|equal| equal == (operator == Operator::Equal)))
            }
            Operator::Equivalent | Operator::NotEquivalent => {
                self.tick(left.len().saturating_mul(right.len()))?;
                let same = compare::all_equivalent(&left, &right);
                answer(Some(same == (operator == Operator::Equivalent)))
            }
            Operator::Union => {
                let mut seen = compare::Seen::default();
                let mut found = Found::None;
                for item in left.items().iter().chain(right.items()) {
                    self.tick(1 + seen.crowd(item))?;
                    if seen.is_new(item) {
                        found.push(item.clone());
                    }
                }
                self.bounded(found)
            }
            Operator::In => self.has(&right, &left),
            Operator::Contains => self.has(&left, &right),
            Operator::Less
            | Operator::LessOrEqual
            | Operator::Greater
            | Operator::GreaterOrEqual => answer(ordered(operator, &left, &right)?),
            _ => super::functions::arithmetic(operator, &left, &right, self),
        }
    }

    /// `and`, `or`, `xor`, `implies` with what is not known; the right side only when it matters.
    fn logic(
        &self,
        operator: Operator,
        left: &Found<'a>,
        right: &'a Expr,
        scope: &Scope<'_, 'a>,
    ) -> Outcome<'a> {
        let side = format_args!("each side of `{}`", operator.text());
        let left = truth(left, side)?;
        match (operator, left) {
            (Operator::And, Some(false)) => return Ok(Found::truth(false)),
            (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => {
                return Ok(Found::truth(true));
            }
            _ => {}
        }
        let right = truth(&self.eval(right, scope)?, side)?;
        let both = match (operator, left, right) {
            (Operator::And, _, Some(false)) => Some(false),
            (Operator::And, Some(true), Some(true)) => Some(true),
            (Operator::Or, _, Some(true)) => Some(true),
            (Operator::Or, Some(false), Some(false)) => Some(false),
            (Operator::Xor, Some(a), Some(b)) => Some(a != b),
            (Operator::Implies, _, Some(true)) => Some(true),
            (Operator::Implies, Some(true), right) => right,
            _ => None,
        };
        Ok(both.map(Item::Boolean).into())
    }

    fn has(&self, items: &Found<'a>, wanted: &Found<'a>) -> Outcome<'a> {
        self.tick(items.len())?;
        let wanted = single(wanted, "what is looked for")?;
        let has = wanted.map(|wanted| compare::contains(items.items(), wanted));
        Ok(has.map(Item::Boolean).into())
    }
}

fn ordered(
    operator: Operator,
    left: &Found<'_>,
    right: &Found<'_>,
) -> Result<Option<bool>, PathError> {
    let side = "each side of a comparison";
    let (Some(left), Some(right)) = (single(left, side)?, single(right, side)?) else {
        return Ok(None);
    };
    let order = compare::order(left, right)?;
    Ok(order.map(|order| match operator {
        Operator::Less => order == Ordering::Less,
        Operator::LessOrEqual => order != Ordering::Greater,
        Operator::Greater => order == Ordering::Greater,
        _ => order != Ordering::Less,
    }))
}

fn negated<'a>(found: &Found<'a>) -> Outcome<'a> {
    let Some(item) = single(found, "what a sign stands before")? else {
        return Ok(Found::None);
    };
    match item.computed() {
        Some(Item::Integer(number)) => Ok(number.checked_neg().map(Item::Integer).into()),
        Some(Item::Decimal(number)) => Ok(Found::One(Item::Decimal(number.negated()))),
        Some(Item::Quantity(quantity)) => Ok(Found::One(quantity.negated().item())),
        _ => Err(PathError::execution(
            "a sign can stand before a number or quantity only",
        )),
    }
}

fn item_of(literal: &Literal) -> Item<'_> {
    match literal {
        Literal::Boolean(truth) => Item::Boolean(*truth),
        Literal::String(text) => Item::borrowed(text),
        Literal::Integer(number) => Item::Integer(*number),
        Literal::Decimal(number) => Item::Decimal(*number),
        Literal::Date(date) => Item::Date(*date),
        Literal::DateTime(at) => Item::DateTime(*at),
        Literal::Time(time) => Item::Time(*time),
        Literal::Quantity(quantity) => Item::Quantity(quantity.clone()),
    }
}
