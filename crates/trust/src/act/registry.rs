//! Sentences about who is who.

use super::sentence::Names;
use super::{ActView, reason};
use crate::registry::{RegistryDone, RegistryStep};
use crate::{Lang, Role};

/// A step, taken or refused. She who reads it may be either of the two, so it says "your registration" of whichever is hers.
pub(super) fn sentence(
    act: &ActView,
    step: &RegistryStep,
    (who, names): (&str, Names<'_>),
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
    if let Some(other) = &step.with {
        let (here, there) = (names(&act.node), names(other));
        return between(step, (who, &here, &there), hour, lang);
    }
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
        // These have another member.
        (
            RegistryDone::Compared
            | RegistryDone::Resembled
            | RegistryDone::OneWith
            | RegistryDone::TwoWith,
            _,
        ) => String::new(),
    }
}

/// What is done about registrations of two members.
fn between(
    step: &RegistryStep,
    (who, here, there): (&str, &str, &str),
    hour: &str,
    lang: Lang,
) -> String {
    match (step.done, lang) {
        (RegistryDone::Compared, Lang::Es) => format!(
            "{here} y {there} compararon {hour} sus registros de personas, el tuyo entre ellos, con claves que no nombran a nadie: {there} no supo por eso quién eres."
        ),
        (RegistryDone::Compared, Lang::En) => format!(
            "{here} and {there} compared their registers of people {hour}, your registration among them, by tokens that name nobody: {there} did not learn from it who you are."
        ),
        (RegistryDone::Resembled, Lang::Es) => format!(
            "Al comparar registros con {there} {hour}, alguien de allá se parece a ti en lo que dice tu registro. Aquí no se unió nada por eso."
        ),
        (RegistryDone::Resembled, Lang::En) => format!(
            "When registers were compared with {there} {hour}, somebody there was like what your registration says. Nothing was linked here because of it."
        ),
        (RegistryDone::OneWith, Lang::Es) => format!(
            "{who} anotó {hour} que el registro parecido de {there} también es tuyo. Si {there} dice lo mismo, se encuentran juntos."
        ),
        (RegistryDone::OneWith, Lang::En) => format!(
            "{who} noted {hour} that the registration at {there} which is like yours is yours too. If {there} says the same, they are found together."
        ),
        (RegistryDone::TwoWith, Lang::Es) => {
            format!("{who} anotó {hour} que el registro parecido de {there} es de otra persona.")
        }
        (RegistryDone::TwoWith, Lang::En) => format!(
            "{who} noted {hour} that the registration at {there} which is like yours is somebody else's."
        ),
        (RegistryDone::Linked, Lang::Es) => format!(
            "{here} y {there} dijeron que el registro de aquí y uno de allá son de la misma persona: desde {hour} el de aquí también se encuentra por su CURP."
        ),
        (RegistryDone::Linked, Lang::En) => format!(
            "{here} and {there} said that the registration here and one there are of one person: since {hour} the one here is found under her CURP too."
        ),
        (RegistryDone::Split, Lang::Es) => format!(
            "{there} dijo {hour} que el registro de aquí es de otra persona: ya no se encuentra por la CURP de allá."
        ),
        (RegistryDone::Split, Lang::En) => format!(
            "{there} said {hour} that the registration here is somebody else's: it is not found under the CURP from there any more."
        ),
        (RegistryDone::NotMe, Lang::Es) => format!(
            "Desde la página de la persona se dijo {hour} que el registro de {here} no es suyo: ya no se encuentra por su CURP."
        ),
        (RegistryDone::NotMe, Lang::En) => format!(
            "From the person's page it was said {hour} that the registration at {here} is not hers: it is not found under her CURP any more."
        ),
        (_, Lang::Es) => format!(
            "{who} vio {hour} tu registro, para saber si uno muy parecido de {there} es también tuyo."
        ),
        (_, Lang::En) => format!(
            "{who} looked at your registration {hour}, to find out whether one at {there} that is very like it is yours too."
        ),
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
