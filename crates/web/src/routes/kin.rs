//! Who acts for a person: she names and ends; the desk enters on a document; whoever acts reads for her.

use super::Answer;
use super::history::{self, Asked};
use crate::answer::page;
use crate::form::{FieldError, Fields};
use crate::seal::Use;
use crate::session::{Signed, SignedForm, blocking};
use crate::views::kin::Input;
use crate::{views, when};
use axum::body::Body;
use axum::extract::{Path, Query};
use axum::http::{Response, StatusCode};
use jiff::Timestamp;
use store::Verbs;
use trust::represent::Paper;
use trust::{
    Category, Guardianship, NewRepresentative, PersonRef, Purpose, Refusal, Representative,
    Request, Role, SignedWord, Tag, Tie, What, Who,
};

/// The person's page with the form as typed.
async fn desk(signed: &Signed, code: StatusCode, typed: &Fields, errors: &[FieldError]) -> Answer {
    let Some(curp) = signed.actor.curp.clone() else {
        return Ok(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let born = mx::Curp::parse(&curp).ok().and_then(|curp| curp.birth());
    let (gate, now, actor) = signed.at_the_gate();
    let lines = blocking(&signed.visitor, move || {
        let said = gate.word(gate.tag(&curp));
        let rules = said.map(|signed| signed.word.rules).unwrap_or_default();
        let blind = |one: &Representative| {
            let seen = gate.preview(&actor, &Who::Representative(one.tag), &rules, now)?;
            let closed = seen.iter().filter(|row| !row.open);
            Ok::<_, Refusal>(closed.map(|row| row.category).collect::<Vec<_>>())
        };
        let lines = gate.represented_by(&actor, now).into_iter();
        lines
            .map(|one| Ok((blind(&one)?, one)))
            .collect::<Result<Vec<_>, Refusal>>()
    })
    .await?;
    let lines = match lines {
        Ok(lines) => lines,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let line = |(blind, one): &(Vec<Category>, Representative)| {
        let reference = signed.seal(Use::Kin, &one.tag.hex());
        views::kin::line(signed.t(), one, reference, true, now).blind_to(signed.t(), blind)
    };
    let input = Input {
        lines: lines.iter().map(line).collect(),
        typed,
        errors,
        names: born.is_some_and(|born| trust::represent::is_of_age(born, now)),
    };
    Ok(page(code, views::kin::page(signed.frame(), input)))
}

pub(super) async fn show(signed: Signed) -> Answer {
    desk(&signed, StatusCode::OK, &Fields::default(), &[]).await
}

/// Reads the fields that both forms have; every one that is wrong is named.
fn read(
    signed: &Signed,
    typed: &Fields,
    now: Timestamp,
) -> Result<NewRepresentative, Vec<FieldError>> {
    let t = signed.t();
    let mut errors = Vec::new();
    let mut wrong = |field: &str, key: &str| {
        errors.push(FieldError::new(field, t.say(key)));
    };
    if typed.get("kin_name").is_empty() {
        wrong("kin_name", "kin.need_name");
    }
    if mx::Curp::parse(typed.get("kin_curp")).map_or(true, |curp| curp.is_generic()) {
        wrong("kin_curp", "kin.need_curp");
    }
    let tie = Tie::from_code(typed.get("kin_tie"));
    if tie.is_none() {
        wrong("kin_tie", "kin.need_tie");
    }
    let until = match typed.get("kin_until") {
        "" => Some(None),
        day => when::end_of_day(day).filter(|end| *end > now).map(Some),
    };
    if until.is_none() {
        wrong("kin_until", "rules.need_date");
    }
    match (tie, until) {
        (Some(tie), Some(until)) if errors.is_empty() => Ok(NewRepresentative {
            curp: typed.get("kin_curp").to_owned(),
            name: typed.get("kin_name").to_owned(),
            tie,
            sees: typed.all("what").filter_map(Category::from_code).collect(),
            speaks: typed.get("kin_speaks") == "yes",
            until,
        }),
        _ => Err(errors),
    }
}

pub(super) async fn name(SignedForm(signed, typed): SignedForm) -> Answer {
    let (gate, now, actor) = signed.at_the_gate();
    match read(&signed, &typed, now) {
        Ok(new) => {
            let said = blocking(&signed.visitor, move || {
                gate.name_representative(&actor, new, now)
            })
            .await?;
            spread(&signed, said, "/representantes", "kin.saved").await
        }
        Err(errors) => desk(&signed, StatusCode::UNPROCESSABLE_ENTITY, &typed, &errors).await,
    }
}

/// Whom a sealed reference means.
fn meant(signed: &Signed, sealed: &str) -> Option<Tag> {
    Tag::from_hex(&signed.open(Use::Kin, sealed)?)
}

pub(super) async fn end(SignedForm(signed, typed): SignedForm) -> Answer {
    let Some(tag) = meant(&signed, typed.get("quien")) else {
        return Ok(signed.stale());
    };
    let (gate, now, actor) = signed.at_the_gate();
    let said = blocking(&signed.visitor, move || {
        gate.end_representative(&actor, tag, now)
    })
    .await?;
    spread(&signed, said, "/representantes", "kin.ended").await
}

/// The desk's page with the form as typed.
async fn counter(
    signed: &Signed,
    sealed: &str,
    code: StatusCode,
    typed: &Fields,
    errors: &[FieldError],
) -> Answer {
    let curp = signed
        .open(Use::Person, sealed)
        .ok_or_else(|| signed.stale())?;
    let (gate, now, actor) = signed.at_the_gate();
    let lines = blocking(&signed.visitor, move || gate.guardians(&actor, &curp, now)).await?;
    let lines = match lines {
        Ok(lines) => lines,
        Err(refusal) => return Ok(signed.refuse(&refusal, sealed)),
    };
    let line = |one: &Representative| views::kin::Line {
        ends: true,
        ..views::kin::line(
            signed.t(),
            one,
            signed.seal(Use::Kin, &one.tag.hex()),
            true,
            now,
        )
    };
    let input = Input {
        lines: lines.iter().map(line).collect(),
        typed,
        errors,
        names: true,
    };
    Ok(page(code, views::kin::desk(signed.frame(), sealed, input)))
}

pub(super) async fn counter_show(signed: Signed, Path(sealed): Path<String>) -> Answer {
    counter(&signed, &sealed, StatusCode::OK, &Fields::default(), &[]).await
}

pub(super) async fn enter(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let curp = signed
        .open(Use::Person, &sealed)
        .ok_or_else(|| signed.stale())?;
    let (gate, now, actor) = signed.at_the_gate();
    let t = signed.t();
    let mut errors = Vec::new();
    let paper = Paper::from_code(typed.get("kin_paper"));
    for (field, key, good) in [
        (
            "kin_whose",
            "kin.need_name",
            !typed.get("kin_whose").is_empty(),
        ),
        ("kin_paper", "kin.need_paper", paper.is_some()),
        (
            "kin_number",
            "kin.need_number",
            !typed.get("kin_number").is_empty(),
        ),
    ] {
        if !good {
            errors.push(FieldError::new(field, t.say(key)));
        }
    }
    let (of, new) = match (paper, read(&signed, &typed, now)) {
        (Some(paper), Ok(new)) if errors.is_empty() => {
            let of = Guardianship {
                curp,
                name: typed.get("kin_whose").to_owned(),
                paper,
                number: typed.get("kin_number").to_owned(),
            };
            (of, new)
        }
        (_, read) => {
            errors.extend(read.err().unwrap_or_default());
            let code = StatusCode::UNPROCESSABLE_ENTITY;
            return counter(&signed, &sealed, code, &typed, &errors).await;
        }
    };
    let said = blocking(&signed.visitor, move || {
        gate.enter_guardian(&actor, of, new, now)
    })
    .await?;
    let to = format!("/persona/{sealed}/representante");
    spread(&signed, said, &to, "kin.saved").await
}

pub(super) async fn end_at_desk(
    Path(sealed): Path<String>,
    SignedForm(signed, typed): SignedForm,
) -> Answer {
    let (Some(curp), Some(tag)) = (
        signed.open(Use::Person, &sealed),
        meant(&signed, typed.get("quien")),
    ) else {
        return Ok(signed.stale());
    };
    let (gate, now, actor) = signed.at_the_gate();
    let said = blocking(&signed.visitor, move || {
        gate.end_guardian(&actor, &curp, tag, now)
    })
    .await?;
    let to = format!("/persona/{sealed}/representante");
    spread(&signed, said, &to, "kin.ended").await
}

/// Somebody for whom who is signed in acts.
pub(super) struct Ward {
    pub(super) tag: Tag,
    name: String,
}

/// Whom a sealed reference means, if who is signed in acts for that one now.
pub(super) async fn ward(signed: &Signed, sealed: &str) -> Result<Ward, Response<Body>> {
    let Some(tag) = meant(signed, sealed) else {
        return Err(signed.stale());
    };
    let (gate, now, actor) = signed.at_the_gate();
    let all = blocking(&signed.visitor, move || gate.acts_for(&actor, now)).await?;
    let one = all.into_iter().find(|(person, _)| *person == tag);
    match one {
        Some((tag, line)) => Ok(Ward {
            tag,
            name: line.whose,
        }),
        None => Err(signed.fault(StatusCode::FORBIDDEN, "fault.not_kin")),
    }
}

fn request(signed: &Signed, ward: &Ward, what: What) -> Request {
    Request {
        actor: signed.actor.clone(),
        purpose: Purpose::Family,
        person: PersonRef::Tag(ward.tag),
        verbs: Verbs::READING,
        types: None,
        evidence: Vec::new(),
        via: None,
        word: None,
        what,
    }
}

pub(super) async fn record(
    signed: Signed,
    Path(sealed): Path<String>,
    Query(asked): Query<Asked>,
) -> Answer {
    let ward = ward(&signed, &sealed).await?;
    let request = request(&signed, &ward, What::Summary);
    let (gate, now, actor) = signed.at_the_gate();
    let spoken = blocking(&signed.visitor, move || gate.spoken(&actor, ward.tag, now)).await?;
    let whose = views::history::Whose::Ward {
        name: ward.name,
        reference: sealed,
        speaks: spoken.is_ok(),
    };
    history::of(signed, request, asked, whose).await
}

pub(super) async fn looks(signed: Signed, Path(sealed): Path<String>) -> Answer {
    let ward = ward(&signed, &sealed).await?;
    let state = signed.state();
    let request = request(&signed, &ward, What::Log);
    Ok(match state.network.log(request, state.now()).await {
        Ok(parts) => {
            let html = views::kin::looks(signed.frame(), &ward.name, &sealed, &parts);
            page(StatusCode::OK, html)
        }
        Err(refusal) => signed.refuse(&refusal, ""),
    })
}

pub(super) async fn resign(
    Path(sealed): Path<String>,
    SignedForm(signed, _): SignedForm,
) -> Answer {
    let ward = ward(&signed, &sealed).await?;
    let (gate, now, actor) = signed.at_the_gate();
    let said = blocking(&signed.visitor, move || gate.resign(&actor, ward.tag, now)).await?;
    spread(&signed, said, "/", "kin.ended").await
}

/// Both sides of the first page of somebody signed in as herself: for whom she acts, and what changed of late.
pub(super) async fn at_home(
    signed: &Signed,
) -> Result<(Vec<views::kin::Line>, Vec<String>), Response<Body>> {
    if signed.actor.role != Role::Patient {
        return Ok((Vec::new(), Vec::new()));
    }
    let (gate, now, actor) = signed.at_the_gate();
    let (wards, lines) = blocking(&signed.visitor, move || {
        (gate.acts_for(&actor, now), gate.represented_by(&actor, now))
    })
    .await?;
    let t = signed.t();
    let for_others: Vec<Representative> = wards.iter().map(|(_, line)| line.clone()).collect();
    let mut notices = views::kin::notices(t, &lines, true, now);
    notices.extend(views::kin::notices(t, &for_others, false, now));
    let line = |(tag, one): &(Tag, Representative)| {
        views::kin::line(t, one, signed.seal(Use::Kin, &tag.hex()), false, now)
    };
    let lines = wards.iter().map(line).filter(|line| line.acts);
    Ok((lines.collect(), notices))
}

/// Carries her word to every member, and goes on.
pub(super) async fn spread(
    signed: &Signed,
    said: Result<SignedWord, Refusal>,
    to: &str,
    words: &str,
) -> Answer {
    super::wish::spread(signed, said, to, words).await
}
