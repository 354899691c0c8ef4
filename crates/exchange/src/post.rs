//! What is carried to other members until it arrives: a person's word, the verdict on an emergency, and what was said of people
//! who are alike.
//!
//! Each waits in a durable outbox, one row a member: should this node die, it is carried after its restart.

use crate::message::path;
use crate::network::Network;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use trust::{MemberId, RefusalKind, SignedWord, glass, word};

/// How often the outboxes are looked at.
const OFTEN: Duration = Duration::from_secs(15);
/// What waits and is tried at one look.
const BATCH: usize = 200;
/// How long a word may be under way to the outbox: between the moment at which it is said and its commit.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(1);

impl Network {
    /// Carries a person's new word to every member at once. It is in the outbox since it was said ([`Gate::say`](trust::Gate::say)
    /// and what else says one put it there in the commit of the word), and stays there for members that are not reached.
    /// Says which have it.
    pub async fn spread(&self, word: SignedWord, now: Timestamp) -> Vec<(MemberId, bool)> {
        let Ok(body) = serde_json::to_vec(&word) else {
            return Vec::new();
        };
        let mut told = Vec::new();
        for (member, heard, _) in self.everyone(path::WORD, &body, |_| Some(())).await {
            let arrived = heard.is_ok();
            if arrived {
                let key = [member.0.as_bytes(), b" ", &word.word.person.0].concat();
                self.carried(word::OUTBOX, key, body.clone(), now).await;
            }
            told.push((member, arrived));
        }
        told
    }

    /// Carries the words that wait (the gate puts them into the outbox when they are said). Gives the members for whom
    /// something may wait still.
    pub async fn carry_words(&self) -> HashSet<MemberId> {
        self.carry(word::OUTBOX, path::WORD).await
    }

    /// Carries the verdicts that wait (the gate puts them into the outbox when they are said).
    pub async fn carry_verdicts(&self) {
        self.carry(glass::OUTBOX, path::VERDICT).await;
    }

    /// Carries what was said here of people who resemble somebody elsewhere (the gate puts it into the outbox).
    pub async fn carry_settled(&self) {
        self.carry(trust::SETTLED_OUT, path::LINKAGE_SAID).await;
    }

    /// Carries what waits, again and again, and says when nothing does.
    pub(crate) async fn carry_for_ever(self) {
        let mut told = HashMap::new();
        loop {
            tokio::time::sleep(OFTEN).await;
            let asked = Timestamp::now();
            let waiting = self.carry_words().await;
            self.all_said(asked, &waiting, &mut told).await;
            self.carry_verdicts().await;
            self.carry_settled().await;
        }
    }

    /// Tells members for whom nothing waits that they have all that was said here until a moment ago, four times in the
    /// bound that the pact sets.
    async fn all_said(
        &self,
        asked: Timestamp,
        waiting: &HashSet<MemberId>,
        told: &mut HashMap<MemberId, Timestamp>,
    ) {
        let Some(minutes) = self.gate.pact().word_minutes else {
            return;
        };
        let quarter = SignedDuration::from_mins(i64::try_from(minutes).unwrap_or(0)) / 4;
        // A word bears a moment from a little before it is in the outbox.
        let until = asked.checked_sub(UNDER_WAY).unwrap_or(asked);
        let Ok(body) = serde_json::to_vec(&until) else {
            return;
        };
        for member in self.others().into_iter().map(|member| member.id) {
            let due = told
                .get(&member)
                .is_none_or(|last| asked.duration_since(*last) >= quarter);
            if due
                && !waiting.contains(&member)
                && self.one(&member, path::SAID, body.clone()).await.is_ok()
            {
                told.insert(member, asked);
            }
        }
    }

    /// Tries once what waits in an outbox, whose keys begin with the member and a space. Gives the members for whom something
    /// may wait still: all, when not everything was looked at.
    async fn carry(&self, room: &'static str, path: &'static str) -> HashSet<MemberId> {
        let all = || self.others().into_iter().map(|m| m.id).collect();
        let (mut waiting, mut silent) = (HashSet::new(), HashSet::new());
        let Ok(rows) = self.blocking(move |gate| gate.rows(room, BATCH)).await else {
            return all();
        };
        let more = rows.len() == BATCH;
        for (key, body) in rows {
            let Some(member) = key
                .split(|b| *b == b' ')
                .next()
                .and_then(|m| std::str::from_utf8(m).ok())
            else {
                continue;
            };
            let member = MemberId(member.to_owned());
            // Whoever was not heard a moment ago is not waited for again; what one message was refused for is its own.
            if silent.contains(&member) {
                continue;
            }
            let known = self.gate.pact().member(&member).is_some();
            if known && let Err(refusal) = self.one(&member, path, body.clone()).await {
                if refusal.kind == RefusalKind::Unavailable {
                    silent.insert(member.clone());
                }
                waiting.insert(member);
                continue;
            }
            self.carried(room, key, body, Timestamp::now()).await;
        }
        if more { all() } else { waiting }
    }

    /// What was carried waits no longer.
    async fn carried(&self, room: &'static str, key: Vec<u8>, body: Vec<u8>, now: Timestamp) {
        let cleared = self
            .blocking(move |gate| gate.carried(room, &key, &body, now))
            .await;
        if let Err(error) = cleared {
            tracing::warn!(%error, "an outbox could not be cleared; what it held will be carried again");
        }
    }
}
