//! Sentences about those who act for a person: what changed, for either side.

use super::ActView;
use crate::gate::{ENDED, MADE, NAMED, SPOKE, SPOKEN, UNMADE};
use crate::{ActKind, Lang, What};

/// What the act of a change says: what changed, and the other one's name.
fn change(act: &ActView) -> Option<(&str, &str)> {
    match (&act.what, act.kind) {
        (What::Writing(text), ActKind::Word) => text.split_once('\n'),
        _ => None,
    }
}

/// A change that the person made herself, or one that made her act for somebody.
pub(super) fn own(act: &ActView, hour: &str, lang: Lang) -> Option<String> {
    let (what, name) = change(act)?;
    Some(match (what, lang) {
        (NAMED, Lang::Es) => format!("Elegiste a {name} para que actúe por ti {hour}."),
        (NAMED, Lang::En) => format!("You chose {name} to act for you {hour}."),
        (ENDED, Lang::Es) => format!("Quitaste a {name}, que actuaba por ti, {hour}."),
        (ENDED, Lang::En) => format!("You took away {name}, who acted for you, {hour}."),
        _ => return told(what, name, hour, lang),
    })
}

/// A change that somebody else made.
pub(super) fn by(act: &ActView, who: &str, hour: &str, lang: Lang) -> Option<String> {
    let (what, name) = change(act)?;
    let resigned = act.purpose == crate::Purpose::Family;
    Some(match (what, lang) {
        (NAMED, Lang::Es) => format!("{who} anotó {hour} que {name} actúa por ti."),
        (NAMED, Lang::En) => format!("{who} noted {hour} that {name} acts for you."),
        (SPOKE, Lang::Es) => format!("{name}, que actúa por ti, cambió {hour} lo que dijo por ti."),
        (SPOKE, Lang::En) => {
            format!("{name}, who acts for you, changed {hour} what she said for you.")
        }
        (ENDED, Lang::Es) if resigned => format!("{name} dejó de actuar por ti {hour}."),
        (ENDED, Lang::En) if resigned => format!("{name} ceased to act for you {hour}."),
        (ENDED, Lang::Es) => format!("{who} anotó {hour} que {name} ya no actúa por ti."),
        (ENDED, Lang::En) => format!("{who} noted {hour} that {name} no longer acts for you."),
        _ => return told(what, name, hour, lang),
    })
}

/// For who acts, whoever made the change.
fn told(what: &str, name: &str, hour: &str, lang: Lang) -> Option<String> {
    Some(match (what, lang) {
        (MADE, Lang::Es) => format!("Tú actúas por {name} desde hoy {hour}."),
        (MADE, Lang::En) => format!("You act for {name} from today {hour}."),
        (UNMADE, Lang::Es) => format!("Ya no actúas por {name} desde hoy {hour}."),
        (UNMADE, Lang::En) => format!("You no longer act for {name} from today {hour}."),
        (SPOKEN, Lang::Es) => format!("Cambiaste {hour} lo que dices por {name}."),
        (SPOKEN, Lang::En) => format!("You changed {hour} what you say for {name}."),
        _ => return None,
    })
}
