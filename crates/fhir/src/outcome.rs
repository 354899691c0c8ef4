//! What went wrong, in the form FHIR gives it: `OperationOutcome`.

use crate::{json::Value, obj};

/// The codes of `issue-type` that Tejido uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IssueCode {
    /// Content that breaks the rules of its form.
    Invalid,
    /// The structure does not follow the definitions.
    Structure,
    /// A required element is missing.
    Required,
    /// An element's value is not one of those allowed.
    Value,
    /// An invariant is broken.
    Invariant,
    /// The request needs a sign-in.
    Login,
    /// The token is unknown or its time is over.
    Expired,
    /// The rules refuse it.
    Forbidden,
    /// Something was left out of the answer.
    Suppressed,
    /// Not something this server does.
    NotSupported,
    /// It exists twice.
    Duplicate,
    /// It is not there.
    NotFound,
    /// It was there and was deleted.
    Deleted,
    /// Larger than the limits.
    TooLong,
    /// An extension that is not known, or stands where it may not.
    Extension,
    /// Cut short: there is more than was looked at.
    Incomplete,
    /// A code or code system that is not allowed here.
    CodeInvalid,
    /// What was asked is not what the operation allows.
    BusinessRule,
    /// A version or state conflict.
    Conflict,
    /// Too busy: come again later.
    Throttled,
    /// A peer did not answer in time.
    Timeout,
    /// A fault of ours.
    Exception,
    /// Only a remark.
    Informational,
}

impl IssueCode {
    /// The code as FHIR writes it.
    pub fn code(self) -> &'static str {
        match self {
            IssueCode::Invalid => "invalid",
            IssueCode::Structure => "structure",
            IssueCode::Required => "required",
            IssueCode::Value => "value",
            IssueCode::Invariant => "invariant",
            IssueCode::Login => "login",
            IssueCode::Expired => "expired",
            IssueCode::Forbidden => "forbidden",
            IssueCode::Suppressed => "suppressed",
            IssueCode::NotSupported => "not-supported",
            IssueCode::Duplicate => "duplicate",
            IssueCode::NotFound => "not-found",
            IssueCode::Deleted => "deleted",
            IssueCode::TooLong => "too-long",
            IssueCode::Extension => "extension",
            IssueCode::Incomplete => "incomplete",
            IssueCode::CodeInvalid => "code-invalid",
            IssueCode::BusinessRule => "business-rule",
            IssueCode::Conflict => "conflict",
            IssueCode::Throttled => "throttled",
            IssueCode::Timeout => "timeout",
            IssueCode::Exception => "exception",
            IssueCode::Informational => "informational",
        }
    }
}

/// One thing that is wrong: what, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issue {
    /// `error`, `warning` or `information`.
    pub severity: &'static str,
    /// What kind of thing.
    pub code: IssueCode,
    /// A sentence that says what happened and what to do.
    pub diagnostics: String,
    /// The element it is about, as in `Patient.name[0].given`; empty when it is about the whole.
    pub expression: String,
}

impl Issue {
    /// A warning: it may stand, but should be looked at.
    pub fn warning(
        code: IssueCode,
        expression: impl Into<String>,
        diagnostics: impl Into<String>,
    ) -> Issue {
        Issue {
            severity: "warning",
            ..Issue::error(code, expression, diagnostics)
        }
    }
    /// A remark.
    pub fn information(
        code: IssueCode,
        expression: impl Into<String>,
        diagnostics: impl Into<String>,
    ) -> Issue {
        Issue {
            severity: "information",
            ..Issue::error(code, expression, diagnostics)
        }
    }
    /// Whether it is an error, and not only a warning or a remark.
    pub fn is_error(&self) -> bool {
        self.severity == "error"
    }
    /// An error about a place (or about the whole, with an empty one).
    pub fn error(
        code: IssueCode,
        expression: impl Into<String>,
        diagnostics: impl Into<String>,
    ) -> Issue {
        Issue {
            severity: "error",
            code,
            diagnostics: diagnostics.into(),
            expression: expression.into(),
        }
    }
}

/// An `OperationOutcome` of these issues.
pub fn outcome(issues: &[Issue]) -> Value {
    let issues: Vec<Value> = issues
        .iter()
        .map(|issue| {
            obj! {
                "severity" => issue.severity,
                "code" => issue.code.code(),
                "diagnostics" => issue.diagnostics.as_str(),
                "expression" => (!issue.expression.is_empty()).then(|| vec![issue.expression.as_str()]),
            }
        })
        .collect();
    obj! { "resourceType" => "OperationOutcome", "issue" => issues }
}
