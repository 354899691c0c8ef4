//! The story, told by itself: a doctor beside a pharmacy, a patient with her history at five institutions, and what she
//! decides. Each sentence is checked against the pages, over HTTPS, as a person would see them.

use super::browser::Browser;
use super::cast::{HEROINE_CURP, player};
use super::{MEMBERS, Town};
use crate::{Error, files, init::names, out};
use trust::Pact;

/// Tells it. The first sentence that is not true ends it.
pub(super) async fn tell(town: &Town) -> Result<(), Error> {
    let mut doctor = enter(town, "ana").await?;
    let seen = the_doctor_reads(&mut doctor).await?;
    the_doctor_writes(&mut doctor, &seen).await?;
    let mut patient = enter(town, "lupita").await?;
    the_patient_reads(&mut patient).await?;
    let receipt = she_checks_the_proof(&mut patient).await?;
    the_receipt_holds_offline(town, &receipt)?;
    she_closes_mental_health(&mut patient).await?;
    it_is_gone(&mut doctor, &seen).await?;
    she_opens_it_again(&mut patient).await?;
    a_pasante_reads_under_somebody(town, &mut patient).await?;
    who_may_not_is_told_so(town).await?;
    the_register_lays_two_side_by_side(town, &mut patient).await?;
    registers_are_compared(town, &mut patient).await?;
    the_programs_door(town).await?;
    out::line("All of it is true.");
    Ok(())
}

/// A sentence and whether it is true of a page.
fn sentence(told: &str, truth: bool, page: &Browser) -> Result<(), Error> {
    if truth {
        out::line(format!("  ✓ {told}"));
        return Ok(());
    }
    let text: String = plain(&page.page).chars().take(1_500).collect();
    Err(Error::say(format!(
        "NOT TRUE: {told}\nThe page (status {}) says: {text}",
        page.status
    )))
}

async fn enter(town: &Town, login: &str) -> Result<Browser, Error> {
    let who = player(login)?;
    let mut browser = at(town, who.member)?;
    browser.go("/entrar").await?;
    browser
        .submit("/entrar", &[("login", who.login), ("secret", who.secret)])
        .await?;
    sentence(
        &format!("{} signs in at {}", who.name, who.member),
        browser.page.contains("data-test=\"who\""),
        &browser,
    )?;
    Ok(browser)
}

fn at(town: &Town, member: &str) -> Result<Browser, Error> {
    let place = MEMBERS.iter().position(|m| m.id == member);
    let (base, dir) = place
        .and_then(|i| Some((town.bases.get(i)?, town.dirs.get(i)?)))
        .ok_or_else(|| Error::say(format!("{member} is not in the demo")))?;
    Browser::open(base, dir)
}

/// What the doctor saw before anything was closed.
struct Seen {
    person: String,
    problems: u64,
    visits: u64,
}

/// Where the page of the person is, of whom this page has links; that to an emergency goes on from there.
fn page_of_person(browser: &Browser) -> Result<String, Error> {
    let link = browser.link("/persona/")?;
    Ok(link.trim_end_matches("/emergencia").to_owned())
}

async fn the_doctor_reads(doctor: &mut Browser) -> Result<Seen, Error> {
    doctor.go("/").await?;
    doctor
        .submit("/buscar", &[("por", "curp"), ("curp", HEROINE_CURP)])
        .await?;
    sentence(
        "she finds the person by CURP",
        doctor.page.contains("Hernández López"),
        doctor,
    )?;
    doctor.submit("/persona/", &[]).await?;
    let person = page_of_person(doctor)?;
    doctor.go(&person).await?;
    sentence(
        "she receives her and opens the woven summary",
        doctor.status == 200,
        doctor,
    )?;
    for place in MEMBERS {
        let answered = !member(&doctor.page, place.id).contains("silent");
        sentence(&format!("{} answered", place.name), answered, doctor)?;
    }
    let text = plain(&doctor.page).to_lowercase();
    sentence(
        "what IMSS holds is there: diabetes",
        text.contains("diabetes"),
        doctor,
    )?;
    sentence(
        "what the private hospital holds is there: the penicillin allergy",
        text.contains("penicilina"),
        doctor,
    )?;
    sentence("and the depression", text.contains("depresi"), doctor)?;
    sentence(
        "a disagreement between sources is marked",
        doctor.page.contains("data-test=\"desacuerdo\""),
        doctor,
    )?;
    sentence(
        "a test done twice is marked",
        doctor.page.contains("data-test=\"duplicado\""),
        doctor,
    )?;
    sentence(
        "laboratory values are drawn",
        doctor.page.contains("<svg"),
        doctor,
    )?;
    Ok(Seen {
        person,
        problems: total(&doctor.page, "problemas")?,
        visits: total(&doctor.page, "visitas")?,
    })
}

async fn the_doctor_writes(doctor: &mut Browser, seen: &Seen) -> Result<(), Error> {
    let post = format!("{}/nota", seen.person);
    let note = [
        ("reason", "Dolor de garganta"),
        ("findings", "Faringe hiperémica, sin exudado"),
        ("plan", "Líquidos y reposo"),
        ("diagnosis", "Faringitis aguda"),
        ("diagnosis_code", "J02.9"),
    ];
    doctor.submit(&post, &note).await?;
    doctor.go(&seen.person).await?;
    sentence(
        "her note is in the summary",
        plain(&doctor.page).contains("Faringe hiperémica"),
        doctor,
    )?;

    let post = format!("{}/receta", seen.person);
    let amoxicillin = [
        ("medicine", "Amoxicilina"),
        ("dose", "500 mg, cápsula"),
        ("route", "oral"),
        ("frequency", "cada 8 horas"),
        ("days", "7"),
        ("group", "IV"),
    ];
    doctor.submit(&post, &amoxicillin).await?;
    sentence(
        "amoxicillin is stopped by an allergy that only the private hospital knew",
        doctor.status == 422 && plain(&doctor.page).contains("Alergia registrada"),
        doctor,
    )?;
    doctor.go(&seen.person).await?;
    let paracetamol = [
        ("medicine", "Paracetamol"),
        ("dose", "500 mg, tableta"),
        ("route", "oral"),
        ("frequency", "cada 8 horas"),
        ("days", "5"),
        ("group", "VI"),
    ];
    doctor.submit(&post, &paracetamol).await?;
    doctor.go(&seen.person).await?;
    sentence(
        "her prescription is among the medicines",
        plain(&doctor.page).contains("Paracetamol"),
        doctor,
    )
}

async fn the_patient_reads(patient: &mut Browser) -> Result<(), Error> {
    patient.go("/historia").await?;
    let text = plain(&patient.page);
    sentence(
        "the patient sees one time line",
        text.contains("Faringe hiperémica") || text.contains("Paracetamol"),
        patient,
    )?;
    sentence(
        "with what the private hospital wrote",
        patient.page.contains("Hospital San Ángel"),
        patient,
    )?;
    patient.go("/accesos").await?;
    let text = plain(&patient.page);
    sentence(
        "she reads who looked",
        text.contains("Dra. Ana Ruiz"),
        patient,
    )?;
    sentence(
        "and why",
        text.contains("recepción") || text.contains("consulta"),
        patient,
    )
}

async fn she_checks_the_proof(patient: &mut Browser) -> Result<String, Error> {
    let proof = patient
        .page
        .split("href=\"")
        .filter_map(|rest| rest.split('"').next())
        .find(|path| path.starts_with("/accesos/imss/") && path.ends_with("/prueba"))
        .map(str::to_owned)
        .ok_or_else(|| Error::say("no act at IMSS offers its proof"))?;
    patient.go(&proof).await?;
    sentence(
        "the proof of an act holds",
        patient.page.contains("data-test=\"prueba-vale\""),
        patient,
    )?;
    patient.go(&proof.replace("/prueba", "/recibo")).await?;
    Ok(patient.page.clone())
}

fn the_receipt_holds_offline(town: &Town, receipt: &str) -> Result<(), Error> {
    let wrong = |e: String| Error::say(format!("NOT TRUE: the receipt holds offline: {e}"));
    let pact = files::read_text(
        &town
            .dirs
            .first()
            .ok_or_else(|| Error::say("no nodes"))?
            .join(names::PACT),
    )?;
    let (pact, _) = Pact::open(&pact)?;
    let keys: Vec<ledger::VerifierKey> = pact
        .members
        .iter()
        .filter_map(|m| m.key.parse().ok())
        .collect();
    ledger::receipt::verify(receipt, &keys).map_err(|e| wrong(e.to_string()))?;
    out::line("  ✓ her receipt holds offline, with nothing but the pact's keys");
    let forged = receipt.replacen('A', "B", 1);
    if forged != *receipt && ledger::receipt::verify(&forged, &keys).is_ok() {
        return Err(wrong("a changed receipt holds as well".into()));
    }
    out::line("  ✓ a receipt with one letter changed does not");
    Ok(())
}

async fn she_closes_mental_health(patient: &mut Browser) -> Result<(), Error> {
    patient.go("/reglas").await?;
    let rule = [
        ("verb", "close"),
        ("who", "kind:pharmacy"),
        ("what", "mental-health"),
        ("until", "always"),
        ("hint", "silence"),
    ];
    patient.submit("/reglas", &rule).await?;
    patient.go("/reglas").await?;
    sentence(
        "she closes mental health to pharmacies",
        patient.page.contains("data-test=\"regla\""),
        patient,
    )
}

async fn it_is_gone(doctor: &mut Browser, seen: &Seen) -> Result<(), Error> {
    doctor.go(&seen.person).await?;
    let text = plain(&doctor.page).to_lowercase();
    sentence(
        "the doctor looks again, and the depression is gone",
        doctor.status == 200 && !text.contains("depresi"),
        doctor,
    )?;
    // Her own note of today added one problem and one visit.
    let (problems, visits) = (
        total(&doctor.page, "problemas")?,
        total(&doctor.page, "visitas")?,
    );
    sentence(
        "from the totals of problems too",
        problems < seen.problems + 1,
        doctor,
    )?;
    sentence("and of visits", visits < seen.visits + 1, doctor)?;
    sentence(
        "the diabetes is still there",
        text.contains("diabetes"),
        doctor,
    )
}

async fn she_opens_it_again(patient: &mut Browser) -> Result<(), Error> {
    patient.go("/reglas").await?;
    patient.submit("/reglas/quitar", &[]).await?;
    patient.go("/reglas").await?;
    sentence(
        "she takes her rule back",
        patient.page.contains("data-test=\"sin-reglas\""),
        patient,
    )
}

async fn a_pasante_reads_under_somebody(town: &Town, patient: &mut Browser) -> Result<(), Error> {
    let mut pasante = enter(town, "ivan").await?;
    pasante.go("/").await?;
    pasante
        .submit("/buscar", &[("por", "curp"), ("curp", HEROINE_CURP)])
        .await?;
    pasante.submit("/persona/", &[]).await?;
    let person = page_of_person(&pasante)?;
    pasante.go(&person).await?;
    sentence(
        "a pasante in social service receives her and reads",
        plain(&pasante.page).to_lowercase().contains("diabetes"),
        &pasante,
    )?;
    patient.go("/accesos").await?;
    sentence(
        "and she reads who answers for him",
        plain(&patient.page).contains("pasante a cargo de Dra. Inés Cob"),
        patient,
    )
}

async fn who_may_not_is_told_so(town: &Town) -> Result<(), Error> {
    for (login, why) in [
        ("raul", "a doctor with a suspended licence"),
        ("carmen", "a clerk"),
    ] {
        let mut other = enter(town, login).await?;
        other.go("/").await?;
        other
            .submit("/buscar", &[("por", "curp"), ("curp", HEROINE_CURP)])
            .await?;
        if other.submit("/persona/", &[]).await.is_ok()
            && let Ok(person) = page_of_person(&other)
        {
            other.go(&person).await?;
        }
        let reads = plain(&other.page).to_lowercase().contains("diabetes");
        sentence(&format!("{why} does not read her record"), !reads, &other)?;
    }
    Ok(())
}

/// Two institutions find who is known at both, and neither tells the other who its people are.
async fn registers_are_compared(town: &Town, patient: &mut Browser) -> Result<(), Error> {
    let place = |member: &str| MEMBERS.iter().position(|m| m.id == member);
    let here = place("imss").and_then(|at| town.nodes.get(at));
    let here = here.ok_or_else(|| Error::say("imss is not in the demo"))?;
    let with = trust::MemberId("hospital".to_owned());
    let compared = here.network.compare_registers(&with).await;
    let compared = compared.map_err(|refusal| Error::say(refusal.en))?;
    out::line(format!(
        "    {} people of IMSS beside {} of the hospital: {} met, {} of them not by their CURP",
        compared.here, compared.there, compared.met, compared.wait
    ));
    let mut clerk = enter(town, "jose").await?;
    clerk.go("/registro").await?;
    sentence(
        "who resembles somebody of the hospital waits on the list, without a name",
        clerk.page.contains("data-test=\"en-otra\"") == (compared.wait > 0) && compared.met > 0,
        &clerk,
    )?;
    patient.go("/accesos").await?;
    sentence(
        "she reads that registers were compared, and that nobody learnt from it who she is",
        plain(&patient.page).contains("con claves que no nombran a nadie"),
        patient,
    )
}

async fn the_register_lays_two_side_by_side(
    town: &Town,
    patient: &mut Browser,
) -> Result<(), Error> {
    let mut clerk = enter(town, "jose").await?;
    clerk.go("/registro").await?;
    let rest = clerk.page.split("href=\"/registro/").skip(1);
    let pairs: Vec<String> = rest
        .filter_map(|rest| Some(format!("/registro/{}", rest.split('"').next()?)))
        .collect();
    let mut found = false;
    for pair in pairs {
        clerk.go(&pair).await?;
        found = plain(&clerk.page).contains("U-0443");
        if found {
            break;
        }
    }
    patient.go("/quien-soy").await?;
    let hers = patient.page.matches("data-test=\"registro\"").count();
    // Whoever joined them in an earlier run finds them so.
    sentence(
        "a registration without a CURP waits beside hers, joined by nobody yet, or is hers by now",
        (found && hers == 1) || hers == 2,
        &clerk,
    )
}

async fn the_programs_door(town: &Town) -> Result<(), Error> {
    let mut program = at(town, "imss")?;
    program.go("/fhir/metadata").await?;
    sentence(
        "IMSS tells programs what it can do",
        program.status == 200 && program.page.contains("CapabilityStatement"),
        &program,
    )?;
    program
        .go(&format!("/fhir/Patient?identifier={HEROINE_CURP}"))
        .await?;
    sentence(
        "and answers nothing without a token",
        program.status == 401,
        &program,
    )?;
    program.go("/log/checkpoint").await?;
    sentence(
        "its log's head is public",
        program.status == 200 && program.page.contains("imss"),
        &program,
    )
}

/// The total beside a section's title.
fn total(page: &str, section: &str) -> Result<u64, Error> {
    let mark = format!("data-test=\"total-{section}\">");
    let rest = page.split(&mark).nth(1).unwrap_or_default();
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits
        .parse()
        .map_err(|_| Error::say(format!("the page has no total of {section}")))
}

/// The opening tag of a member's line among the sources.
fn member<'p>(page: &'p str, id: &str) -> &'p str {
    let mark = format!("data-test=\"miembro-{id}\"");
    let tag = page
        .split("<li")
        .find(|tag| tag.split('>').next().is_some_and(|t| t.contains(&mark)));
    tag.and_then(|t| t.split('>').next())
        .unwrap_or("silent: it is not on the page")
}

/// The text of a page, without tags.
fn plain(page: &str) -> String {
    let mut text = String::with_capacity(page.len() / 2);
    let mut inside = false;
    for c in page.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                text.push(' ');
            }
            _ if !inside => text.push(c),
            _ => {}
        }
    }
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
