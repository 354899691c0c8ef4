//! Problems, medicines, allergies, vaccines and orders: one line a thing, all its sources kept.

use crate::group::{by_shared_keys, word_key};
use crate::read::{Shelf, clinical_status, codes, date_of, day, dose, medicine, void, words};
use crate::{Disagreement, Line, Origin, Sourced};
use fhir::Value;
use std::collections::BTreeMap;

/// One resource on its way into a line.
struct Item<'a> {
    part: &'a Sourced,
    title: String,
    code: String,
    keys: Vec<String>,
    date: String,
    status: String,
    detail: String,
}

impl<'a> Item<'a> {
    fn new(
        part: &'a Sourced,
        concept: Option<&Value>,
        status: String,
        detail: String,
    ) -> Option<Item<'a>> {
        let concept = concept?;
        let title = words(concept);
        if title.is_empty() || void(&part.resource) {
            return None;
        }
        let mut keys = codes(concept);
        let code = keys.first().cloned().unwrap_or_default();
        keys.push(word_key(&title));
        Some(Item {
            part,
            title,
            code,
            keys,
            date: date_of(&part.resource),
            status,
            detail,
        })
    }
}

fn of_type<'a>(
    parts: &'a [Sourced],
    types: &'static [&'static str],
) -> impl Iterator<Item = &'a Sourced> {
    parts.iter().filter(|p| {
        p.resource
            .text("resourceType")
            .is_some_and(|t| types.contains(&t))
    })
}

/// Joins items into lines: the newest source gives the words; `judge` looks for a disagreement and may set the status.
fn join(items: Vec<Item<'_>>, judge: impl Fn(&[&Item<'_>], &mut Line)) -> Vec<Line> {
    let keys: Vec<Vec<String>> = items.iter().map(|i| i.keys.clone()).collect();
    by_shared_keys(&keys)
        .into_iter()
        .filter_map(|group| {
            let mut members: Vec<&Item<'_>> =
                group.into_iter().filter_map(|i| items.get(i)).collect();
            members.sort_by(|a, b| {
                b.date
                    .cmp(&a.date)
                    .then_with(|| a.part.member.cmp(&b.part.member))
            });
            let newest = members.first()?;
            let mut line = Line {
                title: newest.title.clone(),
                code: newest.code.clone(),
                detail: newest.detail.clone(),
                status: newest.status.clone(),
                origins: members
                    .iter()
                    .map(|i| Origin::of(i.part, &i.date))
                    .collect(),
                disagreement: None,
            };
            judge(&members, &mut line);
            Some(line)
        })
        .collect()
}

/// The newest say of each member about a thing, members in alphabetical order. `items` come newest first.
fn newest_by_member<'a>(items: &[&'a Item<'a>]) -> BTreeMap<&'a str, &'a Item<'a>> {
    let mut by_member = BTreeMap::new();
    for item in items {
        by_member.entry(item.part.member.as_str()).or_insert(*item);
    }
    by_member
}

/// What members say, when they do not all say the same.
fn differing<'a>(says: impl Iterator<Item = (&'a str, String)>) -> Option<Vec<(String, String)>> {
    let says: Vec<(String, String)> = says
        .filter(|(_, s)| !s.is_empty())
        .map(|(m, s)| (m.to_owned(), s))
        .collect();
    let first = fhir::search::fold(&says.first()?.1);
    says.iter()
        .any(|(_, s)| fhir::search::fold(s) != first)
        .then_some(says)
}

fn newest_first(lines: &mut [Line], on_top: impl Fn(&Line) -> bool) {
    let date = |line: &Line| {
        line.origins
            .first()
            .map(|o| o.date.clone())
            .unwrap_or_default()
    };
    lines.sort_by(|a, b| {
        on_top(b)
            .cmp(&on_top(a))
            .then_with(|| date(b).cmp(&date(a)))
    });
}

/// Problems, the active ones first. A problem active in one place and over in another is a disagreement.
pub(crate) fn problems(parts: &[Sourced]) -> Vec<Line> {
    let items = of_type(parts, &["Condition"])
        .filter_map(|p| {
            let since = p
                .resource
                .text("onsetDateTime")
                .map(|d| day(d).to_owned())
                .unwrap_or_default();
            Item::new(
                p,
                p.resource.get("code"),
                clinical_status(&p.resource),
                since,
            )
        })
        .collect();
    let mut lines = join(items, |items, line| {
        let says = newest_by_member(items);
        line.disagreement =
            differing(says.iter().map(|(m, i)| (*m, i.status.clone()))).map(Disagreement::Status);
        if line.disagreement.is_some() && says.values().any(|i| is_active(&i.status)) {
            line.status = "active".to_owned();
        }
        line.detail = items
            .iter()
            .map(|i| &i.detail)
            .filter(|d| !d.is_empty())
            .min()
            .cloned()
            .unwrap_or_default();
    });
    newest_first(&mut lines, |l| is_active(&l.status));
    lines
}

/// Whether a status says that something goes on.
fn is_active(status: &str) -> bool {
    matches!(status, "active" | "recurrence" | "relapse" | "unknown")
}

/// How long a prescription counts as in use when it gives no end: long courses are renewed at least yearly.
const IN_USE_DAYS: i64 = 365;

/// Medicines, those in use first. Different doses in use at different members are a disagreement.
pub(crate) fn medicines(parts: &[Sourced], shelf: &Shelf<'_>, today: &str) -> Vec<Line> {
    let items = of_type(parts, &["MedicationRequest", "MedicationStatement"])
        .filter_map(|p| {
            Item::new(
                p,
                medicine(p, shelf),
                medicine_status(&p.resource, today),
                dose(&p.resource),
            )
        })
        .collect();
    let mut lines = join(items, |items, line| {
        let says = newest_by_member(items);
        let in_use: Vec<_> = says.iter().filter(|(_, i)| i.status == "active").collect();
        line.disagreement =
            differing(in_use.iter().map(|(m, i)| (**m, i.detail.clone()))).map(Disagreement::Dose);
        if !in_use.is_empty() {
            line.status = "active".to_owned();
        }
    });
    newest_first(&mut lines, |l| l.status == "active");
    lines
}

fn medicine_status(resource: &Value, today: &str) -> String {
    let status = resource.text("status").unwrap_or("unknown");
    if status != "active" {
        return status.to_owned();
    }
    let end = resource
        .text("dispenseRequest.validityPeriod.end")
        .or_else(|| resource.text("effectivePeriod.end"));
    let over = match end {
        Some(end) => day(end) < today,
        None => {
            let age =
                |date: &str| Some(crate::read::day_number(today)? - crate::read::day_number(date)?);
            age(&date_of(resource)).is_some_and(|days| days > IN_USE_DAYS)
        }
    };
    if over { "completed" } else { "active" }.to_owned()
}

/// Allergies. Present here and denied or inactive there is a disagreement; "no known allergies" counts as a denial.
pub(crate) fn allergies(parts: &[Sourced]) -> Vec<Line> {
    let items: Vec<Item<'_>> = of_type(parts, &["AllergyIntolerance"])
        .filter_map(|p| {
            let refuted = p.resource.text("verificationStatus.coding.0.code") == Some("refuted");
            let status = if refuted {
                "refuted".to_owned()
            } else {
                clinical_status(&p.resource)
            };
            let reactions: Vec<String> = p
                .resource
                .list("reaction")
                .iter()
                .flat_map(|r| r.list("manifestation"))
                .map(words)
                .collect();
            Item::new(p, p.resource.get("code"), status, reactions.join(", "))
        })
        .collect();
    let (denials, items): (Vec<_>, Vec<_>) = items.into_iter().partition(is_denial);
    let mut lines = join(items, |items, line| {
        let mut says: Vec<(String, String)> = newest_by_member(items)
            .iter()
            .map(|(m, i)| ((*m).to_owned(), i.status.clone()))
            .collect();
        for denial in &denials {
            if !says.iter().any(|(m, _)| *m == denial.part.member) {
                says.push((denial.part.member.clone(), denial.title.clone()));
            }
        }
        line.disagreement =
            differing(says.iter().map(|(m, s)| (m.as_str(), s.clone()))).map(Disagreement::Allergy);
        if says.iter().any(|(_, s)| is_active(s)) {
            line.status = "active".to_owned();
        }
    });
    if lines.is_empty() {
        lines = join(denials, |_, _| {});
    }
    newest_first(&mut lines, |l| is_active(&l.status));
    lines
}

/// SNOMED CT codes that say "no known allergy" (716186003), of drugs (409137002), of food (429625007).
fn is_denial(item: &Item<'_>) -> bool {
    const DENIALS: [&str; 3] = ["716186003", "409137002", "429625007"];
    let folded = fhir::search::fold(&item.title);
    item.keys
        .iter()
        .any(|k| DENIALS.iter().any(|d| k.ends_with(&format!("|{d}"))))
        || folded.contains("sin alergias")
        || folded.contains("niega alergias")
        || folded.contains("no known allerg")
}

/// Vaccines: one line a vaccine, each dose an origin.
pub(crate) fn vaccines(parts: &[Sourced]) -> Vec<Line> {
    let items = of_type(parts, &["Immunization"])
        .filter(|p| p.resource.text("status") != Some("not-done"))
        .filter_map(|p| {
            let lot = p.resource.text("lotNumber").unwrap_or_default().to_owned();
            Item::new(
                p,
                p.resource.get("vaccineCode"),
                "completed".to_owned(),
                lot,
            )
        })
        .collect();
    let mut lines = join(items, |_, _| {});
    newest_first(&mut lines, |_| true);
    lines
}

/// Referrals and other orders, open ones first. Each is its own line.
pub(crate) fn orders(parts: &[Sourced]) -> Vec<Line> {
    let mut lines: Vec<Line> = of_type(parts, &["ServiceRequest"])
        .filter_map(|p| {
            let reason = p
                .resource
                .path("reasonCode.0")
                .map(words)
                .unwrap_or_default();
            let status = p.resource.text("status").unwrap_or("unknown").to_owned();
            let item = Item::new(p, p.resource.get("code"), status, reason)?;
            Some(Line {
                origins: vec![Origin::of(item.part, &item.date)],
                title: item.title,
                code: item.code,
                detail: item.detail,
                status: item.status,
                disagreement: None,
            })
        })
        .collect();
    newest_first(&mut lines, |l| l.status == "active");
    lines
}
