//! Who acts for a person, said here: named by herself, entered at the desk on a document, ended.
//!
//! A change is a new word of hers ([`crate::word::represent`]), in force when the call returns and carried to the other
//! members by whoever called; and two acts in its commit, one in her log and one in that of who acts for her. So neither can
//! be made a representative, or cease to be one, without being told.

use super::acts::Deed;
use super::evidence::check_presence;
use super::{Gate, Purpose, Refusal, Tag, What, locked};
use crate::word::represent::{self, Entered, Kind, NOTICE, Paper};
use crate::{ActKind, Actor, Category, Representative, SignedWord, Tie, Word};
use jiff::Timestamp;
use mx::Curp;

/// What the act of a change says was written, before the other one's name: [`What::Writing`].
pub(crate) const NAMED: &str = "representative-named";
/// That somebody no longer acts for her.
pub(crate) const ENDED: &str = "representative-ended";
/// The same for the log of who acts for her.
pub(crate) const MADE: &str = "representing-named";
/// That she no longer does.
pub(crate) const UNMADE: &str = "representing-ended";

/// Somebody who is to act for a person.
#[derive(Clone)]
pub struct NewRepresentative {
    /// Her CURP.
    pub curp: String,
    /// Her name as people say it.
    pub name: String,
    /// What she is to the person.
    pub tie: Tie,
    /// What she may see; empty means all that the law allows.
    pub sees: Vec<Category>,
    /// Whether she may say rules and wishes for the person too. A guardian may by being that.
    pub speaks: bool,
    /// Until when; `None` means until it is ended, of a minor until she is of age.
    pub until: Option<Timestamp>,
}

/// What shows that somebody is a guardian, and of whom.
#[derive(Clone, Debug)]
pub struct Guardianship {
    /// The person's CURP.
    pub curp: String,
    /// Her name, for whoever acts for her.
    pub name: String,
    /// The document.
    pub paper: Paper,
    /// Its number, as printed.
    pub number: String,
}

impl std::fmt::Debug for NewRepresentative {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "NewRepresentative({:?}, who withheld)", self.tie)
    }
}

impl Gate {
    /// The person, signed in here and of age, names somebody who acts for her.
    ///
    /// Refused for a minor: who acts for her, a document says; whom she wants to see something, a rule lets.
    pub fn name_representative(
        &self,
        patient: &Actor,
        new: NewRepresentative,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        let person = self.patient_here(patient)?;
        let born = patient.curp.as_deref().and_then(birth);
        if !born.is_some_and(|born| represent::is_of_age(born, now)) {
            return Err(Refusal::bad(
                "Quien tiene menos de 18 años no nombra a nadie: puedes dejar ver algo con una regla.",
                "Who is under 18 names nobody: you can let somebody see something with a rule.",
            ));
        }
        let deed = Deed::new(ActKind::Word, patient, Purpose::OwnRequest);
        self.represented(person, deed, now, |word| {
            let new = self.representative(new, Kind::Proxy, patient.name.clone(), now)?;
            Ok((word, new, NAMED))
        })
    }

    /// A guardian is entered at the desk, on a document, while the person is there: received here, or by her code.
    /// Of a minor, by the person's CURP, it ends when she is of age at the latest; of an adult it needs a court's decision
    /// and an end within two years.
    ///
    /// Refused without evidence that she is there, and to whoever may not receive people.
    pub fn enter_guardian(
        &self,
        by: &Actor,
        of: Guardianship,
        new: NewRepresentative,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        let person = self.checked_tag(&of.curp)?;
        let grounds = self.may_receive(by, person, now)?;
        check_presence(&self.evidence(by, person, now))?;
        let born = birth(&of.curp).ok_or_else(|| {
            Refusal::bad(
                "La CURP no dice cuándo nació.",
                "The CURP does not say when she was born.",
            )
        })?;
        let adult = represent::is_of_age(born, now);
        let kind = match adult {
            true => Kind::GuardianOfAdult,
            false => Kind::GuardianOfMinor,
        };
        let entered = Entered {
            paper: of.paper,
            number: of.number.trim().to_owned(),
            member: self.house.member.clone(),
            by: by.id.clone(),
        };
        let deed = Deed {
            grounds: Some(grounds),
            ..Deed::new(ActKind::Word, by, Purpose::Treatment)
        };
        self.represented(person, deed, now, |word| {
            let new = self.representative(new, kind, of.name, now)?;
            let of_age = represent::of_age(born).filter(|_| !adult);
            let until = new.until.into_iter().chain(of_age).min();
            let new = Representative {
                entered: Some(entered),
                until,
                ..new
            };
            let born = Some(born);
            Ok((Word { born, ..word }, new, NAMED))
        })
    }

    /// The person ends what she named herself.
    ///
    /// Refused for a guardian, who is there by a document: that ends at the desk.
    pub fn end_representative(
        &self,
        patient: &Actor,
        tag: Tag,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        let person = self.patient_here(patient)?;
        let deed = Deed::new(ActKind::Word, patient, Purpose::OwnRequest);
        self.represented(person, deed, now, |word| {
            let one = held(&word, tag, now)?;
            match one.kind {
                Kind::Proxy => Ok((word, one, ENDED)),
                _ => Err(Refusal::bad(
                    "Actúa por ti por un documento: eso se termina en la recepción.",
                    "She acts for you by a document: that is ended at the desk.",
                )),
            }
        })
    }

    /// Somebody who acts for a person ends that herself.
    pub fn resign(
        &self,
        representative: &Actor,
        person: Tag,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        let tag = self.patient_here(representative)?;
        let deed = Deed::new(ActKind::Word, representative, Purpose::Family);
        self.represented(person, deed, now, |word| {
            let one = held(&word, tag, now)?;
            Ok((word, one, ENDED))
        })
    }

    /// At the desk somebody's guardianship is ended, while the person is there.
    pub fn end_guardian(
        &self,
        by: &Actor,
        curp: &str,
        tag: Tag,
        now: Timestamp,
    ) -> Result<SignedWord, Refusal> {
        let person = self.checked_tag(curp)?;
        let grounds = self.may_receive(by, person, now)?;
        check_presence(&self.evidence(by, person, now))?;
        let deed = Deed {
            grounds: Some(grounds),
            ..Deed::new(ActKind::Word, by, Purpose::Treatment)
        };
        self.represented(person, deed, now, |word| {
            let one = held(&word, tag, now)?;
            Ok((word, one, ENDED))
        })
    }

    /// The guardians of a person who is at the desk, for whoever received her.
    ///
    /// Refused as to enter one.
    pub fn guardians(
        &self,
        by: &Actor,
        curp: &str,
        now: Timestamp,
    ) -> Result<Vec<Representative>, Refusal> {
        let person = self.checked_tag(curp)?;
        self.may_receive(by, person, now)?;
        check_presence(&self.evidence(by, person, now))?;
        let word = self.word(person).map(|signed| signed.word);
        let all = word.iter().flat_map(|word| word.representatives(now));
        Ok(all.filter(|one| one.kind.is_guardian()).cloned().collect())
    }

    /// Whom somebody signed in here acts for, or did until of late: their tags, and the line of each one's word that says
    /// so. Cost: one look for each.
    pub fn acts_for(&self, actor: &Actor, now: Timestamp) -> Vec<(Tag, Representative)> {
        let Some(own) = self.own_tag(actor) else {
            return Vec::new();
        };
        let line = |person: Tag| {
            let word = self.word(person)?.word;
            let last = word
                .represented_by
                .iter()
                .rev()
                .find(|one| one.tag == own)?;
            let told = last.changed(now).checked_add(NOTICE);
            let shown =
                word.representative(own, now).is_some() || told.is_ok_and(|told| told > now);
            shown.then(|| (person, last.clone()))
        };
        let wards = self.house.words.wards_of(own).into_iter();
        wards.filter_map(line).collect()
    }

    /// Who acts for the person signed in here, or did until of late, the last line of each.
    pub fn represented_by(&self, patient: &Actor, now: Timestamp) -> Vec<Representative> {
        let word = self.own_tag(patient).and_then(|tag| self.word(tag));
        let Some(word) = word.map(|signed| signed.word) else {
            return Vec::new();
        };
        let lines = word.represented_by.iter().enumerate();
        let last = |(place, one): &(usize, &Representative)| {
            let mut later = word.represented_by.iter().skip(place + 1);
            !later.any(|later| later.tag == one.tag)
        };
        let told = |one: &&Representative| {
            let until = one.changed(now).checked_add(NOTICE);
            word.representative(one.tag, now).is_some() || until.is_ok_and(|until| until > now)
        };
        let lines = lines.filter(last).map(|(_, one)| one);
        lines.filter(told).cloned().collect()
    }

    /// Whether somebody acts for a person now, by the word known here.
    pub(crate) fn represents(&self, tag: Tag, person: Tag, now: Timestamp) -> bool {
        let word = self.word(person);
        word.is_some_and(|signed| signed.word.representative(tag, now).is_some())
    }

    fn representative(
        &self,
        new: NewRepresentative,
        kind: Kind,
        whose: String,
        now: Timestamp,
    ) -> Result<Representative, Refusal> {
        Ok(Representative {
            tag: self.checked_tag(&new.curp)?,
            name: new.name.trim().to_owned(),
            whose: whose.trim().to_owned(),
            tie: new.tie,
            kind,
            entered: None,
            sees: new.sees,
            speaks: new.speaks && kind == Kind::Proxy,
            from: now,
            until: new.until,
            ended: None,
        })
    }

    /// Says a person's next word with a change of who acts for her, told to both.
    fn represented(
        &self,
        person: Tag,
        deed: Deed<'_>,
        now: Timestamp,
        change: impl FnOnce(Word) -> Result<(Word, Representative, &'static str), Refusal>,
    ) -> Result<SignedWord, Refusal> {
        let _one = locked(&self.house.words.taking);
        let (mut word, one, what) = change(self.next_word(person, now)?)?;
        let (lines, named) = (std::mem::take(&mut word.represented_by), what == NAMED);
        word.represented_by = match named {
            true => represent::name(lines, one.clone(), now),
            false => represent::end(lines, one.tag, now),
        };
        let heard = self.signed(word)?;
        let told = |what: &str, name: &str| What::Writing(format!("{what}\n{name}"));
        let theirs = Deed {
            persons: vec![one.tag],
            what: told(if named { MADE } else { UNMADE }, &one.whose),
            ..Deed::by(deed.kind, deed.who.clone(), deed.purpose)
        };
        let hers = Deed {
            persons: vec![person],
            what: told(what, &one.name),
            ..deed
        };
        let signed = heard.signed.clone();
        self.put_word(heard, hers, Some(theirs), now)?;
        Ok(signed)
    }
}

/// The line by which somebody acts for a person now.
fn held(word: &Word, tag: Tag, now: Timestamp) -> Result<Representative, Refusal> {
    word.representative(tag, now).cloned().ok_or_else(|| {
        Refusal::bad(
            "Esa persona no actúa por ella ahora.",
            "That one does not act for her now.",
        )
    })
}

/// The birth date in a CURP.
fn birth(curp: &str) -> Option<jiff::civil::Date> {
    Curp::parse(curp).ok()?.birth()
}
