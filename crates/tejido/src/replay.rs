//! `tejido explain` and `tejido pact simulate`: decisions of the past, made again under the versions that they name or under
//! another pact. Through the running node's own socket if there is one.

use crate::admin::{self, Answer, Ask};
use crate::init::names;
use crate::{Config, Error, house, import, out, pact};
use clap::Args;
use jiff::Timestamp;
use std::path::PathBuf;
use std::process::ExitCode;
use trust::pact::{evidence_words, purpose_words};
use trust::{Category, Changes, Decided, Explained, Gap, Gate, How, Lang, Simulated};

/// The decision comes out otherwise.
const DIFFERS: u8 = 1;
/// It cannot be made again.
const MISSING: u8 = 3;

/// Which act.
#[derive(Debug, Args)]
pub(crate) struct Explain {
    /// Its name: 32 hexadecimal digits, as in lists of acts and receipts.
    act: String,
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// Language: es or en.
    #[arg(long, default_value = "es")]
    lang: crate::cli::Language,
    /// As JSON instead of sentences.
    #[arg(long)]
    json: bool,
}

/// Under which pact.
#[derive(Debug, Args)]
pub struct Simulate {
    /// The pact, signed or not.
    pact: PathBuf,
    /// The node's configuration.
    #[arg(long, default_value = names::CONFIG)]
    config: PathBuf,
    /// Only so many of the newest acts.
    #[arg(long, default_value_t = u64::MAX, hide_default_value = true)]
    last: u64,
    /// How many acts to name of each change.
    #[arg(long, default_value_t = 3)]
    examples: usize,
    /// Language: es or en.
    #[arg(long, default_value = "en")]
    lang: crate::cli::Language,
    /// As JSON instead of sentences.
    #[arg(long)]
    json: bool,
}

/// Explains an act. Exit code 0: its decision comes out again as it was; 1: it does not; 3: it cannot be made again.
///
/// # Errors
/// When the archive cannot be opened, or there is no such act.
pub(crate) fn explain(args: Explain) -> Result<ExitCode, Error> {
    let config = Config::read(&args.config)?;
    let lang: Lang = args.lang.into();
    let ask = Ask::Explain {
        act: args.act,
        spanish: lang == Lang::Es,
    };
    match asked(&config, ask)? {
        Answer::Explained { lines, holds, data } => {
            match args.json {
                true => out::line(data.to_string()),
                false => lines.iter().for_each(out::line),
            }
            Ok(match holds {
                Some(true) => ExitCode::SUCCESS,
                Some(false) => ExitCode::from(DIFFERS),
                None => ExitCode::from(MISSING),
            })
        }
        other => Err(unexpected(other)),
    }
}

/// Says what another pact would change.
///
/// # Errors
/// When the pact is not good, with its place; when the archive cannot be opened.
pub(crate) fn simulate(args: Simulate) -> Result<(), Error> {
    let config = Config::read(&args.config)?;
    let (pact, _) = pact::open(&args.pact)?;
    let ask = Ask::Simulate {
        pact: pact.text(),
        last: args.last,
        examples: args.examples,
    };
    match asked(&config, ask)? {
        Answer::Simulated(found) if args.json => {
            out::line(serde_json::to_string(&found).map_err(|e| Error::say(e.to_string()))?);
            Ok(())
        }
        Answer::Simulated(found) => {
            told(&found, args.lang.into()).iter().for_each(out::line);
            Ok(())
        }
        other => Err(unexpected(other)),
    }
}

fn asked(config: &Config, ask: Ask) -> Result<Answer, Error> {
    Ok(match admin::ask(&config.data, &ask)? {
        Some(answer) => answer,
        None => admin::answer(&house::open(config)?.gate, ask, Timestamp::now()),
    })
}

fn unexpected(answer: Answer) -> Error {
    match answer {
        Answer::No(why) => Error::say(why),
        _ => Error::say("the running node answered something else"),
    }
}

/// Explains an act on an open gate.
pub(crate) fn explained(gate: &Gate, act: &str, spanish: bool, now: Timestamp) -> Answer {
    let lang = if spanish { Lang::Es } else { Lang::En };
    match gate.explain(&import::operator(gate), act, now) {
        Ok(explained) => Answer::Explained {
            lines: lines(gate, &explained, lang),
            holds: explained.holds(),
            data: serde_json::to_value(&explained).unwrap_or_default(),
        },
        Err(refusal) => Answer::No(refusal.sentence(lang).to_owned()),
    }
}

/// Simulates on an open gate.
pub(crate) fn simulated(gate: &Gate, pact: &str, limits: (u64, usize), now: Timestamp) -> Answer {
    let pact = match trust::Pact::draft(pact) {
        Ok((pact, _)) => pact,
        Err(error) => return Answer::No(error.to_string()),
    };
    match gate.simulate(&import::operator(gate), pact, limits, now) {
        Ok(found) => Answer::Simulated(found),
        Err(refusal) => Answer::No(refusal.en),
    }
}

/// An explanation for people.
fn lines(gate: &Gate, explained: &Explained, lang: Lang) -> Vec<String> {
    let pact = gate.pact();
    let names = |id: &trust::MemberId| {
        let member = pact.member(id);
        member.map_or_else(|| id.to_string(), |member| member.name.clone())
    };
    let es = lang == Lang::Es;
    let pick =
        |(spanish, english): (&'static str, &'static str)| if es { spanish } else { english };
    let none = pick(("ninguna", "none"));
    let act = &explained.act;
    let words = explained.words.iter().map(u64::to_string);
    let evidence = explained.evidence.iter().map(|(id, kind)| match kind {
        Some(kind) => format!("{} ({id})", pick(evidence_words(*kind))),
        None => format!("{id}: {}", pick(("ya no está aquí", "not here any more"))),
    });
    let mut said = vec![
        format!("{} {}", act.at, act.sentence(lang, &names)),
        format!(
            "{}: {}; {}: {}; {}: {}; {}: {}; {}: {}; {}: {}.",
            pick(("Pacto", "Pact")),
            explained.pact,
            pick(("palabra de la persona", "the person's word")),
            or(words.collect::<Vec<_>>().join(", "), none),
            pick(("pruebas", "evidence")),
            or(evidence.collect::<Vec<_>>().join(", "), none),
            pick(("para", "for")),
            pick(purpose_words(act.purpose)),
            pick(("se pidió", "asked")),
            or(explained.asked.join(", "), none),
            pick(("cédula", "licence")),
            explained.licence,
        ),
        format!(
            "{}: {}",
            pick(("Se decidió", "Decided")),
            decision(&explained.then, lang)
        ),
    ];
    said.push(match &explained.again {
        Ok(again) if *again == explained.then => pick((
            "Repetida con las versiones que nombra, la decisión sale igual.",
            "Made again with the versions that it names, the decision is the same.",
        ))
        .to_owned(),
        Ok(again) => format!(
            "{}: {}",
            pick((
                "CUIDADO: repetida con las versiones que nombra, la decisión sale distinta",
                "WARNING: made again with the versions that it names, the decision differs",
            )),
            decision(again, lang)
        ),
        Err(gap) => missing(gap, lang),
    });
    said
}

fn or(text: String, none: &str) -> String {
    match text.is_empty() {
        true => none.to_owned(),
        false => text,
    }
}

/// A decision in a line.
fn decision(decided: &Decided, lang: Lang) -> String {
    let es = lang == Lang::Es;
    if !decided.refused.is_empty() {
        let no = if es { "no" } else { "refused" };
        return format!("{no} ({}).", decided.refused.join(", "));
    }
    let (yes, left_out, rules) = match es {
        true => ("sí", "se dejó fuera", "por sus reglas"),
        false => ("allowed", "left out", "by her rules"),
    };
    let mut text = format!("{yes} ({})", decided.policies.join(", "));
    let names: Vec<&str> = decided
        .left_out()
        .into_iter()
        .map(|c: Category| c.name(lang))
        .collect();
    if !names.is_empty() {
        text.push_str(&format!("; {left_out}: {}", names.join(", ")));
    }
    if !decided.rules.is_empty() {
        text.push_str(&format!("; {rules}: {}", decided.rules.join(", ")));
    }
    text + "."
}

/// What is missing to make a decision again.
fn missing(gap: &Gap, lang: Lang) -> String {
    match (gap, lang) {
        (Gap::NotAsked, Lang::Es) => "No se puede repetir: el acto no guarda una pregunta a las reglas. No la hubo (una entrada, una palabra nueva), se rechazó antes de preguntar, o lo guardó un programa que aún no la recordaba.".to_owned(),
        (Gap::NotAsked, Lang::En) => "It cannot be made again: the act keeps no question to the rules. There was none (a sign-in, a new word), it was turned away before, or a program kept it that did not remember yet.".to_owned(),
        (Gap::Pact(version), Lang::Es) => format!("No se puede repetir: la versión {version} del pacto no está guardada aquí."),
        (Gap::Pact(version), Lang::En) => format!("It cannot be made again: version {version} of the pact is not kept here."),
        (Gap::Word(version), Lang::Es) => format!("No se puede repetir: la palabra {version} de la persona ya no está guardada aquí."),
        (Gap::Word(version), Lang::En) => format!("It cannot be made again: the person's word {version} is not kept here any more."),
        (Gap::Evidence(id), Lang::Es) => format!("No se puede repetir: la prueba {id} ya no está guardada aquí."),
        (Gap::Evidence(id), Lang::En) => format!("It cannot be made again: the evidence {id} is not kept here any more."),
        (Gap::Unsound(id), Lang::Es) => format!("CUIDADO: la prueba {id}, como está guardada, no valdría: no la firmó quien debía, o era de otro momento o de otra institución."),
        (Gap::Unsound(id), Lang::En) => format!("WARNING: the evidence {id}, as it is kept, would not count: who should have signed it did not, or it is of another moment or institution."),
    }
}

/// What a simulation found, for people.
fn told(found: &Simulated, lang: Lang) -> Vec<String> {
    let changed: u64 = found.changes.iter().map(|one| one.count).sum();
    let (decisions, changed) = (out::count(found.decisions), out::count(changed));
    let mut said = vec![match lang {
        Lang::Es => {
            format!("Decisiones repetidas con este pacto: {decisions}; cambiarían: {changed}.")
        }
        Lang::En => {
            format!("Decisions made again under this pact: {decisions}; would change: {changed}.")
        }
    }];
    said.extend(found.changes.iter().map(|one| change(one, lang)));
    if found.not_asked + found.not_kept > 0 {
        let (asked, kept) = (out::count(found.not_asked), out::count(found.not_kept));
        said.push(match lang {
            Lang::Es => format!("No se repitieron: {asked} actos sin pregunta a las reglas, {kept} cuyas pruebas o palabra ya no están aquí."),
            Lang::En => format!("Not made again: {asked} acts without a question to the rules, {kept} whose evidence or word is not here any more."),
        });
    }
    said
}

fn change(one: &Changes, lang: Lang) -> String {
    let how = match (one.how, lang) {
        (How::Refused, Lang::Es) => "se negarían",
        (How::Refused, Lang::En) => "would be refused",
        (How::Allowed, Lang::Es) => "se permitirían",
        (How::Allowed, Lang::En) => "would be allowed",
        (How::Less, Lang::Es) => "verían menos",
        (How::Less, Lang::En) => "would see less",
        (How::More, Lang::Es) => "verían más",
        (How::More, Lang::En) => "would see more",
        (How::Silent, Lang::Es) => "dejarían de decir que puede faltar algo",
        (How::Silent, Lang::En) => "would no longer say that something may be left out",
        (How::Told, Lang::Es) => "dirían que puede faltar algo",
        (How::Told, Lang::En) => "would say that something may be left out",
        (How::Other, Lang::Es) => "verían otra cosa",
        (How::Other, Lang::En) => "would see something else",
    };
    let acts = match one.examples.is_empty() {
        true => String::new(),
        false => format!("  ({})", one.examples.join(", ")),
    };
    format!(
        "  {:<8} {:<20} {:>10} {how}{acts}",
        one.purpose.code(),
        one.member.0,
        out::count(one.count)
    )
}
