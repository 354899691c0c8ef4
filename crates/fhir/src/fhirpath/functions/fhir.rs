//! What FHIR adds to FHIRPath. Source: <http://hl7.org/fhir/R4/fhirpath.html#functions>.

use super::{call::Work, html};
use crate::{
    Value,
    fhirpath::{
        Fault, PathError,
        eval::{Outcome, single},
        item::{Found, Item},
        tree::Function,
        types::FhirType,
    },
};

pub(super) fn call<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    match work.call.function {
        Function::Extension => extension(work),
        Function::HasExtension => Ok(Found::truth(!extension(work)?.is_empty())),
        Function::HasValue => Ok(Found::truth(match work.input.items() {
            [Item::Node(node)] => node.is_primitive() && node.value.is_some(),
            [_] => true,
            _ => false,
        })),
        Function::GetValue => Ok(work.one()?.into()),
        Function::Resolve => resolve(work),
        Function::MemberOf => member_of(work),
        Function::ConformsTo => conforms_to(work),
        Function::CheckModifiers => check_modifiers(work),
        _ => match work.one()? {
            None => Ok(Found::None),
            Some(Item::String(text)) => {
                work.run.tick(text.len() / 16)?;
                Ok(Found::truth(html::is_narrative(&text)))
            }
            Some(_) => Err(PathError::execution("`htmlChecks` works on XHTML")),
        },
    }
}

fn extension<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let Some(url) = work.text_argument(0)? else {
        return Ok(Found::None);
    };
    let mut found = Found::None;
    for item in work.input.items() {
        if let Item::Node(node) = item {
            node.extensions(&url, &mut found);
        }
    }
    Ok(found)
}

/// References and URLs to the resources they name: contained, in the same Bundle, or where the context looks.
fn resolve<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let mut found = Found::None;
    for item in work.input.items() {
        work.run.tick(1)?;
        let reference = match item {
            Item::Node(node) if !node.is_primitive() => node
                .value
                .and_then(|v| v.text("reference"))
                .map(std::borrow::Cow::Borrowed),
            other => match other.computed() {
                Some(Item::String(text)) => Some(text),
                _ => None,
            },
        };
        let Some(reference) = reference else { continue };
        let context = work.run.context;
        if let Some(id) = reference.strip_prefix('#') {
            if let Some(inner) = contained(work, id) {
                found.push(Item::resource(inner));
            }
        } else if let Some(inner) = in_bundle(work, &reference) {
            found.push(Item::resource(inner));
        } else if let Some(value) = context.resolve.and_then(|resolve| resolve(&reference)) {
            let Some(kept) = context.kept.keep(value) else {
                let reason = "the expression resolves more resources than one evaluation may";
                return Err(PathError::new(Fault::Limit, reason));
            };
            found.push(Item::resource(kept));
        }
    }
    Ok(found)
}

/// `#id`, or `#` for the resource that contains.
fn contained<'a>(work: &Work<'_, '_, 'a>, id: &str) -> Option<&'a Value> {
    let context = work.run.context;
    for holder in [&context.resource, &context.root] {
        let holder = holder.as_ref().and_then(Item::value)?;
        if id.is_empty() {
            return context.root.as_ref().and_then(Item::value);
        }
        let inner = holder
            .list("contained")
            .iter()
            .find(|c| c.text("id") == Some(id));
        if inner.is_some() {
            return inner;
        }
    }
    None
}

fn in_bundle<'a>(work: &Work<'_, '_, 'a>, reference: &str) -> Option<&'a Value> {
    let root = work.run.context.root.as_ref().and_then(Item::value)?;
    if root.text("resourceType") != Some("Bundle") {
        return None;
    }
    let of = |entry: &'a Value| {
        let resource = entry.get("resource")?;
        let (of, id) = (resource.text("resourceType")?, resource.text("id"));
        let local = reference
            .split_once('/')
            .is_some_and(|(kind, rest)| kind == of && Some(rest) == id);
        (local || entry.text("fullUrl") == Some(reference)).then_some(resource)
    };
    root.list("entry").iter().find_map(of)
}

fn member_of<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let Some(set) = work.text_argument(0)? else {
        return Ok(Found::None);
    };
    let Some(item) = single(work.input, "what `memberOf` works on")? else {
        return Ok(Found::None);
    };
    let Some(member_of) = work.run.context.member_of else {
        let reason = "`memberOf` is asked, but there is no terminology here";
        return Err(PathError::execution(reason));
    };
    Ok(member_of(item, &set).map(Item::Boolean).into())
}

const BASE: &str = "http://hl7.org/fhir/StructureDefinition/";

fn conforms_to<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let Some(url) = work.text_argument(0)? else {
        return Ok(Found::None);
    };
    let Some(item) = single(work.input, "what `conformsTo` works on")? else {
        return Ok(Found::None);
    };
    let base = url.strip_prefix(BASE).and_then(FhirType::from_name);
    let known = match (base, item, work.run.context.conforms_to) {
        (Some(base), Item::Node(node), _) => Some(node.of.is(base)),
        (_, item, Some(conforms_to)) => conforms_to(item, &url),
        _ => None,
    };
    match known {
        Some(conforms) => Ok(Found::truth(conforms)),
        None => Err(PathError::execution(format!(
            "the profile {url} is not known here"
        ))),
    }
}

/// The input, unless it has a modifier extension that is not among those named.
fn check_modifiers<'a>(work: &Work<'_, '_, 'a>) -> Outcome<'a> {
    let mut known = Vec::new();
    for at in 0..work.call.arguments.len() {
        known.extend(work.text_argument(at)?);
    }
    for item in work.input.items() {
        let modifiers = item
            .value()
            .map_or(&[][..], |v| v.list("modifierExtension"));
        for url in modifiers.iter().filter_map(|m| m.text("url")) {
            if !known.iter().any(|k| k == url) {
                let reason = format!("the modifier extension {url} is not understood here");
                return Err(PathError::execution(reason));
            }
        }
    }
    Ok(work.input.clone())
}
