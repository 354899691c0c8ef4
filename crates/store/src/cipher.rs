//! Sealing: AES-256-GCM under a key of its own for each person and each opening of the archive.
//!
//! In: a data key, the random name of this opening (the *epoch*), a count, what names the row, bytes. Out: sealed bytes,
//! sixteen longer.
//!
//! The form is XAES-256-GCM (C2SP, `XAES-256-GCM.md`): a nonce of 24 bytes of which the first twelve make a key out of
//! the data key (two blocks of CMAC, as in NIST SP 800-108), and the last twelve are the nonce of AES-256-GCM under it.
//! The first twelve are the epoch, the last twelve are the count.
//!
//! *Why a nonce never comes twice under one key*: an epoch is drawn at random, 96 bits, each time an archive is opened,
//! and belongs to that process; within it one counter gives each sealing a number of its own, whether or not the commit
//! it was for succeeds, whichever row it was for. Nothing is taken back: neither a commit that fails and gives its stamps
//! again, nor an index made anew, nor a disk that is put back to an older state, nor two processes on copies of one
//! archive can meet, unless two of their epochs are equal: less than one in 2^50 after eight million openings.
//! The row bears the epoch's number and the count: four or five bytes.
//!
//! Cost: one AES-256-GCM over the value, and one block for the nonce's key when that must be made first. Not measured by
//! itself.

use crate::{Error, Result};
use aws_lc_rs::{
    aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey},
    cmac,
};

/// Bytes that sealing adds.
pub(crate) const TAG: usize = 16;

/// The random name of one opening of an archive.
pub(crate) type Epoch = [u8; 12];

/// A key for one person and one epoch.
pub(crate) struct RowKey(LessSafeKey);

/// Random bytes.
pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    aws_lc_rs::rand::fill(&mut bytes)
        .map_err(|_| Error::Damaged("the system gives no random bytes".into()))?;
    Ok(bytes)
}

fn failed<E>(_: E) -> Error {
    Error::Damaged("the cipher refuses its key".into())
}

impl RowKey {
    /// The key of an epoch.
    pub(crate) fn of(data_key: &[u8; 32], epoch: &Epoch) -> Result<RowKey> {
        let mac = cmac::Key::new(cmac::AES_256, data_key).map_err(failed)?;
        let mut key = [0; 32];
        for (half, number) in key.as_chunks_mut::<16>().0.iter_mut().zip(1u8..) {
            let mut block = [0, number, b'X', 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
            if let Some(rest) = block.last_chunk_mut::<12>() {
                *rest = *epoch;
            }
            let made = cmac::sign(&mac, &block).map_err(failed)?;
            if let Some(made) = made.as_ref().first_chunk::<16>() {
                *half = *made;
            }
        }
        let key = UnboundKey::new(&AES_256_GCM, &key).map_err(failed)?;
        Ok(RowKey(LessSafeKey::new(key)))
    }

    /// Seals what stands in `bytes` from `start` on.
    pub(crate) fn seal(
        &self,
        count: u64,
        place: &[u8],
        bytes: &mut Vec<u8>,
        start: usize,
    ) -> Result<()> {
        let (_, secret) = bytes.split_at_mut_checked(start).ok_or_else(beyond)?;
        let tag = self
            .0
            .seal_in_place_separate_tag(nonce(count), Aad::from(place), secret)
            .map_err(failed)?;
        bytes.extend_from_slice(tag.as_ref());
        Ok(())
    }

    /// Opens in place; `None` when the bytes are not what was sealed for this place under this key.
    pub(crate) fn open<'a>(
        &self,
        count: u64,
        place: &[u8],
        bytes: &'a mut [u8],
    ) -> Option<&'a mut [u8]> {
        self.0
            .open_in_place(nonce(count), Aad::from(place), bytes)
            .ok()
    }
}

fn beyond() -> Error {
    Error::Damaged("there is nothing to seal".into())
}

fn nonce(count: u64) -> Nonce {
    let mut nonce = [0; 12];
    if let Some(last) = nonce.last_chunk_mut::<8>() {
        *last = count.to_be_bytes();
    }
    Nonce::assume_unique_for_key(nonce)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_as_the_specification_says() {
        // C2SP XAES-256-GCM, first accumulated example: key of 0x01, nonce `ABC...X`, text `XAES-256-GCM`.
        let key = RowKey::of(&[1; 32], b"ABCDEFGHIJKL").unwrap();
        let mut text = b"XAES-256-GCM".to_vec();
        let nonce = Nonce::assume_unique_for_key(*b"MNOPQRSTUVWX");
        key.0
            .seal_in_place_append_tag(nonce, Aad::empty(), &mut text)
            .unwrap();
        let hex: String = text.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(
            hex,
            "ce546ef63c9cc60765923609b33a9a1974e96e52daf2fcf7075e2271"
        );
    }

    #[test]
    fn a_row_opens_only_in_its_place_under_its_key_and_unaltered() {
        let key = RowKey::of(&[7; 32], &[1; 12]).unwrap();
        let mut row = b"head secret".to_vec();
        key.seal(3, b"place", &mut row, 5).unwrap();
        assert_eq!(row.len(), 11 + TAG);
        let open = |key: &RowKey, count, place: &[u8], row: &[u8]| {
            let mut row = row[5..].to_vec();
            key.open(count, place, &mut row).map(|text| text.to_vec())
        };
        assert_eq!(open(&key, 3, b"place", &row).unwrap(), b"secret");
        assert_eq!(open(&key, 4, b"place", &row), None);
        assert_eq!(open(&key, 3, b"elsewhere", &row), None);
        let other = RowKey::of(&[7; 32], &[2; 12]).unwrap();
        assert_eq!(open(&other, 3, b"place", &row), None);
        row[6] ^= 1;
        assert_eq!(open(&key, 3, b"place", &row), None);
    }
}
