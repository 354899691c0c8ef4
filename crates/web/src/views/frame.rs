//! What all pages share: head, navigation, language, who is signed in.

use crate::text::Text;
use crate::threads::Threads;
use trust::{Actor, Role};

/// Who is signed in, as the header shows her.
#[derive(Clone, Debug)]
pub struct User {
    /// Her name.
    pub name: String,
    /// Her role in words.
    pub role: String,
    /// Who sits beside her at a desk.
    pub helper: Option<String>,
    /// In whose name she works.
    pub delegator: Option<String>,
}

/// A link of the navigation.
#[derive(Clone, Debug)]
pub struct NavItem {
    /// Where to.
    pub href: &'static str,
    /// Words.
    pub label: String,
    /// The page that is open.
    pub current: bool,
}

/// The frame around a page.
#[derive(Clone, Debug)]
pub struct Frame {
    /// Sentences.
    pub t: Text,
    /// Title of the page.
    pub title: String,
    /// This node's name.
    pub node: String,
    /// Who is signed in.
    pub user: Option<User>,
    /// The session's form token.
    pub csrf: String,
    /// Navigation for the role.
    pub nav: Vec<NavItem>,
    /// Path of this page, for the language switch.
    pub path: String,
    /// What just happened, said once.
    pub flash: Option<String>,
    /// Threads of the network.
    pub threads: Threads,
    /// The pact knows referrals as evidence.
    pub refers: bool,
}

impl Frame {
    /// A frame for somebody, or for nobody yet.
    pub fn new(
        t: Text,
        threads: Threads,
        node: String,
        path: &str,
        actor: Option<&Actor>,
    ) -> Frame {
        Frame {
            t,
            title: String::new(),
            node,
            user: actor.map(|a| User {
                name: a.name.clone(),
                role: role(t, a.role),
                helper: a.helper.as_ref().map(|helper| helper.name.clone()),
                delegator: a.delegator.as_ref().map(|by| by.name.clone()),
            }),
            csrf: String::new(),
            refers: false,
            nav: actor.map_or_else(Vec::new, |a| {
                let mut nav = navigation(t, a.role, path);
                // No record is opened at a desk.
                nav.retain(|item| a.helper.is_none() || item.href != "/historia");
                // Nobody keeps the register or breaks the glass in another's name.
                let own = ["/registro", "/segundo-factor"];
                nav.retain(|item| a.delegator.is_none() || !own.contains(&item.href));
                nav
            }),
            path: path.to_owned(),
            flash: None,
            threads,
        }
    }
    /// Sets the title.
    pub fn titled(mut self, title: impl Into<String>) -> Frame {
        self.title = title.into();
        self
    }
    /// Sets the session's form token.
    pub fn with_csrf(mut self, csrf: String) -> Frame {
        self.csrf = csrf;
        self
    }
    pub(crate) fn other_language(&self) -> String {
        let other = if self.t.english() { "es" } else { "en" };
        format!("/idioma/{other}?volver={}", self.path)
    }
    /// Who sits beside her, as a sentence; empty for whoever is alone.
    pub(crate) fn helped(&self) -> String {
        let helper = self.user.as_ref().and_then(|user| user.helper.as_deref());
        helper.map_or_else(String::new, |who| {
            self.t.fill("desk.helped", &[("who", who)])
        })
    }
    /// In whose name she works, as a sentence; empty for whoever works in her own.
    pub(crate) fn in_name(&self) -> String {
        let by = self
            .user
            .as_ref()
            .and_then(|user| user.delegator.as_deref());
        by.map_or_else(String::new, |who| {
            self.t.fill("delegates.in_name", &[("who", who)])
        })
    }
    pub(crate) fn icon(&self, name: &str) -> &'static str {
        icon(name)
    }
    pub(crate) fn mark(&self) -> &'static str {
        crate::weave::MARK
    }
}

/// A role in words.
pub(crate) fn role(t: Text, role: Role) -> String {
    let key = match role {
        Role::Physician => "role.physician",
        Role::Nurse => "role.nurse",
        Role::Pharmacist => "role.pharmacist",
        Role::Clerk => "role.clerk",
        Role::Patient => "role.patient",
        Role::System => "role.system",
        Role::Operator => "role.operator",
        Role::Privacy => "role.privacy-officer",
    };
    t.say(key).to_owned()
}

fn navigation(t: Text, role: Role, path: &str) -> Vec<NavItem> {
    let items: &[(&str, &str)] = match role {
        Role::Patient => &[
            ("/", "nav.home"),
            ("/historia", "nav.history"),
            ("/accesos", "nav.looks"),
            ("/reglas", "nav.rules"),
            ("/saber", "nav.wish"),
            ("/quien-soy", "nav.whoami"),
            ("/codigo", "nav.code"),
        ],
        Role::Physician | Role::Nurse => &[
            ("/", "nav.find"),
            ("/mostrador", "nav.desk"),
            ("/encargos", "nav.delegates"),
            ("/segundo-factor", "nav.factor"),
        ],
        Role::Pharmacist => &[
            ("/", "nav.find"),
            ("/mostrador", "nav.desk"),
            ("/encargos", "nav.delegates"),
        ],
        Role::Clerk => &[
            ("/", "nav.find"),
            ("/mostrador", "nav.desk"),
            ("/encargos", "nav.delegates"),
            ("/registro", "nav.registry"),
        ],
        Role::Privacy => &[("/revisiones", "nav.reviews"), ("/ordenes", "nav.orders")],
        Role::System | Role::Operator => &[],
    };
    items
        .iter()
        .map(|&(href, key)| NavItem {
            href,
            label: t.say(key).to_owned(),
            current: path == href || (href != "/" && path.starts_with(href)),
        })
        .collect()
}

/// Small drawn signs; each stands beside words that say the same.
pub(crate) fn icon(name: &str) -> &'static str {
    match name {
        "check" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M4 10.5l4 4 8-9"/></svg>"#
        }
        "warn" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M10 2.8L18 17H2zM10 8v4.2M10 14.6v.2"/></svg>"#
        }
        "cross" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M5 5l10 10M15 5L5 15"/></svg>"#
        }
        "clock" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="7.2"/><path d="M10 6v4.4l3 1.8"/></svg>"#
        }
        "lock" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M4.5 9h11v8h-11zM7 9V6.5a3 3 0 016 0V9"/></svg>"#
        }
        "eye" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><path d="M2 10s3-5.5 8-5.5 8 5.5 8 5.5-3 5.5-8 5.5S2 10 2 10z"/><circle cx="10" cy="10" r="2.4"/></svg>"#
        }
        "twice" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><circle cx="7.5" cy="10" r="4.7"/><circle cx="12.5" cy="10" r="4.7"/></svg>"#
        }
        "gear" => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><rect x="4" y="4" width="12" height="12" rx="2"/><path d="M10 1.5V4M10 16v2.5M1.5 10H4M16 10h2.5"/></svg>"#
        }
        _ => {
            r#"<svg class="icon" viewBox="0 0 20 20" aria-hidden="true"><circle cx="10" cy="10" r="3"/></svg>"#
        }
    }
}
