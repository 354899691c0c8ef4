//! The data keys, one for each person: a small file beside the archive, never in its log and never in a backup of it.
//!
//! ```text
//! header 512: magic 8 | length 2 | the ring's key, wrapped by the master key | zeros
//! slots of 64: state 1 (1 in use, 2 erased) | zeros 3 | nonce 12 | the data key 32, sealed | tag 16
//! ```
//!
//! Slot 0 is the house's. Which slot is a person's stands in the archive (`KEY` rows), and is committed with her first
//! row; so no key costs a sync of its own: slots are made and synced by the hundred before they are given out, and
//! those that an opening finds in the file are never given out again. A slot is overwritten in place when its person is
//! erased; a slot that an interrupted write left half made was never given out.
//!
//! Because old copies of this file would bring erased people back, it is mirrored, not archived: `docs/at-rest.md`.

use crate::{
    Error, Result, cipher,
    engine::disk_error,
    master::{MasterKey, private, sync_folder},
};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::{
    fs::{File, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
    sync::{Mutex, PoisonError},
};

const MAGIC: &[u8; 8] = b"TEJKEYS\x01";
const HEADER: usize = 512;
const SLOT: usize = 64;
const LIVE: u8 = 1;
const ERASED: u8 = 2;
/// Slots made at once.
const BATCH: usize = 256;
/// The slot of the house's own key.
pub(crate) const HOUSE_SLOT: u32 = 0;

/// Where the slots are.
enum Place {
    Memory(Vec<u8>),
    File(File),
}

struct Inner {
    place: Place,
    /// Slots in the file.
    made: u32,
    /// The next one to give out.
    next: u32,
}

/// The keys of one archive.
pub(crate) struct Keyring {
    inner: Mutex<Inner>,
    ring_key: LessSafeKey,
    durable: bool,
}

/// What a slot holds.
pub(crate) enum Slot {
    Key([u8; 32]),
    Erased,
}

/// The file of a folder.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join("ring")
}

impl Keyring {
    /// A ring in memory.
    pub(crate) fn in_memory() -> Result<Keyring> {
        Keyring::begin(Place::Memory(vec![0; HEADER]), &cipher::random()?, false)
    }

    /// Opens the ring of a folder. A new archive gets a new ring; an old one must have the ring it was made with.
    pub(crate) fn open(
        folder: &Path,
        master: &dyn MasterKey,
        new: bool,
        durable: bool,
    ) -> Result<Keyring> {
        let path = path(folder);
        std::fs::create_dir_all(folder).map_err(disk_error)?;
        match (path.exists(), new) {
            (true, _) => {}
            (false, true) => {
                let ring_key = cipher::random()?;
                let header = header(master, &ring_key)?;
                let file = begin_file(&path.with_extension("new"), &header)?;
                // The house's key is in before the ring has its name.
                drop(Keyring::begin(Place::File(file), &ring_key, durable)?);
                std::fs::rename(path.with_extension("new"), &path).map_err(disk_error)?;
                sync_folder(&path).map_err(disk_error)?;
            }
            (false, false) => {
                return Err(Error::Keys(format!(
                    "{}: the keyring of this archive is missing; put back the file from its mirror (no value can be read without it)",
                    path.display()
                )));
            }
        }
        private(&path)?;
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .open(&path)
            .map_err(disk_error)?;
        let ring_key = open_header(&mut file, &path, master)?;
        let length = file.metadata().map_err(disk_error)?.len() as usize;
        let made = (length.saturating_sub(HEADER) / SLOT) as u32;
        Ok(Keyring {
            inner: Mutex::new(Inner {
                place: Place::File(file),
                made,
                next: made,
            }),
            ring_key: lock(&ring_key)?,
            durable,
        })
    }

    fn begin(place: Place, ring_key: &[u8; 32], durable: bool) -> Result<Keyring> {
        let ring = Keyring {
            inner: Mutex::new(Inner {
                place,
                made: 0,
                next: 0,
            }),
            ring_key: lock(ring_key)?,
            durable,
        };
        ring.give()?;
        Ok(ring)
    }

    /// A slot with a new key that is already durable.
    pub(crate) fn give(&self) -> Result<u32> {
        let mut inner = self.inner();
        if inner.next == inner.made {
            let mut slots = Vec::with_capacity(BATCH * SLOT);
            for at in inner.made..inner.made + BATCH as u32 {
                slots.extend_from_slice(&self.slot(at, &cipher::random()?)?);
            }
            let offset = place_of(inner.made);
            inner.place.write(offset, &slots).map_err(disk_error)?;
            if self.durable {
                inner.place.sync().map_err(disk_error)?;
            }
            inner.made += BATCH as u32;
        }
        let slot = inner.next;
        inner.next += 1;
        Ok(slot)
    }

    /// What a slot holds.
    pub(crate) fn key(&self, slot: u32) -> Result<Slot> {
        let mut bytes = [0; SLOT];
        let read = self.inner().place.read(place_of(slot), &mut bytes);
        read.map_err(|error| {
            Error::Keys(format!("key {slot} of the keyring is missing: {error}"))
        })?;
        match bytes.first() {
            Some(&ERASED) => return Ok(Slot::Erased),
            Some(&LIVE) => {}
            _ => return Err(Error::Keys(format!("key {slot} of the keyring is damaged"))),
        }
        let (nonce, sealed) = bytes
            .get(4..)
            .and_then(|rest| rest.split_first_chunk::<NONCE_LEN>())
            .unwrap_or((&[0; NONCE_LEN], &[]));
        let mut sealed = sealed.to_vec();
        let nonce = Nonce::assume_unique_for_key(*nonce);
        let place = Aad::from(slot.to_be_bytes());
        let key = self.ring_key.open_in_place(nonce, place, &mut sealed);
        key.ok()
            .and_then(|key| <[u8; 32]>::try_from(key).ok())
            .map(Slot::Key)
            .ok_or_else(|| Error::Keys(format!("key {slot} of the keyring is damaged")))
    }

    /// Overwrites a key, for ever.
    pub(crate) fn erase(&self, slot: u32) -> Result<()> {
        let mut bytes = [0; SLOT];
        bytes[0] = ERASED;
        let mut inner = self.inner();
        if slot == HOUSE_SLOT || slot >= inner.made {
            return Err(Error::Keys(format!("there is no key {slot} to erase")));
        }
        inner
            .place
            .write(place_of(slot), &bytes)
            .map_err(disk_error)?;
        inner.place.sync().map_err(disk_error)
    }

    // Nonces at random: a ring key seals one slot a person, far below 2^32.
    fn slot(&self, at: u32, key: &[u8; 32]) -> Result<[u8; SLOT]> {
        let nonce: [u8; NONCE_LEN] = cipher::random()?;
        let mut sealed = key.to_vec();
        self.ring_key
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(at.to_be_bytes()),
                &mut sealed,
            )
            .map_err(|_| Error::Keys("the cipher refuses to seal a key".into()))?;
        let mut slot = [0; SLOT];
        let whole = [&[LIVE, 0, 0, 0], nonce.as_slice(), &sealed].concat();
        for (to, from) in slot.iter_mut().zip(whole) {
            *to = from;
        }
        Ok(slot)
    }

    fn inner(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How many slots there are, given out or not.
    fn slots(&self) -> u32 {
        self.inner().made
    }
}

/// Locks the keyring of a folder under another master key, with a new key of the ring's own: every slot is sealed anew
/// and the old file goes. The archive must not be open. Cut off at any instant, the old ring or the new one is there.
pub fn rotate(folder: &Path, old: &dyn MasterKey, new: &dyn MasterKey) -> Result<u64> {
    let path = path(folder);
    let ring = Keyring::open(folder, old, false, true)?;
    let ring_key = cipher::random()?;
    let unfinished = path.with_extension("new");
    match std::fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(disk_error(error)),
        _ => {}
    }
    let mut file = begin_file(&unfinished, &header(new, &ring_key)?)?;
    let next = Keyring {
        inner: Mutex::new(Inner {
            place: Place::Memory(Vec::new()),
            made: 0,
            next: 0,
        }),
        ring_key: lock(&ring_key)?,
        durable: true,
    };
    let mut live = 0;
    for at in 0..ring.slots() {
        let slot = match ring.key(at)? {
            Slot::Key(key) => {
                live += 1;
                next.slot(at, &key)?
            }
            Slot::Erased => {
                let mut slot = [0; SLOT];
                slot[0] = ERASED;
                slot
            }
        };
        file.write_all(&slot).map_err(disk_error)?;
    }
    file.sync_all().map_err(disk_error)?;
    std::fs::rename(&unfinished, &path).map_err(disk_error)?;
    sync_folder(&path).map_err(disk_error)?;
    Ok(live)
}

fn place_of(slot: u32) -> u64 {
    HEADER as u64 + u64::from(slot) * SLOT as u64
}

fn lock(key: &[u8; 32]) -> Result<LessSafeKey> {
    UnboundKey::new(&AES_256_GCM, key)
        .map(LessSafeKey::new)
        .map_err(|_| Error::Keys("the cipher refuses the ring's key".into()))
}

fn header(master: &dyn MasterKey, ring_key: &[u8; 32]) -> Result<Vec<u8>> {
    let wrapped = master.wrap(ring_key).map_err(Error::Keys)?;
    let mut header = MAGIC.to_vec();
    header.extend_from_slice(&(wrapped.len() as u16).to_le_bytes());
    header.extend_from_slice(&wrapped);
    if header.len() > HEADER {
        return Err(Error::Keys(format!(
            "{} wraps a key in {} bytes; 400 are the most",
            master.name(),
            wrapped.len()
        )));
    }
    header.resize(HEADER, 0);
    Ok(header)
}

fn open_header(file: &mut File, path: &Path, master: &dyn MasterKey) -> Result<[u8; 32]> {
    let mut header = [0; HEADER];
    let read = file.read_exact(&mut header);
    let wrapped = || {
        read.ok()?;
        let (length, rest) = header.strip_prefix(MAGIC)?.split_first_chunk::<2>()?;
        rest.get(..usize::from(u16::from_le_bytes(*length)))
    };
    let wrapped =
        wrapped().ok_or_else(|| Error::Keys(format!("{}: this is no keyring", path.display())))?;
    master
        .unwrap(wrapped)
        .map_err(|why| Error::Keys(format!("{}: {why}", path.display())))
}

/// A new file that only its owner can read, with the header in it.
fn begin_file(path: &Path, header: &[u8]) -> Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path).map_err(disk_error)?;
    file.write_all(header).map_err(disk_error)?;
    Ok(file)
}

impl Place {
    fn read(&mut self, at: u64, into: &mut [u8]) -> io::Result<()> {
        match self {
            Place::File(file) => {
                file.seek(SeekFrom::Start(at))?;
                file.read_exact(into)
            }
            Place::Memory(bytes) => {
                let mut rest = bytes.get(at as usize..).unwrap_or_default();
                rest.read_exact(into)
            }
        }
    }
    fn write(&mut self, at: u64, from: &[u8]) -> io::Result<()> {
        match self {
            Place::File(file) => {
                file.seek(SeekFrom::Start(at))?;
                file.write_all(from)
            }
            Place::Memory(bytes) => {
                let at = at as usize;
                bytes.resize(bytes.len().max(at + from.len()), 0);
                if let Some(to) = bytes.get_mut(at..at + from.len()) {
                    to.copy_from_slice(from);
                }
                Ok(())
            }
        }
    }
    fn sync(&mut self) -> io::Result<()> {
        match self {
            Place::File(file) => file.sync_data(),
            Place::Memory(_) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::master::FileKey;

    fn key(ring: &Keyring, slot: u32) -> Option<[u8; 32]> {
        match ring.key(slot).unwrap() {
            Slot::Key(key) => Some(key),
            Slot::Erased => None,
        }
    }

    #[test]
    fn keys_come_back_are_never_given_twice_and_go_for_ever() {
        let folder = tempfile::tempdir().unwrap();
        let master = FileKey::throw_away().unwrap();
        let open = |new| Keyring::open(folder.path(), &master, new, true);
        assert!(open(false).is_err_and(|e| e.to_string().contains("missing")));
        let ring = open(true).unwrap();
        let (ana, eva) = (ring.give().unwrap(), ring.give().unwrap());
        assert!(ana > HOUSE_SLOT);
        let known = [ana, eva].map(|slot| key(&ring, slot));
        assert!(known[0].is_some() && known[0] != known[1]);
        drop(ring);
        let ring = open(false).unwrap();
        assert_eq!([ana, eva].map(|slot| key(&ring, slot)), known);
        let leo = ring.give().unwrap();
        assert!(leo > eva);
        ring.erase(ana).unwrap();
        drop(ring);
        let ring = open(false).unwrap();
        assert_eq!([ana, eva].map(|slot| key(&ring, slot)), [None, known[1]]);
        assert!(ring.erase(HOUSE_SLOT).is_err());
    }

    #[test]
    fn a_rotated_ring_opens_under_the_new_master_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let (old, new) = (
            FileKey::throw_away().unwrap(),
            FileKey::throw_away().unwrap(),
        );
        let ring = Keyring::open(folder.path(), &old, true, true).unwrap();
        let (ana, eva) = (ring.give().unwrap(), ring.give().unwrap());
        ring.erase(ana).unwrap();
        let known = key(&ring, eva);
        let bytes = std::fs::read(path(folder.path())).unwrap();
        rotate(folder.path(), &old, &new).unwrap();
        assert!(Keyring::open(folder.path(), &old, false, true).is_err());
        let ring = Keyring::open(folder.path(), &new, false, true).unwrap();
        assert_eq!((key(&ring, ana), key(&ring, eva)), (None, known));
        let after = std::fs::read(path(folder.path())).unwrap();
        assert_eq!(bytes.len(), after.len());
        assert_ne!(bytes[HEADER..HEADER + 64], after[HEADER..HEADER + 64]);
    }
}
