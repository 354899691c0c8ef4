//! Who is in the story: five institutions, and the people who sign in.

use crate::Error;
use jiff::Timestamp;
use synth::Institution;
use trust::{Gate, Licence, LicenceState, MemberKind, NewAccount, Role, Supervisor};

/// An institution of the demo.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    /// Short name.
    pub id: &'static str,
    /// Name as people say it.
    pub name: &'static str,
    /// What it is.
    pub kind: MemberKind,
    /// Whose part of the synthetic lives it keeps.
    pub keeps: Institution,
}

/// The five. What the generator gives to PEMEX has no node here and is left out.
pub const MEMBERS: [Place; 5] = [
    Place {
        id: "imss",
        name: "IMSS",
        kind: MemberKind::PublicInstitution,
        keeps: Institution::Imss,
    },
    Place {
        id: "issste",
        name: "ISSSTE",
        kind: MemberKind::PublicInstitution,
        keeps: Institution::Issste,
    },
    Place {
        id: "bienestar",
        name: "IMSS-Bienestar",
        kind: MemberKind::PublicInstitution,
        keeps: Institution::ImssBienestar,
    },
    Place {
        id: "hospital",
        name: "Hospital San Ángel",
        kind: MemberKind::PrivateHospital,
        keeps: Institution::Privado,
    },
    Place {
        id: "farmacia",
        name: "Farmacia del Centro",
        kind: MemberKind::Pharmacy,
        keeps: Institution::Farmacia,
    },
];

/// Her name in the story; the generator's heroine.
pub const HEROINE_NAME: &str = "María Guadalupe Hernández López";
/// Her CURP: synthetic, like all of her.
pub const HEROINE_CURP: &str = "HELG680412MDFRPD00";

/// Somebody of age who may act for her: synthetic, with no record of her own.
const DAUGHTER_CURP: &str = "MEHS950412MDFDRF07";

/// Somebody who signs in.
#[derive(Clone, Copy, Debug)]
pub struct Player {
    /// Where.
    pub member: &'static str,
    /// As whom.
    pub login: &'static str,
    /// With what; shown openly, this is a demonstration.
    pub secret: &'static str,
    /// Name.
    pub name: &'static str,
    /// Role.
    pub role: Role,
    /// Cédula, specialty, state.
    pub licence: Option<(&'static str, &'static str, LicenceState)>,
    /// For patients: her CURP.
    pub curp: Option<&'static str>,
    /// Who that is.
    pub es: &'static str,
    /// Who that is.
    pub en: &'static str,
}

/// Who answers for the pasante; she stands before him in the cast.
const SUPERVISOR: &str = "ines";

/// Everybody who signs in.
pub const CAST: [Player; 14] = [
    Player {
        member: "farmacia",
        login: "ana",
        secret: "hilo-rojo-7",
        name: "Dra. Ana Ruiz",
        role: Role::Physician,
        licence: Some(("7654321", "Medicina general", LicenceState::Active)),
        curp: None,
        es: "Dra. Ana Ruiz, médica del consultorio junto a la farmacia",
        en: "Dr. Ana Ruiz, physician beside the pharmacy",
    },
    Player {
        member: "farmacia",
        login: "rosa",
        secret: "hilo-verde-4",
        name: "Rosa Méndez",
        role: Role::Pharmacist,
        licence: Some(("6543210", "Química farmacéutica", LicenceState::Active)),
        curp: None,
        es: "Rosa Méndez, farmacéutica: ve medicinas y alergias",
        en: "Rosa Méndez, pharmacist: sees medicines and allergies",
    },
    Player {
        member: "imss",
        login: "luis",
        secret: "hilo-azul-2",
        name: "Dr. Luis Ortega",
        role: Role::Physician,
        licence: Some(("5432109", "Medicina familiar", LicenceState::Active)),
        curp: None,
        es: "Dr. Luis Ortega, médico familiar",
        en: "Dr. Luis Ortega, family physician",
    },
    Player {
        member: "imss",
        login: "lupita",
        secret: "telar-1968",
        name: HEROINE_NAME,
        role: Role::Patient,
        licence: None,
        curp: Some(HEROINE_CURP),
        es: "Lupita, la paciente",
        en: "Lupita, the patient",
    },
    Player {
        member: "imss",
        login: "sofia",
        secret: "telar-1995",
        name: "Sofía Medina Hernández",
        role: Role::Patient,
        licence: None,
        curp: Some(DAUGHTER_CURP),
        es: "Sofía, hija de Lupita: puede actuar por ella (CURP MEHS950412MDFDRF07)",
        en: "Sofía, Lupita's daughter: may act for her (CURP MEHS950412MDFDRF07)",
    },
    Player {
        member: "imss",
        login: "jose",
        secret: "hilo-menta-6",
        name: "José Luna",
        role: Role::Clerk,
        licence: None,
        curp: None,
        es: "José Luna, recepción: cuida el registro de personas",
        en: "José Luna, front desk: looks after the register of people",
    },
    Player {
        member: "issste",
        login: "carmen",
        secret: "hilo-gris-9",
        name: "Carmen Soto",
        role: Role::Clerk,
        licence: None,
        curp: None,
        es: "Carmen Soto, recepción: recibe, no lee",
        en: "Carmen Soto, front desk: receives, does not read",
    },
    Player {
        member: "bienestar",
        login: "irma",
        secret: "hilo-ocre-5",
        name: "Enf. Irma Tun",
        role: Role::Nurse,
        licence: Some(("4321098", "Enfermería", LicenceState::Active)),
        curp: None,
        es: "Enf. Irma Tun, enfermera",
        en: "Irma Tun, nurse",
    },
    Player {
        member: "bienestar",
        login: "ines",
        secret: "hilo-lila-12",
        name: "Dra. Inés Cob",
        role: Role::Physician,
        licence: Some(("1098765", "Medicina general", LicenceState::Active)),
        curp: None,
        es: "Dra. Inés Cob, médica; responde por su pasante",
        en: "Dr. Inés Cob, physician; answers for her trainee",
    },
    Player {
        member: "bienestar",
        login: "ivan",
        secret: "hilo-cafe-13",
        name: "Iván Poot",
        role: Role::Physician,
        licence: Some(("CP-2026-118", "Medicina general", LicenceState::Pasante)),
        curp: None,
        es: "Iván Poot, pasante en servicio social a cargo de la Dra. Cob",
        en: "Iván Poot, in social service under Dr. Cob",
    },
    Player {
        member: "hospital",
        login: "raul",
        secret: "hilo-negro-3",
        name: "Dr. Raúl Peña",
        role: Role::Physician,
        licence: Some(("3210987", "Cirugía general", LicenceState::Suspended)),
        curp: None,
        es: "Dr. Raúl Peña, con la cédula suspendida: no puede leer",
        en: "Dr. Raúl Peña, licence suspended: cannot read",
    },
    Player {
        member: "hospital",
        login: "elena",
        secret: "hilo-blanco-8",
        name: "Dra. Elena Vidal",
        role: Role::Physician,
        licence: Some(("2109876", "Medicina interna", LicenceState::Active)),
        curp: None,
        es: "Dra. Elena Vidal, internista",
        en: "Dr. Elena Vidal, internist",
    },
    Player {
        member: "hospital",
        login: "marta",
        secret: "hilo-plata-9",
        name: "Lic. Marta Téllez",
        role: Role::Privacy,
        licence: None,
        curp: None,
        es: "Lic. Marta Téllez, privacidad: revisa emergencias",
        en: "Marta Téllez, privacy: reviews emergencies",
    },
    Player {
        member: "hospital",
        login: "luz",
        secret: "hilo-rosa-10",
        name: "Lic. Luz Ferrer",
        role: Role::Privacy,
        licence: None,
        curp: None,
        es: "Lic. Luz Ferrer, privacidad: autoriza órdenes con Marta",
        en: "Luz Ferrer, privacy: releases orders with Marta",
    },
];

/// Somebody of the cast.
///
/// # Errors
/// When nobody has that login.
pub(super) fn player(login: &str) -> Result<&'static Player, Error> {
    CAST.iter()
        .find(|p| p.login == login)
        .ok_or_else(|| Error::say(format!("nobody in the demo is called {login}")))
}

/// Where somebody works: who reviews emergencies is of another unit than who declares them.
fn unit(role: Role) -> &'static str {
    match role {
        Role::Physician | Role::Nurse => "consulta",
        Role::Privacy => "privacidad",
        _ => "piso",
    }
}

/// The sign-ins that the first page of a member shows.
pub(super) fn shown_at(member: &str) -> Vec<web::DemoAccount> {
    let shown = |p: &Player| web::DemoAccount {
        login: p.login.into(),
        secret: p.secret.into(),
        es: p.es.into(),
        en: p.en.into(),
    };
    CAST.iter()
        .filter(|p| p.member == member)
        .map(shown)
        .collect()
}

/// Makes the accounts of a member.
pub(super) fn accounts(gate: &Gate, now: Timestamp) -> Result<(), Error> {
    let member = gate.member();
    for player in CAST.iter().filter(|p| p.member == member.0) {
        let licence = player.licence.map(|(cedula, specialty, state)| Licence {
            cedula: cedula.into(),
            specialty: specialty.into(),
            state,
            checked: now,
            supervisor: (state == LicenceState::Pasante).then(|| Supervisor {
                login: SUPERVISOR.into(),
                name: String::new(),
                cedula: String::new(),
            }),
        });
        gate.account(
            NewAccount {
                login: player.login.into(),
                secret: player.secret.into(),
                name: player.name.into(),
                role: player.role,
                licence,
                curp: player.curp.map(str::to_owned),
                unit: (player.role != Role::Patient).then(|| unit(player.role).to_owned()),
            },
            now,
        )?;
    }
    Ok(())
}
