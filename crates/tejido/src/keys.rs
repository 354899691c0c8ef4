//! Making and reading a node's keys.

use crate::{Error, files};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ledger::SigningKey;
use std::path::Path;

/// 32 bytes of the operating system's randomness.
///
/// # Errors
/// When the operating system gives none.
pub fn random() -> Result<[u8; 32], Error> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::say("the operating system gives no random numbers"))?;
    Ok(bytes)
}

/// A new Ed25519 key of that name.
///
/// # Errors
/// When the name cannot stand in a key, or there is no randomness.
pub fn generate(name: &str) -> Result<SigningKey, Error> {
    Ok(SigningKey::from_seed(name, random()?)?)
}

/// Reads a private key file, which must be readable by its owner alone. Gives the key and its seed.
///
/// # Errors
/// When the file is missing, open to others, or no key.
pub fn read(path: &Path) -> Result<(SigningKey, [u8; 32]), Error> {
    let wrong = |why: String| {
        Error::say(format!(
            "{}: {why}; it must be the file node.key that `tejido init` made",
            path.display()
        ))
    };
    let text = String::from_utf8(files::read_private(path)?)
        .map_err(|_| wrong("this is no key".into()))?;
    let text = text.trim_end();
    let key = SigningKey::from_skey(text).map_err(|error| wrong(error.to_string()))?;
    let seed = text
        .splitn(5, '+')
        .nth(4)
        .and_then(|material| STANDARD.decode(material).ok())
        .and_then(|material| <[u8; 32]>::try_from(material.get(1..)?).ok())
        .ok_or_else(|| wrong("this is no key".into()))?;
    Ok((key, seed))
}

/// Reads the network's secret: 32 bytes as 64 hexadecimal digits.
///
/// # Errors
/// When the file is missing, open to others, or something else.
pub fn read_network_secret(path: &Path) -> Result<[u8; 32], Error> {
    let bytes = files::read_private(path)?;
    let digits = String::from_utf8_lossy(&bytes);
    from_hex(digits.trim()).ok_or_else(|| {
        Error::say(format!(
            "{}: this is no network secret (64 hexadecimal digits); ask whoever founded the network for it, not by mail",
            path.display()
        ))
    })
}

/// Lower-case hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_file_gives_its_key_back_and_must_be_private() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("node.key");
        let key = SigningKey::from_seed("imss.example/imss", [7; 32]).unwrap();
        files::write_private(&path, key.to_skey().unwrap().expose().as_bytes()).unwrap();
        let (again, seed) = read(&path).unwrap();
        assert_eq!((again.verifier(), seed), (key.verifier(), [7; 32]));
        assert!(
            files::write_private(&path, b"").is_err(),
            "a key is never overwritten"
        );

        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o640)).unwrap();
            let told = read(&path).unwrap_err().to_string();
            assert!(told.contains("chmod 600"), "{told}");
        }
    }

    #[test]
    fn a_network_secret_is_64_digits() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("network.secret");
        files::write_private(&path, format!("{}\n", hex(&[9; 32])).as_bytes()).unwrap();
        assert_eq!(read_network_secret(&path).unwrap(), [9; 32]);
        let other = folder.path().join("other");
        files::write_private(&other, b"secret").unwrap();
        assert!(
            read_network_secret(&other)
                .unwrap_err()
                .to_string()
                .contains("64 hexadecimal")
        );
    }
}
