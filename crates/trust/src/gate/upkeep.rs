//! An operator's upkeep of the whole archive: looking through it, and making derived rows again.
//!
//! Nobody's record is shown by either, so neither is an act. Run them while the node does not serve: a rebuild takes
//! away for a while what answers are made from.

use super::Gate;
use ledger::VerifierKey;
use ledger::tile::File;
use std::cell::{Cell, RefCell};
use store::{Checkup, Derived, Judge, Told};

/// Entries of a full bundle of the log.
const BUNDLE: u64 = 256;
/// Bytes of an entry: its length, two bytes, and the commitment.
const ENTRY: usize = 34;

/// What a check found, and what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Checked {
    /// What was found.
    pub found: Checkup,
    /// What was made again, and what a second look found after it; when it was asked for and there was something that
    /// a rebuild makes good.
    pub repaired: Option<(Derived, Checkup)>,
}

impl Checked {
    /// What is wrong at the end.
    pub fn left(&self) -> u64 {
        self.repaired
            .map_or(self.found.findings, |(_, after)| after.findings)
    }
}

impl Gate {
    /// Looks through the whole archive, the log of acts included, and tells what is not as it should be. With `repair`
    /// derived rows are made again from the facts if that makes something good, and all is looked through once more.
    ///
    /// Cost: as [`store::Store::fsck`], twice if something was repaired.
    pub fn fsck(
        &self,
        repair: bool,
        report: &mut dyn FnMut(Told),
    ) -> Result<Checked, store::Error> {
        let found = self.look_through(report)?;
        if !repair || found.repairable == 0 {
            return Ok(Checked {
                found,
                repaired: None,
            });
        }
        let made = self.rebuild()?;
        let after = self.look_through(report)?;
        Ok(Checked {
            found,
            repaired: Some((made, after)),
        })
    }

    /// Makes every derived row again from the facts.
    pub fn rebuild(&self) -> Result<Derived, store::Error> {
        let made = self.house.store.rebuild(&self.house.seal)?;
        self.house.people.changed();
        Ok(made)
    }

    /// How far the index is with each search parameter that was loaded. Sums over all that is stored: for the operator.
    pub fn indexing(&self) -> Result<Vec<store::Indexing>, store::Error> {
        self.house.store.indexing_now(&self.house.seal)
    }

    fn look_through(&self, report: &mut dyn FnMut(Told)) -> Result<Checkup, store::Error> {
        let house = &self.house;
        let log = LogOf {
            key: house.key.verifier(),
            size: Cell::new(0),
            bundle: RefCell::default(),
        };
        house.store.fsck(&house.seal, &log, report)
    }
}

/// The node's log as a judge of itself.
struct LogOf<'a> {
    key: &'a VerifierKey,
    /// Leaves, once it was audited.
    size: Cell<u64>,
    /// The bundle of entries that was read last, and its place.
    bundle: RefCell<Option<(u64, Vec<u8>)>>,
}

impl Judge for LogOf<'_> {
    fn log(&self, get: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Result<u64, String> {
        let head = ledger::audit::audit(self.key, get).map_err(|error| error.to_string())?;
        let size = head.map_or(0, |head| head.size);
        self.size.set(size);
        Ok(size)
    }

    fn leaf(&self, place: u64, get: &dyn Fn(&[u8]) -> Option<Vec<u8>>) -> Option<[u8; 32]> {
        let index = place / BUNDLE;
        let width = self.size.get().checked_sub(index * BUNDLE)?.min(BUNDLE);
        let mut bundle = self.bundle.borrow_mut();
        if bundle.as_ref().is_none_or(|(known, _)| *known != index) {
            let width = u16::try_from(width).ok().filter(|width| *width > 0)?;
            let bytes = File::Entries { index, width }.read(get).ok().flatten()?;
            *bundle = Some((index, bytes));
        }
        let (_, bytes) = bundle.as_ref()?;
        let entry = bytes.chunks_exact(ENTRY).nth((place % BUNDLE) as usize)?;
        entry.last_chunk().copied()
    }
}
