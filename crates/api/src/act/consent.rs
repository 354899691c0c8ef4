//! What a person says of who may see her record, as `Consent`s of her own.
//!
//! Her word is the truth and these are its pictures, one for each statement of hers ([`trust::Statement`]): they are made when
//! they are asked for, and what she writes is said as on her page, in force and on its way to every member. No resource is
//! stored. What an institution keeps as `Consent` is a document of its own: it is read and searched as any, by her as well,
//! and binds nobody.
//!
//! For herself alone: her own token, for her own purpose. Everybody else gets of the type `Consent` what she gets of any.

mod found;
mod known;

pub(super) use found::Hers;

use super::{
    Op, Target,
    body::{body_of, new_id, refuse_conditional, rooted, same_id},
    history::told_of,
    nothing_else,
    read::{shape_of, shaped, shown},
};
use crate::{
    fault::Fault,
    negotiate::Wishes,
    reply::{Body, Reply},
    session::{Outcome, Session},
    shape::{BundleText, link},
};
use fhir::{Issue, IssueCode, ResourceType, Value, obj};
use known::Known;
use store::{Current, HistoryOf, Labels, PersonKey, Version, Written};
use trust::{Purpose, Role, Rule, Statement, Unsaid, Word, from_consent, to_consent, word};

impl Session<'_> {
    /// Whether it is the person's own word that is spoken of.
    pub(crate) fn is_her_word(&self, of: ResourceType) -> bool {
        of.name() == "Consent"
            && self.actor.role == Role::Patient
            && self.purpose == Purpose::OwnRequest
    }

    /// Does what is asked of her word; gives back what is asked of something else.
    pub(super) fn of_her_word(&self, op: Op, wishes: &Wishes) -> Result<Outcome, Op> {
        let (of, id) = match &op {
            Op::Create(of, _) => (*of, None),
            Op::Read(of, id, _)
            | Op::Vread(of, id, _)
            | Op::Update(of, Target::Id(id), _)
            | Op::Patch(of, Target::Id(id), _)
            | Op::Delete(of, Target::Id(id))
            | Op::History(HistoryOf::Instance(of, id), _)
            | Op::Meta(Some(of), Some(id))
            | Op::MetaChange(of, id, ..) => (*of, Some(id)),
            _ => return Err(op),
        };
        if !self.is_her_word(of) {
            return Err(op);
        }
        let told = match id.map(|id| self.told(id)).transpose() {
            Ok(Some(told)) if told.is_empty() => return Err(op),
            Ok(told) => told.unwrap_or_default(),
            Err(fault) => return Ok(Err(fault)),
        };
        Ok(self.of_statement(of, op, &told, wishes))
    }

    /// What is asked of one statement of hers, of which this is told: or a new one.
    fn of_statement(
        &self,
        of: ResourceType,
        op: Op,
        told: &[Statement],
        wishes: &Wishes,
    ) -> Outcome {
        let missing = || Fault::not_found("There is no such version.");
        match op {
            Op::Create(_, resource) => {
                if wishes.if_none_exist.is_some() {
                    let said = "If-None-Exist does not go with what you say yourself: look with GET Consent whether you said it.";
                    return Err(Fault::bad(IssueCode::NotSupported, said));
                }
                wishes.expected(false)?;
                let rules = self.rules_of(of, resource, None)?;
                self.restate(of, &new_id()?, rules, None)
            }
            Op::Update(_, Target::Id(id), resource) => {
                let expected = wishes.expected(true)?;
                self.change(of, &id, resource, told, expected)
            }
            Op::Delete(_, Target::Id(id)) => self.take_back(of, &id, wishes.expected(false)?),
            Op::Read(_, _, pairs) => {
                let shape = shape_of(of, pairs)?;
                let latest = told.last().ok_or_else(missing)?;
                shaped(&self.pictured(of, latest)?, &shape, wishes)
            }
            Op::Vread(_, _, version) => {
                let mut told = told.iter();
                let one = told.find(|one| one.word.version == version);
                shown(&self.pictured(of, one.ok_or_else(missing)?)?, wishes)
            }
            Op::History(HistoryOf::Instance(_, id), pairs) => {
                nothing_else(&pairs, "_format, _pretty")?;
                let path = format!("{of}/{id}/_history");
                let links = [("self", link(&self.house.base, &path, &pairs, None))];
                let mut bundle = BundleText::new("history", Some(told.len() as u64), &links);
                for (place, one) in told.iter().enumerate().rev() {
                    let version = self.pictured(of, one)?;
                    let address = self.address(of, &id);
                    bundle.entry(&address, &version.body, &told_of(&version, place == 0));
                }
                Ok(Reply::made(bundle.done()))
            }
            _ => Err(Fault::bad(
                IssueCode::NotSupported,
                "What you say yourself is changed as a whole, with PUT, and taken back with DELETE.",
            )),
        }
    }

    /// What is told of one statement of hers, oldest first; nothing when there never was such a one.
    fn told(&self, id: &str) -> Result<Vec<Statement>, Fault> {
        let mut told = self.house.gate.statements(&self.actor)?;
        told.retain(|one| one.id == id);
        Ok(told)
    }

    /// Herself, as a Reference: by her CURP, since she may be registered here several times or not at all.
    fn herself(&self) -> Value {
        let curp = self.actor.curp.as_deref().unwrap_or_default();
        obj! {
            "type" => "Patient",
            "identifier" => obj! { "system" => mx::systems::CURP, "value" => curp },
        }
    }

    /// A statement as a version of a resource.
    fn pictured(&self, of: ResourceType, statement: &Statement) -> Result<Version, Fault> {
        let word = &statement.word;
        let mut picture = to_consent(word, self.herself());
        picture.set("id", statement.id.as_str());
        picture.set(
            "meta",
            obj! {
                "versionId" => word.version.to_string(),
                "lastUpdated" => word.said.to_string(),
            },
        );
        let body = match statement.is_over() {
            true => Vec::new(),
            false => picture.to_bytes(),
        };
        Ok(Version {
            of,
            id: statement.id.clone(),
            version: word.version,
            updated: word.said,
            deleted: statement.is_over(),
            body: body.into(),
            person: PersonKey(0),
        })
    }

    /// What a Consent of hers says, all of it; `before` is what it said until now.
    fn rules_of(
        &self,
        of: ResourceType,
        consent: Value,
        before: Option<&Statement>,
    ) -> Result<Vec<Rule>, Fault> {
        let consent = rooted(body_of(of, consent)?, &self.house.base);
        refuse_conditional(&consent)?;
        let gate = &self.house.gate;
        let ids = gate.own_registrations(&self.actor)?;
        let own = self.actor.curp.as_deref().unwrap_or_default();
        let is_hers = |reference: &Value| {
            let named = reference.text("reference").map(|name| {
                let id = name.strip_prefix("Patient/");
                id.is_some_and(|id| ids.iter().any(|own| own == id))
            });
            let identified = reference.text("identifier.value").map(|value| {
                let curp = reference.text("identifier.system") == Some(mx::systems::CURP);
                curp && gate.tag(value) == gate.tag(own)
            });
            let mut said = named.into_iter().chain(identified).peekable();
            said.peek().is_some() && said.all(|hers| hers)
        };
        let nothing = Word {
            person: gate.tag(own),
            version: 0,
            rules: Vec::new(),
            wishes: Vec::new(),
            represented_by: Vec::new(),
            born: None,
            said: self.now,
            author: gate.member(),
        };
        let word = before.map_or(&nothing, |statement| &statement.word);
        let picture = to_consent(word, self.herself());
        word::check_kept(&consent, &picture, &is_hers, self.now).map_err(unsaid)?;
        let known = Known {
            pact: &gate.pact(),
            here: gate.member(),
        };
        let rules = from_consent(&consent, &known).map_err(unsaid)?;
        match rules.is_empty() {
            true => Err(unsaid(Unsaid {
                place: "Consent.provision".to_owned(),
                why: "it closes and opens nothing; what was said before is taken back with DELETE",
            })),
            false => Ok(rules),
        }
    }

    /// She says it otherwise.
    fn change(
        &self,
        of: ResourceType,
        id: &str,
        consent: Value,
        told: &[Statement],
        expected: Option<Current>,
    ) -> Outcome {
        same_id(of, id, &consent)?;
        let latest = told.last().ok_or_else(Fault::ours)?;
        if latest.word.rules.iter().any(|rule| rule.speaker.is_some()) {
            return Err(Fault::of(
                422,
                vec![Issue::error(
                    IssueCode::BusinessRule,
                    "Consent.performer",
                    "Somebody who acts for you said this: it can be taken back (DELETE), not changed.",
                )],
            ));
        }
        let rules = self.rules_of(of, consent, Some(latest))?;
        if word::stated(id, rules.clone()) == latest.word.rules {
            is_expected(Some(latest), expected)?;
            let version = self.pictured(of, latest)?;
            return Ok(Reply::written(&written(version, false)));
        }
        self.restate(of, id, rules, expected)
    }

    /// She says these rules in the place of what a statement said, if that is as expected.
    fn restate(
        &self,
        of: ResourceType,
        id: &str,
        rules: Vec<Rule>,
        expected: Option<Current>,
    ) -> Outcome {
        let mut is_new = false;
        let rules = word::stated(id, rules);
        let said =
            self.house
                .gate
                .say_after(&self.actor, self.now, |word| -> Result<_, Fault> {
                    let latest = self.told(id)?.pop();
                    is_expected(latest.as_ref(), expected)?;
                    is_new = latest.is_none_or(|latest| latest.is_over());
                    let mut all = word.rules.clone();
                    let place = all.iter().position(|rule| rule.statement() == id);
                    all.retain(|rule| rule.statement() != id);
                    let place = place.unwrap_or(all.len());
                    all.splice(place..place, rules);
                    word::check_rules(&all).map_err(|error| {
                        let said = format!("This cannot be said beside your other rules: {error}.");
                        let place = "Consent.provision";
                        Fault::of(
                            422,
                            vec![Issue::error(IssueCode::BusinessRule, place, said)],
                        )
                    })?;
                    Ok(all)
                })?;
        self.said.set(Some(said));
        let latest = self.told(id)?.pop().ok_or_else(Fault::ours)?;
        let version = self.pictured(of, &latest)?;
        Ok(Reply::written(&written(version, is_new)))
    }

    /// She takes a statement back, as far as that is hers to decide.
    fn take_back(&self, of: ResourceType, id: &str, expected: Option<Current>) -> Outcome {
        let latest = self.told(id)?.pop().ok_or_else(Fault::ours)?;
        if latest.is_over() {
            is_expected(Some(&latest), expected)?;
            let version = self.pictured(of, &latest)?;
            return Ok(Reply::written(&written(version, false)));
        }
        let said =
            self.house
                .gate
                .say_after(&self.actor, self.now, |word| -> Result<_, Fault> {
                    is_expected(self.told(id)?.last(), expected)?;
                    let hers = word.decides_herself(self.now);
                    let (theirs, left): (Vec<Rule>, Vec<Rule>) = word
                        .rules
                        .iter()
                        .cloned()
                        .partition(|rule| rule.statement() == id);
                    let decides = |rule: &Rule| {
                        rule.speaker.is_none() || rule.what.iter().any(|one| hers.contains(one))
                    };
                    match theirs.iter().any(decides) {
                        true => Ok(left),
                        false => Err(not_hers_yet()),
                    }
                })?;
        self.said.set(Some(said));
        let latest = self.told(id)?.pop().ok_or_else(Fault::ours)?;
        let reply = Reply::written(&written(self.pictured(of, &latest)?, false));
        Ok(match latest.is_over() {
            true => reply,
            false => Reply {
                write: false,
                body: Body::Made(fhir::outcome(&[in_part()]).to_bytes()),
                ..reply
            },
        })
    }
}

/// 422: what no rule of hers can say, with its place.
fn unsaid(unsaid: Unsaid) -> Fault {
    let said = format!(
        "{}. Nothing of this Consent was said; mend it there, or say it on the page of your rules.",
        unsaid.why
    );
    let issue = Issue::error(IssueCode::NotSupported, unsaid.place, said);
    Fault::of(422, vec![issue])
}

fn not_hers_yet() -> Fault {
    Fault::new(
        403,
        IssueCode::Forbidden,
        "Somebody who acts for you said this, and at your age it is hers to decide. Nothing was changed; speak with her, or with who cares for you.",
    )
}

/// Of what was said for her a part is not hers to take back yet.
fn in_part() -> Issue {
    Issue {
        severity: "information",
        code: IssueCode::Informational,
        diagnostics: "Taken back as far as it is yours to decide. The rest stands until you are of age: read it to see what it is.".into(),
        expression: String::new(),
    }
}

fn written(version: Version, created: bool) -> Written {
    Written {
        version,
        changed: true,
        created,
        labels: Labels(0),
    }
}

/// Refuses a write that expects another version of a statement than there is.
fn is_expected(latest: Option<&Statement>, expected: Option<Current>) -> Result<(), Fault> {
    let current = latest.filter(|latest| !latest.is_over());
    let fits = match expected {
        None => true,
        Some(Current::Any) => current.is_some(),
        Some(Current::Absent) => current.is_none(),
        Some(Current::Version(version)) => current.is_some_and(|one| one.word.version == version),
    };
    match fits {
        true => Ok(()),
        false => Err(Fault::new(
            412,
            IssueCode::Conflict,
            "You said this otherwise since, or took it back: read it and decide again.",
        )),
    }
}
