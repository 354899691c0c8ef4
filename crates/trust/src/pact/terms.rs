//! What the members agreed on for emergencies, and for what the state orders.

use super::PactError;
use super::valid::{bounds, within};
use serde::{Deserialize, Serialize};

/// How long broken glass stays open, and by when it is reviewed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Emergency {
    /// Hours from its declaration that a record is open.
    pub hours: u64,
    /// Days from its declaration within which somebody outside the unit says whether it was right. After them nobody of
    /// that unit may break the glass until it is said.
    pub review_days: u64,
}

impl Emergency {
    /// What a new pact starts from: a shift's half, and the week within which a reviewer still finds people who remember.
    pub const USUAL: Emergency = Emergency {
        hours: 4,
        review_days: 7,
    };
}

/// How long an order of the state stays open, and how late the person may be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Orders {
    /// Hours that a released order opens what it names.
    pub hours: u64,
    /// Days at most from the day it came until the person reads of it; an order may ask for fewer.
    pub notice_days: u64,
}

impl Orders {
    /// What a new pact starts from.
    pub const USUAL: Orders = Orders {
        hours: 48,
        notice_days: 90,
    };
}

/// The tables of a pact's text.
pub(super) fn tables(emergency: Option<&Emergency>, orders: Option<&Orders>) -> String {
    let orders = orders.map(|terms| {
        format!(
            "\n[orders]\nhours = {}\nnotice_days = {}\n",
            terms.hours, terms.notice_days
        )
    });
    table(emergency) + &orders.unwrap_or_default()
}

fn table(emergency: Option<&Emergency>) -> String {
    let one = |terms: &Emergency| {
        format!(
            "\n[emergency]\nhours = {}\nreview_days = {}\n",
            terms.hours, terms.review_days
        )
    };
    emergency.map(one).unwrap_or_default()
}

/// Their bounds.
pub(super) fn check(
    emergency: Option<&Emergency>,
    orders: Option<&Orders>,
) -> Result<(), PactError> {
    if let Some(terms) = orders {
        within("orders: hours", terms.hours, bounds::ORDER_HOURS)?;
        within(
            "orders: notice_days",
            terms.notice_days,
            bounds::NOTICE_DAYS,
        )?;
    }
    let Some(terms) = emergency else {
        return Ok(());
    };
    within("emergency: hours", terms.hours, bounds::EMERGENCY_HOURS)?;
    within(
        "emergency: review_days",
        terms.review_days,
        bounds::REVIEW_DAYS,
    )
}
