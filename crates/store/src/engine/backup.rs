//! Backup of an archive while it serves, and restore to a point in time.
//!
//! A backup is a folder of thinned segments (`first-last.facts`) and a manifest that names each with its SHA-256, the log it
//! is of, and the last group with its moment. It holds facts only: no index, so nothing readable of one. **The keyring is
//! not in it**: keep that apart, with its own rights. Whose key was erased from the keyring stays erased in every backup,
//! for what the backup holds of her cannot be opened any more.
//!
//! A second backup into the same folder copies only segments that are new or have grown. The manifest is replaced last, so a
//! backup that was killed leaves the one before it. A restore checks everything it reads, writes a log of a new name, and
//! gives it its place last; at the next opening the engine reads the facts and the store derives the rest.
//!
//! Cost: each new segment read and packed once, beside the commits; none of them waits.

use super::{
    disk::{Disk, whole},
    log::{disk_error, each_thinned},
    segment::{FILE_HEADER, Segment, Segments, header, read_header},
    thin::{Writing, each},
};
use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::{Path, PathBuf},
};

const MANIFEST: &str = "manifest";
const TITLE: &str = "tejido backup 1";

/// Why a backup or a restore was not done, in a sentence.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub String);

impl From<crate::Error> for Refused {
    fn from(error: crate::Error) -> Refused {
        Refused(error.to_string())
    }
}

/// What a backup holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backup {
    /// The last group in it.
    pub through: u64,
    /// Microsecond of that group's commit.
    pub moment: i64,
    /// Segments in it.
    pub segments: usize,
    /// Those that were written by the call; for a check or a restore, those that were read.
    pub touched: usize,
    /// Bytes of all segments.
    pub bytes: u64,
}

/// How far a restore goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpTo {
    /// All that the backup holds.
    Everything,
    /// Groups up to this number.
    Group(u64),
    /// Groups committed up to this microsecond.
    Moment(i64),
}

struct Manifest {
    log: [u8; 8],
    through: u64,
    moment: i64,
    files: Vec<Entry>,
}

#[derive(Clone, PartialEq, Eq)]
struct Entry {
    first: u64,
    last: u64,
    bytes: u64,
    sha256: String,
}

type Done<T> = std::result::Result<T, Refused>;

impl Entry {
    fn name(&self) -> String {
        format!("{:016x}-{:016x}.facts", self.first, self.last)
    }
}

impl Manifest {
    fn text(&self) -> String {
        let mut text = format!("{TITLE}\nlog {}\n", hex(&self.log));
        let _ = writeln!(text, "through {} {}", self.through, self.moment);
        for file in &self.files {
            let Entry {
                first,
                last,
                bytes,
                sha256,
            } = file;
            let _ = writeln!(text, "segment {first} {last} {bytes} {sha256}");
        }
        let sum = sha256(text.as_bytes());
        let _ = writeln!(text, "sum {sum}");
        text
    }

    fn parse(text: &str) -> Option<Manifest> {
        let (body, sum) = text.rsplit_once("sum ")?;
        if sha256(body.as_bytes()) != sum.trim_end() {
            return None;
        }
        let mut lines = body.lines();
        if lines.next()? != TITLE {
            return None;
        }
        let log = u64::from_str_radix(lines.next()?.strip_prefix("log ")?, 16).ok()?;
        let (through, moment) = lines.next()?.strip_prefix("through ")?.split_once(' ')?;
        let files = lines.map(|line| {
            let mut words = line.strip_prefix("segment ")?.split(' ');
            Some(Entry {
                first: words.next()?.parse().ok()?,
                last: words.next()?.parse().ok()?,
                bytes: words.next()?.parse().ok()?,
                sha256: words.next()?.to_owned(),
            })
        });
        Some(Manifest {
            log: log.to_be_bytes(),
            through: through.parse().ok()?,
            moment: moment.parse().ok()?,
            files: files.collect::<Option<_>>()?,
        })
    }

    fn backup(&self, touched: usize) -> Backup {
        Backup {
            through: self.through,
            moment: self.moment,
            segments: self.files.len(),
            touched,
            bytes: self.files.iter().map(|file| file.bytes).sum(),
        }
    }
}

/// What is to be copied: the segments up to a group, which are durable and do not change.
pub(crate) struct Source {
    pub(crate) log: [u8; 8],
    pub(crate) segments: Segments,
    pub(crate) through: u64,
    pub(crate) moment: i64,
}

/// Writes or continues the backup in a folder.
pub(crate) fn backup(disk: &dyn Disk, source: &Source, to: &Path) -> Done<Backup> {
    std::fs::create_dir_all(to).map_err(io(to))?;
    let before = match to.join(MANIFEST).exists() {
        true => Some(manifest(to)?),
        false if is_empty(to)? => None,
        false => {
            return Err(Refused(format!(
                "{} holds other files; name an empty folder or one with an earlier backup",
                to.display()
            )));
        }
    };
    if let Some(before) = &before
        && (before.log != source.log || before.through > source.through)
    {
        return Err(Refused(format!(
            "{} holds the backup of another archive, or of a later state of this one; name another folder",
            to.display()
        )));
    }
    let known: BTreeMap<(u64, u64), Entry> = before
        .iter()
        .flat_map(|manifest| &manifest.files)
        .map(|file| ((file.first, file.last), file.clone()))
        .collect();
    let mut next = Manifest {
        log: source.log,
        through: source.through,
        moment: source.moment,
        files: Vec::new(),
    };
    let mut touched = 0;
    for segment in source.segments.iter() {
        let until = segment.until().min(source.through + 1);
        if until <= segment.first {
            continue;
        }
        let last = until - 1;
        let held = known
            .get(&(segment.first, last))
            .filter(|file| length(&to.join(file.name())) == Some(file.bytes));
        next.files.push(match held {
            Some(file) => file.clone(),
            None => {
                touched += 1;
                copy(disk, segment, last, source.log, to)?
            }
        });
    }
    write_whole(
        disk,
        &to.join(MANIFEST),
        next.text().as_bytes(),
        "manifest.new",
    )?;
    for old in known.values().filter(|file| !next.files.contains(file)) {
        let _ = disk.remove(&to.join(old.name()));
    }
    Ok(next.backup(touched))
}

/// Copies the facts of a segment up to group `last`.
fn copy(disk: &dyn Disk, segment: &Segment, last: u64, log: [u8; 8], to: &Path) -> Done<Entry> {
    let mut entry = Entry {
        first: segment.first,
        last,
        bytes: 0,
        sha256: String::new(),
    };
    let path = to.join(entry.name());
    let draft = path.with_extension("new");
    let _ = disk.remove(&draft);
    let mut writing = Writing::create(disk, &draft, segment.first, log)?;
    each(segment, last + 1, &mut |group| writing.group(&group))?;
    writing.finish()?;
    let bytes = read(disk, &draft)?;
    entry.bytes = bytes.len() as u64;
    entry.sha256 = sha256(&bytes);
    disk.rename(&draft, &path).map_err(io(&path))?;
    Ok(entry)
}

/// Checks a backup: every byte against the manifest, every record against its checksum, no group missing.
pub fn check_backup(disk: &dyn Disk, from: &Path) -> Done<Backup> {
    let manifest = manifest(from)?;
    for file in &manifest.files {
        let segment = checked(disk, from, &manifest, file)?;
        each_thinned(&segment, &mut |_| Ok(()))?;
    }
    Ok(manifest.backup(manifest.files.len()))
}

/// Restores a backup into a folder that is empty or not there yet; gives the last group restored and its moment. The
/// archive opens there with its keyring, which a backup never holds.
pub fn restore(disk: &dyn Disk, from: &Path, to: &Path, up_to: UpTo) -> Done<(u64, i64)> {
    let manifest = manifest(from)?;
    std::fs::create_dir_all(to).map_err(io(to))?;
    let draft = to.join("log.restoring");
    let _ = std::fs::remove_dir_all(&draft);
    if !is_empty(to)? {
        return Err(Refused(format!(
            "{} is not empty; restore into a new folder, so that nothing is overwritten",
            to.display()
        )));
    }
    std::fs::create_dir_all(&draft).map_err(io(&draft))?;
    let mut log = [0; 8];
    aws_lc_rs::rand::fill(&mut log)
        .map_err(|_| Refused("the system gives no random bytes".into()))?;
    let mut reached = (0, i64::MIN);
    for file in &manifest.files {
        let segment = checked(disk, from, &manifest, file)?;
        let mut wanted = 0;
        each_thinned(&segment, &mut |group| {
            let take = match up_to {
                UpTo::Everything => true,
                UpTo::Group(last) => group.number <= last,
                UpTo::Moment(last) => group.moment <= last,
            };
            if take {
                wanted += 1;
                reached = (group.number, group.moment);
            }
            Ok(())
        })?;
        let path = draft.join(format!("{:016x}.facts", file.first));
        if wanted == file.last - file.first + 1 {
            let mut bytes = segment.bytes()?;
            let start = header(file.first, log);
            if let Some(old) = bytes.get_mut(..FILE_HEADER) {
                old.copy_from_slice(&start);
            }
            let mut file = disk.create(&path).map_err(io(&path))?;
            file.append(&bytes).map_err(io(&path))?;
            file.sync().map_err(io(&path))?;
        } else {
            if wanted > 0 {
                let mut writing = Writing::create(disk, &path, file.first, log)?;
                each(&segment, file.first + wanted, &mut |group| {
                    writing.group(&group)
                })?;
                writing.finish()?;
            }
            break;
        }
    }
    if reached.0 == 0 {
        let _ = std::fs::remove_dir_all(&draft);
        return Err(Refused(
            "the backup holds nothing from before that point".into(),
        ));
    }
    disk.rename(&draft, &to.join("log")).map_err(io(to))?;
    Ok(reached)
}

/// A file of a backup, its bytes as the manifest says.
fn checked(disk: &dyn Disk, from: &Path, manifest: &Manifest, file: &Entry) -> Done<Segment> {
    let path = from.join(file.name());
    let bytes = read(disk, &path)?;
    let sound =
        sha256(&bytes) == file.sha256 && read_header(&bytes) == Some((file.first, manifest.log));
    if !sound {
        return Err(Refused(format!(
            "{} is not what the manifest says; this backup is damaged",
            path.display()
        )));
    }
    Ok(Segment::thinned(disk, &path)?.0)
}

fn manifest(folder: &Path) -> Done<Manifest> {
    let path = folder.join(MANIFEST);
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Refused(format!(
            "{} cannot be read ({error}); this is no backup, or not all of one",
            path.display()
        ))
    })?;
    let manifest = Manifest::parse(&text).ok_or_else(|| {
        Refused(format!(
            "{} is damaged or of a form that this version does not know",
            path.display()
        ))
    })?;
    let mut next = 1;
    for file in &manifest.files {
        if file.first != next || file.last < file.first {
            return Err(Refused(format!(
                "{} names no segment for group {next}",
                path.display()
            )));
        }
        next = file.last + 1;
    }
    match next == manifest.through + 1 {
        true => Ok(manifest),
        false => Err(Refused(format!(
            "{} ends before its last group",
            path.display()
        ))),
    }
}

fn write_whole(disk: &dyn Disk, path: &Path, bytes: &[u8], draft: &str) -> Done<()> {
    let draft = path.with_file_name(draft);
    let _ = disk.remove(&draft);
    let mut file = disk.create(&draft).map_err(io(&draft))?;
    file.append(bytes).map_err(io(&draft))?;
    file.sync().map_err(io(&draft))?;
    disk.rename(&draft, path).map_err(io(path))
}

fn read(disk: &dyn Disk, path: &Path) -> Done<Vec<u8>> {
    let file = disk.reader(path).map_err(io(path))?;
    whole(file.as_ref()).map_err(io(path))
}

fn length(path: &Path) -> Option<u64> {
    Some(path.metadata().ok()?.len())
}

fn is_empty(folder: &Path) -> Done<bool> {
    Ok(std::fs::read_dir(folder)
        .map_err(disk_error)?
        .next()
        .is_none())
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Refused {
    let path: PathBuf = path.to_owned();
    move |error| Refused(format!("{}: {error}", path.display()))
}

fn sha256(bytes: &[u8]) -> String {
    hex(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, bytes).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manifest_comes_back_and_one_changed_letter_is_seen() {
        let manifest = Manifest {
            log: [1, 2, 3, 4, 5, 6, 7, 8],
            through: 9,
            moment: -3,
            files: vec![Entry {
                first: 1,
                last: 9,
                bytes: 77,
                sha256: "ab".into(),
            }],
        };
        let text = manifest.text();
        let back = Manifest::parse(&text).unwrap();
        assert_eq!((back.log, back.through, back.moment), (manifest.log, 9, -3));
        assert!(back.files == manifest.files);
        assert!(Manifest::parse(&text.replace("through 9", "through 8")).is_none());
        assert!(Manifest::parse("").is_none());
    }
}
