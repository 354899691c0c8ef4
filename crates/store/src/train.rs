//! Dictionaries for values, trained in the background from what is stored.
//!
//! In: word that a kind of value was packed often. Out: if it helps, a new dictionary, stored and taken into use for the
//! values that follow. Old dictionaries stay, and old values with them.
//!
//! A dictionary outlives the values it was made from, so it must hold nothing of one person's own: before training, every
//! word that is found with fewer than [`PEOPLE`] different people is replaced by random letters and digits of the same
//! form. What is left is what many have in common: codes, systems, names of elements, common words.
//!
//! Cost: one thread that sleeps; for each training work that is not measured, and some megabytes meanwhile.

use crate::{
    Error, Result,
    card::write_part,
    engine::{Direction, Engine, Rows, Snapshot},
    fold::Folder,
    keys::{ACT, DICTIONARY, HOUSE, Key, LOG, STAMP, TAIL, Tail, records},
    permit::NO_PERMIT,
    press::{Kind, size_with, train},
    types,
    vault::Vault,
    writer::{Queue, Work},
};
use fhir::ResourceType;
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering::Relaxed},
        mpsc::{Receiver, Sender, channel},
    },
    thread::JoinHandle,
};

/// Values looked at for one dictionary, at most.
const SAMPLES: usize = 1024;
/// Fewer are not worth a dictionary.
const FEWEST: usize = 64;
/// Of a long value only the beginning is looked at.
const LONGEST: usize = 4096;
/// People with whom a word must be found to stay as it is.
const PEOPLE: usize = 4;
/// A new dictionary must make values at least this much smaller, in hundredths.
const GAIN: usize = 4;

/// The thread that trains; ends when it is dropped.
pub(crate) struct Trainer {
    words: Sender<Option<Kind>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl Drop for Trainer {
    fn drop(&mut self) {
        self.stop.store(true, Relaxed);
        let _ = self.words.send(None);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Trainer {
    pub(crate) fn start(
        engine: Arc<dyn Engine>,
        vault: Arc<Vault>,
        queue: Queue,
    ) -> Result<Trainer> {
        let (words, heard) = channel();
        vault.press.tell(words.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let work = Training {
            engine,
            vault,
            queue,
            stop: stop.clone(),
        };
        let thread = std::thread::Builder::new()
            .name("store-trainer".into())
            .spawn(move || {
                crate::give_way();
                work.run(&heard)
            })
            .map_err(|error| Error::Disk(error.to_string()))?;
        Ok(Trainer {
            words,
            stop,
            thread: Some(thread),
        })
    }
}

struct Training {
    engine: Arc<dyn Engine>,
    vault: Arc<Vault>,
    queue: Queue,
    stop: Arc<AtomicBool>,
}

/// A sample, and whose it is: 0 when it is nobody's.
type Sample = (u64, Vec<u8>);

impl Training {
    fn run(&self, words: &Receiver<Option<Kind>>) {
        while let Ok(Some(kind)) = words.recv()
            && !self.stop.load(Relaxed)
        {
            if let Err(error) = self.train(kind) {
                tracing::warn!(kind = kind.0, %error, "no dictionary could be trained");
            }
        }
    }

    fn train(&self, kind: Kind) -> Result<()> {
        let mut samples = {
            let snapshot = self.engine.snapshot()?;
            self.samples(snapshot.as_ref(), kind)?
        };
        if samples.len() < FEWEST {
            return Ok(());
        }
        let mut samples = without_rare_words(&mut samples);
        // Every eighth is kept back to judge by.
        let (mut kept, mut learnt) = (Vec::new(), Vec::new());
        for (at, sample) in samples.drain(..).enumerate() {
            if at % 8 == 7 { &mut kept } else { &mut learnt }.push(sample);
        }
        let (highest, before) = self.vault.press.sizes(kind, &kept);
        let Some(dictionary) = train(&learnt, room(kind, &learnt)) else {
            return Ok(());
        };
        let after = size_with(kind, &kept, &dictionary).unwrap_or(before);
        if after * 100 > before * (100 - GAIN) || self.stop.load(Relaxed) {
            return Ok(());
        }
        self.keep(kind, highest + 1, dictionary)?;
        tracing::info!(kind = kind.0, before, after, "a new dictionary is in use");
        Ok(())
    }

    /// Stores a dictionary, and only then takes it into use.
    fn keep(&self, kind: Kind, number: u32, dictionary: Vec<u8>) -> Result<()> {
        let key = Key::new(HOUSE, DICTIONARY)
            .bytes(&number.to_be_bytes())
            .done();
        let value = [&[kind.0], dictionary.as_slice()].concat();
        let row = self.vault.close_house(&key, &value)?;
        let put = Box::new(move |making: &mut crate::commit::Making<'_>| {
            making.put(key, row);
            Ok(None)
        });
        self.queue
            .ask(NO_PERMIT, Timestamp::UNIX_EPOCH, Work::Own(put))?;
        self.vault.press.learn(kind, number, &dictionary)
    }

    fn samples(&self, snapshot: &dyn Snapshot, kind: Kind) -> Result<Vec<Sample>> {
        match kind {
            Kind::CARDS => {
                let mut samples = Vec::new();
                for of in ResourceType::all() {
                    samples.extend(self.cards(snapshot, of)?);
                }
                // Of each type a share, not the first types alone.
                let step = samples.len().div_ceil(2 * SAMPLES).max(1);
                Ok(samples.into_iter().step_by(step).collect())
            }
            Kind::ACTS => self.acts(snapshot),
            Kind(code) => match types::named(code) {
                Some(of) => self.bodies(snapshot, of),
                None => Ok(Vec::new()),
            },
        }
    }

    /// The newest resources of a type: stamp and tail.
    fn newest(
        snapshot: &dyn Snapshot,
        of: ResourceType,
        most: usize,
    ) -> Result<Vec<(u64, Option<Tail>)>> {
        let (from, to) = Key::new(records(of), STAMP).of(of).range();
        let mut rows = Rows::default();
        snapshot.scan(&from, &to, Direction::Up, most, &mut rows)?;
        let newest = rows.iter().filter_map(|(key, value)| {
            let stamp = !u64::from_be_bytes(*key.last_chunk()?);
            Some((stamp, value.get(..TAIL).and_then(Tail::read)))
        });
        Ok(newest.collect())
    }

    fn bodies(&self, snapshot: &dyn Snapshot, of: ResourceType) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        for (stamp, _) in Training::newest(snapshot, of, SAMPLES)? {
            let stored = crate::store::stored_at(&self.vault, snapshot, of, stamp)?;
            if let Some(stored) = stored
                && let Some(text) = &stored.text
            {
                let own = self.vault.patient(stored.person)?;
                let mut folded = Vec::new();
                Folder::new(&own).fold(text.rest(), &mut folded);
                samples.push((stored.person.0, short(folded)));
            }
        }
        Ok(samples)
    }

    fn cards(&self, snapshot: &dyn Snapshot, of: ResourceType) -> Result<Vec<Sample>> {
        let mut samples = Vec::new();
        for (_, tail) in Training::newest(snapshot, of, SAMPLES / 4)? {
            let Some(tail) = tail else { continue };
            let key = tail.card_key(of);
            let Some(row) = snapshot.get(&key)? else {
                continue;
            };
            if let Some(card) = self.vault.card(&key, &row, Some(&|_| true))? {
                let part = write_part(
                    of,
                    &card.entries,
                    &card.refers,
                    &card.directory,
                    &card.patient,
                );
                samples.push((tail.person.0, short(part.text)));
            }
        }
        Ok(samples)
    }

    fn acts(&self, snapshot: &dyn Snapshot) -> Result<Vec<Sample>> {
        let (from, to) = Key::new(LOG, ACT).range();
        let mut rows = Rows::default();
        snapshot.scan(&from, &to, Direction::Down, SAMPLES, &mut rows)?;
        let mut samples = Vec::new();
        for (at, (key, row)) in rows.iter().enumerate() {
            if let Some(kept) = self.vault.act(key, row)? {
                // Whose it is is not known of all: each act counts as somebody's.
                samples.push((at as u64, short(kept.body)));
            }
        }
        Ok(samples)
    }
}

fn short(mut sample: Vec<u8>) -> Vec<u8> {
    sample.truncate(LONGEST);
    sample
}

/// The size of a dictionary: what the samples can fill, and not more than pays.
fn room(kind: Kind, samples: &[Vec<u8>]) -> usize {
    let most = if kind == Kind::CARDS {
        64 << 10
    } else {
        24 << 10
    };
    let all: usize = samples.iter().map(Vec::len).sum();
    (all / 8).clamp(1024, most)
}

/// The samples, each word that is not found with several people replaced by another one of the same form.
fn without_rare_words(samples: &mut [Sample]) -> Vec<Vec<u8>> {
    // By person, so that a word counts once for each.
    samples.sort_by_key(|(person, _)| *person);
    let mut found: HashMap<&[u8], (u64, usize)> = HashMap::new();
    for (at, (person, sample)) in samples.iter().enumerate() {
        // What is nobody's counts by itself.
        let whose = if *person == 0 {
            u64::MAX - at as u64
        } else {
            *person
        };
        for word in words(sample) {
            let (last, people) = found.entry(word).or_insert((whose, 1));
            if *last != whose {
                (*last, *people) = (whose, *people + 1);
            }
        }
    }
    let mut dice = 0x9e37_79b9_7f4a_7c15u64;
    let replaced = samples.iter().map(|(_, sample)| {
        let mut out = sample.clone();
        let mut at = 0;
        for word in words(sample) {
            let rare = found.get(word).is_none_or(|(_, people)| *people < PEOPLE);
            if let Some(place) = out.get_mut(at..at + word.len()).filter(|_| rare) {
                place
                    .iter_mut()
                    .for_each(|byte| *byte = other(*byte, &mut dice));
            }
            at += word.len();
        }
        out
    });
    replaced.collect()
}

/// A sample cut into words and what stands between them.
fn words(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    let is_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte >= 0x80;
    sample.chunk_by(move |a, b| is_word(a) == is_word(b))
}

/// A random byte of the same form: a digit for a digit, a letter for a letter.
fn other(byte: u8, dice: &mut u64) -> u8 {
    // xorshift64: nothing here is secret.
    *dice ^= *dice << 13;
    *dice ^= *dice >> 7;
    *dice ^= *dice << 17;
    let drawn = |many: u64| (*dice >> 33).checked_rem(many).unwrap_or(0) as u8;
    match byte {
        b'0'..=b'9' => b'0' + drawn(10),
        b'a'..=b'z' => b'a' + drawn(26),
        b'A'..=b'Z' => b'A' + drawn(26),
        0x80.. => b'a' + drawn(26),
        _ => byte,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_few_people_have_does_not_reach_a_dictionary() {
        let sample = |person: u64, text: &str| (person, text.as_bytes().to_vec());
        let mut samples: Vec<Sample> = (1..=6)
            .map(|person| {
                sample(
                    person,
                    &format!(r#"{{"code":"718-7","name":"María {person}Zafarrancho{person}"}}"#),
                )
            })
            .collect();
        // One person as often as one likes is still one person.
        samples.extend((0..9).map(|_| sample(9, r#"{"code":"secret"}"#)));
        let shown = without_rare_words(&mut samples);
        let all = String::from_utf8_lossy(&shown.concat()).into_owned();
        assert_eq!(all.matches(r#""code":"718-7""#).count(), 6);
        assert_eq!(all.matches("María").count(), 6);
        assert!(
            !all.contains("Zafarrancho") && !all.contains("secret"),
            "{all}"
        );
        let lengths: Vec<usize> = shown.iter().map(Vec::len).collect();
        assert!(samples.iter().map(|(_, sample)| sample.len()).eq(lengths));
    }

    struct Plain;

    impl crate::Rules for Plain {
        fn labels(&self, _: ResourceType, _: &fhir::Value) -> crate::Labels {
            crate::Labels(0)
        }
        fn edition(&self) -> [u8; 8] {
            [0; 8]
        }
        fn directory(&self, _: ResourceType, _: &fhir::Value) -> Vec<Vec<u8>> {
            Vec::new()
        }
    }

    impl crate::Witness for Plain {
        fn append(
            &mut self,
            _: &[[u8; 32]],
            _: Timestamp,
            _: &dyn Fn(&[u8]) -> Option<Vec<u8>>,
        ) -> std::result::Result<crate::Witnessed, String> {
            let rows = Vec::new();
            Ok(crate::Witnessed { first: 0, rows })
        }
    }

    #[test]
    fn values_after_a_training_are_smaller_and_those_before_stay_readable() {
        let folder = tempfile::tempdir().unwrap();
        let engine: Arc<dyn Engine> = Arc::new(crate::engine::Memory::default());
        let open = || {
            let options = crate::Options {
                keyring: Some(folder.path().to_owned()),
                ..crate::Options::default()
            };
            crate::Store::over(engine.clone(), options, Box::new(Plain), Box::new(Plain)).unwrap()
        };
        let (store, seal) = open();
        let of = ResourceType::from_name("Observation").unwrap();
        let write = |store: &crate::Store, seal: &crate::Seal, from: u32, to: u32| {
            let changes = (from..to).map(|n| {
                let text = format!(
                    r#"{{"resourceType":"Observation","status":"final","code":{{"coding":[{{"system":"http://loinc.org","code":"718-7","display":"Hemoglobin in blood"}}]}},"subject":{{"reference":"Patient/p{}"}},"valueQuantity":{{"value":{n},"unit":"g/dL","system":"http://unitsofmeasure.org"}}}}"#,
                    n % 9
                );
                crate::Change::Update {
                    of,
                    id: format!("o{n}"),
                    resource: fhir::json::parse(text.as_bytes(), &Default::default()).unwrap(),
                    if_match: None,
                }
            });
            let permit = seal.permit(crate::Terms {
                id: [1; 16],
                scope: crate::Scope::People(Arc::new(|_| crate::LeftOut::default())),
                verbs: crate::Verbs::ALL,
                types: None,
                residual: None,
            });
            let act = |_: &[crate::Written]| crate::ActRecord {
                id: [0; 16],
                body: Vec::new(),
                leaf: [0; 32],
                listed: Vec::new(),
                about: crate::PersonKey(0),
                beside: Vec::new(),
            };
            let now = Timestamp::UNIX_EPOCH;
            store
                .write(&permit, changes.collect(), now, Box::new(act))
                .unwrap();
        };
        let size = |store: &crate::Store, seal: &crate::Seal, n: u32| {
            let head = crate::store::head_of(
                &store.inner.secrets.index,
                store.snapshot().unwrap().as_ref(),
                of,
                &format!("o{n}"),
            );
            let stamp = head.unwrap().unwrap().stamp;
            let key = Key::new(records(of), crate::keys::BODY).long(stamp).done();
            let found = store.look(seal, of, &format!("o{n}")).unwrap().unwrap();
            assert!(found.body.windows(8).any(|part| part == b"in blood"));
            store.snapshot().unwrap().get(&key).unwrap().unwrap().len()
        };
        write(&store, &seal, 0, 200);
        let training = Training {
            engine: engine.clone(),
            vault: store.inner.vault.clone(),
            queue: store.queue().unwrap().clone(),
            stop: Arc::default(),
        };
        for kind in [Kind(types::code(of)), Kind::CARDS] {
            training.train(kind).unwrap();
        }
        drop(training);
        write(&store, &seal, 200, 210);
        let (before, after) = (size(&store, &seal, 1), size(&store, &seal, 201));
        assert!(after * 2 < before, "{before} {after}");
        drop((store, seal));
        let (store, seal) = open();
        assert_eq!(
            (size(&store, &seal, 1), size(&store, &seal, 201)),
            (before, after)
        );
        write(&store, &seal, 210, 211);
        assert!(size(&store, &seal, 210) <= after + 8);
    }
}
