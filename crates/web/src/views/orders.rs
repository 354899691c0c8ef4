//! What the state orders: the officers' list, and the form that brings an order.

use super::field::{Field, Form};
use super::frame::Frame;
use super::rules::{Tick, category};
use crate::form::{FieldError, Fields};
use crate::text::Text;
use crate::when;
use askama::Template;
use jiff::Timestamp;
use trust::Category;
use trust::order::{Order, Stage};

/// What the page is made of.
pub struct Input<'a> {
    /// Orders, newest first.
    pub orders: &'a [Order],
    /// Who reads.
    pub login: &'a str,
    /// Days at most until the person is told.
    pub most_days: u64,
    /// The form as typed.
    pub typed: &'a Fields,
    /// What is wrong with it.
    pub errors: &'a [FieldError],
    /// Now.
    pub now: Timestamp,
}

/// One order in the list.
#[derive(Clone, Debug)]
pub struct OrderView {
    /// Its name.
    pub id: String,
    /// Number and authority.
    pub headline: String,
    /// What it names.
    pub what: String,
    /// Who brought it, who released it.
    pub hands: String,
    /// Until when it is open or waits, and when the person is told.
    pub dates: String,
    /// May be released by the reader.
    pub release: bool,
    /// May be read by the reader.
    pub read: bool,
}

fn order(t: Text, one: &Order, input: &Input<'_>) -> OrderView {
    let date = |at: Timestamp| when::date(t, &when::iso_day(at));
    let what: Vec<String> = one.paper.what.iter().map(|c| category(t, *c)).collect();
    let stage = one.stage(input.now);
    let key = match stage {
        Stage::Proposed => "orders.waits",
        Stage::Released => "orders.open",
        Stage::Over => "orders.over",
    };
    let until = format!("{}, {}", date(one.until), when::time(one.until));
    let hands = match &one.released {
        None => t.fill("orders.by_one", &[("one", &one.proposed.name)]),
        Some(other) => t.fill(
            "orders.by_two",
            &[("one", &one.proposed.name), ("other", &other.name)],
        ),
    };
    OrderView {
        id: one.id.clone(),
        headline: t.fill(
            "orders.headline",
            &[
                ("number", &one.paper.number),
                ("authority", &one.paper.authority),
            ],
        ),
        what: what.join(", "),
        hands,
        dates: t.fill(key, &[("until", &until), ("told", &date(one.told))]),
        release: stage == Stage::Proposed && one.proposed.login != input.login,
        read: one.opens_to(input.login, input.now),
    }
}

#[derive(Template)]
#[template(path = "orders.html")]
struct Page<'a> {
    frame: Frame,
    orders: Vec<OrderView>,
    fields: Vec<Field>,
    what: Vec<Tick>,
    errors: &'a [FieldError],
}

/// The page.
pub fn page(frame: Frame, input: &Input<'_>) -> String {
    let t = frame.t;
    let f = Form {
        t,
        prefix: "orders",
        typed: input.typed,
        errors: input.errors,
    };
    let days = input.most_days.to_string();
    let delay = Field {
        hint: t.fill("orders.delay_most", &[("days", &days)]),
        ..f.of("delay", "number")
    };
    super::render(&Page {
        orders: input
            .orders
            .iter()
            .map(|one| order(t, one, input))
            .collect(),
        fields: vec![
            f.input("curp").required(),
            f.input("number").required(),
            f.input("authority").required(),
            f.input("digest").required(),
            delay.required(),
        ],
        what: Category::ALL
            .into_iter()
            .map(|c| Tick {
                code: c.code(),
                label: category(t, c),
                on: input.typed.has("what", c.code()),
            })
            .collect(),
        errors: input.errors,
        frame: frame.titled(t.say("nav.orders")),
    })
}
