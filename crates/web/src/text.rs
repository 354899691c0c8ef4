//! Every sentence of the pages, one table per language (`text/es.tsv`, `text/en.tsv`): a key, a tab, the sentence.
//!
//! Sentences carry places as `{name}`. A key that a table lacks shows as itself; a test sees to it that none does.

use std::collections::HashMap;
use std::sync::LazyLock;
use trust::Lang;

type Table = HashMap<&'static str, &'static str>;

static ES: LazyLock<Table> = LazyLock::new(|| table(include_str!("../text/es.tsv")));
static EN: LazyLock<Table> = LazyLock::new(|| table(include_str!("../text/en.tsv")));

fn table(file: &'static str) -> Table {
    file.lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once('\t'))
        .collect()
}

/// The sentences of one language. Cheap to copy.
#[derive(Clone, Copy)]
pub struct Text {
    lang: Lang,
    table: &'static Table,
}

impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Text({})", self.code())
    }
}

impl Text {
    /// The sentences in `lang`.
    pub fn of(lang: Lang) -> Text {
        let table = match lang {
            Lang::Es => &*ES,
            Lang::En => &*EN,
        };
        Text { lang, table }
    }
    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }
    /// Whether it is English.
    pub fn english(&self) -> bool {
        self.lang == Lang::En
    }
    /// Its BCP 47 code.
    pub fn code(&self) -> &'static str {
        match self.lang {
            Lang::Es => "es-MX",
            Lang::En => "en",
        }
    }
    /// The sentence of a key; the key itself when there is none.
    pub fn say<'k>(&self, key: &'k str) -> &'k str
    where
        'static: 'k,
    {
        self.table.get(key).copied().unwrap_or(key)
    }
    /// The sentence of a key, if the table has one.
    pub fn find(&self, key: &str) -> Option<&'static str> {
        self.table.get(key).copied()
    }
    /// The sentence with its places filled.
    pub fn fill(&self, key: &str, places: &[(&str, &str)]) -> String {
        let mut out = self.say(key).to_owned();
        for (name, value) in places {
            out = out.replace(&format!("{{{name}}}"), value);
        }
        out
    }
    /// `key.one` or `key.many`, with `{n}` filled.
    pub fn count(&self, key: &str, n: impl std::borrow::Borrow<usize>) -> String {
        let n = *n.borrow();
        let form = if n == 1 { "one" } else { "many" };
        self.fill(&format!("{key}.{form}"), &[("n", &n.to_string())])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn places(sentence: &str) -> BTreeSet<&str> {
        sentence
            .split('{')
            .skip(1)
            .filter_map(|rest| rest.split_once('}'))
            .map(|(name, _)| name)
            .collect()
    }

    #[test]
    fn both_languages_say_the_same_things() {
        let es: BTreeSet<_> = ES.keys().collect();
        let en: BTreeSet<_> = EN.keys().collect();
        assert_eq!(es.difference(&en).collect::<Vec<_>>(), Vec::<&&&str>::new());
        assert_eq!(en.difference(&es).collect::<Vec<_>>(), Vec::<&&&str>::new());
        for (key, sentence) in ES.iter() {
            assert_eq!(places(sentence), places(EN[key]), "places of {key}");
        }
    }

    #[test]
    fn no_key_stands_twice_and_no_line_is_lost() {
        for file in [
            include_str!("../text/es.tsv"),
            include_str!("../text/en.tsv"),
        ] {
            let lines: Vec<_> = file
                .lines()
                .filter(|l| !l.starts_with('#') && !l.is_empty())
                .collect();
            let keys: BTreeSet<_> = lines.iter().filter_map(|l| l.split_once('\t')).collect();
            assert_eq!(keys.len(), lines.len());
            assert_eq!(table(file).len(), lines.len());
        }
    }

    /// Every key written in a template or in the source is in the tables, and the tables hold nothing unused.
    #[test]
    fn keys_used_and_keys_written_are_the_same() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut sources = String::new();
        let mut folders = vec![root.join("src"), root.join("templates")];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if !path.ends_with("text.rs") {
                    sources.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let known = |key: &str| {
            ES.contains_key(key)
                || (ES.contains_key(format!("{key}.one").as_str())
                    && ES.contains_key(format!("{key}.many").as_str()))
        };
        let mut missing = BTreeSet::new();
        for call in ["say(\"", "fill(\"", "count(\"", "find(\""] {
            for rest in sources.split(call).skip(1) {
                let key = rest.split('"').next().unwrap_or_default();
                if key.contains('.') && !key.contains('{') && !known(key) {
                    missing.insert(key.to_owned());
                }
            }
        }
        assert_eq!(missing, BTreeSet::new(), "keys that no table has");
        let unused: Vec<_> = ES
            .keys()
            .filter(|key| {
                let stem = key
                    .strip_suffix(".one")
                    .or_else(|| key.strip_suffix(".many"))
                    .unwrap_or(key);
                let (family, last) = stem.rsplit_once('.').unwrap_or((stem, stem));
                let said = |key: &str| sources.contains(&format!("\"{key}\""));
                // Said whole, as one of a family, as a page of what went wrong, or as a field of a form.
                !(said(stem)
                    || sources.contains(&format!("\"{family}.{{"))
                    || (family.starts_with("fault.") && said(family))
                    || ([
                        "desk",
                        "field",
                        "emergency",
                        "review",
                        "orders",
                        "tell",
                        "wishfield",
                    ]
                    .contains(&family)
                        && said(last.trim_end_matches("_hint"))))
            })
            .collect();
        assert_eq!(unused, Vec::<&&str>::new(), "sentences that nothing says");
    }
}
