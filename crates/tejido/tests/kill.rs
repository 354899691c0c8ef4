//! Kill -9 at any moment, and a disk that takes no more: what was acknowledged is there, and the log verifies.

#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)] // A test says what it expects.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use tejido::{house, import};
use trust::Gate;

const WRITE_ROUNDS: u64 = 80;
const IMPORT_ROUNDS: u64 = 20;

/// One test at a time: a program that is being started holds for a moment what its parent has open, the lock of an
/// archive too, and then another test finds its own archive open elsewhere.
fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, most: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % most
    }
}

fn run(args: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tejido"))
        .args(args)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Reads `lines` lines, kills, and gives all lines that had come out by then.
fn kill_after(mut child: Child, lines: u64) -> Vec<String> {
    let mut out = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut heard: Vec<String> = out
        .by_ref()
        .take(lines as usize)
        .map(Result::unwrap)
        .collect();
    child.kill().unwrap();
    heard.extend(out.map_while(Result::ok));
    child.wait().unwrap();
    heard
}

fn gate(dir: &Path) -> Gate {
    let (config, _) = house::alone(dir).unwrap();
    house::open(&config).unwrap().gate
}

/// The whole log against itself and its signed head.
fn audit(gate: &Gate) -> u64 {
    let pact = gate.pact();
    let key = pact.member(&gate.member()).unwrap().key.parse().unwrap();
    let get = |row: &[u8]| gate.store().witnessed(row).unwrap();
    ledger::audit::audit(&key, &get)
        .unwrap()
        .map_or(0, |head| head.size)
}

struct Seen<'g>(&'g Gate, trust::Grant);

impl Seen<'_> {
    fn new(gate: &Gate) -> Seen<'_> {
        let request = trust::Request {
            actor: import::operator(gate),
            purpose: trust::Purpose::Operations,
            person: trust::PersonRef::Everyone,
            verbs: store::Verbs::READING,
            types: None,
            evidence: Vec::new(),
            via: None,
            word: None,
            what: trust::What::Interaction("read".into()),
        };
        let grant = gate.decide(request, jiff::Timestamp::now()).unwrap();
        Seen(gate, grant)
    }
    /// The version that is there now; 0 when there is none.
    fn version(&self, of: &str, id: &str) -> u64 {
        let of = fhir::ResourceType::from_name(of).unwrap();
        let held = self.0.store().read(&self.1.permit, of, id).unwrap();
        held.seen().first().map_or(0, |seen| seen.version)
    }
    fn both(&self, number: u64) -> bool {
        let at = |of, letter| self.version(of, &format!("{letter}-{number}"));
        match (at("Patient", 'p'), at("Observation", 'o')) {
            (0, 0) => false,
            (1.., 1..) => true,
            half => panic!("Bundle {number} is half there: {half:?}"),
        }
    }
}

#[test]
fn what_was_acknowledged_survives_a_kill_at_any_moment_of_writing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let at = dir.to_str().unwrap();
    let (mut dice, mut next, mut leaves) = (Dice(0x5eed), 0, 0);
    for round in 0..WRITE_ROUNDS {
        let child = run(&["write-load", "--data", at, "--from", &next.to_string()]);
        let heard = kill_after(child, dice.below(40));
        let gate = gate(&dir);
        let seen = Seen::new(&gate);
        let last = heard
            .last()
            .map_or(next, |line| line.parse::<u64>().unwrap() + 1);
        for number in next..last {
            assert!(
                seen.both(number),
                "round {round}: Bundle {number} was acknowledged and is lost"
            );
        }
        // One more may have been stored without a word; never half of it.
        let unheard = u64::from(seen.both(last));
        assert!(!seen.both(last + 1));
        let size = audit(&gate);
        assert!(
            size >= leaves + (last - next) + unheard,
            "round {round}: acts are missing"
        );
        (next, leaves) = (last + unheard, size);
    }
    let gate = gate(&dir);
    let seen = Seen::new(&gate);
    assert!((0..next).all(|number| seen.both(number)));
    println!("{next} Bundles, {leaves} acts, {WRITE_ROUNDS} kills");
}

#[test]
fn an_import_that_was_killed_is_whole_after_it_is_run_again() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let (dir, files) = (folder.path().join("node"), folder.path().join("in"));
    std::fs::create_dir(&files).unwrap();
    let mut dice = Dice(0xfee1);
    let mut expected = 0;
    for round in 0..IMPORT_ROUNDS {
        let from = write_files(&files, round);
        expected += from;
        let args = [
            "import",
            files.to_str().unwrap(),
            "--data",
            dir.to_str().unwrap(),
            "--acknowledge",
        ];
        let heard = kill_after(run(&args), 1 + dice.below(8));
        let stored = heard
            .iter()
            .filter_map(|line| line.strip_prefix("stored ")?.parse::<u64>().ok())
            .max();
        let gate = gate(&dir);
        assert!(count(&gate) >= stored.unwrap_or_default(), "round {round}");
        audit(&gate);
        // Run again, in this process: the rest comes in, the first part stays as it is.
        let options = import::Options {
            paths: vec![files.clone()],
            report: None,
            jobs: 2,
        };
        let summary = import::run(&gate, &options, &|_| {}).unwrap();
        let all = summary.total();
        assert_eq!(
            (all.updated, all.refused, all.created + all.unchanged),
            (0, 0, from),
            "round {round}"
        );
        assert_eq!(count(&gate), expected);
        audit(&gate);
    }
}

/// Files of a round: lines and Bundles, 330 resources.
fn write_files(files: &Path, round: u64) -> u64 {
    for old in std::fs::read_dir(files).unwrap() {
        std::fs::remove_file(old.unwrap().path()).unwrap();
    }
    let lines: Vec<String> = (0..300)
        .map(|n| format!(r#"{{"resourceType":"Patient","id":"l-{round}-{n}"}}"#))
        .collect();
    std::fs::write(files.join("Patient.ndjson"), lines.join("\n")).unwrap();
    for n in 0..10 {
        let entry = |m: u64| {
            format!(
                r#"{{"resource":{{"resourceType":"Patient","id":"b-{round}-{n}-{m}"}},"request":{{"method":"POST","url":"Patient"}}}}"#
            )
        };
        let entries = [entry(0), entry(1), entry(2)].join(",");
        let bundle =
            format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{entries}]}}"#);
        std::fs::write(files.join(format!("{n}.json")), bundle).unwrap();
    }
    330
}

fn count(gate: &Gate) -> u64 {
    let seen = Seen::new(gate);
    let now = jiff::Timestamp::now();
    let held = gate.store().counts(&seen.1.permit).unwrap();
    let (counts, _) = gate.open_answer(&seen.1, held, now).unwrap();
    counts.iter().map(|(_, number)| number).sum()
}

#[test]
fn a_disk_that_takes_no_more_is_an_error_and_loses_nothing() {
    let _alone = alone();
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("node");
    let at = dir.to_str().unwrap();
    let first = kill_after(run(&["write-load", "--data", at]), 50);
    let next = first.last().unwrap().parse::<u64>().unwrap() + 2;
    // No file may grow past a bit more than the largest is now; dash counts in 512 bytes.
    let blocks = largest(&dir) / 512 + 256;
    let script = format!(
        "trap '' XFSZ; ulimit -f {blocks} || exit 77; exec {} write-load --data {at} --from {next}",
        env!("CARGO_BIN_EXE_tejido")
    );
    let limited = Command::new("sh").args(["-c", &script]).output().unwrap();
    if limited.status.code() == Some(77) {
        println!("skipped: this shell cannot limit the size of files");
        return;
    }
    let told = String::from_utf8_lossy(&limited.stderr);
    assert_eq!(limited.status.code(), Some(1), "{told}");
    let acknowledged: Vec<u64> = String::from_utf8_lossy(&limited.stdout)
        .lines()
        .map(|line| line.parse().unwrap())
        .collect();
    println!(
        "{} Bundles before the disk was full: {}",
        acknowledged.len(),
        told.trim()
    );
    let gate = gate(&dir);
    let seen = Seen::new(&gate);
    assert!(acknowledged.iter().all(|number| seen.both(*number)));
    assert!(audit(&gate) >= acknowledged.len() as u64);
    // With room again it goes on.
    drop(gate);
    let more = kill_after(run(&["write-load", "--data", at, "--from", "1000000"]), 3);
    assert!(more.len() >= 3);
}

fn largest(dir: &Path) -> u64 {
    let mut folders = vec![PathBuf::from(dir)];
    let mut most = 0;
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => most = most.max(path.metadata().unwrap().len()),
            }
        }
    }
    most
}
