//! The one form of a pact's text: TOML, fields in a fixed order, policies last and readable.
//!
//! Written by hand and not by a serializer, so that no new version of a library ever changes what was signed.

use super::{Agreed, Member, Pact, PactError};

/// Writes a pact.
pub(super) fn write(pact: &Pact) -> String {
    let mut out = String::new();
    let mut line = |name: &str, value: String| {
        out.push_str(name);
        out.push_str(" = ");
        out.push_str(&value);
        out.push('\n');
    };
    line("network", quoted(&pact.network));
    line("version", pact.version.to_string());
    line("previous", quoted(&pact.previous));
    line("threshold", pact.threshold.to_string());
    line("deadline_ms", pact.deadline_ms.to_string());
    line("check_in_minutes", pact.check_in_minutes.to_string());
    line("appointment_minutes", pact.appointment_minutes.to_string());
    line("code_minutes", pact.code_minutes.to_string());
    if let Some(minutes) = pact.word_minutes {
        line("word_minutes", minutes.to_string());
    }
    if !pact.never.is_empty() {
        let codes: Vec<String> = pact.never.iter().map(|one| quoted(one.code())).collect();
        line("never", format!("[{}]", codes.join(", ")));
    }
    line("policies", block(&pact.policies));
    out.push_str(&super::terms::tables(
        pact.emergency.as_ref(),
        pact.orders.as_ref(),
        pact.care.as_ref(),
    ));
    out.push_str(&super::linkage::table(pact.linkage.as_ref()));
    out.push_str(&super::seals::table(pact.seals.as_ref()));
    for agreed in &pact.purposes {
        out.push_str(&purpose_table(agreed));
    }
    for member in &pact.members {
        out.push_str(&member_table(member));
    }
    out
}

/// Reads a pact; unknown fields are refused, for nobody should sign what some nodes do not understand.
pub(super) fn read(text: &str) -> Result<Pact, PactError> {
    toml::from_str(text).map_err(|e| PactError::Text(e.to_string().trim_end().replace('\n', " ")))
}

fn purpose_table(agreed: &Agreed) -> String {
    let kinds: Vec<String> = agreed.evidence.iter().map(|k| quoted(k.code())).collect();
    format!(
        "\n[[purposes]]\npurpose = {}\nevidence = [{}]\n",
        quoted(agreed.purpose.code()),
        kinds.join(", ")
    )
}

fn member_table(member: &Member) -> String {
    let mut table = format!(
        "\n[[members]]\nid = {}\nname = {}\nkind = {}\nkey = {}\naddress = {}\npublic = {}\n",
        quoted(&member.id.0),
        quoted(&member.name),
        quoted(&crate::act::code_of(&member.kind)),
        quoted(&member.key),
        quoted(&member.address),
        quoted(&member.public),
    );
    for former in &member.former {
        let until = quoted(&former.until.to_string());
        table.push_str(&format!(
            "\n[[members.former]]\nkey = {}\nuntil = {until}\n",
            quoted(&former.key)
        ));
    }
    table
}

/// A basic string. Control characters are refused before (a note may hold none).
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A multi-line basic string that begins on its own line. Quotes stay readable: only three in a row, or one before
/// the end, need a backslash.
fn block(text: &str) -> String {
    let mut body = text.replace('\\', "\\\\").replace("\"\"\"", "\\\"\\\"\\\"");
    if body.ends_with('"') {
        body.pop();
        body.push_str("\\\"");
    }
    format!("\"\"\"\n{body}\"\"\"")
}
