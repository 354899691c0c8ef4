//! Rules about parts of a record, against the law said once more, of resources whose features are known.

use super::*;
use crate::word::part::{ACT_CODE, CONFIDENTIALITY};
use fhir::{ResourceType, Value, obj};

/// A resource by what rules can ask of it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Thing {
    /// Its place among all: its id.
    id: usize,
    condition: bool,
    year: Option<i32>,
    /// Cédula of its author.
    author: Option<&'static str>,
    /// Written by an institution that is not the one that keeps it.
    foreign: bool,
    visit: bool,
    /// Mental health, by a code.
    mental: bool,
    /// Confidentiality by a label.
    level: Option<&'static str>,
}

fn things() -> Vec<Thing> {
    let mut all = Vec::new();
    for condition in [false, true] {
        for year in [None, Some(2021), Some(2022)] {
            for author in [None, Some("111"), Some("222")] {
                for (visit, mental, foreign) in [
                    (false, false, false),
                    (true, false, true),
                    (false, true, false),
                    (true, true, false),
                ] {
                    for level in [None, Some("R"), Some("N")] {
                        all.push(Thing {
                            id: all.len(),
                            condition,
                            year,
                            author,
                            foreign,
                            visit,
                            mental,
                            level,
                        });
                    }
                }
            }
        }
    }
    all
}

impl Thing {
    fn of(self) -> ResourceType {
        let name = match self.condition {
            true => "Condition",
            false => "Observation",
        };
        ResourceType::from_name(name).unwrap()
    }
    fn resource(self) -> Value {
        let code = match self.mental {
            true => "F32.1",
            false => "J00",
        };
        let cedula = self.author.map(|value| {
            let known = obj! { "system" => mx::systems::CEDULA, "value" => value };
            obj! { "identifier" => known }
        });
        let org = obj! { "system" => "https://tejido.mx/id/member", "value" => "imss" };
        let foreign = self.foreign.then(|| obj! { "identifier" => org });
        let authors: Vec<Value> = cedula.into_iter().chain(foreign).collect();
        let level = self.level.map(|code| {
            let label = obj! { "system" => CONFIDENTIALITY, "code" => code };
            obj! { "security" => [label] }
        });
        let (by, when) = match self.condition {
            true => ("asserter", "onsetDateTime"),
            false => ("performer", "effectiveDateTime"),
        };
        let coding = obj! { "system" => "http://hl7.org/fhir/sid/icd-10", "code" => code };
        let visit = obj! { "reference" => "Encounter/v" };
        let mut resource = obj! {
            "resourceType" => self.of().name(),
            "code" => obj! { "coding" => [coding] },
            "meta" => level,
            "encounter" => self.visit.then_some(visit),
        };
        if let Some(year) = self.year {
            resource.set(when, format!("{year}-05-03"));
        }
        match (self.condition, authors.as_slice()) {
            (_, []) => {}
            // R4 lets a Condition have one asserter; two are two elements.
            (true, [one]) => resource.set(by, one.clone()),
            (true, [one, other, ..]) => {
                resource.set(by, one.clone());
                resource.set("recorder", other.clone());
            }
            (false, all) => resource.set(by, Value::Array(all.to_vec())),
        }
        resource
    }
    fn categories(self) -> Vec<Category> {
        let kind = match self.condition {
            true => Category::Diagnoses,
            false => Category::Laboratory,
        };
        let mental = self.mental.then_some(Category::MentalHealth);
        std::iter::once(kind).chain(mental).collect()
    }
    fn level(self) -> &'static str {
        match (self.level, self.mental) {
            (Some(level), _) => level,
            (None, true) => "R",
            (None, false) => "N",
        }
    }
}

/// The parts that random rules name; each with whether a thing is in it, `None` where nothing tells.
#[derive(Clone, Copy, Debug)]
enum Named {
    All,
    Of2022,
    By111,
    ByHolder,
    Visit,
    Third,
    Conditions,
    Psychiatric,
    Normal,
    ConditionsOf2022,
}

impl Named {
    const EACH: [Named; 10] = [
        Named::All,
        Named::Of2022,
        Named::By111,
        Named::ByHolder,
        Named::Visit,
        Named::Third,
        Named::Conditions,
        Named::Psychiatric,
        Named::Normal,
        Named::ConditionsOf2022,
    ];
    fn part(self) -> Part {
        let year = Some(Period {
            from: Some(at("2022-01-01T00:00:00Z")),
            until: Some(at("2023-01-01T00:00:00Z")),
        });
        let label = |system: &str, code: &str| {
            vec![Label {
                system: system.into(),
                code: code.into(),
            }]
        };
        let mut part = Part::default();
        match self {
            Named::All => {}
            Named::Of2022 => part.period = year,
            Named::By111 => {
                part.authors = vec![Author::Identifier(mx::systems::CEDULA.into(), "111".into())];
            }
            Named::ByHolder => part.authors = vec![Author::Institution(member("farmacia"))],
            Named::Visit => part.visits = vec!["Encounter/v".into()],
            Named::Third => part.resources = vec!["Observation/3".into(), "Condition/3".into()],
            Named::Conditions => part.types = vec!["Condition".into()],
            Named::Psychiatric => part.labels = label(ACT_CODE, "PSY"),
            Named::Normal => part.labels = label(CONFIDENTIALITY, "N"),
            Named::ConditionsOf2022 => {
                part.period = year;
                part.types = vec!["Condition".into()];
            }
        }
        part
    }
    fn has(self, thing: Thing) -> Option<bool> {
        let year = thing.year.map(|year| year == 2022);
        Some(match self {
            Named::All => true,
            Named::Of2022 => return year,
            Named::By111 => thing.author == Some("111"),
            Named::ByHolder => !thing.foreign,
            Named::Visit => thing.visit,
            Named::Third => thing.id == 3,
            Named::Conditions => thing.condition,
            Named::Psychiatric => thing.mental,
            Named::Normal => thing.level() == "N",
            Named::ConditionsOf2022 if thing.condition => return year,
            Named::ConditionsOf2022 => false,
        })
    }
}

/// A rule with the parts it names, as the law's second telling needs them.
#[derive(Clone, Debug)]
struct Told {
    rule: Rule,
    part: Named,
    unless: Vec<Named>,
}

/// Terms that come into play: a grant that one more use would be too much for, one that is to be erased now, and others.
fn any_terms() -> impl Strategy<Value = Terms> {
    let often = |times| {
        Some(Frequency {
            times,
            per: Per::Week,
        })
    };
    let frequency = prop_oneof![3 => Just(None), 1 => Just(often(1)), 1 => Just(often(3))];
    let erased = prop_oneof![
        3 => Just(None),
        1 => Just(Some("2026-11-22T18:00:00Z")),
        1 => Just(Some("2026-11-23T18:00:00Z")),
    ];
    (frequency, erased).prop_map(|(frequency, erased)| Terms {
        frequency,
        erase_at: erased.map(at),
    })
}

/// How often each grant was used before, in these tests.
const USED: u32 = 2;

/// Whether a grant still opens, by its terms.
fn opens_still(terms: &Terms) -> bool {
    let used_up = terms.frequency.is_some_and(|often| often.times <= USED);
    !used_up && terms.erase_at != Some(at("2026-11-22T18:00:00Z"))
}

fn any_named() -> impl Strategy<Value = Named> {
    proptest::sample::select(Named::EACH.to_vec())
}

prop_compose! {
    fn any_unless()(
        who in any_who(),
        purposes in prop_oneof![
            Just(vec![]), Just(vec![Purpose::Treatment, Purpose::Payment]), Just(vec![Purpose::Research])
        ],
        what in proptest::sample::subsequence(Category::ALL.to_vec(), 0..3),
        part in any_named(),
        over: bool,
        terms in any_terms(),
    ) -> (Unless, Named) {
        let until = over.then(|| at("2026-11-22T18:00:00Z"));
        (Unless { who, purposes, what, part: part.part(), from: None, until, terms }, part)
    }
}

prop_compose! {
    fn any_told()(
        rule in any_rule(),
        part in any_named(),
        unless in proptest::collection::vec(any_unless(), 0..3),
        later in prop_oneof![4 => Just(false), 1 => Just(true)],
        terms in any_terms(),
    ) -> Told {
        let terms = if rule.allow { terms } else { Terms::default() };
        let unless = if rule.allow { Vec::new() } else { unless };
        let from = later.then(|| at("2026-11-22T18:00:01Z"));
        Told {
            part,
            rule: Rule {
                part: part.part(),
                from,
                terms,
                unless: unless.iter().map(|(one, _)| one.clone()).collect(),
                ..rule
            },
            unless: unless.into_iter().map(|(_, named)| named).collect(),
        }
    }
}

fn rank(who: &Who) -> Option<u8> {
    match who {
        Who::Actor(m, a) if m.0 == "farmacia" && a == "ruiz" => Some(5),
        Who::Member(m) if m.0 == "farmacia" => Some(4),
        Who::Role(Role::Physician) => Some(3),
        Who::Kind(MemberKind::Pharmacy) => Some(2),
        Who::Everyone => Some(1),
        _ => None,
    }
}

/// The law once more: a thing is hidden when, of one of its categories, a closing rule closes it and no allowing rule
/// that names Dr. Ruiz more exactly opens it.
fn is_hidden_by_the_book(told: &[Told], thing: Thing) -> bool {
    let covers = |what: &[Category], category| what.is_empty() || what.contains(&category);
    let live = |one: &&Told| {
        rank(&one.rule.who).is_some()
            && one.rule.purpose != Some(Purpose::Research)
            && one.rule.until != Some(at("2026-11-22T18:00:00Z"))
            && one.rule.from.is_none()
    };
    let is_closed = |one: &Told, category| {
        let excepted = one
            .rule
            .unless
            .iter()
            .zip(&one.unless)
            .any(|(unless, part)| {
                rank(&unless.who).is_some()
                    && unless.until.is_none()
                    && opens_still(&unless.terms)
                    && unless.purposes != [Purpose::Research]
                    && covers(&unless.what, category)
                    && part.has(thing) == Some(true)
            });
        covers(&one.rule.what, category) && part_may_have(one, thing) && !excepted
    };
    thing.categories().into_iter().any(|category| {
        told.iter()
            .filter(live)
            .filter(|one| !one.rule.allow && is_closed(one, category))
            .any(|closing| {
                !told.iter().filter(live).any(|opening| {
                    opening.rule.allow
                        && opens_still(&opening.rule.terms)
                        && covers(&opening.rule.what, category)
                        && opening.part.has(thing) == Some(true)
                        && rank(&opening.rule.who) > rank(&closing.rule.who)
                })
            })
    })
}

fn part_may_have(told: &Told, thing: Thing) -> bool {
    told.part.has(thing) != Some(false)
}

/// Whether a thing is hidden from Dr. Ruiz, as the pharmacy's archive would find out: by its labels, then by itself.
fn is_hidden(rules: &[Rule], thing: Thing) -> bool {
    is_hidden_after(USED, rules, thing)
}

fn is_hidden_after(used: u32, rules: &[Rule], thing: Thing) -> bool {
    is_left_out(seen_after(used, rules), thing)
}

fn is_left_out(seen: Hidden, thing: Thing) -> bool {
    let (of, resource) = (thing.of(), thing.resource());
    crate::labels(of, &resource).meets(seen.labels)
        || seen.residual.is_some_and(|residual| {
            residual.hides(&member("farmacia"), of, &thing.id.to_string(), &resource)
        })
}

/// What Dr. Ruiz is kept from when every grant was used so often.
fn seen_after(used: u32, rules: &[Rule]) -> Hidden {
    seen_by_ruiz_when(rules, None, Purpose::Treatment, &|_, often| {
        often.times <= used
    })
}

fn rules_of(told: &[Told]) -> Vec<Rule> {
    told.iter().map(|one| one.rule.clone()).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn of_every_resource_the_book_is_followed(told in proptest::collection::vec(any_told(), 0..6)) {
        let rules = rules_of(&told);
        for thing in things() {
            prop_assert_eq!(
                is_hidden(&rules, thing),
                is_hidden_by_the_book(&told, thing),
                "{:?} under {:?}", thing, rules
            );
        }
    }

    #[test]
    fn one_more_closing_rule_shows_no_resource_more(
        told in proptest::collection::vec(any_told(), 0..5),
        closing in any_told(),
    ) {
        let rules = rules_of(&told);
        let mut more = rules.clone();
        more.push(Rule { allow: false, ..closing.rule });
        for thing in things() {
            prop_assert!(is_hidden(&more, thing) || !is_hidden(&rules, thing), "{:?}", thing);
        }
    }

    #[test]
    fn one_grant_less_shows_no_resource_more(
        told in proptest::collection::vec(any_told(), 1..6),
        place in 0usize..6,
    ) {
        let rules = rules_of(&told);
        let place = place % rules.len();
        let mut fewer = rules.clone();
        match rules[place].allow {
            true => drop(fewer.remove(place)),
            false => drop(fewer[place].unless.pop()),
        }
        for thing in things() {
            prop_assert!(is_hidden(&fewer, thing) || !is_hidden(&rules, thing), "{:?}", thing);
        }
    }

    #[test]
    fn one_more_use_shows_no_resource_more(
        told in proptest::collection::vec(any_told(), 0..6),
        used in 0u32..4,
    ) {
        let rules = rules_of(&told);
        for thing in things() {
            let more = is_hidden_after(used + 1, &rules, thing);
            prop_assert!(more || !is_hidden_after(used, &rules, thing), "{:?}", thing);
        }
    }

    #[test]
    fn what_no_grant_with_terms_opens_is_no_use_of_one(
        told in proptest::collection::vec(any_told(), 0..6),
    ) {
        let rules = rules_of(&told);
        let mut bare = rules.clone();
        bare.retain(|rule| rule.terms.is_none());
        bare.iter_mut().for_each(|rule| rule.unless.retain(|one| one.terms.is_none()));
        let (seen, without) = (seen_after(USED, &rules), seen_after(USED, &bare));
        if seen.under.is_empty() {
            prop_assert_eq!((seen.labels, seen.held), (without.labels, without.held));
            for thing in things() {
                let opened = is_left_out(without.clone(), thing) && !is_left_out(seen.clone(), thing);
                prop_assert!(!opened, "{:?} under {:?}", thing, rules);
            }
        }
        for grant in seen.under.iter().chain(&seen.spent) {
            let used_up = grant.terms.frequency.is_some_and(|often| often.times <= USED);
            prop_assert_eq!(seen.spent.contains(grant), used_up);
        }
    }

    #[test]
    fn what_labels_say_is_hidden_the_residual_need_not_be_asked(
        told in proptest::collection::vec(any_told(), 0..6),
    ) {
        let seen = seen_after(USED, &rules_of(&told));
        if seen.residual.is_none() {
            for thing in things() {
                let of = thing.of();
                let hidden = crate::labels(of, &thing.resource()).meets(seen.labels);
                prop_assert_eq!(hidden, is_hidden_by_the_book(&told, thing));
            }
        }
    }
}

#[test]
fn words_without_parts_are_as_they_were_signed_before_there_were_any() {
    let plain = rule("1", false, Who::Everyone, MENTAL);
    let written = String::from_utf8(word(vec![plain]).canonical()).unwrap();
    assert!(
        written.contains(
            r#"{"id":"1","allow":false,"who":"everyone","what":["mental-health"],"hint":false}"#
        ),
        "{written}"
    );
}

#[test]
fn a_word_with_parts_survives_the_way_to_another_member() {
    let rules: Vec<Rule> = Named::EACH
        .iter()
        .enumerate()
        .map(|(place, named)| Rule {
            part: named.part(),
            unless: vec![Unless {
                purposes: vec![Purpose::Treatment],
                part: named.part(),
                ..Unless::default()
            }],
            ..rule(&format!("r{place}"), false, Who::Everyone, &[])
        })
        .collect();
    let (signed, pact) = signed_by_imss(rules);
    let sent = serde_json::to_string(&signed).unwrap();
    let heard: SignedWord = serde_json::from_str(&sent).unwrap();
    assert_eq!(heard, signed);
    assert_eq!(heard.verify(&pact), Ok(()));
}

#[test]
fn no_consent_lifts_what_is_never_opened() {
    let allowing = Rule {
        purpose: Some(Purpose::Underwriting),
        ..rule("1", true, Who::Everyone, &[])
    };
    let excepting = Rule {
        unless: vec![Unless {
            purposes: vec![Purpose::Treatment, Purpose::Employment],
            ..Unless::default()
        }],
        ..rule("1", false, Who::Everyone, &[])
    };
    for rule in [allowing.clone(), excepting] {
        let refused = check_rules(&[rule]).unwrap_err().to_string();
        assert!(refused.contains("no consent opens anything"), "{refused}");
    }
    let closing = Rule {
        allow: false,
        ..allowing
    };
    assert_eq!(check_rules(&[closing]), Ok(()));
}

#[test]
fn parts_that_say_nothing_of_sense_are_refused() {
    let refused = |part: Part| {
        let rule = Rule {
            part,
            ..rule("1", false, Who::Everyone, &[])
        };
        match check_rules(&[rule]) {
            Err(WordError::Rule { why, .. }) => why,
            other => panic!("{other:?}"),
        }
    };
    let backwards = Period {
        from: Some(at("2022-01-01T00:00:00Z")),
        until: Some(at("2022-01-01T00:00:00Z")),
    };
    let part = |period| Part {
        period: Some(period),
        ..Part::default()
    };
    assert_eq!(refused(part(backwards)), "its period ends before it begins");
    assert_eq!(
        refused(part(Period::default())),
        "its period has no end at all"
    );
    let unknown = Part {
        types: vec!["Visit".into()],
        ..Part::default()
    };
    assert_eq!(
        refused(unknown),
        "it names a type that FHIR R4 does not have"
    );
    let many = Part {
        resources: vec!["Observation/1".into(); 51],
        ..Part::default()
    };
    assert_eq!(refused(many), "it names too many things at once");
}

#[test]
fn a_part_that_she_insists_on_is_closed_though_all_else_of_it_is_spared() {
    let allergies = |id: &str, insist, resources: &[&str]| Rule {
        insist,
        part: Part {
            resources: resources.iter().map(|name| (*name).to_owned()).collect(),
            ..Part::default()
        },
        ..rule(id, false, Who::Everyone, &[Category::Allergies])
    };
    let all = allergies("all", false, &[]);
    let one = allergies("one", true, &["AllergyIntolerance/a"]);
    let member = MemberId("imss".into());
    let doctor = Viewer {
        member: &member,
        kind: MemberKind::Clinic,
        role: Role::Physician,
        actor: "ana",
        herself: false,
        acting: None,
    };
    let of = ResourceType::from_name("AllergyIntolerance").unwrap();
    let resource = obj! { "resourceType" => "AllergyIntolerance" };
    let spared = crate::labels(of, &resource);
    let shown_under = |seals: Option<&Seals>, rules: &[&Rule], id: &str, purpose| {
        let said = word(rules.iter().map(|one| (*one).clone()).collect());
        let now = at("2026-11-22T12:00:00Z");
        let hidden = hidden(Some(&said), seals, &doctor, purpose, now);
        let by_label = spared.meets(hidden.held);
        let asked = hidden.residual;
        !by_label && !asked.is_some_and(|asked| asked.hides(&member, of, id, &resource))
    };
    let shown = |rules: &[&Rule], id: &str, purpose| shown_under(None, rules, id, purpose);
    for purpose in [Purpose::Treatment, Purpose::Emergency] {
        assert!(shown(&[&all], "a", purpose), "a seal spares it");
        assert!(!shown(&[&all, &one], "a", purpose), "but this one");
        assert!(shown(&[&all, &one], "b", purpose));
    }
    assert!(!shown(&[&all], "a", Purpose::Research), "and only for care");
    // A part of it that no rule insists on, under a pact that spares nothing.
    let part = allergies("part", false, &["AllergyIntolerance/a"]);
    let seals = Seals {
        emergency: false,
        ..Seals::usual()
    };
    let strict = |id: &str, purpose| !shown_under(Some(&seals), &[&part], id, purpose);
    assert!(strict("a", Purpose::Treatment) && !strict("b", Purpose::Treatment));
    assert!(!strict("a", Purpose::Emergency));
    assert!(shown(&[&part], "a", Purpose::Treatment));
}
