//! Sentences about who is who.

use super::{ActView, reason};
use crate::registry::{RegistryDone, RegistryStep};
use crate::{Lang, Role};

/// A step, taken or refused. She who reads it may be either of the two, so it says "your registration" of whichever is hers.
pub(super) fn sentence(
    act: &ActView,
    step: &RegistryStep,
    who: &str,
    hour: &str,
    lang: Lang,
) -> String {
    if !act.refused.is_empty() {
        let because = reason::words(&act.refused, lang);
        return match lang {
            Lang::Es => format!(
                "{who} quiso ver o unir registros tuyos {hour} y no se le permitió, porque {because}."
            ),
            Lang::En => format!(
                "{who} tried to look at or link registrations of yours {hour} and was not allowed to, because {because}."
            ),
        };
    }
    let herself = act.role == Role::Patient;
    match (step.done, lang) {
        (RegistryDone::Looked, Lang::Es) => format!(
            "{who} comparó tu registro con otro muy parecido {hour}, para saber si son de la misma persona."
        ),
        (RegistryDone::Looked, Lang::En) => format!(
            "{who} compared your registration with another one that is very like it {hour}, to find out whether they are of one person."
        ),
        (RegistryDone::Linked, Lang::Es) => {
            format!("{who} unió dos registros tuyos {hour}{}.", on_es(step))
        }
        (RegistryDone::Linked, Lang::En) => {
            format!(
                "{who} linked two registrations of yours {hour}{}.",
                on_en(step)
            )
        }
        (RegistryDone::Marked, Lang::Es) => {
            format!("{who} anotó en tu registro {hour} con qué otros registros va.")
        }
        (RegistryDone::Marked, Lang::En) => {
            format!("{who} noted in your registration {hour} which others go with it.")
        }
        (RegistryDone::Split, Lang::Es) => format!(
            "{who} anotó {hour} que dos registros parecidos son de dos personas: no se ven juntos."
        ),
        (RegistryDone::Split, Lang::En) => format!(
            "{who} noted {hour} that two registrations which are alike are of two people: they are not shown together."
        ),
        (RegistryDone::NotMe, Lang::Es) if herself => format!(
            "Desde la página de la persona se dijo {hour} que uno de los registros no es suyo: ya no se ve con los demás."
        ),
        (RegistryDone::NotMe, Lang::Es) => {
            format!("{who} anotó {hour} que uno de los registros no es de la misma persona.")
        }
        (RegistryDone::NotMe, Lang::En) if herself => format!(
            "From the person's page it was said {hour} that one of the registrations is not hers: it is not shown with the others any more."
        ),
        (RegistryDone::NotMe, Lang::En) => {
            format!("{who} noted {hour} that one of the registrations is not of the same person.")
        }
    }
}

fn on_es(step: &RegistryStep) -> String {
    match (step.on.number, step.on.per_mille) {
        (true, _) => ", porque un número confirmado es el mismo".to_owned(),
        (false, Some(per_mille)) => {
            format!("; el parecido era de {} de cada 100", percent(per_mille))
        }
        (false, None) => String::new(),
    }
}

fn on_en(step: &RegistryStep) -> String {
    match (step.on.number, step.on.per_mille) {
        (true, _) => ", because a confirmed number is the same".to_owned(),
        (false, Some(per_mille)) => format!("; the likeness was {} in 100", percent(per_mille)),
        (false, None) => String::new(),
    }
}

/// Nothing that is weighed is sure.
fn percent(per_mille: u16) -> u16 {
    (per_mille / 10).min(99)
}
