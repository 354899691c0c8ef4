//! A wish as she reads it.

use super::{Company, Until, Wish};
use crate::act::day;
use crate::{Finding, Lang};
use jiff::Timestamp;

impl Finding {
    /// Of what she does not wish to know, inside a sentence: "de cáncer".
    pub fn inside(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Finding::GeneticSecondary) => "otros hallazgos en tus genes",
            (Lang::Es, Finding::GeneticCarrier) => "genes que tus hijos pueden heredar",
            (Lang::Es, Finding::LateOnset) => "males que llegan tarde y no tienen cura",
            (Lang::Es, Finding::Cancer) => "cáncer",
            (Lang::Es, Finding::PregnancyAnomaly) => "la salud del bebé en el embarazo",
            (Lang::Es, Finding::IncidentalImaging) => "lo que salga de más en una imagen",
            (Lang::Es, Finding::AiRisk) => "riesgos que calcula un programa",
            (Lang::Es, Finding::Unrequested) => "lo que nadie pidió buscar",
            (Lang::En, Finding::GeneticSecondary) => "other findings in your genes",
            (Lang::En, Finding::GeneticCarrier) => "genes that your children may inherit",
            (Lang::En, Finding::LateOnset) => "illness that comes late and has no cure",
            (Lang::En, Finding::Cancer) => "cancer",
            (Lang::En, Finding::PregnancyAnomaly) => "the baby's health in pregnancy",
            (Lang::En, Finding::IncidentalImaging) => "what else shows in an image",
            (Lang::En, Finding::AiRisk) => "risks that a program computes",
            (Lang::En, Finding::Unrequested) => "what nobody asked to look for",
        }
    }
}

impl Wish {
    /// One or two plain sentences: "No quieres saber de cáncer hasta que tú preguntes. Quieres que esté contigo Rosa."
    pub fn sentence(&self, lang: Lang, now: Timestamp) -> String {
        let said = self.own_sentence(lang, now);
        match &self.speaker {
            Some(speaker) => format!("{said} {}", speaker.sentence(lang)),
            None => said,
        }
    }

    fn own_sentence(&self, lang: Lang, now: Timestamp) -> String {
        let of = self.finding.inside(lang);
        if let Some(asked) = self.asked {
            let from = day(asked.from, lang);
            return match (lang, now < asked.from) {
                (Lang::Es, true) => format!("Pediste saber de {of}. Lo verás desde el {from}."),
                (Lang::Es, false) => format!(
                    "Pediste saber de {of}, y desde el {from} lo ves.{}",
                    company(asked.company, lang)
                ),
                (Lang::En, true) => {
                    format!("You asked to know of {of}. You will see it from {from}.")
                }
                (Lang::En, false) => format!(
                    "You asked to know of {of}, and since {from} you see it.{}",
                    company(asked.company, lang)
                ),
            };
        }
        let until = match (lang, self.until) {
            (Lang::Es, Until::Date(date)) => {
                format!("hasta el {}, o antes si preguntas", day(date, lang))
            }
            (Lang::Es, _) => "hasta que tú preguntes".to_owned(),
            (Lang::En, Until::Date(date)) => {
                format!("until {}, or before if you ask", day(date, lang))
            }
            (Lang::En, _) => "until you ask".to_owned(),
        };
        let mut said = match lang {
            Lang::Es => format!("No quieres saber de {of} {until}."),
            Lang::En => format!("You do not wish to know of {of} {until}."),
        };
        if let Some(companion) = &self.companion {
            said += &match lang {
                Lang::Es => format!(" Quieres que entonces esté contigo {}.", companion.name),
                Lang::En => format!(" Then you want {} to be with you.", companion.name),
            };
        }
        if let Some(told) = &self.told {
            said += &match lang {
                Lang::Es => format!(" Se le puede decir a {}.", told.name),
                Lang::En => format!(" {} may be told.", told.name),
            };
        }
        if self.cool_off_hours > 0 {
            let hours = self.cool_off_hours;
            said += &match lang {
                Lang::Es => {
                    format!(" Cuando preguntes, lo verás {hours} horas después, como tú elegiste.")
                }
                Lang::En => {
                    format!(" When you ask, you will see it {hours} hours later, as you chose.")
                }
            };
        }
        if let Some(review) = self.review {
            let at = day(review, lang);
            said += &match lang {
                Lang::Es => format!(" El {at} te preguntaremos si sigues queriéndolo así."),
                Lang::En => format!(" On {at} we will ask you whether you still want it so."),
            };
        }
        said
    }
}

fn company(company: Company, lang: Lang) -> &'static str {
    match (lang, company) {
        (_, Company::None | Company::Awaited) => "",
        (Lang::Es, Company::Present) => " Había alguien contigo.",
        (Lang::Es, Company::Waived) => " Decidiste hacerlo sin compañía.",
        (Lang::En, Company::Present) => " You were accompanied.",
        (Lang::En, Company::Waived) => " You chose to do it without company.",
    }
}
