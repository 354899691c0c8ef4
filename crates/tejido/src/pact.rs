//! Making and signing a pact: `tejido pact`. What a pact is, and when it is in force, is `trust::pact`'s business.

use crate::init::names;
use crate::{Error, files, keys, out};
use clap::{Args, Subcommand};
use std::path::{Path, PathBuf};
use trust::{
    Agreed, Care, Category, Emergency, FormerKey, Lang, Member, Orders, Pact, Purpose, Seals,
};

/// What can be done with a pact.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the first version for some members, and the network's secret; each member then signs it.
    Found(Found),
    /// Add a member's signature.
    Sign {
        /// The pact; a file that nobody signed yet does too.
        #[arg(long, default_value = names::PACT)]
        pact: PathBuf,
        /// The member's private key.
        #[arg(long, default_value = names::KEY)]
        key: PathBuf,
    },
    /// Write the next version of a pact, signed by you; a threshold of the members must sign it too.
    Propose(Propose),
    /// Say in words what a pact agrees on, who signed it, and who has not.
    Show {
        /// The pact.
        #[arg(default_value = names::PACT)]
        pact: PathBuf,
        /// Language: es or en.
        #[arg(long, default_value = "en")]
        lang: crate::cli::Language,
    },
    /// Say in words what changes from one pact to another.
    Diff {
        /// The one in force.
        old: PathBuf,
        /// The one proposed.
        new: PathBuf,
        /// Language: es or en.
        #[arg(long, default_value = "en")]
        lang: crate::cli::Language,
    },
    /// Check that a proposed pact may follow the one in force (exit code 1 if not).
    Check {
        /// The one in force; leave it out for a founding pact.
        #[arg(long)]
        after: Option<PathBuf>,
        /// The pact to check.
        #[arg(default_value = names::PACT)]
        pact: PathBuf,
    },
    /// Make a new key for this member, and its entry with it; both are used when a next pact names the key.
    Rekey {
        /// The key until now, whose name the new one takes.
        #[arg(long, default_value = names::KEY)]
        key: PathBuf,
        /// The member's entry.
        #[arg(long, default_value = names::MEMBER)]
        member: PathBuf,
    },
    /// Say which of the decisions that a node remembers another pact would change.
    Simulate(crate::replay::Simulate),
    /// Say by which tables of categories this program goes, as a pact names them.
    Tables,
}

/// What a pact says beside who is in it. What is not given stays as it is, or as it usually is.
#[derive(Debug, Args)]
pub struct Terms {
    /// Milliseconds a member has to answer.
    #[arg(long)]
    deadline_ms: Option<u64>,
    /// Minutes that a check-in is good for.
    #[arg(long)]
    check_in_minutes: Option<u64>,
    /// Minutes that an appointment is good for after its hour.
    #[arg(long)]
    appointment_minutes: Option<u64>,
    /// Minutes that a patient's code is good for.
    #[arg(long)]
    code_minutes: Option<u64>,
    /// Minutes for which a person's rules are taken as hers when the member where she said them cannot be heard; 0: until newer
    /// ones arrive.
    #[arg(long)]
    word_minutes: Option<u64>,
    /// A purpose and the kinds of evidence of which it needs one: TREAT=check-in,patient-code; PURPOSE= needs none. May be
    /// given several times; the others stay.
    #[arg(long, value_name = "PURPOSE=EVIDENCE", value_parser = agreed)]
    purpose: Vec<Agreed>,
    /// A purpose that nothing is opened for any more.
    #[arg(long, value_name = "PURPOSE", value_parser = crate::account::word::<Purpose>)]
    no_purpose: Vec<Purpose>,
    /// Hours that a record stays open in an emergency.
    #[arg(long)]
    emergency_hours: Option<u64>,
    /// Days within which an emergency is reviewed.
    #[arg(long)]
    review_days: Option<u64>,
    /// No emergency opens anything.
    #[arg(long, conflicts_with_all = ["emergency_hours", "review_days"])]
    no_emergency: bool,
    /// Hours that a released order of the state opens what it names.
    #[arg(long)]
    order_hours: Option<u64>,
    /// Days at most until the person is told of an order.
    #[arg(long)]
    notice_days: Option<u64>,
    /// No order of the state opens anything.
    #[arg(long, conflicts_with_all = ["order_hours", "notice_days"])]
    no_orders: bool,
    /// Days that an admission is evidence, if she is not discharged before; it is said anew while she stays.
    #[arg(long)]
    admission_days: Option<u64>,
    /// Days, from when it was written, that a referral is evidence for the institution that it goes to.
    #[arg(long)]
    referral_days: Option<u64>,
    /// Neither an admission nor a referral is evidence; no purpose may name them then.
    #[arg(long, conflicts_with_all = ["admission_days", "referral_days"])]
    no_care: bool,
    /// Two members may compare their registers of people: so many runs at most,
    #[arg(long)]
    linkage_runs: Option<u64>,
    /// in so many days,
    #[arg(long)]
    linkage_days: Option<u64>,
    /// of so many people each at most,
    #[arg(long)]
    linkage_people: Option<u64>,
    /// by these parts: given,first,second,year,day,postcode,locality,street,birth-place,phone,curp,number,mother,trait.
    #[arg(long, value_delimiter = ',')]
    linkage_parts: Vec<String>,
    /// No two members compare their registers.
    #[arg(long, conflicts_with_all = ["linkage_runs", "linkage_days", "linkage_people", "linkage_parts"])]
    no_linkage: bool,
    /// The editions of the tables of categories by which members may go, and no others; `tejido pact tables` says a
    /// program's own, for which `own` stands.
    #[arg(long, value_delimiter = ',', value_parser = edition)]
    seals_tables: Vec<String>,
    /// One more edition.
    #[arg(long, value_delimiter = ',', value_parser = edition)]
    seals_add_tables: Vec<String>,
    /// The topics that a person may close, beside all kinds of data: mental-health,reproductive,hiv,addictions,violence,genetics;
    /// `none` for none.
    #[arg(long, value_delimiter = ',', value_parser = topic)]
    seals_topics: Vec<Several>,
    /// The categories of which no hint is ever given; `none` for none.
    #[arg(long, value_delimiter = ',', value_parser = category)]
    seals_silent: Vec<Several>,
    /// Whether a seal that does not insist spares for care what could save a life.
    #[arg(long, value_name = "true|false")]
    seals_emergency: Option<bool>,
    /// The pact says nothing of tables, categories and hints.
    #[arg(long, conflicts_with_all = ["seals_tables", "seals_add_tables", "seals_topics", "seals_silent", "seals_emergency"])]
    no_seals: bool,
    /// Cedar policies.
    #[arg(long)]
    policies: Option<PathBuf>,
}

/// A founding.
#[derive(Debug, Args)]
pub struct Found {
    /// Name of the network, as people say it.
    #[arg(long)]
    network: String,
    /// How many members must sign a change: more than half.
    #[arg(long)]
    threshold: usize,
    #[command(flatten)]
    terms: Terms,
    /// The members' entries, as `tejido init` wrote them.
    #[arg(required = true)]
    members: Vec<PathBuf>,
    /// Where the pact goes.
    #[arg(long, default_value = names::PACT)]
    out: PathBuf,
    /// Where the network's secret goes; give it to every member by a safe way, never with the pact.
    #[arg(long, default_value = names::NETWORK_SECRET)]
    secret: PathBuf,
}

/// A proposal.
#[derive(Debug, Args)]
pub struct Propose {
    /// The pact in force.
    #[arg(long, default_value = names::PACT)]
    from: PathBuf,
    /// A member that joins, or whose entry changes: its member.toml.
    #[arg(long)]
    add: Vec<PathBuf>,
    /// A member that leaves, by its short name.
    #[arg(long)]
    remove: Vec<String>,
    /// Another threshold.
    #[arg(long)]
    threshold: Option<usize>,
    #[command(flatten)]
    terms: Terms,
    /// A member changes its key: what it signed with the one until now counts up to this time, as in
    /// 2026-12-01T00:00:00Z. Choose a time at which the new pact will be in force.
    #[arg(long, value_name = "TIME")]
    old_key_until: Option<jiff::Timestamp>,
    /// A member changes its key because somebody else has it: nothing that it ever signed counts.
    #[arg(long, conflicts_with = "old_key_until")]
    old_key_lost: bool,
    /// Your private key.
    #[arg(long, default_value = names::KEY)]
    key: PathBuf,
    /// Where the proposal goes.
    #[arg(long)]
    out: PathBuf,
}

/// A first version with the usual numbers and policies.
pub fn founding(network: &str, threshold: usize, members: Vec<Member>) -> Pact {
    Pact {
        network: network.to_owned(),
        version: 1,
        previous: String::new(),
        threshold,
        deadline_ms: 3_000,
        check_in_minutes: 12 * 60,
        appointment_minutes: 4 * 60,
        code_minutes: 10,
        word_minutes: Some(24 * 60),
        members,
        policies: trust::policy::DEFAULT.to_owned(),
        purposes: trust::pact::usual(),
        emergency: Some(trust::Emergency::USUAL),
        orders: Some(trust::Orders::USUAL),
        care: Some(trust::Care::USUAL),
        linkage: None,
        seals: Some(Seals::usual()),
        never: trust::pact::NEVER.to_vec(),
    }
}

/// A pact signed by all these keys.
///
/// # Errors
/// When the pact breaks its bounds, or there is no key.
pub fn signed(pact: &Pact, keys: &[ledger::SigningKey]) -> Result<String, Error> {
    let (first, others) = keys
        .split_first()
        .ok_or_else(|| Error::say("a pact needs a signature"))?;
    let text = trust::pact::sign(pact, first)?;
    let add = |text: String, key| Ok(trust::pact::add_signature(&text, key)?);
    others.iter().try_fold(text, add)
}

/// Does one of the commands.
///
/// # Errors
/// As the command's own work has them.
pub fn run(command: Command) -> Result<(), Error> {
    match command {
        Command::Found(how) => found(how),
        Command::Sign { pact, key } => sign(&pact, &key),
        Command::Propose(how) => propose(how),
        Command::Show { pact, lang } => show(&pact, lang.into()),
        Command::Diff { old, new, lang } => {
            let ((old, _), (new, _)) = (open(&old)?, open(&new)?);
            for change in trust::pact::diff(&old, &new) {
                out::line(change.text(lang.into()));
            }
            Ok(())
        }
        Command::Rekey { key, member } => rekey(&key, &member),
        Command::Simulate(how) => crate::replay::simulate(how),
        Command::Tables => {
            out::line(trust::category::edition());
            Ok(())
        }
        Command::Check { after, pact } => check(after.as_deref(), &pact),
    }
}

fn found(how: Found) -> Result<(), Error> {
    let members = how
        .members
        .iter()
        .map(|path| member(path))
        .collect::<Result<_, _>>()?;
    let mut pact = founding(&how.network, how.threshold, members);
    how.terms.put(&mut pact)?;
    // An unsigned text first: whoever founds a network need not be a member.
    Pact::draft(&pact.text())?;
    files::write_private(
        &how.secret,
        format!("{}\n", keys::hex(&keys::random()?)).as_bytes(),
    )?;
    files::write_public(&how.out, pact.text().as_bytes())?;
    out::line(format!(
        "{} holds version 1, not signed by anyone yet.",
        how.out.display()
    ));
    out::line("Each member reads it and signs: tejido pact sign --pact PACT --key node.key");
    out::line(format!(
        "{} is secret: hand it to every member in person or encrypted, not with the pact.",
        how.secret.display()
    ));
    Ok(())
}

fn propose(how: Propose) -> Result<(), Error> {
    let (old, _) = open(&how.from)?;
    let mut next = Pact {
        version: old.version + 1,
        previous: old.hash(),
        ..old.clone()
    };
    for id in &how.remove {
        let before = next.members.len();
        next.members.retain(|member| member.id.0 != *id);
        if next.members.len() == before {
            return Err(Error::say(format!("no member is called \"{id}\"")));
        }
    }
    for path in &how.add {
        let mut new = member(path)?;
        match next.members.iter_mut().find(|member| member.id == new.id) {
            Some(there) => {
                new.former = former(there, &new, &how)?;
                *there = new;
            }
            None => next.members.push(new),
        }
    }
    if let Some(threshold) = how.threshold {
        next.threshold = threshold;
    }
    how.terms.put(&mut next)?;
    let (key, _) = keys::read(&how.key)?;
    files::write_public(&how.out, trust::pact::sign(&next, &key)?.as_bytes())?;
    for change in trust::pact::diff(&old, &next) {
        out::line(change.text(Lang::En));
    }
    out::line(format!(
        "{} is version {}; {} of the {} members of version {} must sign it, and whoever joins.",
        how.out.display(),
        next.version,
        old.threshold,
        old.members.len(),
        old.version
    ));
    Ok(())
}

impl Terms {
    fn put(&self, pact: &mut Pact) -> Result<(), Error> {
        let numbers = [
            (self.deadline_ms, &mut pact.deadline_ms),
            (self.check_in_minutes, &mut pact.check_in_minutes),
            (self.appointment_minutes, &mut pact.appointment_minutes),
            (self.code_minutes, &mut pact.code_minutes),
        ];
        for (given, number) in numbers {
            *number = given.unwrap_or(*number);
        }
        if let Some(minutes) = self.word_minutes {
            pact.word_minutes = (minutes > 0).then_some(minutes);
        }
        let named = |agreed: &Agreed| self.no_purpose.contains(&agreed.purpose);
        pact.purposes.retain(|agreed| !named(agreed));
        for new in &self.purpose {
            let mut purposes = pact.purposes.iter_mut();
            match purposes.find(|agreed| agreed.purpose == new.purpose) {
                Some(there) => there.clone_from(new),
                None => pact.purposes.push(new.clone()),
            }
        }
        if self.no_emergency {
            pact.emergency = None;
        }
        if self.emergency_hours.is_some() || self.review_days.is_some() {
            let terms = pact.emergency.unwrap_or(Emergency::USUAL);
            pact.emergency = Some(Emergency {
                hours: self.emergency_hours.unwrap_or(terms.hours),
                review_days: self.review_days.unwrap_or(terms.review_days),
            });
        }
        if self.no_orders {
            pact.orders = None;
        }
        if self.order_hours.is_some() || self.notice_days.is_some() {
            let terms = pact.orders.unwrap_or(Orders::USUAL);
            pact.orders = Some(Orders {
                hours: self.order_hours.unwrap_or(terms.hours),
                notice_days: self.notice_days.unwrap_or(terms.notice_days),
            });
        }
        if self.no_care {
            pact.care = None;
        }
        if self.admission_days.is_some() || self.referral_days.is_some() {
            let terms = pact.care.unwrap_or(Care::USUAL);
            pact.care = Some(Care {
                admission_days: self.admission_days.unwrap_or(terms.admission_days),
                referral_days: self.referral_days.unwrap_or(terms.referral_days),
            });
        }
        self.put_linkage(pact);
        self.put_seals(pact);
        if let Some(path) = &self.policies {
            pact.policies = files::read_text(path)?;
        }
        Ok(())
    }
}

impl Terms {
    fn put_linkage(&self, pact: &mut Pact) {
        if self.no_linkage {
            pact.linkage = None;
        }
        let numbers = [self.linkage_runs, self.linkage_days, self.linkage_people];
        if numbers.iter().all(Option::is_none) && self.linkage_parts.is_empty() {
            return;
        }
        let terms = pact.linkage.take().unwrap_or_else(trust::Linkage::usual);
        pact.linkage = Some(trust::Linkage {
            runs: self.linkage_runs.unwrap_or(terms.runs),
            days: self.linkage_days.unwrap_or(terms.days),
            people: self.linkage_people.unwrap_or(terms.people),
            parts: match self.linkage_parts.is_empty() {
                true => terms.parts,
                false => self.linkage_parts.clone(),
            },
        });
    }
}

impl Terms {
    fn put_seals(&self, pact: &mut Pact) {
        if self.no_seals {
            pact.seals = None;
        }
        let says = !self.seals_tables.is_empty()
            || !self.seals_add_tables.is_empty()
            || !self.seals_topics.is_empty()
            || !self.seals_silent.is_empty()
            || self.seals_emergency.is_some();
        if !says {
            return;
        }
        let mut terms = pact.seals.take().unwrap_or_else(Seals::usual);
        if !self.seals_tables.is_empty() {
            terms.tables.clone_from(&self.seals_tables);
        }
        for one in &self.seals_add_tables {
            if !terms.tables.contains(one) {
                terms.tables.push(one.clone());
            }
        }
        if let Some(topics) = named(&self.seals_topics) {
            terms.categories.retain(|one| !one.is_topic());
            terms.categories.extend(topics);
        }
        if let Some(silent) = named(&self.seals_silent) {
            terms.silent = silent;
        }
        terms.emergency = self.seals_emergency.unwrap_or(terms.emergency);
        pact.seals = Some(terms);
    }
}

/// A category of a list, or that there is none.
type Several = Option<Category>;

/// What a list names; nothing when it is not given.
fn named(list: &[Several]) -> Option<Vec<Category>> {
    (!list.is_empty()).then(|| list.iter().flatten().copied().collect())
}

fn category(code: &str) -> Result<Several, String> {
    if code == "none" {
        return Ok(None);
    }
    Category::from_code(code).map(Some).ok_or_else(|| {
        let codes = Category::ALL.map(Category::code).join(", ");
        format!("a category is none or one of {codes}")
    })
}

fn topic(code: &str) -> Result<Several, String> {
    match category(code)? {
        Some(kind) if !kind.is_topic() => Err(format!(
            "{code} is a kind of data, and those can always be closed; name topics"
        )),
        topic => Ok(topic),
    }
}

/// An edition of the tables, or this program's own.
fn edition(text: &str) -> Result<String, String> {
    let own = trust::category::edition();
    let digits = |b: u8| matches!(b, b'0'..=b'9' | b'a'..=b'f');
    match text {
        "own" => Ok(own.to_owned()),
        text if text.len() == 64 && text.bytes().all(digits) => Ok(text.to_owned()),
        _ => Err(format!(
            "an edition is 64 small hexadecimal digits, or own for {own}"
        )),
    }
}

/// `TREAT=check-in,patient-code`.
fn agreed(text: &str) -> Result<Agreed, String> {
    let (purpose, evidence) = text
        .split_once('=')
        .ok_or("write it as TREAT=check-in,appointment,patient-code; TREAT= needs no evidence")?;
    let kinds = evidence.split(',').filter(|kind| !kind.is_empty());
    Ok(Agreed {
        purpose: crate::account::word(purpose)?,
        evidence: kinds.map(crate::account::word).collect::<Result<_, _>>()?,
    })
}

/// The keys that a member whose entry changes had before: which of what they signed counts must be said.
fn former(old: &Member, new: &Member, how: &Propose) -> Result<Vec<FormerKey>, Error> {
    let mut former = old.former.clone();
    if old.key == new.key {
        return Ok(former);
    }
    match (how.old_key_until, how.old_key_lost) {
        (Some(until), _) => former.push(FormerKey {
            key: old.key.clone(),
            until,
        }),
        (None, true) => {}
        (None, false) => {
            return Err(Error::say(format!(
                "{} changes its key: say until when what it signed with the old one counts (--old-key-until TIME), or that somebody else has it and nothing counts (--old-key-lost)",
                old.id
            )));
        }
    }
    Ok(former)
}

/// A key of the same name, since a log keeps its name, and the member's entry with it.
fn rekey(key: &Path, entry: &Path) -> Result<(), Error> {
    let (old, _) = keys::read(key)?;
    let mut member = member(entry)?;
    if member.key != old.verifier().to_string() {
        return Err(Error::say(format!(
            "{} is not the entry of {}",
            entry.display(),
            key.display()
        )));
    }
    let new = keys::generate(old.verifier().name())?;
    member.key = new.verifier().to_string();
    let beside = |path: &Path| {
        let mut name = path.as_os_str().to_owned();
        name.push(".new");
        PathBuf::from(name)
    };
    let (new_key, new_entry) = (beside(key), beside(entry));
    files::write_private(
        &new_key,
        format!("{}\n", new.to_skey()?.expose()).as_bytes(),
    )?;
    files::write_public(&new_entry, crate::init::entry(&member)?.as_bytes())?;
    out::line(format!(
        "{} is secret. Propose a pact with {} (--add, and --old-key-until), let the others sign it, sign it with both of your keys, and put the new key in the place of the old one when that pact is in force.",
        new_key.display(),
        new_entry.display()
    ));
    Ok(())
}

fn sign(path: &Path, key: &Path) -> Result<(), Error> {
    let (key, _) = keys::read(key)?;
    let text = files::read_text(path)?;
    let signed = match Pact::draft(&text)? {
        (pact, _) if pact.text() == text => trust::pact::sign(&pact, &key)?,
        _ => trust::pact::add_signature(&text, &key)?,
    };
    let (pact, signers) = Pact::draft(&signed)?;
    let own = key.verifier().to_string();
    if !pact.members.iter().any(|member| member.key == own) {
        // Who leaves, or changes its key, signs with the key of the version before.
        out::remark(
            "Note: no member of this version has this key; the signature counts only if you are one of the version before.",
        );
    }
    if let Some(terms) = &pact.seals
        && !terms
            .tables
            .iter()
            .any(|one| one == trust::category::edition())
    {
        out::remark(format!(
            "Note: this version goes by other tables of categories than this program ({}); a node with this program will not take it.",
            trust::category::edition()
        ));
    }
    replace(path, &signed)?;
    let ids: Vec<&str> = signers.iter().map(|id| id.0.as_str()).collect();
    out::line(format!(
        "{} is signed by: {}",
        path.display(),
        ids.join(", ")
    ));
    Ok(())
}

/// Beside first, then in its place: a pact is never half a file.
fn replace(path: &Path, text: &str) -> Result<(), Error> {
    let beside = path.with_extension("new");
    std::fs::write(&beside, text).map_err(|e| Error::io(&beside, e))?;
    std::fs::rename(&beside, path).map_err(|e| Error::io(path, e))
}

fn show(path: &Path, lang: Lang) -> Result<(), Error> {
    let (pact, signers) = open(path)?;
    for sentence in trust::pact::describe(&pact) {
        out::line(sentence.text(lang));
    }
    let (signed, missing): (Vec<_>, Vec<_>) = pact
        .members
        .iter()
        .map(|member| member.id.clone())
        .partition(|id| signers.contains(id));
    let list = |ids: Vec<trust::MemberId>| match ids.is_empty() {
        true => "-".to_owned(),
        false => ids
            .iter()
            .map(|id| id.0.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    };
    let (has, lacks) = match lang {
        Lang::Es => ("Firmaron", "No han firmado"),
        Lang::En => ("Signed by", "Not signed by"),
    };
    out::line(format!("{has}: {}", list(signed)));
    out::line(format!("{lacks}: {}", list(missing)));
    out::line(format!("SHA-256: {}", pact.hash()));
    Ok(())
}

fn check(after: Option<&Path>, path: &Path) -> Result<(), Error> {
    let text = files::read_text(path)?;
    let pact = match after {
        None => Pact::founding(&text)?,
        Some(old) => open(old)?.0.accept(&text)?,
    };
    out::line(format!(
        "{} may be in force: {}, version {}",
        path.display(),
        pact.network,
        pact.version
    ));
    Ok(())
}

/// Reads a pact, signed or not yet.
pub(crate) fn open(path: &Path) -> Result<(Pact, Vec<trust::MemberId>), Error> {
    let named = |error| Error::say(format!("{}: {error}", path.display()));
    Pact::draft(&files::read_text(path)?).map_err(named)
}

fn member(path: &Path) -> Result<Member, Error> {
    let wrong = |error: toml::de::Error| {
        Error::say(format!(
            "{}: {}; it must be a member.toml that `tejido init` made",
            path.display(),
            error.to_string().trim_end()
        ))
    };
    toml::from_str(&files::read_text(path)?).map_err(wrong)
}
