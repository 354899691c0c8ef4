//! The walk along R4's own definitions: invariants, bindings, extensions, bundles, profiles that a resource claims.
//! Structure has been checked by [`crate::check`] before; what is broken there is passed over here.

use super::{
    conform::is_of,
    item::{Found, Item, members},
    scope::Scope,
    walk::Walk,
};
use crate::{IssueCode, Object, Value, check::place::Place, definitions::table::Element};

/// Where an element stands among the definitions; extensions ask.
pub(super) struct Host<'a, 'v> {
    /// The path of the node that has the element, and the element: `Patient.contact`, `name`.
    pub(super) slot: Option<(&'static str, &'static str)>,
    pub(super) item: &'a Item<'v>,
}

impl<'v> Walk<'v> {
    /// A resource: the whole, an entry's, or a contained one.
    pub(super) fn resource(
        &mut self,
        value: &'v Value,
        place: &Place<'_>,
        outer: Option<&Scope<'_, 'v>>,
        root: Option<&'v Value>,
        url: Option<&'v str>,
    ) {
        let Some(item) = Item::resource(value, self.tables) else {
            return;
        };
        let scope = Scope {
            resource: value,
            root: root.unwrap_or(value),
            outer,
            url,
            depth: place.depth(),
        };
        self.object(&item, place, &scope, None);
        if root.is_none() {
            self.contained_are_meant(value, place);
        }
        match item.of {
            "Bundle" => self.bundle(value, place),
            "QuestionnaireResponse" => self.answers(value, place, &scope),
            _ => {}
        }
        if self.options.meta_profiles {
            let claimed = value.path("meta.profile").map_or(&[][..], Value::items);
            for (i, url) in claimed.iter().enumerate().take(MOST_PROFILES) {
                let Some(url) = url.as_str() else { continue };
                match self.known.find(url) {
                    Some(profile) => self.against(item, profile, place, &scope),
                    None if super::r4::is_type(url) => {}
                    None => {
                        let meta = place.member("meta");
                        let at = meta.item("profile", i);
                        self.warn(
                            IssueCode::NotFound,
                            &at,
                            format!("the profile {url} is not known here, so it was not checked"),
                        );
                    }
                }
            }
        }
    }

    /// What holds for an object besides its structure, and for all below it.
    pub(super) fn object(
        &mut self,
        item: &Item<'v>,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
        slot: Option<(&'static str, &'static str)>,
    ) {
        let (Some(object), Some(at)) = (item.object(), item.node) else {
            return;
        };
        let Some(node) = self.tables.node(at) else {
            return;
        };
        if let Some(of_node) = self.rules.of_node(at) {
            for rule in &of_node.rules {
                self.invariant(rule, item, place, scope);
            }
        }
        self.absolute(item, node.path, place);
        let mut below = Vec::new();
        for (name, _) in object.iter() {
            let bare = name.strip_prefix('_').unwrap_or(name);
            if bare.len() < name.len() && object.get(bare).is_some() {
                continue;
            }
            let Some(element) = node.element(bare) else {
                continue;
            };
            below.clear();
            members(object, element, self.tables, &mut below);
            for found in below.drain(..) {
                let place = place_of(place, &found);
                if !self.may_go_on(&place) {
                    return;
                }
                self.element(&found, at, node.path, item, &place, scope, slot);
            }
        }
    }

    /// One value of an element.
    #[allow(clippy::too_many_arguments)]
    fn element(
        &mut self,
        found: &Found<'v>,
        parent: u16,
        parent_path: &'static str,
        parent_item: &Item<'v>,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
        parent_slot: Option<(&'static str, &'static str)>,
    ) {
        let (item, element) = (&found.item, found.element);
        if let Some(here) = self.rules.of_element(parent, element.slot) {
            for rule in &here.rules {
                self.invariant(rule, item, place, scope);
            }
            if let Some(binding) = &here.binding {
                self.bound(item, binding, place);
            }
            for url in &here.profiles {
                // Of a choice, the profile is that of one type.
                if let Some(profile) = super::r4::profile(url).filter(|p| is_of(item, &p.of)) {
                    self.against(*item, profile, place, scope);
                }
            }
        }
        if is_resource(element) {
            let Some(value) = item.value else { return };
            match element.name {
                "contained" => {
                    self.resource(value, place, scope.outer, Some(scope.root), scope.url)
                }
                _ => {
                    let url = parent_item.text("fullUrl");
                    self.resource(value, place, Some(scope), None, url);
                }
            }
            return;
        }
        let slot = self
            .tables
            .node(parent)
            .map(|n| (parent_path, n.slot(element.slot.into())));
        if let Some(extra) = item.extra {
            self.sibling(extra, item, place, scope, slot);
        }
        match item.of {
            "Extension" => {
                let host = Host {
                    slot: parent_slot,
                    item: parent_item,
                };
                self.extension(item, element.name, place, scope, &host);
            }
            "Attachment" => self.attachment(item, place),
            "Coding" => self.coding(item, place),
            "xhtml" => self.narrative(item, place),
            "Reference" => self.reference_here(item, place, scope),
            _ => {}
        }
        if item.node.is_some() {
            self.object(item, place, scope, slot);
        }
    }

    /// The id and extensions of a primitive.
    fn sibling(
        &mut self,
        extra: &'v Object,
        item: &Item<'v>,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
        slot: Option<(&'static str, &'static str)>,
    ) {
        let mut below = Vec::new();
        let node = self.tables.node(self.tables.special.element);
        let Some(element) = node.and_then(|n| n.element("extension")) else {
            return;
        };
        members(extra, element, self.tables, &mut below);
        for found in below {
            let place = place_of(place, &found);
            if !self.may_go_on(&place) {
                return;
            }
            let host = Host { slot, item };
            self.extension(&found.item, "extension", &place, scope, &host);
            self.object(&found.item, &place, scope, Some(("Element", "extension")));
        }
    }

    /// A reference that should lead to something near and does not.
    fn reference_here(&mut self, item: &Item<'v>, place: &Place<'_>, scope: &Scope<'_, 'v>) {
        let Some(text) = item.text("reference") else {
            return;
        };
        // Looking up costs a walk over the bundle: only who states a type asks for it.
        let Some(stated) = item.text("type") else {
            return;
        };
        let Some(target) = scope.resolve(text) else {
            return;
        };
        let of = target.text("resourceType").unwrap_or_default();
        if stated != of && stated.strip_prefix(super::r4::HL7) != Some(of) {
            self.wrong(
                IssueCode::Structure,
                place,
                format!("the reference says that it leads to a {stated}, but \"{text}\" is a {of}"),
            );
        }
    }
}

/// Profiles that one resource may claim.
const MOST_PROFILES: usize = 16;

fn is_resource(element: &Element) -> bool {
    element.kind == crate::definitions::table::Kind::Resource
}

/// The place of an item below a place.
pub(super) fn place_of<'p>(place: &'p Place<'p>, found: &Found<'_>) -> Place<'p> {
    match found.index {
        Some(i) => place.item(found.element.name, i),
        None => place.member(found.element.name),
    }
}
