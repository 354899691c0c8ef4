//! Extensions: those that are known against their definition, and where they may stand.

use super::{
    UnknownExtension,
    base::Host,
    item::Item,
    r4,
    scope::Scope,
    shape::{Profile, Shape},
    walk::Walk,
};
use crate::{
    IssueCode, ResourceType, Value,
    check::{near, place::Place},
    definitions::table::tables,
    fhirpath::{self, Expression},
};

/// Extensions of R4 that its own package, and HL7's guides, use far beyond the contexts it gives them (later versions widened them).
const WIDER: &[&str] = &[
    "capabilitystatement-expectation",
    "regex",
    "structuredefinition-fhir-type",
    "structuredefinition-fmm",
    "structuredefinition-normative-version",
    "structuredefinition-standards-status",
    "structuredefinition-wg",
    "valueset-concept-comments",
];

impl<'v> Walk<'v> {
    /// One extension of an element.
    pub(super) fn extension(
        &mut self,
        item: &Item<'v>,
        name: &str,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
        host: &Host<'_, 'v>,
    ) {
        let Some(url) = item.text("url") else {
            return;
        };
        let modifies = name == "modifierExtension";
        if !url.contains(':') {
            // Inside another extension, names are relative to it, and its definition says which there are.
            if host.item.of != "Extension" {
                self.wrong(
                    IssueCode::Extension,
                    &place.member("url"),
                    format!("found {}; expected an absolute URL", near::quoted(url)),
                );
            } else if let Some(outer) = host.item.text("url").and_then(|url| self.known.find(url))
                && outer
                    .root
                    .child("extension")
                    .is_none_or(|e| !has_slice(e, url))
            {
                self.wrong(
                    IssueCode::Extension,
                    place,
                    format!(
                        "the extension {} has no part {}",
                        outer.url,
                        near::quoted(url)
                    ),
                );
            }
            return;
        }
        let Some(profile) = self.known.find(url).filter(|p| p.of == "Extension") else {
            let text = format!("the extension {} is not known here", near::quoted(url));
            match self.options.unknown_extensions {
                _ if modifies => self.wrong(
                    IssueCode::Extension,
                    place,
                    format!("{text}, and it may change the meaning of what it stands in"),
                ),
                UnknownExtension::Remark => self.remark(place, text),
                UnknownExtension::Error => self.wrong(IssueCode::Extension, place, text),
            }
            return;
        };
        self.context(profile, place, scope, host);
        self.against(*item, profile, place, scope);
    }

    /// Whether an extension may stand where it does.
    fn context(
        &mut self,
        profile: &'v Profile,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
        host: &Host<'_, 'v>,
    ) {
        if profile.contexts.is_empty()
            || WIDER.contains(&profile.url.strip_prefix(r4::HL7).unwrap_or_default())
        {
            return;
        }
        let path = path_here(place, scope);
        let may = profile
            .contexts
            .iter()
            .any(|(kind, expression)| match kind.as_str() {
                // On an extension's value the extension itself is out of sight: taken as it is.
                "extension" => {
                    host.item.text("url") == Some(expression)
                        || host.slot == Some(("Extension", "value[x]"))
                }
                "element" => stands_at(expression, &path, host),
                "fhirpath" => selects(expression, scope.resource, host),
                _ => true,
            });
        if !may {
            let allowed = near::listed(profile.contexts.iter().map(|(_, e)| e.as_str()), 8);
            self.wrong(
                IssueCode::Extension,
                place,
                format!(
                    "the extension {} may not stand here; it belongs to {allowed}",
                    profile.url
                ),
            );
        }
    }
}

/// Whether a complex extension has a part of that name.
fn has_slice(extension: &Shape, url: &str) -> bool {
    extension.slices.iter().any(|slice| {
        let fixed = slice.child("url").and_then(|u| u.fixed.as_ref());
        fixed.and_then(Value::as_str) == Some(url) || slice.slice.as_deref() == Some(url)
    })
}

/// Whether an expression finds what has the extension; also when it cannot be worked out.
fn selects(expression: &str, resource: &Value, host: &Host<'_, '_>) -> bool {
    let Some(holder) = host.item.value else {
        return true;
    };
    let Ok(expression) = Expression::parse(expression) else {
        return true;
    };
    let context = fhirpath::Context::new(resource);
    let found = expression.evaluate(fhirpath::Item::resource(resource), &context);
    found.map_or(true, |found| {
        let mut values = found.iter().filter_map(fhirpath::Item::value);
        values.any(|value| std::ptr::eq(value, holder))
    })
}

/// The path of what has the extension, from its resource on: `Patient.contact.name`.
fn path_here(place: &Place<'_>, scope: &Scope<'_, '_>) -> String {
    let all = place.to_string();
    let mut path = scope
        .resource
        .text("resourceType")
        .unwrap_or_default()
        .to_owned();
    let steps: Vec<&str> = all.split('.').collect();
    let below = steps.get(scope.depth + 1..).unwrap_or_default();
    let (_, before) = below.split_last().unwrap_or((&"", &[]));
    for step in before {
        path.push('.');
        path.push_str(
            step.trim_start_matches('_')
                .split('[')
                .next()
                .unwrap_or_default(),
        );
    }
    path
}

fn stands_at(expression: &str, path: &str, host: &Host<'_, '_>) -> bool {
    let of = host.item.of;
    let is_resource = ResourceType::from_name(of).is_some();
    let node = host.item.definition(tables()).map(|n| n.path);
    if expression == path || expression == of || node == Some(expression) {
        return true;
    }
    if let Some((parent, name)) = host.slot
        && (expression.strip_prefix(parent) == Some(&format!(".{name}"))
            // `Observation.value[x]` for `Observation.valueQuantity`.
            || expression.strip_suffix("[x]").is_some_and(|stem| path.starts_with(stem) && name.ends_with("[x]")))
    {
        return true;
    }
    // An element that the host's type has from its base: `DomainResource.text`.
    if let (Some((base, name)), Some((_, own))) = (expression.rsplit_once('.'), host.slot)
        && name == own
        && matches!(
            base,
            "Resource" | "DomainResource" | "Element" | "BackboneElement"
        )
    {
        return true;
    }
    match expression {
        // Resources are elements too, by what the package itself does.
        "Element" => true,
        "BackboneElement" => of == "BackboneElement",
        "Resource" => is_resource,
        "DomainResource" => is_resource && !matches!(of, "Bundle" | "Parameters" | "Binary"),
        // Patterns of later versions, and elements of types that others build on.
        "CanonicalResource" | "MetadataResource" => is_resource,
        "Quantity" => matches!(of, "Age" | "Count" | "Distance" | "Duration" | "Money"),
        _ => match expression.strip_prefix(r4::HL7) {
            Some(bare) => stands_at(bare, path, host),
            // A path that the tables do not have cannot be judged.
            None => !r4::has_path(expression),
        },
    }
}
