//! Refusals, and their sentences in one place.

use super::Lang;
use crate::act::moment;
use jiff::Timestamp;

/// Why a request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RefusalKind {
    /// No token, or an unknown one (401).
    NotSignedIn,
    /// Wrong name or secret (401).
    WrongSecret,
    /// The token's time is over (401).
    Expired,
    /// Too many tries; wait (429).
    SlowDown,
    /// Many records opened without a sign of care: a new one must wait (429).
    Unusual,
    /// The member where the person speaks was not heard for longer than the pact allows (403).
    OldWord,
    /// No evidence of a care relation (403).
    NoEvidence,
    /// The licence is not active (403).
    Licence,
    /// Emergencies wait for their review beyond its day (403).
    Reviews,
    /// It cannot be done in somebody's name: that is over, does not include it, or takes her own cédula (403).
    Delegation,
    /// The pact does not allow it (403).
    Pact,
    /// The person closed it (403). Never said where silence was chosen.
    Person,
    /// The person let it be used so often, and it was (403).
    UsedUp,
    /// What came is forged, re-targeted or damaged (403).
    Forged,
    /// The archive is busy or broken (503).
    Unavailable,
    /// The request itself makes no sense (400).
    Bad,
}

impl RefusalKind {
    /// A short code for logs: `no-evidence`.
    pub fn code(self) -> &'static str {
        match self {
            RefusalKind::NotSignedIn => "not-signed-in",
            RefusalKind::WrongSecret => "wrong-secret",
            RefusalKind::Expired => "expired",
            RefusalKind::SlowDown => "slow-down",
            RefusalKind::Unusual => "unusual",
            RefusalKind::OldWord => "old-word",
            RefusalKind::NoEvidence => "no-evidence",
            RefusalKind::Licence => "licence",
            RefusalKind::Reviews => "reviews-overdue",
            RefusalKind::Delegation => "delegation",
            RefusalKind::Pact => "pact",
            RefusalKind::Person => "person",
            RefusalKind::UsedUp => "used-up",
            RefusalKind::Forged => "forged",
            RefusalKind::Unavailable => "unavailable",
            RefusalKind::Bad => "bad",
        }
    }
    fn sentences(self) -> (&'static str, &'static str) {
        match self {
            RefusalKind::NotSignedIn => (
                "No has entrado, o tu sesión ya no existe. Entra de nuevo.",
                "You are not signed in, or your session is gone. Sign in again.",
            ),
            RefusalKind::WrongSecret => (
                "El usuario o la contraseña no son correctos.",
                "The name or the password is wrong.",
            ),
            RefusalKind::Expired => (
                "Tu sesión terminó por tiempo. Entra de nuevo.",
                "Your session has run out. Sign in again.",
            ),
            RefusalKind::SlowDown => (
                "Demasiados intentos seguidos. Espera un poco y vuelve a intentar.",
                "Too many tries in a row. Wait a little and try again.",
            ),
            RefusalKind::Unusual => (
                "Abriste muchos expedientes sin nota, sin cita y sin código de la persona. Espera un poco.",
                "You opened many records without a note, an appointment or the person's code. Wait a little.",
            ),
            RefusalKind::OldWord => (
                "No se pudo confirmar qué decidió la persona: la institución donde lo dijo no responde. Por precaución no se abre nada. Pídele que lo repita aquí, o intenta más tarde.",
                "What the person decided cannot be confirmed: the institution where she said it does not answer. To be safe nothing is opened. Ask her to say it again here, or try later.",
            ),
            RefusalKind::NoEvidence => (
                "No consta que esta persona esté ahora en atención contigo. Regístrala en recepción o pídele el código de su teléfono.",
                "Nothing shows that this person is in your care now. Check her in at the desk, or ask for the code on her phone.",
            ),
            RefusalKind::Licence => (
                "La cédula profesional no está vigente. Pide a tu institución que la revise.",
                "The professional licence is not active. Ask your institution to check it.",
            ),
            RefusalKind::Reviews => (
                "Hay emergencias de tu área sin revisar y su plazo venció: hasta que se revisen no se puede abrir otra. Avisa a quien cuida la privacidad en tu institución.",
                "Emergencies of your unit were not reviewed in time: until they are, no other can be opened. Tell your institution's privacy officer.",
            ),
            RefusalKind::Delegation => (
                "Esto no se puede por encargo: el encargo terminó o no lo incluye, o es algo que sólo hace quien tiene la cédula. Revisa tus encargos, o trabaja en tu propio nombre.",
                "This cannot be done in somebody's name: the delegation is over or does not include it, or it takes the professional's own licence. Look at your delegations, or work in your own name.",
            ),
            RefusalKind::Pact => (
                "El pacto entre las instituciones no permite esto.",
                "The pact between the institutions does not allow this.",
            ),
            RefusalKind::Person => (
                "La persona decidió no compartir esto.",
                "The person chose not to share this.",
            ),
            RefusalKind::UsedUp => (
                "La persona dejó ver esto cierto número de veces, y tu institución ya las usó.",
                "The person let this be seen so many times, and your institution has used them.",
            ),
            RefusalKind::Forged => (
                "Lo que llegó con la solicitud no es auténtico o es para otra persona; no se abrió nada.",
                "What came with the request is not authentic or is meant for somebody else; nothing was opened.",
            ),
            RefusalKind::Unavailable => (
                "El archivo no puede responder ahora; no se guardó nada. Intenta de nuevo en un momento.",
                "The archive cannot answer now; nothing was stored. Try again in a moment.",
            ),
            RefusalKind::Bad => (
                "La solicitud no se entiende.",
                "The request makes no sense.",
            ),
        }
    }
}

/// A refusal that explains itself.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{en}")]
pub struct Refusal {
    /// What kind.
    pub kind: RefusalKind,
    /// For people, Spanish: what happened and what to do.
    pub es: String,
    /// For people, English.
    pub en: String,
    /// Policies or rules by name.
    pub because: Vec<String>,
}

impl Refusal {
    /// A refusal with the sentences of its kind.
    pub fn new(kind: RefusalKind, because: Vec<String>) -> Refusal {
        let (es, en) = kind.sentences();
        Refusal {
            kind,
            es: es.to_owned(),
            en: en.to_owned(),
            because,
        }
    }
    /// A request that makes no sense, with what to do about it.
    pub fn bad(es: impl Into<String>, en: impl Into<String>) -> Refusal {
        Refusal {
            kind: RefusalKind::Bad,
            es: es.into(),
            en: en.into(),
            because: Vec::new(),
        }
    }
    pub(crate) fn forged(why: &str) -> Refusal {
        Refusal::new(RefusalKind::Forged, vec![why.to_owned()])
    }
    /// An archive that does not open: why not, for whoever starts the node.
    pub(crate) fn closed(error: &store::Error) -> Refusal {
        Refusal {
            kind: RefusalKind::Unavailable,
            es: format!("El archivo no se puede abrir: {error}."),
            en: format!("the archive cannot be opened: {error}"),
            because: Vec::new(),
        }
    }
    /// With the moment when it can be used again.
    pub(crate) fn used_up(because: Vec<String>, again: Timestamp) -> Refusal {
        let refusal = Refusal::new(RefusalKind::UsedUp, because);
        let (es, en) = (moment(again, Lang::Es), moment(again, Lang::En));
        Refusal {
            es: format!("{} Vuelve a poder verse el {es}.", refusal.es),
            en: format!("{} It can be seen again on {en}.", refusal.en),
            ..refusal
        }
    }
    pub(crate) fn wait(seconds: i64) -> Refusal {
        Refusal {
            kind: RefusalKind::SlowDown,
            es: format!("Demasiados intentos seguidos. Espera {seconds} s y vuelve a intentar."),
            en: format!("Too many tries in a row. Wait {seconds} s and try again."),
            because: Vec::new(),
        }
    }
    /// The sentence in a language.
    pub fn sentence(&self, lang: Lang) -> &str {
        match lang {
            Lang::Es => &self.es,
            Lang::En => &self.en,
        }
    }
}

/// The archive's errors where the gate itself called it: a fault or a lack of the house, never of who asked.
impl From<store::Error> for Refusal {
    fn from(error: store::Error) -> Refusal {
        tracing::error!(%error, "the archive refused the gate");
        Refusal::new(RefusalKind::Unavailable, Vec::new())
    }
}
