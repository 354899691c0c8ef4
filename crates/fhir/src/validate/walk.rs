//! The state of one validation: what is known, what was found, and how much work is left to spend.

use super::{
    Known, Options,
    r4::Rules,
    scope::Scope,
    shape::{Profile, Severity},
};
use crate::{Issue, IssueCode, Value, check::place::Place, definitions::table::Tables};
use std::collections::{HashMap, HashSet};

/// Errors told before giving up on the rest; as many warnings and remarks are told beside them.
pub(super) const MOST_ISSUES: usize = 200;
/// Elements looked at before giving up: a bundle of 16 MB takes a tenth of that.
const MOST_STEPS: u64 = 20_000_000;
/// Profiles within profiles.
pub(super) const DEEPEST: usize = 96;

/// One validation.
pub(super) struct Walk<'v> {
    pub(super) tables: &'static Tables,
    pub(super) rules: &'static Rules,
    pub(super) known: &'v Known,
    pub(super) options: Options<'v>,
    pub(super) issues: Vec<Issue>,
    /// How many of them are errors.
    errors: usize,
    /// Places and texts told, so that two profiles that ask the same are heard once.
    told: HashSet<(String, String)>,
    pub(super) steps: u64,
    /// Whether an issue did not fit or the work ran out.
    pub(super) cut: bool,
    /// Expressions that ran into their limit.
    pub(super) endless: u32,
    /// Verdicts on resources that more than one reference or slice asks about: by place in memory and profile.
    pub(super) judged: HashMap<(usize, usize), bool>,
    /// The profile being asked, when it is not R4 itself.
    pub(super) under: Option<&'v Profile>,
}

impl<'v> Walk<'v> {
    pub(super) fn new(known: &'v Known, options: Options<'v>, rules: &'static Rules) -> Walk<'v> {
        Walk {
            tables: crate::definitions::table::tables(),
            rules,
            known,
            options,
            issues: Vec::new(),
            errors: 0,
            told: HashSet::new(),
            steps: 0,
            cut: false,
            endless: 0,
            judged: HashMap::new(),
            under: None,
        }
    }

    /// Counts a step; false when no more may be taken.
    pub(super) fn may_go_on(&mut self, place: &Place<'_>) -> bool {
        self.steps += 1;
        if self.steps > MOST_STEPS || place.depth() > DEEPEST || self.errors >= MOST_ISSUES {
            self.cut = true;
            return false;
        }
        true
    }

    /// Tells an issue once.
    pub(super) fn tell(&mut self, issue: Issue) {
        let error = issue.is_error();
        let told = match error {
            true => self.errors,
            false => self.issues.len() - self.errors,
        };
        if told >= MOST_ISSUES {
            self.cut = true;
            return;
        }
        // Two texts about one value set at one place say the same.
        let about = issue.diagnostics.split_once("value set ");
        let about = match about.filter(|_| issue.code == IssueCode::CodeInvalid) {
            Some((_, rest)) => rest.split([' ', ')']).next().unwrap_or(rest),
            None => issue.diagnostics.as_str(),
        };
        let key = (
            issue.expression.clone(),
            format!("{} {about}", issue.severity),
        );
        if !self.told.insert(key) {
            return;
        }
        let mut issue = issue;
        if let Some(profile) = self.under {
            issue
                .diagnostics
                .push_str(&format!(" (profile {})", profile.url));
        }
        self.errors += usize::from(error);
        self.issues.push(issue);
    }

    pub(super) fn wrong(&mut self, code: IssueCode, place: &Place<'_>, what: impl Into<String>) {
        self.tell(Issue::error(code, place.to_string(), what));
    }
    pub(super) fn warn(&mut self, code: IssueCode, place: &Place<'_>, what: impl Into<String>) {
        self.tell(Issue::warning(code, place.to_string(), what));
    }
    pub(super) fn remark(&mut self, place: &Place<'_>, what: impl Into<String>) {
        self.tell(Issue::information(
            IssueCode::Informational,
            place.to_string(),
            what,
        ));
    }

    /// Tells an issue of a severity that the definitions give.
    pub(super) fn of_severity(
        &mut self,
        severity: Severity,
        code: IssueCode,
        place: &Place<'_>,
        what: impl Into<String>,
    ) {
        match severity {
            Severity::Error => self.wrong(code, place, what),
            Severity::Warning => self.warn(code, place, what),
            Severity::BestPractice if self.options.best_practice => self.warn(code, place, what),
            Severity::BestPractice => {}
        }
    }

    /// Does something on trial: gives the issues it would have told, and tells none.
    pub(super) fn trial(&mut self, what: impl FnOnce(&mut Self)) -> Vec<Issue> {
        let issues = std::mem::take(&mut self.issues);
        let told = std::mem::take(&mut self.told);
        let errors = std::mem::take(&mut self.errors);
        what(self);
        self.told = told;
        self.errors = errors;
        std::mem::replace(&mut self.issues, issues)
    }

    /// Whether a resource or value follows a profile. Each pair is judged once; one being judged counts as good, so that
    /// circles of references end.
    pub(super) fn follows(
        &mut self,
        item: super::item::Item<'v>,
        profile: &'v Profile,
        place: &Place<'_>,
        scope: &Scope<'_, 'v>,
    ) -> bool {
        let Some(value) = item.value else {
            return true;
        };
        let key = (
            std::ptr::from_ref::<Value>(value).addr(),
            std::ptr::from_ref::<Profile>(profile).addr(),
        );
        if let Some(verdict) = self.judged.get(&key) {
            return *verdict;
        }
        self.judged.insert(key, true);
        let found = self.trial(|walk| walk.against(item, profile, place, scope));
        let good = !found.iter().any(Issue::is_error);
        self.judged.insert(key, good);
        good
    }
}
