//! What went wrong with a request, and the one place where it becomes an `OperationOutcome` with its status.

use fhir::{Issue, IssueCode, Value, obj};
use trust::{Refusal, RefusalKind};

/// Code system of the refusal's kind in `OperationOutcome.issue.details`.
pub(crate) const REFUSAL_SYSTEM: &str = "https://tejido.mx/fhir/CodeSystem/refusal";
/// Code system of the policies and rules that decided.
pub(crate) const POLICY_SYSTEM: &str = "https://tejido.mx/fhir/CodeSystem/policy";

/// Seconds after which a busy archive may be asked again.
const BUSY_SECONDS: u32 = 2;
/// Seconds after which a search parameter that is being indexed may be asked for again.
const INDEXING_SECONDS: u32 = 30;
/// Seconds after which somebody who tried too often may try again.
const SLOW_SECONDS: u32 = 30;

/// A request that was not done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Fault {
    /// HTTP status.
    pub(crate) status: u16,
    /// What is wrong, at least one.
    pub(crate) issues: Vec<Issue>,
    /// Sentence in Spanish, kind and policies of a refusal.
    pub(crate) refusal: Option<Box<(String, &'static str, Vec<String>)>>,
    /// `Retry-After`, seconds.
    pub(crate) retry: Option<u32>,
    /// `Allow`.
    pub(crate) allow: Option<String>,
    /// The value of `WWW-Authenticate`.
    pub(crate) challenge: Option<&'static str>,
    /// What the request rested on changed while it was done: done again at once, it may go through.
    pub(crate) again: bool,
}

impl Fault {
    /// One issue about the whole request.
    pub(crate) fn new(status: u16, code: IssueCode, said: impl Into<String>) -> Fault {
        Fault::of(status, vec![Issue::error(code, "", said)])
    }
    /// Several issues.
    pub(crate) fn of(status: u16, issues: Vec<Issue>) -> Fault {
        Fault {
            status,
            issues,
            refusal: None,
            retry: None,
            allow: None,
            challenge: None,
            again: false,
        }
    }
    /// 400: the request itself is wrong.
    pub(crate) fn bad(code: IssueCode, said: impl Into<String>) -> Fault {
        Fault::new(400, code, said)
    }
    /// 404.
    pub(crate) fn not_found(said: impl Into<String>) -> Fault {
        Fault::new(404, IssueCode::NotFound, said)
    }
    /// 500: says nothing of our insides.
    pub(crate) fn ours() -> Fault {
        Fault::new(
            500,
            IssueCode::Exception,
            "Something broke on our side; it was logged. Nothing can be said of what became of the request.",
        )
    }
    /// 503 before anything was written.
    pub(crate) fn busy() -> Fault {
        Fault {
            retry: Some(BUSY_SECONDS),
            ..Fault::new(
                503,
                IssueCode::Throttled,
                "This node is busy; nothing was read or written. Try again in a moment.",
            )
        }
    }
    /// 429 before anything was written: too many requests of one caller at once.
    pub(crate) fn too_much() -> Fault {
        Fault {
            retry: Some(BUSY_SECONDS),
            ..Fault::new(
                429,
                IssueCode::Throttled,
                "Too many requests under this token are at work at once; nothing was read or written. Wait for answers before you ask more, and try again in a moment.",
            )
        }
    }
    /// 503: a search parameter that the index does not hold wholly yet. `figures`: whether the caller may know how much
    /// is stored here.
    pub(crate) fn indexing(at: &store::Indexing, figures: bool) -> Fault {
        let far = match figures {
            true => format!(": {} of {} resources are done", at.done, at.total),
            false => String::new(),
        };
        Fault {
            retry: Some(INDEXING_SECONDS),
            ..Fault::new(
                503,
                IssueCode::Incomplete,
                format!(
                    "The search parameter `{}` is being indexed{far}. Until that is whole an answer would lack what it has not come to: try again later, or let it be left out with `Prefer: handling=lenient`.",
                    at.code
                ),
            )
        }
    }
    /// The one answer to whoever may not know whether something is there: for what is not there, for what is another
    /// person's, and for what is withheld.
    pub(crate) fn not_open() -> Fault {
        let mut fault = Fault::new(
            403,
            IssueCode::Forbidden,
            "This is not here, or not open to you now. If the person is in your care, check her in at the desk or ask for the code on her phone; then try again.",
        );
        fault.refusal = Some(Box::new((
            "Esto no está aquí o no está abierto para ti ahora. Si la persona está en tu atención, regístrala en recepción o pídele el código de su teléfono, y vuelve a intentar.".into(),
            "not-open",
            Vec::new(),
        )));
        fault
    }

    /// The `OperationOutcome`.
    pub(crate) fn outcome(&self) -> Value {
        let mut outcome = fhir::outcome(&self.issues);
        if let Some(refusal) = &self.refusal {
            let (es, kind, because) = &**refusal;
            let coding = |system: &str, code: &str| obj! { "system" => system, "code" => code };
            let mut codings = vec![coding(REFUSAL_SYSTEM, kind)];
            codings.extend(because.iter().map(|policy| coding(POLICY_SYSTEM, policy)));
            let details = obj! { "coding" => codings, "text" => es };
            if let Some(Value::Array(issues)) =
                outcome.as_object_mut().and_then(|o| o.get_mut("issue"))
                && let Some(issue) = issues.first_mut()
            {
                issue.set("details", details);
            }
        }
        outcome
    }
}

fn kind_code(kind: RefusalKind) -> (u16, IssueCode, &'static str) {
    match kind {
        RefusalKind::NotSignedIn => (401, IssueCode::Login, "not-signed-in"),
        RefusalKind::WrongSecret => (401, IssueCode::Login, "wrong-secret"),
        RefusalKind::Expired => (401, IssueCode::Expired, "expired"),
        RefusalKind::SlowDown => (429, IssueCode::Throttled, "slow-down"),
        RefusalKind::Unusual => (429, IssueCode::Throttled, "unusual"),
        RefusalKind::OldWord => (403, IssueCode::Forbidden, "old-word"),
        RefusalKind::NoEvidence => (403, IssueCode::Forbidden, "no-evidence"),
        RefusalKind::Licence => (403, IssueCode::Forbidden, "licence"),
        RefusalKind::Reviews => (403, IssueCode::Forbidden, "reviews-overdue"),
        RefusalKind::Delegation => (403, IssueCode::Forbidden, "delegation"),
        RefusalKind::Pact => (403, IssueCode::Forbidden, "pact"),
        RefusalKind::Person => (403, IssueCode::Forbidden, "person"),
        RefusalKind::UsedUp => (403, IssueCode::Forbidden, "used-up"),
        RefusalKind::Forged => (403, IssueCode::Forbidden, "forged"),
        RefusalKind::Unavailable => (503, IssueCode::Throttled, "unavailable"),
        RefusalKind::Bad => (400, IssueCode::Invalid, "bad"),
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Fault {
        let (status, code, kind) = kind_code(refusal.kind);
        let mut fault = Fault::new(status, code, refusal.en);
        fault.refusal = Some(Box::new((refusal.es, kind, refusal.because)));
        fault.retry = match status {
            429 => Some(SLOW_SECONDS),
            503 => Some(BUSY_SECONDS),
            _ => None,
        };
        fault.challenge = match refusal.kind {
            RefusalKind::NotSignedIn | RefusalKind::WrongSecret => Some("Bearer realm=\"tejido\""),
            RefusalKind::Expired => Some("Bearer realm=\"tejido\", error=\"invalid_token\""),
            _ => None,
        };
        fault
    }
}

impl From<store::Error> for Fault {
    fn from(error: store::Error) -> Fault {
        use store::Error;
        match error {
            // Which rows a permit lacks would say what is there.
            Error::NotPermitted(_) => Fault::not_open(),
            Error::VersionConflict { .. } => {
                Fault::new(409, IssueCode::Conflict, error.to_string())
            }
            Error::Outdated(_) => Fault {
                again: true,
                ..Fault::new(409, IssueCode::Conflict, error.to_string())
            },
            Error::Ambiguous(_) => Fault::new(412, IssueCode::Duplicate, error.to_string()),
            Error::Invalid {
                expression,
                diagnostics,
            } => Fault::of(
                422,
                vec![Issue::error(IssueCode::Invalid, expression, diagnostics)],
            ),
            Error::Indexing(at) => Fault::indexing(&at, false),
            Error::Unloadable(issues) => Fault::of(422, issues),
            Error::BadPage => Fault::bad(IssueCode::Invalid, error.to_string()),
            Error::Slow(_) => Fault {
                retry: Some(BUSY_SECONDS),
                ..Fault::new(503, IssueCode::Timeout, error.to_string())
            },
            Error::Busy => Fault::busy(),
            Error::Disk(why) => {
                tracing::error!(%why, "the disk or the database refuses");
                Fault {
                    retry: Some(BUSY_SECONDS),
                    ..Fault::new(
                        503,
                        IssueCode::Throttled,
                        "The disk or the database of this node does not take this; nothing of this request was stored. Try again later.",
                    )
                }
            }
            Error::Uncertain(why) => {
                tracing::error!(%why, "the database fell silent during a commit");
                Fault {
                    retry: Some(BUSY_SECONDS),
                    ..Fault::new(
                        503,
                        IssueCode::Timeout,
                        "The database of this node fell silent; it is not known whether this request was stored. Look before you repeat it.",
                    )
                }
            }
            Error::Damaged(why) | Error::Keys(why) | Error::Elsewhere(why) => {
                tracing::error!(%why, "the archive is damaged");
                Fault::ours()
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_says_both_sentences_and_names_its_policies() {
        let fault = Fault::from(Refusal {
            kind: RefusalKind::NoEvidence,
            es: "No consta.".into(),
            en: "Nothing shows it.".into(),
            because: vec!["care-reads".into()],
        });
        assert_eq!(fault.status, 403);
        assert_eq!(
            fault.outcome().to_string(),
            concat!(
                r#"{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","#,
                r#""diagnostics":"Nothing shows it.","details":{"coding":[{"#,
                r#""system":"https://tejido.mx/fhir/CodeSystem/refusal","code":"no-evidence"},{"#,
                r#""system":"https://tejido.mx/fhir/CodeSystem/policy","code":"care-reads"}],"text":"No consta."}}]}"#,
            )
        );
    }

    #[test]
    fn what_the_permit_lacks_is_never_said() {
        let fault = Fault::from(store::Error::NotPermitted("Observation/7 is of 12".into()));
        assert!(!fault.outcome().to_string().contains("12"));
        assert_eq!(fault, Fault::not_open());
    }

    #[test]
    fn a_full_disk_and_a_full_queue_ask_to_come_again() {
        for error in [store::Error::Busy, store::Error::Disk("ENOSPC".into())] {
            let fault = Fault::from(error);
            assert_eq!((fault.status, fault.retry), (503, Some(2)));
        }
    }
}
