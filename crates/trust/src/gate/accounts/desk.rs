//! A person at a desk, helped with her own page by somebody who works there.
//!
//! She has no telephone, or cannot read the small letters. What shows that she is there, and that she wants it, is her own
//! secret, which she types herself; nobody at the desk knows or resets it. The session is hers and short. Every act in it says
//! who sat beside her. Whoever helps sees the screen, so her record is not opened in it, at no door (`judge`); what she
//! can do is what is hers to say: who looked, her rules, what she does not wish to know, a code.

use super::{NewAccount, SignedFor, SignedIn};
use crate::gate::acts::Deed;
use crate::gate::evidence::check_presence;
use crate::gate::{Gate, Refusal, RefusalKind, What};
use crate::{ActKind, Actor, Helper, Purpose, Role};
use jiff::{SignedDuration, Timestamp};

/// Minutes that a session at the desk lasts.
const MINUTES: i64 = 15;
/// Letters of a new secret at least: it is typed at a desk, and kept from guessing by waits.
const MIN_SECRET: usize = 6;
/// Letters of a document's number.
const MAX_NUMBER: usize = 64;

/// What the act of a page that was made at a desk says was written: [`What::Writing`].
pub(crate) const PAGE_MADE: &str = "page";

/// What shows who somebody is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Document {
    /// Credencial para votar.
    Ine,
    /// Passport.
    Passport,
    /// Acta de nacimiento, with another one who knows her.
    BirthCertificate,
    /// Cartilla of a health institution or of military service.
    Card,
}

impl Document {
    /// All.
    pub const ALL: [Document; 4] = [
        Document::Ine,
        Document::Passport,
        Document::BirthCertificate,
        Document::Card,
    ];
    /// Its code: `ine`.
    pub fn code(self) -> &'static str {
        match self {
            Document::Ine => "ine",
            Document::Passport => "passport",
            Document::BirthCertificate => "birth-certificate",
            Document::Card => "card",
        }
    }
    /// The document of a code.
    pub fn from_code(code: &str) -> Option<Document> {
        Document::ALL.into_iter().find(|one| one.code() == code)
    }
}

/// A page of her own for somebody who is at the desk.
#[derive(Clone)]
pub struct NewPage {
    /// Her CURP, which is her login.
    pub curp: String,
    /// Her name as her document has it.
    pub name: String,
    /// The document that was seen.
    pub document: Document,
    /// Its number, as printed.
    pub number: String,
    /// The secret that she typed.
    pub secret: String,
}

impl std::fmt::Debug for NewPage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewPage({:?}, who and secret withheld)", self.document)
    }
}

impl Gate {
    /// The person signs in at a desk, with her own secret, while somebody of the house helps her.
    ///
    /// Refused: as [`sign_in`](Gate::sign_in); to whoever may not receive people; for an account that is no patient's.
    pub fn sign_in_at_desk(
        &self,
        by: &Actor,
        login: &str,
        secret: &str,
        now: Timestamp,
    ) -> Result<SignedIn, Refusal> {
        if by.helper.is_some() || by.member != self.house.member {
            return Err(Refusal::new(RefusalKind::Pact, Vec::new()));
        }
        let account = self.known(login, secret, now)?;
        let curp = account
            .curp
            .clone()
            .filter(|_| account.role == Role::Patient);
        let curp = curp.ok_or_else(|| {
            Refusal::bad(
                "En el mostrador sólo entra quien va a ver lo suyo.",
                "At the desk only people who look at their own sign in.",
            )
        })?;
        self.may_receive(by, self.checked_tag(&curp)?, now)?;
        let helper = Helper {
            login: by.id.clone(),
            name: by.name.clone(),
        };
        let signed_for = SignedFor {
            time: SignedDuration::from_mins(MINUTES),
            helper: Some(helper),
        };
        self.open_session(account, signed_for, now)
    }

    /// Makes a page of her own for somebody who is here and has none at this institution. An act in her log says who made it, on
    /// which document.
    ///
    /// Refused: to whoever may not receive people; without evidence that she is here; where she has a page already; a secret
    /// that is too short.
    pub fn make_page(&self, by: &Actor, page: NewPage, now: Timestamp) -> Result<(), Refusal> {
        let person = self.checked_tag(&page.curp)?;
        self.may_receive(by, person, now)?;
        check_presence(&self.evidence(by, person, now))?;
        let number = page.number.trim();
        let name = page.name.trim();
        if number.is_empty() || number.chars().count() > MAX_NUMBER || name.is_empty() {
            return Err(Refusal::bad(
                "Hacen falta su nombre y el número del documento que viste.",
                "It takes her name and the number of the document that you saw.",
            ));
        }
        if page.secret.chars().count() < MIN_SECRET {
            return Err(Refusal::bad(
                "La contraseña lleva seis letras o cifras por lo menos.",
                "A secret has six letters or digits at least.",
            ));
        }
        if !self.logins_of(&[person])?.is_empty() {
            return Err(Refusal::bad(
                "Ya tiene su página aquí. Si olvidó la contraseña, quien opera el nodo le da otra.",
                "She has her page here already. If she forgot the secret, the operator gives her another one.",
            ));
        }
        let login = page.curp.trim().to_uppercase();
        let account = NewAccount {
            login: login.clone(),
            secret: page.secret,
            name: name.to_owned(),
            role: Role::Patient,
            licence: None,
            curp: Some(login),
            unit: None,
        };
        let paper = format!("{PAGE_MADE} {} {number}", page.document.code());
        let deed = Deed {
            persons: vec![person],
            what: What::Writing(paper),
            ..Deed::new(ActKind::Evidence, by, Purpose::Treatment)
        };
        self.put_account(account, Some(deed), now)
    }
}
