//! The categories in words.

use super::Category;
use crate::Lang;

impl Category {
    /// Its name on pages, as the person's own: "tus medicinas", "your medicines".
    pub fn yours(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Category::Diagnoses) => "tus diagnósticos",
            (Lang::Es, Category::Medicines) => "tus medicinas",
            (Lang::Es, Category::Allergies) => "tus alergias",
            (Lang::Es, Category::Laboratory) => "tus estudios",
            (Lang::Es, Category::Vitals) => "tus signos vitales",
            (Lang::Es, Category::Vaccines) => "tus vacunas",
            (Lang::Es, Category::Visits) => "tus consultas",
            (Lang::Es, Category::Other) => "tus otros datos",
            (Lang::Es, Category::MentalHealth) => "tu salud mental",
            (Lang::Es, Category::Reproductive) => "tu salud sexual",
            (Lang::Es, Category::Hiv) => "tus datos de VIH",
            (Lang::Es, Category::Addictions) => "tus adicciones",
            (Lang::Es, Category::Violence) => "tus datos de violencia",
            (Lang::Es, Category::Genetics) => "tus genes",
            (Lang::En, Category::Diagnoses) => "your diagnoses",
            (Lang::En, Category::Medicines) => "your medicines",
            (Lang::En, Category::Allergies) => "your allergies",
            (Lang::En, Category::Laboratory) => "your tests",
            (Lang::En, Category::Vitals) => "your vital signs",
            (Lang::En, Category::Vaccines) => "your vaccines",
            (Lang::En, Category::Visits) => "your visits",
            (Lang::En, Category::Other) => "your other data",
            (Lang::En, Category::MentalHealth) => "your mental health",
            (Lang::En, Category::Reproductive) => "your sexual health",
            (Lang::En, Category::Hiv) => "your HIV data",
            (Lang::En, Category::Addictions) => "your addictions",
            (Lang::En, Category::Violence) => "your violence data",
            (Lang::En, Category::Genetics) => "your genes",
        }
    }
    /// Its name as a heading: "Medicinas", "Medicines".
    pub fn name(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Category::Diagnoses) => "Diagnósticos",
            (Lang::Es, Category::Medicines) => "Medicinas",
            (Lang::Es, Category::Allergies) => "Alergias",
            (Lang::Es, Category::Laboratory) => "Estudios",
            (Lang::Es, Category::Vitals) => "Signos vitales",
            (Lang::Es, Category::Vaccines) => "Vacunas",
            (Lang::Es, Category::Visits) => "Consultas y notas",
            (Lang::Es, Category::Other) => "Otros datos",
            (Lang::Es, Category::MentalHealth) => "Salud mental",
            (Lang::Es, Category::Reproductive) => "Salud sexual y reproductiva",
            (Lang::Es, Category::Hiv) => "VIH y otras infecciones sexuales",
            (Lang::Es, Category::Addictions) => "Adicciones",
            (Lang::Es, Category::Violence) => "Violencia",
            (Lang::Es, Category::Genetics) => "Genes",
            (Lang::En, Category::Diagnoses) => "Diagnoses",
            (Lang::En, Category::Medicines) => "Medicines",
            (Lang::En, Category::Allergies) => "Allergies",
            (Lang::En, Category::Laboratory) => "Tests",
            (Lang::En, Category::Vitals) => "Vital signs",
            (Lang::En, Category::Vaccines) => "Vaccines",
            (Lang::En, Category::Visits) => "Visits and notes",
            (Lang::En, Category::Other) => "Other data",
            (Lang::En, Category::MentalHealth) => "Mental health",
            (Lang::En, Category::Reproductive) => "Sexual and reproductive health",
            (Lang::En, Category::Hiv) => "HIV and other sexual infections",
            (Lang::En, Category::Addictions) => "Addictions",
            (Lang::En, Category::Violence) => "Violence",
            (Lang::En, Category::Genetics) => "Genes",
        }
    }
    /// What belongs to it, in one short sentence.
    pub fn explanation(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Category::Diagnoses) => {
                "Lo que un médico dijo que tienes: tus enfermedades."
            }
            (Lang::Es, Category::Medicines) => "Lo que te recetan y lo que te dan en la farmacia.",
            (Lang::Es, Category::Allergies) => {
                "Lo que te hace daño. Cerrarlo puede ponerte en riesgo."
            }
            (Lang::Es, Category::Laboratory) => "Análisis de sangre y de orina, rayos X y más.",
            (Lang::Es, Category::Vitals) => "Tu peso, tu talla, tu presión, tu pulso.",
            (Lang::Es, Category::Vaccines) => "Las vacunas que te pusieron y cuándo.",
            (Lang::Es, Category::Visits) => {
                "Cada visita: la nota, la cirugía, el envío a otro médico."
            }
            (Lang::Es, Category::Other) => "Los pagos, los aparatos, tu familia y lo demás.",
            (Lang::Es, Category::MentalHealth) => "Todo lo que habla de tu ánimo y de tu mente.",
            (Lang::Es, Category::Reproductive) => {
                "Embarazo, parto, aborto y cómo te cuidas para no tener un bebé."
            }
            (Lang::Es, Category::Hiv) => {
                "Todo lo que habla de VIH, sífilis y otras infecciones sexuales."
            }
            (Lang::Es, Category::Addictions) => {
                "Lo que tomas o fumas y te hace daño: alcohol, tabaco, drogas."
            }
            (Lang::Es, Category::Violence) => "Golpes, abuso y maltrato que alguien te hizo.",
            (Lang::Es, Category::Genetics) => "Lo que dicen tus genes de ti y de tu familia.",
            (Lang::En, Category::Diagnoses) => "The illnesses that a doctor wrote down.",
            (Lang::En, Category::Medicines) => {
                "What you are prescribed and what the pharmacy gives you."
            }
            (Lang::En, Category::Allergies) => "What harms you. Closing it can put you at risk.",
            (Lang::En, Category::Laboratory) => "Blood and urine tests, X-rays and more.",
            (Lang::En, Category::Vitals) => "Your weight, height, blood pressure and pulse.",
            (Lang::En, Category::Vaccines) => "The vaccines you had and when.",
            (Lang::En, Category::Visits) => "Each visit: the note, the surgery, the referral.",
            (Lang::En, Category::Other) => "Bills, devices, your family and the rest.",
            (Lang::En, Category::MentalHealth) => "All that speaks of your mood and your mind.",
            (Lang::En, Category::Reproductive) => "Pregnancy, birth, abortion and birth control.",
            (Lang::En, Category::Hiv) => {
                "All that speaks of HIV, syphilis and other sexual infections."
            }
            (Lang::En, Category::Addictions) => "Alcohol, tobacco and other drugs.",
            (Lang::En, Category::Violence) => {
                "Blows, abuse and ill-treatment that somebody did to you."
            }
            (Lang::En, Category::Genetics) => "What your genes say of you and your family.",
        }
    }
}

/// "tus medicinas, tus alergias y tu salud mental"; many, or none, are "tu historia". Topics come first, since they
/// say more.
pub(crate) fn joined(categories: &[Category], lang: Lang) -> String {
    if categories.is_empty() || is_many(categories) {
        return match lang {
            Lang::Es => "tu historia completa".into(),
            Lang::En => "your whole history".into(),
        };
    }
    let names: Vec<&str> = categories.iter().map(|c| c.yours(lang)).collect();
    list(&names, lang)
}

/// So many that a list would say less than "all".
fn is_many(categories: &[Category]) -> bool {
    categories.iter().filter(|c| !c.is_topic()).count() > 4
}

/// "a, b y c".
pub(crate) fn list(names: &[&str], lang: Lang) -> String {
    let (and, sounds_alike) = match lang {
        Lang::Es => (" y ", Some(" e ")),
        Lang::En => (" and ", None),
    };
    match names {
        [] => String::new(),
        [one] => (*one).to_string(),
        [most @ .., last] => {
            let joint = match sounds_alike {
                Some(e) if last.starts_with(['i', 'I']) || last.starts_with("hi") => e,
                _ => and,
            };
            format!("{}{joint}{last}", most.join(", "))
        }
    }
}
