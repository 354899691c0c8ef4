//! Transactions (all or nothing, one commit, one act) and batches (each entry for itself).

mod entry;
mod lookup;
mod person;
mod plan;
mod refer;
mod transaction;

use crate::{
    act::Op,
    fault::Fault,
    negotiate::{Return, Wishes},
    reply::{Body, Reply},
    respond::done,
    session::{House, Outcome, Session},
    shape::BundleText,
};
use entry::Entry;
use fhir::{Issue, IssueCode, Value, json::write_string};

/// The two kinds of bundle that can be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Transaction,
    Batch,
}

impl Session<'_> {
    /// Does a transaction or a batch.
    pub(crate) fn bundle(&self, bundle: Value, wishes: &Wishes) -> Outcome {
        let (kind, entries) = open(bundle, self.house)?;
        let (said, results) = match kind {
            Kind::Transaction => {
                let entries: Vec<Entry> = entries
                    .into_iter()
                    .enumerate()
                    .map(|(at, entry)| entry.map_err(|fault| placed(fault, at)))
                    .collect::<Result<_, Fault>>()?;
                ("transaction-response", self.transaction(entries)?)
            }
            Kind::Batch => {
                let done = entries.into_iter().map(|entry| {
                    let entry = entry?;
                    self.one(entry.op, &entry.wishes, entry.head)
                });
                ("batch-response", done.collect())
            }
        };
        let mut text = BundleText::new(said, None, &[]);
        for result in &results {
            self.add_result(&mut text, result, wishes.prefer);
        }
        Ok(Reply::made(text.done()))
    }

    /// One entry that is done by itself.
    fn one(&self, op: Op, wishes: &Wishes, head: bool) -> Outcome {
        let mut reply = self.act(op, wishes)?;
        if head {
            reply.body = Body::Empty;
        }
        Ok(reply)
    }

    fn add_result(&self, text: &mut BundleText, result: &Outcome, prefer: Option<Return>) {
        match result {
            Ok(reply) => {
                let shows = !reply.write || prefer == Some(Return::Representation);
                let resource = match shows {
                    true => reply.body.bytes(),
                    false => Body::Empty.bytes(),
                };
                let outcome = match (reply.write, prefer) {
                    (true, Some(Return::Outcome)) => done(reply),
                    _ => Vec::new(),
                };
                text.entry("", resource, &response(reply, &outcome));
            }
            Err(fault) => text.entry("", b"", &refused(fault)),
        }
    }
}

/// `response` of an entry that was done.
fn response(reply: &Reply, outcome: &[u8]) -> String {
    let mut out = format!("\"response\":{{\"status\":\"{}\"", reply.status).into_bytes();
    let mut member = |name: &str, value: String| {
        out.extend_from_slice(format!(",\"{name}\":").as_bytes());
        write_string(&value, &mut out);
    };
    if let Some(location) = &reply.location {
        member("location", location.clone());
    }
    if let Some(version) = reply.version {
        member("etag", format!("W/\"{version}\""));
    }
    if let Some(updated) = reply.updated {
        member("lastModified", updated.to_string());
    }
    if !outcome.is_empty() {
        out.extend_from_slice(b",\"outcome\":");
        out.extend_from_slice(outcome);
    }
    out.push(b'}');
    String::from_utf8_lossy(&out).into_owned()
}

/// `response` of an entry that was refused.
fn refused(fault: &Fault) -> String {
    format!(
        "\"response\":{{\"status\":\"{}\",\"outcome\":{}}}",
        fault.status,
        fault.outcome()
    )
}

/// Takes a bundle apart. What is wrong with the bundle as such fails it; what is wrong with an entry stands in its
/// place.
fn open(mut bundle: Value, house: &House) -> Result<(Kind, Vec<Result<Entry, Fault>>), Fault> {
    if bundle.text("resourceType") != Some("Bundle") {
        return Err(Fault::of(
            400,
            vec![Issue::error(
                IssueCode::Invalid,
                "resourceType",
                "What is posted to the base is a Bundle of type transaction or batch.",
            )],
        ));
    }
    let kind = match bundle.text("type") {
        Some("transaction") => Kind::Transaction,
        Some("batch") => Kind::Batch,
        _ => {
            return Err(Fault::of(
                400,
                vec![Issue::error(
                    IssueCode::NotSupported,
                    "Bundle.type",
                    "A Bundle posted to the base is a transaction or a batch.",
                )],
            ));
        }
    };
    let count = bundle.list("entry").len();
    if count > house.limits.bundle_entries {
        return Err(Fault::new(
            413,
            IssueCode::TooLong,
            format!(
                "The bundle has {count} entries; this server takes {} at once.",
                house.limits.bundle_entries
            ),
        ));
    }
    // Each resource is checked with its entry; the bundle around them is checked here.
    let mut resources = Vec::with_capacity(count);
    if let Some(Value::Array(items)) = bundle.as_object_mut().and_then(|b| b.get_mut("entry")) {
        for item in items {
            resources.push(
                item.as_object_mut()
                    .and_then(|item| item.remove("resource")),
            );
        }
    }
    let hollow = |issue: &Issue| {
        issue.expression.starts_with("Bundle.entry[") && !issue.expression.contains("].")
    };
    if let Err(issues) = fhir::check(&bundle) {
        // An entry that held nothing but its resource is empty only now.
        let issues: Vec<Issue> = issues.into_iter().filter(|issue| !hollow(issue)).collect();
        if !issues.is_empty() {
            return Err(Fault::of(422, issues));
        }
    }
    let entries = bundle
        .list("entry")
        .iter()
        .zip(resources)
        .map(|(item, resource)| Entry::read(item, resource, house))
        .collect();
    Ok((kind, entries))
}

/// An entry's fault, with the entry named in its expressions.
fn placed(fault: Fault, at: usize) -> Fault {
    let issues = fault
        .issues
        .into_iter()
        .map(|issue| {
            let place = match issue.expression.split_once('.') {
                Some((_, rest)) => format!("Bundle.entry[{at}].resource.{rest}"),
                None if issue.expression.is_empty() => format!("Bundle.entry[{at}]"),
                None => format!("Bundle.entry[{at}].resource"),
            };
            Issue {
                expression: place,
                ..issue
            }
        })
        .collect();
    Fault { issues, ..fault }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_of_an_entry_names_its_place_in_the_bundle() {
        let issue = Issue::error(IssueCode::Value, "Patient.gender", "no");
        let fault = placed(Fault::of(422, vec![issue]), 3);
        let issue = fault.issues.first().unwrap();
        assert_eq!(issue.expression, "Bundle.entry[3].resource.gender");
    }
}
