//! What was refused, and why: one JSON line each, and the counts of a whole import.

use crate::Error;
use serde::Serialize;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;

/// One resource, line or file that was not taken.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Refused {
    /// The file, with the member's path behind ` : ` when it is inside an archive.
    pub file: String,
    /// Line, from 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// Entry of the Bundle, from 0.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub entry: Option<usize>,
    /// `Type/id`, as far as known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource: Option<String>,
    /// The element.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub expression: String,
    /// What is wrong and, where it is not plain, what to do.
    pub reason: String,
}

impl Refused {
    /// A whole file.
    pub(crate) fn file(file: &str, reason: impl Into<String>) -> Refused {
        Refused {
            file: file.to_owned(),
            reason: reason.into(),
            ..Refused::default()
        }
    }
    /// A line of a file.
    pub(crate) fn line(file: &str, line: u64, reason: impl Into<String>) -> Refused {
        Refused {
            line: Some(line),
            ..Refused::file(file, reason)
        }
    }
}

/// What became of the resources of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// New here.
    pub created: u64,
    /// A new version.
    pub updated: u64,
    /// Already here with the same content.
    pub unchanged: u64,
    /// Deleted by a `DELETE` entry.
    pub deleted: u64,
    /// A second copy in the same import with other content: the first one is kept.
    pub repeated: u64,
    /// Not taken; the report says why.
    pub refused: u64,
}

/// What a whole import did.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// By type; what could not even be read as a resource stands under `?`.
    pub types: BTreeMap<String, Tally>,
    /// Files with FHIR in them, those inside archives too.
    pub files: u64,
    /// Files that hold no JSON (read-me files, tables) and were left alone.
    pub passed_over: u64,
    /// Lines of the report.
    pub refusals: u64,
    /// References that were found by an identifier or another search.
    pub found: u64,
    /// References that name somebody nobody has: kept as an identifier.
    pub logical: u64,
    /// `urn:uuid:` references to something that is not in the Bundle: kept as they are.
    pub open: u64,
}

impl Summary {
    /// All types together.
    pub fn total(&self) -> Tally {
        self.types
            .values()
            .fold(Tally::default(), |sum, one| Tally {
                created: sum.created + one.created,
                updated: sum.updated + one.updated,
                unchanged: sum.unchanged + one.unchanged,
                deleted: sum.deleted + one.deleted,
                repeated: sum.repeated + one.repeated,
                refused: sum.refused + one.refused,
            })
    }
    /// Whether everything was taken.
    pub fn is_clean(&self) -> bool {
        self.refusals == 0 && self.total().refused == 0
    }
    pub(crate) fn of(&mut self, name: &str) -> &mut Tally {
        if !self.types.contains_key(name) {
            self.types.insert(name.to_owned(), Tally::default());
        }
        self.types.entry(name.to_owned()).or_default()
    }
}

/// Where refusals go.
pub(crate) struct Report {
    to: Option<(String, BufWriter<File>)>,
}

impl Report {
    pub(crate) fn open(path: Option<&Path>) -> Result<Report, Error> {
        let Some(path) = path else {
            return Ok(Report { to: None });
        };
        let file = File::create(path).map_err(|e| Error::io(path, e))?;
        let name = path.display().to_string();
        Ok(Report {
            to: Some((name, BufWriter::new(file))),
        })
    }
    pub(crate) fn add(&mut self, refused: &Refused) -> Result<(), Error> {
        let Some((name, file)) = &mut self.to else {
            return Ok(());
        };
        let line = serde_json::to_vec(refused).unwrap_or_default();
        file.write_all(&line)
            .and_then(|()| file.write_all(b"\n"))
            .map_err(|e| Error::io(Path::new(name), e))
    }
    pub(crate) fn finish(&mut self) -> Result<(), Error> {
        match &mut self.to {
            Some((name, file)) => file.flush().map_err(|e| Error::io(Path::new(name), e)),
            None => Ok(()),
        }
    }
}
