//! Every route of this door, in one list. The router is built from it, the CapabilityStatement speaks of it, and the
//! permission matrix of the tests must have a row for each of its entries.

use crate::fault::Fault;
use fhir::IssueCode;
use std::sync::LazyLock;

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Interaction {
    Metadata,
    Bundle,
    HistorySystem,
    Search,
    SearchPosted,
    SearchSystem,
    SearchSystemPosted,
    SearchCompartment,
    Create,
    HistoryType,
    Read,
    Update,
    UpdateWhere,
    Patch,
    PatchWhere,
    Meta,
    MetaOfType,
    MetaOfSystem,
    MetaAdd,
    MetaDelete,
    Validate,
    ValidateInstance,
    ValidateStored,
    Delete,
    DeleteWhere,
    HistoryInstance,
    Vread,
    Everything,
    Lastn,
    LastnPosted,
    Match,
    Pix,
    PixPosted,
    Person,
    Merge,
    Split,
    Activate,
    Deactivate,
    Indexing,
    IndexingOfAll,
    LogFile,
    Live,
    Ready,
}

impl Interaction {
    /// Whether it reads what is stored, however much of it, and does nothing else.
    pub(crate) fn only_looks(self) -> bool {
        use Interaction::*;
        matches!(
            self,
            Read | Vread
                | Search
                | SearchPosted
                | SearchSystem
                | SearchSystemPosted
                | SearchCompartment
                | HistoryInstance
                | HistoryType
                | HistorySystem
                | Everything
        )
    }
}

/// Who may come through a route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Entry {
    /// Anyone: it touches no record and says nothing of anyone.
    Public,
    /// Whoever shows a token; what she may do is decided at the gate.
    Token,
}

/// One route.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// `GET` also answers `HEAD`.
    pub method: &'static str,
    /// Its path; `{...}` stands for one segment, `{*}` for the rest.
    pub path: &'static str,
    /// What it does.
    pub interaction: Interaction,
    /// Who may come.
    pub entry: Entry,
}

const fn route(
    method: &'static str,
    path: &'static str,
    interaction: Interaction,
    entry: Entry,
) -> Route {
    Route {
        method,
        path,
        interaction,
        entry,
    }
}

/// All routes. Of two that fit a path, the first counts.
pub static ROUTES: &[Route] = &[
    route("GET", "/health/live", Interaction::Live, Entry::Public),
    route("GET", "/health/ready", Interaction::Ready, Entry::Public),
    route("GET", "/log/{*}", Interaction::LogFile, Entry::Public),
    route(
        "GET",
        "/fhir/metadata",
        Interaction::Metadata,
        Entry::Public,
    ),
    route("POST", "/fhir", Interaction::Bundle, Entry::Token),
    route("GET", "/fhir", Interaction::SearchSystem, Entry::Token),
    route(
        "POST",
        "/fhir/_search",
        Interaction::SearchSystemPosted,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/_history",
        Interaction::HistorySystem,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/$meta",
        Interaction::MetaOfSystem,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/{type}/$meta",
        Interaction::MetaOfType,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/{type}/{id}/$meta",
        Interaction::Meta,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/{type}/{id}/$meta-add",
        Interaction::MetaAdd,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/{type}/{id}/$meta-delete",
        Interaction::MetaDelete,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/{type}/$validate",
        Interaction::Validate,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/{type}/{id}/$validate",
        Interaction::ValidateInstance,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/{type}/{id}/$validate",
        Interaction::ValidateStored,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/{type}/_search",
        Interaction::SearchPosted,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/{type}/_history",
        Interaction::HistoryType,
        Entry::Token,
    ),
    route("GET", "/fhir/{type}", Interaction::Search, Entry::Token),
    route("POST", "/fhir/{type}", Interaction::Create, Entry::Token),
    route(
        "PUT",
        "/fhir/{type}",
        Interaction::UpdateWhere,
        Entry::Token,
    ),
    route(
        "PATCH",
        "/fhir/{type}",
        Interaction::PatchWhere,
        Entry::Token,
    ),
    route(
        "DELETE",
        "/fhir/{type}",
        Interaction::DeleteWhere,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/Patient/{id}/$everything",
        Interaction::Everything,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/Patient/$match",
        Interaction::Match,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/Patient/$ihe-pix",
        Interaction::Pix,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/Patient/$ihe-pix",
        Interaction::PixPosted,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/Patient/{id}/$person",
        Interaction::Person,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/Patient/$merge",
        Interaction::Merge,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/Patient/$split",
        Interaction::Split,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/Observation/$lastn",
        Interaction::Lastn,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/Observation/$lastn",
        Interaction::LastnPosted,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/SearchParameter/{id}/$activate",
        Interaction::Activate,
        Entry::Token,
    ),
    route(
        "POST",
        "/fhir/SearchParameter/{id}/$deactivate",
        Interaction::Deactivate,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/SearchParameter/{id}/$indexing",
        Interaction::Indexing,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/SearchParameter/$indexing",
        Interaction::IndexingOfAll,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/{type}/{id}/_history",
        Interaction::HistoryInstance,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/{type}/{id}/_history/{version}",
        Interaction::Vread,
        Entry::Token,
    ),
    route(
        "GET",
        "/fhir/{type}/{id}/{within}",
        Interaction::SearchCompartment,
        Entry::Token,
    ),
    route("GET", "/fhir/{type}/{id}", Interaction::Read, Entry::Token),
    route(
        "PUT",
        "/fhir/{type}/{id}",
        Interaction::Update,
        Entry::Token,
    ),
    route(
        "PATCH",
        "/fhir/{type}/{id}",
        Interaction::Patch,
        Entry::Token,
    ),
    route(
        "DELETE",
        "/fhir/{type}/{id}",
        Interaction::Delete,
        Entry::Token,
    ),
];

/// A route and what stood in its places.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Places {
    pub(crate) of: String,
    pub(crate) id: String,
    pub(crate) version: String,
    /// The type searched in a compartment, or `*`.
    pub(crate) within: String,
    pub(crate) rest: String,
}

/// Finds the route of a request; else 404, or 405 with the methods that the path takes. Cost: one walk of the list.
pub(crate) fn find(method: &str, path: &str) -> Result<(&'static Route, Places), Fault> {
    let method = if method == "HEAD" { "GET" } else { method };
    let path = match path {
        "/fhir/" => "/fhir",
        other => other,
    };
    let mut allowed: Vec<&str> = Vec::new();
    let segments: Vec<&str> = path.split('/').collect();
    for (route, pattern) in PATTERNS.iter() {
        if !fits(pattern, &segments) {
            continue;
        }
        if route.method == method {
            return Ok((route, placed(pattern, &segments)));
        }
        if !allowed.contains(&route.method) {
            allowed.push(route.method);
        }
    }
    if allowed.is_empty() {
        return Err(Fault::new(
            404,
            IssueCode::NotSupported,
            "There is nothing at this address; GET /fhir/metadata says what this server does.",
        ));
    }
    if allowed.contains(&"GET") {
        allowed.push("HEAD");
    }
    let allow = allowed.join(", ");
    Err(Fault {
        allow: Some(allow.clone()),
        ..Fault::new(
            405,
            IssueCode::NotSupported,
            format!("This address does not take this method; it takes {allow}."),
        )
    })
}

/// The pattern of the route that a request goes to, for counting: it names nobody. `None` when there is none.
pub fn pattern(method: &str, path: &str) -> Option<&'static str> {
    find(method, path).ok().map(|(route, _)| route.path)
}

/// The routes, and their patterns in parts.
static PATTERNS: LazyLock<Vec<(&Route, Vec<&str>)>> = LazyLock::new(|| {
    let parts = |route: &'static Route| (route, route.path.split('/').collect());
    ROUTES.iter().map(parts).collect()
});

/// What stands for all the rest of a path.
const REST: &str = "{*}";

fn fits(pattern: &[&str], segments: &[&str]) -> bool {
    let (pattern, open) = match pattern.split_last() {
        Some((&REST, before)) => (before, true),
        _ => (pattern, false),
    };
    let (there, rest) = match segments.split_at_checked(pattern.len()) {
        Some(parts) => parts,
        None => return false,
    };
    let whole = match open {
        true => rest.iter().any(|segment| !segment.is_empty()) || rest.len() > 1,
        false => rest.is_empty(),
    };
    // What FHIR itself puts in a place is no type and no id.
    let fits = |(part, segment): (&&str, &&str)| match part.starts_with('{') {
        true => !segment.is_empty() && !segment.starts_with(['_', '$']),
        false => part == segment,
    };
    whole && pattern.iter().zip(there).all(fits)
}

fn placed(pattern: &[&str], segments: &[&str]) -> Places {
    let mut places = Places::default();
    for (at, (part, segment)) in pattern.iter().zip(segments).enumerate() {
        let place = match *part {
            "{type}" => &mut places.of,
            "{id}" => &mut places.id,
            "{version}" => &mut places.version,
            "{within}" => &mut places.within,
            REST => {
                places.rest = segments.get(at..).unwrap_or_default().join("/");
                break;
            }
            _ => continue,
        };
        place.push_str(segment);
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn found(method: &str, path: &str) -> (Interaction, String) {
        let (route, places) = find(method, path).unwrap();
        let said = [
            places.of,
            places.id,
            places.version,
            places.within,
            places.rest,
        ];
        let said = said.into_iter().filter(|place| !place.is_empty());
        (route.interaction, said.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn each_path_finds_its_route() {
        use Interaction::*;
        let cases = [
            ("POST", "/fhir", Bundle, ""),
            ("POST", "/fhir/", Bundle, ""),
            ("GET", "/fhir", SearchSystem, ""),
            ("POST", "/fhir/_search", SearchSystemPosted, ""),
            ("HEAD", "/fhir/metadata", Metadata, ""),
            ("GET", "/fhir/Patient", Search, "Patient"),
            ("POST", "/fhir/Patient/_search", SearchPosted, "Patient"),
            ("GET", "/fhir/Patient/1", Read, "Patient 1"),
            ("GET", "/fhir/Patient/1/_history/2", Vread, "Patient 1 2"),
            (
                "GET",
                "/fhir/Patient/1/Observation",
                SearchCompartment,
                "Patient 1 Observation",
            ),
            ("GET", "/fhir/Patient/1/*", SearchCompartment, "Patient 1 *"),
            ("GET", "/fhir/Patient/1/$everything", Everything, "1"),
            ("GET", "/fhir/_history", HistorySystem, ""),
            ("POST", "/fhir/SearchParameter/sp/$activate", Activate, "sp"),
            ("GET", "/fhir/SearchParameter/$indexing", IndexingOfAll, ""),
            ("GET", "/log/tile/0/000", LogFile, "tile/0/000"),
        ];
        for (method, path, interaction, places) in cases {
            let (got, said) = found(method, path);
            assert_eq!((got, said.trim()), (interaction, places), "{method} {path}");
        }
    }

    #[test]
    fn a_wrong_method_is_told_which_ones_there_are() {
        let fault = find("POST", "/fhir/Patient/1").unwrap_err();
        assert_eq!(fault.status, 405);
        assert_eq!(
            fault.allow.as_deref(),
            Some("GET, PUT, PATCH, DELETE, HEAD")
        );
        assert_eq!(find("PUT", "/fhir").unwrap_err().status, 405);
    }

    #[test]
    fn what_no_route_fits_is_not_there() {
        for path in [
            "/fhir/Patient/1/Observation/2",
            "/fhir/Patient//",
            "/fhir/$reindex",
            "/fhir/Observation/1/$everything",
            "/log/",
            "/other",
        ] {
            assert_eq!(find("GET", path).unwrap_err().status, 404, "{path}");
        }
    }
}
