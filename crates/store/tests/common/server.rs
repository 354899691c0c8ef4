//! A PostgreSQL for tests: the one that `TEJIDO_POSTGRES` names (an address whose user may make databases), or one of
//! our own in a temporary folder, when its programs are on this machine. It ends with the test's process.
#![allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    clippy::unwrap_used,
    clippy::print_stderr
)]

use std::{
    io::{BufRead, BufReader},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        LazyLock, Mutex,
        atomic::{AtomicU32, Ordering::Relaxed},
    },
};

/// Makes a server and keeps it until nobody holds the other end of its input any more. Says its folder.
const KEEP: &str = r#"
dir=$(mktemp -d /tmp/tejido-pg.XXXXXX)
"$1/initdb" -D "$dir/data" -U tejido -A trust -E UTF8 --no-locale --no-sync >"$dir/log" 2>&1 || { cat "$dir/log" >&2; rm -rf "$dir"; exit 1; }
ready() { "$1/pg_isready" -q -h "$dir" -U tejido -d postgres; }
# A server that was killed leaves sessions behind, and its successor waits until they are gone.
run() {
  for _ in $(seq 200); do
    "$1/postgres" -D "$dir/data" -k "$dir" -c listen_addresses= -c fsync=off -c max_connections=200 -c shared_buffers=64MB >>"$dir/log" 2>&1 &
    server=$!
    while kill -0 $server 2>/dev/null; do ready "$1" && return; done
  done
  cat "$dir/log" >&2; exit 1
}
run "$1"
echo "$dir"
while read -r word; do
  case $word in
    kill) kill -9 $server; wait $server 2>/dev/null; echo killed ;;
    start) run "$1"; echo started ;;
  esac
done
kill -QUIT $server; wait $server 2>/dev/null; rm -rf "$dir"
"#;

/// A server of our own.
pub struct Server {
    keeper: Child,
    said: BufReader<std::process::ChildStdout>,
    dir: String,
}

impl Server {
    pub fn start() -> Option<Server> {
        let bin = programs()?;
        let mut command = if rootly() {
            // PostgreSQL refuses to run as root.
            let user = ["postgres", "nobody"]
                .into_iter()
                .find(|user| known(user))?;
            let mut command = Command::new("setpriv");
            command.args([
                "--reuid",
                user,
                "--regid",
                group(user).as_str(),
                "--clear-groups",
            ]);
            command.args(["bash", "-c", KEEP, "keep"]);
            command
        } else {
            let mut command = Command::new("bash");
            command.args(["-c", KEEP, "keep"]);
            command
        };
        let mut keeper = command
            .arg(bin)
            .current_dir("/tmp")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .ok()?;
        let said = BufReader::new(keeper.stdout.take()?);
        let mut server = Server {
            keeper,
            said,
            dir: String::new(),
        };
        server.dir = server.hear();
        (!server.dir.is_empty()).then_some(server)
    }
    fn hear(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }
    fn tell(&mut self, word: &str) {
        use std::io::Write;
        writeln!(self.keeper.stdin.as_mut().unwrap(), "{word}").unwrap();
        self.hear();
    }
    /// Kill -9 of the server, at whatever it is.
    pub fn kill(&mut self) {
        self.tell("kill");
    }
    /// Starts it again; it recovers first.
    pub fn restart(&mut self) {
        self.tell("start");
    }
    /// The folder of its socket.
    pub fn dir(&self) -> &str {
        &self.dir
    }
    pub fn address(&self) -> String {
        format!("host={} user=tejido dbname=postgres", self.dir)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

fn programs() -> Option<PathBuf> {
    let mut places: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .filter_map(|version| Some(version.ok()?.path().join("bin")))
        .collect();
    places.sort();
    let path = std::env::var_os("PATH").unwrap_or_default();
    places.extend(std::env::split_paths(&path));
    places.into_iter().rev().find(|place| {
        ["initdb", "postgres", "pg_isready"]
            .iter()
            .all(|name| place.join(name).exists())
    })
}

fn said(command: &str, args: &[&str]) -> Option<String> {
    let out = Command::new(command)
        .args(args)
        .stderr(Stdio::null())
        .output()
        .ok()?;
    out.status
        .success()
        .then(|| String::from_utf8_lossy(&out.stdout).trim().to_owned())
}

fn rootly() -> bool {
    said("id", &["-u"]).as_deref() == Some("0")
}

fn known(user: &str) -> bool {
    said("id", &["-u", user]).is_some()
}

fn group(user: &str) -> String {
    said("id", &["-g", user]).unwrap_or_default()
}

/// The address of the server that all tests of a process share, or `None`, which is said once.
pub fn shared() -> Option<&'static str> {
    /// Kept until the process ends; then its input closes, and it goes.
    static OWN: Mutex<Option<Server>> = Mutex::new(None);
    static ADDRESS: LazyLock<Option<String>> = LazyLock::new(|| {
        if let Ok(address) = std::env::var("TEJIDO_POSTGRES") {
            return Some(address);
        }
        let server = Server::start();
        if server.is_none() {
            eprintln!(
                "no PostgreSQL: TEJIDO_POSTGRES is not set and its programs are not here; left out"
            );
        }
        let address = server.as_ref().map(Server::address);
        *OWN.lock().unwrap() = server;
        address
    });
    ADDRESS.as_deref()
}

/// A database of a test's own; dropped with it.
pub struct Database {
    admin: String,
    name: String,
    pub address: String,
    /// The folder of its node's keyring.
    pub keys: tempfile::TempDir,
}

static NEXT: AtomicU32 = AtomicU32::new(0);

impl Database {
    /// `None` without a server.
    pub fn new() -> Option<Database> {
        shared().map(Database::on)
    }
    pub fn on(admin: &str) -> Database {
        let number = NEXT.fetch_add(1, Relaxed);
        let name = format!("tejido_test_{}_{number}", std::process::id());
        sql(admin, &format!("create database {name}"));
        Database {
            admin: admin.to_owned(),
            address: with_database(admin, &name),
            name,
            keys: tempfile::tempdir().unwrap(),
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            sql(
                &self.admin,
                &format!("drop database {} with (force)", self.name),
            );
        }
    }
}

/// The address with another database.
fn with_database(address: &str, name: &str) -> String {
    if address.contains("://") {
        let (start, options) = address.split_once('?').unwrap_or((address, ""));
        let (scheme, rest) = start.split_once("://").unwrap();
        let host = rest.split_once('/').map_or(rest, |(host, _)| host);
        format!("{scheme}://{host}/{name}?{options}")
    } else {
        // The last one counts.
        format!("{address} dbname={name}")
    }
}

/// Runs statements with `psql`, which comes with the server, and gives what it prints.
pub fn sql(address: &str, text: &str) -> String {
    let out = Command::new("psql")
        .args([
            "-X",
            "-q",
            "-A",
            "-t",
            "-v",
            "ON_ERROR_STOP=1",
            "-d",
            address,
            "-c",
            text,
        ])
        .output()
        .unwrap();
    assert!(
        out.status.success(),
        "{text}: {}",
        String::from_utf8_lossy(&out.stderr)
    );
    String::from_utf8_lossy(&out.stdout).trim().to_owned()
}
