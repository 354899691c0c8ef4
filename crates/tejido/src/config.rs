//! `node.toml`: where a node's files and doors are, and how much it takes.

use crate::init::names;
use crate::{Error, files};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::time::Duration;
use trust::{Member, MemberId};

/// How a node runs. Paths are as they stand in the file until [`Config::read`] puts the file's folder before them.
#[derive(Clone, Debug, Deserialize)]
pub struct Config {
    /// Which member of the pact this node is.
    pub member: MemberId,
    /// The archive's folder.
    #[serde(default = "data")]
    pub data: PathBuf,
    /// The node's private key.
    #[serde(default = "key")]
    pub key: PathBuf,
    /// The network's secret.
    #[serde(default = "network_secret")]
    pub network_secret: PathBuf,
    /// The signed pact.
    #[serde(default = "pact")]
    pub pact: PathBuf,
    /// The door for people and programs.
    pub public: PublicDoor,
    /// The door for other nodes.
    pub node: NodeDoor,
    /// The door for a monitor; none without.
    #[serde(default)]
    pub operations: Option<OperationsDoor>,
    /// What keeps the archive's rows.
    #[serde(default)]
    pub store: Archive,
    /// How much is taken.
    #[serde(default)]
    pub limits: Limits,
}

/// What keeps the archive's rows: files in the archive's folder, or a PostgreSQL database.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub struct Archive {
    /// Which of the two.
    pub engine: EngineKind,
    /// The file of the master key; without one `keys/master.key` in the archive's folder.
    pub master_key: Option<PathBuf>,
    /// Where the database is: `postgresql://user@host/database`, without a password.
    pub postgres: Option<String>,
    /// A file with the database user's password, readable by the node's user alone. Without one the environment
    /// variable `TEJIDO_POSTGRES_PASSWORD` counts.
    pub postgres_password: Option<PathBuf>,
    /// The certificate authority of the database server (PEM): with it TLS is used.
    pub postgres_authority: Option<PathBuf>,
    /// Connections for readers at most.
    pub postgres_connections: Option<usize>,
}

/// An engine.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EngineKind {
    /// Files of our own.
    #[default]
    Embedded,
    /// PostgreSQL.
    Postgres,
}

/// The door for people and programs: HTTPS.
#[derive(Clone, Debug, Deserialize)]
pub struct PublicDoor {
    /// Address and port to listen on; port 0 takes any.
    pub listen: String,
    /// The address people type: `https://host:port`.
    pub base: String,
    /// Certificate chain, PEM.
    #[serde(default = "certificate")]
    pub certificate: PathBuf,
    /// Its private key, PEM.
    #[serde(default = "certificate_key")]
    pub certificate_key: PathBuf,
}

/// The door for other nodes: mutual TLS under the pact's keys.
#[derive(Clone, Debug, Deserialize)]
pub struct NodeDoor {
    /// Address and port to listen on; port 0 takes any.
    pub listen: String,
}

/// The door for a monitor: plain HTTP with `/metrics` and `/health/...`, for the operator's own network.
#[derive(Clone, Debug, Deserialize)]
pub struct OperationsDoor {
    /// Address and port to listen on; port 0 takes any.
    pub listen: String,
}

/// How much a node takes before it refuses.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub struct Limits {
    /// Bytes of a request's body.
    pub body_bytes: usize,
    /// Entries of a Bundle in a request.
    pub bundle_entries: usize,
    /// Nesting of JSON.
    pub depth: usize,
    /// Requests at work at once.
    pub concurrent: usize,
    /// Bundles at work at once.
    pub bundles: usize,
    /// Requests at work at once under one token.
    pub per_token: usize,
    /// Seconds that a request's body may take to arrive.
    pub body_seconds: u64,
    /// Seconds that one question to the archive may take.
    pub question_seconds: u64,
    /// Bytes of memory for the archive's cache.
    pub cache_bytes: usize,
    /// Commits that may wait before a request is turned away.
    pub queue: usize,
    /// Seconds that open requests have to finish when the node is stopped; 20 at most.
    pub drain_seconds: u64,
}

impl Default for Limits {
    fn default() -> Self {
        let (door, archive) = (api::Limits::default(), store::Options::default());
        Limits {
            body_bytes: door.body_bytes,
            bundle_entries: door.bundle_entries,
            depth: door.depth,
            concurrent: door.concurrent,
            bundles: door.bundles,
            per_token: door.per_token,
            body_seconds: door.body_time.as_secs(),
            question_seconds: archive.question_time.as_secs(),
            cache_bytes: archive.cache,
            queue: archive.queue,
            drain_seconds: 20,
        }
    }
}

impl Limits {
    /// Those of the FHIR door.
    pub fn door(&self) -> api::Limits {
        api::Limits {
            body_bytes: self.body_bytes,
            bundle_entries: self.bundle_entries,
            depth: self.depth,
            concurrent: self.concurrent,
            bundles: self.bundles,
            per_token: self.per_token,
            body_time: Duration::from_secs(self.body_seconds),
        }
    }
    /// Those of the archive.
    pub fn archive(&self) -> store::Options {
        store::Options {
            cache: self.cache_bytes,
            queue: self.queue,
            question_time: Duration::from_secs(self.question_seconds),
            ..store::Options::default()
        }
    }
}

fn data() -> PathBuf {
    names::DATA.into()
}
fn key() -> PathBuf {
    names::KEY.into()
}
fn network_secret() -> PathBuf {
    names::NETWORK_SECRET.into()
}
fn pact() -> PathBuf {
    names::PACT.into()
}
fn certificate() -> PathBuf {
    names::CERTIFICATE.into()
}
fn certificate_key() -> PathBuf {
    names::CERTIFICATE_KEY.into()
}

/// Every key of the file, by table.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "",
        &[
            "member",
            "data",
            "key",
            "network_secret",
            "pact",
            "public",
            "node",
            "store",
            "operations",
            "limits",
        ],
    ),
    (
        "public",
        &["listen", "base", "certificate", "certificate_key"],
    ),
    ("node", &["listen"]),
    (
        "store",
        &[
            "engine",
            "master_key",
            "postgres",
            "postgres_password",
            "postgres_authority",
            "postgres_connections",
        ],
    ),
    ("operations", &["listen"]),
    (
        "limits",
        &[
            "body_bytes",
            "bundle_entries",
            "depth",
            "concurrent",
            "bundles",
            "per_token",
            "body_seconds",
            "question_seconds",
            "cache_bytes",
            "queue",
            "drain_seconds",
        ],
    ),
];

impl Config {
    /// Reads a configuration file. Relative paths in it start at its folder.
    ///
    /// # Errors
    /// When the file is missing, no TOML, lacks something, or has a key that we do not know.
    pub fn read(path: &Path) -> Result<Config, Error> {
        let text = match files::read_text(path) {
            Err(Error::Io { source, .. }) if source.kind() == std::io::ErrorKind::NotFound => {
                return Err(Error::say(format!(
                    "{}: there is no such configuration; make a node with `tejido init`, or say where its node.toml is with --config",
                    path.display()
                )));
            }
            other => other?,
        };
        let mut config = Config::parse(&text)
            .map_err(|error| Error::say(format!("{}: {error}", path.display())))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        let places = [
            &mut config.data,
            &mut config.key,
            &mut config.network_secret,
            &mut config.pact,
            &mut config.public.certificate,
            &mut config.public.certificate_key,
        ];
        let archive = &mut config.store;
        let given = [
            &mut archive.master_key,
            &mut archive.postgres_password,
            &mut archive.postgres_authority,
        ];
        for place in places.into_iter().chain(given.into_iter().flatten()) {
            *place = folder.join(&*place);
        }
        Ok(config)
    }

    /// Reads a configuration's text.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str) -> Result<Config, Error> {
        let wrong = |error: toml::de::Error| Error::say(error.to_string().trim_end().to_owned());
        let table: toml::Table = toml::from_str(text).map_err(wrong)?;
        for (name, value) in &table {
            known("", name)?;
            for inner in value.as_table().into_iter().flat_map(toml::Table::keys) {
                known(name, inner)?;
            }
        }
        toml::from_str(text).map_err(wrong)
    }
}

fn known(table: &str, name: &str) -> Result<(), Error> {
    let all = KNOWN
        .iter()
        .find(|(of, _)| *of == table)
        .map_or(&[][..], |(_, names)| names);
    if all.contains(&name) {
        return Ok(());
    }
    let place = if table.is_empty() {
        name.to_owned()
    } else {
        format!("{table}.{name}")
    };
    let near = all.iter().min_by_key(|known| distance(known, name));
    let hint = near
        .map(|near| format!("; did you mean \"{near}\"?"))
        .unwrap_or_default();
    Err(Error::say(format!("unknown key \"{place}\"{hint}")))
}

/// Letters to insert, remove or change to make one word of the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.chars().count()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut next = vec![i + 1];
        let mut pairs = row.windows(2);
        for y in b.chars() {
            let [above_left, above] = pairs.next().unwrap_or_default() else {
                break;
            };
            let left = next.last().copied().unwrap_or_default();
            let change = above_left + usize::from(x != y);
            next.push(change.min(above + 1).min(left + 1));
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}

/// The configuration that a new node starts with, every key explained.
pub(crate) fn template(member: &Member, certificate: &Path, certificate_key: &Path) -> String {
    let limits = Limits::default();
    let port = |address: &str, usual: u16| {
        let port = address
            .rsplit_once(':')
            .and_then(|(_, port)| port.trim_end_matches('/').parse().ok());
        port.unwrap_or(usual)
    };
    let (public, node) = (port(&member.public, 443), port(&member.address, 7443));
    let Limits {
        body_bytes,
        bundle_entries,
        depth,
        concurrent,
        bundles,
        per_token,
        body_seconds,
        question_seconds,
        cache_bytes,
        queue,
        drain_seconds,
    } = limits;
    let quoted = |text: &str| toml::Value::from(text).to_string();
    format!(
        r#"# A Tejido node. Relative paths start at this file's folder.

# Which member of the pact this node is.
member = {id}
# The archive. Copy it (with the node stopped) to back it up.
data = "{data}"
# SECRET: the node's private key.
key = "{key}"
# SECRET: shared by all members of the network; you get it from whoever founded it.
network_secret = "{secret}"
# The pact, signed by its members.
pact = "{pact}"

# The door for people and programs: pages, and FHIR under /fhir.
[public]
listen = "0.0.0.0:{public}"
base = {base}
certificate = {certificate}
# SECRET
certificate_key = {certificate_key}

# The door for the other members' nodes: mutual TLS under the pact's keys.
[node]
listen = "0.0.0.0:{node}"

# A door for a monitor: /metrics (OpenMetrics), /health/live, /health/ready; plain HTTP, so keep it on this machine.
# [operations]
# listen = "127.0.0.1:9464"

# What keeps the archive's rows: files in `data`, or a PostgreSQL database (docs/scale.md). `data` keeps the keys of the
# archive either way.
[store]
# SECRET: locks the keyring in `data`/keys, which locks all that is stored (docs/at-rest.md).
master_key = "{master}"
engine = "embedded"
# engine = "postgres"
# postgres = "postgresql://tejido@db.example/tejido"
# SECRET: a file with the password of the database's user; or the variable TEJIDO_POSTGRES_PASSWORD.
# postgres_password = "postgres.password"
# postgres_authority = "postgres-ca.pem"
# postgres_connections = 16

# How much is taken before it is refused. These are the defaults.
[limits]
body_bytes = {body_bytes}
bundle_entries = {bundle_entries}
depth = {depth}
concurrent = {concurrent}
bundles = {bundles}
per_token = {per_token}
body_seconds = {body_seconds}
question_seconds = {question_seconds}
cache_bytes = {cache_bytes}
queue = {queue}
drain_seconds = {drain_seconds}
"#,
        id = quoted(&member.id.0),
        data = names::DATA,
        key = names::KEY,
        secret = names::NETWORK_SECRET,
        master = names::MASTER_KEY,
        pact = names::PACT,
        base = quoted(&member.public),
        certificate = quoted(&certificate.to_string_lossy()),
        certificate_key = quoted(&certificate_key.to_string_lossy()),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const LEAST: &str = "member = \"imss\"\n[public]\nlisten = \"127.0.0.1:0\"\nbase = \"https://localhost\"\n[node]\nlisten = \"127.0.0.1:0\"\n";

    #[test]
    fn what_is_left_out_has_its_default() {
        let config = Config::parse(LEAST).unwrap();
        assert_eq!(config.data, Path::new("data"));
        assert_eq!(config.limits.depth, 64);
        let config = Config::parse(&format!("{LEAST}[limits]\ndepth = 9\n")).unwrap();
        assert_eq!((config.limits.depth, config.limits.queue), (9, 1024));
    }

    #[test]
    fn an_unknown_key_is_refused_with_the_nearest_known_one() {
        let table = [
            (
                format!("membr = 1\n{LEAST}"),
                "unknown key \"membr\"; did you mean \"member\"?",
            ),
            (
                format!("{LEAST}[limits]\nbody_byte = 1\n"),
                "unknown key \"limits.body_byte\"; did you mean \"body_bytes\"?",
            ),
            (
                format!("{LEAST}lisen = 1\n"),
                "unknown key \"node.lisen\"; did you mean \"listen\"?",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(Config::parse(&text).unwrap_err().to_string(), expected);
        }
    }

    #[test]
    fn the_template_is_a_configuration_with_the_defaults() {
        let member = Member {
            id: MemberId("imss".into()),
            name: "IMSS".into(),
            kind: trust::MemberKind::PublicInstitution,
            key: String::new(),
            address: "nodo.imss.example:7000".into(),
            public: "https://imss.example".into(),
            former: vec![],
        };
        let text = template(&member, Path::new("https.crt"), Path::new("https.key"));
        let config = Config::parse(&text).unwrap();
        assert_eq!(config.public.listen, "0.0.0.0:443");
        assert_eq!(config.node.listen, "0.0.0.0:7000");
        assert_eq!(config.limits.body_bytes, Limits::default().body_bytes);
    }
}
