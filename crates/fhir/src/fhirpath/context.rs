//! What an expression may ask of the world: the resource it is about, the time, other resources, terminology.

use super::{
    item::{Found, Item},
    moment::{Date, DateTime, Time},
};
use crate::Value;
use std::cell::{Cell, OnceCell};

/// How much an expression may do before it is stopped.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Steps: each part of the expression, each item looked at.
    pub steps: u64,
    /// Items in one collection.
    pub items: usize,
    /// Characters in one text that is built.
    pub text: usize,
}

impl Default for Limits {
    /// A million steps (some tenths of a second), 100,000 items, a million characters.
    fn default() -> Self {
        Limits {
            steps: 1_000_000,
            items: 100_000,
            text: 1_000_000,
        }
    }
}

/// Finds the resource that a reference or URL leads to.
pub type Resolve<'a> = &'a dyn Fn(&str) -> Option<Value>;
/// Whether a code, Coding, CodeableConcept or text is in a value set; `None` when that cannot be told.
pub type MemberOf<'a> = &'a dyn Fn(&Item<'_>, &str) -> Option<bool>;
/// Whether a resource or element conforms to a profile; `None` when the profile is not known.
pub type ConformsTo<'a> = &'a dyn Fn(&Item<'_>, &str) -> Option<bool>;
/// Hears what `trace(name)` saw.
pub type Trace<'a> = &'a dyn Fn(&str, &[Item<'_>]);

/// The world of an expression. One can serve many evaluations; resources that it resolved are kept until it goes.
pub struct Context<'a> {
    pub(crate) resource: Option<Item<'a>>,
    pub(crate) root: Option<Item<'a>>,
    pub(crate) variables: Vec<(String, Vec<Item<'a>>)>,
    pub(crate) now: Option<jiff::Timestamp>,
    pub(crate) resolve: Option<Resolve<'a>>,
    pub(crate) member_of: Option<MemberOf<'a>>,
    pub(crate) conforms_to: Option<ConformsTo<'a>>,
    pub(crate) trace: Option<Trace<'a>>,
    pub(crate) as_filters: bool,
    pub(crate) limits: Limits,
    pub(crate) kept: Kept,
}

impl<'a> Context<'a> {
    /// `%resource` and `%rootResource` are this resource; nothing else is known.
    pub fn new(resource: &'a Value) -> Context<'a> {
        let item = Item::resource(resource);
        Context {
            resource: Some(item.clone()),
            root: Some(item),
            variables: Vec::new(),
            now: None,
            resolve: None,
            member_of: None,
            conforms_to: None,
            trace: None,
            as_filters: false,
            limits: Limits::default(),
            kept: Kept::default(),
        }
    }
    /// `%rootResource`: the resource that contains `%resource`.
    #[must_use]
    pub fn root(mut self, root: &'a Value) -> Self {
        self.root = Some(Item::resource(root));
        self
    }
    /// A variable: `%name`. Those of FHIR (`%ucum`, `%resource`...) cannot be replaced.
    #[must_use]
    pub fn variable(mut self, name: impl Into<String>, items: Vec<Item<'a>>) -> Self {
        self.variables.push((name.into(), items));
        self
    }
    /// The time that `now()`, `today()` and `timeOfDay()` give, in UTC.
    #[must_use]
    pub fn now(mut self, now: jiff::Timestamp) -> Self {
        self.now = Some(now);
        self
    }
    /// Where `resolve()` looks for what is not contained in the resource or its Bundle.
    #[must_use]
    pub fn resolve(mut self, resolve: Resolve<'a>) -> Self {
        self.resolve = Some(resolve);
        self
    }
    /// Who answers `memberOf()`.
    #[must_use]
    pub fn member_of(mut self, member_of: MemberOf<'a>) -> Self {
        self.member_of = Some(member_of);
        self
    }
    /// Who answers `conformsTo()` for profiles; the base definitions of R4 are known without.
    #[must_use]
    pub fn conforms_to(mut self, conforms_to: ConformsTo<'a>) -> Self {
        self.conforms_to = Some(conforms_to);
        self
    }
    /// Who hears `trace()`.
    #[must_use]
    pub fn trace(mut self, trace: Trace<'a>) -> Self {
        self.trace = Some(trace);
        self
    }
    /// The function `as()` keeps the items of a type, as older expressions want it; otherwise several items are an error.
    #[must_use]
    pub fn as_filters(mut self) -> Self {
        self.as_filters = true;
        self
    }
    /// Other limits.
    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    pub(crate) fn variable_named(&self, name: &str) -> Option<Found<'a>> {
        let (_, items) = self.variables.iter().find(|(known, _)| known == name)?;
        Some(items.clone().into())
    }
    /// The time as a date and time of UTC, to the millisecond.
    pub(crate) fn clock(&self) -> Option<DateTime> {
        let utc = self.now?.to_zoned(jiff::tz::TimeZone::UTC).datetime();
        let part = |part: i8| u8::try_from(part).unwrap_or(0);
        let millis = u32::from(utc.millisecond().unsigned_abs());
        Some(DateTime {
            date: Date {
                year: utc.year(),
                month: Some(part(utc.month())),
                day: Some(part(utc.day())),
            },
            time: Some(Time {
                hour: part(utc.hour()),
                minute: Some(part(utc.minute())),
                second: Some(part(utc.second())),
                fraction: Some((millis * 1_000_000, 3)),
            }),
            offset: Some(0),
        })
    }
}

/// Resources that were resolved, kept where they are until the context goes: a list that only grows.
#[derive(Default)]
pub(crate) struct Kept {
    first: OnceCell<Box<Link>>,
    count: Cell<usize>,
}

struct Link {
    value: Value,
    next: OnceCell<Box<Link>>,
}

/// Resources that one context resolves.
const MOST_KEPT: usize = 1_000;

impl Kept {
    /// Keeps a value; `None` when there is no more room.
    pub(crate) fn keep(&self, value: Value) -> Option<&Value> {
        if self.count.get() >= MOST_KEPT {
            return None;
        }
        self.count.set(self.count.get() + 1);
        let mut slot = &self.first;
        while let Some(link) = slot.get() {
            slot = &link.next;
        }
        let link = slot.get_or_init(|| {
            Box::new(Link {
                value,
                next: OnceCell::new(),
            })
        });
        Some(&link.value)
    }
}
