//! Answers against their questionnaire: items it has, types, how many, options, and the limits that its extensions set.
//!
//! The questionnaire is the one that `questionnaire` names: contained, loaded, or looked up by the caller's hook. When it
//! is not known, the answers are not judged.

use super::{conform::compare, limits::Limits, r4, scope::Scope, terminology::Member, walk::Walk};
use crate::{
    IssueCode, Value,
    check::{near, place::Place},
};
use std::cmp::Ordering;

/// What is asked and what is answered, as the walk goes down both.
struct Sheet<'v> {
    questionnaire: &'v Value,
    response: &'v Value,
    /// Whether what is missing is missing for good.
    finished: bool,
}

impl<'v> Walk<'v> {
    /// A QuestionnaireResponse against its Questionnaire.
    pub(super) fn answers(
        &mut self,
        response: &'v Value,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) {
        let Some(url) = response.text("questionnaire") else {
            return;
        };
        let bare = url.split('|').next().unwrap_or(url);
        let known = self.known.questionnaires.get(bare).map(AsRef::as_ref);
        let found = known.or_else(|| self.resolve(url, scope));
        let Some(questionnaire) = found.filter(|q| q.text("resourceType") == Some("Questionnaire"))
        else {
            return;
        };
        let sheet = Sheet {
            questionnaire,
            response,
            finished: matches!(response.text("status"), Some("completed" | "amended")),
        };
        self.level(&sheet, questionnaire.list("item"), response, place);
    }

    /// The items below one item, answer or the whole.
    fn level(
        &mut self,
        sheet: &Sheet<'v>,
        asked: &'v [Value],
        holder: &'v Value,
        place: &Place<'_>,
    ) {
        let given = holder.list("item");
        for item in given {
            let id = item.text("linkId").unwrap_or_default();
            if !asked.iter().any(|q| q.text("linkId") == Some(id)) {
                self.wrong(
                    IssueCode::Structure,
                    place,
                    format!("the questionnaire has no item {} here", near::quoted(id)),
                );
            }
        }
        for question in asked {
            let id = question.text("linkId").unwrap_or_default();
            let items: Vec<(usize, &'v Value)> = given
                .iter()
                .enumerate()
                .filter(|(_, item)| item.text("linkId") == Some(id))
                .collect();
            if !self.may_go_on(place) {
                return;
            }
            self.asked(sheet, question, &items, place);
        }
    }

    /// One item of the questionnaire and what answers it.
    fn asked(
        &mut self,
        sheet: &Sheet<'v>,
        question: &'v Value,
        items: &[(usize, &'v Value)],
        place: &Place<'_>,
    ) {
        let id = question.text("linkId").unwrap_or_default();
        let of = question.text("type").unwrap_or_default();
        let enabled = is_enabled(question, sheet.response);
        let required = question.get("required").and_then(Value::as_bool) == Some(true);
        let repeats = question.get("repeats").and_then(Value::as_bool) == Some(true);
        if items.is_empty() {
            if required && sheet.finished && enabled == Some(true) {
                self.wrong(
                    IssueCode::Required,
                    place,
                    format!("the required item {} is not answered", near::quoted(id)),
                );
            }
            return;
        }
        if !repeats && items.len() > 1 && of != "display" {
            let i = items.get(1).map_or(0, |(i, _)| *i);
            self.wrong(
                IssueCode::Structure,
                &place.item("item", i),
                format!("the item {} may be answered once", near::quoted(id)),
            );
        }
        for (i, item) in items {
            let at = place.item("item", *i);
            if enabled == Some(false) {
                self.wrong(
                    IssueCode::Structure,
                    &at,
                    format!(
                        "the item {} is not asked, given the other answers",
                        near::quoted(id)
                    ),
                );
                continue;
            }
            let answers = item.list("answer");
            match of {
                "group" | "display" | "question" if !answers.is_empty() => {
                    self.wrong(
                        IssueCode::Structure,
                        &at,
                        format!("an item of the type {of} has no answers"),
                    );
                    // What stands below an answer should have stood here: it counts as not given.
                    self.level(sheet, question.list("item"), item, &at);
                }
                "group" => {
                    if required && sheet.finished && item.list("item").is_empty() {
                        self.wrong(IssueCode::Required, &at, "the required group has no items");
                        continue;
                    }
                    self.level(sheet, question.list("item"), item, &at);
                }
                "display" | "question" => {}
                _ => self.question(sheet, question, answers, required, repeats, &at),
            }
        }
    }

    /// The answers to one question.
    fn question(
        &mut self,
        sheet: &Sheet<'v>,
        question: &'v Value,
        answers: &'v [Value],
        required: bool,
        repeats: bool,
        at: &Place<'_>,
    ) {
        let id = near::quoted(question.text("linkId").unwrap_or_default());
        let limits = Limits::of(question);
        let given = answers.iter().filter(|a| value_of(a).is_some()).count();
        if given == 0 && required && sheet.finished {
            self.wrong(
                IssueCode::Required,
                at,
                format!("the required item {id} is not answered"),
            );
        }
        if !repeats && given > 1 {
            self.wrong(
                IssueCode::Structure,
                at,
                format!("the item {id} takes one answer, found {given}"),
            );
        }
        if limits.min_occurs.is_some_and(|least| given < least) && sheet.finished {
            self.wrong(
                IssueCode::Required,
                at,
                format!("the item {id} has too few answers: {given}"),
            );
        }
        if limits.max_occurs.is_some_and(|most| given > most) {
            self.wrong(
                IssueCode::Structure,
                at,
                format!("the item {id} has too many answers: {given}"),
            );
        }
        for (i, answer) in answers.iter().enumerate() {
            let at = at.item("answer", i);
            if let Some((name, value)) = value_of(answer) {
                self.answer(sheet, question, &limits, answers, name, value, &at);
            }
            self.level(sheet, question.list("item"), answer, &at);
        }
    }

    /// One answer: its type, whether it is an option, and its limits.
    #[allow(clippy::too_many_arguments)]
    fn answer(
        &mut self,
        sheet: &Sheet<'v>,
        question: &'v Value,
        limits: &Limits<'v>,
        answers: &'v [Value],
        name: &str,
        value: &'v Value,
        at: &Place<'_>,
    ) {
        let of = question.text("type").unwrap_or_default();
        let place = at.member(name);
        let options = question.list("answerOption");
        let by_option = options.iter().any(|o| o.get(name).is_some());
        let expected = expected(of);
        if !expected.contains(&name) && !by_option {
            let expected = near::listed(expected.iter().map(|e| e.trim_start_matches("value")), 4);
            self.wrong(
                IssueCode::Structure,
                &place,
                format!(
                    "found {}; a {of} is answered by {expected}",
                    name.trim_start_matches("value")
                ),
            );
            return;
        }
        self.chosen(sheet, question, answers, name, value, at);
        for fault in limits.faults(name, value) {
            let whole = name == "valueAttachment";
            self.wrong(IssueCode::Value, if whole { at } else { &place }, fault);
        }
        for (limit, refused, word) in [
            (limits.least, Ordering::Less, "at least"),
            (limits.most, Ordering::Greater, "at most"),
        ] {
            let Some(limit) = limit else { continue };
            let order = compare(value, limit);
            if order == Some(refused) || (order.is_none() && name == "valueQuantity") {
                self.wrong(
                    IssueCode::Value,
                    &place,
                    format!(
                        "found {value}; expected {word} {limit}, in units that can be compared"
                    ),
                );
            }
        }
        if let Some(set) = limits.unit_set
            && self.known.terminology.member(
                set,
                value.text("system"),
                value.text("code").unwrap_or_default(),
            ) == Member::Out
        {
            self.wrong(
                IssueCode::CodeInvalid,
                &place,
                format!("the unit is not of the value set {set}"),
            );
        }
    }

    /// Whether an answer is one of those that may be chosen.
    fn chosen(
        &mut self,
        sheet: &Sheet<'v>,
        question: &'v Value,
        answers: &'v [Value],
        name: &str,
        value: &'v Value,
        at: &Place<'_>,
    ) {
        let of = question.text("type").unwrap_or_default();
        let free = of == "open-choice" && name == "valueString";
        let coded = name == "valueCoding";
        let place = if coded { *at } else { at.member(name) };
        let options = question.list("answerOption");
        if !options.is_empty() && !free {
            let found = options
                .iter()
                .find(|o| o.get(name).is_some_and(|o| is_same(o, value)));
            match found {
                None => self.wrong(
                    IssueCode::CodeInvalid,
                    &place,
                    format!("{value} is not one of the answers to choose from"),
                ),
                Some(option) if answers.len() > 1 && is_exclusive(option) => self.wrong(
                    IssueCode::Structure,
                    &place,
                    format!("{value} excludes other answers"),
                ),
                Some(_) => {}
            }
        }
        let Some(set) = question.text("answerValueSet").filter(|_| !free) else {
            return;
        };
        let (system, code) = match value {
            Value::Object(_) => (
                Some(value.text("system").unwrap_or_default()),
                value.text("code").unwrap_or_default(),
            ),
            _ => (None, value.as_str().unwrap_or_default()),
        };
        let said = match set.strip_prefix('#') {
            None => self.known.terminology.member(set, system, code),
            Some(id) => {
                let contained = sheet.questionnaire.list("contained").iter();
                let mut sets = contained.filter(|c| c.text("id") == Some(id));
                sets.next().map_or(Member::Unknown, |inner| {
                    self.known.terminology.member_of(inner, system, code)
                })
            }
        };
        if said == Member::Out {
            self.wrong(
                IssueCode::CodeInvalid,
                &place,
                format!("{value} is not of the value set {set} that the question names"),
            );
        }
    }
}

/// The members that may answer a question of a type.
fn expected(of: &str) -> &'static [&'static str] {
    match of {
        "boolean" => &["valueBoolean"],
        "decimal" => &["valueDecimal"],
        "integer" => &["valueInteger"],
        "date" => &["valueDate"],
        "dateTime" => &["valueDateTime"],
        "time" => &["valueTime"],
        "string" | "text" => &["valueString"],
        "url" => &["valueUri"],
        "choice" => &["valueCoding"],
        "open-choice" => &["valueCoding", "valueString"],
        "attachment" => &["valueAttachment"],
        "reference" => &["valueReference"],
        "quantity" => &["valueQuantity"],
        _ => &[],
    }
}

/// The value of an answer, and the member it stands in.
fn value_of(answer: &Value) -> Option<(&str, &Value)> {
    let mut members = answer.as_object()?.iter();
    members.find(|(name, _)| name.starts_with("value"))
}

/// Codings are the same by system and code, other values as they are.
fn is_same(option: &Value, value: &Value) -> bool {
    match (option, value) {
        (Value::Object(_), Value::Object(_)) => {
            option.text("code") == value.text("code")
                && option.text("system") == value.text("system")
        }
        _ => super::equal::is_fixed(value, option),
    }
}

fn is_exclusive(option: &Value) -> bool {
    option.list("extension").iter().any(|e| {
        let url = e.text("url").and_then(|u| u.strip_prefix(r4::HL7));
        url == Some("questionnaire-optionExclusive")
            && e.get("valueBoolean").and_then(Value::as_bool) == Some(true)
    })
}

/// Whether a question is asked, given the answers; `None` when an expression decides.
fn is_enabled(question: &Value, response: &Value) -> Option<bool> {
    let when = question.list("enableWhen");
    let by_expression = question.list("extension").iter().any(|e| {
        e.text("url")
            .is_some_and(|u| u.ends_with("questionnaire-enableWhenExpression"))
    });
    if by_expression {
        return None;
    }
    if when.is_empty() {
        return Some(true);
    }
    let mut said = when.iter().map(|w| condition(w, response));
    Some(match question.text("enableBehavior") {
        Some("any") => said.any(|good| good),
        _ => said.all(|good| good),
    })
}

fn condition(when: &Value, response: &Value) -> bool {
    let mut answers = Vec::new();
    answers_to(
        response,
        when.text("question").unwrap_or_default(),
        &mut answers,
        0,
    );
    let expected = when.as_object().into_iter().flat_map(|o| o.iter());
    let expected = expected
        .filter(|(name, _)| name.starts_with("answer"))
        .map(|(_, v)| v)
        .next();
    let Some(expected) = expected else {
        return true;
    };
    let ordered = |wanted: &[Ordering]| {
        answers
            .iter()
            .any(|a| compare(a, expected).is_some_and(|o| wanted.contains(&o)))
    };
    match when.text("operator") {
        Some("exists") => expected.as_bool() == Some(!answers.is_empty()),
        Some("=") => answers.iter().any(|a| is_same(expected, a)),
        Some("!=") => !answers.iter().any(|a| is_same(expected, a)),
        Some(">") => ordered(&[Ordering::Greater]),
        Some("<") => ordered(&[Ordering::Less]),
        Some(">=") => ordered(&[Ordering::Greater, Ordering::Equal]),
        Some("<=") => ordered(&[Ordering::Less, Ordering::Equal]),
        _ => true,
    }
}

/// All answers to a question, wherever in the response.
fn answers_to<'v>(holder: &'v Value, id: &str, into: &mut Vec<&'v Value>, depth: usize) {
    if depth > super::walk::DEEPEST {
        return;
    }
    for item in holder.list("item") {
        for answer in item.list("answer") {
            if item.text("linkId") == Some(id) {
                into.extend(value_of(answer).map(|(_, value)| value));
            }
            answers_to(answer, id, into, depth + 1);
        }
        answers_to(item, id, into, depth + 1);
    }
}
