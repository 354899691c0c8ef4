//! Which edition of the tables this program goes by.
//!
//! Two programs with other tables give one seal two meanings. So an edition has a name that members can agree on
//! ([`crate::Seals`]), a digest that anybody can make beside the tables with other tools:
//! `(sha256sum autonomy.tsv emergency.tsv findings.tsv topics.tsv; echo reading 1) | sha256sum`.

use crate::act::hex;
use ledger::sha256;
use std::sync::LazyLock;

/// The tables, in the order of their names.
const TABLES: [(&str, &str); 4] = [
    ("autonomy.tsv", include_str!("../../data/autonomy.tsv")),
    ("emergency.tsv", include_str!("../../data/emergency.tsv")),
    ("findings.tsv", include_str!("../../data/findings.tsv")),
    ("topics.tsv", include_str!("../../data/topics.tsv")),
];

/// The one of them that labels nothing: from what age what is whose to decide.
const NO_LABELS: &str = "autonomy.tsv";

/// How the tables are read. Whoever changes what a category means beside them (the kinds of types and codes, the URIs of a
/// code system) raises it; a test sees to that for what can be listed.
const READING: u32 = 1;

static EDITION: LazyLock<String> = LazyLock::new(|| hex(&digest(|_| true)));

/// The edition of this program: SHA-256 in hex.
pub fn edition() -> &'static str {
    &EDITION
}

/// The edition as far as it decides which labels a resource has.
pub(crate) fn labelling() -> [u8; 8] {
    let mut first = [0; 8];
    first.copy_from_slice(&digest(|name| name != NO_LABELS)[..8]);
    first
}

fn digest(wanted: impl Fn(&str) -> bool) -> [u8; 32] {
    let tables = TABLES.iter().filter(|(name, _)| wanted(name));
    let lines = tables.map(|(name, text)| format!("{}  {name}\n", hex(&sha256(text.as_bytes()))));
    let said = lines.collect::<String>() + &format!("reading {READING}\n");
    sha256(said.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::{kind, topic};
    use fhir::{ResourceType, obj};

    #[test]
    fn every_table_is_in_the_edition_and_it_is_what_sha256sum_makes_of_them() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/data");
        let entries = std::fs::read_dir(folder).unwrap();
        let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut tables: Vec<String> = names.filter(|name| name.ends_with(".tsv")).collect();
        tables.sort();
        let mut said = String::new();
        for name in &tables {
            let bytes = std::fs::read(format!("{folder}/{name}")).unwrap();
            said += &format!("{}  {name}\n", hex(&sha256(&bytes)));
        }
        said += "reading 1\n";
        assert_eq!(edition(), hex(&sha256(said.as_bytes())));
        assert!(!edition().starts_with(&hex(&labelling())));
    }

    /// Whoever is sent here by a failure: raise [`READING`], and then put the new digest here.
    #[test]
    fn what_categories_mean_beside_the_tables_does_not_change_under_one_reading() {
        let mut said: Vec<String> = topic::SYSTEMS
            .map(|(uri, name)| format!("{uri} {name}"))
            .into();
        let kinds = ResourceType::all().map(|of| {
            let bare = obj! { "resourceType" => of.name() };
            format!("{of} {}", kind::kind(of, &bare).0)
        });
        said.extend(kinds);
        said.extend(
            kind::VITALS
                .iter()
                .chain(&kind::NOTES)
                .map(|code| (*code).to_owned()),
        );
        let digest = hex(&sha256(said.join("\n").as_bytes()));
        assert_eq!((READING, &digest[..16]), (1, "d45e9b3228d0cc2f"));
    }
}
