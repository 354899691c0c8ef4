//! The resource types of R4 and what they are made of, from tables that `cargo xtask definitions` generates.

/// One of the 148 resource types of R4 (abstract ones left out). Ordered by name; `as_u16` is stable only within a
/// build, never stored.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceType(u16);

impl ResourceType {
    /// The type of that name; `None` when R4 has no such type.
    pub fn from_name(_name: &str) -> Option<ResourceType> {
        unimplemented!()
    }
    /// Its name, as in `Patient`.
    pub fn name(self) -> &'static str {
        unimplemented!()
    }
    /// All types, by name.
    pub fn all() -> impl Iterator<Item = ResourceType> {
        std::iter::empty()
    }
    /// Whether resources of this type can be in a patient's compartment.
    pub fn in_patient_compartment(self) -> bool {
        unimplemented!()
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
