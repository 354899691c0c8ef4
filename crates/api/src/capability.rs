//! The CapabilityStatement: computed from the tables that the server works with, so that it cannot say anything else.

use crate::{
    Limits, negotiate,
    routes::{Interaction, ROUTES},
};
use fhir::{
    ResourceType, Value, obj,
    search::{COMPARTMENTS, Catalog, Kind, LOADED, SearchParameter},
};

/// When what this server does last changed; a test compares the whole statement with the committed one.
const DATE: &str = "2026-11-29";

/// Of the type `Consent`: what it is to a person herself.
const OWN_WORD: &str = "A person with a token of her own, for her own purpose, reads, says (POST), changes (PUT) and takes back (DELETE) what she lets be seen of her record; it is in force at once and goes out to every member of the network. What no rule of hers can say is refused with its place. What institutions store is a document: it binds nobody. See docs/api.md.";

/// Parameters that shape an answer and are no conditions.
const RESULT_PARAMETERS: [&str; 8] = [
    "_count",
    "_sort",
    "_include",
    "_revinclude",
    "_summary",
    "_total",
    "_elements",
    "_pretty",
];

/// The statement of a server at this FHIR base.
pub(crate) fn statement(base: &str, limits: &Limits, catalog: &Catalog) -> Value {
    let resources = ResourceType::all().map(|of| resource(of, catalog));
    let resources: Vec<Value> = resources.collect();
    obj! {
        "resourceType" => "CapabilityStatement",
        "id" => "tejido",
        "url" => format!("{base}/metadata"),
        "version" => env!("CARGO_PKG_VERSION"),
        "name" => "Tejido",
        "title" => "Tejido node",
        "status" => "active",
        "date" => DATE,
        "kind" => "instance",
        "software" => obj! { "name" => "Tejido", "version" => env!("CARGO_PKG_VERSION") },
        "implementation" => obj! { "description" => "A node of Tejido", "url" => base },
        "fhirVersion" => "4.0.1",
        "format" => ["json", "application/fhir+json"],
        "patchFormat" => [
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/fhir+json",
        ],
        "rest" => [obj! {
            "mode" => "server",
            "documentation" => documentation(limits),
            "security" => obj! {
                "description" => format!(
                    "Every request but this one needs Authorization: Bearer with a token of this node. The purpose of use is that of the role, or the one in the header {} (TREAT, PATRQT, FAMRQT, HOPERAT, HRESCH, HPAYMT). What a token may do is decided for each request by the network's pact, the person's consent and the evidence of a care relation; each act is logged before its answer leaves.",
                    negotiate::PURPOSE
                ),
            },
            "resource" => resources,
            "interaction" => system_interactions(),
            "operation" => operations(&[(Interaction::MetaOfSystem, "meta", "Resource-meta")]).collect::<Vec<_>>(),
            "compartment" => compartments(),
        }],
    }
}

fn documentation(limits: &Limits) -> String {
    format!(
        "Result parameters: {}. Bodies of at most {} bytes (gzip is taken; the size is that of the unpacked body), bundles of at most {} entries, JSON nested at most {} deep.",
        RESULT_PARAMETERS.join(", "),
        limits.body_bytes,
        limits.bundle_entries,
        limits.depth
    )
}

fn has(interaction: Interaction) -> bool {
    ROUTES.iter().any(|route| route.interaction == interaction)
}

fn system_interactions() -> Vec<Value> {
    let mut codes = Vec::new();
    if has(Interaction::Bundle) {
        codes.extend(["transaction", "batch"]);
    }
    if has(Interaction::SearchSystem) {
        codes.push("search-system");
    }
    if has(Interaction::HistorySystem) {
        codes.push("history-system");
    }
    codes
        .into_iter()
        .map(|code| obj! { "code" => code })
        .collect()
}

/// Those of the operations that there are.
fn operations(all: &[(Interaction, &'static str, &'static str)]) -> impl Iterator<Item = Value> {
    let there: Vec<_> = all
        .iter()
        .filter(|(route, ..)| has(*route))
        .copied()
        .collect();
    there.into_iter().map(|(_, name, definition)| {
        obj! {
            "name" => name,
            "definition" => format!("http://hl7.org/fhir/OperationDefinition/{definition}"),
        }
    })
}

/// Operations about who is who.
fn registry_operations() -> impl Iterator<Item = Value> {
    let all = [
        (
            Interaction::Match,
            "match",
            "http://hl7.org/fhir/OperationDefinition/Patient-match",
        ),
        (
            Interaction::Pix,
            "ihe-pix",
            "https://profiles.ihe.net/ITI/PIXm/OperationDefinition/IHE.PIXm.pix",
        ),
        (
            Interaction::Merge,
            "merge",
            "http://hl7.org/fhir/OperationDefinition/Patient-merge",
        ),
        (
            Interaction::Split,
            "split",
            "https://tejido.mx/fhir/OperationDefinition/split",
        ),
        (
            Interaction::Person,
            "person",
            "https://tejido.mx/fhir/OperationDefinition/person",
        ),
    ];
    let there = all.into_iter().filter(|(route, ..)| has(*route));
    there.map(|(_, name, definition)| obj! { "name" => name, "definition" => definition })
}

/// Operations that R4 does not define.
fn own_operations() -> impl Iterator<Item = Value> {
    let all = [
        (Interaction::Activate, "activate"),
        (Interaction::Deactivate, "deactivate"),
        (Interaction::Indexing, "indexing"),
    ];
    let there = all.into_iter().filter(|(route, _)| has(*route));
    there.map(|(_, name)| {
        let definition = format!("https://tejido.mx/fhir/OperationDefinition/{name}");
        obj! { "name" => name, "definition" => definition }
    })
}

fn compartments() -> Vec<String> {
    let definition = |name: &&str| {
        let name = name.to_lowercase();
        format!("http://hl7.org/fhir/CompartmentDefinition/{name}")
    };
    match has(Interaction::SearchCompartment) {
        true => COMPARTMENTS.iter().map(definition).collect(),
        false => Vec::new(),
    }
}

fn interactions() -> Vec<Value> {
    [
        (Interaction::Read, "read"),
        (Interaction::Vread, "vread"),
        (Interaction::Update, "update"),
        (Interaction::Patch, "patch"),
        (Interaction::Delete, "delete"),
        (Interaction::HistoryInstance, "history-instance"),
        (Interaction::HistoryType, "history-type"),
        (Interaction::Create, "create"),
        (Interaction::Search, "search-type"),
    ]
    .into_iter()
    .filter(|(interaction, _)| has(*interaction))
    .map(|(_, code)| obj! { "code" => code })
    .collect()
}

/// R4 has a reference parameter or two that point to no type: nothing can be asked of them.
fn can_be_searched(parameter: &SearchParameter) -> bool {
    let pointless = parameter.kind == Kind::Reference && parameter.targets.is_empty();
    parameter.supported() && !pointless
}

fn resource(of: ResourceType, catalog: &Catalog) -> Value {
    let supported: Vec<_> = catalog
        .parameters(of)
        .into_iter()
        .filter(|parameter| can_be_searched(parameter))
        .collect();
    let includes: Vec<String> = supported
        .iter()
        .filter(|parameter| parameter.kind == Kind::Reference)
        .map(|parameter| format!("{of}:{}", parameter.code))
        .collect();
    let parameters: Vec<Value> = supported
        .iter()
        .map(|parameter| {
            let mut loaded = catalog.loaded();
            let definition = (parameter.number >= LOADED)
                .then(|| loaded.find(|(number, ..)| *number == parameter.number))
                .flatten();
            obj! {
                "name" => parameter.code,
                "definition" => definition.map(|(_, url, _)| url),
                "type" => parameter.kind.name(),
            }
        })
        .collect();
    let operations = operations(&[
        (Interaction::Meta, "meta", "Resource-meta"),
        (Interaction::MetaAdd, "meta-add", "Resource-meta-add"),
        (
            Interaction::MetaDelete,
            "meta-delete",
            "Resource-meta-delete",
        ),
        (Interaction::Validate, "validate", "Resource-validate"),
    ])
    .chain(
        operations(&[(Interaction::Everything, "everything", "Patient-everything")])
            .filter(|_| of.name() == "Patient"),
    )
    .chain(
        operations(&[(Interaction::Lastn, "lastn", "Observation-lastn")])
            .filter(|_| of.name() == "Observation"),
    )
    .chain(registry_operations().filter(|_| of.name() == "Patient"))
    .chain(own_operations().filter(|_| of.name() == "SearchParameter"))
    .collect::<Vec<_>>();
    obj! {
        "type" => of.name(),
        "documentation" => (of.name() == "Consent").then_some(OWN_WORD),
        "interaction" => interactions(),
        "versioning" => "versioned-update",
        "readHistory" => true,
        "updateCreate" => true,
        "conditionalCreate" => true,
        "conditionalRead" => "full-support",
        "conditionalUpdate" => true,
        "conditionalDelete" => "single",
        "referencePolicy" => ["literal", "logical", "local"],
        "searchInclude" => (!includes.is_empty()).then_some(includes),
        "searchParam" => (!parameters.is_empty()).then_some(parameters),
        "operation" => operations,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use fhir::search::parameters;

    const SNAPSHOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/capability.json");

    /// `UPDATE_SNAPSHOT=1 cargo test -p api` writes it anew.
    #[test]
    fn the_statement_is_the_committed_one() {
        let now = statement(
            "https://node.example/fhir",
            &Limits::default(),
            &Catalog::r4(),
        );
        let now = format!("{}\n", now.to_pretty());
        if std::env::var_os("UPDATE_SNAPSHOT").is_some() {
            std::fs::write(SNAPSHOT, &now).unwrap();
        }
        let committed = std::fs::read_to_string(SNAPSHOT).unwrap_or_default();
        assert!(
            committed == now,
            "what this server does has changed; look at the change with UPDATE_SNAPSHOT=1 and `git diff`"
        );
    }

    #[test]
    fn the_statement_is_sound_fhir() {
        let statement = statement(
            "https://node.example/fhir",
            &Limits::default(),
            &Catalog::r4(),
        );
        assert_eq!(
            fhir::check(&statement).unwrap().name(),
            "CapabilityStatement"
        );
    }

    /// A value that fits.
    fn sample(parameter: &SearchParameter) -> String {
        match parameter.kind {
            Kind::Date => "eq2020".into(),
            Kind::Number | Kind::Quantity => "1".into(),
            Kind::Reference => match parameter.targets.first() {
                Some(target) => format!("{target}/1"),
                None => "Patient/1".into(),
            },
            Kind::Composite => {
                let parts: Vec<String> = parameter.components.iter().map(sample).collect();
                parts.join("$")
            }
            Kind::Special => "19.4|-99.1".into(),
            _ if parameter.boolean => "true".into(),
            _ => "x".into(),
        }
    }

    #[test]
    fn every_parameter_it_names_can_be_searched_and_no_other() {
        for of in ResourceType::all() {
            for parameter in parameters(of) {
                // `_filter` has a language of its own.
                if parameter.code == "_filter" {
                    continue;
                }
                let pairs = [(parameter.code.to_owned(), sample(parameter))];
                let taken = fhir::query::parse(
                    &fhir::search::Catalog::r4(),
                    of,
                    &pairs,
                    fhir::query::Handling::Strict,
                );
                assert_eq!(
                    taken.is_ok(),
                    can_be_searched(parameter),
                    "{of}?{}: {taken:?}",
                    parameter.code
                );
            }
        }
    }
}
