//! When two items, or two collections, are the same; and which comes first.

use super::{
    PathError,
    item::{Found, Item, Node},
    quantity::Quantity,
};
use crate::{Object, Value, decimal::Decimal};
use std::{
    cmp::Ordering,
    collections::HashMap,
    hash::{DefaultHasher, Hash, Hasher},
};

/// `=` of two items; `None` when it cannot be told.
pub(crate) fn equal(a: &Item<'_>, b: &Item<'_>) -> Option<bool> {
    if let (Item::Node(a), Item::Node(b)) = (a, b)
        && (!a.is_primitive() || !b.is_primitive() || a.value.is_none() || b.value.is_none())
    {
        return Some(same_nodes(a, b));
    }
    let (Some(a), Some(b)) = (a.computed(), b.computed()) else {
        return Some(false);
    };
    match (&a, &b) {
        (Item::String(a), Item::String(b)) => Some(a == b),
        (Item::Boolean(a), Item::Boolean(b)) => Some(a == b),
        (Item::Integer(a), Item::Integer(b)) => Some(a == b),
        (Item::Time(a), Item::Time(b)) => a.order(*b).map(Ordering::is_eq),
        (Item::Quantity(a), Item::Quantity(b)) => a.equals(b),
        (Item::Type(space_a, a), Item::Type(space_b, b)) => Some(a == b && space_a == space_b),
        (Item::Date(_) | Item::DateTime(_), Item::Date(_) | Item::DateTime(_)) => {
            moments(&a, &b).map(Ordering::is_eq)
        }
        _ => match (number(&a), number(&b)) {
            (Some(a), Some(b)) => Some(a.order(b).is_eq()),
            // A number beside a quantity is one without a unit.
            (Some(plain), None) => mixed(plain, &b),
            (None, Some(plain)) => mixed(plain, &a),
            _ => Some(false),
        },
    }
}

fn mixed(plain: Decimal, other: &Item<'_>) -> Option<bool> {
    match other {
        Item::Quantity(quantity) => Quantity::plain(plain).equals(quantity),
        _ => Some(false),
    }
}

/// `=` of collections: in order, item by item; nothing equals nothing known.
pub(crate) fn all_equal(a: &Found<'_>, b: &Found<'_>) -> Option<bool> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    if a.len() != b.len() {
        return Some(false);
    }
    let mut known = true;
    for (a, b) in a.items().iter().zip(b.items()) {
        match equal(a, b) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => known = false,
        }
    }
    known.then_some(true)
}

/// `~` of two items.
pub(crate) fn equivalent(a: &Item<'_>, b: &Item<'_>) -> bool {
    if let (Item::Node(a), Item::Node(b)) = (a, b)
        && let (Some(Value::Object(a)), Some(Value::Object(b))) = (a.value, b.value)
    {
        return same_objects(a, b, true);
    }
    let (Some(a), Some(b)) = (a.computed(), b.computed()) else {
        return false;
    };
    match (&a, &b) {
        (Item::String(a), Item::String(b)) => folded(a).eq(folded(b)),
        (Item::Quantity(a), Item::Quantity(b)) => a.equivalent(b),
        (Item::Date(_) | Item::DateTime(_), Item::Date(_) | Item::DateTime(_)) => {
            moments(&a, &b) == Some(Ordering::Equal)
        }
        _ => match (number(&a), number(&b)) {
            (Some(a), Some(b)) => about(a, b),
            (Some(plain), None) | (None, Some(plain)) => match (&a, &b) {
                (Item::Quantity(q), _) | (_, Item::Quantity(q)) => {
                    Quantity::plain(plain).equivalent(q)
                }
                _ => false,
            },
            _ => equal(&a, &b) == Some(true),
        },
    }
}

/// `~` of collections: the same items in any order.
pub(crate) fn all_equivalent(a: &Found<'_>, b: &Found<'_>) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut left: Vec<&Item<'_>> = b.items().iter().collect();
    a.items().iter().all(|a| {
        let at = left.iter().position(|b| equivalent(a, b));
        at.map(|at| left.swap_remove(at)).is_some()
    })
}

/// The same when the more precise is rounded to the places of the other.
pub(crate) fn about(a: Decimal, b: Decimal) -> bool {
    let places = a.shortest().places().min(b.shortest().places());
    a.rounded(places).order(b.rounded(places)).is_eq()
}

/// Without case, and with white space as single blanks.
fn folded(text: &str) -> impl Iterator<Item = char> + '_ {
    let words = text.split_whitespace().enumerate();
    words
        .flat_map(|(at, word)| (at > 0).then_some(' ').into_iter().chain(word.chars()))
        .flat_map(char::to_lowercase)
}

/// Which comes first; `None` when it cannot be told, an error when the two cannot be put in order.
pub(crate) fn order(a: &Item<'_>, b: &Item<'_>) -> Result<Option<Ordering>, PathError> {
    let (Some(left), Some(right)) = (a.computed(), b.computed()) else {
        if a.lacks_value() || b.lacks_value() {
            return Ok(None);
        }
        return Err(apart(a, b));
    };
    Ok(match (&left, &right) {
        (Item::String(a), Item::String(b)) => Some(a.cmp(b)),
        (Item::Time(a), Item::Time(b)) => a.order(*b),
        (Item::Quantity(a), Item::Quantity(b)) => a.order(b),
        (Item::Date(_) | Item::DateTime(_), Item::Date(_) | Item::DateTime(_)) => {
            moments(&left, &right)
        }
        _ => match (number(&left), number(&right)) {
            (Some(a), Some(b)) => Some(a.order(b)),
            _ => match (&left, &right, number(&left), number(&right)) {
                (Item::Quantity(a), _, _, Some(b)) => a.order(&Quantity::plain(b)),
                (_, Item::Quantity(b), Some(a), _) => Quantity::plain(a).order(b),
                _ => return Err(apart(a, b)),
            },
        },
    })
}

fn apart(a: &Item<'_>, b: &Item<'_>) -> PathError {
    let name = |item: &Item<'_>| {
        let (space, name) = item.type_name();
        format!("{space}.{name}")
    };
    PathError::execution(format!("{} and {} have no order", name(a), name(b)))
}

/// An integer or decimal.
pub(crate) fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(whole) => Some(Decimal::from(*whole)),
        Item::Decimal(decimal) => Some(*decimal),
        _ => None,
    }
}

fn moments(a: &Item<'_>, b: &Item<'_>) -> Option<Ordering> {
    let moment = |item: &Item<'_>| match item {
        Item::Date(date) => Some(date.at(None, None)),
        Item::DateTime(at) => Some(*at),
        _ => None,
    };
    moment(a)?.order(moment(b)?)
}

fn same_nodes(a: &Node<'_>, b: &Node<'_>) -> bool {
    let quantities = (Quantity::of_fhir(a), Quantity::of_fhir(b));
    if let (Some(a), Some(b)) = &quantities
        && let Some(answer) = a.equals(b)
    {
        return answer;
    }
    match (a.value, b.value) {
        (Some(a), Some(b)) => same(a, b, false),
        (None, None) => match (a.extra, b.extra) {
            (Some(a), Some(b)) => same(a, b, false),
            _ => false,
        },
        _ => false,
    }
}

/// The same JSON, numbers by value, members in any order.
fn same(a: &Value, b: &Value, roughly: bool) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => same_objects(a, b, roughly),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, roughly))
        }
        (Value::Number(a), Value::Number(b)) => match (Decimal::read(a), Decimal::read(b)) {
            (Some(a), Some(b)) if roughly => about(a, b),
            (Some(a), Some(b)) => a.order(b).is_eq(),
            _ => a == b,
        },
        (Value::String(a), Value::String(b)) if roughly => folded(a).eq(folded(b)),
        _ => a == b,
    }
}

fn same_objects(a: &Object, b: &Object, roughly: bool) -> bool {
    let counts = |(name, _): &(&str, &Value)| !(roughly && *name == "id");
    a.iter().filter(counts).count() == b.iter().filter(counts).count()
        && a.iter()
            .filter(counts)
            .all(|(name, a)| b.get(name).is_some_and(|b| same(a, b, roughly)))
}

/// Whether a collection has an item that equals this one.
pub(crate) fn contains(items: &[Item<'_>], wanted: &Item<'_>) -> bool {
    items.iter().any(|item| equal(item, wanted) == Some(true))
}

/// The different items met so far. A few are compared one by one; with more, finding one again costs a look-up, not a
/// search.
#[derive(Default)]
pub(crate) struct Seen<'a> {
    few: Vec<Item<'a>>,
    many: HashMap<u64, Vec<Item<'a>>>,
}

/// Items that are compared one by one.
const FEW: usize = 8;

impl<'a> Seen<'a> {
    /// Notes an item; whether none equal to it came before.
    pub(crate) fn is_new(&mut self, item: &Item<'a>) -> bool {
        if self.many.is_empty() && self.few.len() == FEW {
            for known in std::mem::take(&mut self.few) {
                self.many.entry(digest(&known)).or_default().push(known);
            }
        }
        let alike = match self.many.is_empty() {
            true => &mut self.few,
            false => self.many.entry(digest(item)).or_default(),
        };
        let new = !contains(alike, item);
        if new {
            alike.push(item.clone());
        }
        new
    }
    /// The items noted that may equal this one.
    fn alike(&self, item: &Item<'a>) -> &[Item<'a>] {
        match self.many.is_empty() {
            true => &self.few,
            false => self.many.get(&digest(item)).map_or(&[], Vec::as_slice),
        }
    }
    /// Whether an equal item was noted.
    pub(crate) fn has(&self, item: &Item<'a>) -> bool {
        contains(self.alike(item), item)
    }
    /// How many items must be compared to tell.
    pub(crate) fn crowd(&self, item: &Item<'a>) -> usize {
        self.alike(item).len()
    }
}

/// A number that equal items share.
fn digest(item: &Item<'_>) -> u64 {
    let hash = |value: &dyn Fn(&mut DefaultHasher)| {
        let mut hasher = DefaultHasher::new();
        value(&mut hasher);
        hasher.finish()
    };
    match item.computed() {
        Some(Item::String(text)) => hash(&|h| text.hash(h)),
        Some(Item::Boolean(truth)) => hash(&|h| truth.hash(h)),
        Some(Item::Integer(_) | Item::Decimal(_) | Item::Quantity(_)) => {
            match item.computed().as_ref().and_then(number) {
                Some(number) => hash(&|h| number.shortest().to_string().hash(h)),
                None => 1,
            }
        }
        Some(_) => 2,
        None => match item {
            Item::Node(node) => node.value.or(node.extra).map_or(3, digest_of_value),
            _ => 4,
        },
    }
}

fn digest_of_value(value: &Value) -> u64 {
    let mut hasher = DefaultHasher::new();
    match value {
        Value::String(text) => text.hash(&mut hasher),
        Value::Bool(truth) => truth.hash(&mut hasher),
        Value::Number(digits) => match Decimal::read(digits) {
            Some(number) => number.shortest().to_string().hash(&mut hasher),
            None => digits.hash(&mut hasher),
        },
        Value::Null => {}
        Value::Array(items) => items
            .iter()
            .for_each(|i| digest_of_value(i).hash(&mut hasher)),
        // Members may come in any order.
        Value::Object(object) => {
            let sum = object.iter().fold(0u64, |sum, (name, value)| {
                let mut member = DefaultHasher::new();
                name.hash(&mut member);
                digest_of_value(value).hash(&mut member);
                sum.wrapping_add(member.finish())
            });
            sum.hash(&mut hasher);
        }
    }
    hasher.finish()
}
