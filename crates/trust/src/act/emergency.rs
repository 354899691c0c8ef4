//! Steps of an emergency, and of an order of the state, as sentences, to come after who took them.

use super::{ActView, sentence};
use crate::category::{Category, joined};
use crate::glass::Step;
use crate::order::Done;
use crate::{Lang, What};

/// What was done, with the hour: "abrió de emergencia lo que puede salvarte la vida a las 3:10, porque ...".
pub(super) fn done(act: &ActView, hour: &str, lang: Lang) -> String {
    let What::Glass(step) = &act.what else {
        return match lang {
            Lang::Es => format!("dio un paso de una emergencia {hour}."),
            Lang::En => format!("took a step of an emergency {hour}."),
        };
    };
    match (lang, step) {
        (
            Lang::Es,
            Step::Declared {
                reason, words, due, ..
            },
        ) => format!(
            "abrió de emergencia lo que puede salvarte la vida {hour}, porque {}{}. Alguien de otra área lo revisará antes del {}.",
            reason.words(lang),
            quoted(words),
            sentence::day(*due, lang)
        ),
        (
            Lang::En,
            Step::Declared {
                reason, words, due, ..
            },
        ) => format!(
            "opened, in an emergency, what can save your life {hour}, because {}{}. Somebody of another unit will review it before {}.",
            reason.words(lang),
            quoted(words),
            sentence::day(*due, lang)
        ),
        (Lang::Es, Step::Confirmed { .. }) => {
            format!("abrió el resto de tu historia {hour} por la misma emergencia.")
        }
        (Lang::En, Step::Confirmed { .. }) => {
            format!("opened the rest of your history {hour} in the same emergency.")
        }
        (
            Lang::Es,
            Step::Reviewed {
                justified, words, ..
            },
        ) => {
            let verdict = if *justified { "sí" } else { "no" };
            format!(
                "revisó una emergencia {hour}: {verdict} hubo motivo{}.",
                quoted(words)
            )
        }
        (
            Lang::En,
            Step::Reviewed {
                justified, words, ..
            },
        ) => {
            let verdict = if *justified { "was" } else { "was no" };
            format!(
                "reviewed an emergency {hour}: there {verdict} reason for it{}.",
                quoted(words)
            )
        }
        (
            Lang::Es,
            Step::Judged {
                who,
                people,
                justified,
                words,
                ..
            },
        ) => {
            let verdict = if *justified { "sí" } else { "no" };
            format!(
                "revisó {hour} por qué {who} abrió {people} historias sin señal de atención. La tuya es una de ellas. Dijo que {verdict} hubo motivo{}.",
                quoted(words)
            )
        }
        (
            Lang::En,
            Step::Judged {
                who,
                people,
                justified,
                words,
                ..
            },
        ) => {
            let verdict = if *justified { "was" } else { "was no" };
            format!(
                "reviewed {hour} why {who} opened {people} histories without a sign of care. Yours is one of them. They said that there {verdict} reason for it{}.",
                quoted(words)
            )
        }
        (Lang::Es, Step::Tried) => format!("quiso abrir de emergencia tu historia {hour}."),
        (Lang::En, Step::Tried) => format!("tried to open your history in an emergency {hour}."),
    }
}

/// What was tried and refused, before "y no se le permitió".
pub(super) fn tried(step: &Step, hour: &str, lang: Lang) -> String {
    match (lang, step) {
        (Lang::Es, Step::Reviewed { .. }) => format!("quiso revisar una emergencia {hour}"),
        (Lang::En, Step::Reviewed { .. }) => format!("tried to review an emergency {hour}"),
        (Lang::Es, Step::Judged { .. }) => format!("quiso revisar quién abrió tu historia {hour}"),
        (Lang::En, Step::Judged { .. }) => {
            format!("tried to review who opened your history {hour}")
        }
        (Lang::Es, _) => format!("quiso abrir de emergencia tu historia {hour}"),
        (Lang::En, _) => format!("tried to open your history in an emergency {hour}"),
    }
}

/// What was done of an order: "trajo la orden 312/2026 de un juzgado para abrir tus visitas a las 3:10".
pub(super) fn ordered(act: &ActView, hour: &str, lang: Lang) -> String {
    let What::Order(step) = &act.what else {
        return match lang {
            Lang::Es => format!("dio un paso de una orden {hour}."),
            Lang::En => format!("took a step of an order {hour}."),
        };
    };
    let (number, authority) = (&step.number, &step.authority);
    let what = joined(&Category::of(act.categories), lang);
    match (lang, step.done) {
        (Lang::Es, Done::Proposed) => {
            format!("trajo la orden {number} de {authority} para abrir {what} {hour}.")
        }
        (Lang::En, Done::Proposed) => {
            format!("brought the order {number} of {authority} to open {what} {hour}.")
        }
        (Lang::Es, Done::Released) => {
            format!("autorizó la orden {number} de {authority} para abrir {what} {hour}.")
        }
        (Lang::En, Done::Released) => {
            format!("released the order {number} of {authority} to open {what} {hour}.")
        }
        (Lang::Es, Done::Read) => {
            format!("leyó {what} {hour} por la orden {number} de {authority}.")
        }
        (Lang::En, Done::Read) => {
            format!("read {what} {hour} under the order {number} of {authority}.")
        }
    }
}

fn quoted(words: &str) -> String {
    match words.trim().trim_end_matches('.') {
        "" => String::new(),
        words => format!(": «{words}»"),
    }
}
