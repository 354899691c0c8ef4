//! Compression with dictionaries.
//!
//! In: bytes of a kind (a type's bodies, cards, acts). Out: the number of a codec and the bytes as it packs them; and
//! back. Codec 0 is none, 1 is zstd by itself, from 2 on the number names a dictionary. Dictionaries are never changed
//! and never deleted, so what was packed with an older one stays readable.
//!
//! A packed value is a zstd frame without its magic number, made so that it names no dictionary (the codec does).
//!
//! Cost: one run of zstd each way, its time not measured by itself; each dictionary is made ready once and held in memory.

use crate::{Error, Result, codec::put_number};
use std::{
    cell::RefCell,
    collections::HashMap,
    sync::{
        Arc, OnceLock, PoisonError, RwLock,
        atomic::{AtomicU32, Ordering::Relaxed},
        mpsc::Sender,
    },
};
use zstd::zstd_safe::{CCtx, CDict, DCtx, DDict, compress_bound, get_frame_content_size};

const PLAIN: u32 = 0;
const ALONE: u32 = 1;
/// The first number of a dictionary.
pub(crate) const FIRST: u32 = 2;
/// Level of compression. With a dictionary the higher ones win nothing: of Synthea's Observations level 3 leaves 120 bytes
/// in 3 microseconds, level 9 118 in 18; of Claims 195 in 5 against 197 in 39.
const LEVEL: i32 = 3;
/// Of acts, which every answer waits for: half the time, and they are no larger.
const ACTS_LEVEL: i32 = 1;
const MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
/// Unpacked, nothing is larger: more is damage.
const MOST: u64 = 1 << 30;

/// What is packed: like goes with like. Bodies have the number of their type.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct Kind(pub(crate) u8);

impl Kind {
    pub(crate) const CARDS: Kind = Kind(0xf0);
    pub(crate) const ACTS: Kind = Kind(0xf1);

    fn level(self) -> i32 {
        if self == Kind::ACTS {
            ACTS_LEVEL
        } else {
            LEVEL
        }
    }
}

struct Dictionary {
    pack: CDict<'static>,
    unpack: DDict<'static>,
}

#[derive(Default)]
struct Known {
    by_number: HashMap<u32, Arc<Dictionary>>,
    /// The one in use for each kind.
    current: HashMap<Kind, (u32, Arc<Dictionary>)>,
}

/// All dictionaries of an archive.
pub(crate) struct Press {
    known: RwLock<Known>,
    /// How many values of each kind were packed since the archive was opened.
    packed: [AtomicU32; 256],
    /// Who is told when a kind was packed often.
    trainer: OnceLock<Sender<Option<Kind>>>,
}

/// Values after which a kind without a dictionary of its own gets one, and is tried again until then.
const OFTEN: u32 = 256;
/// Values after which one that has a dictionary is looked at again, and each time there are twice as many.
const LATER: u32 = 8192;

thread_local! {
    static PACKER: RefCell<Option<CCtx<'static>>> = RefCell::new(CCtx::try_create());
    static UNPACKER: RefCell<Option<DCtx<'static>>> = RefCell::new(DCtx::try_create());
}

impl Default for Press {
    fn default() -> Press {
        Press {
            known: RwLock::default(),
            packed: [const { AtomicU32::new(0) }; 256],
            trainer: OnceLock::new(),
        }
    }
}

impl Press {
    /// From now on this one is told what is packed often.
    pub(crate) fn tell(&self, trainer: Sender<Option<Kind>>) {
        let _ = self.trainer.set(trainer);
    }

    fn count(&self, kind: Kind, has: bool) {
        let Some(count) = self.packed.get(usize::from(kind.0)) else {
            return;
        };
        let count = count.fetch_add(1, Relaxed) + 1;
        let due = match has {
            false => count.is_multiple_of(OFTEN),
            true => count >= LATER && count.is_power_of_two(),
        };
        if due && let Some(trainer) = self.trainer.get() {
            let _ = trainer.send(Some(kind));
        }
    }

    /// Takes a dictionary into use for its kind; the highest number wins.
    pub(crate) fn learn(&self, kind: Kind, number: u32, bytes: &[u8]) -> Result<()> {
        let failed = || Error::Damaged(format!("dictionary {number} cannot be used"));
        let dictionary = Arc::new(Dictionary {
            pack: CDict::try_create(bytes, kind.level()).ok_or_else(failed)?,
            unpack: DDict::try_create(bytes).ok_or_else(failed)?,
        });
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        known.by_number.insert(number, dictionary.clone());
        if known
            .current
            .get(&kind)
            .is_none_or(|(old, _)| *old < number)
        {
            known.current.insert(kind, (number, dictionary));
        }
        Ok(())
    }

    /// The highest number of a dictionary, and how many bytes samples take with the one in use for their kind.
    pub(crate) fn sizes(&self, kind: Kind, samples: &[Vec<u8>]) -> (u32, usize) {
        let current = self.for_kind(kind);
        let with = current.as_ref().map(|(_, dictionary)| &dictionary.pack);
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        let highest = known.by_number.keys().max().copied().unwrap_or(FIRST - 1);
        (highest, total(samples, with))
    }

    fn for_kind(&self, kind: Kind) -> Option<(u32, Arc<Dictionary>)> {
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        known.current.get(&kind).cloned()
    }

    /// Appends the codec's number and the packed bytes.
    pub(crate) fn pack(&self, kind: Kind, bytes: &[u8], out: &mut Vec<u8>) {
        let dictionary = self.for_kind(kind);
        self.count(kind, dictionary.is_some());
        let with = dictionary.as_ref().map(|(_, dictionary)| &dictionary.pack);
        match squeeze(bytes, with) {
            Some(packed) => {
                put_number(out, dictionary.map_or(ALONE, |(number, _)| number).into());
                out.extend_from_slice(&packed);
            }
            None => {
                put_number(out, PLAIN.into());
                out.extend_from_slice(bytes);
            }
        }
    }

    /// The bytes of a codec as they were.
    pub(crate) fn unpack(&self, codec: u64, packed: &[u8]) -> Result<Vec<u8>> {
        let dictionary = match u32::try_from(codec) {
            Ok(PLAIN) => return Ok(packed.to_vec()),
            Ok(ALONE) => None,
            Ok(number) => {
                let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
                let found = known.by_number.get(&number).cloned();
                Some(
                    found
                        .ok_or_else(|| Error::Damaged(format!("dictionary {number} is missing")))?,
                )
            }
            Err(_) => return Err(Error::Damaged(format!("a value of unknown form {codec}"))),
        };
        expand(packed, dictionary.as_ref().map(|known| &known.unpack))
            .ok_or_else(|| Error::Damaged("a value cannot be unpacked".into()))
    }
}

/// A frame without its magic number; `None` when that would not be smaller.
fn squeeze(bytes: &[u8], with: Option<&CDict<'static>>) -> Option<Vec<u8>> {
    PACKER.with_borrow_mut(|packer| {
        let packer = packer.as_mut()?;
        let mut out: Vec<u8> = Vec::with_capacity(compress_bound(bytes.len()));
        let size = match with {
            Some(with) => packer.compress_using_cdict(&mut out, bytes, with),
            None => packer.compress(&mut out, bytes, LEVEL),
        };
        size.ok()?;
        if !out.starts_with(&MAGIC) || out.len() - MAGIC.len() >= bytes.len() {
            return None;
        }
        out.drain(..MAGIC.len());
        Some(out)
    })
}

fn expand(packed: &[u8], with: Option<&DDict<'static>>) -> Option<Vec<u8>> {
    UNPACKER.with_borrow_mut(|unpacker| {
        let unpacker = unpacker.as_mut()?;
        let mut frame = Vec::with_capacity(MAGIC.len() + packed.len());
        frame.extend_from_slice(&MAGIC);
        frame.extend_from_slice(packed);
        let size = get_frame_content_size(&frame).ok()??;
        if size > MOST {
            return None;
        }
        let mut out: Vec<u8> = Vec::with_capacity(size as usize);
        match with {
            Some(with) => unpacker.decompress_using_ddict(&mut out, &frame, with),
            None => unpacker.decompress(&mut out, &frame),
        }
        .ok()?;
        Some(out)
    })
}

/// A dictionary out of samples, at most `size` bytes; `None` when they have too little in common.
pub(crate) fn train(samples: &[Vec<u8>], size: usize) -> Option<Vec<u8>> {
    let all = samples.concat();
    let sizes: Vec<usize> = samples.iter().map(Vec::len).collect();
    let mut dictionary: Vec<u8> = Vec::with_capacity(size);
    zstd::zstd_safe::train_from_buffer(&mut dictionary, &all, &sizes).ok()?;
    // The number that frames would bear: none.
    dictionary.get_mut(4..8)?.fill(0);
    Some(dictionary)
}

/// How many bytes samples of a kind take with a dictionary.
pub(crate) fn size_with(kind: Kind, samples: &[Vec<u8>], dictionary: &[u8]) -> Option<usize> {
    let with = CDict::try_create(dictionary, kind.level())?;
    Some(total(samples, Some(&with)))
}

fn total(samples: &[Vec<u8>], with: Option<&CDict<'static>>) -> usize {
    let size = |sample: &Vec<u8>| squeeze(sample, with).map_or(sample.len(), |packed| packed.len());
    samples.iter().map(size).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::Reader;

    fn unpacked(press: &Press, packed: &[u8]) -> Result<Vec<u8>> {
        let mut reader = Reader(packed);
        let codec = reader.number()?;
        press.unpack(codec, reader.0)
    }

    #[test]
    fn old_values_stay_readable_under_new_dictionaries() {
        let sample = |n: usize| {
            format!(r#"{{"code":{{"coding":[{{"system":"http://loinc.org","code":"{}"}}]}},"status":"final","valueQuantity":{{"value":{n},"unit":"mg/dL"}}}}"#, n % 7)
                .into_bytes()
        };
        let samples: Vec<Vec<u8>> = (0..300).map(sample).collect();
        let press = Press::default();
        let pack = |bytes: &[u8]| {
            let mut out = Vec::new();
            press.pack(Kind(9), bytes, &mut out);
            out
        };
        let first = pack(&sample(1000));
        let dictionary = train(&samples, 4096).unwrap();
        press.learn(Kind(9), 2, &dictionary).unwrap();
        let second = pack(&sample(1000));
        press
            .learn(Kind(9), 3, &train(&samples, 2048).unwrap())
            .unwrap();
        assert_eq!(press.sizes(Kind(9), &[]).0, 3);
        let third = pack(&sample(1000));
        assert!(
            second.len() * 2 < first.len(),
            "{} {}",
            second.len(),
            first.len()
        );
        for packed in [&first, &second, &third] {
            assert_eq!(unpacked(&press, packed).unwrap(), sample(1000));
        }
        let other = Press::default();
        let error = unpacked(&other, &second).unwrap_err().to_string();
        assert!(error.contains("dictionary 2 is missing"), "{error}");
        assert_eq!(unpacked(&press, &pack(b"ab")).unwrap(), b"ab");
        assert!(press.unpack(1, b"rubbish").is_err());
    }
}
