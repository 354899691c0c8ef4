//! Page links: sealed, and bound to the question and the permit's scope.
//!
//! A link holds where the page ended, the stamp up to which versions count, and the total of the first page. It is
//! encrypted under the store's own key with the question as associated data, so it cannot be read, made by hand, or
//! used with another question or scope, and says nothing of what lies between what it showed.

use crate::{
    Error, PageToken, Result,
    codec::{Reader, put_bytes},
};
use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

/// Where an answer goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Position {
    /// Versions after this stamp did not exist for the first page and are left out.
    pub(crate) stamp: u64,
    /// Total of the first page.
    pub(crate) total: Option<u64>,
    /// Sort key of the last one shown.
    pub(crate) last: Vec<u8>,
}

fn cipher(key: &[u8; 32]) -> Result<LessSafeKey> {
    let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| broken())?;
    Ok(LessSafeKey::new(key))
}

fn broken() -> Error {
    Error::Damaged("a page link could not be sealed".into())
}

impl Position {
    pub(crate) fn seal(&self, key: &[u8; 32], question: &str) -> Result<PageToken> {
        let mut bytes = self.stamp.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.total.unwrap_or(u64::MAX).to_be_bytes());
        put_bytes(&mut bytes, &self.last);
        let mut nonce = [0; NONCE_LEN];
        aws_lc_rs::rand::fill(&mut nonce).map_err(|_| broken())?;
        cipher(key)?
            .seal_in_place_append_tag(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(question.as_bytes()),
                &mut bytes,
            )
            .map_err(|_| broken())?;
        Ok(URL_SAFE_NO_PAD.encode([nonce.as_slice(), bytes.as_slice()].concat()))
    }

    pub(crate) fn open(token: &str, key: &[u8; 32], question: &str) -> Result<Position> {
        let bytes = URL_SAFE_NO_PAD.decode(token).map_err(|_| Error::BadPage)?;
        let (nonce, sealed) = bytes.split_first_chunk().ok_or(Error::BadPage)?;
        let mut sealed = sealed.to_vec();
        let bytes = cipher(key)?
            .open_in_place(
                Nonce::assume_unique_for_key(*nonce),
                Aad::from(question.as_bytes()),
                &mut sealed,
            )
            .map_err(|_| Error::BadPage)?;
        let mut reader = Reader(bytes);
        let stamp = u64::from_be_bytes(reader.array()?);
        let total = u64::from_be_bytes(reader.array()?);
        Ok(Position {
            stamp,
            total: (total != u64::MAX).then_some(total),
            last: reader.bytes()?.to_vec(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_opens_for_its_own_question_and_store_only() {
        let position = Position {
            stamp: 7,
            total: Some(3),
            last: vec![1, 2],
        };
        let token = position.seal(&[1; 32], "q").unwrap();
        assert_eq!(Position::open(&token, &[1; 32], "q").unwrap(), position);
        let mut flipped = token.clone();
        flipped.replace_range(
            3..4,
            if token.get(3..4) == Some("A") {
                "B"
            } else {
                "A"
            },
        );
        for (token, key, question) in [
            (token.as_str(), [1; 32], "other"),
            (token.as_str(), [2; 32], "q"),
            (flipped.as_str(), [1; 32], "q"),
            ("", [1; 32], "q"),
            ("ñ", [1; 32], "q"),
        ] {
            let error = Position::open(token, &key, question).unwrap_err();
            assert!(matches!(error, Error::BadPage));
        }
    }
}
