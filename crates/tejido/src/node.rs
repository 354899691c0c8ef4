//! A running node: the gate behind two doors, one for people and programs, one for other nodes.

use crate::operations::{self, Meter};
use crate::{Config, Error, admin, files, house};
use exchange::{Network, Setup};
use jiff::Timestamp;
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinSet;
use trust::Gate;

/// A node that serves until it is stopped or dropped.
pub struct Running {
    /// Its gate.
    pub gate: Gate,
    /// The network as it sees it.
    pub network: Network,
    /// Where people and programs find it.
    pub public: SocketAddr,
    /// Where other nodes find it.
    pub node: SocketAddr,
    /// Where a monitor finds it, if it may.
    pub operations: Option<SocketAddr>,
    stop: watch::Sender<bool>,
    doors: JoinSet<Result<(), String>>,
    /// Fills the register of people.
    register: tokio::task::JoinHandle<()>,
    drain: Duration,
}

/// Opens a node and its doors; returns when both listen. `demo` are sign-ins shown openly on the first page.
///
/// # Errors
/// Each with what to do: as [`house::open`], and when a port is taken or a certificate cannot be used.
pub async fn start(config: Config, demo: Vec<web::DemoAccount>) -> Result<Running, Error> {
    start_with(config, demo, house::open).await
}

/// The same with a house that is opened otherwise, once the doors have their ports.
pub(crate) async fn start_with(
    config: Config,
    demo: Vec<web::DemoAccount>,
    open: impl FnOnce(&Config) -> Result<house::Opened, Error> + Send + 'static,
) -> Result<Running, Error> {
    let tls = tls(&config)?;
    let public = listen(&config.public.listen, "public").await?;
    let node = listen(&config.node.listen, "node").await?;
    let opening = config.clone();
    let opened = tokio::task::spawn_blocking(move || open(&opening))
        .await
        .map_err(|_| Error::say("the node failed while its archive was opened"))??;
    let gate = opened.gate;
    let network = Network::new(Setup {
        gate: gate.clone(),
        key: opened.key,
    })
    .map_err(Error::say)?;
    let clock = Arc::new(Timestamp::now);
    let people = Arc::new(identity::Desk::default());
    let pages = web::State::new(gate.clone(), network.clone(), clock.clone(), demo)
        .map_err(|error| Error::say(error.to_string()))?
        .with_register(people.clone());
    let programs = api::State {
        gate: gate.clone(),
        network: network.clone(),
        people: people.clone(),
        limits: config.limits.door(),
        clock,
        base: config.public.base.trim_end_matches('/').to_owned(),
    };
    let meter = Meter::new(gate.clone(), &config.data);
    let router = api::router(programs).merge(web::router(pages));
    let counting = meter.clone();
    let answer = move |request| operations::count(counting.clone(), router.clone(), request);
    let address =
        |listener: &TcpListener| listener.local_addr().map_err(|e| Error::say(e.to_string()));
    let (public_address, node_address) = (address(&public)?, address(&node)?);

    let operations = match &config.operations {
        Some(door) => Some(operations::listen(&door.listen).await?),
        None => None,
    };
    let operations_address = operations.as_ref().map(&address).transpose()?;

    let (stop, stopped) = watch::channel(false);
    let until = |mut stopped: watch::Receiver<bool>| async move {
        let _ = stopped.wait_for(|stop| *stop).await;
    };
    let register = tokio::spawn(fill(gate.clone(), people, until(stopped.clone())));
    let mut doors = JoinSet::new();
    let (people, nodes) = (until(stopped.clone()), until(stopped.clone()));
    doors.spawn(async move {
        api::serve(public, answer, tls, people)
            .await
            .map_err(|e| e.to_string())
    });
    doors.spawn(network.clone().serve(node, nodes));
    if let Some(listener) = operations {
        doors.spawn(operations::serve(listener, meter, until(stopped.clone())));
    }
    #[cfg(unix)]
    {
        let socket = admin::socket(&config.data);
        doors.spawn(admin::serve(
            gate.clone(),
            network.clone(),
            socket,
            until(stopped),
        ));
    }
    let drain = Duration::from_secs(config.limits.drain_seconds);
    Ok(Running {
        gate,
        network,
        public: public_address,
        node: node_address,
        operations: operations_address,
        stop,
        doors,
        register,
        drain,
    })
}

/// Between two tries to fill the register.
const AGAIN: Duration = Duration::from_secs(10);

/// Between two looks whether it has grown so much that it should learn again.
const LOOK: Duration = Duration::from_secs(600);

/// Fills the register of people, and tries again for as long as the archive does not answer. Then fills it anew whenever it
/// has grown to twice of what its weights were learnt from.
async fn fill(gate: Gate, people: Arc<identity::Desk>, stop: impl Future<Output = ()>) {
    let mut stop = std::pin::pin!(stop);
    let mut is_kept = false;
    loop {
        let (gate, desk) = (gate.clone(), people.clone());
        let filled = tokio::task::spawn_blocking(move || match is_kept {
            false => api::keep_register(&gate, &desk, Timestamp::now()),
            true => api::fill_register(&gate, &desk, Timestamp::now()),
        });
        is_kept = true;
        let mut wait = AGAIN;
        match filled.await {
            Ok(Ok(registrations)) => {
                tracing::info!(registrations, "the register of people is open");
                wait = LOOK;
            }
            Ok(Err(refusal)) => {
                tracing::error!(because = %refusal.en, "the register of people cannot be filled yet");
            }
            Err(error) => tracing::error!(%error, "filling the register of people broke"),
        }
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = &mut stop => return,
            }
            if wait == AGAIN || people.is_due() {
                break;
            }
        }
    }
}

impl Running {
    /// Closes both doors and waits until open requests have ended, or their time is over.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let ended = async {
            while self.doors.join_next().await.is_some() {}
            // It holds the archive.
            let _ = self.register.await;
        };
        if tokio::time::timeout(self.drain, ended).await.is_err() {
            tracing::warn!("some requests were still open when the node stopped");
        }
    }
    /// Waits until a door fails; a door that serves well never returns.
    pub async fn failed(&mut self) -> String {
        match self.doors.join_next().await {
            Some(Ok(Err(why))) => why,
            Some(Err(why)) => why.to_string(),
            Some(Ok(Ok(()))) | None => "a door closed by itself".to_owned(),
        }
    }
}

async fn listen(address: &str, door: &str) -> Result<TcpListener, Error> {
    use std::io::ErrorKind;
    TcpListener::bind(address).await.map_err(|error| {
        let why = match error.kind() {
            ErrorKind::AddrInUse => {
                "another program uses this port; stop it, or choose another port".to_owned()
            }
            ErrorKind::PermissionDenied => {
                "ports below 1024 need special rights; choose a higher one".to_owned()
            }
            ErrorKind::AddrNotAvailable => {
                "this machine has no such address; 0.0.0.0 stands for all it has".to_owned()
            }
            _ => error.to_string(),
        };
        Error::say(format!("[{door}] listen = \"{address}\": {why}"))
    })
}

pub(crate) fn tls(config: &Config) -> Result<rustls::ServerConfig, Error> {
    let wrong =
        |path: &std::path::Path, why: String| Error::say(format!("{}: {why}", path.display()));
    let certificate = &config.public.certificate;
    let chain: Vec<CertificateDer<'static>> =
        CertificateDer::pem_slice_iter(&files::read(certificate)?)
            .collect::<Result<_, _>>()
            .map_err(|e| wrong(certificate, format!("this is no PEM certificate: {e}")))?;
    let key_file = &config.public.certificate_key;
    let key = PrivateKeyDer::from_pem_slice(&files::read_private(key_file)?)
        .map_err(|e| wrong(key_file, format!("this is no PEM private key: {e}")))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|e| Error::say(e.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|e| wrong(certificate, format!("certificate and key do not fit: {e}")))
}
