//! What can be asked for: the search parameters of R4 and those that are loaded and ready.

use crate::{
    Error, Held, Indexing, Permit, Result, Scope, Seal, Store, Verb, commit::Making,
    loaded::Loaded, permit::NO_PERMIT, store::held, writer::Work,
};
use fhir::{ResourceType, query::Query, search::Catalog};
use jiff::Timestamp;
use std::sync::Arc;

/// The search parameters of an archive at one moment. Cheap to clone.
#[derive(Clone)]
pub struct Searchable(Arc<Loaded>);

/// Those of R4 alone.
impl Default for Searchable {
    fn default() -> Self {
        Searchable(Arc::new(Loaded::none()))
    }
}

impl std::fmt::Debug for Searchable {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.catalog.fmt(f)
    }
}

impl Searchable {
    /// Those that can be asked for.
    pub fn ready(&self) -> &Catalog {
        &self.0.ready
    }
    /// Those, and those that are being indexed.
    pub fn all(&self) -> &Catalog {
        &self.0.catalog
    }
    /// What in a question understood by [`all`](Searchable::all) cannot be asked for yet.
    pub fn coming(&self, query: &Query) -> Vec<Indexing> {
        self.0.coming(&query.parameters())
    }
}

impl Store {
    /// The search parameters as the last commit left them. Cost: a lock.
    pub fn searchable(&self) -> Searchable {
        Searchable(self.inner.shelf.now())
    }

    /// How far the index is with each loaded search parameter, under a permit to read SearchParameters that opens
    /// everyone: the figures are sums over all that is stored.
    pub fn indexing(&self, permit: &Permit) -> Result<Held<Vec<Indexing>>> {
        let grant = self.grant(permit)?;
        grant.must(Verb::Read, ResourceType::from_name("SearchParameter"))?;
        match grant.scope {
            Scope::People(_) => Ok(held(permit, Vec::new(), self.inner.shelf.now().indexing())),
            _ => Err(Error::NotPermitted("it is not for everyone".into())),
        }
    }

    /// The same for the holder of the seal.
    pub fn indexing_now(&self, seal: &Seal) -> Result<Vec<Indexing>> {
        self.sealed(seal)?;
        Ok(self.inner.shelf.now().indexing())
    }

    /// Does one step of indexing for loaded search parameters, for who opened the archive without
    /// [`indexes`](crate::Options::indexes). Gives whether there was anything to do.
    pub fn index_more(&self) -> Result<bool> {
        match &self.inner.walking {
            Some(walking) => walking.step(),
            None => Ok(false),
        }
    }

    /// Waits until there is nothing left to be indexed or taken out. It waits for ever if the disk refuses for ever.
    pub fn indexed(&self) {
        self.inner.shelf.wait(|loaded| !loaded.pending());
    }

    /// Takes up what the rows say of loaded search parameters, after they were changed beside the writer.
    pub(crate) fn load_again(&self) -> Result<()> {
        let read = Box::new(|making: &mut Making<'_>| {
            let (loaded, mut lost) = Loaded::read(&making.view(), making.vault)?;
            making.rows.append(&mut lost);
            making.loaded = Arc::new(loaded);
            Ok(None)
        });
        self.queue()?
            .ask(NO_PERMIT, Timestamp::UNIX_EPOCH, Work::Own(read))?;
        Ok(())
    }
}
