//! Why something was refused, in words. The input is what [`ActView::refused`](super::ActView::refused) holds.

use crate::Lang;

/// Codes that refusals carry, and what each says after "porque" and "because". The first that is known decides.
const REASONS: [(&str, &str, &str); 27] = [
    (
        "not-signed-in",
        "no dijo quién es",
        "they did not say who they are",
    ),
    (
        "wrong-secret",
        "la clave estaba mal",
        "the password was wrong",
    ),
    ("expired", "su tiempo se acabó", "their time was over"),
    (
        "slow-down",
        "probó muchas veces",
        "they tried too many times",
    ),
    (
        "unusual",
        "abría muchas historias sin atender a nadie",
        "they were opening many records without caring for anybody",
    ),
    (
        "old-word",
        "no se podía saber qué decidiste",
        "what you decided could not be known",
    ),
    (
        "reviews-overdue",
        "su área tiene emergencias sin revisar",
        "their unit has emergencies that were not reviewed",
    ),
    (
        "desk-opens-no-record",
        "en el mostrador no se abre la historia",
        "no record is opened at a desk",
    ),
    (
        "order-not-released",
        "ninguna orden lo deja",
        "no order lets them",
    ),
    (
        "no-evidence",
        "no estabas en consulta",
        "you were not with them for care",
    ),
    (
        "care-relation",
        "no estabas en consulta",
        "you were not with them for care",
    ),
    (
        "licence",
        "su cédula no está activa",
        "their licence is not active",
    ),
    (
        "used-up",
        "ya usaron las veces que les diste",
        "they had used up the times that you gave them",
    ),
    (
        "delegation-over",
        "su encargo ya no valía",
        "they no longer worked in that name",
    ),
    (
        "delegation-not-given",
        "su encargo no lo incluía",
        "they were not asked to do it",
    ),
    (
        "delegation-unknown",
        "el acuerdo no conoce encargos así",
        "the pact knows no such delegates",
    ),
    (
        "own-cedula",
        "eso sólo lo hace quien tiene la cédula",
        "only the professional herself does that",
    ),
    ("person", "tú lo cerraste", "you closed it"),
    ("word", "tú lo cerraste", "you closed it"),
    ("consent", "tú lo cerraste", "you closed it"),
    ("forged", "el pedido era falso", "the request was forged"),
    (
        "stranger",
        "no es parte de la red",
        "they are not part of the network",
    ),
    (
        "purpose-never",
        "nadie puede pedirlo para eso, ni con tu permiso",
        "nobody may ask for that, not even with your leave",
    ),
    (
        "purpose",
        "el motivo no es válido",
        "the reason is not a valid one",
    ),
    (
        "role",
        "su trabajo no lo pide",
        "their job does not need it",
    ),
    ("unavailable", "el sistema no pudo", "the system could not"),
    (
        "bad",
        "el pedido estaba mal hecho",
        "the request was not well made",
    ),
];

/// The reason in words, to come after "porque" or "because".
pub(super) fn words(refused: &[String], lang: Lang) -> &'static str {
    let known = refused.iter().find_map(|code| {
        let exact = REASONS.iter().find(|(known, ..)| known == code);
        // Policies have names of their own that hold a code: `forbid-licence`.
        exact.or_else(|| REASONS.iter().find(|(known, ..)| holds(code, known)))
    });
    match (known, lang) {
        (Some((_, es, _)), Lang::Es) => es,
        (Some((_, _, en)), Lang::En) => en,
        (None, Lang::Es) => "el acuerdo no lo deja",
        (None, Lang::En) => "the pact does not allow it",
    }
}

/// Whether a name has a code among its words.
fn holds(name: &str, code: &str) -> bool {
    name.match_indices(code).any(|(at, _)| {
        let before = name.get(..at).unwrap_or_default();
        let after = name.get(at + code.len()..).unwrap_or_default();
        let ends = |text: Option<char>| text.is_none_or(|c| !c.is_alphanumeric());
        ends(before.chars().next_back()) && ends(after.chars().next())
    })
}
