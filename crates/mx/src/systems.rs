//! The URIs that name identifier systems and code systems, in this one place.
//!
//! The base `https://tejido.mx/id/` is ours and provisional: when the country publishes official URIs, they replace
//! it here, and the old ones stay readable as aliases.

/// Short name of a member of the network.
pub const MEMBER: &str = "https://tejido.mx/id/member";
/// CURP.
pub const CURP: &str = "https://tejido.mx/id/curp";
/// Social security number of IMSS.
pub const NSS: &str = "https://tejido.mx/id/nss";
/// Health establishment.
pub const CLUES: &str = "https://tejido.mx/id/clues";
/// Professional licence.
pub const CEDULA: &str = "https://tejido.mx/id/cedula";
/// Licence of a specialty.
pub const CEDULA_ESPECIALIDAD: &str = "https://tejido.mx/id/cedula-especialidad";
/// Key of the Compendio Nacional de Insumos para la Salud.
pub const CNIS: &str = "https://tejido.mx/id/cnis";
/// Sanitary registry number of COFEPRIS.
pub const REGISTRO_SANITARIO: &str = "https://tejido.mx/id/registro-sanitario";
/// Tax register.
pub const RFC: &str = "https://tejido.mx/id/rfc";
/// Number of an ISSSTE beneficiary.
pub const ISSSTE: &str = "https://tejido.mx/id/issste";
/// Number (ficha) of a PEMEX beneficiary.
pub const PEMEX: &str = "https://tejido.mx/id/pemex";

/// ICD-10 as FHIR names it; the Mexican CIE-10 uses its codes.
pub const CIE10: &str = "http://hl7.org/fhir/sid/icd-10";
/// LOINC.
pub const LOINC: &str = "http://loinc.org";
/// Units.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// Vaccines.
pub const CVX: &str = "http://hl7.org/fhir/sid/cvx";
/// Medicines by the classification of the WHO.
pub const ATC: &str = "http://www.whocc.no/atc";

/// Extension: the group of a medicine under art. 226 of the General Health Law, `I` to `VI`.
pub const EXT_MEDICINE_GROUP: &str = "https://tejido.mx/fhir/StructureDefinition/grupo-art-226";
/// Extension: the state of birth, by its CURP letters.
pub const EXT_STATE_OF_BIRTH: &str =
    "https://tejido.mx/fhir/StructureDefinition/entidad-nacimiento";

/// Extension of an identifier: how far it can be trusted, as a code of [`IdentifierState`](crate::IdentifierState).
pub const EXT_IDENTIFIER_STATE: &str =
    "https://tejido.mx/fhir/StructureDefinition/estado-identificador";

/// The CURP's system by its OID in HL7's register.
const CURP_OID: &str = "urn:oid:2.16.840.1.113883.4.629";

/// Whether a system says that its numbers are CURPs: ours, the OID, or any URI whose last part is `curp`.
pub fn is_curp(system: &str) -> bool {
    let ends_so = system
        .rsplit_once('/')
        .is_some_and(|(_, last)| last.eq_ignore_ascii_case("curp"));
    system == CURP || system == CURP_OID || ends_so
}

/// The system of an establishment's own record numbers (folio, expediente).
pub fn folio(clues: &str) -> String {
    format!("https://tejido.mx/id/folio/{clues}")
}

/// The CLUES inside the system of [`folio`].
pub fn clues_of_folio(system: &str) -> Option<&str> {
    system.strip_prefix("https://tejido.mx/id/folio/")
}
