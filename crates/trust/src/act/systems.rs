//! The URIs that our events and consents use beside those of FHIR and IHE.

/// A person's tag.
pub(crate) const TAG: &str = "https://tejido.mx/id/tag";
/// A member's short name.
pub(crate) const MEMBER: &str = mx::systems::MEMBER;
/// A login at a member: `member/login`.
pub(crate) const ACTOR: &str = "https://tejido.mx/id/actor";
/// Who acts for a person: her tag, or `all`.
pub(crate) const REPRESENTATIVE: &str = "https://tejido.mx/id/representative";
/// A person's word: `tag/version`.
pub(crate) const WORD: &str = "https://tejido.mx/id/word";
/// A resource by its name where it is kept: `member/Observation/17` after it.
pub(crate) const KEPT: &str = "https://tejido.mx/kept/";
/// Kinds of acts.
pub(crate) const ACT_KIND: &str = "https://tejido.mx/fhir/CodeSystem/act-kind";
/// Roles of actors.
pub(crate) const ROLE: &str = "https://tejido.mx/fhir/CodeSystem/role";
/// Kinds of members.
pub(crate) const MEMBER_KIND: &str = "https://tejido.mx/fhir/CodeSystem/member-kind";
/// Categories of a record.
pub(crate) const CATEGORY: &str = "https://tejido.mx/fhir/CodeSystem/category";
/// Kinds of findings of which a person may wish not to know.
pub(crate) const FINDING: &str = "https://tejido.mx/fhir/CodeSystem/finding";
/// What an entity of our own is.
pub(crate) const ENTITY: &str = "https://tejido.mx/fhir/CodeSystem/act-entity";
/// Extension: whether a closing rule lets it be said that something is withheld.
pub(crate) const EXT_HINT: &str = "https://tejido.mx/fhir/StructureDefinition/withheld-hint";
/// Extension: whether a closing rule closes the emergency set as well.
pub(crate) const EXT_INSIST: &str =
    "https://tejido.mx/fhir/StructureDefinition/withheld-in-emergency";
/// Extension: whether whoever acts for the person neither sees what a closing rule closes nor the rule.
pub(crate) const EXT_QUIET: &str = "https://tejido.mx/fhir/StructureDefinition/withheld-quietly";
/// Extension: how often an institution may use what a provision permits.
pub(crate) const EXT_FREQUENCY: &str = "https://tejido.mx/fhir/StructureDefinition/use-frequency";
/// Extension: by when what was received under a provision is erased.
pub(crate) const EXT_ERASE_AT: &str = "https://tejido.mx/fhir/StructureDefinition/erase-at";
/// Purposes of use that HL7 has no code for.
pub(crate) const OWN_PURPOSE: &str = "https://tejido.mx/fhir/CodeSystem/purpose";
/// Purposes of use.
pub(crate) const PURPOSE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
