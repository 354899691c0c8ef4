//! The generated table of search parameters (`definitions/search.tsv`), read once.

use super::{Kind, SearchParameter};
use std::{collections::HashMap, sync::LazyLock};

/// All the facts of the table.
#[derive(Default)]
pub(crate) struct Table {
    /// Parameters by type, sorted by code; `Resource` and `DomainResource` hold those that every type has.
    types: HashMap<&'static str, Vec<SearchParameter>>,
    /// Types a choice may have, by the path that reaches it: `Observation.value`.
    choices: HashMap<&'static str, Vec<&'static str>>,
    /// The one system of a `code`, by its path.
    systems: HashMap<&'static str, &'static str>,
    /// Codes of the parameters that put a type into a compartment, by compartment and type.
    compartments: HashMap<(&'static str, &'static str), Vec<&'static str>>,
}

/// A row of a composite's component: type and number of the composite; number, code, kind and expression of the part.
type Row = (&'static str, u16, u16, &'static str, Kind, &'static str);

static TABLE: LazyLock<Table> =
    LazyLock::new(|| Table::read(include_str!("../../definitions/search.tsv")));

/// The table.
pub(crate) fn table() -> &'static Table {
    &TABLE
}

impl Table {
    fn read(text: &'static str) -> Table {
        let mut table = Table::default();
        let mut numbers = HashMap::<&str, (u16, &'static str, Kind)>::new();
        let mut any: &'static [&'static str] = &[];
        let mut components: Vec<Row> = Vec::new();
        for line in text.lines() {
            let cells: Vec<&'static str> = line.split('\t').collect();
            match *cells.as_slice() {
                ["p", number, code, kind] => {
                    if let (Ok(n), Some(kind)) = (number.parse(), Kind::from_name(kind)) {
                        numbers.insert(number, (n, code, kind));
                    }
                }
                ["a", targets] => any = list(targets).leak(),
                ["u", of, number, expression, targets] => {
                    let Some(&(number, code, kind)) = numbers.get(number) else {
                        continue;
                    };
                    let targets = match targets {
                        "*" => any,
                        "" => &[],
                        targets => list(targets).leak(),
                    };
                    table.types.entry(of).or_default().push(SearchParameter {
                        number,
                        code,
                        kind,
                        targets,
                        expression,
                        boolean: false,
                        components: &[],
                    });
                }
                ["b", of, number] => {
                    let number = number.parse().unwrap_or(0);
                    let uses = table.types.entry(of).or_default().iter_mut();
                    uses.filter(|p| p.number == number)
                        .for_each(|p| p.boolean = true);
                }
                ["c", path, types] => {
                    table.choices.insert(path, list(types));
                }
                ["s", path, system] => {
                    table.systems.insert(path, system);
                }
                ["k", of, number, part, expression] => {
                    if let (Ok(number), Some(&(part, code, kind))) =
                        (number.parse::<u16>(), numbers.get(part))
                    {
                        components.push((of, number, part, code, kind, expression));
                    }
                }
                ["m", compartment, of, codes] => {
                    table.compartments.insert((compartment, of), list(codes));
                }
                _ => {}
            }
        }
        for parameters in table.types.values_mut() {
            parameters.sort_by_key(|p| p.code);
        }
        table.compose(&components);
        table
    }

    /// Gives composite parameters their components, each with the kind, targets and number of the parameter it stands for
    /// and an expression of its own.
    fn compose(&mut self, components: &[Row]) {
        for of in components.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let Some((on, whole, ..)) = of.first().copied() else {
                continue;
            };
            let own = self.types.get(on).map_or(&[][..], Vec::as_slice);
            let parts: Vec<SearchParameter> = of
                .iter()
                .map(|&(_, _, number, code, kind, expression)| {
                    let there = own.iter().find(|p| p.number == number);
                    SearchParameter {
                        number,
                        code,
                        kind,
                        targets: there.map_or(&[], |p| p.targets),
                        expression,
                        boolean: false,
                        components: &[],
                    }
                })
                .collect();
            let parts: &'static [SearchParameter] = parts.leak();
            let uses = self.types.entry(on).or_default().iter_mut();
            uses.filter(|p| p.number == whole)
                .for_each(|p| p.components = parts);
        }
    }

    /// The parameter of that name on a type, inherited ones included.
    pub(crate) fn parameter(
        &'static self,
        of: &str,
        code: &str,
    ) -> Option<&'static SearchParameter> {
        self.levels(of).find_map(|own| {
            let at = own.binary_search_by_key(&code, |p| p.code).ok()?;
            own.get(at)
        })
    }

    /// All parameters of a type, inherited ones included, by name.
    pub(crate) fn parameters(&'static self, of: &str) -> Vec<&'static SearchParameter> {
        let mut all: Vec<_> = self.levels(of).flatten().collect();
        all.sort_by_key(|p| p.code);
        all
    }

    /// Types that have parameters of their own.
    pub(crate) fn types(&'static self) -> impl Iterator<Item = &'static str> {
        let abstracts = ["Resource", "DomainResource"];
        self.types
            .keys()
            .copied()
            .filter(move |t| !abstracts.contains(t))
    }

    /// The types that a choice at a path may have; `None` when there is no choice.
    pub(crate) fn choice(&self, path: &str) -> Option<&[&'static str]> {
        self.choices.get(path).map(Vec::as_slice)
    }

    /// The system that the `code` at a path has by its binding, or empty.
    pub(crate) fn system(&self, path: &str) -> &'static str {
        self.systems.get(path).copied().unwrap_or_default()
    }

    /// The parameters that put resources of a type into a compartment; `{def}`, which is none, is passed over.
    pub(crate) fn compartment(
        &'static self,
        compartment: &str,
        of: &str,
    ) -> impl Iterator<Item = &'static SearchParameter> {
        let codes = self
            .compartments
            .iter()
            .find(|((c, t), _)| *c == compartment && *t == of)
            .map_or(&[][..], |(_, codes)| codes.as_slice());
        codes
            .iter()
            .filter_map(move |code| self.parameter(of, code))
    }

    fn levels(&'static self, of: &str) -> impl Iterator<Item = &'static [SearchParameter]> {
        let plain = matches!(of, "Bundle" | "Binary" | "Parameters");
        let inherited = if plain { "" } else { "DomainResource" };
        let levels = [of, inherited, "Resource"].map(|level| self.types.get(level));
        levels.into_iter().flatten().map(Vec::as_slice)
    }
}

fn list(text: &'static str) -> Vec<&'static str> {
    text.split(',').collect()
}
