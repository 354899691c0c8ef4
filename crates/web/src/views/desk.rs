//! The desk: the form where a person types her secret, and the one that makes her a page.

use super::field::{Choice, Field, Form, choice};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use askama::Template;
use trust::Document;

#[derive(Template)]
#[template(path = "desk.html")]
struct Page<'a> {
    frame: Frame,
    login: Field,
    secret: Field,
    curp: Field,
    name: Field,
    document: Field,
    number: Field,
    new_secret: Field,
    again: Field,
    errors: &'a [FieldError],
    problem: &'a str,
}

/// The page. Secrets never come back in it.
pub fn page(frame: Frame, typed: &Fields, errors: &[FieldError], problem: &str) -> String {
    let t = frame.t;
    let f = Form {
        t,
        prefix: "desk",
        typed,
        errors,
    };
    let secret = |id: &'static str, autocomplete: &'static str| Field {
        value: String::new(),
        autocomplete,
        ..f.of(id, "password").required()
    };
    let documents: Vec<Choice> = std::iter::once(choice("", t.say("field.choose")))
        .chain(
            Document::ALL.map(|one| choice(one.code(), t.say(&format!("document.{}", one.code())))),
        )
        .collect();
    super::render(&Page {
        login: f.input("login").required(),
        secret: secret("secret", "off"),
        curp: f.input("curp").required(),
        name: f.input("name").required(),
        document: f.choice("document", documents).required(),
        number: f.input("number").required(),
        new_secret: secret("new_secret", "new-password"),
        again: secret("again", "new-password"),
        errors,
        problem,
        frame: frame.titled(t.say("nav.desk")),
    })
}
