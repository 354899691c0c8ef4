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

#[cfg(test)]
mod tests {
    use super::commit;
    use crate::error::hex;

    /// Computed with Python: `hmac.new(bytes(range(32)), b"tejido/commitment/v1\\n" + act, "sha256")`.
    #[test]
    fn a_commitment_is_what_any_hmac_tool_computes() {
        let salt = std::array::from_fn(|n| n as u8);
        assert_eq!(
            hex(&commit(&salt, b"Dr. Ruiz saw the allergies")),
            "1d51dc72f341d565b9b24a2377e580e389dfee02adb7e4c856d42930431b3a77"
        );
    }

    #[test]
    fn another_salt_or_another_act_is_another_commitment() {
        let commitment = commit(&[1; 32], b"act");
        assert_ne!(commitment, commit(&[2; 32], b"act"));
        assert_ne!(commitment, commit(&[1; 32], b"act "));
    }
}
