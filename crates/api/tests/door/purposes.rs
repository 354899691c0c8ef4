//! Every route by role, purpose and evidence, against a table that is small enough to be read.
//!
//! `matrix` says what each role gets for the purpose that is its own; here every role claims every purpose, on every kind of
//! evidence. What the table does not open is refused, and refuses in words.

use crate::house::{House, SHE, noon};
use crate::matrix::sample;
use api::routes::{Interaction, ROUTES};
use tokio::task::{JoinSet, LocalSet};
use trust::{Actor, LicenceState, Role};

const ROLES: [Role; 7] = [
    Role::Clerk,
    Role::Physician,
    Role::Nurse,
    Role::Pharmacist,
    Role::Patient,
    Role::System,
    Role::Privacy,
];
/// Nobody here acts for her: `FAMRQT` opens nothing to anybody (who does is a column of `matrix`).
const PURPOSES: [&str; 7] = [
    "TREAT", "PATRQT", "FAMRQT", "HOPERAT", "HRESCH", "HPAYMT", "BTG",
];

/// What shows that she is in care, or in danger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Shown {
    Nothing,
    CheckIn,
    Appointment,
    Code,
    Admission,
    Referral,
    Declared,
    Confirmed,
}
const SHOWN: [Shown; 8] = [
    Shown::Nothing,
    Shown::CheckIn,
    Shown::Appointment,
    Shown::Code,
    Shown::Admission,
    Shown::Referral,
    Shown::Declared,
    Shown::Confirmed,
];

/// What a route does to a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Touch {
    /// Nothing of anybody.
    None,
    /// Reads one result of hers.
    One,
    /// Asks for whatever is hers.
    Search,
    /// Writes a result of hers.
    Write,
    /// Reads everybody's.
    Everyone,
    /// Reads which labels are used: of her own, or of everybody.
    Labels,
    /// Looks somebody up.
    Find,
    /// Decides who is who.
    Registry,
    /// Changes how the house works.
    House,
}

fn touch(interaction: Interaction) -> Touch {
    use Interaction::*;
    match interaction {
        Live | Ready | LogFile | Metadata | Validate | ValidateInstance => Touch::None,
        Read | Vread | HistoryInstance | Meta | ValidateStored => Touch::One,
        Search | SearchPosted | SearchSystem | SearchSystemPosted | SearchCompartment
        | Everything | Lastn | LastnPosted | Person => Touch::Search,
        Bundle | Create | Update | UpdateWhere | Patch | PatchWhere | MetaAdd | MetaDelete
        | Delete | DeleteWhere => Touch::Write,
        HistorySystem | HistoryType => Touch::Everyone,
        MetaOfType | MetaOfSystem => Touch::Labels,
        Match | Pix | PixPosted => Touch::Find,
        Merge | Split => Touch::Registry,
        Activate | Deactivate | Indexing | IndexingOfAll => Touch::House,
    }
}

/// The table.
fn opens(role: Role, purpose: &str, shown: Shown, touch: Touch) -> bool {
    let there = [
        Shown::CheckIn,
        Shown::Appointment,
        Shown::Code,
        Shown::Admission,
    ];
    let is_there = purpose == "TREAT" && there.contains(&shown);
    // Who was referred is read before she comes, and written about when she is there.
    let cared_for = is_there || purpose == "TREAT" && shown == Shown::Referral;
    let doctor = matches!(role, Role::Physician | Role::Nurse);
    let broken = |by: Shown| doctor && purpose == "BTG" && shown == by;
    let own = role == Role::Patient && purpose == "PATRQT";
    let house = role == Role::System && purpose == "HOPERAT";
    let reads = match role {
        Role::Physician | Role::Nurse => cared_for,
        _ => own || house,
    };
    match touch {
        Touch::None => true,
        // No result of a laboratory is of the emergency set.
        Touch::One => reads || broken(Shown::Confirmed),
        // A pharmacist may ask, and finds no results of a laboratory.
        Touch::Search => {
            let asks = role == Role::Pharmacist && cared_for;
            reads || asks || broken(Shown::Declared) || broken(Shown::Confirmed)
        }
        Touch::Write => role == Role::Physician && is_there || house,
        Touch::Find => {
            let desk = doctor || matches!(role, Role::Clerk | Role::Pharmacist);
            desk && purpose == "TREAT" || house
        }
        Touch::Registry => role == Role::Clerk && purpose == "HOPERAT" || house,
        Touch::Everyone | Touch::House => house,
        Touch::Labels => own || house,
    }
}

/// A house where somebody of a role is at the door, and what shows that she is in care.
fn at_the_door(role: Role, shown: Shown) -> (House, String) {
    let house = match shown {
        Shown::Referral => House::with_neighbour(),
        _ => House::new(),
    };
    house.load(&[crate::parameters::AMOUNT]);
    let token = house.token(role);
    let actor = house.gate.authenticate(Some(&token), noon()).unwrap();
    let clerk = Actor {
        licence: None,
        role: Role::Clerk,
        curp: None,
        ..actor.clone()
    };
    match shown {
        Shown::Nothing => {}
        Shown::Declared => drop(house.declare(&token, SHE)),
        Shown::Confirmed => house.confirm(&token, SHE),
        Shown::CheckIn => house.check_in(SHE),
        Shown::Admission => {
            // Received so long ago that nothing but her stay counts.
            let then = noon() - jiff::SignedDuration::from_hours(2);
            house.gate.check_in(&clerk, SHE, then).unwrap();
            house.gate.admit(&clerk, SHE, then).unwrap();
        }
        Shown::Referral => house.refer(SHE),
        Shown::Appointment => {
            let with = match role {
                Role::Physician | Role::Nurse | Role::Pharmacist => actor.id.clone(),
                // Nobody makes an appointment with them.
                _ => {
                    house.token_with(Role::Physician, LicenceState::Active, SHE);
                    format!("physician-Active-{SHE}")
                }
            };
            house
                .gate
                .appoint(&clerk, SHE, &with, noon(), noon())
                .unwrap();
        }
        Shown::Code => {
            let hers = house.token_with(Role::Patient, LicenceState::Active, SHE);
            let she = house.gate.authenticate(Some(&hers), noon()).unwrap();
            let code = house.gate.show_code(&she, noon()).unwrap();
            let member = house.gate.member();
            house
                .gate
                .redeem(&code.code, &member, &actor.id, noon())
                .unwrap();
        }
    }
    (house, token)
}

/// Nearly all of this is waiting for beats: each role and evidence has a house of its own and waits by itself.
#[tokio::test]
async fn every_route_opens_by_role_purpose_and_evidence_as_the_table_says() {
    let mut pairs = Vec::new();
    for role in ROLES {
        let declares = matches!(role, Role::Physician | Role::Nurse);
        let shown = SHOWN.into_iter();
        // Nobody else can declare an emergency: on none it is as on nothing.
        let broken = [Shown::Declared, Shown::Confirmed];
        let shown = shown.filter(|shown| declares || !broken.contains(shown));
        pairs.extend(shown.map(|shown| (role, shown)));
    }
    let (here, mut all) = (LocalSet::new(), JoinSet::new());
    for (role, shown) in pairs {
        all.spawn_local_on(opened(role, shown), &here);
    }
    let opened: usize = here.run_until(all.join_all()).await.into_iter().sum();
    assert!(opened > 500, "{opened}");
}

/// Asks every route for every purpose; gives how many opened.
async fn opened(role: Role, shown: Shown) -> usize {
    let mut opened = 0;
    for purpose in PURPOSES {
        let (house, token) = at_the_door(role, shown);
        for route in ROUTES {
            let (path, body) = sample(route.interaction);
            let line = format!("{} {path}", route.method);
            let headers = [("tejido-purpose", purpose)];
            let said = house.call_with(&line, &token, &headers, &body).await;
            let touch = touch(route.interaction);
            let wanted = opens(role, purpose, shown, touch);
            let text = String::from_utf8_lossy(&said.body);
            let what = format!("{line} as {role:?} for {purpose} on {shown:?}");
            // She may search, and what is left out of it is not there for her.
            let declared = purpose == "BTG" && shown == Shown::Declared;
            let finds_nothing = (role == Role::Pharmacist || declared)
                && matches!(
                    route.interaction,
                    Interaction::PatchWhere | Interaction::DeleteWhere
                );
            if !wanted && finds_nothing && matches!(said.status, 204 | 404) {
                continue;
            }
            if !wanted {
                assert_eq!(said.status, 403, "{what}: {text}");
                assert!(!said.issue().2.is_empty(), "{what}");
                continue;
            }
            opened += 1;
            assert!(said.status < 300, "{what}: {} {text}", said.status);
            let result = text.contains(r#""code":"4548-4""#) || text.contains("718-7");
            assert!(role != Role::Pharmacist || !result, "{what}: {text}");
        }
        if !opens(role, purpose, shown, Touch::Write) {
            let system = house.token(Role::System);
            for id in ["o1", "o2"] {
                let line = format!("GET /fhir/Observation/{id}");
                let said = house.call(&line, &system, "").await.is(200);
                assert_eq!(
                    said.header("etag"),
                    r#"W/"1""#,
                    "{role:?} {purpose} {shown:?}"
                );
            }
        }
    }
    opened
}
