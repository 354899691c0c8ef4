//! A plain Splink model of the same columns, run as a program beside ours.

use super::sets::{Fit, Set, fit};
use crate::Error;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::process::Command;

/// What Splink said, at its best.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Answer {
    pub(super) version: String,
    /// Training, predicting and, where groups are its best answer, making these: what ours does too. Without start and reading.
    pub(super) seconds: f64,
    /// Training and predicting alone.
    pub(super) predicting: f64,
    /// Which of its four answers is the best.
    pub(super) best: &'static str,
    pub(super) fit: Fit,
}

#[derive(Deserialize)]
struct Said {
    seconds: f64,
    #[serde(rename = "grouping_0.5")]
    grouping_half: f64,
    #[serde(rename = "grouping_0.95")]
    grouping_sure: f64,
    version: String,
    #[serde(rename = "pairs_0.5")]
    pairs_half: Vec<(u32, u32)>,
    #[serde(rename = "pairs_0.95")]
    pairs_sure: Vec<(u32, u32)>,
    #[serde(rename = "clusters_0.5")]
    clusters_half: Vec<(u32, String)>,
    #[serde(rename = "clusters_0.95")]
    clusters_sure: Vec<(u32, String)>,
}

pub(super) fn run(python: &Path, set: &Set) -> Result<Answer, Error> {
    let folder = std::env::temp_dir().join(format!("tejido-splink-{}", std::process::id()));
    std::fs::create_dir_all(&folder).map_err(|e| Error::io(&folder, e))?;
    let said = ask(python, set, &folder);
    let _ = std::fs::remove_dir_all(&folder);
    let said = said?;
    let (half, sure) = (said.grouping_half, said.grouping_sure);
    let answers = [
        ("pairs 0.5", 0.0, of_pairs(&set.truth, &said.pairs_half)),
        ("pairs 0.95", 0.0, of_pairs(&set.truth, &said.pairs_sure)),
        (
            "groups 0.5",
            half,
            of_clusters(&set.truth, &said.clusters_half),
        ),
        (
            "groups 0.95",
            sure,
            of_clusters(&set.truth, &said.clusters_sure),
        ),
    ];
    let (best, grouping, fit) = answers
        .into_iter()
        .max_by(|a, b| a.2.f1.total_cmp(&b.2.f1))
        .ok_or_else(|| Error::say("Splink gave no answer"))?;
    Ok(Answer {
        version: said.version,
        seconds: said.seconds + grouping,
        predicting: said.seconds,
        best,
        fit,
    })
}

fn ask(python: &Path, set: &Set, folder: &Path) -> Result<Said, Error> {
    let path = |name: &str| folder.join(name);
    let write = |name: &str, text: &str| {
        std::fs::write(path(name), text).map_err(|e| Error::io(path(name), e))
    };
    write("plain_model.py", include_str!("plain_model.py"))?;
    write("in.csv", &table(set))?;
    let ran = Command::new(python)
        .args([path("plain_model.py"), path("in.csv"), path("out.json")])
        .current_dir(folder)
        .output()
        .map_err(|e| Error::io(python, e))?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr);
        let last = said
            .lines()
            .rev()
            .find(|l| !l.trim().is_empty())
            .unwrap_or("it said nothing")
            .to_owned();
        return Err(Error::say(format!(
            "Splink did not run (pip install splink, or choose --python): {last}"
        )));
    }
    let text = std::fs::read(path("out.json")).map_err(|e| Error::io(path("out.json"), e))?;
    serde_json::from_slice(&text).map_err(|e| Error::say(format!("Splink's answer: {e}")))
}

/// The set's columns as comma-separated values, with the row as id.
fn table(set: &Set) -> String {
    let mut out = String::from("id");
    for (name, _) in &set.columns {
        out.push(',');
        out.push_str(name);
    }
    for row in 0..set.truth.len() {
        out.push_str(&format!("\n{row}"));
        for (_, values) in &set.columns {
            out.push(',');
            if let Some(value) = values.get(row).and_then(Option::as_ref) {
                out.push_str(&format!("\"{}\"", value.replace('"', "\"\"")));
            }
        }
    }
    out.push('\n');
    out
}

fn of_pairs(truth: &[u64], pairs: &[(u32, u32)]) -> Fit {
    let pairs: HashSet<(u32, u32)> = pairs.iter().map(|(a, b)| (*a.min(b), *a.max(b))).collect();
    let whose = |i: u32| truth.get(i as usize);
    let right = pairs.iter().filter(|(a, b)| whose(*a) == whose(*b)).count() as f64;
    let all = fit(truth, &vec![0; truth.len()]).pairs;
    let (precision, recall) = (
        right / (pairs.len() as f64).max(1.0),
        right / (all as f64).max(1.0),
    );
    Fit {
        precision,
        recall,
        f1: 2.0 * precision * recall / (precision + recall).max(1e-9),
        pairs: all,
    }
}

fn of_clusters(truth: &[u64], clusters: &[(u32, String)]) -> Fit {
    let mut person: Vec<u32> = (0..truth.len() as u32).collect();
    let mut first: HashMap<&str, u32> = HashMap::new();
    for (row, cluster) in clusters {
        let own = *first.entry(cluster).or_insert(*row);
        if let Some(slot) = person.get_mut(*row as usize) {
            *slot = own;
        }
    }
    fit(truth, &person)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_and_groups_of_the_same_answer_fit_alike() {
        let truth = [1, 1, 2, 2];
        let pairs = of_pairs(&truth, &[(1, 0), (1, 2)]);
        assert_eq!((pairs.precision, pairs.recall), (0.5, 0.5));
        let groups = of_clusters(
            &truth,
            &[
                (0, "a".into()),
                (1, "a".into()),
                (2, "c".into()),
                (3, "c".into()),
            ],
        );
        assert_eq!((groups.precision, groups.recall), (1.0, 1.0));
    }
}
