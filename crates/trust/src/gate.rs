//! Decisions, and everything that touches the archive.
//!
//! One [`Gate`] a node. It holds the archive's [`Seal`] and gives it to nobody, so what it decides is all that can be
//! touched. Its parts: who somebody is (`accounts`), why she may ask (`evidence`, `codes`, `stay`, `referral`), what the person wants
//! (`words`, `statements`, `current`), the decision itself (`judge`, pure; `decide`, with what the house knows), whether it is a pattern of care
//! (`pattern`, `noticed`) or guessing (`sought`), why it came out so (`replay`, `why`), who is who as it was decided (`links`, `linked`, told above by `register`), touching under a grant (`touch`), the log (`acts`), and an operator's upkeep (`upkeep`, `erasure`). Every
//! row it keeps is named in `rows`.

mod accounts;
mod acts;
mod apart;
mod codes;
mod current;
mod decide;
mod erasure;
mod evidence;
mod factor;
mod glass;
mod judge;
mod limit;
mod linkage;
mod linked;
mod links;
mod noticed;
mod order;
mod pace;
mod pattern;
mod person;
mod question;
mod referral;
mod refusal;
mod register;
mod replay;
mod represent;
mod request;
mod rooms;
mod rows;
mod sample;
mod settled;
mod simulate;
mod sought;
mod speak;
mod statements;
mod stay;
mod tag;
#[cfg(test)]
mod tests;
mod touch;
mod tries;
mod upkeep;
mod uses;
mod why;
mod wish;
mod witness;
mod words;

pub(crate) use accounts::PAGE_MADE;
pub use accounts::{Document, NewAccount, NewDelegate, NewLicence, NewPage, SignedIn};
pub use codes::PatientCode;
pub use erasure::Erasure;
pub use factor::Enrolment;
pub use glass::News;
pub use limit::{Ground, Limit, Signer, Telling};
pub use linkage::{Met, Mine};
pub use noticed::Unusual;
pub use question::{Acting, Question, Said};
pub(crate) use question::{SCOPES, letters, verbs};
pub use refusal::{Refusal, RefusalKind};
pub use register::{Registered, Registrar};
pub use replay::{Decided, Explained, Gap};
pub(crate) use represent::{ENDED, MADE, NAMED, UNMADE};
pub use represent::{Guardianship, NewRepresentative};
pub use request::{Grant, Grounds, Lang, PersonRef, Purpose, Request, What};
pub use rooms::Row;
pub use settled::{Resemblance, SETTLED_OUT, Settled, Stage, Together};
pub use simulate::{Changes, How, Simulated};
pub use speak::Spoken;
pub(crate) use speak::{SPOKE, SPOKEN};
pub use tag::Tag;
pub use upkeep::Checked;
pub use why::{Again, Why};
pub(crate) use wish::{ASKED, WISHED};
pub use words::Previewed;

use crate::act::{ActKind, Doer, hex};
use crate::{Categories, Category, Member, MemberId, MemberKind, Pact, pact, policy::Rulebook};
use jiff::Timestamp;
use ledger::{SigningKey, VerifierKey};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use store::{Seal, Store, engine::Engine};

/// How a gate is opened.
pub struct Config {
    /// Who this node is.
    pub member: MemberId,
    /// Its Ed25519 seed.
    pub key: [u8; 32],
    /// The network's secret for tags.
    pub network_secret: [u8; 32],
    /// The signed pact in force, as text.
    pub pact: String,
    /// When it is opened.
    pub now: Timestamp,
    /// How to open the archive.
    pub store: store::Options,
}

impl std::fmt::Debug for Config {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Config({}, secrets withheld)", self.member)
    }
}

/// The gate of one node. Cheap to clone. Calls block on the archive.
#[derive(Clone)]
pub struct Gate {
    house: Arc<House>,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Gate({})", self.house.member)
    }
}

struct House {
    member: MemberId,
    key: SigningKey,
    secret: [u8; 32],
    store: Store,
    seal: Seal,
    pact: RwLock<Arc<InForce>>,
    accounts: accounts::Accounts,
    codes: codes::Guesses,
    factors: codes::Guesses,
    sampler: Mutex<sample::Sampler>,
    words: words::Words,
    people: person::People,
    evidence: evidence::AtHand,
    sound: Mutex<evidence::Sound>,
    verdicts: Mutex<decide::Verdicts>,
    patterns: pattern::Patterns,
    sought: sought::Sought,
    all_said: current::AllSaid,
    links: links::Links,
    registrar: std::sync::OnceLock<Registrar>,
    /// One person is erased at a time.
    erasing: Mutex<()>,
}

/// A pact with what is derived from it once.
struct InForce {
    pact: Arc<Pact>,
    signed: String,
    rulebook: Rulebook,
    keys: HashMap<MemberId, VerifierKey>,
}

/// What a signature over a message between nodes is for, so that it can be worth nothing elsewhere.
const MESSAGE: &str = "tejido/message/v1";

impl Gate {
    /// Opens the archive in `dir` behind this gate. When the archive already knows a newer pact than the
    /// configuration's, that one stays in force; an older one gives way if the new one follows it.
    ///
    /// Refused when the pact is not good, the key is not the member's, the archive cannot be opened, or the pact in force goes
    /// by other tables of categories than this program. Erasures that were cut off go on before it returns.
    pub fn open(dir: &std::path::Path, config: Config) -> Result<Gate, Refusal> {
        Gate::with(config, |options, rules, witness| {
            Store::open(dir, options, rules, witness)
        })
    }

    /// The same over any engine. What is to be opened again needs a keyring's folder in the archive's options.
    pub fn over(engine: Arc<dyn Engine>, config: Config) -> Result<Gate, Refusal> {
        Gate::with(config, |options, rules, witness| {
            Store::over(engine, options, rules, witness)
        })
    }

    fn with(
        config: Config,
        open: impl FnOnce(
            store::Options,
            Box<dyn store::Rules>,
            Box<dyn store::Witness>,
        ) -> store::Result<(Store, Seal)>,
    ) -> Result<Gate, Refusal> {
        let given = InForce::open(&config.pact)?;
        let opened = config.now;
        let key = given.own_key(&config.member, config.key)?;
        let log = witness::Leaves(ledger::Log::new(key.clone()));
        let about = witness::About {
            secret: config.network_secret,
            given: given.pact.clone(),
        };
        let (store, seal) = open(config.store, Box::new(about), Box::new(log))
            .map_err(|error| Refusal::closed(&error))?;
        let gate = Gate {
            house: Arc::new(House {
                member: config.member,
                key,
                secret: config.network_secret,
                pact: RwLock::new(Arc::new(given)),
                accounts: accounts::Accounts::default(),
                codes: codes::Guesses::default(),
                factors: codes::Guesses::default(),
                sampler: Mutex::default(),
                words: words::Words::default(),
                people: person::People::default(),
                evidence: evidence::AtHand::default(),
                sound: Mutex::default(),
                verdicts: Mutex::default(),
                patterns: pattern::Patterns::default(),
                sought: sought::Sought::default(),
                all_said: current::AllSaid::default(),
                links: links::Links::default(),
                registrar: std::sync::OnceLock::new(),
                erasing: Mutex::default(),
                store,
                seal,
            }),
        };
        gate.settle_pact(opened)?;
        gate.load_links()?;
        gate.load_words()?;
        gate.load_all_said()?;
        gate.load_tries()?;
        gate.resume_erasures()?;
        Ok(gate)
    }

    /// Decides between the configuration's pact, now in force, and the one the archive kept. A new archive takes what
    /// the operator gives it; a first version must have all its founders' signatures.
    fn settle_pact(&self, now: Timestamp) -> Result<(), Refusal> {
        let given = self.in_force();
        let Some(kept) = self.house.store.get(&self.house.seal, rows::PACT)? else {
            if given.pact.version == 1 {
                Pact::founding(&given.signed).map_err(|e| Refusal::forged(&e.to_string()))?;
            }
            return self.put_pact(InForce::open(&given.signed)?, None, now);
        };
        let kept = InForce::open(&String::from_utf8_lossy(&kept))?;
        let (ours, theirs) = (kept.pact.version, given.pact.version);
        if ours > theirs || (ours == theirs && kept.pact == given.pact) {
            if !self.is_own_key_in(&kept) {
                return Err(another_key(ours));
            }
            *self
                .house
                .pact
                .write()
                .unwrap_or_else(PoisonError::into_inner) = Arc::new(kept);
            return Ok(());
        }
        kept.pact
            .accept(&given.signed)
            .map_err(|e| Refusal::forged(&e.to_string()))?;
        let deed = self.new_pact(theirs);
        self.put_pact(InForce::open(&given.signed)?, Some(deed), now)
    }

    /// The act of a new version. With it the log has a head of the present key, whatever key signed the one before.
    fn new_pact(&self, version: u64) -> acts::Deed<'static> {
        let house = Doer::house(&self.house.member);
        acts::Deed {
            what: What::Interaction(format!("pact {version}")),
            ..acts::Deed::by(ActKind::Pact, house, Purpose::Operations)
        }
    }

    fn is_own_key_in(&self, pact: &InForce) -> bool {
        pact.keys.get(&self.house.member) == Some(self.house.key.verifier())
    }

    fn put_pact(
        &self,
        pact: InForce,
        deed: Option<acts::Deed<'_>>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let signed = Some(pact.signed.clone().into_bytes());
        let changes = vec![
            (rows::PACT.to_vec(), signed.clone()),
            (rows::pact_at(pact.pact.version), signed),
        ];
        self.keep(changes, Vec::new(), deed, now)?;
        *self
            .house
            .pact
            .write()
            .unwrap_or_else(PoisonError::into_inner) = Arc::new(pact);
        Ok(())
    }

    fn in_force(&self) -> Arc<InForce> {
        self.house
            .pact
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// The member this node is.
    pub fn member(&self) -> MemberId {
        self.house.member.clone()
    }
    /// The pact in force.
    pub fn pact(&self) -> Arc<Pact> {
        self.in_force().pact.clone()
    }
    /// Its signed text.
    pub fn signed_pact(&self) -> String {
        self.in_force().signed.clone()
    }
    /// Takes a newer pact if it follows ours, a threshold of ours signed it, and it names this program's tables of categories.
    /// The one in force already: nothing changes.
    pub fn adopt(&self, signed: &str, now: Timestamp) -> Result<(), Refusal> {
        let ours = self.in_force();
        if ours.signed == signed {
            return Ok(());
        }
        ours.pact
            .accept(signed)
            .map_err(|e| Refusal::new(RefusalKind::Forged, vec![e.to_string()]))?;
        let next = InForce::open(signed)?;
        if !self.is_own_key_in(&next) {
            return Err(another_key(next.pact.version));
        }
        if let Some(why) = pact::other_tables(&next.pact) {
            tracing::error!(why = %why.en, "a new version of the pact is not taken");
            return Err(Refusal::bad(
                format!("No se toma: {}.", why.es),
                format!("It is not taken: {}.", why.en),
            ));
        }
        let deed = self.new_pact(next.pact.version);
        self.put_pact(next, Some(deed), now)
    }
    /// The tag of a CURP (upper-cased, trimmed).
    pub fn tag(&self, curp: &str) -> Tag {
        Tag::of_curp(&self.house.secret, curp)
    }
    /// Signs bytes with the node's key, for messages between nodes; `verify` checks a member's.
    pub fn sign(&self, bytes: &[u8]) -> Vec<u8> {
        self.house.key.sign_bytes(MESSAGE, bytes).bytes.to_vec()
    }
    /// Whether a member of the pact signed these bytes.
    pub fn verify(&self, member: &MemberId, bytes: &[u8], signature: &[u8]) -> bool {
        self.in_force().verifies(member, MESSAGE, bytes, signature)
    }
    /// The archive, for calls that take the grant's permit.
    pub fn store(&self) -> &Store {
        &self.house.store
    }
    /// Categories left out as sentences' input.
    pub fn categories_of(&self, labels: Categories) -> Vec<Category> {
        Category::of(labels)
    }
}

impl InForce {
    fn open(signed: &str) -> Result<InForce, Refusal> {
        let (pact, _) = Pact::open(signed).map_err(|e| Refusal::forged(&e.to_string()))?;
        InForce::of(pact, signed.to_owned())
    }
    /// What is derived from a pact once, whoever signed it.
    fn of(pact: Pact, signed: String) -> Result<InForce, Refusal> {
        let rulebook = Rulebook::parse(&pact.policies).map_err(|e| Refusal::forged(&e))?;
        let key = |m: &Member| Some((m.id.clone(), m.key.parse().ok()?));
        Ok(InForce {
            keys: pact.members.iter().filter_map(key).collect(),
            rulebook,
            signed,
            pact: Arc::new(pact),
        })
    }
    fn own_key(&self, member: &MemberId, seed: [u8; 32]) -> Result<SigningKey, Refusal> {
        let wrong = || {
            Refusal::bad(
                format!("El pacto no nombra a {member} con esta clave."),
                format!("The pact does not name {member} with this key."),
            )
        };
        let listed = self.keys.get(member).ok_or_else(wrong)?;
        let key = SigningKey::from_seed(listed.name(), seed).map_err(|_| wrong())?;
        (key.verifier() == listed).then_some(key).ok_or_else(wrong)
    }
    fn verifies(&self, member: &MemberId, context: &str, bytes: &[u8], signature: &[u8]) -> bool {
        let (Some(key), Ok(bytes_of)) = (self.keys.get(member), signature.try_into()) else {
            return false;
        };
        let signature = ledger::note::Signature {
            key: key.id(),
            bytes: bytes_of,
        };
        key.verify_bytes(context, bytes, &signature)
    }
    fn kind(&self, member: &MemberId) -> Option<MemberKind> {
        Some(self.pact.member(member)?.kind)
    }
}

/// The pact in force names another key for this node than the one it was started with.
fn another_key(version: u64) -> Refusal {
    Refusal::bad(
        format!(
            "El pacto, versión {version}, nombra otra llave para este nodo: arráncalo con esa."
        ),
        format!(
            "Version {version} of the pact names another key for this node: start it with that one."
        ),
    )
}

/// A lock whose holder may have panicked: what it guards is a cache or a counter, never half of a truth.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Random bytes.
fn random<const N: usize>() -> Result<[u8; N], Refusal> {
    Ok(store::random()?)
}

fn from_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    if text.len() != 2 * N || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, digits) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
        let digits = std::str::from_utf8(digits).ok()?;
        *byte = u8::from_str_radix(digits, 16).ok()?;
    }
    Some(bytes)
}
