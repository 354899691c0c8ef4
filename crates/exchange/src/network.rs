//! The network as this node sees it.

use crate::answer;
use crate::client::{Client, Exchanged, Failure};
use crate::message::{AboutAct, Ask, FindAsk, FindWho, RedeemAsk, ReferralAsk, path, read_answer};
use crate::server::{self, Server, refusal};
use crate::tls::Own;
use crate::{Candidate, LogPart, Outcome, Part, Wanted};
use jiff::Timestamp;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use trust::{
    ActView, Actor, Evidence, Gate, Member, MemberId, Opinion, PersonRef, Refusal, RefusalKind,
    Request, SignedWord, Tag,
};

/// What a node needs to join the network.
pub struct Setup {
    /// Its gate.
    pub gate: Gate,
    /// Its Ed25519 seed, root of its own TLS certificates.
    pub key: [u8; 32],
}

/// The network as this node sees it. Cheap to clone.
#[derive(Clone)]
pub struct Network {
    pub(crate) gate: Gate,
    own: Own,
    client: Client,
}

impl Network {
    /// Prepares keys, certificates and connections; nothing is sent yet. Fails when the key is not that of the pact's
    /// member.
    pub fn new(setup: Setup) -> Result<Network, String> {
        let today = Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC).date();
        let own = Own::issue(&setup.gate.member(), &setup.key, today).map_err(|e| e.to_string())?;
        let client = Client::new(setup.gate.clone(), own.clone());
        Ok(Network {
            gate: setup.gate,
            own,
            client,
        })
    }

    /// Serves other nodes on this socket until the future `stop` completes. Also carries what waits in the outbox.
    pub async fn serve(
        self,
        listener: tokio::net::TcpListener,
        stop: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), String> {
        let postman = tokio::spawn(self.clone().carry_for_ever());
        let served = Server::new(self.gate, self.own).serve(listener, stop).await;
        postman.abort();
        served
    }

    /// Asks every member (this node first, without a network) for the person's record, in parallel, each with the
    /// pact's deadline. Refused when the gate at home refuses: who may not look at home does not ask elsewhere. Every
    /// member that keeps records is there, this node first, then in the order of the pact.
    pub async fn gather(&self, request: Request, now: Timestamp) -> Result<Vec<Part>, Refusal> {
        let started = Instant::now();
        let tag = self.tag(&request)?;
        let home = {
            let request = request.clone();
            self.blocking(move |gate| answer::own_record(&gate, request, now))
                .await?
        };
        let took_ms = millis(started);
        let word = self.blocking(move |gate| Ok(gate.word(tag))).await?;
        let ask = self.ask(&request, tag, now, word).await?;
        let body = json(&ask)?;
        let answers = self
            .everyone(path::ASK, &body, |body| read_answer(body).ok())
            .await;
        let mut parts = vec![self.part(&self.gate.member(), Outcome::Answered(home), took_ms)];
        for (member, outcome, took_ms) in answers {
            let outcome = match outcome {
                Ok((head, answer)) => {
                    if let Some(word) = head.word {
                        self.listen(word, &member, now).await;
                    }
                    Outcome::Answered(answer)
                }
                Err(failure) => failure.into(),
            };
            parts.push(self.part(&member, outcome, took_ms));
        }
        Ok(parts)
    }

    /// The person's log from every member, this node first.
    pub async fn log(&self, request: Request, now: Timestamp) -> Result<Vec<LogPart>, Refusal> {
        let tag = self.tag(&request)?;
        let home = {
            let request = request.clone();
            self.blocking(move |gate| {
                let grant = gate.decide(request, now)?;
                gate.acts(&grant, None, 1_000, now)
            })
            .await?
        };
        let ask = self.ask(&request, tag, now, None).await?;
        let body = json(&ask)?;
        let read = |body: &[u8]| serde_json::from_slice::<Vec<ActView>>(body).ok();
        let answers = self.everyone(path::LOG, &body, read).await;
        let mut parts = vec![self.log_part(&self.gate.member(), Ok(home))];
        for (member, acts, _) in answers {
            // Whatever a member writes into its answer, it speaks of its own node only.
            let acts = acts.map(|acts| acts.into_iter().filter(|a| a.node == member).collect());
            parts.push(self.log_part(&member, acts));
        }
        Ok(parts)
    }

    /// The receipt of an act at a member, for its person.
    pub async fn receipt(
        &self,
        request: Request,
        member: &MemberId,
        act: &str,
        now: Timestamp,
    ) -> Result<String, Refusal> {
        if *member == self.gate.member() {
            let act = act.to_owned();
            return self
                .blocking(move |gate| {
                    let grant = gate.decide(request, now)?;
                    gate.receipt(&grant, &act, now)
                })
                .await;
        }
        let body = self.about_act(&request, act, None, now).await?;
        let body = self.one(member, path::RECEIPT, body).await?;
        String::from_utf8(body).map_err(|_| forged())
    }

    /// Brings the person's opinion on an act to the node that logged it.
    pub async fn opine(
        &self,
        request: Request,
        member: &MemberId,
        act: &str,
        opinion: Opinion,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        if *member == self.gate.member() {
            let act = act.to_owned();
            return self
                .blocking(move |gate| {
                    let grant = gate.decide(request, now)?;
                    gate.opine(&grant, &act, opinion, now)
                })
                .await;
        }
        let body = self.about_act(&request, act, Some(opinion), now).await?;
        self.one(member, path::OPINE, body).await.map(|_| ())
    }

    /// Looks somebody up: by CURP, or by exact full name and birth date; here and at the members. One candidate a CURP;
    /// members that do not answer are simply not among those who know her.
    pub async fn find(
        &self,
        actor: &Actor,
        who: Wanted,
        now: Timestamp,
    ) -> Result<Vec<Candidate>, Refusal> {
        let curp = if let Wanted::Curp(curp) = &who {
            curp.trim().to_uppercase()
        } else {
            String::new()
        };
        let who = match who {
            Wanted::Curp(curp) => FindWho::Tag(self.gate.tag(&curp)),
            Wanted::Name {
                given,
                family,
                birth_date,
            } => FindWho::Name {
                given,
                family,
                birth_date,
            },
        };
        let home = {
            let (actor, who) = (actor.clone(), who.clone());
            self.blocking(move |gate| answer::find(&gate, &actor, &who, None, now))
                .await?
        };
        let body = json(&FindAsk {
            actor: Actor {
                curp: None,
                ..actor.clone()
            },
            who,
        })?;
        let read = |body: &[u8]| serde_json::from_slice::<Vec<Candidate>>(body).ok();
        let mut all = home;
        for (member, found, _) in self.everyone(path::FIND, &body, read).await {
            let found = found.unwrap_or_default().into_iter();
            all.extend(found.map(|c| Candidate {
                members: vec![member.clone()],
                ..c
            }));
        }
        Ok(same_people(all, &curp))
    }

    /// Turns a code read out by the patient into evidence for this actor, or for whoever she works in the name of, asking the member that showed it.
    pub async fn redeem(
        &self,
        actor: &Actor,
        code: &str,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        let code = code.trim().to_uppercase();
        let named = code
            .rsplitn(3, '-')
            .nth(2)
            .unwrap_or_default()
            .to_lowercase();
        let pact = self.gate.pact();
        let member = pact
            .members
            .iter()
            .map(|m| &m.id)
            .find(|id| id.0 == named)
            .ok_or_else(|| {
                refusal(
                    RefusalKind::Bad,
                    "El código empieza con el nombre de una institución, como IMSS-1234-5678.",
                    "The code starts with an institution's name, as in IMSS-1234-5678.",
                )
            })?;
        let actor_id = actor.evidence_login().to_owned();
        if *member == self.gate.member() {
            let institution = self.gate.member();
            return self
                .blocking(move |gate| gate.redeem(&code, &institution, &actor_id, now))
                .await;
        }
        let body = json(&RedeemAsk {
            code,
            actor: actor_id,
        })?;
        let body = self.one(member, path::REDEEM, body).await?;
        let evidence: Evidence = serde_json::from_slice(&body).map_err(|_| forged())?;
        let accepted = evidence.clone();
        self.blocking(move |gate| gate.accept(accepted, now))
            .await?;
        Ok(evidence)
    }

    /// Asks every member whether it referred a person here, and takes what they give as evidence for this institution. Gives
    /// what holds longest.
    ///
    /// Refused with [`RefusalKind::NoEvidence`] when nobody did; who did not answer is named then.
    pub async fn referred(
        &self,
        actor: &Actor,
        curp: &str,
        now: Timestamp,
    ) -> Result<Evidence, Refusal> {
        let (by, named) = (actor.clone(), curp.to_owned());
        let person = self
            .blocking(move |gate| gate.asks_referral(&by, &named, now))
            .await?;
        let body = json(&ReferralAsk {
            actor: Actor {
                curp: None,
                ..actor.clone()
            },
            person,
        })?;
        let read = |body: &[u8]| serde_json::from_slice::<Option<Evidence>>(body).ok();
        let (mut given, mut silent) = (Vec::new(), Vec::new());
        for (member, answer, _) in self.everyone(path::REFERRAL, &body, read).await {
            match answer {
                // A member speaks of what it wrote itself.
                Ok(found) => given.extend(found.filter(|one| one.issuer == member)),
                Err(_) => silent.push(self.name(&member)),
            }
        }
        let by = actor.clone();
        let taken = self.blocking(move |gate| {
            let mut taken: Option<Evidence> = None;
            for evidence in given {
                match gate.take_referral(&by, person, &evidence, now) {
                    Ok(()) => {
                        taken = taken.into_iter().chain([evidence]).max_by_key(|e| e.until);
                    }
                    // One member's forgery takes nothing from what another gave.
                    Err(refusal) if refusal.kind == RefusalKind::Forged => {
                        tracing::warn!(issuer = %evidence.issuer, "a referral that came was not taken");
                    }
                    Err(refusal) => return Err(refusal),
                }
            }
            Ok(taken)
        });
        taken.await?.ok_or_else(|| not_referred(&silent))
    }

    async fn listen(&self, word: SignedWord, from: &MemberId, now: Timestamp) {
        let from = from.clone();
        if let Err(error) = self
            .blocking(move |gate| gate.hear(&word, &from, now))
            .await
        {
            tracing::warn!(%error, "a word that came with an answer was not taken");
        }
    }

    /// Sends the same message to all other members at once; each has the pact's deadline. Records of the exchanges are kept
    /// before anything is returned.
    pub(crate) async fn everyone<T>(
        &self,
        path: &'static str,
        body: &[u8],
        read: impl Fn(&[u8]) -> Option<T>,
    ) -> Vec<(MemberId, Result<T, Failed>, u64)> {
        let deadline = Duration::from_millis(self.gate.pact().deadline_ms);
        let others = self.others();
        let mut asked = JoinSet::new();
        for (place, member) in others.iter().enumerate() {
            let (client, id, body) = (self.client.clone(), member.id.clone(), body.to_vec());
            asked.spawn(async move {
                let started = Instant::now();
                let answer = tokio::time::timeout(deadline, client.post(&id, path, body)).await;
                let answer = answer.map_or(Err(Failed::Late), |a| a.map_err(Failed::Other));
                (place, answer, millis(started))
            });
        }
        let mut records = Vec::new();
        let mut answers: Vec<Option<(Result<T, Failed>, u64)>> =
            others.iter().map(|_| None).collect();
        while let Some(done) = asked.join_next().await {
            let Ok((place, answer, took)) = done else {
                continue;
            };
            let answer = answer.and_then(|verified| {
                let value = read(&verified.body).ok_or(Failed::Other(Failure::Forged));
                records.push(verified.evidence);
                value
            });
            if let Some(slot) = answers.get_mut(place) {
                *slot = Some((answer, took));
            }
        }
        self.keep(records).await;
        let late = || (Err(Failed::Late), millis(Instant::now()));
        let answered = answers.into_iter().map(|a| a.unwrap_or_else(late));
        others
            .into_iter()
            .zip(answered)
            .map(|(m, (answer, took))| (m.id, answer, took))
            .collect()
    }

    /// Sends a message to one member, within the pact's deadline.
    pub(crate) async fn one(
        &self,
        member: &MemberId,
        path: &'static str,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, Refusal> {
        let deadline = Duration::from_millis(self.gate.pact().deadline_ms);
        self.one_within(member, path, body, deadline).await
    }

    /// Sends a message to one member, within a deadline of its own.
    pub(crate) async fn one_within(
        &self,
        member: &MemberId,
        path: &'static str,
        body: Vec<u8>,
        deadline: Duration,
    ) -> Result<Vec<u8>, Refusal> {
        match tokio::time::timeout(deadline, self.client.post(member, path, body)).await {
            Ok(Ok(verified)) => {
                let body = verified.body.to_vec();
                self.keep(vec![verified.evidence]).await;
                Ok(body)
            }
            Ok(Err(Failure::Refused(refusal))) => Err(refusal),
            Ok(Err(Failure::Forged)) => Err(forged()),
            Ok(Err(Failure::Unreachable(_) | Failure::OtherPact(_))) | Err(_) => {
                let name = self.name(member);
                Err(refusal(
                    RefusalKind::Unavailable,
                    &format!("{name} no contestó; intenta en un momento."),
                    &format!("{name} did not answer; try again in a moment."),
                ))
            }
        }
    }

    async fn keep(&self, records: Vec<Exchanged>) {
        if let Err(error) = self
            .blocking(move |gate| server::keep(&gate, &records))
            .await
        {
            tracing::error!(%error, "the records of an exchange could not be kept");
        }
    }

    async fn ask(
        &self,
        request: &Request,
        tag: Tag,
        now: Timestamp,
        word: Option<SignedWord>,
    ) -> Result<Ask, Refusal> {
        let actor = request.actor.clone();
        let mut evidence = self
            .blocking(move |gate| Ok(gate.evidence(&actor, tag, now)))
            .await?;
        evidence.extend(request.evidence.iter().cloned());
        // Of an emergency only those hear who are asked in it.
        evidence.retain(|piece| piece.kind.serves(request.purpose));
        Ok(Ask::of(request, tag, evidence, word))
    }

    async fn about_act(
        &self,
        request: &Request,
        act: &str,
        opinion: Option<Opinion>,
        now: Timestamp,
    ) -> Result<Vec<u8>, Refusal> {
        let tag = self.tag(request)?;
        let ask = self.ask(request, tag, now, None).await?;
        json(&AboutAct {
            ask,
            act: act.to_owned(),
            opinion,
        })
    }

    /// The tag of the person a request is about; only people with a CURP can be asked about elsewhere.
    fn tag(&self, request: &Request) -> Result<Tag, Refusal> {
        match &request.person {
            PersonRef::Curp(curp) => Ok(self.gate.tag(curp)),
            PersonRef::Tag(tag) => Ok(*tag),
            _ => Err(refusal(
                RefusalKind::Bad,
                "Para preguntar a otras instituciones hace falta la CURP.",
                "Asking other institutions needs the CURP.",
            )),
        }
    }

    /// The other members that keep records.
    pub(crate) fn others(&self) -> Vec<Member> {
        let own = self.gate.member();
        let pact = self.gate.pact();
        pact.keepers().filter(|m| m.id != own).cloned().collect()
    }

    fn name(&self, member: &MemberId) -> String {
        self.gate
            .pact()
            .member(member)
            .map_or_else(|| member.0.clone(), |m| m.name.clone())
    }

    fn part(&self, member: &MemberId, outcome: Outcome, took_ms: u64) -> Part {
        Part {
            member: member.clone(),
            name: self.name(member),
            outcome,
            took_ms,
        }
    }

    fn log_part(&self, member: &MemberId, acts: Result<Vec<ActView>, Failed>) -> LogPart {
        LogPart {
            member: member.clone(),
            name: self.name(member),
            acts: acts.map_err(Outcome::from),
        }
    }

    pub(crate) async fn blocking<T: Send + 'static>(
        &self,
        work: impl FnOnce(Gate) -> Result<T, Refusal> + Send + 'static,
    ) -> Result<T, Refusal> {
        let gate = self.gate.clone();
        tokio::task::spawn_blocking(move || work(gate))
            .await
            .unwrap_or_else(|_| {
                Err(refusal(
                    RefusalKind::Unavailable,
                    "El nodo falló; intenta de nuevo.",
                    "The node failed; try again.",
                ))
            })
    }
}

/// A member that gave nothing that counts.
pub(crate) enum Failed {
    Late,
    Other(Failure),
}

impl From<Failed> for Outcome {
    fn from(failed: Failed) -> Outcome {
        match failed {
            Failed::Late => Outcome::Late,
            Failed::Other(Failure::Refused(refusal)) => Outcome::Refused(refusal),
            Failed::Other(Failure::Unreachable(why)) => Outcome::Unreachable(why),
            Failed::Other(Failure::Forged) => Outcome::Forged,
            Failed::Other(Failure::OtherPact(version)) => Outcome::OtherPact(version),
        }
    }
}

/// Joins candidates of one CURP; those without one stay apart. Somebody asked for by CURP whom nobody knows is still a
/// candidate without a name: she may be received for the first time.
fn same_people(found: Vec<Candidate>, asked: &str) -> Vec<Candidate> {
    let mut people: Vec<Candidate> = Vec::new();
    for mut one in found {
        if !asked.is_empty() {
            one.curp = asked.to_owned();
        }
        match people
            .iter_mut()
            .find(|p| !one.curp.is_empty() && p.curp == one.curp)
        {
            Some(known) => {
                known.members.extend(
                    one.members
                        .into_iter()
                        .filter(|m| !known.members.contains(m))
                        .collect::<Vec<_>>(),
                );
            }
            None => people.push(one),
        }
    }
    people
}

fn json<T: serde::Serialize>(value: &T) -> Result<Vec<u8>, Refusal> {
    serde_json::to_vec(value).map_err(|_| {
        refusal(
            RefusalKind::Bad,
            "El mensaje no se pudo escribir.",
            "The message could not be written.",
        )
    })
}

/// Nobody referred her here, as far as members answered.
fn not_referred(silent: &[String]) -> Refusal {
    let es = "Ninguna institución que contestó tiene una referencia vigente para la tuya.";
    let en = "No institution that answered has a referral to yours that is in force.";
    let names = silent.join(", ");
    match silent {
        [] => refusal(RefusalKind::NoEvidence, es, en),
        _ => refusal(
            RefusalKind::NoEvidence,
            &format!("{es} No contestaron: {names}."),
            &format!("{en} These did not answer: {names}."),
        ),
    }
}

fn forged() -> Refusal {
    refusal(
        RefusalKind::Forged,
        "La respuesta no está firmada como pide el pacto y se desechó.",
        "The answer is not signed as the pact says and was thrown away.",
    )
}

fn millis(since: Instant) -> u64 {
    u64::try_from(since.elapsed().as_millis()).unwrap_or(u64::MAX)
}
