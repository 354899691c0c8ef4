//! The resource types of R4 and what they are made of, from tables that `cargo xtask definitions` generates.
//!
//! The tables are text, read once on first use (about 3 ms in a release build).

mod summary;
pub(crate) mod table;

use table::tables;

/// One of the 146 resource types of R4 (the two abstract ones left out). Ordered by name; `as_u16` is stable only
/// within a build, never stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceType(u16);

impl ResourceType {
    /// The type of that name; `None` when R4 has no such type. Cost: a binary search.
    pub fn from_name(name: &str) -> Option<ResourceType> {
        let at = tables()
            .resources
            .binary_search_by(|row| row.name.cmp(name))
            .ok()?;
        u16::try_from(at).ok().map(ResourceType)
    }
    /// Its name, as in `Patient`.
    pub fn name(self) -> &'static str {
        self.row().map_or("", |row| row.name)
    }
    /// All types, by name.
    pub fn all() -> impl Iterator<Item = ResourceType> {
        (0..tables().resources.len())
            .filter_map(|at| u16::try_from(at).ok())
            .map(ResourceType)
    }
    /// Whether resources of this type can be in a patient's compartment.
    pub fn in_patient_compartment(self) -> bool {
        self.row().is_some_and(|row| row.in_patient_compartment)
    }
    /// Whether resources of this type can be about one patient: those of her compartment, and those that R4 leaves out of
    /// it and that name her all the same ([`crate::search::BESIDE`]).
    pub fn is_personal(self) -> bool {
        self.row().is_some_and(|row| row.personal)
    }
    /// Its place among [`ResourceType::all`]; for small tables in memory, never for storing.
    pub fn as_u16(self) -> u16 {
        self.0
    }
    fn row(self) -> Option<&'static table::Resource> {
        tables().resources.get(usize::from(self.0))
    }
    /// The elements at its root.
    pub(crate) fn node(self) -> Option<&'static table::Node> {
        tables().node(self.row()?.node)
    }
}

impl std::fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
impl std::fmt::Display for ResourceType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_found_by_name_and_stand_in_order() {
        let all: Vec<_> = ResourceType::all().collect();
        assert_eq!(all.len(), 146);
        assert!(all.is_sorted());
        for of in all {
            assert_eq!(ResourceType::from_name(of.name()), Some(of));
        }
        for unknown in ["Resource", "DomainResource", "HumanName", "patient", ""] {
            assert_eq!(ResourceType::from_name(unknown), None, "{unknown}");
        }
    }
    #[test]
    fn what_is_about_a_patient_can_be_in_the_compartment_or_beside_it() {
        let of = |name| ResourceType::from_name(name).unwrap();
        for name in ["Patient", "Observation", "AuditEvent", "Group"] {
            assert!(
                of(name).in_patient_compartment() && of(name).is_personal(),
                "{name}"
            );
        }
        for name in ["Contract", "Device", "GuidanceResponse", "Task"] {
            assert!(
                !of(name).in_patient_compartment() && of(name).is_personal(),
                "{name}"
            );
        }
        for name in ["Organization", "Medication", "Practitioner", "Location"] {
            assert!(!of(name).is_personal(), "{name}");
        }
    }
}
