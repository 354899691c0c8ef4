//! Her rules as she reads them.

use super::part::kept_at;
use super::{Author, Part, Period, Rule, Speaker, Unless, Who};
use crate::act::day;
use crate::category::list;
use crate::{Lang, MemberId, MemberKind, Purpose, Role};
use jiff::SignedDuration;

impl Speaker {
    /// Who said something for her, as she reads it: "Lo dijo por ti Rosa Pérez, tu madre."
    pub fn sentence(&self, lang: Lang) -> String {
        let (name, tie) = (&self.name, self.tie.yours(lang));
        match lang {
            Lang::Es => format!("Lo dijo por ti {name}, {tie}."),
            Lang::En => format!("{name}, {tie}, said it for you."),
        }
    }
}

impl Rule {
    /// One plain sentence: "Las farmacias no pueden ver tu salud mental hasta el 3 de marzo de 2027."
    ///
    /// `names` gives the name, as people say it, of a member, or of somebody who works there (by her login).
    pub fn sentence(
        &self,
        lang: Lang,
        names: &dyn Fn(&MemberId, Option<&str>) -> String,
    ) -> String {
        let sentence = match lang {
            Lang::Es => self.spanish(names),
            Lang::En => self.english(names),
        };
        let mut said = vec![capital(&sentence)];
        said.extend(part_words(&self.part, lang, names));
        said.extend(self.terms.sentences(lang));
        said.extend(self.unless.iter().map(|one| one.sentence(lang, names)));
        if let Some(from) = self.from {
            said.push(match lang {
                Lang::Es => format!("Vale desde el {}.", day(from, lang)),
                Lang::En => format!("It holds from {}.", day(from, lang)),
            });
        }
        said.extend(self.speaker.as_ref().map(|speaker| speaker.sentence(lang)));
        said.join(" ")
    }

    fn spanish(&self, names: &dyn Fn(&MemberId, Option<&str>) -> String) -> String {
        let (who, many) = match (self.allow, &self.who) {
            (true, Who::Everyone) => ("Todos".into(), true),
            _ => whom_es(&self.who, names),
        };
        let what = self.what_words(Lang::Es);
        let can = match (self.allow, many) {
            (true, true) => "sí pueden ver",
            (true, false) => "sí puede ver",
            (false, true) => "no pueden ver",
            (false, false) if self.who == Who::Everyone => "puede ver",
            (false, false) => "no puede ver",
        };
        let purpose = match self.purpose {
            None => "",
            Some(Purpose::Treatment) => " para atenderte",
            Some(Purpose::OwnRequest) => " a tu nombre",
            Some(Purpose::Family) => " cuando actúan por ti",
            Some(Purpose::Operations) => " para su trabajo interno",
            Some(Purpose::Research) => " para estudios",
            Some(Purpose::Payment) => " para cobros",
            Some(Purpose::Emergency) => " en una emergencia",
            Some(Purpose::State) => " por orden de una autoridad",
            Some(Purpose::Underwriting) => " para asegurarte",
            Some(Purpose::Employment) => " por tu trabajo",
        };
        let until = self
            .until
            .map(|at| format!(" hasta el {}", day(at, Lang::Es)))
            .unwrap_or_default();
        let hint = if self.allow || !self.hint {
            ""
        } else {
            " Sabrán que guardas algo."
        };
        let insist = if self.allow || !self.insist {
            ""
        } else {
            " Ni en una emergencia."
        };
        let quiet = if self.quiet {
            " Quienes actúan por ti no lo ven ni lo saben."
        } else {
            ""
        };
        format!("{who} {can} {what}{purpose}{until}.{insist}{hint}{quiet}")
    }

    fn english(&self, names: &dyn Fn(&MemberId, Option<&str>) -> String) -> String {
        let who = match (self.allow, &self.who) {
            (true, Who::Everyone) => "Everyone".to_string(),
            _ => whom_en(&self.who, names),
        };
        let what = self.what_words(Lang::En);
        let can = match self.allow {
            true => "can see",
            false if self.who == Who::Everyone => "can see",
            false => "cannot see",
        };
        let purpose = match self.purpose {
            None => "",
            Some(Purpose::Treatment) => " to treat you",
            Some(Purpose::OwnRequest) => " in your name",
            Some(Purpose::Family) => " when they act for you",
            Some(Purpose::Operations) => " for their own work",
            Some(Purpose::Research) => " for studies",
            Some(Purpose::Payment) => " for payment",
            Some(Purpose::Emergency) => " in an emergency",
            Some(Purpose::State) => " on the order of an authority",
            Some(Purpose::Underwriting) => " to insure you",
            Some(Purpose::Employment) => " for your job",
        };
        let until = self
            .until
            .map(|at| format!(" until {}", day(at, Lang::En)))
            .unwrap_or_default();
        let hint = if self.allow || !self.hint {
            ""
        } else {
            " They will know that you keep something back."
        };
        let insist = if self.allow || !self.insist {
            ""
        } else {
            " Not even in an emergency."
        };
        let quiet = if self.quiet {
            " Those who act for you do not see it and do not know."
        } else {
            ""
        };
        format!("{who} {can} {what}{purpose}{until}.{insist}{hint}{quiet}")
    }

    fn what_words(&self, lang: Lang) -> String {
        if self.what.is_empty() {
            return match (lang, self.allow) {
                (Lang::Es, false) => "nada de tu historia",
                (Lang::Es, true) => "toda tu historia",
                (Lang::En, false) => "anything of your history",
                (Lang::En, true) => "all of your history",
            }
            .to_string();
        }
        let names: Vec<&str> = self.what.iter().map(|c| c.yours(lang)).collect();
        match (names.split_last(), self.allow) {
            (Some((last, most)), false) if !most.is_empty() => {
                let nor = if lang == Lang::Es { "ni" } else { "or" };
                format!("{} {nor} {last}", most.join(", "))
            }
            _ => list(&names, lang),
        }
    }
}

impl Unless {
    fn sentence(&self, lang: Lang, names: &dyn Fn(&MemberId, Option<&str>) -> String) -> String {
        // As an allowing rule says it.
        let allows = Rule {
            allow: true,
            who: self.who.clone(),
            what: self.what.clone(),
            part: self.part.clone(),
            from: self.from,
            until: self.until,
            terms: self.terms,
            ..Rule::default()
        };
        let purposes = self.purposes.iter().map(|purpose| purpose.code());
        let purposes = purposes.collect::<Vec<_>>().join(", ");
        let only = match (purposes.is_empty(), lang) {
            (true, _) => String::new(),
            (false, Lang::Es) => format!(" Sólo para {purposes}."),
            (false, Lang::En) => format!(" Only for {purposes}."),
        };
        let but = match lang {
            Lang::Es => "Salvo esto:",
            Lang::En => "Except this:",
        };
        format!("{but} {}{only}", allows.sentence(lang, names))
    }
}

/// Names may begin with a small article: "la Dra. Ana Ruiz".
fn capital(sentence: &str) -> String {
    let mut letters = sentence.chars();
    letters.next().map_or_else(String::new, |first| {
        first.to_uppercase().collect::<String>() + letters.as_str()
    })
}

/// A part of the record, a sentence for each thing that it says.
fn part_words(
    part: &Part,
    lang: Lang,
    names: &dyn Fn(&MemberId, Option<&str>) -> String,
) -> Vec<String> {
    let es = lang == Lang::Es;
    let mut said = Vec::new();
    if let Some(Period { from, until }) = part.period {
        let from = from.map(|from| day(from, lang));
        // Its end is the first moment that is no longer in it; people name the last day that is.
        let last = until.map(|until| day(until - SignedDuration::from_secs(1), lang));
        said.push(match (from, last) {
            (Some(from), Some(last)) if es => format!("Sólo lo que pasó del {from} al {last}."),
            (Some(from), Some(last)) => format!("Only what happened from {from} to {last}."),
            (Some(from), None) if es => format!("Sólo lo que pasó desde el {from}."),
            (Some(from), None) => format!("Only what happened from {from} on."),
            (None, Some(last)) if es => format!("Sólo lo que pasó hasta el {last}."),
            (None, Some(last)) => format!("Only what happened up to {last}."),
            (None, None) => String::new(),
        });
    }
    let kept = |name: &String| match kept_at(name) {
        (Some(member), name) => format!("{name} ({})", names(&MemberId(member.to_owned()), None)),
        (None, name) => name.to_owned(),
    };
    if !part.authors.is_empty() {
        let by = part.authors.iter().map(|author| match author {
            Author::Institution(member) => names(member, None),
            Author::Identifier(_, value) => value.clone(),
            Author::Reference(name) => kept(name),
        });
        let by = by.collect::<Vec<_>>().join(", ");
        said.push(match es {
            true => format!("Sólo lo que escribió {by}."),
            false => format!("Only what {by} wrote."),
        });
    }
    let labels = part.labels.iter().map(|label| label.code.clone());
    let named: [(&str, &str, Vec<String>); 4] = [
        (
            "Sólo lo de estas visitas",
            "Only of these visits",
            part.visits.iter().map(kept).collect(),
        ),
        (
            "Sólo estos papeles",
            "Only these documents",
            part.resources.iter().map(kept).collect(),
        ),
        ("Sólo de este tipo", "Only of this type", part.types.clone()),
        (
            "Sólo con esta marca",
            "Only with this mark",
            labels.collect(),
        ),
    ];
    for (in_es, in_en, items) in named.into_iter().filter(|(.., items)| !items.is_empty()) {
        let words = if es { in_es } else { in_en };
        said.push(format!("{words}: {}.", items.join(", ")));
    }
    said
}

/// Whom a rule is about, and whether that is a plural.
fn whom_es(who: &Who, names: &dyn Fn(&MemberId, Option<&str>) -> String) -> (String, bool) {
    match who {
        Who::Everyone => ("Nadie".into(), false),
        Who::Kind(kind) => (kind_es(*kind).into(), true),
        Who::Role(role) => (role_es(*role).into(), true),
        Who::Member(member) => (names(member, None), false),
        Who::Representatives => ("Quienes actúan por ti".into(), true),
        Who::Representative(_) => ("Una persona que actúa por ti".into(), false),
        Who::Actor(member, actor) => (
            format!(
                "{}, de {},",
                names(member, Some(actor)),
                names(member, None)
            ),
            false,
        ),
    }
}

fn whom_en(who: &Who, names: &dyn Fn(&MemberId, Option<&str>) -> String) -> String {
    match who {
        Who::Everyone => "No one".into(),
        Who::Kind(kind) => kind_en(*kind).into(),
        Who::Role(role) => role_en(*role).into(),
        Who::Member(member) => names(member, None),
        Who::Representatives => "Those who act for you".into(),
        Who::Representative(_) => "One person who acts for you".into(),
        Who::Actor(member, actor) => {
            format!(
                "{}, of {},",
                names(member, Some(actor)),
                names(member, None)
            )
        }
    }
}

fn kind_es(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::PublicInstitution => "Los hospitales públicos",
        MemberKind::PrivateHospital => "Los hospitales privados",
        MemberKind::Clinic => "Las clínicas",
        MemberKind::Pharmacy => "Las farmacias",
        MemberKind::Laboratory => "Los laboratorios",
        MemberKind::Insurer => "Los seguros",
        MemberKind::University => "Las universidades",
        MemberKind::Witness => "Los testigos",
        MemberKind::Authority => "Las autoridades",
    }
}

fn kind_en(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::PublicInstitution => "Public hospitals",
        MemberKind::PrivateHospital => "Private hospitals",
        MemberKind::Clinic => "Clinics",
        MemberKind::Pharmacy => "Pharmacies",
        MemberKind::Laboratory => "Laboratories",
        MemberKind::Insurer => "Insurers",
        MemberKind::University => "Universities",
        MemberKind::Witness => "Witnesses",
        MemberKind::Authority => "Authorities",
    }
}

fn role_es(role: Role) -> &'static str {
    match role {
        Role::Physician => "Los médicos",
        Role::Nurse => "Las enfermeras y los enfermeros",
        Role::Pharmacist => "Quienes dan medicinas",
        Role::Clerk => "Quienes te reciben",
        Role::Patient => "Otros pacientes",
        Role::System => "Los sistemas",
        Role::Operator => "Quienes cuidan los sistemas",
        Role::Privacy => "Quienes cuidan la privacidad",
    }
}

fn role_en(role: Role) -> &'static str {
    match role {
        Role::Physician => "Doctors",
        Role::Nurse => "Nurses",
        Role::Pharmacist => "Pharmacists",
        Role::Clerk => "Desk clerks",
        Role::Patient => "Other patients",
        Role::System => "Systems",
        Role::Operator => "System operators",
        Role::Privacy => "Privacy officers",
    }
}
