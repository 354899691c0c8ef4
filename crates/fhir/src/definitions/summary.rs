//! What a summary of a resource shows.

use super::ResourceType;
use std::{collections::HashMap, sync::LazyLock};

static SUMMARIES: LazyLock<HashMap<&'static str, Vec<&'static str>>> = LazyLock::new(|| {
    include_str!("../../definitions/summary.tsv")
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let mut fields = line.split('\t');
            Some((fields.next()?, fields.collect()))
        })
        .collect()
});

impl ResourceType {
    /// The elements at its root that R4 marks for a summary, as the definitions name them (`value[x]`).
    pub fn summary(self) -> &'static [&'static str] {
        SUMMARIES.get(self.name()).map_or(&[], Vec::as_slice)
    }
    /// The elements at its root that must be there, as the definitions name them.
    pub fn mandatory(self) -> Vec<&'static str> {
        let Some(node) = self.node() else {
            return Vec::new();
        };
        (0..u64::BITS)
            .filter(|slot| node.required & (1 << slot) != 0)
            .map(|slot| node.slot(slot))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::definitions::table::tables;

    #[test]
    fn each_type_has_a_summary_of_its_own_elements() {
        for of in ResourceType::all() {
            let node = of.node().unwrap();
            let slots: Vec<&str> = (0..u64::BITS).map(|slot| node.slot(slot)).collect();
            assert!(of.summary().starts_with(&["id", "meta"]), "{of}");
            for name in of.summary() {
                assert!(slots.contains(name), "{of}.{name}");
            }
        }
        assert!(tables().resources.len() == SUMMARIES.len());
    }

    #[test]
    fn a_status_must_be_there_and_is_shown_and_a_note_is_not() {
        let of = ResourceType::from_name("Observation").unwrap();
        assert_eq!(of.mandatory(), ["status", "code"]);
        assert!(of.summary().contains(&"value[x]") && of.summary().contains(&"status"));
        assert!(!of.summary().contains(&"note") && !of.summary().contains(&"text"));
    }
}
