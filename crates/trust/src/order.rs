//! What the state orders to be opened: one order from the paper to its end, without clock or archive.
//!
//! proposed by one officer -> released by another (neither alone, nor one twice) -> open for the pact's hours to these two,
//! and only what the order names -> over. From the first step on a clock runs: at its end the person reads every act of
//! it in her log like any other ([`Order::told`]); before, nothing in her log tells of it.

use crate::{Category, Orders, Tag};
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// Days that a proposal waits for the second officer.
const WAITS_DAYS: u64 = 7;
/// Characters of an order's number, and of an authority's name.
const NUMBER: usize = 64;
const AUTHORITY: usize = 120;

/// What stands on the paper.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Paper {
    /// Its number.
    pub number: String,
    /// Who orders: `Juzgado Tercero de Distrito en Materia Penal`.
    pub authority: String,
    /// SHA-256 of the document, 64 small hexadecimal digits: that it was this one can be shown later.
    pub digest: String,
    /// What it names; nothing else is opened. A resource of which any category is not named stays closed.
    pub what: Vec<Category>,
}

/// An officer's hand under a step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hand {
    /// Login.
    pub login: String,
    /// Name as people say it.
    pub name: String,
    /// When.
    pub at: Timestamp,
}

/// One order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its name here, hex; that of its evidence too.
    pub id: String,
    /// Whose record.
    pub person: Tag,
    /// The paper.
    pub paper: Paper,
    /// Who brought it.
    pub proposed: Hand,
    /// Who released it, once somebody did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub released: Option<Hand>,
    /// A proposal ends at this moment, a released order too.
    pub until: Timestamp,
    /// From this moment on the person reads it.
    pub told: Timestamp,
}

/// Where an order is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// One officer brought it.
    Proposed,
    /// Two released it, and it is open.
    Released,
    /// Over, released or not.
    Over,
}

/// A step that is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum OrderError {
    /// Something on the paper is missing.
    #[error("give the order's number, who orders it, and what it names")]
    Paper,
    /// The document's digest is none.
    #[error("the document's SHA-256 is 64 hexadecimal digits, as sha256sum prints it")]
    Digest,
    /// The delay is longer than the pact lets.
    #[error("the person is told later than the pact lets")]
    Delay,
    /// The same officer twice.
    #[error("another officer releases it")]
    SameOfficer,
    /// Released before.
    #[error("this order is released already")]
    Released,
    /// Over.
    #[error("this order is over; propose it again if it still stands")]
    Over,
}

impl OrderError {
    /// For people, Spanish.
    pub fn spanish(self) -> &'static str {
        match self {
            OrderError::Paper => "Da el número de la orden, quién la dicta y qué nombra.",
            OrderError::Digest => {
                "El SHA-256 del documento son 64 cifras hexadecimales, como lo da sha256sum."
            }
            OrderError::Delay => "El aviso a la persona tarda más de lo que el pacto deja.",
            OrderError::SameOfficer => "La autoriza otra persona de privacidad.",
            OrderError::Released => "Esta orden ya está autorizada.",
            OrderError::Over => "Esta orden ya venció; tráela de nuevo si sigue en pie.",
        }
    }
}

impl Order {
    /// An officer brings an order. `id` is random; `delay_days` is how long the order lets the person not be told.
    pub fn propose(
        id: String,
        person: Tag,
        (paper, delay_days): (Paper, u64),
        by: Hand,
        terms: &Orders,
    ) -> Result<Order, OrderError> {
        paper.check()?;
        if delay_days > terms.notice_days {
            return Err(OrderError::Delay);
        }
        Ok(Order {
            id,
            person,
            paper,
            until: later(by.at, WAITS_DAYS * 24),
            told: later(by.at, delay_days.saturating_mul(24)),
            proposed: by,
            released: None,
        })
    }

    /// Another officer releases it.
    pub fn release(mut self, by: Hand, terms: &Orders) -> Result<Order, OrderError> {
        match self.stage(by.at) {
            Stage::Over => return Err(OrderError::Over),
            Stage::Released => return Err(OrderError::Released),
            Stage::Proposed => {}
        }
        if by.login == self.proposed.login {
            return Err(OrderError::SameOfficer);
        }
        self.until = later(by.at, terms.hours);
        self.released = Some(by);
        Ok(self)
    }

    /// Where it is. It ends at its end, not after it.
    pub fn stage(&self, now: Timestamp) -> Stage {
        match &self.released {
            _ if now >= self.until => Stage::Over,
            Some(_) => Stage::Released,
            None => Stage::Proposed,
        }
    }

    /// Whether an officer may read under it.
    pub fn opens_to(&self, login: &str, now: Timestamp) -> bool {
        let officer = |hand: &Hand| hand.login == login;
        let theirs = officer(&self.proposed) || self.released.as_ref().is_some_and(officer);
        theirs && self.stage(now) == Stage::Released
    }
}

impl Paper {
    fn check(&self) -> Result<(), OrderError> {
        let line = |text: &str, most: usize| {
            let visible = !text.chars().any(char::is_control) && text.trim() == text;
            visible && !text.is_empty() && text.chars().count() <= most
        };
        let mut what = self.what.clone();
        what.sort_unstable();
        what.dedup();
        let names = !what.is_empty() && what.len() == self.what.len();
        if !line(&self.number, NUMBER) || !line(&self.authority, AUTHORITY) || !names {
            return Err(OrderError::Paper);
        }
        let digits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
        match self.digest.len() == 64 && self.digest.bytes().all(digits) {
            true => Ok(()),
            false => Err(OrderError::Digest),
        }
    }
}

/// What was done of an order, as its act tells it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderStep {
    /// Which; empty where nobody named one that is here.
    pub id: String,
    /// What.
    pub done: Done,
    /// Its number.
    pub number: String,
    /// Who ordered.
    pub authority: String,
    /// SHA-256 of the document.
    pub digest: String,
}

/// A step of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Done {
    /// Brought.
    Proposed,
    /// Released.
    Released,
    /// Read.
    Read,
}

impl OrderStep {
    /// A step of an order.
    pub fn of(order: &Order, done: Done) -> OrderStep {
        OrderStep {
            id: order.id.clone(),
            done,
            number: order.paper.number.clone(),
            authority: order.paper.authority.clone(),
            digest: order.paper.digest.clone(),
        }
    }
}

fn later(at: Timestamp, hours: u64) -> Timestamp {
    let hours = i64::try_from(hours.min(1 << 20)).unwrap_or(0);
    at.checked_add(SignedDuration::from_hours(hours))
        .unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TERMS: Orders = Orders {
        hours: 48,
        notice_days: 90,
    };

    fn at(text: &str) -> Timestamp {
        format!("2026-11-{text}:00Z").parse().unwrap()
    }

    fn hand(login: &str, when: &str) -> Hand {
        Hand {
            login: login.into(),
            name: "Una Persona".into(),
            at: at(when),
        }
    }

    fn paper() -> Paper {
        Paper {
            number: "312/2026".into(),
            authority: "Juzgado Tercero de Distrito".into(),
            digest: "ab".repeat(32),
            what: vec![Category::Visits],
        }
    }

    fn proposed() -> Order {
        let brought = (paper(), 30);
        Order::propose(
            "o1".into(),
            Tag([1; 32]),
            brought,
            hand("rosa", "22T12:00"),
            &TERMS,
        )
        .unwrap()
    }

    #[test]
    fn two_officers_release_it_and_it_is_open_to_them_for_its_hours() {
        let order = proposed();
        assert_eq!(order.told, "2026-12-22T12:00:00Z".parse().unwrap());
        assert!(!order.opens_to("rosa", at("22T13:00")));
        let alone = order.clone().release(hand("rosa", "22T13:00"), &TERMS);
        assert_eq!(alone.unwrap_err(), OrderError::SameOfficer);
        let order = order.release(hand("luz", "23T12:00"), &TERMS).unwrap();
        for (login, when, opens) in [
            ("rosa", "23T12:00", true),
            ("luz", "25T11:59", true),
            ("luz", "25T12:00", false),
            ("eva", "23T13:00", false),
        ] {
            assert_eq!(order.opens_to(login, at(when)), opens, "{login} {when}");
        }
        let again = order.clone().release(hand("eva", "23T13:00"), &TERMS);
        assert_eq!(again.unwrap_err(), OrderError::Released);
    }

    #[test]
    fn a_proposal_does_not_wait_for_ever() {
        let late = proposed().release(hand("luz", "29T12:00"), &TERMS);
        assert_eq!(late.unwrap_err(), OrderError::Over);
        assert!(proposed().release(hand("luz", "29T11:59"), &TERMS).is_ok());
    }

    #[test]
    fn a_paper_says_number_authority_document_and_what_it_names() {
        let propose = |paper: Paper, delay| {
            let by = hand("rosa", "22T12:00");
            Order::propose("o".into(), Tag([1; 32]), (paper, delay), by, &TERMS).err()
        };
        assert_eq!(propose(paper(), 90), None);
        assert_eq!(propose(paper(), 91), Some(OrderError::Delay));
        let with = |change: fn(&mut Paper)| {
            let mut paper = paper();
            change(&mut paper);
            propose(paper, 0)
        };
        assert_eq!(with(|p| p.number.clear()), Some(OrderError::Paper));
        assert_eq!(
            with(|p| p.authority = "a".repeat(121)),
            Some(OrderError::Paper)
        );
        assert_eq!(with(|p| p.what.clear()), Some(OrderError::Paper));
        assert_eq!(
            with(|p| p.what.push(Category::Visits)),
            Some(OrderError::Paper)
        );
        assert_eq!(
            with(|p| p.digest = "AB".repeat(32)),
            Some(OrderError::Digest)
        );
        assert_eq!(with(|p| p.digest.truncate(63)), Some(OrderError::Digest));
    }
}
