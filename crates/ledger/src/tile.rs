//! Rows and files: where the log lies in a key-value store, and the static files (C2SP tlog-tiles) that are read out
//! of those rows.
//!
//! | row key | value | file |
//! |---|---|---|
//! | `s` | size (8 bytes, big-endian) and root (32) | |
//! | `c` | the latest signed checkpoint | `checkpoint` |
//! | `e` index | a full entry bundle: 256 times `00 20` and a commitment | `tile/entries/<index>` |
//! | `p` place | a piece of the unfinished bundle: its index (8 bytes), then commitments, the first at this place of it (1 byte) | `tile/entries/<index>.p/<width>` |
//! | `h` level index | a hash tile of level 1 and up: up to 256 hashes | `tile/<level>/<index>[.p/<width>]` |
//!
//! Indexes in keys are 8 bytes big-endian, so keys sort by place. The tile of level 0 has no row: its hashes are the
//! leaf hashes of the bundle of the same index, and are computed when asked for, which halves what an append writes
//! and leaves nothing to disagree. A hash tile of the right edge is rewritten longer and longer until it is full, then never
//! again; what it once held stays its beginning, so one row answers for the partial files of every past size. The
//! unfinished bundle grows with every append, so it is not rewritten: each append puts a piece at the place where it
//! begins. A piece is followed by the one that begins where it ends; when there are [`PIECES`] of them the next append
//! puts the whole bundle so far at place 0. Pieces of earlier bundles lie about under their places, and their index says
//! that they do not count; nothing is ever deleted.

use crate::hash::commitment_leaf;
use crate::{Error, Get, Hash, Result};
use std::fmt;

/// Hashes in a full tile, and entries in a full bundle.
pub const WIDTH: u64 = 256;

/// Bytes of an entry in its bundle: a length of two bytes, then the commitment.
pub(crate) const ENTRY: usize = 34;

/// Pieces of the unfinished bundle at most.
pub(crate) const PIECES: usize = 16;

/// Key of the row with the tree's size and root.
pub(crate) const STATE: &[u8] = b"s";

/// Key of the row with the latest signed checkpoint.
pub const CHECKPOINT: &[u8] = b"c";

/// Key of an entry bundle.
pub(crate) fn bundle_key(index: u64) -> Vec<u8> {
    [b"e".as_slice(), &index.to_be_bytes()].concat()
}

/// Key of the piece of the unfinished bundle that begins at this place of it.
pub(crate) fn piece_key(place: u8) -> Vec<u8> {
    vec![b'p', place]
}

/// Whether a key is that of a piece.
pub(crate) fn is_piece(key: &[u8]) -> bool {
    matches!(key, [b'p', _])
}

/// A piece of a bundle: these entries of it.
pub(crate) fn piece(index: u64, entries: &[u8]) -> Vec<u8> {
    let mut piece = Vec::with_capacity(8 + entries.len());
    piece.extend_from_slice(&index.to_be_bytes());
    for entry in entries.chunks_exact(ENTRY) {
        piece.extend_from_slice(entry.get(2..).unwrap_or_default());
    }
    piece
}

/// The first `width` entries of a bundle, and of how many pieces it was put together: one row when it is full, at most
/// [`PIECES`] and one more when it is not. Nothing when it is not that long.
pub(crate) fn bundle(index: u64, width: u16, get: Get<'_>) -> Option<(Vec<u8>, usize)> {
    let wanted = ENTRY * usize::from(width);
    let mut entries = get(&bundle_key(index)).unwrap_or_default();
    // Logs once kept the unfinished bundle in its own row; what was put together since then holds that and more.
    if (1..wanted).contains(&entries.len())
        && let Some(more) = piece_at(index, 0, get).filter(|more| more.len() > entries.len())
    {
        entries = more;
    }
    let mut pieces = usize::from(!entries.is_empty());
    while entries.len() < wanted {
        let place = u8::try_from(entries.len() / ENTRY).ok()?;
        entries.extend(piece_at(index, place, get)?);
        pieces += 1;
    }
    entries.truncate(wanted);
    Some((entries, pieces))
}

/// The entries of the piece that begins at a place of a bundle.
fn piece_at(index: u64, place: u8, get: Get<'_>) -> Option<Vec<u8>> {
    let row = get(&piece_key(place))?;
    let (of, commitments) = row.split_first_chunk::<8>()?;
    let (commitments, rest) = commitments.as_chunks::<32>();
    if *of != index.to_be_bytes() || commitments.is_empty() || !rest.is_empty() {
        return None;
    }
    let mut entries = Vec::with_capacity(ENTRY * commitments.len());
    for commitment in commitments {
        push_entry(&mut entries, commitment);
    }
    Some(entries)
}

/// Key of a hash tile of level 1 or higher.
pub(crate) fn tile_key(level: u8, index: u64) -> Vec<u8> {
    [b"h".as_slice(), &[level], &index.to_be_bytes()].concat()
}

/// What a row is called in messages: the path of its file, without width.
pub(crate) fn row_name(key: &[u8]) -> String {
    match key {
        [b'e', index @ ..] => format!("tile/entries/{}", be(index)),
        [b'p', place] => format!("the piece of the unfinished bundle at {place}"),
        [b'h', level, index @ ..] => format!("tile/{level}/{}", be(index)),
        other => String::from_utf8_lossy(other).into_owned(),
    }
}

fn be(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |n, byte| n << 8 | u64::from(*byte))
}

/// One of the static files that make a log readable for anyone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum File {
    /// The latest signed checkpoint.
    Checkpoint,
    /// Hashes of a level of the tree.
    Hashes {
        /// Level: 0 holds leaf hashes, each hash of level n+1 is the root of a full tile of level n.
        level: u8,
        /// Place in its level.
        index: u64,
        /// Hashes, 1 to 256; below 256 the path says so.
        width: u16,
    },
    /// Entries: the commitments themselves.
    Entries {
        /// Place among the bundles.
        index: u64,
        /// Entries, 1 to 256.
        width: u16,
    },
}

impl File {
    /// Reads a path such as `tile/0/x001/234.p/5`, without a leading slash. Only the one canonical spelling is read.
    pub fn parse(path: &str) -> Option<File> {
        if path == "checkpoint" {
            return Some(File::Checkpoint);
        }
        let (level, place) = path.strip_prefix("tile/")?.split_once('/')?;
        let (index, width) = match place.split_once(".p/") {
            None => (parse_index(place)?, WIDTH as u16),
            Some((index, width)) => (parse_index(index)?, width.parse().ok()?),
        };
        let file = match level {
            "entries" => File::Entries { index, width },
            level => File::Hashes {
                level: level.parse().ok().filter(|level| *level < 64)?,
                index,
                width,
            },
        };
        // Printing it back catches leading zeroes, signs, width 0, 256 and above, and needless path elements.
        let partial = place.contains(".p/");
        let fits = if partial { 1..WIDTH as u16 } else { 256..257 };
        (fits.contains(&width) && file.to_string() == path).then_some(file)
    }

    /// What to send as `Content-Type`.
    pub fn content_type(&self) -> &'static str {
        match self {
            File::Checkpoint => "text/plain; charset=utf-8",
            File::Hashes { .. } | File::Entries { .. } => "application/octet-stream",
        }
    }

    /// Whether the file, once served, never changes: all but the checkpoint.
    pub fn immutable(&self) -> bool {
        !matches!(self, File::Checkpoint)
    }

    /// The file's bytes out of the rows, or nothing when the log has not grown so far. Cost: one row, of the unfinished
    /// bundle a few; a tile of level 0 also a hash for each of its leaves.
    pub fn read(&self, get: Get<'_>) -> Result<Option<Vec<u8>>> {
        match *self {
            File::Checkpoint => Ok(get(CHECKPOINT)),
            File::Entries { index, width } => Ok(bundle(index, width, get).map(|(row, _)| row)),
            File::Hashes {
                level: 0,
                index,
                width,
            } => {
                let leaves = |(row, _): (Vec<u8>, usize)| bundle_leaves(index, &row);
                let leaves = bundle(index, width, get).map(leaves).transpose()?;
                Ok(leaves.map(|leaves| leaves.concat()))
            }
            File::Hashes {
                level,
                index,
                width,
            } => {
                let length = 32 * usize::from(width);
                let row = get(&tile_key(level, index)).filter(|row| row.len() >= length);
                Ok(row.map(|mut row| {
                    row.truncate(length);
                    row
                }))
            }
        }
    }
}

impl fmt::Display for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (index, width) = match *self {
            File::Checkpoint => return f.write_str("checkpoint"),
            File::Entries { index, width } => {
                f.write_str("tile/entries/")?;
                (index, width)
            }
            File::Hashes {
                level,
                index,
                width,
            } => {
                write!(f, "tile/{level}/")?;
                (index, width)
            }
        };
        write_index(f, index)?;
        if u64::from(width) < WIDTH {
            write!(f, ".p/{width}")?;
        }
        Ok(())
    }
}

/// Every file that a log of this size has, partial ones included: what to copy for a mirror or an auditor. The
/// checkpoint comes last, so that whoever copies in this order never has a head without its tree.
pub fn files(size: u64) -> impl Iterator<Item = File> {
    let entries = spans(size).map(|(index, width)| File::Entries { index, width });
    let hashes = (0u8..8)
        .map(move |level| (level, size >> (8 * u32::from(level))))
        .flat_map(|(level, hashes)| {
            spans(hashes).map(move |(index, width)| File::Hashes {
                level,
                index,
                width,
            })
        });
    entries
        .chain(hashes)
        .chain(std::iter::once(File::Checkpoint))
}

fn spans(items: u64) -> impl Iterator<Item = (u64, u16)> {
    (0..items.div_ceil(WIDTH)).map(move |index| (index, (items - index * WIDTH).min(WIDTH) as u16))
}

/// 1234067 is `x001/x234/067`.
fn write_index(f: &mut fmt::Formatter<'_>, index: u64) -> fmt::Result {
    let mut groups = vec![index % 1000];
    let mut rest = index / 1000;
    while rest > 0 {
        groups.push(rest % 1000);
        rest /= 1000;
    }
    for (place, group) in groups.iter().enumerate().rev() {
        match place {
            0 => write!(f, "{group:03}")?,
            _ => write!(f, "x{group:03}/")?,
        }
    }
    Ok(())
}

fn parse_index(text: &str) -> Option<u64> {
    text.split('/').try_fold(0u64, |index, group| {
        let digits = group.strip_prefix('x').unwrap_or(group);
        if digits.len() != 3 || !digits.bytes().all(|b| b.is_ascii_digit()) {
            return None;
        }
        index.checked_mul(1000)?.checked_add(digits.parse().ok()?)
    })
}

/// The entry of a commitment in its bundle.
pub(crate) fn push_entry(bundle: &mut Vec<u8>, commitment: &Hash) {
    bundle.extend_from_slice(&[0x00, 0x20]);
    bundle.extend_from_slice(commitment);
}

/// The commitments of a bundle.
pub(crate) fn bundle_entries(index: u64, bundle: &[u8]) -> Result<Vec<Hash>> {
    let broken = || Error::BrokenRow {
        row: format!("tile/entries/{index}"),
        why: "it is no sequence of 32-byte entries",
    };
    if !bundle.len().is_multiple_of(ENTRY) || bundle.len() > ENTRY * WIDTH as usize {
        return Err(broken());
    }
    bundle
        .chunks_exact(ENTRY)
        .map(|entry| match entry.split_first_chunk::<2>() {
            Some(([0x00, 0x20], commitment)) => commitment.try_into().map_err(|_| broken()),
            _ => Err(broken()),
        })
        .collect()
}

/// The leaf hashes of a bundle, which are its tile of level 0.
pub(crate) fn bundle_leaves(index: u64, bundle: &[u8]) -> Result<Vec<Hash>> {
    let entries = bundle_entries(index, bundle)?;
    Ok(entries.iter().map(commitment_leaf).collect())
}

/// The first `width` hashes of a tile of any level, out of the rows.
pub(crate) fn tile_hashes(level: u8, index: u64, width: u16, get: Get<'_>) -> Result<Vec<Hash>> {
    let file = File::Hashes {
        level,
        index,
        width,
    };
    let bytes = file
        .read(get)?
        .ok_or_else(|| Error::MissingRow(file.to_string()))?;
    let (hashes, _) = bytes.as_chunks::<32>();
    Ok(hashes.to_vec())
}
