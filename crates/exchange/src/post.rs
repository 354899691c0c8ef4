//! What is carried to other members until it arrives: a person's word, the verdict on an emergency, and what was said of people
//! who are alike.
//!
//! Each waits in a durable outbox, one row a member: should this node die, it is carried after its restart.

use crate::message::path;
use crate::network::Network;
use jiff::{SignedDuration, Timestamp};
use std::collections::{HashMap, HashSet};
use std::time::Duration;
use trust::{MemberId, RefusalKind, SignedWord, Tag, glass};

/// How often the outboxes are looked at.
const OFTEN: Duration = Duration::from_secs(15);
/// What waits and is tried at one look.
const BATCH: usize = 200;
const WORDS: &str = "words-out";
/// How long a word may be under way to the outbox.
const UNDER_WAY: SignedDuration = SignedDuration::from_mins(1);

impl Network {
    /// Carries a person's new word to every member; what does not arrive waits in a durable outbox and is tried again.
    /// Says which members have it.
    pub async fn spread(&self, word: SignedWord, now: Timestamp) -> Vec<(MemberId, bool)> {
        let Ok(body) = serde_json::to_vec(&word) else {
            return Vec::new();
        };
        // Into the outbox first: should this node die now, the word is carried after its restart.
        let waiting: Vec<MemberId> = self.others().into_iter().map(|m| m.id).collect();
        for member in &waiting {
            self.outbox(member, word.word.person, Some(body.clone()), now)
                .await;
        }
        let mut told = Vec::new();
        for (member, heard, _) in self.everyone(path::WORD, &body, |_| Some(())).await {
            let arrived = heard.is_ok();
            if arrived {
                self.outbox(&member, word.word.person, None, now).await;
            }
            told.push((member, arrived));
        }
        told
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
            let waiting = self.carry(WORDS, path::WORD).await;
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
        // A word is in force a moment before it is in the outbox.
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
            if known && let Err(refusal) = self.one(&member, path, body).await {
                if refusal.kind == RefusalKind::Unavailable {
                    silent.insert(member.clone());
                }
                waiting.insert(member);
                continue;
            }
            let cleared = self
                .blocking(move |gate| gate.keep_row(room, &key, None, Timestamp::now()))
                .await;
            if let Err(error) = cleared {
                tracing::warn!(%error, "an outbox could not be cleared; what it held will be carried again");
            }
        }
        if more { all() } else { waiting }
    }

    /// One waiting word a member and person: a newer one takes the place of an older.
    async fn outbox(&self, member: &MemberId, person: Tag, body: Option<Vec<u8>>, now: Timestamp) {
        let mut key = format!("{member} ").into_bytes();
        key.extend_from_slice(&person.0);
        let kept = self
            .blocking(move |gate| gate.keep_row(WORDS, &key, body.as_deref(), now))
            .await;
        if let Err(error) = kept {
            tracing::error!(%error, "the outbox could not be written");
        }
    }
}
