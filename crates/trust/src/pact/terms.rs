//! What the members agreed on for emergencies, for what the state orders, and for who stays or was sent.

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

/// How long an admission and a referral are evidence of care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Care {
    /// Days that an admission holds, if she is not discharged before; while she stays it is said anew.
    pub admission_days: u64,
    /// Days, from when it was written, that a referral opens the record to the institution that it names.
    pub referral_days: u64,
}

impl Care {
    /// What a new pact starts from: twice the usual stay in a general hospital, and the weeks that a specialist's first
    /// appointment takes.
    pub const USUAL: Care = Care {
        admission_days: 14,
        referral_days: 60,
    };
}

/// The tables of a pact's text.
pub(super) fn tables(
    emergency: Option<&Emergency>,
    orders: Option<&Orders>,
    care: Option<&Care>,
) -> String {
    let orders = orders.map(|terms| {
        format!(
            "\n[orders]\nhours = {}\nnotice_days = {}\n",
            terms.hours, terms.notice_days
        )
    });
    let care = care.map(|terms| {
        format!(
            "\n[care]\nadmission_days = {}\nreferral_days = {}\n",
            terms.admission_days, terms.referral_days
        )
    });
    table(emergency) + &orders.unwrap_or_default() + &care.unwrap_or_default()
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
    care: Option<&Care>,
) -> Result<(), PactError> {
    if let Some(terms) = care {
        within(
            "care: admission_days",
            terms.admission_days,
            bounds::ADMISSION_DAYS,
        )?;
        within(
            "care: referral_days",
            terms.referral_days,
            bounds::REFERRAL_DAYS,
        )?;
    }
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
