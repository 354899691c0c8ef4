//! Search parameters that are activated and taken out, inside a commit: with the rows that say so, and from this commit
//! on for all that is written.

use super::{Making, absent};
use crate::{PersonKey, Result, Verb, Written, grant::Grant, loaded::Loaded};
use fhir::ResourceType;
use std::sync::Arc;

/// The type whose resources define search parameters.
const DEFINES: &str = "SearchParameter";

impl Making<'_> {
    /// Activates the search parameter that a stored SearchParameter defines, as it is now, or takes it out of use.
    pub(super) fn loading(
        &mut self,
        of: ResourceType,
        id: String,
        active: bool,
        grant: &Grant,
    ) -> Result<Written> {
        grant.must(Verb::Update, Some(of))?;
        let Some(head) = self.head(of, &id)?.filter(|head| head.version > 0) else {
            return Ok(absent(of, id));
        };
        self.may_write(grant, Verb::Update, of, PersonKey(0), Some(&head))?;
        if head.deleted {
            return self.unchanged(of, &id, &head);
        }
        let stored = self.stored(of, &id, &head)?;
        let next = self.state.next_stamp;
        let loaded = match (active, &stored.text) {
            (true, Some(text)) => {
                let named = (id.as_str(), head.version);
                let definition = text.read()?;
                let view = self.view();
                self.loaded.activated(named, definition, &view, next)?
            }
            _ => self.loaded.deactivated(&id, &self.view(), next)?,
        };
        let changed = loaded.is_some();
        self.load(loaded)?;
        Ok(Written {
            version: stored.version(),
            changed,
            created: false,
            labels: head.labels,
        })
    }

    /// What a deleted SearchParameter defined is taken out of use.
    pub(super) fn unload(&mut self, of: ResourceType, id: &str) -> Result<()> {
        if of.name() != DEFINES || self.loaded.active(id).is_none() {
            return Ok(());
        }
        let next = self.state.next_stamp;
        let loaded = self.loaded.deactivated(id, &self.view(), next)?;
        self.load(loaded)
    }

    /// From here on these are loaded.
    pub(crate) fn load(&mut self, loaded: Option<Loaded>) -> Result<()> {
        let Some(loaded) = loaded else {
            return Ok(());
        };
        self.rows
            .append(&mut loaded.rows(&self.loaded, self.vault)?);
        self.loaded = Arc::new(loaded);
        Ok(())
    }
}
