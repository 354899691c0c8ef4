//! Commitments: what the public log holds of an act.

use crate::Hash;
use aws_lc_rs::hmac::{Context, HMAC_SHA256, Key};

/// Told apart from every other use of HMAC in the house.
const DOMAIN: &[u8] = b"tejido/commitment/v1\n";

/// Commits to an act under a salt: HMAC-SHA-256 with the salt as key over `"tejido/commitment/v1\n"` and the act.
///
/// **Hiding:** to whoever lacks the salt (32 random bytes, one for each act, kept beside the act) the commitment is
/// like a random value, even if he can guess every byte of the act. So a leaf says nothing, and when the salt is
/// erased with the act, what is left in the log for ever is noise.
/// **Binding:** nobody, not even who made it, can show another act or salt for the same commitment, short of a
/// collision of SHA-256.
pub fn commit(salt: &[u8; 32], act: &[u8]) -> Hash {
    let mut mac = Context::with_key(&Key::new(HMAC_SHA256, salt));
    mac.update(DOMAIN);
    mac.update(act);
    let mut commitment = [0; 32];
    commitment.copy_from_slice(mac.sign().as_ref());
    commitment
}
