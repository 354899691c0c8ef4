//! Forms of a consultation: a note, a prescription, a referral; and the page that shows one again when it needs work.

use super::field::{Field, Form, choice};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use crate::text::Text;
use askama::Template;

/// Which of the three forms.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Errand {
    /// A consultation note.
    Note,
    /// A prescription.
    Prescription,
    /// A referral.
    Referral,
}

/// The fields of the three forms.
#[derive(Clone, Debug)]
pub struct Forms {
    /// Sealed state of the consultation.
    pub errand: String,
    /// Of a note.
    pub note: Vec<Field>,
    /// Of a prescription.
    pub prescription: Vec<Field>,
    /// Of a referral.
    pub referral: Vec<Field>,
    /// Ask for a reason to prescribe against a known allergy.
    pub allergy: bool,
}

/// Empty forms.
pub(crate) fn forms(t: Text, errand: &str, destinations: &[(String, String)]) -> Forms {
    filled(t, errand, destinations, &Fields::default(), &[])
}

fn filled(
    t: Text,
    errand: &str,
    destinations: &[(String, String)],
    typed: &Fields,
    errors: &[FieldError],
) -> Forms {
    let f = Form {
        t,
        prefix: "field",
        typed,
        errors,
    };
    let groups = std::iter::once(choice("", t.say("group.none")))
        .chain(["I", "II", "III", "IV", "V", "VI"].map(|g| choice(g, t.say(&format!("group.{g}")))))
        .collect();
    let to = std::iter::once(choice("", t.say("field.choose")))
        .chain(destinations.iter().map(|(id, name)| choice(id, name)))
        .collect();
    let priorities = ["routine", "urgent", "asap"]
        .iter()
        .map(|p| choice(p, t.say(&format!("priority.{p}"))))
        .collect();
    Forms {
        errand: errand.to_owned(),
        note: vec![
            f.input("reason").required(),
            f.area("findings", 4).required(),
            f.area("plan", 3).required(),
            f.input("diagnosis"),
            f.input("diagnosis_code"),
        ],
        prescription: vec![
            f.input("medicine").required(),
            f.input("dose").required(),
            f.input("route").required(),
            f.input("frequency").required(),
            Field {
                kind: "number",
                ..f.input("days")
            }
            .required(),
            f.choice("group", groups),
            f.input("indication"),
        ],
        referral: vec![
            f.choice("to", to).required(),
            f.input("service").required(),
            f.area("referral_reason", 3).required(),
            f.choice("priority", priorities),
        ],
        allergy: errors.iter().any(|e| e.field == "medicine") && !typed.get("medicine").is_empty(),
    }
}

#[derive(Template)]
#[template(path = "errand.html")]
struct Page<'a> {
    frame: Frame,
    f: Forms,
    which: Errand,
    reference: &'a str,
    errors: &'a [FieldError],
}

/// One form shown again, as typed, with what is wrong.
pub fn page(
    frame: Frame,
    which: Errand,
    reference: &str,
    destinations: &[(String, String)],
    typed: &Fields,
    errors: &[FieldError],
) -> String {
    let t = frame.t;
    let title = match which {
        Errand::Note => t.say("errand.note"),
        Errand::Prescription => t.say("errand.prescribe"),
        Errand::Referral => t.say("errand.refer"),
    };
    let f = filled(t, typed.get("errand"), destinations, typed, errors);
    super::render(&Page {
        frame: frame.titled(title),
        f,
        which,
        reference,
        errors,
    })
}
