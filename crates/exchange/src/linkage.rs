//! Comparing registers with another member, by tokens that name nobody (`identity::keyed`): the run in messages of at most
//! [`identity::keyed::PIECE`] points, each answered in a second or two of one core.
//!
//! | message | body → answer |
//! |---|---|
//! | `offer` | [`Offer`] → [`Accept`]: the answerer has read its register, counted the run and told its people of it |
//! | `piece` | a line with the number of the piece, then the asker's points → the same multiplied by both |
//! | `own` | the number of a piece → the answerer's points |
//! | `told` | [`Told`] → nothing: at the last one the answerer has kept who met |
//! | `said` | [`trust::Settled`] → nothing: what somebody said of a pair afterwards; from a durable outbox |
//!
//! The answerer holds its own sheet and never the asker's. A run that is cut off, by a restart or by [`IDLE`], is gone and has
//! been counted: it is asked for again under the pact's number of runs. What is multiplied takes half of the cores, so that
//! whoever is served meanwhile is served.

use crate::answer::{json, nonsense, read};
use crate::message::path;
use crate::network::Network;
use crate::server::refusal;
use identity::keyed::{Accept, Answering, Asking, Limits, Met, Offer, Part, Refused, Told};
use identity::{Registration, registration_of};
use jiff::Timestamp;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, PoisonError};
use std::time::{Duration, Instant};
use trust::{Gate, Linkage, MemberId, Mine, Refusal, RefusalKind};

/// Runs that are answered at once: each holds a sheet.
const MOST: usize = 2;
/// A run in which nothing was said for so long is over.
const IDLE: Duration = Duration::from_secs(15 * 60);
/// How long the other member may take for one message; it reads its whole register for the offer.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// What came of comparing registers with another member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Compared {
    /// People here.
    pub here: u64,
    /// People there.
    pub there: u64,
    /// People here who resemble somebody there.
    pub met: u64,
    /// Those of them whom the two do not find by one CURP already: they wait on the list of who looks after the register.
    pub wait: u64,
}

impl Network {
    /// Compares this node's register with another member's, for as long as that takes: about a third of a millisecond of a core
    /// for each token, of which a person has some fifty to a hundred.
    ///
    /// Refused where the pact has no terms for it, or its runs are used up, here or there; and when the other stops.
    pub async fn compare_registers(&self, with: &MemberId) -> Result<Compared, Refusal> {
        let other = with.clone();
        let (terms, people, registrations) = self
            .blocking(move |gate| {
                let now = Timestamp::now();
                let terms = gate.may_compare(&other, now)?;
                let (people, registrations) = people(&gate, &other, now)?;
                Ok((terms, people, registrations))
            })
            .await?;
        let parts = parts(&terms)?;
        let names = [self.gate.member().0, with.0.clone()];
        let names = [names[0].as_str(), names[1].as_str()];
        let (asking, offer) = Asking::start(names, registrations, &parts, &random()?);
        let accept: Accept = read(&self.say(with, path::LINKAGE_OFFER, json(&offer)?).await?)?;
        let (other, there) = (with.clone(), accept.people);
        let (people, mut asked) = self
            .blocking(move |gate| {
                // Counted, and told to everybody, before the first token leaves.
                gate.begin_linkage(&other, &people, Timestamp::now())?;
                let limits = Limits {
                    people: terms.people,
                    parts: &parts,
                };
                let asked = gently(|| asking.agreed(&accept, &limits)).map_err(stopped)?;
                Ok((people, asked))
            })
            .await?;
        for n in 0..asked.pieces() {
            let (again, piece) = self
                .blocking(move |_| {
                    let piece = gently(|| asked.piece(n)).map_err(stopped)?;
                    Ok((asked, piece))
                })
                .await?;
            asked = again;
            let body = numbered(n, &piece)?;
            let back = self.say(with, path::LINKAGE_PIECE, body).await?;
            asked.take_back(&back).map_err(stopped)?;
        }
        for n in 0..asked.their_pieces() {
            let piece = self.say(with, path::LINKAGE_OWN, json(&n)?).await?;
            asked = self
                .blocking(move |_| {
                    gently(|| asked.take_theirs(&piece)).map_err(stopped)?;
                    Ok(asked)
                })
                .await?;
        }
        let other = with.clone();
        let (compared, told) = self
            .blocking(move |gate| {
                let (met, told) = gently(|| asked.compare()).map_err(stopped)?;
                let met = in_words(&met);
                let compared = Compared {
                    here: people.len() as u64,
                    there,
                    met: met.len() as u64,
                    wait: gate.end_linkage(&other, &people, &met, Timestamp::now())?,
                };
                Ok((compared, told))
            })
            .await?;
        for message in &told {
            self.say(with, path::LINKAGE_TOLD, json(message)?).await?;
        }
        Ok(compared)
    }

    async fn say(
        &self,
        to: &MemberId,
        path: &'static str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Refusal> {
        self.one_within(to, path, body, PATIENCE).await
    }
}

/// The runs that other members began.
#[derive(Default)]
pub(crate) struct Runs(Mutex<HashMap<MemberId, Arc<Mutex<Run>>>>);

struct Run {
    answering: Answering,
    people: Vec<Mine>,
    last: Instant,
}

impl Runs {
    /// Answers one message of a run. Blocks.
    pub(crate) fn answer(
        &self,
        gate: &Gate,
        from: &MemberId,
        path: &str,
        body: &[u8],
    ) -> Result<Vec<u8>, Refusal> {
        if path == path::LINKAGE_OFFER {
            return json(&self.offer(gate, from, &read(body)?)?);
        }
        let run = self.lock().get(from).cloned().ok_or_else(|| {
            refusal(
                RefusalKind::Bad,
                "No hay una comparación de registros en curso con esta institución.",
                "No comparison of registers is under way with this member.",
            )
        })?;
        let mut run = run.lock().unwrap_or_else(PoisonError::into_inner);
        let answered = run.answer(gate, from, path, body);
        run.last = Instant::now();
        if !matches!(answered, Ok((_, false))) {
            self.lock().remove(from);
        }
        answered.map(|(body, _)| body)
    }

    fn offer(&self, gate: &Gate, from: &MemberId, offer: &Offer) -> Result<Accept, Refusal> {
        let now = Timestamp::now();
        let terms = gate.may_compare(from, now)?;
        let parts = parts(&terms)?;
        let limits = Limits {
            people: terms.people,
            parts: &parts,
        };
        // What is not agreed costs no look at the register.
        offer.check(&limits).map_err(stopped)?;
        self.make_room(from)?;
        let (people, registrations) = people(gate, from, now)?;
        let names = [from.0.clone(), gate.member().0];
        let names = [names[0].as_str(), names[1].as_str()];
        let random = random()?;
        let start = || Answering::start(names, offer, &limits, registrations, &random);
        let (answering, accept) = gently(start).map_err(stopped)?;
        gate.begin_linkage(from, &people, Timestamp::now())?;
        let run = Run {
            answering,
            people,
            last: Instant::now(),
        };
        self.lock().insert(from.clone(), Arc::new(Mutex::new(run)));
        Ok(accept)
    }

    /// Lets go of runs that are over.
    pub(crate) fn sweep(&self) {
        // One that is at work is not idle.
        let idle = |run: &Mutex<Run>| run.try_lock().is_ok_and(|run| run.last.elapsed() > IDLE);
        self.lock().retain(|_, run| !idle(run));
    }

    /// Lets go of an earlier run of this member, and refuses where there are too many others.
    fn make_room(&self, from: &MemberId) -> Result<(), Refusal> {
        self.sweep();
        let mut runs = self.lock();
        runs.remove(from);
        if runs.len() >= MOST {
            return Err(refusal(
                RefusalKind::Unavailable,
                "Este nodo ya compara su registro con otras instituciones; intenta más tarde.",
                "This node is comparing its register with other members already; try again later.",
            ));
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<MemberId, Arc<Mutex<Run>>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Run {
    /// The answer to a message, and whether the run has ended with it.
    fn answer(
        &mut self,
        gate: &Gate,
        from: &MemberId,
        path: &str,
        body: &[u8],
    ) -> Result<(Vec<u8>, bool), Refusal> {
        let answering = &mut self.answering;
        let body = match path {
            path::LINKAGE_PIECE => {
                let (n, points) = number_of(body)?;
                gently(|| answering.twice(n, points)).map_err(stopped)?
            }
            path::LINKAGE_OWN => {
                let n: usize = read(body)?;
                gently(|| answering.own(n)).map_err(stopped)?
            }
            _ => {
                let told: Told = read(body)?;
                let Some(met) = answering.hear(&told).map_err(stopped)? else {
                    return Ok((Vec::new(), false));
                };
                gate.end_linkage(from, &self.people, &in_words(&met), Timestamp::now())?;
                return Ok((Vec::new(), true));
            }
        };
        Ok((body, false))
    }
}

/// The people to compare, and what their registrations say, beside each other; the archive's form of it is let go.
fn people(
    gate: &Gate,
    other: &MemberId,
    now: Timestamp,
) -> Result<(Vec<Mine>, Vec<Vec<Registration>>), Refusal> {
    let mut people = gate.people_to_compare(other, now)?;
    let registrations = people.iter_mut().map(|one| {
        let patients = std::mem::take(&mut one.patients);
        patients.iter().map(registration_of).collect()
    });
    let registrations = registrations.collect();
    Ok((people, registrations))
}

/// What the pact lets be compared.
fn parts(terms: &Linkage) -> Result<Vec<Part>, Refusal> {
    let known = terms.parts.iter().map(|code| {
        Part::from_code(code).ok_or_else(|| {
            refusal(
                RefusalKind::Bad,
                &format!("Este nodo no conoce la parte «{code}» que nombra el pacto: actualízalo."),
                &format!(
                    "This node does not know the part \"{code}\" that the pact names: update it."
                ),
            )
        })
    });
    known.collect()
}

fn in_words(met: &[Met]) -> Vec<trust::Met> {
    let one = |met: &Met| trust::Met {
        person: met.person as usize,
        probability: met.probability,
        agreed: met
            .agreed
            .iter()
            .map(|part| part.code().to_owned())
            .collect(),
        handle: met.handle,
    };
    met.iter().map(one).collect()
}

/// A number on a line of its own, then points.
fn numbered(n: usize, points: &[u8]) -> Result<Vec<u8>, Refusal> {
    let mut body = json(&n)?;
    body.push(b'\n');
    body.extend_from_slice(points);
    Ok(body)
}

fn number_of(body: &[u8]) -> Result<(usize, &[u8]), Refusal> {
    let line = body
        .iter()
        .position(|byte| *byte == b'\n')
        .ok_or_else(nonsense)?;
    let (n, points) = body.split_at(line);
    Ok((read(n)?, points.get(1..).unwrap_or_default()))
}

fn stopped(why: Refused) -> Refusal {
    Refusal {
        because: vec![why.to_string()],
        ..refusal(
            RefusalKind::Bad,
            "La comparación de registros se detuvo: una de las dos partes no siguió lo acordado.",
            &format!("The comparison of registers stopped: {why}."),
        )
    }
}

/// Does work that takes all the cores that it finds on half of them.
fn gently<T: Send>(work: impl FnOnce() -> T + Send) -> T {
    static POOL: LazyLock<Option<ThreadPool>> = LazyLock::new(|| {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let pool = ThreadPoolBuilder::new().num_threads((cores / 2).max(1));
        pool.thread_name(|_| "linkage".to_owned()).build().ok()
    });
    match POOL.as_ref() {
        Some(pool) => pool.install(work),
        None => work(),
    }
}

fn random() -> Result<[u8; 32], Refusal> {
    let mut bytes = [0; 32];
    aws_lc_rs::rand::fill(&mut bytes).map_err(|_| {
        refusal(
            RefusalKind::Unavailable,
            "El sistema no dio números al azar.",
            "The operating system gave no randomness.",
        )
    })?;
    Ok(bytes)
}

#[cfg(test)]
mod tests;
