//! What the headers and the general parameters of a request ask for.

use crate::fault::Fault;
use fhir::{IssueCode, Value, query::Handling};
use http::{HeaderMap, header};
use jiff::Timestamp;
use store::Current;
use trust::{Purpose, Role};

/// The header that names the purpose, as a code of HL7 v3 PurposeOfUse.
pub const PURPOSE: &str = "tejido-purpose";

/// What a write gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Return {
    Representation,
    Minimal,
    Outcome,
}

/// `If-None-Match`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum NoneMatch {
    /// `*`
    Any,
    /// Versions; tags that we never gave match nothing.
    Versions(Vec<u64>),
}

impl NoneMatch {
    pub(crate) fn read(text: &str) -> NoneMatch {
        match text.trim() {
            "*" => NoneMatch::Any,
            tags => NoneMatch::Versions(tags.split(',').filter_map(version).collect()),
        }
    }
}

/// `If-Match`: a version, or `*` for any.
pub(crate) fn must_match(name: &str, text: &str) -> Result<Current, Fault> {
    if text.trim() == "*" {
        return Ok(Current::Any);
    }
    version(text).map(Current::Version).ok_or_else(|| {
        Fault::bad(
            IssueCode::Value,
            format!("{name} is not a version of ours; it looks like W/\"3\"."),
        )
    })
}

/// The conditions and wishes of a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Wishes {
    /// `None`: a single write shows what was stored, a bundle does not repeat what it was sent.
    pub(crate) prefer: Option<Return>,
    pub(crate) if_match: Option<Current>,
    pub(crate) if_none_match: Option<NoneMatch>,
    pub(crate) if_modified_since: Option<Timestamp>,
    pub(crate) if_none_exist: Option<String>,
    /// What becomes of parameters of a search that are not known.
    pub(crate) handling: Handling,
    pub(crate) pretty: bool,
}

/// Names and values of a URL, in order.
pub(crate) type Pairs = Vec<(String, String)>;

/// Decodes a query string or a form body.
pub(crate) fn pairs(text: &str) -> Result<Pairs, Fault> {
    let mut pairs = Pairs::new();
    for part in text.split('&').filter(|part| !part.is_empty()) {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        pairs.push((decoded(name)?, decoded(value)?));
    }
    Ok(pairs)
}

fn decoded(text: &str) -> Result<String, Fault> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digit = |b: Option<u8>| char::from(b?).to_digit(16);
                match (digit(bytes.next()), digit(bytes.next())) {
                    (Some(high), Some(low)) => (high * 16 + low) as u8,
                    _ => {
                        return Err(Fault::bad(
                            IssueCode::Invalid,
                            "A `%` in the address is not followed by two hexadecimal digits.",
                        ));
                    }
                }
            }
            other => other,
        });
    }
    String::from_utf8(out).map_err(|_| {
        Fault::bad(
            IssueCode::Invalid,
            "The address holds bytes that are not UTF-8.",
        )
    })
}

/// Encodes a value for a query string. What FHIR's values use (`,:|/$`) stays readable where it is harmless.
pub(crate) fn encode(text: &str, out: &mut String) {
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' => out.push(char::from(byte)),
            b'-' | b'.' | b'_' | b'~' | b',' | b':' | b'/' | b'$' => out.push(char::from(byte)),
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                let digit = |n: u8| HEX.get(usize::from(n)).map_or('0', |&b| char::from(b));
                out.push('%');
                out.push(digit(byte >> 4));
                out.push(digit(byte & 15));
            }
        }
    }
}

/// Takes a parameter out; the last one counts.
pub(crate) fn take(pairs: &mut Pairs, name: &str) -> Option<String> {
    let mut taken = None;
    pairs.retain_mut(|(key, value)| {
        let wanted = key == name;
        if wanted {
            taken = Some(std::mem::take(value));
        }
        !wanted
    });
    taken
}

const JSON: [&str; 4] = [
    "application/fhir+json",
    "application/json",
    "text/json",
    "json",
];

/// The media type of a header's element, without parameters; `Err` when it asks for a FHIR version that is not R4.
fn media(element: &str) -> Result<String, Fault> {
    let mut parts = element.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    for part in parts {
        if let Some(version) = part.strip_prefix("fhirVersion=")
            && !version.trim_matches('"').starts_with("4.0")
        {
            return Err(Fault::new(
                406,
                IssueCode::NotSupported,
                "This server speaks FHIR R4 (fhirVersion=4.0) only.",
            ));
        }
    }
    Ok(name)
}

/// Whether the answer may be JSON: `_format` counts before `Accept`.
pub(crate) fn acceptable(headers: &HeaderMap, format: Option<&str>) -> Result<(), Fault> {
    let refused = || {
        Fault::new(
            406,
            IssueCode::NotSupported,
            "This server answers in application/fhir+json only.",
        )
    };
    if let Some(format) = format {
        // A `+` that was not escaped arrives as a space.
        let format = format.replace(' ', "+");
        let fits = JSON.contains(&media(&format)?.as_str());
        return fits.then_some(()).ok_or_else(refused);
    }
    let mut asked = false;
    for value in headers.get_all(header::ACCEPT) {
        let value = value.to_str().map_err(|_| refused())?;
        for element in value.split(',').filter(|e| !e.trim().is_empty()) {
            asked = true;
            let name = media(element)?;
            if name == "*/*" || name == "application/*" || JSON.contains(&name.as_str()) {
                return Ok(());
            }
        }
    }
    if asked { Err(refused()) } else { Ok(()) }
}

/// What a route takes as its body.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sent {
    /// A resource.
    Json,
    /// A JSON Patch, or a FHIRPath Patch, which is a resource.
    Patch,
    /// The parameters of a search.
    Form,
}

/// Whether a body is what the route takes, in UTF-8; gives whether it is compressed (gzip).
pub(crate) fn content(headers: &HeaderMap, sent: Sent) -> Result<bool, Fault> {
    let wrong = |said: &str| Fault::new(415, IssueCode::NotSupported, said);
    let coding = headers.get(header::CONTENT_ENCODING);
    let gzip = match coding.map(|coding| coding.as_bytes()) {
        None | Some(b"identity") => false,
        Some(b"gzip" | b"x-gzip") if sent != Sent::Form => true,
        Some(_) => {
            return Err(wrong(
                "Send the body as it is or compressed with gzip (a form: as it is).",
            ));
        }
    };
    let value = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let name = media(value).map_err(|fault| Fault {
        status: 415,
        ..fault
    })?;
    let charset = value
        .split(';')
        .skip(1)
        .filter_map(|part| part.trim().split_once('='))
        .find(|(key, _)| key.eq_ignore_ascii_case("charset"))
        .map(|(_, set)| set.trim_matches('"').to_ascii_lowercase());
    if charset.is_some_and(|set| set != "utf-8" && set != "utf8") {
        return Err(wrong("The body must be UTF-8."));
    }
    let fits = match sent {
        Sent::Json => JSON.contains(&name.as_str()),
        Sent::Patch => name == JSON_PATCH || name == MERGE_PATCH || JSON.contains(&name.as_str()),
        Sent::Form => name == "application/x-www-form-urlencoded",
    };
    match (fits, sent) {
        (true, _) => Ok(gzip),
        (false, Sent::Form) => Err(wrong(
            "A posted search is a form: Content-Type: application/x-www-form-urlencoded.",
        )),
        (false, Sent::Patch) => Err(wrong(
            "Send a JSON Patch with Content-Type: application/json-patch+json, a merge patch with application/merge-patch+json, or a FHIRPath Patch with application/fhir+json.",
        )),
        (false, Sent::Json) => Err(wrong("Send JSON with Content-Type: application/fhir+json.")),
    }
}

/// RFC 6902.
const JSON_PATCH: &str = "application/json-patch+json";
/// RFC 7396.
const MERGE_PATCH: &str = "application/merge-patch+json";

/// Whether a patch has the form that its media type says.
pub(crate) fn patch_of_kind(kind: &str, patch: &Value) -> Result<(), Fault> {
    let kind = kind.split(';').next().unwrap_or_default().trim();
    let wrong = |said: &str| Err(Fault::bad(IssueCode::Invalid, said));
    match (kind.to_ascii_lowercase().as_str(), patch) {
        (JSON_PATCH, Value::Array(_)) | (MERGE_PATCH, Value::Object(_)) => Ok(()),
        (JSON_PATCH, _) => wrong("A JSON Patch is an array of operations."),
        (MERGE_PATCH, _) => wrong("A merge patch of a resource is an object."),
        _ => Ok(()),
    }
}

/// `W/"3"` or `"3"`.
pub(crate) fn version(tag: &str) -> Option<u64> {
    let tag = tag.trim();
    let tag = tag.strip_prefix("W/").unwrap_or(tag);
    tag.strip_prefix('"')?.strip_suffix('"')?.parse().ok()
}

/// Reads the conditions and wishes.
pub(crate) fn wishes(headers: &HeaderMap) -> Result<Wishes, Fault> {
    let text = |name: &str| -> Result<Option<&str>, Fault> {
        headers
            .get(name)
            .map(|value| {
                value.to_str().map_err(|_| {
                    Fault::bad(
                        IssueCode::Invalid,
                        format!("The header {name} is not plain text."),
                    )
                })
            })
            .transpose()
    };
    // As RFC 9110 has it, a date that cannot be read is no condition, and neither is one beside If-None-Match.
    let if_none_match = text("if-none-match")?.map(NoneMatch::read);
    let if_modified_since = text("if-modified-since")?
        .filter(|_| if_none_match.is_none())
        .and_then(|date| {
            jiff::fmt::rfc2822::DateTimeParser::new()
                .parse_timestamp(date)
                .ok()
        });
    let mut preferred = Vec::new();
    for value in headers.get_all("prefer") {
        let value = value
            .to_str()
            .map_err(|_| Fault::bad(IssueCode::Invalid, "The header Prefer is not plain text."))?;
        preferred.extend(value.split([',', ';']).map(str::trim));
    }
    Ok(Wishes {
        prefer: prefer(&preferred),
        handling: handling(&preferred),
        if_match: text("if-match")?
            .map(|tag| must_match("If-Match", tag))
            .transpose()?,
        if_none_match,
        if_modified_since,
        if_none_exist: text("if-none-exist")?.map(str::to_owned),
        pretty: false,
    })
}

impl Wishes {
    /// What a write expects to be current. Conditions that a write cannot mean are refused, since to ignore them could
    /// overwrite what somebody wanted kept. `If-None-Match: *` is for updates: store only what is not there.
    pub(crate) fn expected(&self, update: bool) -> Result<Option<Current>, Fault> {
        let wrong = |said: &str| Err(Fault::bad(IssueCode::Invalid, said));
        match (&self.if_match, &self.if_none_match) {
            (expected, None) => Ok(*expected),
            (None, Some(NoneMatch::Any)) if update => Ok(Some(Current::Absent)),
            (Some(_), Some(_)) => wrong("If-Match and If-None-Match together mean nothing here."),
            _ => wrong(
                "If-None-Match on a write is for PUT, and there only `*`: store it if it is not there.",
            ),
        }
    }
}

/// A wish that we do not know is, as RFC 7240 has it, no wish.
fn prefer(preferred: &[&str]) -> Option<Return> {
    let mut wanted = preferred
        .iter()
        .filter_map(|part| part.strip_prefix("return="));
    match wanted.next() {
        Some("minimal") => Some(Return::Minimal),
        Some("OperationOutcome") => Some(Return::Outcome),
        Some("representation") => Some(Return::Representation),
        _ => None,
    }
}

/// Lenient only when it is asked for.
fn handling(preferred: &[&str]) -> Handling {
    match preferred.contains(&"handling=lenient") {
        true => Handling::Lenient,
        false => Handling::Strict,
    }
}

/// The purpose of a request: what the header says, or what goes without saying for the role.
pub(crate) fn purpose(headers: &HeaderMap, role: Role) -> Result<Purpose, Fault> {
    let Some(value) = headers.get(PURPOSE) else {
        return Ok(match role {
            Role::System | Role::Operator | Role::Privacy => Purpose::Operations,
            Role::Patient => Purpose::OwnRequest,
            Role::Physician | Role::Nurse | Role::Pharmacist | Role::Clerk => Purpose::Treatment,
        });
    };
    match value.to_str() {
        Ok("TREAT") => Ok(Purpose::Treatment),
        Ok("PATRQT") => Ok(Purpose::OwnRequest),
        Ok("FAMRQT") => Ok(Purpose::Family),
        Ok("HOPERAT") => Ok(Purpose::Operations),
        Ok("HRESCH") => Ok(Purpose::Research),
        Ok("HPAYMT") => Ok(Purpose::Payment),
        Ok("BTG") => Ok(Purpose::Emergency),
        // Understood so that they are refused for what they are, and the person reads that somebody asked.
        Ok("UNDERWRITING") => Ok(Purpose::Underwriting),
        Ok("EMPLOYMENT") => Ok(Purpose::Employment),
        _ => Err(Fault::bad(
            IssueCode::Value,
            "Tejido-Purpose is one of TREAT, PATRQT, FAMRQT, HOPERAT, HRESCH, HPAYMT, BTG.",
        )),
    }
}

/// The token of `Authorization: Bearer`.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then(|| token.trim())
        .filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| {
                let name = http::HeaderName::from_static(name);
                (name, value.parse().unwrap())
            })
            .collect()
    }

    #[test]
    fn json_in_any_of_its_names_and_nothing_else() {
        let case = |accept: &str, format| acceptable(&headers(&[("accept", accept)]), format);
        for good in [
            "*/*",
            "application/fhir+json; fhirVersion=4.0",
            "text/html, application/json;q=0.5",
        ] {
            assert!(case(good, None).is_ok(), "{good}");
        }
        assert_eq!(case("application/fhir+xml", None).unwrap_err().status, 406);
        assert_eq!(case("*/*", Some("xml")).unwrap_err().status, 406);
        assert!(case("application/xml", Some("application/fhir json")).is_ok());
        assert_eq!(
            case("application/fhir+json; fhirVersion=5.0", None)
                .unwrap_err()
                .status,
            406
        );
    }

    #[test]
    fn a_body_says_what_it_is() {
        let case = |kind: &str, sent| {
            content(&headers(&[("content-type", kind)]), sent).map_err(|fault| fault.status)
        };
        let good = [
            ("application/fhir+json; charset=UTF-8", Sent::Json),
            ("application/x-www-form-urlencoded", Sent::Form),
            ("application/json-patch+json", Sent::Patch),
            ("application/merge-patch+json", Sent::Patch),
            ("application/fhir+json", Sent::Patch),
        ];
        for (kind, sent) in good {
            assert_eq!(case(kind, sent), Ok(false), "{kind}");
        }
        let bad = [
            ("application/json; charset=latin1", Sent::Json),
            ("application/json-patch+json", Sent::Json),
            ("application/fhir+xml", Sent::Patch),
            ("text/plain", Sent::Json),
            ("application/json", Sent::Form),
            ("", Sent::Json),
        ];
        for (kind, sent) in bad {
            assert_eq!(case(kind, sent), Err(415), "{kind}");
        }
    }

    #[test]
    fn a_body_may_be_compressed_with_gzip_and_a_form_may_not() {
        let case = |coding: &str, kind: &str, sent| {
            let headers = headers(&[("content-encoding", coding), ("content-type", kind)]);
            content(&headers, sent).map_err(|fault| fault.status)
        };
        assert_eq!(case("gzip", "application/json", Sent::Json), Ok(true));
        assert_eq!(case("identity", "application/json", Sent::Json), Ok(false));
        assert_eq!(case("br", "application/json", Sent::Json), Err(415));
        let form = "application/x-www-form-urlencoded";
        assert_eq!(case("gzip", form, Sent::Form), Err(415));
    }

    #[test]
    fn an_address_is_decoded_or_refused() {
        assert_eq!(
            pairs("name=P%C3%A9rez+L%C3%B3pez&&x").unwrap(),
            [
                ("name".into(), "Pérez López".into()),
                ("x".into(), String::new())
            ]
        );
        assert_eq!(pairs("a=%f").unwrap_err().status, 400);
        assert_eq!(pairs("a=%ff").unwrap_err().status, 400);
        let mut out = String::new();
        encode("a|b c&é", &mut out);
        assert_eq!(out, "a%7Cb%20c%26%C3%A9");
    }

    #[test]
    fn versions_and_wishes_are_read() {
        let all = wishes(&headers(&[
            ("if-match", "W/\"3\""),
            ("if-none-match", "*"),
            ("prefer", "respond-async, return=minimal; handling=lenient"),
        ]))
        .unwrap();
        assert_eq!(all.if_match, Some(Current::Version(3)));
        assert_eq!(all.if_none_match, Some(NoneMatch::Any));
        assert_eq!(all.prefer, Some(Return::Minimal));
        assert_eq!(all.handling, Handling::Lenient);
        assert_eq!(
            NoneMatch::read(r#"W/"3", "x", "7""#),
            NoneMatch::Versions(vec![3, 7])
        );
        assert_eq!(
            wishes(&headers(&[("if-match", "3")])).unwrap_err().status,
            400
        );
    }
}
