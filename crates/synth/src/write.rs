//! Lives into files: one folder per institution, and the truth beside them.
//!
//! Lives are made on as many threads as asked, in runs of [`RUN`]; the files are written by the caller's thread alone,
//! in the order of the lives, so threads never change a byte. Memory: a few runs per thread, whatever the number of people.

use crate::Error;
use crate::country::Country;
use crate::cover::Institution;
use crate::life::{Life, transaction};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::mpsc::{Receiver, sync_channel};

/// Lives that a thread makes before it hands them over.
const RUN: u64 = 32;

/// The form of the output.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `imss/Patient.ndjson`, `imss/Encounter.ndjson`...
    Ndjson,
    /// `imss/0-units.json` with what is shared, then `imss/000000017.json` for each person: transaction Bundles.
    Bundles,
}

/// What was written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Lives.
    pub people: u64,
    /// Patient registrations at institutions.
    pub registrations: u64,
    /// Resources of lives, without what is shared.
    pub resources: u64,
    /// Bytes of all files.
    pub bytes: u64,
}

/// One run of lives, ready to be written: file (institution folder, name) and its bytes.
#[derive(Default)]
struct Piece {
    files: BTreeMap<(Institution, String), Vec<u8>>,
    truth: Vec<u8>,
    written: Written,
}

/// Writes `people` lives of a seed into `dir`, which must be empty or absent: a folder per institution, `truth.csv`
/// (person, institution, its patient id, true CURP, recorded CURP, faults). `progress` is told how many lives are done.
///
/// # Errors
/// When the folder holds something already, or a file cannot be written; what was written until then stays.
pub fn write(
    country: &Country,
    dir: &Path,
    people: u64,
    seed: u64,
    format: Format,
    threads: usize,
    progress: &mut dyn FnMut(u64),
) -> Result<Written, Error> {
    let mut out = Folder::new(dir)?;
    for institution in Institution::ALL {
        let shared = country.shared(institution);
        let mut piece = Piece::default();
        match format {
            Format::Ndjson => piece.lines(institution, &shared),
            Format::Bundles => piece.whole(institution, "0-units.json".to_owned(), &shared),
        }
        out.take(piece)?;
    }
    let header = "person,institution,patient_id,true_curp,recorded_curp,faults\n";
    out.append("truth.csv", header.as_bytes())?;
    let threads = u64::try_from(threads.max(1)).unwrap_or(1);
    std::thread::scope(|scope| {
        let workers: Vec<Receiver<Piece>> = (0..threads)
            .map(|worker| {
                let (send, receive) = sync_channel(2);
                scope.spawn(move || {
                    let mut from = worker * RUN;
                    while from < people {
                        let piece = run(country, seed, from..(from + RUN).min(people), format);
                        // The receiver is gone when a write failed: nothing more to do.
                        if send.send(piece).is_err() {
                            return;
                        }
                        from += threads * RUN;
                    }
                });
                receive
            })
            .collect();
        // Run number n comes from worker n mod threads: taking turns restores the order.
        'runs: loop {
            for worker in &workers {
                let Ok(piece) = worker.recv() else {
                    break 'runs;
                };
                out.take(piece)?;
                progress(out.written.people);
            }
        }
        Ok(())
    })?;
    out.finish()
}

fn run(country: &Country, seed: u64, lives: std::ops::Range<u64>, format: Format) -> Piece {
    let mut piece = Piece::default();
    for index in lives {
        let life = country.life(seed, index);
        piece.truth(&life);
        piece.written.people += 1;
        for record in &life.records {
            piece.written.registrations += 1;
            piece.written.resources += record.entries.len() as u64;
            match format {
                Format::Ndjson => piece.lines(record.institution, &record.entries),
                Format::Bundles => {
                    let name = format!("{index:09}.json");
                    piece.whole(record.institution, name, &record.entries);
                }
            }
        }
    }
    piece
}

impl Piece {
    fn lines(&mut self, institution: Institution, resources: &[fhir::Value]) {
        for resource in resources {
            let kind = resource.text("resourceType").unwrap_or("Unknown");
            let name = format!("{kind}.ndjson");
            let file = self.files.entry((institution, name)).or_default();
            resource.write(file);
            file.push(b'\n');
        }
    }
    fn whole(&mut self, institution: Institution, name: String, resources: &[fhir::Value]) {
        let bytes = transaction(resources).to_bytes();
        self.files.insert((institution, name), bytes);
    }
    fn truth(&mut self, life: &Life) {
        for record in &life.records {
            let line = format!(
                "{},{},{},{},{},{}\n",
                life.index,
                record.institution.slug(),
                record.patient_id,
                life.person.curp,
                record.recorded_curp.as_deref().unwrap_or(""),
                record.faults.join(";"),
            );
            self.truth.extend_from_slice(line.as_bytes());
        }
    }
}

/// Open files of the output.
struct Folder {
    dir: std::path::PathBuf,
    open: BTreeMap<String, BufWriter<File>>,
    written: Written,
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Error + '_ {
    |source| Error::Io {
        path: path.display().to_string(),
        source,
    }
}

impl Folder {
    fn new(dir: &Path) -> Result<Folder, Error> {
        fs::create_dir_all(dir).map_err(io(dir))?;
        if fs::read_dir(dir).map_err(io(dir))?.next().is_some() {
            return Err(Error::NotEmpty(dir.display().to_string()));
        }
        for institution in Institution::ALL {
            let path = dir.join(institution.slug());
            fs::create_dir_all(&path).map_err(io(&path))?;
        }
        Ok(Folder {
            dir: dir.to_owned(),
            open: BTreeMap::new(),
            written: Written::default(),
        })
    }
    fn take(&mut self, piece: Piece) -> Result<(), Error> {
        for ((institution, name), bytes) in &piece.files {
            let path = format!("{}/{name}", institution.slug());
            if name.ends_with(".json") {
                // One Bundle, one file: no need to keep it open.
                let path = self.dir.join(path);
                fs::write(&path, bytes).map_err(io(&path))?;
                self.written.bytes += bytes.len() as u64;
            } else {
                self.append(&path, bytes)?;
            }
        }
        self.append("truth.csv", &piece.truth)?;
        self.written.people += piece.written.people;
        self.written.registrations += piece.written.registrations;
        self.written.resources += piece.written.resources;
        Ok(())
    }
    fn append(&mut self, name: &str, bytes: &[u8]) -> Result<(), Error> {
        let path = self.dir.join(name);
        let file = match self.open.entry(name.to_owned()) {
            std::collections::btree_map::Entry::Occupied(open) => open.into_mut(),
            std::collections::btree_map::Entry::Vacant(slot) => {
                let file = File::create(&path).map_err(io(&path))?;
                slot.insert(BufWriter::with_capacity(1 << 16, file))
            }
        };
        file.write_all(bytes).map_err(io(&path))?;
        self.written.bytes += bytes.len() as u64;
        Ok(())
    }
    fn finish(mut self) -> Result<Written, Error> {
        for (name, file) in &mut self.open {
            file.flush().map_err(io(&self.dir.join(name)))?;
        }
        Ok(self.written)
    }
}
