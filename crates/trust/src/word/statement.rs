//! Her rules by what she said at once: each statement is a `Consent` of its own for other people's systems.
//!
//! A rule that she says on a page is a statement by itself. A `Consent` may become several rules; they bear the statement's
//! name, with a number behind it where there are several. What became of each statement is read from her words, one after
//! the other.

use super::{Rule, Word};
use std::collections::BTreeMap;

/// Between a statement's name and the number of a rule of it.
const APART: &str = "--";

/// One statement, as it read from one word of hers to the next that changed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Statement {
    /// Its name.
    pub id: String,
    /// The word with which it began to read so, with its rules alone; none: she took it back with that word.
    pub word: Word,
}

impl Statement {
    /// Whether it was taken back.
    pub fn is_over(&self) -> bool {
        self.word.rules.is_empty()
    }
}

impl Rule {
    /// The statement it belongs to.
    pub fn statement(&self) -> &str {
        match self.id.rsplit_once(APART) {
            Some((name, number)) if !name.is_empty() && number.parse::<u16>().is_ok() => name,
            _ => &self.id,
        }
    }
}

/// Rules that are said at once, with the names that a statement gives them.
pub fn stated(id: &str, rules: Vec<Rule>) -> Vec<Rule> {
    let several = rules.len() > 1;
    let named = |(place, rule): (usize, Rule)| Rule {
        id: match several {
            true => format!("{id}{APART}{}", place + 1),
            false => id.to_owned(),
        },
        ..rule
    };
    rules.into_iter().enumerate().map(named).collect()
}

/// What became of every statement, in the order of the words, which are those of one person, oldest first, each version once.
/// Cost: a comparison of each rule of each word.
pub(crate) fn statements<'w>(words: impl IntoIterator<Item = &'w Word>) -> Vec<Statement> {
    let mut all = Vec::new();
    let mut before: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
    for word in words {
        let mut now: BTreeMap<&str, Vec<&Rule>> = BTreeMap::new();
        for rule in &word.rules {
            now.entry(rule.statement()).or_default().push(rule);
        }
        let gone = before.keys().filter(|id| !now.contains_key(*id));
        let changed = now.keys().filter(|id| now.get(*id) != before.get(*id));
        for id in gone.chain(changed) {
            let rules = now.get(id).into_iter().flatten();
            all.push(Statement {
                id: (*id).to_owned(),
                word: Word {
                    person: word.person,
                    version: word.version,
                    rules: rules.map(|rule| (*rule).clone()).collect(),
                    wishes: Vec::new(),
                    represented_by: Vec::new(),
                    born: None,
                    said: word.said,
                    author: word.author.clone(),
                },
            });
        }
        before = now;
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{MemberId, Tag};

    fn rule(id: &str, hint: bool) -> Rule {
        Rule {
            id: id.into(),
            hint,
            ..Rule::default()
        }
    }

    fn word(version: u64, rules: Vec<Rule>) -> Word {
        Word {
            person: Tag([1; 32]),
            version,
            rules,
            wishes: Vec::new(),
            represented_by: Vec::new(),
            born: None,
            said: jiff::Timestamp::UNIX_EPOCH,
            author: MemberId("imss".into()),
        }
    }

    #[test]
    fn the_rules_of_one_consent_share_a_name_and_one_alone_bears_it() {
        let named = |rules: Vec<Rule>| {
            let rules = stated("a-b", rules);
            let names: Vec<String> = rules.iter().map(|rule| rule.id.clone()).collect();
            assert!(rules.iter().all(|rule| rule.statement() == "a-b"));
            names
        };
        assert_eq!(named(vec![rule("p0", true)]), ["a-b"]);
        let two = named(vec![rule("p0", true), rule("p1", true)]);
        assert_eq!(two, ["a-b--1", "a-b--2"]);
        // What only looks like it is a name.
        for name in ["--1", "a--b", "a--", "a-1"] {
            assert_eq!(rule(name, true).statement(), name);
        }
    }

    #[test]
    fn a_statement_has_a_version_for_each_word_that_changed_it_and_for_no_other() {
        let words = [
            word(1, vec![rule("a", true)]),
            word(2, vec![rule("a", true), rule("b--1", true)]),
            word(3, vec![rule("a", false), rule("b--1", true)]),
            word(4, vec![rule("b--1", true)]),
            word(7, vec![rule("b--1", true), rule("a", false)]),
        ];
        let told = statements(&words);
        let told: Vec<(&str, u64, bool)> = told
            .iter()
            .map(|one| (one.id.as_str(), one.word.version, one.is_over()))
            .collect();
        let wanted = [
            ("a", 1, false),
            ("b", 2, false),
            ("a", 3, false),
            ("a", 4, true),
            ("a", 7, false),
        ];
        assert_eq!(told, wanted);
    }
}
