//! Why two registrations are, may be or are not of one person: field by field, and in one sentence.

use crate::card::{Card, Register};
use crate::compare::{Comparison, compare};
use crate::english::english;
use crate::field::{Field, at};
use crate::model::{Model, probability};
use crate::sure::{Sure, confirmed};
use serde::Serialize;

/// How sure a match is, in the words of FHIR's match-grade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Grade {
    /// Not this person: less than one in a hundred, or confirmed numbers that differ.
    CertainlyNot,
    /// Somebody should look.
    Possible,
    /// More likely than not.
    Probable,
    /// A confirmed number decides, or less than one chance in a thousand that it is somebody else.
    Certain,
}

impl Grade {
    /// The grade of a probability.
    pub fn of(probability: f64) -> Grade {
        match probability {
            p if p >= 0.999 => Grade::Certain,
            p if p >= 0.5 => Grade::Probable,
            p if p >= 0.01 => Grade::Possible,
            _ => Grade::CertainlyNot,
        }
    }
}

/// What one field says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Said {
    /// Which field.
    pub field: Field,
    /// Its level of agreement: 1 is the best, larger ones are worse.
    pub level: u8,
    /// How much it speaks for one person (above 0) or for two strangers (below), in bits: 10 is a factor of 1,024.
    pub bits: f64,
    /// In Spanish, as in "la fecha de nacimiento difiere en un dígito".
    pub spanish: String,
    /// In English, as in "the birth date differs in a digit".
    pub english: String,
}

/// What contradicts a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Conflict {
    /// A confirmed number says one person, and the rest says two.
    NumberAgainstTheRest,
    /// Confirmed numbers differ, and the rest says one person.
    NumbersDiffer,
}

impl Conflict {
    /// In Spanish.
    pub fn spanish(self) -> &'static str {
        match self {
            Conflict::NumberAgainstTheRest => {
                "Un identificador confirmado dice que son la misma persona, y los demás datos dicen que no."
            }
            Conflict::NumbersDiffer => {
                "Dos identificadores confirmados son distintos, y los demás datos dicen que son la misma persona."
            }
        }
    }
    /// In English.
    pub fn english(self) -> &'static str {
        match self {
            Conflict::NumberAgainstTheRest => {
                "A confirmed identifier says that they are one person, and the rest says that they are not."
            }
            Conflict::NumbersDiffer => {
                "Two confirmed identifiers differ, and the rest says that they are one person."
            }
        }
    }
}

/// The whole of it.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Probability that both are of one person, 0 to 1, by weighing; confirmed numbers aside.
    pub probability: f64,
    /// Probability that they are of relatives, twins and namesakes included.
    pub relatives: f64,
    /// How sure, confirmed numbers included.
    pub grade: Grade,
    /// Whether a confirmed number decided.
    pub decided: bool,
    /// What contradicts the decision and must be shown.
    pub conflicts: Vec<Conflict>,
    /// Field by field, what both know; the most telling first.
    pub fields: Vec<Said>,
    /// One sentence in Spanish, without any value of the person's.
    pub sentence: String,
    /// The same in English.
    pub english: String,
}

/// Explains a pair.
pub(crate) fn explain(register: &Register, model: &Model, a: &Card, b: &Card) -> Explanation {
    let pair = compare(register, a, b);
    let p = probability(model.log_odds(&pair));
    let relatives: f64 = model.shares(&pair).kin.iter().map(|k| f64::from(*k)).sum();
    let sure = confirmed(register, a, b);
    let mut conflicts = Vec::new();
    let grade = match sure {
        Some(Sure::One) => {
            if p < 0.5 {
                conflicts.push(Conflict::NumberAgainstTheRest);
            }
            Grade::Certain
        }
        Some(Sure::Two) => {
            if p >= 0.5 {
                conflicts.push(Conflict::NumbersDiffer);
            }
            Grade::CertainlyNot
        }
        None => Grade::of(p),
    };
    let fields = fields(model, &pair);
    let [sentence, english] =
        [&SPANISH, &ENGLISH].map(|words| words.sentence(sure, grade, p, relatives, &fields));
    Explanation {
        probability: p,
        relatives,
        grade,
        decided: sure.is_some(),
        conflicts,
        fields,
        sentence,
        english,
    }
}

fn fields(model: &Model, pair: &Comparison) -> Vec<Said> {
    let mut out: Vec<Said> = Field::ALL
        .into_iter()
        .filter_map(|field| {
            let level = pair.level[field as usize];
            let row = field.levels().get(usize::from(level).checked_sub(1)?)?;
            let weight = model.field_weight(field, level, pair.chance[field as usize]);
            Some(Said {
                field,
                level,
                bits: f64::from(weight) / std::f64::consts::LN_2,
                spanish: format!("{} {}", field.spanish(), row.spanish),
                english: format!("{} {}", english(field.spanish()), english(row.spanish)),
            })
        })
        .collect();
    out.sort_by(|x, y| {
        y.bits
            .abs()
            .total_cmp(&x.bits.abs())
            .then(x.level.cmp(&y.level))
    });
    out
}

/// What a sentence is made of, in one language.
struct Words {
    one_by_number: &'static str,
    two_by_number: &'static str,
    relatives: &'static str,
    two: &'static str,
    may_be: &'static str,
    probably: &'static str,
    one: &'static str,
    and: &'static str,
    in_favour: &'static str,
    against: &'static str,
    nothing: &'static str,
    said: fn(&Said) -> &str,
}

const SPANISH: Words = Words {
    one_by_number: "Son la misma persona por un identificador confirmado",
    two_by_number: "Son dos personas: sus identificadores confirmados difieren",
    relatives: "No son la misma persona; pueden ser familiares",
    two: "No son la misma persona",
    may_be: "Pueden ser la misma persona",
    probably: "Probablemente son la misma persona",
    one: "Son la misma persona",
    and: "y",
    in_favour: "a favor",
    against: "en contra",
    nothing: "no hay datos que lo digan",
    said: |said| &said.spanish,
};

const ENGLISH: Words = Words {
    one_by_number: "They are one person by a confirmed identifier",
    two_by_number: "They are two people: their confirmed identifiers differ",
    relatives: "They are not one person; they may be relatives",
    two: "They are not one person",
    may_be: "They may be one person",
    probably: "They are probably one person",
    one: "They are one person",
    and: "and",
    in_favour: "in favour",
    against: "against",
    nothing: "nothing is known that would say so",
    said: |said| &said.english,
};

impl Words {
    fn sentence(
        &self,
        sure: Option<Sure>,
        grade: Grade,
        p: f64,
        relatives: f64,
        fields: &[Said],
    ) -> String {
        let weighed = |words: &str| format!("{words} ({})", percent(p));
        let head = match (sure, grade) {
            (Some(Sure::One), _) => self.one_by_number.to_owned(),
            (Some(Sure::Two), _) => self.two_by_number.to_owned(),
            (_, Grade::CertainlyNot) if relatives > 0.5 => self.relatives.to_owned(),
            (_, Grade::CertainlyNot) => self.two.to_owned(),
            (_, Grade::Possible) => weighed(self.may_be),
            (_, Grade::Probable) => weighed(self.probably),
            (_, Grade::Certain) => weighed(self.one),
        };
        let list = |wanted: fn(&&Said) -> bool| {
            let wanted = fields.iter().filter(wanted).take(4);
            let said: Vec<&str> = wanted.map(self.said).collect();
            match said.split_last() {
                Some((last, [])) => (*last).to_owned(),
                Some((last, rest)) => format!("{} {} {last}", rest.join(", "), self.and),
                None => String::new(),
            }
        };
        let (for_one, against) = (list(|s| s.bits >= 1.0), list(|s| s.bits <= -1.0));
        match (for_one.is_empty(), against.is_empty()) {
            (false, false) => format!(
                "{head}: {}, {for_one}; {}, {against}.",
                self.in_favour, self.against
            ),
            (false, true) => format!("{head}: {for_one}."),
            (true, false) => format!("{head}: {against}."),
            (true, true) => format!("{head}: {}.", self.nothing),
        }
    }
}

/// At most 99.9: nothing here is sure.
fn percent(p: f64) -> String {
    format!("{:.1} %", (p * 100.0).min(99.9))
}

impl Said {
    /// Whether both have the very same value.
    pub fn is_same(&self) -> bool {
        self.level == at::SAME
    }
}
