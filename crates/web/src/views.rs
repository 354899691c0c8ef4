//! What each page shows, as typed views that are pure functions of what the rooms below answered, and templates that
//! only lay them out. A view takes a [`Frame`] and data; it gives the finished HTML.

pub mod delegates;
pub mod desk;
pub mod emergency;
pub mod entry;
pub mod errand;
pub mod fault;
pub mod field;
pub mod find;
pub mod frame;
pub mod history;
pub mod home;
pub mod kin;
pub mod lines;
pub mod looks;
pub mod orders;
pub mod person;
pub mod proof;
pub mod registry;
pub mod rules;
pub mod speak;
pub mod tell;
pub mod trends;
pub mod why;
pub mod wish;

pub use frame::Frame;

/// Renders a template. A template of ours cannot fail but for memory; then the page is empty rather than wrong.
pub(crate) fn render(page: &impl askama::Template) -> String {
    page.render().unwrap_or_default()
}
