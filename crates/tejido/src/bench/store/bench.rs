//! The node under test, and how it is asked.

use super::Args;
use super::client::{Answers, Ask, Target, Until, done, many, paced};
use super::grow;
use super::machine::Clock;
use super::place::{Place, Sizes};
use super::report::Measure;
use super::samples::Samples;
use super::shapes::{Draw, Shape};
use crate::{Config, Error, house, node, out};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use synth::Country;
use trust::{Gate, NewAccount, Role};

/// Asks of a shape in a trial run, for each client.
const TRIED: u64 = 2;
/// How long the engine may take to come to rest before the bench goes on regardless.
const RESTING: Duration = Duration::from_secs(900);

/// The node under test.
pub(super) struct Bench {
    pub(super) args: Args,
    pub(super) folder: PathBuf,
    pub(super) config: Config,
    pub(super) gate: Gate,
    pub(super) target: Target,
    pub(super) country: Country,
    pub(super) samples: Arc<Mutex<Samples>>,
    /// Lives that went in as transactions.
    pub(super) next_life: u64,
    pub(super) clock: Clock,
    /// After the gate, whose archive is over it.
    pub(super) place: Place,
}

impl Bench {
    /// Makes a node in an empty folder and opens its doors.
    pub(super) fn open(
        args: &Args,
        folder: &Path,
        runtime: &tokio::runtime::Runtime,
    ) -> Result<(Bench, node::Running), Error> {
        let (mut config, new) = house::alone(folder)?;
        if !new {
            return Err(Error::say(format!(
                "{}: a node is there already; the bench grows an archive from nothing, so give an empty folder",
                folder.display()
            )));
        }
        config.public.listen = "127.0.0.1:0".into();
        config.node.listen = "127.0.0.1:0".into();
        // Every client may have a transaction on its way.
        config.limits.bundles = config.limits.bundles.max(args.clients);
        let place = Place::open(args, &mut config)?;
        let engine = place.engine();
        let opening = move |config: &Config| house::open_over(config, engine);
        let running = runtime.block_on(node::start_with(config.clone(), Vec::new(), opening))?;
        let target = Target {
            address: running.public,
            tls: trusting(&config.public.certificate)?,
            token: account(&running.gate)?,
        };
        let bench = Bench {
            args: args.clone(),
            folder: folder.to_owned(),
            config,
            gate: running.gate.clone(),
            target,
            country: Country::mexico()?,
            samples: Arc::default(),
            next_life: 0,
            clock: Clock::start(),
            place,
        };
        Ok((bench, running))
    }

    /// What is measured, in words.
    pub(super) fn configuration(&self) -> String {
        format!(
            "{}; {} clients and the node on the same cores, HTTPS, permits and acts on; cache {}; {} s a figure, after {} s unmeasured{}; synthetic Mexico of seed {}",
            self.place.name(),
            self.args.clients,
            out::bytes(self.config.limits.cache_bytes as u64),
            self.args.seconds,
            self.args.warm,
            if self.args.trial() {
                ": a trial, its figures say nothing"
            } else {
                ""
            },
            grow::SEED
        )
    }

    /// Stores what everybody's lives refer to.
    pub(super) fn shared(&self) -> Result<(), Error> {
        grow::shared(&self.gate, &self.country)
    }

    /// How long a figure is measured with so many clients.
    pub(super) fn span(&self, clients: usize) -> Until {
        match self.args.trial() {
            true => Until::Asked(clients as u64 * TRIED),
            false => Until::Past(Duration::from_secs(self.args.seconds)),
        }
    }

    /// How long to wait between two looks at something that is to come to rest.
    pub(super) fn pause(&self) -> Duration {
        Duration::from_millis(if self.args.trial() { 20 } else { 250 })
    }

    /// What is on the disk when the engine has settled, and when it has come to rest.
    pub(super) fn weighed(&self) -> Result<(Sizes, Sizes), Error> {
        let at_most = match self.args.trial() {
            true => Duration::ZERO,
            false => RESTING,
        };
        self.place.rested(self.pause(), at_most)
    }

    /// How long to look how fast the disk flushes.
    pub(super) fn flushing(&self) -> Duration {
        Duration::from_millis(if self.args.trial() { 10 } else { 1000 })
    }

    pub(super) fn samples(&self) -> Samples {
        self.samples
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Asks for the span of a figure.
    pub(super) fn asked(
        &self,
        clients: usize,
        ask: impl Fn(u64) -> Option<Ask> + Send + Sync + 'static,
    ) -> Result<Answers, Error> {
        done(many(&self.target, clients, self.span(clients), ask))
    }

    /// The same, measured.
    pub(super) fn measured(
        &self,
        clients: usize,
        ask: impl Fn(u64) -> Option<Ask> + Send + Sync + 'static,
    ) -> Result<Measure, Error> {
        Ok(Measure::from(&self.asked(clients, ask)?))
    }

    /// Asks one shape.
    pub(super) fn shape(
        &self,
        clients: usize,
        shape: &Shape,
        samples: &Arc<Samples>,
    ) -> Result<Measure, Error> {
        self.shape_until(clients, self.span(clients), shape, samples)
    }

    fn shape_until(
        &self,
        clients: usize,
        until: Until,
        shape: &Shape,
        samples: &Arc<Samples>,
    ) -> Result<Measure, Error> {
        let draw = drawing(shape, samples);
        let answers = done(many(&self.target, clients, until, draw))?;
        Ok(Measure::from(&answers))
    }

    /// Asks one shape so many times a second.
    pub(super) fn shape_paced(
        &self,
        per_second: f64,
        shape: &Shape,
        samples: &Arc<Samples>,
    ) -> Result<Measure, Error> {
        let (clients, draw) = (self.args.clients, drawing(shape, samples));
        let until = self.span(clients);
        let answers = done(paced(&self.target, clients, per_second, until, draw))?;
        Ok(Measure::from(&answers))
    }

    /// Asks one shape unmeasured, from all clients; gives how often.
    pub(super) fn warm(&self, shape: &Shape, samples: &Arc<Samples>) -> Result<u64, Error> {
        if self.args.warm == 0 || self.args.trial() {
            return Ok(0);
        }
        let span = Until::Past(Duration::from_secs(self.args.warm));
        let measure = self.shape_until(self.args.clients, span, shape, samples)?;
        Ok(measure.answered + measure.failed)
    }

    /// Asks once; anything but 2xx is an error.
    pub(super) fn once(&self, ask: Ask) -> Result<(), Error> {
        let answers = done(many(&self.target, 1, Until::Asked(1), move |_| {
            Some(ask.clone())
        }))?;
        answers
            .first_failure
            .map_or(Ok(()), |failure| Err(Error::say(failure)))
    }
}

/// The n-th question of a shape.
pub(super) fn drawing(
    shape: &Shape,
    samples: &Arc<Samples>,
) -> impl Fn(u64) -> Option<Ask> + Send + Sync + 'static {
    let (samples, ask) = (samples.clone(), shape.ask);
    move |n| {
        ask(&Draw {
            samples: &samples,
            n,
        })
    }
}

/// An account of the institution's own software, and its token.
fn account(gate: &Gate) -> Result<String, Error> {
    let now = jiff::Timestamp::now();
    gate.account(
        NewAccount {
            login: "bench".into(),
            secret: crate::keys::hex(&crate::keys::random()?),
            name: "Bench".into(),
            role: Role::System,
            licence: None,
            curp: None,
            unit: None,
        },
        now,
    )?;
    Ok(gate.token("bench", 24, now)?.token)
}

/// A client's TLS that trusts exactly this certificate.
fn trusting(certificate: &Path) -> Result<Arc<rustls::ClientConfig>, Error> {
    use rustls_pki_types::pem::PemObject;
    let pem = crate::files::read(certificate)?;
    let mut roots = rustls::RootCertStore::empty();
    for one in rustls_pki_types::CertificateDer::pem_slice_iter(&pem) {
        let one = one.map_err(|e| Error::say(e.to_string()))?;
        roots.add(one).map_err(|e| Error::say(e.to_string()))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::say(e.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}
