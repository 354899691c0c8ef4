//! HTTP message signatures (RFC 9421) with content digests (RFC 9530), as nodes use them.
//!
//! A request's signature covers method, path, digest of the body, the member it is meant for and the pact's version; the
//! answer's covers its status, its digest **and the request's signature**, so an answer cannot be moved to another
//! question. What was signed is rebuilt from the message, never taken from it.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_STANDARD};
use trust::MemberId;

/// A request may be this many seconds old, or ahead, when it arrives: clocks of small clinics wander.
pub(crate) const FRESH_SECONDS: i64 = 300;

/// `sha-256=:...:` of a body.
pub(crate) fn content_digest(body: &[u8]) -> String {
    format!(
        "sha-256=:{}:",
        BASE64_STANDARD.encode(digest(&SHA256, body))
    )
}

/// What a request's signature covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct RequestHead<'a> {
    pub(crate) path: &'a str,
    pub(crate) digest: &'a str,
    pub(crate) to: &'a str,
    pub(crate) pact: u64,
}

/// The parameters of a signature, as they stand in `Signature-Input`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parameters {
    pub(crate) created: i64,
    pub(crate) keyid: MemberId,
    pub(crate) nonce: String,
}

const REQUEST_COVERS: &str = r#"("@method" "@path" "content-digest" "tejido-to" "tejido-pact")"#;
const ANSWER_COVERS: &str = r#"("@status" "content-digest" "signature";req;key="tejido")"#;

impl Parameters {
    fn text(&self, covers: &str) -> String {
        let Parameters {
            created,
            keyid,
            nonce,
        } = self;
        format!(r#"{covers};created={created};keyid="{keyid}";alg="ed25519";nonce="{nonce}""#)
    }
    pub(crate) fn request_input(&self) -> String {
        format!("tejido={}", self.text(REQUEST_COVERS))
    }
    pub(crate) fn answer_input(&self) -> String {
        format!("tejido={}", self.text(ANSWER_COVERS))
    }
    /// Reads `Signature-Input`. Only our own form is taken: same components, same order.
    fn parse(input: &str, covers: &str) -> Option<Parameters> {
        let rest = input.strip_prefix("tejido=")?.strip_prefix(covers)?;
        let mut parts = rest.split(';').skip(1);
        let created = parts.next()?.strip_prefix("created=")?.parse().ok()?;
        let quoted = |part: Option<&str>, name: &str| {
            let value = part?
                .strip_prefix(name)?
                .strip_prefix("=\"")?
                .strip_suffix('"')?;
            let plain = !value.is_empty()
                && value.len() <= 64
                && value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-');
            plain.then(|| value.to_owned())
        };
        let keyid = MemberId(quoted(parts.next(), "keyid")?);
        if quoted(parts.next(), "alg").as_deref() != Some("ed25519") {
            return None;
        }
        let nonce = quoted(parts.next(), "nonce")?;
        parts.next().is_none().then_some(Parameters {
            created,
            keyid,
            nonce,
        })
    }
    pub(crate) fn parse_request(input: &str) -> Option<Parameters> {
        Parameters::parse(input, REQUEST_COVERS)
    }
    pub(crate) fn parse_answer(input: &str) -> Option<Parameters> {
        Parameters::parse(input, ANSWER_COVERS)
    }
}

/// The signature base of a request (RFC 9421, 2.5).
pub(crate) fn request_base(head: &RequestHead<'_>, parameters: &Parameters) -> String {
    format!(
        "\"@method\": POST\n\"@path\": {}\n\"content-digest\": {}\n\"tejido-to\": {}\n\"tejido-pact\": {}\n\"@signature-params\": {}",
        head.path,
        head.digest,
        head.to,
        head.pact,
        parameters.text(REQUEST_COVERS)
    )
}

/// The signature base of an answer to a request with this `Signature` header.
pub(crate) fn answer_base(
    status: u16,
    digest: &str,
    request_signature: &str,
    parameters: &Parameters,
) -> String {
    let asked = request_signature
        .strip_prefix("tejido=")
        .unwrap_or(request_signature);
    format!(
        "\"@status\": {status}\n\"content-digest\": {digest}\n\"signature\";req;key=\"tejido\": {asked}\n\"@signature-params\": {}",
        parameters.text(ANSWER_COVERS)
    )
}

/// The `Signature` header's value.
pub(crate) fn signature_header(signature: &[u8]) -> String {
    format!("tejido=:{}:", BASE64_STANDARD.encode(signature))
}

/// The signature in a `Signature` header.
pub(crate) fn parse_signature(header: &str) -> Option<Vec<u8>> {
    let text = header.strip_prefix("tejido=:")?.strip_suffix(':')?;
    BASE64_STANDARD.decode(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        Parameters {
            created: 1_700_000_000,
            keyid: MemberId("imss".into()),
            nonce: "abc123".into(),
        }
    }

    #[test]
    fn a_base_holds_what_is_covered_and_nothing_else() {
        let digest = content_digest(b"{}");
        let head = RequestHead {
            path: "/exchange/ask",
            digest: &digest,
            to: "farmacia",
            pact: 3,
        };
        assert_eq!(
            request_base(&head, &parameters()),
            "\"@method\": POST\n\"@path\": /exchange/ask\n\
             \"content-digest\": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:\n\"tejido-to\": farmacia\n\"tejido-pact\": 3\n\
             \"@signature-params\": (\"@method\" \"@path\" \"content-digest\" \"tejido-to\" \"tejido-pact\");\
             created=1700000000;keyid=\"imss\";alg=\"ed25519\";nonce=\"abc123\""
        );
    }
    #[test]
    fn parameters_come_back_and_other_forms_are_refused() {
        assert_eq!(
            Parameters::parse_request(&parameters().request_input()),
            Some(parameters())
        );
        assert_eq!(
            Parameters::parse_answer(&parameters().answer_input()),
            Some(parameters())
        );
        let good = parameters().request_input();
        for bad in [
            good.replace("\"@path\" ", ""),
            good.replace("ed25519", "hmac-sha256"),
            good.replace("imss", "im\\\"ss"),
            format!("{good};tag=\"x\""),
            good.replace("created=1700000000", "created=soon"),
            String::new(),
        ] {
            assert_eq!(Parameters::parse_request(&bad), None, "{bad}");
        }
    }
    #[test]
    fn a_signature_header_comes_back() {
        assert_eq!(
            parse_signature(&signature_header(&[1, 2, 3])),
            Some(vec![1, 2, 3])
        );
        assert_eq!(parse_signature("tejido=:%%:"), None);
    }
}
