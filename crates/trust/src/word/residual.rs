//! What a word hides that categories cannot say: rules about a part of the record, asked of a resource itself.

use super::part::{Doubt, Facts, Part};
use crate::category::EMERGENCY;
use crate::{Category, MemberId, Tag};
use fhir::{ResourceType, Value};
use serde::Serialize;

/// The rules of a word that bind one viewer, for one purpose, at one moment, as far as a resource must answer them.
/// (`residual` is IHE PCF's word for what a permit leaves to whoever filters.)
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Residual {
    pub(super) closing: Vec<Closing>,
    pub(super) opening: Vec<Opening>,
    /// For care: what could save her life is asked only of those that insist.
    pub(super) spares: bool,
}

/// A closing rule that applies, with those of its exceptions that do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Closing {
    pub(super) exact: u8,
    pub(super) scope: Scope,
    pub(super) unless: Vec<Scope>,
    /// It closes also what could save her life.
    pub(super) insist: bool,
    /// Who said it for her.
    pub(super) by: Option<Tag>,
}

/// An allowing rule that applies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Opening {
    pub(super) exact: u8,
    pub(super) scope: Scope,
    /// Who said it for her: it opens only what the same one closed.
    pub(super) by: Option<Tag>,
}

/// Categories of a part of the record; no categories are all.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Scope {
    pub(super) what: Vec<Category>,
    pub(super) part: Part,
}

impl Scope {
    pub(super) fn covers(&self, category: Category) -> bool {
        self.what.is_empty() || self.what.contains(&category)
    }
    /// Whether it covers all that is of a category.
    pub(super) fn covers_all(&self, category: Category) -> bool {
        self.covers(category) && self.part.is_all()
    }
    fn meets(&self, other: &Scope) -> bool {
        let all = self.what.is_empty() || other.what.is_empty();
        all || self
            .what
            .iter()
            .any(|category| other.what.contains(category))
    }
    fn holds(&self, category: Category, facts: &Facts<'_>, doubt: Doubt) -> bool {
        self.covers(category) && self.part.fits(facts, doubt)
    }
}

impl Closing {
    /// Whether it closes all of a category, whatever a resource says.
    fn closes_all(&self, category: Category) -> bool {
        self.scope.covers_all(category) && !self.unless.iter().any(|one| one.covers(category))
    }
    /// Whether it may close something of a category.
    fn may_close(&self, category: Category) -> bool {
        self.scope.covers(category) && !self.unless.iter().any(|one| one.covers_all(category))
    }
    fn closes(&self, category: Category, facts: &Facts<'_>) -> bool {
        let excepted = |one: &Scope| one.holds(category, facts, Doubt::Out);
        self.scope.holds(category, facts, Doubt::In) && !self.unless.iter().any(excepted)
    }
}

impl Opening {
    /// Whether it opens again what a rule closes, as far as both are about the same.
    fn outdoes(&self, closing: &Closing) -> bool {
        let may = self.by.is_none() || self.by == closing.by;
        may && self.exact > closing.exact
    }
}

impl Residual {
    /// Lets go of what opens nothing that is closed.
    pub(super) fn drop_idle(&mut self) {
        let closing = &self.closing;
        self.opening.retain(|one| {
            let mut closing = closing.iter();
            closing.any(|other| one.outdoes(other) && one.scope.meets(&other.scope))
        });
    }

    /// The same with those closing rules alone that insist.
    pub(super) fn insisting(&self) -> Residual {
        let insisting = self.closing.iter().filter(|closing| closing.insist);
        Residual {
            closing: insisting.cloned().collect(),
            opening: self.opening.clone(),
            spares: false,
        }
    }

    /// Whether all that is of a category is hidden.
    pub(super) fn hides_all(&self, category: Category) -> bool {
        let opened = |closing: &Closing| {
            let mut opening = self.opening.iter();
            opening.any(|one| one.outdoes(closing) && one.scope.covers(category))
        };
        let mut closing = self.closing.iter();
        closing.any(|one| one.closes_all(category) && !opened(one))
    }

    /// The closing rules, by their place, that close something of a category, opened again or not.
    pub(super) fn closing_at_all(&self, category: Category) -> impl Iterator<Item = usize> {
        let closing = self.closing.iter().enumerate();
        closing
            .filter(move |(_, one)| one.may_close(category))
            .map(|(place, _)| place)
    }

    /// Those of them that may hide something of it.
    pub(super) fn hiding(&self, category: Category) -> impl Iterator<Item = usize> {
        let opened = move |place: &usize| {
            let closing = self.closing.get(*place);
            let mut opening = self.opening.iter();
            opening.any(|one| {
                one.scope.covers_all(category)
                    && closing.is_some_and(|closing| one.outdoes(closing))
            })
        };
        self.closing_at_all(category)
            .filter(move |place| !opened(place))
    }

    /// Whether something of a category may be hidden.
    pub fn touches(&self, category: Category) -> bool {
        self.hiding(category).next().is_some()
    }

    /// Whether a version of a resource of hers is hidden. `holder` is the institution that keeps it. Cost: rules times
    /// the resource's few categories; a period costs one walk of the resource each time.
    pub fn hides(&self, holder: &MemberId, of: ResourceType, id: &str, resource: &Value) -> bool {
        let facts = Facts {
            holder,
            of,
            id,
            resource,
        };
        let opened = |category, closing: &Closing| {
            let mut opening = self.opening.iter();
            opening.any(|one| one.outdoes(closing) && one.scope.holds(category, &facts, Doubt::Out))
        };
        let spared = self.spares && crate::labels(of, resource).meets(EMERGENCY);
        facts.categories().into_iter().any(|category| {
            let mut closing = self.closing.iter().filter(|one| one.insist || !spared);
            closing.any(|one| one.closes(category, &facts) && !opened(category, one))
        })
    }
}
