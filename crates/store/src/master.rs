//! The node's master key: what the keyring is locked with.
//!
//! It wraps one key, that of the ring, so a master key may live far away (a key service, a PKCS#11 module) and is asked
//! once when the archive is opened. The default is a file that only its owner can read.

use crate::{Error, Result, cipher, engine::disk_error};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use std::{
    fmt,
    fs::OpenOptions,
    io::{self, Write},
    path::Path,
};

/// Wraps the key of a keyring. Where the master key itself lives is its own business.
pub trait MasterKey: Send + Sync + fmt::Debug {
    /// Which key it is, for sentences to the operator; nothing secret.
    fn name(&self) -> String;
    /// Wraps a key; at most 400 bytes. The error is a sentence.
    fn wrap(&self, key: &[u8; 32]) -> std::result::Result<Vec<u8>, String>;
    /// Unwraps what [`wrap`](MasterKey::wrap) gave.
    fn unwrap(&self, wrapped: &[u8]) -> std::result::Result<[u8; 32], String>;
}

/// A master key in a file: 64 hexadecimal digits, rights 0600.
pub struct FileKey {
    key: LessSafeKey,
    name: String,
}

impl fmt::Debug for FileKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileKey({})", self.name)
    }
}

const WRAPPED: &[u8] = b"tejido keyring";

impl FileKey {
    /// A key for as long as the process lives: for archives in memory.
    pub fn throw_away() -> Result<FileKey> {
        FileKey::new(&cipher::random()?, "a throw-away key".into())
    }

    /// Makes a new file with a new key. Never replaces one: with the key all that it wraps would be lost.
    pub fn create(path: &Path) -> Result<FileKey> {
        let key: [u8; 32] = cipher::random()?;
        let mut digits: String = key.iter().map(|byte| format!("{byte:02x}")).collect();
        digits.push('\n');
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let write = || {
            let mut file = options.open(path)?;
            file.write_all(digits.as_bytes())?;
            file.sync_all()?;
            sync_folder(path)
        };
        write().map_err(|error| at(path, &error))?;
        FileKey::new(&key, path.display().to_string())
    }

    /// Reads the file; refuses one that others on the machine can open.
    pub fn read(path: &Path) -> Result<FileKey> {
        private(path)?;
        let digits = std::fs::read_to_string(path).map_err(|error| at(path, &error))?;
        let key = from_hex(digits.trim()).ok_or_else(|| {
            Error::Keys(format!(
                "{}: this is no master key (64 hexadecimal digits); put back the file that was made with the archive",
                path.display()
            ))
        })?;
        FileKey::new(&key, path.display().to_string())
    }

    fn new(key: &[u8; 32], name: String) -> Result<FileKey> {
        let key = UnboundKey::new(&AES_256_GCM, key)
            .map_err(|_| Error::Keys("the cipher refuses the master key".into()))?;
        Ok(FileKey {
            key: LessSafeKey::new(key),
            name,
        })
    }
}

impl MasterKey for FileKey {
    fn name(&self) -> String {
        self.name.clone()
    }
    // Random nonces: a master key wraps one key for each rotation, far from any bound.
    fn wrap(&self, key: &[u8; 32]) -> std::result::Result<Vec<u8>, String> {
        let nonce: [u8; NONCE_LEN] = cipher::random().map_err(|error| error.to_string())?;
        let mut out = key.to_vec();
        let sealing = Nonce::assume_unique_for_key(nonce);
        self.key
            .seal_in_place_append_tag(sealing, Aad::from(WRAPPED), &mut out)
            .map_err(|_| "the cipher refuses to wrap".to_owned())?;
        out.extend_from_slice(&nonce);
        Ok(out)
    }
    fn unwrap(&self, wrapped: &[u8]) -> std::result::Result<[u8; 32], String> {
        let open = || {
            let (sealed, nonce) = wrapped.split_last_chunk::<NONCE_LEN>()?;
            let mut sealed = sealed.to_vec();
            let nonce = Nonce::assume_unique_for_key(*nonce);
            let key = self
                .key
                .open_in_place(nonce, Aad::from(WRAPPED), &mut sealed);
            <[u8; 32]>::try_from(key.ok()?).ok()
        };
        open().ok_or_else(|| format!("{} is not the master key of this keyring", self.name))
    }
}

fn at(path: &Path, error: &io::Error) -> Error {
    Error::Keys(format!("{}: {error}", path.display()))
}

/// Refuses a secret that others on this machine can open.
pub(crate) fn private(path: &Path) -> Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let found = std::fs::metadata(path).map_err(|error| at(path, &error))?;
        let mode = found.permissions().mode();
        if mode & 0o077 != 0 {
            return Err(Error::Keys(format!(
                "{0}: others on this machine can open this key (rights {1:03o}); run `chmod 600 {0}`, and if somebody may have read it, rotate the keys",
                path.display(),
                mode & 0o777
            )));
        }
    }
    Ok(())
}

/// Makes the name of a file durable.
pub(crate) fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => std::fs::File::open(folder)?.sync_all(),
        _ => Ok(()),
    }
}

fn from_hex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?;
    }
    Some(bytes)
}

/// The key file of a folder, made when the archive is new.
pub(crate) fn of_folder(folder: &Path, new: bool) -> Result<FileKey> {
    let path = folder.join("master.key");
    std::fs::create_dir_all(folder).map_err(disk_error)?;
    match FileKey::read(&path) {
        Err(_) if new && !path.exists() => FileKey::create(&path),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_must_be_private_and_is_never_replaced() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("master.key");
        let made = FileKey::create(&path).unwrap();
        let wrapped = made.wrap(&[9; 32]).unwrap();
        assert_eq!(FileKey::read(&path).unwrap().unwrap(&wrapped), Ok([9; 32]));
        assert!(FileKey::create(&path).is_err());
        let other = FileKey::throw_away().unwrap();
        assert!(other.unwrap(&wrapped).unwrap_err().contains("is not"));
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
            let told = FileKey::read(&path).unwrap_err().to_string();
            assert!(told.contains("chmod 600"), "{told}");
        }
    }
}
