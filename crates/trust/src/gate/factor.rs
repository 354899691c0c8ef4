//! The second factor of an account: an authenticator application on its holder's telephone.
//!
//! Its secret is not kept: it is made anew from the network's secret and a random number that the row holds, so that
//! whoever copies the archive alone has no codes. Wrong codes in a row make wait longer and longer.

use super::accounts::json;
use super::{Gate, Refusal, RefusalKind, from_hex, hex, locked, random, rows};
use crate::Actor;
use crate::glass::totp;
use aws_lc_rs::hmac;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What an authenticator application is given, once.
#[derive(Clone)]
pub struct Enrolment {
    /// The secret in base32, in groups of four letters, to type.
    pub secret: String,
    /// The same as `otpauth://totp/...`, to tap or to draw as a picture.
    pub uri: String,
}

impl std::fmt::Debug for Enrolment {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Enrolment(secret withheld)")
    }
}

/// A second factor as kept.
#[derive(Serialize, Deserialize)]
struct Factor {
    nonce: String,
    /// Its holder has shown a code of it.
    proven: bool,
    /// The step of the last code that was used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<u64>,
}

impl Gate {
    /// Begins a second factor for whoever is signed in and says her password again. It counts from its first code on.
    ///
    /// Refused when there is one that counts: an operator takes it away first ([`Gate::forget_factor`]), else a stolen
    /// session could put its own in the place of hers.
    pub fn begin_factor(
        &self,
        by: &Actor,
        password: &str,
        now: Timestamp,
    ) -> Result<Enrolment, Refusal> {
        if by.member != self.house.member {
            return Err(Refusal::new(RefusalKind::Pact, Vec::new()));
        }
        self.sign_in_again(by, password, now)?;
        if self.has_factor(&by.id)? {
            return Err(Refusal::bad(
                "Ya tienes un segundo factor. Para cambiarlo, pide a quien cuida los sistemas que lo quite.",
                "You have a second factor. To change it, ask the operator to take it away.",
            ));
        }
        let factor = Factor {
            nonce: hex(&random::<16>()?),
            proven: false,
            last: None,
        };
        let secret = totp::base32(&self.factor_secret(&by.id, &factor)?);
        let row = (rows::factor(&by.id), Some(json(&factor)));
        self.keep(vec![row], Vec::new(), None, now)?;
        let member = &self.house.member;
        let uri = format!(
            "otpauth://totp/Tejido%20{member}:{}?secret={}&issuer=Tejido%20{member}",
            by.id.replace('@', "%40").replace('+', "%2B"),
            secret.replace(' ', "")
        );
        Ok(Enrolment { secret, uri })
    }

    /// The first code of a factor that was begun: from now on it counts.
    pub fn prove_factor(&self, by: &Actor, code: &str, now: Timestamp) -> Result<(), Refusal> {
        let (before, factor) = self.factor(&by.id)?.ok_or_else(no_factor)?;
        let factor = self.check_code(by, factor, code, now)?;
        let key = rows::factor(&by.id);
        let row = (key.clone(), Some(json(&factor)));
        self.keep(vec![row], vec![(key, Some(before))], None, now)
    }

    /// Whether somebody here has a second factor that counts.
    pub fn has_factor(&self, login: &str) -> Result<bool, Refusal> {
        Ok(self.factor(login)?.is_some_and(|(_, factor)| factor.proven))
    }

    /// Takes a second factor away (the operator's command line), for whoever lost her telephone.
    pub fn forget_factor(&self, login: &str, now: Timestamp) -> Result<(), Refusal> {
        self.keep(vec![(rows::factor(login), None)], Vec::new(), None, now)
    }

    /// Uses a code: gives the factor's row as it was and as it is after it, so that both go into the commit of what the
    /// code was shown for, and the same code at the same moment does nothing twice.
    pub(crate) fn use_factor(
        &self,
        by: &Actor,
        code: &str,
        now: Timestamp,
    ) -> Result<(Vec<u8>, Vec<u8>), Refusal> {
        match self.factor(&by.id)? {
            Some((before, factor)) if factor.proven => {
                let after = self.check_code(by, factor, code, now)?;
                Ok((before, json(&after)))
            }
            _ => Err(no_factor()),
        }
    }

    fn check_code(
        &self,
        by: &Actor,
        factor: Factor,
        code: &str,
        now: Timestamp,
    ) -> Result<Factor, Refusal> {
        let mut tries = locked(&self.house.factors.0);
        let wait = tries.wait(&by.id, now);
        if wait > 0 {
            return Err(Refusal::wait(wait));
        }
        let secret = self.factor_secret(&by.id, &factor)?;
        let Some(step) = totp::accept(&secret, code, factor.last, now) else {
            tries.wrong(&by.id, now);
            return Err(wrong_code());
        };
        tries.right(&by.id);
        Ok(Factor {
            proven: true,
            last: Some(step),
            ..factor
        })
    }

    fn factor(&self, login: &str) -> Result<Option<(Vec<u8>, Factor)>, Refusal> {
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::factor(login))?;
        Ok(row.and_then(|row| {
            let factor = serde_json::from_slice(&row).ok()?;
            Some((row, factor))
        }))
    }

    fn factor_secret(&self, login: &str, factor: &Factor) -> Result<[u8; totp::SECRET], Refusal> {
        let damaged = || Refusal::new(RefusalKind::Unavailable, Vec::new());
        let nonce: [u8; 16] = from_hex(&factor.nonce).ok_or_else(damaged)?;
        let key = hmac::Key::new(hmac::HMAC_SHA256, &self.house.secret);
        let mut of = format!("factor\n{}\n{login}\n", self.house.member).into_bytes();
        of.extend(nonce);
        let mac = hmac::sign(&key, &of);
        mac.as_ref().first_chunk().copied().ok_or_else(damaged)
    }
}

fn no_factor() -> Refusal {
    Refusal::bad(
        "No tienes un segundo factor. Ponlo en tu página antes de la próxima emergencia.",
        "You have no second factor. Set one up on your page before the next emergency.",
    )
}

fn wrong_code() -> Refusal {
    Refusal {
        es: "El código no es correcto, o ya se usó. Espera el siguiente.".to_owned(),
        en: "The code is wrong, or was used. Wait for the next one.".to_owned(),
        ..Refusal::new(RefusalKind::WrongSecret, Vec::new())
    }
}
