//! Where the database is and how much of it a node takes.

use super::tls;
use crate::{Error, Result};
use rustls::ClientConfig;
use std::{fmt, sync::Arc, time::Duration};
use tokio_postgres::config::{Config, Host, SslMode};

/// How to reach a PostgreSQL database, and what to expect of it.
#[derive(Clone)]
pub struct PostgresSettings {
    /// `postgresql://user@host:port/database`, or `host=... user=... dbname=...`; a host that starts with `/` is the
    /// folder of a socket on this machine.
    pub address: String,
    /// The user's password, when the server wants one.
    pub password: Option<String>,
    /// PEM certificates of the authority that signed the server's own; TLS is used, and checked, when they are given.
    pub authority: Option<Vec<u8>>,
    /// The schema of the tables: small letters, digits and `_`. Without one the first of the user's search path.
    pub schema: Option<String>,
    /// Connections for readers at most; the writer has one of its own beside them.
    pub connections: usize,
    /// How long a reader waits for a connection before [`Error::Busy`].
    pub wait: Duration,
    /// How long the server may work on one statement.
    pub statement_time: Duration,
    /// How long to go on asking what became of a commit whose answer was lost, and how long a node that starts waits
    /// for the sessions of its predecessor to end.
    pub patience: Duration,
    /// Whether a commit is on the server's disk before it is acknowledged. Off only for throw-away stores in tests.
    pub durable: bool,
}

impl Default for PostgresSettings {
    fn default() -> Self {
        PostgresSettings {
            address: String::new(),
            password: None,
            authority: None,
            schema: None,
            connections: 16,
            wait: Duration::from_secs(5),
            statement_time: Duration::from_secs(30),
            patience: Duration::from_secs(30),
            durable: true,
        }
    }
}

impl PostgresSettings {
    /// Whether the address itself holds a password, which is no place for one.
    pub fn address_holds_password(&self) -> bool {
        let config = self.address.parse::<Config>();
        config.is_ok_and(|config| config.get_password().is_some())
    }
}

impl fmt::Debug for PostgresSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address may hold a password as well.
        f.debug_struct("PostgresSettings")
            .field("connections", &self.connections)
            .finish_non_exhaustive()
    }
}

/// Settings that were checked.
pub(super) struct Address {
    pub(super) config: Config,
    pub(super) hosts: Vec<(Host, u16)>,
    pub(super) trust: Option<Arc<ClientConfig>>,
    pub(super) settings: PostgresSettings,
    /// Database and host, without user and password, for sentences.
    pub(super) name: String,
}

impl Address {
    pub(super) fn check(mut settings: PostgresSettings) -> Result<Address> {
        let mut config: Config = settings.address.parse().map_err(|error| {
            // The library's sentence names the part that is wrong and never shows a value.
            Error::Disk(format!(
                "the address of the database is not understood: {error}"
            ))
        })?;
        if let Some(password) = settings.password.take() {
            config.password(password);
        }
        settings.address.clear();
        if let Some(schema) = &settings.schema
            && !is_plain(schema)
        {
            return Err(Error::Disk(format!(
                "\"{schema}\" cannot be the schema of an archive: use small letters, digits and _"
            )));
        }
        let hosts = hosts(&config)?;
        let name = format!(
            "\"{}\" at {}",
            config.get_dbname().or(config.get_user()).unwrap_or("?"),
            hosts.iter().map(shown).collect::<Vec<_>>().join(", ")
        );
        let trust = settings.authority.as_deref().map(tls::trust).transpose()?;
        let near = hosts.iter().all(|(host, _)| on_this_machine(host));
        match (&trust, config.get_ssl_mode()) {
            (Some(_), _) => config.ssl_mode(SslMode::Require),
            (None, SslMode::Require) => {
                return Err(Error::Disk(format!(
                    "the database {name}: TLS is asked for, but there is no certificate authority to check the server with"
                )));
            }
            (None, SslMode::Prefer) if !near => {
                return Err(Error::Disk(format!(
                    "the database {name} is on another machine: give the certificate authority that signed its certificate, or write sslmode=disable if nobody can listen in between"
                )));
            }
            _ => config.ssl_mode(SslMode::Disable),
        };
        let options = session(&settings, config.get_options());
        config.options(options).application_name("tejido");
        settings.connections = settings.connections.max(1);
        Ok(Address {
            config,
            hosts,
            trust,
            settings,
            name,
        })
    }
}

/// What each session is set to. Plans are made once and use the key's own order: the ranges are known to be short where
/// the planner can only guess. A statement outside of `begin read write` changes nothing, so that a `begin` that was
/// refused cannot let the rest of a commit through one by one.
fn session(settings: &PostgresSettings, own: Option<&str>) -> String {
    let time = settings.statement_time.as_millis();
    let commit = if settings.durable { "on" } else { "off" };
    let schema = settings.schema.as_deref();
    let path = schema.map(|schema| format!("-c search_path={schema} "));
    format!(
        "{} {}-c statement_timeout={time} -c idle_in_transaction_session_timeout=120000 -c synchronous_commit={commit} \
         -c default_transaction_read_only=on -c default_transaction_isolation=read\\ committed \
         -c plan_cache_mode=force_generic_plan -c jit=off \
         -c enable_seqscan=off -c enable_bitmapscan=off -c enable_sort=off \
         -c tcp_keepalives_idle=20 -c tcp_keepalives_interval=5 -c tcp_keepalives_count=4 \
         -c client_min_messages=error",
        own.unwrap_or_default(),
        path.unwrap_or_default(),
    )
}

/// Whether a name needs no quotes in a statement.
fn is_plain(name: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
    name.bytes().next().is_some_and(letter)
        && name.len() < 64
        && name
            .bytes()
            .all(|byte| letter(byte) || byte.is_ascii_digit())
}

fn hosts(config: &Config) -> Result<Vec<(Host, u16)>> {
    let (hosts, ports) = (config.get_hosts(), config.get_ports());
    if hosts.is_empty() {
        return Err(Error::Disk(
            "the address of the database names no host; a socket's folder is a host too: host=/run/postgresql".into(),
        ));
    }
    let port = |at: usize| match ports {
        [] => 5432,
        [one] => *one,
        many => many.get(at).copied().unwrap_or(5432),
    };
    let numbered = hosts.iter().enumerate();
    Ok(numbered
        .map(|(at, host)| (host.clone(), port(at)))
        .collect())
}

fn on_this_machine(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => {
            name == "localhost"
                || name
                    .parse::<std::net::IpAddr>()
                    .is_ok_and(|address| address.is_loopback())
        }
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn shown((host, port): &(Host, u16)) -> String {
    match host {
        Host::Tcp(name) => format!("{name}:{port}"),
        #[cfg(unix)]
        Host::Unix(folder) => format!("{}/.s.PGSQL.{port}", folder.display()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(address: &str) -> Result<Address> {
        Address::check(PostgresSettings {
            address: address.into(),
            password: Some("verysecret".into()),
            ..PostgresSettings::default()
        })
    }

    fn refused(address: &str) -> String {
        match check(address) {
            Err(error) => error.to_string(),
            Ok(_) => panic!("{address} was taken"),
        }
    }

    #[test]
    fn a_server_on_another_machine_is_not_talked_to_in_the_clear_by_accident() {
        assert!(check("host=/run/postgresql user=t dbname=t").is_ok());
        assert!(check("postgresql://t@localhost/t").is_ok());
        assert!(refused("postgresql://t@db.example/t").contains("on another machine"));
        assert!(refused("postgresql://t@localhost/t?sslmode=require").contains("authority"));
        assert!(check("postgresql://t@db.example/t?sslmode=disable").is_ok());
    }
    #[test]
    fn no_sentence_shows_a_password() {
        let settings = PostgresSettings {
            address: "postgresql://t:inaddress@db.example/t".into(),
            password: Some("verysecret".into()),
            ..PostgresSettings::default()
        };
        let debugged = format!("{settings:?}");
        let said = [
            refused("postgresql://t:inaddress@db.example/t"),
            refused("postgresql://t:inaddress@db.example:port/t"),
            refused("user=t password=inaddress"),
            debugged,
        ];
        for said in said {
            assert!(
                !said.contains("inaddress") && !said.contains("verysecret"),
                "{said}"
            );
        }
    }
    #[test]
    fn the_name_of_a_schema_can_say_nothing_else() {
        let named = |schema: &str| {
            Address::check(PostgresSettings {
                address: "host=/run/postgresql user=t dbname=t".into(),
                schema: Some(schema.into()),
                ..PostgresSettings::default()
            })
        };
        assert!(named("bench_17").is_ok());
        for wrong in ["", "1", "A", "a b", "a;drop", "a,public", "a\\"] {
            assert!(named(wrong).is_err(), "{wrong}");
        }
    }
    #[test]
    fn sentences_name_host_port_and_database() {
        let address = check("host=/run/postgresql port=5433 user=t dbname=archive").unwrap();
        assert_eq!(address.name, "\"archive\" at /run/postgresql/.s.PGSQL.5433");
    }
}
