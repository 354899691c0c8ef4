//! The one place where bodies, cards, acts and the house's rows become bytes and are read again.
//!
//! In: what a row says, and its key. Out: the row; or, from a row, what it says. `None` comes out where the person whose
//! row it is was erased: what is left of her is nothing.

use crate::{
    Labels, PersonKey, Result,
    acts::{self, Kept},
    body::{self, Stored},
    card::{self, Card},
};
use fhir::ResourceType;

/// Opens and closes the values of rows.
#[derive(Default)]
pub(crate) struct Vault {}

/// What a version's row says besides its text.
#[derive(Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) of: ResourceType,
    pub(crate) id: &'a str,
    pub(crate) version: u64,
    pub(crate) stamp: u64,
    /// Microseconds.
    pub(crate) updated: i64,
    pub(crate) labels: Labels,
    pub(crate) person: PersonKey,
}

impl Vault {
    /// The row of a version; `packed` is [`body::Text::pack`], `None` for a deletion.
    pub(crate) fn close_body(
        &self,
        _key: &[u8],
        facts: &Facts<'_>,
        packed: Option<&[u8]>,
    ) -> Result<Vec<u8>> {
        Ok(body::encode(
            facts.of,
            facts.id,
            facts.version,
            facts.updated,
            facts.labels,
            facts.person,
            packed,
        ))
    }

    /// A version, from its row.
    pub(crate) fn body(&self, _key: &[u8], row: &[u8]) -> Result<Option<Stored>> {
        Stored::decode(row).map(Some)
    }

    /// The row of a card, from its part that was known before the commit.
    pub(crate) fn close_card(
        &self,
        _key: &[u8],
        facts: &Facts<'_>,
        entries: &[u8],
    ) -> Result<Vec<u8>> {
        Ok(card::encode(
            facts.id,
            facts.version,
            facts.stamp,
            facts.updated,
            facts.labels,
            entries,
        ))
    }

    /// A card, from its row. `wanted` says which parameters' entries are needed.
    pub(crate) fn card(
        &self,
        _key: &[u8],
        row: &[u8],
        wanted: &dyn Fn(u16) -> bool,
    ) -> Result<Option<Card>> {
        Card::decode(row, wanted).map(Some)
    }

    /// The row of an act.
    pub(crate) fn close_act(&self, _key: &[u8], act: &crate::ActRecord) -> Result<Vec<u8>> {
        Ok(acts::encode(act))
    }

    /// An act, from its row.
    pub(crate) fn act(&self, _key: &[u8], row: &[u8]) -> Result<Option<Kept>> {
        Kept::decode(row).map(Some)
    }

    /// A row of the house.
    pub(crate) fn close_house(&self, _key: &[u8], value: &[u8]) -> Result<Vec<u8>> {
        Ok(value.to_vec())
    }

    /// What a row of the house says.
    pub(crate) fn house(&self, _key: &[u8], row: &[u8]) -> Result<Vec<u8>> {
        Ok(row.to_vec())
    }
}
