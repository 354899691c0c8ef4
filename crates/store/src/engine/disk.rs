//! The few things the log does to files, behind traits so that a test can refuse them.

use std::{
    fs::{File, OpenOptions},
    io::{self, Seek, SeekFrom, Write},
    path::{Path, PathBuf},
};

/// A file that is only appended to.
pub trait DiskFile: Send {
    /// Appends all bytes, or fails having appended some.
    fn append(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Makes what was appended durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file.
    fn cut(&mut self, length: u64) -> io::Result<()>;
    /// From now on small appends may have room made for them: zeros behind what was appended, until the file is closed. To
    /// sync what goes where something was written before asks nothing of the file system's own records.
    fn make_room(&mut self) {}
}

/// Zeros that are written at once.
const AHEAD: u64 = 256 << 10;

/// A file read at any place, also while it grows and after its name was removed.
pub trait DiskReader: Send + Sync {
    /// Fills the buffer from the place on.
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()>;
    /// Bytes in the file now.
    fn length(&self) -> io::Result<u64>;
}

/// A folder of such files.
pub trait Disk: Send + Sync {
    /// Creates a new file and makes its name durable.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file to go on appending.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// Opens a file for reading.
    fn reader(&self, path: &Path) -> io::Result<Box<dyn DiskReader>>;
    /// The files of a folder.
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;
    /// Gives a file its final name, durably; one of that name is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file's name.
    fn remove(&self, path: &Path) -> io::Result<()>;
}

/// The real disk.
#[derive(Clone, Copy, Debug, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        // A file whose name is not durable is not there after a power loss, however often it was synced.
        sync_folder_of(path)?;
        Ok(Box::new(RealFile::new(file, 0)))
    }
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).open(path)?;
        let length = file.metadata()?.len();
        Ok(Box::new(RealFile::new(file, length)))
    }
    fn reader(&self, path: &Path) -> io::Result<Box<dyn DiskReader>> {
        Ok(Box::new(RealReader(File::open(path)?)))
    }
    fn list(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        std::fs::read_dir(dir)?
            .map(|entry| Ok(entry?.path()))
            .collect()
    }
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)?;
        sync_folder_of(to)
    }
    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }
}

fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(dir) => File::open(dir)?.sync_all(),
        None => Ok(()),
    }
}

struct RealFile {
    file: File,
    /// Where the next append goes.
    end: u64,
    /// Up to where room was made, where it is made at all.
    room: Option<u64>,
}

impl RealFile {
    fn new(file: File, end: u64) -> RealFile {
        RealFile {
            file,
            end,
            room: None,
        }
    }

    fn write(&mut self, at: u64, bytes: &[u8]) -> io::Result<()> {
        self.file.seek(SeekFrom::Start(at))?;
        self.file.write_all(bytes)
    }

    /// Makes room behind what ends there. Where the disk has none, that is for the append to find out.
    fn ahead_of(&mut self, end: u64) {
        static ZEROS: [u8; AHEAD as usize] = [0; AHEAD as usize];
        let Some(room) = self.room.filter(|room| *room < end) else {
            return;
        };
        match self.write(end.max(room), &ZEROS) {
            Ok(()) => self.room = Some(end + AHEAD),
            Err(_) => {
                let _ = self.file.set_len(self.end);
            }
        }
    }
}

impl DiskFile for RealFile {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        let end = self.end + bytes.len() as u64;
        // What is big is written once.
        if (bytes.len() as u64) < AHEAD / 4 {
            self.ahead_of(end);
        }
        self.write(self.end, bytes)?;
        self.end = end;
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()
    }
    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.file.set_len(length)?;
        self.end = length;
        self.room = self.room.map(|_| 0);
        self.file.sync_all()
    }
    fn make_room(&mut self) {
        self.room = Some(0);
    }
}

impl Drop for RealFile {
    fn drop(&mut self) {
        if self.room.is_some_and(|room| room > self.end) {
            // What is left of it after a crash is cut when the file is opened.
            let _ = self.file.set_len(self.end);
        }
    }
}

struct RealReader(File);

impl DiskReader for RealReader {
    #[cfg(unix)]
    fn read_at(&self, bytes: &mut [u8], at: u64) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, bytes, at)
    }
    #[cfg(windows)]
    fn read_at(&self, mut bytes: &mut [u8], mut at: u64) -> io::Result<()> {
        while !bytes.is_empty() {
            match std::os::windows::fs::FileExt::seek_read(&self.0, bytes, at)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                read => {
                    bytes = bytes.get_mut(read..).unwrap_or_default();
                    at += read as u64;
                }
            }
        }
        Ok(())
    }
    fn length(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }
}

/// All bytes of a file.
pub(crate) fn whole(file: &dyn DiskReader) -> io::Result<Vec<u8>> {
    loop {
        let length = file.length()?;
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        match file.read_at(&mut bytes, 0) {
            Ok(()) => return Ok(bytes),
            // What room was left was taken back meanwhile.
            Err(error) if file.length()? >= length => return Err(error),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_grows_ahead_in_zeros_and_ends_where_it_was_appended_to() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let length = || std::fs::metadata(&path).unwrap().len();
        let mut file = RealDisk.create(&path).unwrap();
        file.append(b"plain").unwrap();
        assert_eq!(length(), 5);
        file.make_room();
        file.append(b" one").unwrap();
        assert_eq!(length(), 9 + AHEAD);
        let ahead = length();
        file.append(b" two").unwrap();
        assert_eq!(length(), ahead);
        let read = whole(RealDisk.reader(&path).unwrap().as_ref()).unwrap();
        assert!(read.starts_with(b"plain one two\0"));
        assert!(read.iter().skip(13).all(|byte| *byte == 0));
        // What is big goes over what room there is, and makes none.
        let big = vec![b'x'; AHEAD as usize];
        file.append(&big).unwrap();
        assert_eq!(length(), 13 + AHEAD);
        file.append(b"!").unwrap();
        assert_eq!(length(), 14 + 2 * AHEAD);
        file.cut(13).unwrap();
        assert_eq!(length(), 13);
        file.append(b" three").unwrap();
        file.sync().unwrap();
        drop(file);
        assert_eq!(std::fs::read(&path).unwrap(), b"plain one two three");
        // A file that is opened goes on at its end.
        RealDisk.open(&path).unwrap().append(b".").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"plain one two three.");
    }
}
