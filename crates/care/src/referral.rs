//! The referral to another institution (NOM-004, 6.4).

use crate::{Context, Wrong, check_texts};
use fhir::{Value, obj};

/// A referral as entered.
#[derive(Clone, Debug, Default)]
pub struct Referral {
    /// Short name of the member it goes to.
    pub to: String,
    /// Its name.
    pub to_name: String,
    /// Service: `Oftalmología`.
    pub service: String,
    /// Why.
    pub reason: String,
    /// `routine`, `urgent`, `asap`.
    pub priority: String,
}

/// ServiceRequest and the Task that waits for the other side. Wrong: nowhere to go, the same institution, no service,
/// no reason, an unknown priority.
pub fn refer(
    context: &Context,
    entered: &Referral,
    id: &mut dyn FnMut() -> String,
) -> Result<Vec<Value>, Vec<Wrong>> {
    let mut wrong = Vec::new();
    check_texts(
        &mut wrong,
        &[
            ("to", &entered.to, true),
            ("service", &entered.service, true),
            ("reason", &entered.reason, true),
        ],
    );
    if entered.to == context.member && !entered.to.is_empty() {
        wrong.push(Wrong::new(
            "to",
            "Una referencia va a otra institución.",
            "A referral goes to another institution.",
        ));
    }
    if !["routine", "urgent", "asap"].contains(&entered.priority.as_str()) {
        wrong.push(Wrong::new(
            "priority",
            "Elige si es normal, pronto o urgente.",
            "Choose routine, soon or urgent.",
        ));
    }
    if !wrong.is_empty() {
        return Err(wrong);
    }
    let (request_id, task_id) = (id(), id());
    // By this name the other institution's node is told that she was sent there.
    let performer = obj! {
        "type" => "Organization",
        "identifier" => obj! { "system" => mx::systems::MEMBER, "value" => entered.to.as_str() },
        "display" => entered.to_name.as_str(),
    };
    let request = obj! {
        "resourceType" => "ServiceRequest",
        "id" => request_id.as_str(),
        "status" => "active",
        "intent" => "order",
        "category" => [obj! { "coding" => [obj! { "system" => "http://snomed.info/sct", "code" => "3457005" }] }],
        "priority" => entered.priority.as_str(),
        "code" => obj! { "text" => entered.service.trim() },
        "subject" => context.subject(),
        "authoredOn" => context.now.as_str(),
        "requester" => context.by(),
        "performer" => [performer.clone()],
        "reasonCode" => [obj! { "text" => entered.reason.trim() }],
    };
    let task = obj! {
        "resourceType" => "Task",
        "id" => task_id,
        "status" => "requested",
        "intent" => "order",
        "priority" => entered.priority.as_str(),
        "description" => format!("{}: {}", entered.service.trim(), entered.to_name),
        "focus" => obj! { "reference" => format!("ServiceRequest/{request_id}") },
        "for" => context.subject(),
        "authoredOn" => context.now.as_str(),
        "requester" => context.by(),
        "owner" => performer,
    };
    Ok(vec![request, task])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::prescription::tests::{context, ids};

    #[test]
    fn a_referral_is_a_request_and_a_task_that_waits() {
        let entered = Referral {
            to: "imss".into(),
            to_name: "IMSS".into(),
            service: "Oftalmología".into(),
            reason: "Retinopatía".into(),
            priority: "routine".into(),
        };
        let made = refer(&context(), &entered, &mut ids()).unwrap();
        assert_eq!(made[1].text("focus.reference"), Some("ServiceRequest/id-1"));
        assert_eq!(made[1].text("status"), Some("requested"));
        let to = &made[0].list("performer")[0];
        assert_eq!(to.text("identifier.system"), Some(mx::systems::MEMBER));
        assert_eq!(to.text("identifier.value"), Some("imss"));
    }
    #[test]
    fn a_referral_to_oneself_or_to_nowhere_is_refused() {
        let home = Referral {
            to: "farmacia".into(),
            service: "x".into(),
            reason: "y".into(),
            priority: "later".into(),
            ..Referral::default()
        };
        let fields: Vec<_> = refer(&context(), &home, &mut ids())
            .unwrap_err()
            .iter()
            .map(|w| w.field)
            .collect();
        assert_eq!(fields, ["to", "priority"]);
    }
}
