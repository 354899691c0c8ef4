//! Names for people that can stand in a URL or a hidden field: sealed with a key of this process, bound to one session.
//!
//! A reference is `base64url(nonce | AES-256-GCM(text))` with the session's token and the use as associated data.
//! Nothing is kept on the server; another session, another use, or a restart makes it unreadable, and then the page
//! says to search again. Nobody who sees the URL (history, proxy, screenshot) learns a CURP from it.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::{hmac, rand};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use std::sync::Arc;

/// Longest reference that is looked at.
const LONGEST: usize = 64 << 10;

/// The keys of this process.
#[derive(Clone)]
pub(crate) struct Sealer {
    seal: Arc<LessSafeKey>,
    sign: Arc<hmac::Key>,
}

/// The machine gives no randomness: no page can be served safely.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random numbers")]
pub struct NoRandomness;

/// What a sealed text is for: one for another use does not open.
#[derive(Clone, Copy)]
pub(crate) enum Use {
    Search,
    Person,
    Errand,
    Flash,
    Pair,
    Elsewhere,
    Actor,
    Kin,
    Delegation,
}

impl Sealer {
    pub(crate) fn new() -> Result<Sealer, NoRandomness> {
        let mut bytes = [0u8; 64];
        rand::fill(&mut bytes).map_err(|_| NoRandomness)?;
        let (one, two) = bytes.split_at(32);
        let key = UnboundKey::new(&AES_256_GCM, one).map_err(|_| NoRandomness)?;
        Ok(Sealer {
            seal: Arc::new(LessSafeKey::new(key)),
            sign: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, two)),
        })
    }
    /// The token that every form of this session carries.
    pub(crate) fn csrf(&self, session: &str) -> String {
        URL_SAFE_NO_PAD.encode(hmac::sign(&self.sign, session.as_bytes()))
    }
    /// Whether a form's token is this session's; constant time.
    pub(crate) fn csrf_is(&self, session: &str, token: &str) -> bool {
        URL_SAFE_NO_PAD
            .decode(token)
            .is_ok_and(|tag| hmac::verify(&self.sign, session.as_bytes(), &tag).is_ok())
    }
    /// Seals a text for a session and a use. Empty only when the machine has no randomness left.
    pub(crate) fn close(&self, session: &str, of: Use, text: &str) -> String {
        let mut nonce = [0u8; NONCE_LEN];
        if rand::fill(&mut nonce).is_err() {
            return String::new();
        }
        let mut bytes = text.as_bytes().to_vec();
        let sealed = self.seal.seal_in_place_append_tag(
            Nonce::assume_unique_for_key(nonce),
            Aad::from(bound(session, of)),
            &mut bytes,
        );
        if sealed.is_err() {
            return String::new();
        }
        let mut out = nonce.to_vec();
        out.append(&mut bytes);
        URL_SAFE_NO_PAD.encode(out)
    }
    /// Opens what [`Sealer::close`] made for the same session and use.
    pub(crate) fn open(&self, session: &str, of: Use, sealed: &str) -> Option<String> {
        if sealed.len() > LONGEST {
            return None;
        }
        let mut bytes = URL_SAFE_NO_PAD.decode(sealed).ok()?;
        if bytes.len() < NONCE_LEN {
            return None;
        }
        let mut rest = bytes.split_off(NONCE_LEN);
        let nonce: [u8; NONCE_LEN] = bytes.try_into().ok()?;
        let text = self
            .seal
            .open_in_place(
                Nonce::assume_unique_for_key(nonce),
                Aad::from(bound(session, of)),
                &mut rest,
            )
            .ok()?;
        String::from_utf8(text.to_vec()).ok()
    }
}

fn bound(session: &str, of: Use) -> Vec<u8> {
    let mut out = vec![of as u8];
    out.extend_from_slice(session.as_bytes());
    out
}

/// A new id for a resource: 128 random bits, hex; `None` when the machine has no randomness left.
pub(crate) fn new_id() -> Option<String> {
    let mut bytes = [0u8; 16];
    rand::fill(&mut bytes).ok()?;
    Some(bytes.iter().map(|b| format!("{b:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_opens_only_in_its_session_and_for_its_use() {
        let sealer = Sealer::new().unwrap();
        let sealed = sealer.close("one", Use::Person, "RUAA800101MDFXXX09");
        assert!(!sealed.contains("RUAA"));
        assert_eq!(
            sealer.open("one", Use::Person, &sealed).as_deref(),
            Some("RUAA800101MDFXXX09")
        );
        assert_eq!(sealer.open("two", Use::Person, &sealed), None);
        assert_eq!(sealer.open("one", Use::Errand, &sealed), None);
        assert_eq!(
            Sealer::new().unwrap().open("one", Use::Person, &sealed),
            None
        );
        for bad in ["", "x", "AAAA", "%%%", &sealed[1..]] {
            assert_eq!(sealer.open("one", Use::Person, bad), None);
        }
    }

    #[test]
    fn a_form_token_is_of_one_session() {
        let sealer = Sealer::new().unwrap();
        let token = sealer.csrf("one");
        assert!(sealer.csrf_is("one", &token));
        assert!(!sealer.csrf_is("two", &token));
        assert!(!sealer.csrf_is("one", ""));
    }
}
