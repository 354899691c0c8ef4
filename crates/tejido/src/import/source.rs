//! Files, folders and archives into pieces: whole documents, and runs of NDJSON lines.
//!
//! What a file is, its bytes say: gzip, zstd and tar by their marks, NDJSON by its first lines. Names only order the
//! work: what many records refer to (institutions, professionals) comes first, in a walk of its own.
//!
//! Memory: one document or one run of lines at a time.

use super::report::Refused;
use super::text::{self, Kind};
use fhir::ResourceType;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

/// Bytes of a document that is read whole (a Bundle).
pub(crate) const MAX_DOCUMENT: usize = 256 << 20;
/// Bytes of one NDJSON line.
pub(crate) const MAX_LINE: usize = 16 << 20;
/// Lines, and about how many bytes of them, that are stored together.
const RUN_LINES: usize = 200;
const RUN_BYTES: usize = 2 << 20;
/// Folders inside folders.
const MAX_FOLDERS: usize = 32;

/// One line of NDJSON.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Line {
    pub(crate) number: u64,
    pub(crate) text: Vec<u8>,
}

/// What a walk gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Piece {
    /// A file that holds one JSON value.
    Document { file: String, text: Vec<u8> },
    /// Some lines of a file.
    Lines { file: String, lines: Vec<Line> },
    /// Something that cannot be taken.
    Refused(Refused),
    /// A file begins (for the count).
    File,
    /// A file without JSON was left alone.
    PassedOver,
}

/// Which half of the files a walk gives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// What many records refer to.
    Shared,
    /// All else.
    Rest,
}

/// The caller wants no more.
#[derive(Debug)]
pub(crate) struct Stop;

/// What takes the pieces.
pub(crate) type Sink<'s> = &'s mut dyn FnMut(Piece) -> Result<(), Stop>;

/// Walks all paths in order and gives the pieces of one turn. `read` is told of every byte read from disk.
pub(crate) fn walk(
    paths: &[impl AsRef<Path>],
    turn: Turn,
    read: &dyn Fn(u64),
    sink: Sink<'_>,
) -> Result<(), Stop> {
    for path in paths {
        let path = path.as_ref();
        let mut walk = Walk { turn, read, sink };
        match fs::metadata(path) {
            Err(error) => walk.refuse(&path.display().to_string(), &unreadable(&error))?,
            Ok(what) if what.is_dir() => walk.folder(path, 0)?,
            Ok(_) => walk.file(path, true)?,
        }
    }
    Ok(())
}

/// Bytes on disk under these paths, for the progress bar.
pub(crate) fn size(paths: &[impl AsRef<Path>]) -> u64 {
    let one = |path: &Path| match fs::metadata(path) {
        Ok(what) if what.is_dir() => size(&inside(path).unwrap_or_default()),
        Ok(what) => what.len(),
        Err(_) => 0,
    };
    paths.iter().map(|path| one(path.as_ref())).sum()
}

/// The turn of a file by its name: generators write `hospitalInformation...`, `practitionerInformation...`,
/// `Organization.ndjson`, `Practitioner.000.ndjson`; ours writes `0-units.json`.
fn turn_of(name: &str) -> Turn {
    let base = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let stem = base.split(['.', '-', '_']).next().unwrap_or_default();
    let shared_type =
        || ResourceType::all().any(|of| !of.is_personal() && of.name().eq_ignore_ascii_case(stem));
    let named_shared = base.contains("information") || base.starts_with("0-") || shared_type();
    // A Patient is in no compartment but her own; Bundles are whatever they hold.
    let plain = matches!(stem, "patient" | "bundle" | "binary" | "parameters");
    if named_shared && !plain {
        Turn::Shared
    } else {
        Turn::Rest
    }
}

struct Walk<'a> {
    turn: Turn,
    read: &'a dyn Fn(u64),
    sink: Sink<'a>,
}

impl Walk<'_> {
    /// Said once, in the second walk.
    fn refuse(&mut self, file: &str, reason: &str) -> Result<(), Stop> {
        match self.turn {
            Turn::Shared => Ok(()),
            Turn::Rest => (self.sink)(Piece::Refused(Refused::file(file, reason))),
        }
    }

    fn folder(&mut self, path: &Path, deep: usize) -> Result<(), Stop> {
        if deep > MAX_FOLDERS {
            return self.refuse(
                &path.display().to_string(),
                "too many folders inside folders",
            );
        }
        let entries = match inside(path) {
            Ok(entries) => entries,
            Err(error) => return self.refuse(&path.display().to_string(), &unreadable(&error)),
        };
        for entry in entries {
            match fs::symlink_metadata(&entry) {
                Ok(what) if what.is_dir() => self.folder(&entry, deep + 1)?,
                // A link to a folder could lead in a circle.
                Ok(what) if what.is_symlink() && entry.is_dir() => {}
                Ok(_) => self.file(&entry, false)?,
                Err(error) => self.refuse(&entry.display().to_string(), &unreadable(&error))?,
            }
        }
        Ok(())
    }

    /// A file on disk. One that was `named` on the command line must be something we take.
    fn file(&mut self, path: &Path, named: bool) -> Result<(), Stop> {
        let name = path.display().to_string();
        let file = match File::open(path) {
            Ok(file) => file,
            Err(error) => return self.refuse(&name, &unreadable(&error)),
        };
        let read = if self.turn == Turn::Rest {
            self.read
        } else {
            &|_| {}
        };
        let counted = Counted { file, read };
        let file = Opened {
            name: &name,
            named,
            inside: false,
            packed: false,
        };
        self.content(file, &mut BufReader::with_capacity(1 << 18, counted))
    }

    /// Whatever a stream holds.
    fn content(&mut self, file: Opened<'_>, stream: &mut dyn BufRead) -> Result<(), Stop> {
        let mut head = Vec::with_capacity(512);
        if let Err(error) = (&mut *stream).take(512).read_to_end(&mut head) {
            return self.refuse(file.name, &broken(&error));
        }
        let form = form(&head);
        let mut whole = Cursor::new(head).chain(stream);
        match form {
            Form::Gzip | Form::Zstd if file.packed => self.refuse(
                file.name,
                "it is compressed twice; unpack it once and try again",
            ),
            Form::Gzip => {
                let plain = flate2::bufread::MultiGzDecoder::new(&mut whole);
                self.content(
                    file.unpacked(),
                    &mut BufReader::with_capacity(1 << 18, plain),
                )
            }
            Form::Zstd => match zstd::stream::read::Decoder::with_buffer(&mut whole) {
                Ok(plain) => self.content(
                    file.unpacked(),
                    &mut BufReader::with_capacity(1 << 18, plain),
                ),
                Err(error) => self.refuse(file.name, &broken(&error)),
            },
            Form::Tar if file.inside => self.refuse(
                file.name,
                "an archive inside an archive is not opened; unpack the outer one first",
            ),
            Form::Tar => self.archive(file, &mut whole),
            Form::Zip => self.refuse(
                file.name,
                "zip archives are not read; unpack it and import the folder",
            ),
            Form::Utf16 => self.refuse(file.name, "it is written in UTF-16; FHIR JSON is UTF-8"),
            Form::Json if turn_of(file.name) != self.turn => Ok(()),
            Form::Json => {
                (self.sink)(Piece::File)?;
                self.json(file, &mut whole)
            }
            Form::Empty if !file.claims_document() && !file.named => self.pass_over(),
            Form::Empty => self.refuse(file.name, "it is empty"),
            Form::Other if file.named || file.claims_json() => {
                self.refuse(file.name, "it does not begin as JSON: no { at its start")
            }
            Form::Other => self.pass_over(),
        }
    }

    fn pass_over(&mut self) -> Result<(), Stop> {
        match self.turn {
            Turn::Shared => Ok(()),
            Turn::Rest => (self.sink)(Piece::PassedOver),
        }
    }

    fn archive(&mut self, file: Opened<'_>, stream: &mut dyn Read) -> Result<(), Stop> {
        let mut archive = tar::Archive::new(stream);
        let entries = match archive.entries() {
            Ok(entries) => entries,
            Err(error) => return self.refuse(file.name, &broken(&error)),
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => return self.refuse(file.name, &broken(&error)),
            };
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let path = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
            let name = format!("{} : {path}", file.name);
            let member = Opened {
                name: &name,
                named: false,
                inside: true,
                packed: false,
            };
            self.content(member, &mut BufReader::with_capacity(1 << 16, entry))?;
        }
        Ok(())
    }

    fn json(&mut self, file: Opened<'_>, stream: &mut dyn BufRead) -> Result<(), Stop> {
        let mut reader = text::Lines::new(stream);
        let start = match reader.start(MAX_LINE, file.claims_lines()) {
            Ok(start) => start,
            Err(error) => return self.refuse(file.name, &broken(&error)),
        };
        match start {
            Kind::Lines => self.lines(file, reader),
            Kind::Document => match reader.rest(MAX_DOCUMENT) {
                Ok(Some(text)) => {
                    let file = file.name.to_owned();
                    (self.sink)(Piece::Document { file, text })
                }
                Ok(None) => {
                    let most = MAX_DOCUMENT >> 20;
                    self.say(
                        file.name,
                        &format!("it is larger than {most} MiB; split it, or write it as NDJSON"),
                    )
                }
                Err(error) => self.say(file.name, &broken(&error)),
            },
        }
    }

    fn say(&mut self, file: &str, reason: &str) -> Result<(), Stop> {
        (self.sink)(Piece::Refused(Refused::file(file, reason)))
    }

    fn lines(&mut self, file: Opened<'_>, mut reader: text::Lines<'_>) -> Result<(), Stop> {
        let mut run = Run::default();
        loop {
            match reader.next(MAX_LINE) {
                Ok(None) => return run.send(file.name, self.sink),
                Ok(Some((number, Some(text)))) => {
                    if text.iter().all(u8::is_ascii_whitespace) {
                        continue;
                    }
                    run.bytes += text.len();
                    run.lines.push(Line { number, text });
                    if run.lines.len() >= RUN_LINES || run.bytes >= RUN_BYTES {
                        std::mem::take(&mut run).send(file.name, self.sink)?;
                    }
                }
                Ok(Some((number, None))) => {
                    let why = format!("the line is longer than {} MiB", MAX_LINE >> 20);
                    (self.sink)(Piece::Refused(Refused::line(file.name, number, why)))?;
                }
                Err(error) => {
                    run.send(file.name, self.sink)?;
                    let why = format!("{}; the lines before this one were taken", broken(&error));
                    let at = reader.number() + 1;
                    return (self.sink)(Piece::Refused(Refused::line(file.name, at, why)));
                }
            }
        }
    }
}

/// Lines that wait to be sent.
#[derive(Default)]
struct Run {
    lines: Vec<Line>,
    bytes: usize,
}

impl Run {
    fn send(self, file: &str, sink: Sink<'_>) -> Result<(), Stop> {
        if self.lines.is_empty() {
            return Ok(());
        }
        sink(Piece::Lines {
            file: file.to_owned(),
            lines: self.lines,
        })
    }
}

/// A stream and how we came to it.
#[derive(Clone, Copy)]
struct Opened<'a> {
    name: &'a str,
    named: bool,
    inside: bool,
    packed: bool,
}

impl Opened<'_> {
    fn unpacked(self) -> Self {
        Opened {
            packed: true,
            ..self
        }
    }
    fn claims(&self, endings: &[&str]) -> bool {
        let name = self.name.to_lowercase();
        let name = name
            .strip_suffix(".gz")
            .or_else(|| name.strip_suffix(".zst"))
            .unwrap_or(&name);
        endings.iter().any(|ending| name.ends_with(ending))
    }
    fn claims_lines(&self) -> bool {
        self.claims(&[".ndjson", ".jsonl", ".ldjson"])
    }
    fn claims_document(&self) -> bool {
        self.claims(&[".json"])
    }
    fn claims_json(&self) -> bool {
        self.claims_lines() || self.claims_document()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Gzip,
    Zstd,
    Tar,
    Zip,
    Utf16,
    Json,
    Empty,
    Other,
}

fn form(head: &[u8]) -> Form {
    match head {
        [0x1f, 0x8b, ..] => Form::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Form::Zstd,
        [b'P', b'K', 3, 4, ..] => Form::Zip,
        [0xfe, 0xff, ..] | [0xff, 0xfe, ..] => Form::Utf16,
        _ if is_tar(head) => Form::Tar,
        _ => {
            let text = head.strip_prefix(text::BOM).unwrap_or(head);
            match text.iter().find(|byte| !byte.is_ascii_whitespace()) {
                Some(b'{' | b'[') => Form::Json,
                None if head.len() < 512 => Form::Empty,
                _ => Form::Other,
            }
        }
    }
}

/// Every tar header carries the sum of its own bytes (its sum field taken as spaces), in octal digits.
fn is_tar(head: &[u8]) -> bool {
    let (Some(block), Some(field)) = (head.get(..512), head.get(148..156)) else {
        return false;
    };
    let digits: String = field
        .iter()
        .map(|&byte| char::from(byte))
        .skip_while(|c| *c == ' ')
        .take_while(char::is_ascii_digit)
        .collect();
    let sum: u32 = block.iter().map(|&byte| u32::from(byte)).sum();
    let own: u32 = field.iter().map(|&byte| u32::from(byte)).sum();
    u32::from_str_radix(&digits, 8) == Ok(sum - own + 8 * u32::from(b' '))
}

/// A folder's entries in the order of their names, so that two imports walk alike.
fn inside(path: &Path) -> io::Result<Vec<std::path::PathBuf>> {
    let mut entries = fs::read_dir(path)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<io::Result<Vec<_>>>()?;
    entries.sort();
    Ok(entries)
}

fn unreadable(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "you may not read it; check its owner and rights".into(),
        _ => format!("it cannot be read: {error}"),
    }
}

fn broken(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::UnexpectedEof => {
            "it ends too early: it was cut off while being written or copied".into()
        }
        _ => format!("it is damaged or cannot be read: {error}"),
    }
}

/// Tells how much of a file was read.
struct Counted<'a> {
    file: File,
    read: &'a dyn Fn(u64),
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(into)?;
        (self.read)(count as u64);
        Ok(count)
    }
}
