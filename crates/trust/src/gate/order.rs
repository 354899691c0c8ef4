//! What the state orders to be opened, at this house: brought, released by a second officer, read by these two.
//!
//! The machine itself is [`crate::order`]. Every act of it is kept at once and listed apart, so that the person's log gives
//! it out from its day on and tells nothing of it before (see `acts`).

use super::accounts::json;
use super::acts::{Deed, damaged};
use super::evidence::row_of;
use super::{
    Gate, Grant, PersonRef, Purpose, Refusal, RefusalKind, Request, What, from_hex, hex, random,
    rows,
};
use crate::order::{Done, Hand, Order, OrderError, OrderStep, Paper};
use crate::{ActKind, Actor, Evidence, EvidenceKind};
use jiff::Timestamp;
use store::{Page, Verb, Verbs};

impl From<OrderError> for Refusal {
    fn from(error: OrderError) -> Refusal {
        Refusal::bad(error.spanish(), format!("{error}."))
    }
}

impl Gate {
    /// An officer brings an order about a person (by CURP, or `Patient/<id>`). It opens nothing yet. Refused, as an act that
    /// the person reads at once, to whoever is no officer.
    pub fn propose_order(
        &self,
        by: &Actor,
        person: &str,
        brought: (Paper, u64),
        now: Timestamp,
    ) -> Result<Order, Refusal> {
        let tag = self.named(person)?;
        let terms = self.in_force().pact.orders.ok_or_else(not_agreed)?;
        let id = hex(&random::<16>()?);
        let order = Order::propose(id, tag, brought, hand(by, now), &terms)?;
        // Its name is not kept yet, so that a refusal is told at once.
        let grant = self.decide(ordered(by, &order, Done::Proposed), now)?;
        let row = (rows::order(&order.id), Some(json(&order)));
        let deed = deed(&grant, &order, Done::Proposed, now);
        self.keep(vec![row], Vec::new(), Some(deed), now)?;
        Ok(order)
    }

    /// Another officer releases an order: from now on the two of them read what it names.
    pub fn release_order(&self, by: &Actor, id: &str, now: Timestamp) -> Result<Order, Refusal> {
        let (before, order) = self.find_order(id)?;
        let grant = self.decide(ordered(by, &order, Done::Released), now)?;
        let terms = self.in_force().pact.orders.ok_or_else(not_agreed)?;
        let order = order.release(hand(by, now), &terms)?;
        let evidence = Evidence {
            id: order.id.clone(),
            until: order.until,
            ..self.draft(EvidenceKind::Order, order.person, now)?
        };
        let key = rows::order(id);
        let changes = vec![
            (key.clone(), Some(json(&order))),
            row_of(&evidence.sign(&self.house.key)),
        ];
        let expect = vec![(key, Some(before))];
        let deed = deed(&grant, &order, Done::Released, now);
        self.keep(changes, expect, Some(deed), now)?;
        Ok(order)
    }

    /// What an order names of the person's record here, for one of its two officers while it is open.
    pub fn read_order(
        &self,
        by: &Actor,
        id: &str,
        now: Timestamp,
    ) -> Result<(Order, Page), Refusal> {
        let (_, order) = self.find_order(id)?;
        let request = Request {
            verbs: Verbs::only(Verb::Search).and(Verb::Read),
            ..ordered(by, &order, Done::Read)
        };
        let grant = self.decide(request, now)?;
        let asked = store::Asked::default();
        let held = self.house.store.everything(&grant.permit, &asked)?;
        let (page, _) = self.open_answer(&grant, held, now)?;
        Ok((order, page))
    }

    /// The orders of this house, the newest first, for its officers; a refusal is an act.
    pub fn orders(&self, by: &Actor, now: Timestamp) -> Result<Vec<Order>, Refusal> {
        let step = OrderStep {
            id: String::new(),
            done: Done::Proposed,
            number: String::new(),
            authority: String::new(),
            digest: String::new(),
        };
        self.decide(request(by, PersonRef::Nobody, step), now)?;
        let mut all: Vec<Order> = Vec::new();
        self.each_row(rows::ORDERS, &mut |_, row| {
            all.extend(serde_json::from_slice::<Order>(row).ok());
        })?;
        all.sort_by_key(|order| std::cmp::Reverse(order.proposed.at));
        Ok(all)
    }

    /// The order that a request is under, as it is kept here.
    pub(crate) fn order_of(&self, request: &Request) -> Result<Option<Order>, Refusal> {
        let What::Order(step) = &request.what else {
            return Ok(None);
        };
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::order(&step.id))?;
        let order = row.and_then(|row| serde_json::from_slice::<Order>(&row).ok());
        let tag = |order: &Order| match &request.person {
            PersonRef::Tag(tag) => *tag == order.person,
            _ => false,
        };
        Ok(order.filter(tag))
    }

    /// Until when the person does not read an act of a request; `None` where she reads it at once.
    pub(crate) fn told_of(
        &self,
        request: &Request,
        now: Timestamp,
    ) -> Result<Option<Timestamp>, Refusal> {
        let told = self.order_of(request)?.map(|order| order.told);
        Ok(told.filter(|told| *told > now))
    }

    fn find_order(&self, id: &str) -> Result<(Vec<u8>, Order), Refusal> {
        let none = || {
            Refusal::bad(
                "No hay tal orden en esta institución.",
                "There is no such order at this institution.",
            )
        };
        from_hex::<16>(id).ok_or_else(none)?;
        let house = &self.house;
        let row = house.store.get(&house.seal, &rows::order(id))?;
        let row = row.ok_or_else(none)?;
        let order = serde_json::from_slice(&row).map_err(damaged)?;
        Ok((row, order))
    }
}

/// The act of a step, which the person reads from her day on.
fn deed<'a>(grant: &'a Grant, order: &Order, done: Done, now: Timestamp) -> Deed<'a> {
    Deed {
        what: What::Order(OrderStep::of(order, done)),
        told: Some(order.told).filter(|told| *told > now),
        labels: crate::Category::set(&order.paper.what),
        ..Deed::under(ActKind::Order, grant)
    }
}

fn hand(by: &Actor, now: Timestamp) -> Hand {
    Hand {
        login: by.id.clone(),
        name: by.name.clone(),
        at: now,
    }
}

fn ordered(by: &Actor, order: &Order, done: Done) -> Request {
    request(by, PersonRef::Tag(order.person), OrderStep::of(order, done))
}

fn request(by: &Actor, person: PersonRef, step: OrderStep) -> Request {
    Request {
        actor: by.clone(),
        purpose: Purpose::State,
        person,
        verbs: Verbs::default(),
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what: What::Order(step),
    }
}

fn not_agreed() -> Refusal {
    Refusal::new(RefusalKind::Pact, vec!["orders-not-agreed".to_owned()])
}
