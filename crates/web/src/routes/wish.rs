//! The wish not to know: shown, chosen, asked away. None of these pages looks at her record, so none can tell of it.

use super::Answer;
use super::history::own;
use crate::answer::page;
use crate::form::{FieldError, Fields};
use crate::session::{Signed, SignedForm, blocking};
use crate::{views, when};
use axum::body::Body;
use axum::extract::Path;
use axum::http::{Response, StatusCode};
use jiff::{SignedDuration, Timestamp};
use trust::wish::{Asking, Named, Until};
use trust::{Finding, Limit, Refusal, SignedWord, What, Wish};

/// Her wishes, and what she was told in spite of them.
async fn today(signed: &Signed) -> Result<(Vec<Wish>, Vec<Limit>), Response<Body>> {
    let (Some(curp), Some(request)) = (signed.actor.curp.clone(), own(signed, What::Log)) else {
        return Err(signed.fault(StatusCode::FORBIDDEN, "fault.not_patient"));
    };
    let (gate, now) = (signed.state().gate.clone(), signed.state().now());
    let found = blocking(&signed.visitor, move || {
        let told = gate.decide(request, now)?;
        Ok::<_, Refusal>((gate.wishes(gate.tag(&curp)), gate.told_to_her(&told)?))
    });
    found.await?.map_err(|refusal| signed.refuse(&refusal, ""))
}

async fn desk(signed: &Signed, code: StatusCode, typed: &Fields, errors: &[FieldError]) -> Answer {
    let (wishes, told) = today(signed).await?;
    let input = views::wish::Input {
        wishes: &wishes,
        told: &told,
        typed,
        errors,
        now: signed.state().now(),
    };
    Ok(page(code, views::wish::page(signed.frame(), &input)))
}

pub(super) async fn show(signed: Signed) -> Answer {
    desk(&signed, StatusCode::OK, &Fields::default(), &[]).await
}

/// Reads the form into wishes, one for each box.
pub(super) fn read(
    signed: &Signed,
    typed: &Fields,
    now: Timestamp,
) -> Result<Vec<Wish>, Vec<FieldError>> {
    let t = signed.t();
    let findings: Vec<Finding> = typed.all("what").filter_map(Finding::from_code).collect();
    let named = |field: &str| {
        let name = typed.get(field);
        (!name.is_empty()).then(|| Named {
            name: name.to_owned(),
            at: None,
        })
    };
    let companion = named("companion");
    let until = match typed.get("until") {
        "date" => when::end_of_day(typed.get("until_date"))
            .filter(|end| *end > now)
            .map(Until::Date),
        "accompanied" => companion.is_some().then_some(Until::Accompanied),
        _ => Some(Until::Asked),
    };
    let mut errors = Vec::new();
    let mut wrong = |field: &str, sentence: &str| {
        errors.push(FieldError::new(field, sentence));
    };
    if findings.is_empty() {
        wrong("what", t.say("wish.need_what"));
    }
    if until.is_none() {
        match typed.get("until") {
            "date" => wrong("until_date", t.say("rules.need_date")),
            _ => wrong("companion", t.say("wish.need_companion")),
        }
    }
    let (Some(until), true) = (until, errors.is_empty()) else {
        return Err(errors);
    };
    let months: i64 = typed.get("review").parse().unwrap_or(0);
    let review = (1..=24)
        .contains(&months)
        .then(|| {
            now.checked_add(SignedDuration::from_hours(24 * 30 * months))
                .ok()
        })
        .flatten();
    Ok(findings
        .into_iter()
        .map(|finding| Wish {
            until,
            companion: companion.clone(),
            told: named("told"),
            review,
            cool_off_hours: typed.get("cool_off").parse().unwrap_or(0),
            ..Wish::plain(finding, now)
        })
        .collect())
}

pub(super) async fn save(SignedForm(signed, typed): SignedForm) -> Answer {
    let now = signed.state().now();
    match read(&signed, &typed, now) {
        Ok(wishes) => {
            let (gate, actor) = (signed.state().gate.clone(), signed.actor.clone());
            let said = blocking(&signed.visitor, move || gate.wish(&actor, wishes, now)).await?;
            spread(&signed, said, "/saber", "rules.saved").await
        }
        Err(errors) => desk(&signed, StatusCode::UNPROCESSABLE_ENTITY, &typed, &errors).await,
    }
}

/// The wish that keeps a finding from her, as she said it; `None` when nothing does.
async fn keeping(signed: &Signed, code: &str) -> Result<Option<Wish>, Response<Body>> {
    let now = signed.state().now();
    let (wishes, _) = today(signed).await?;
    let mut last = trust::wish::last(&wishes);
    Ok(last
        .find(|one| one.finding.code() == code && one.holds(now))
        .cloned())
}

pub(super) async fn confirm(signed: Signed, Path(code): Path<String>) -> Answer {
    Ok(match keeping(&signed, &code).await? {
        Some(wish) => page(
            StatusCode::OK,
            views::wish::ask(signed.frame(), &wish, &Fields::default(), &[]),
        ),
        None => signed.fault(StatusCode::NOT_FOUND, "fault.missing"),
    })
}

pub(super) async fn ask(Path(code): Path<String>, SignedForm(signed, typed): SignedForm) -> Answer {
    let Some(wish) = keeping(&signed, &code).await? else {
        return Ok(signed.fault(StatusCode::NOT_FOUND, "fault.missing"));
    };
    let now = signed.state().now();
    let how = match typed.get("how") {
        "with" => Asking::Accompanied,
        "session" => match when::at(typed.get("day"), typed.get("hour")).filter(|at| *at > now) {
            Some(at) => Asking::At(at),
            None => {
                let errors = [FieldError::new("day", signed.t().say("ask.need_time"))];
                let html = views::wish::ask(signed.frame(), &wish, &typed, &errors);
                return Ok(page(StatusCode::UNPROCESSABLE_ENTITY, html));
            }
        },
        _ => Asking::Alone,
    };
    let (gate, actor, finding) = (
        signed.state().gate.clone(),
        signed.actor.clone(),
        wish.finding,
    );
    let said = blocking(&signed.visitor, move || {
        gate.ask_to_know(&actor, finding, how, now)
    })
    .await?;
    let at_once = wish.cool_off_hours == 0 && !matches!(how, Asking::At(_));
    let (to, words) = match at_once {
        true => ("/historia", "ask.open"),
        false => ("/saber", "ask.kept"),
    };
    spread(&signed, said, to, words).await
}

/// Carries what she said to every member, and goes on.
pub(super) async fn spread(
    signed: &Signed,
    said: Result<SignedWord, Refusal>,
    to: &str,
    words: &str,
) -> Answer {
    let word = match said {
        Ok(word) => word,
        Err(refusal) => return Ok(signed.refuse(&refusal, "")),
    };
    let state = signed.state();
    let reached = state.network.spread(word, state.now()).await;
    let (t, threads) = (signed.t(), signed.frame().threads);
    let late: Vec<String> = reached
        .iter()
        .filter(|(_, arrived)| !arrived)
        .map(|(member, _)| threads.name(member))
        .collect();
    let said = match late.is_empty() {
        true => t.say(words).to_owned(),
        false => t.fill("rules.saved_late", &[("names", &late.join(", "))]),
    };
    Ok(signed.go(to, &said))
}
