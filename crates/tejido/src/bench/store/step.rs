//! One size of the store: grow to it, weigh it, ask every shape, weigh again, write transactions, and have the bare engine
//! write the same rows.
//!
//! The order tells the weights apart: what growing adds is weighed before anything is asked there, and what the acts of
//! the queries add before anything else is written.

use super::bench::Bench;
use super::client::{Ask, done, many};
use super::figures::{LIMITED, pace};
use super::grow::{self, ENTRIES};
use super::machine::Conditions;
use super::place::Sizes;
use super::report::{Measure, Paced, Query, Step};
use super::shapes::{CLASSES, SHAPES, Shape};
use crate::{Error, out};
use std::sync::Arc;

/// Transactions that are made beforehand for a figure, at most.
const MADE: usize = 4_000;
/// The name of the writes, as shapes have names.
const WRITES: &str = "POST transaction of 20 entries";

impl Bench {
    /// Grows to a size and measures there.
    pub(super) fn step(&mut self, from: u64, people: u64) -> Result<Step, Error> {
        let conditions = Conditions::now(self.clock, &self.folder, self.flushing())?;
        out::line("");
        out::line(format!("== {} people", out::count(people)));
        conditions.say();
        let (_, before) = self.weighed()?;
        let size = (from, people);
        let (seconds, grown) =
            grow::lives(&self.gate, &self.country, &self.samples, size, self.clock)?;
        let load_per_second = grown as f64 / seconds.max(1e-9);
        self.clock
            .say("grown; waiting until the engine has settled and come to rest");
        let (settled, disk) = self.weighed()?;
        let resources = self.samples().seen;
        let added = |sizes: &Sizes| sizes.total().saturating_sub(before.total());
        let (settled_bytes, grown_bytes) = (added(&settled), added(&disk));
        let each = |bytes: u64| bytes as f64 / grown.max(1) as f64;
        out::line(format!(
            "{} resources; loaded {}/s through the gate; on disk of those just added {:.0} B each settled, {:.0} B at rest ({} of {} still to be thinned)",
            out::count(resources),
            out::count(load_per_second as u64),
            each(settled_bytes),
            each(grown_bytes),
            out::bytes(disk.whole),
            out::bytes(disk.total())
        ));
        let (queries, acts) = self.queries()?;
        let (_, asked) = self.weighed()?;
        let act_bytes = asked.total().saturating_sub(disk.total());
        out::line(format!(
            "{} acts of these: {:.0} B each on disk, at rest ({} still to be thinned)",
            out::count(acts),
            act_bytes as f64 / acts.max(1) as f64,
            out::bytes(asked.whole)
        ));
        let mut step = Step {
            people,
            resources,
            conditions,
            load_per_second,
            grown,
            settled_bytes,
            grown_bytes,
            disk,
            acts,
            act_bytes,
            queries,
            ..Step::default()
        };
        if self.args.wants(WRITES) {
            self.writes(&mut step)?;
        }
        Ok(step)
    }

    /// Asks every shape; gives what came of it, and how many acts that made.
    fn queries(&self) -> Result<(Vec<Query>, u64), Error> {
        let samples = Arc::new(self.samples());
        let mut queries = Vec::with_capacity(SHAPES.len());
        let mut acts = 0;
        for class in CLASSES {
            out::line(format!("-- {}", class.name()));
            self.clock.say(class.name());
            let wanted = |shape: &&Shape| shape.class == class && self.args.wants(shape.name);
            for shape in SHAPES.iter().filter(wanted) {
                let warming = self.warm(shape, &samples)?;
                acts += warming;
                let measure = self.shape(self.args.clients, shape, &samples)?;
                measure.say(shape.name);
                let limited = LIMITED.iter().any(|(name, _)| *name == shape.name);
                let (alone, paced) = match limited && measure.answered > 0 {
                    true => {
                        let alone = self.shape(1, shape, &samples)?;
                        alone.say("  one client");
                        let per_second = pace(shape.name, &measure);
                        let paced = self.shape_paced(per_second, shape, &samples)?;
                        paced.say(&format!("  {} a second", out::count(per_second as u64)));
                        let paced = Paced {
                            asked_per_second: per_second,
                            measure: paced,
                        };
                        (Some(alone), Some(paced))
                    }
                    false => (None, None),
                };
                let paced_too = paced.as_ref().map(|paced| &paced.measure);
                let all = [Some(&measure), alone.as_ref(), paced_too];
                for measure in all.into_iter().flatten() {
                    acts += measure.answered + measure.failed;
                }
                queries.push(Query {
                    name: shape.name,
                    class,
                    measure,
                    alone,
                    paced,
                });
            }
        }
        Ok((queries, acts))
    }

    /// Transactions of [`ENTRIES`] entries from all clients, of lives that are not in yet; then the same rows without us.
    fn writes(&mut self, step: &mut Step) -> Result<(), Error> {
        let clients = self.args.clients;
        // Enough for twice the limit during the figure.
        let wanted = (self.args.seconds as usize * 10_000 / ENTRIES)
            .min(MADE)
            .max(4 * clients);
        let from = self.args.people + self.next_life;
        let bundles = grow::transactions(&self.country, from, wanted);
        self.next_life += bundles.len() as u64;
        let bundles: Vec<Ask> = bundles
            .into_iter()
            .map(|bundle| Ask::post("/fhir", bundle))
            .collect();
        let ask = move |n| bundles.get(usize::try_from(n).ok()?).cloned();
        let (answers, recording) = self
            .place
            .recording(|| done(many(&self.target, clients, self.span(clients), ask)))?;
        step.transactions = Measure::from(&answers);
        step.transactions.say(WRITES);
        self.clock.say("the same rows by the engine alone");
        let ours = step.transactions.per_second * ENTRIES as f64;
        let bare = self.place.bare(
            &recording,
            step.transactions.answered,
            ENTRIES as u64,
            (clients, ours),
        )?;
        bare.say();
        step.bare = Some(bare);
        Ok(())
    }
}
