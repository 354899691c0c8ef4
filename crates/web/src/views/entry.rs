//! Signing in: one page for everybody.

use super::field::{Field, Form};
use super::frame::Frame;
use crate::form::{FieldError, Fields};
use askama::Template;

/// A sign-in that a demonstration shows openly.
#[derive(Clone, Debug)]
pub struct DemoAccount {
    /// Login.
    pub login: String,
    /// Secret.
    pub secret: String,
    /// Who that is, Spanish: `Dra. Ana Ruiz, médica general`.
    pub es: String,
    /// English.
    pub en: String,
}

#[derive(Template)]
#[template(path = "entry.html")]
struct Page<'a> {
    login: Field,
    secret: Field,
    cloth: String,
    members: String,
    demo: Vec<(String, &'a DemoAccount)>,
    problem: &'a str,
    frame: Frame,
}

/// The page. `problem` is the sentence of a refusal, empty at first.
pub fn page(frame: Frame, typed: &Fields, problem: &str, demo: &[DemoAccount]) -> String {
    let t = frame.t;
    let errors: [FieldError; 0] = [];
    let f = Form {
        t,
        prefix: "field",
        typed,
        errors: &errors,
    };
    let login = Field {
        autocomplete: "username",
        required: true,
        ..f.input("login")
    };
    let secret = Field {
        kind: "password",
        autocomplete: "current-password",
        required: true,
        value: String::new(),
        ..f.input("secret")
    };
    let names: Vec<String> = frame.threads.all().into_iter().map(|m| m.name).collect();
    super::render(&Page {
        login,
        secret,
        cloth: crate::weave::cloth(&frame.threads),
        members: t.fill("entry.members", &[("names", &names.join(", "))]),
        demo: demo
            .iter()
            .map(|d| {
                (
                    if t.english() {
                        d.en.clone()
                    } else {
                        d.es.clone()
                    },
                    d,
                )
            })
            .collect(),
        problem,
        frame: frame.titled(t.say("entry.title")),
    })
}
