//! Kinds of findings of which a person may wish not to know.
//!
//! They are no categories of [`Category`](super::Category): nobody closes them to others, and no policy speaks of them.
//! They stand as bits beside a resource's kind and topics, so that the scan that answers the person herself leaves them
//! out ([`crate::word::wish`]).

use crate::Lang;
use store::Labels;

/// What a finding is of. The number is its bit in [`Labels`], on disk for ever.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
#[repr(u8)]
pub enum Finding {
    /// In her genes, beside what a test looked for.
    GeneticSecondary = 23,
    /// She carries a gene that her children may inherit.
    GeneticCarrier = 24,
    /// An illness that may come late and has no treatment yet.
    LateOnset = 25,
    /// Cancer, or what may become it.
    Cancer = 26,
    /// Something of the child in a pregnancy.
    PregnancyAnomaly = 27,
    /// Something in an image that was made for another reason.
    IncidentalImaging = 28,
    /// A risk that a program computed.
    AiRisk = 29,
    /// Whatever was found without having been looked for.
    Unrequested = 30,
}

/// The bits of all findings.
pub const FINDINGS: Labels = Labels(0x7f80_0000);

impl Finding {
    /// All, in the order in which pages offer them.
    pub const ALL: [Finding; 8] = [
        Finding::GeneticSecondary,
        Finding::GeneticCarrier,
        Finding::LateOnset,
        Finding::Cancer,
        Finding::PregnancyAnomaly,
        Finding::IncidentalImaging,
        Finding::AiRisk,
        Finding::Unrequested,
    ];
    /// Its bit.
    pub fn bit(self) -> Labels {
        Labels(1 << self as u8)
    }
    /// The code used in labels, words and consents: `late-onset`.
    pub fn code(self) -> &'static str {
        match self {
            Finding::GeneticSecondary => "genetic-secondary",
            Finding::GeneticCarrier => "genetic-carrier",
            Finding::LateOnset => "late-onset",
            Finding::Cancer => "cancer",
            Finding::PregnancyAnomaly => "pregnancy-anomaly",
            Finding::IncidentalImaging => "incidental-imaging",
            Finding::AiRisk => "ai-risk",
            Finding::Unrequested => "unrequested",
        }
    }
    /// The finding of a code.
    pub fn from_code(code: &str) -> Option<Finding> {
        Finding::ALL.into_iter().find(|f| f.code() == code)
    }
    /// What a wish about it leaves out: itself, and of what was not asked for everything that by its nature is so.
    pub fn covers(self) -> Labels {
        match self {
            Finding::Unrequested => self
                .bit()
                .with(Finding::GeneticSecondary.bit())
                .with(Finding::IncidentalImaging.bit()),
            one => one.bit(),
        }
    }
    /// Those of a set.
    pub fn of(labels: Labels) -> Vec<Finding> {
        Finding::ALL
            .into_iter()
            .filter(|finding| labels.meets(finding.bit()))
            .collect()
    }
    /// The findings among some labels.
    pub fn among(labels: Labels) -> Labels {
        Labels(labels.0 & FINDINGS.0)
    }

    /// Its name on pages.
    pub fn name(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Finding::GeneticSecondary) => "Otros hallazgos en mis genes",
            (Lang::Es, Finding::GeneticCarrier) => "Si puedo heredar algo a mis hijos",
            (Lang::Es, Finding::LateOnset) => "Males que llegan tarde y no tienen cura",
            (Lang::Es, Finding::Cancer) => "Cáncer",
            (Lang::Es, Finding::PregnancyAnomaly) => "Algo del bebé en el embarazo",
            (Lang::Es, Finding::IncidentalImaging) => "Lo que salga de más en una imagen",
            (Lang::Es, Finding::AiRisk) => "Riesgos que calcula un programa",
            (Lang::Es, Finding::Unrequested) => "Todo lo que nadie pidió buscar",
            (Lang::En, Finding::GeneticSecondary) => "Other findings in my genes",
            (Lang::En, Finding::GeneticCarrier) => "Whether my children may inherit something",
            (Lang::En, Finding::LateOnset) => "Illness that comes late and has no cure",
            (Lang::En, Finding::Cancer) => "Cancer",
            (Lang::En, Finding::PregnancyAnomaly) => "Something of the baby in pregnancy",
            (Lang::En, Finding::IncidentalImaging) => "What else shows in an image",
            (Lang::En, Finding::AiRisk) => "Risks that a program computes",
            (Lang::En, Finding::Unrequested) => "All that nobody asked to look for",
        }
    }
    /// What belongs to it, in one short sentence.
    pub fn explanation(self, lang: Lang) -> &'static str {
        match (lang, self) {
            (Lang::Es, Finding::GeneticSecondary) => {
                "Lo que sale en un estudio de genes sin que se buscara."
            }
            (Lang::Es, Finding::GeneticCarrier) => {
                "Genes que a ti no te enferman, pero que un hijo puede recibir."
            }
            (Lang::Es, Finding::LateOnset) => {
                "Como el mal de Huntington: puede llegar con los años y hoy no se cura."
            }
            (Lang::Es, Finding::Cancer) => "Un tumor, o algo que puede volverse tumor.",
            (Lang::Es, Finding::PregnancyAnomaly) => {
                "Lo que un estudio del embarazo dice de la salud del bebé."
            }
            (Lang::Es, Finding::IncidentalImaging) => {
                "Una mancha o bulto en una radiografía que se hizo por otra cosa."
            }
            (Lang::Es, Finding::AiRisk) => {
                "Un número que dice qué tan probable es que enfermes de algo."
            }
            (Lang::Es, Finding::Unrequested) => {
                "Todo hallazgo que no era la razón del estudio, sea de lo que sea."
            }
            (Lang::En, Finding::GeneticSecondary) => {
                "What a test of genes shows without having been looked for."
            }
            (Lang::En, Finding::GeneticCarrier) => {
                "Genes that do not make you ill, but that a child may get."
            }
            (Lang::En, Finding::LateOnset) => {
                "Like Huntington's disease: it may come with the years and has no cure today."
            }
            (Lang::En, Finding::Cancer) => "A tumour, or what may become one.",
            (Lang::En, Finding::PregnancyAnomaly) => {
                "What a test in pregnancy says of the baby's health."
            }
            (Lang::En, Finding::IncidentalImaging) => {
                "A spot or lump in an image that was made for something else."
            }
            (Lang::En, Finding::AiRisk) => "A number that says how likely some illness is.",
            (Lang::En, Finding::Unrequested) => {
                "Every finding that was not the reason of the test, whatever it is."
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::category::{EVERYTHING, IDENTITY};

    #[test]
    fn every_finding_has_a_bit_and_a_code_of_its_own() {
        let all = Finding::ALL
            .into_iter()
            .fold(Labels(0), |all, one| all.with(one.bit()));
        assert_eq!(all, FINDINGS);
        assert_eq!(all.0.count_ones(), 8);
        assert!(!all.meets(EVERYTHING.with(IDENTITY)));
        for one in Finding::ALL {
            assert_eq!(Finding::from_code(one.code()), Some(one));
            assert!(one.covers().meets(one.bit()));
        }
    }
}
