//! What the members agreed on for categories and seals.
//!
//! What belongs to a category is said by tables that come with the program. Two members with programs of different
//! editions would give one seal two meanings; so the pact names the editions, and no node takes a version into force that
//! does not name its own.
//!
//! Whether a person may insist on a seal is no term of a pact: after the warning that is hers to decide, and members who
//! could agree to take it from her would decide over her.

use super::valid::{invalid, is_sha256};
use super::words::Sentence;
use super::{Pact, PactError};
use crate::category::{edition, list};
use crate::word::{Label, Rule};
use crate::{Category, Lang};
use serde::{Deserialize, Serialize};
use store::Labels;

/// The terms of categories and seals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Seals {
    /// The editions of the tables by which members may label ([`edition`]). Several while they move from one to the next.
    pub tables: Vec<String>,
    /// What a person may close: every kind, since each resource has one and to close everything must stay possible, and
    /// those topics that the members trust their tables to find.
    pub categories: Vec<Category>,
    /// Of what no hint is ever given, whatever her rule says.
    pub silent: Vec<Category>,
    /// A seal that does not insist spares for care what could save her life. Without it a seal holds for that too, and only
    /// broken glass opens it.
    pub emergency: bool,
}

/// Editions that a pact names at most.
const MAX_TABLES: usize = 8;

impl Seals {
    /// What a new pact starts from: the tables of this program, every category, and no hint of violence, since whoever did
    /// it may be near who is told.
    pub fn usual() -> Seals {
        Seals {
            tables: vec![edition().to_owned()],
            categories: Category::ALL.to_vec(),
            silent: vec![Category::Violence],
            emergency: true,
        }
    }

    /// The categories of which no hint is given.
    pub fn untold(&self) -> Labels {
        Category::set(&self.silent)
    }

    /// Whether nothing may be told of what a rule closes of a category, in a part that names these labels (none is any).
    pub(crate) fn silences(&self, what: Category, labels: &[Label]) -> bool {
        let codes = |code: &str| {
            let mut silent = self.silent.iter();
            silent.any(|one| one.sensitivity() == Some(code))
        };
        self.silent.contains(&what)
            || !labels.is_empty() && labels.iter().all(|label| codes(&label.code))
    }

    /// Of what a rule that closes names no hint is given, though it would allow one.
    pub fn kept_silent(&self, rule: &Rule) -> Vec<Category> {
        let covers = |one: &&Category| !rule.allow && rule.hint && rule.covers(**one);
        self.silent.iter().filter(covers).copied().collect()
    }

    /// Whether a rule that closes lets anything be told.
    pub fn lets_tell(&self, rule: &Rule) -> bool {
        let mut covered = Category::ALL.into_iter().filter(|one| rule.covers(*one));
        !rule.allow && rule.hint && covered.any(|one| !self.silences(one, &rule.part.labels))
    }
}

/// Of what a person may say a new closing rule under a pact.
pub(crate) fn may_close(seals: Option<&Seals>, category: Category) -> bool {
    seals.is_none_or(|seals| seals.categories.contains(&category))
}

/// Why this program cannot go by a pact: it names other tables.
pub(crate) fn other_tables(pact: &Pact) -> Option<Sentence> {
    let wanted = &pact.seals.as_ref()?.tables;
    let (version, own) = (pact.version, edition());
    if wanted.iter().any(|one| one == own) {
        return None;
    }
    let (es, en) = (wanted.join(" o "), wanted.join(" or "));
    Some(Sentence::new(
        format!(
            "el pacto, versión {version}, va por las tablas de categorías {es}; este programa tiene las {own}. Pon primero un programa que tenga una de aquéllas, o propongan una versión que nombre las dos (`tejido pact propose --seals-add-tables {own}`). No se cambió nada"
        ),
        format!(
            "version {version} of the pact goes by the tables of categories {en}; this program has {own}. Put a program in place that has one of those first, or propose a version that names both (`tejido pact propose --seals-add-tables {own}`). Nothing was changed"
        ),
    ))
}

/// The table of a pact's text.
pub(super) fn table(seals: Option<&Seals>) -> String {
    let one = |terms: &Seals| {
        let codes = |of: &[Category]| quoted(of.iter().map(|one| one.code()));
        format!(
            "\n[seals]\ntables = {}\ncategories = {}\nsilent = {}\nemergency = {}\n",
            quoted(terms.tables.iter().map(String::as_str)),
            codes(&terms.categories),
            codes(&terms.silent),
            terms.emergency
        )
    };
    seals.map(one).unwrap_or_default()
}

fn quoted<'a>(words: impl Iterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.map(|word| format!("\"{word}\"")).collect();
    format!("[{}]", words.join(", "))
}

/// Its bounds.
pub(super) fn check(seals: Option<&Seals>) -> Result<(), PactError> {
    let Some(terms) = seals else {
        return Ok(());
    };
    let tables = &terms.tables;
    if tables.is_empty()
        || tables.len() > MAX_TABLES
        || !tables.iter().all(|one| is_sha256(one))
        || is_twice(tables)
    {
        return Err(invalid(
            "seals: tables",
            "name 1 to 8 editions, each once, by 64 small hexadecimal digits; `tejido pact tables` says a program's own",
        ));
    }
    let mut kinds = Category::ALL.iter().filter(|one| !one.is_topic());
    if let Some(lacks) = kinds.find(|kind| !terms.categories.contains(kind)) {
        let why = format!(
            "{} is missing; every kind must be there, only topics may be left out",
            lacks.code()
        );
        return Err(invalid("seals: categories", &why));
    }
    for (place, categories) in [
        ("seals: categories", &terms.categories),
        ("seals: silent", &terms.silent),
    ] {
        if is_twice(categories) {
            return Err(invalid(place, "a category stands twice"));
        }
    }
    Ok(())
}

fn is_twice<T: PartialEq>(these: &[T]) -> bool {
    let mut all = these.iter().enumerate();
    all.any(|(place, one)| these.iter().take(place).any(|other| other == one))
}

/// What the pact says of them.
pub(super) fn said(seals: Option<&Seals>) -> Vec<Sentence> {
    let Some(terms) = seals else {
        return vec![Sentence::new(
            "El pacto no nombra las tablas de categorías: cada institución va por las de su programa.",
            "The pact names no tables of categories: each institution goes by those of its program.",
        )];
    };
    let (es, en) = (terms.tables.join(" o "), terms.tables.join(" or "));
    let tables = Sentence::new(
        format!(
            "Qué abarca cada categoría lo dicen las tablas {es}; con otras no se puede seguir."
        ),
        format!(
            "What belongs to a category is said by the tables {en}; nobody goes on with others."
        ),
    );
    let mut topics = Category::ALL.iter().filter(|one| one.is_topic());
    let closes = match topics.all(|topic| terms.categories.contains(topic)) {
        true => Sentence::new(
            "Una persona puede cerrar cualquier categoría.",
            "A person may close any category.",
        ),
        false => {
            let (es, en) = names(&terms.categories);
            Sentence::new(
                format!(
                    "Una persona puede cerrar todo, o esto: {es}. Lo demás que ya cerró sigue cerrado."
                ),
                format!(
                    "A person may close everything, or this: {en}. What else she closed before stays closed."
                ),
            )
        }
    };
    let tells = match terms.silent.is_empty() {
        true => Sentence::new(
            "Que hay algo reservado se dice como quiera la persona.",
            "That something is kept back is told as the person wishes.",
        ),
        false => {
            let (es, en) = names(&terms.silent);
            Sentence::new(
                format!(
                    "Que hay algo reservado se dice como quiera la persona, y nunca de esto: {es}."
                ),
                format!(
                    "That something is kept back is told as the person wishes, and never of this: {en}."
                ),
            )
        }
    };
    let saves = match terms.emergency {
        true => Sentence::new(
            "Lo que puede salvar la vida lo ve quien atiende aunque esté cerrado, si la persona no insiste.",
            "What could save a life is seen by those who care though it is closed, unless the person insists.",
        ),
        false => Sentence::new(
            "Lo que una persona cierra queda cerrado también si puede salvarle la vida; sólo una emergencia lo abre.",
            "What a person closes is closed even if it could save her life; only an emergency opens it.",
        ),
    };
    vec![tables, closes, tells, saves]
}

/// What changes between two pacts.
pub(super) fn changes(old: &Pact, new: &Pact) -> Vec<Sentence> {
    let before = said(old.seals.as_ref());
    let mut after = said(new.seals.as_ref());
    after.retain(|sentence| !before.contains(sentence));
    after
}

fn names(categories: &[Category]) -> (String, String) {
    let [es, en] = [Lang::Es, Lang::En].map(|lang| {
        let known = Category::ALL.iter().filter(|one| categories.contains(one));
        list(&known.map(|one| one.name(lang)).collect::<Vec<_>>(), lang)
    });
    (es, en)
}
