//! Names as Mexican registers write them: upper case, no accents, Ñ kept, particles known.

/// Words that the CURP skips in surnames and given names (rule 2).
const PARTICLES: [&str; 19] = [
    "DA", "DAS", "DE", "DEL", "DER", "DI", "DIE", "DD", "EL", "LA", "LOS", "LAS", "LE", "LES",
    "MAC", "MC", "VAN", "VON", "Y",
];

/// Given names so common that the CURP takes the next one (rule 3).
const COMMON: [&str; 8] = ["MARIA", "MA", "MA.", "M", "M.", "JOSE", "J", "J."];

/// A person's names as given; the second surname may be absent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Names<'a> {
    /// All given names, as in `María de los Ángeles`.
    pub given: &'a str,
    /// First surname.
    pub first: &'a str,
    /// Second surname.
    pub second: Option<&'a str>,
}

/// Upper case without accents and diaeresis, Ñ kept (also when written as N and a combining tilde), space runs made
/// one space, ends trimmed. Other signs stay as they are.
pub fn normalise(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars().flat_map(char::to_uppercase) {
        match c {
            'Á' | 'À' | 'Â' | 'Ä' | 'Ã' | 'Å' => out.push('A'),
            'É' | 'È' | 'Ê' | 'Ë' => out.push('E'),
            'Í' | 'Ì' | 'Î' | 'Ï' => out.push('I'),
            'Ó' | 'Ò' | 'Ô' | 'Ö' | 'Õ' => out.push('O'),
            'Ú' | 'Ù' | 'Û' | 'Ü' => out.push('U'),
            'Ý' => out.push('Y'),
            'Ç' => out.push('C'),
            '\u{303}' if out.ends_with('N') => {
                out.pop();
                out.push('Ñ');
            }
            '\u{300}'..='\u{36f}' => {}
            c if c.is_whitespace() => {
                if !out.is_empty() && !out.ends_with(' ') {
                    out.push(' ');
                }
            }
            c => out.push(c),
        }
    }
    out.truncate(out.trim_end().len());
    out
}

/// The word of a surname that the CURP uses, normalised: the first that is not a particle. Empty when there is none;
/// the CURP then has X (the rule as written; what RENAPO does with a surname made of particles alone is not published).
pub fn surname_word(surname: &str) -> String {
    normalise(surname)
        .split(' ')
        .find(|word| !PARTICLES.contains(word))
        .unwrap_or_default()
        .to_owned()
}

/// The word of the given names that the CURP uses, normalised: as [`surname_word`], and past a leading María or José
/// (or their short forms) when another name follows.
pub fn given_word(given: &str) -> String {
    let whole = normalise(given);
    let mut words = whole.split(' ').filter(|word| !PARTICLES.contains(word));
    match (words.next(), words.next()) {
        (Some(first), Some(next)) if COMMON.contains(&first) => next.to_owned(),
        (first, _) => first.unwrap_or_default().to_owned(),
    }
}

/// One form for comparing names between files: [`normalise`]d, short forms of María and José written out, signs taken
/// for spaces. Two spellings of one name often agree in it; two people may too.
pub fn comparable(text: &str) -> String {
    let plain: String = normalise(text)
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { ' ' })
        .collect();
    let words: Vec<&str> = plain
        .split_whitespace()
        .enumerate()
        .map(|(i, word)| match word {
            "MA" | "M" if i == 0 => "MARIA",
            "J" if i == 0 => "JOSE",
            "GPE" => "GUADALUPE",
            "FCO" => "FRANCISCO",
            word => word,
        })
        .collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_go_and_enye_stays() {
        assert_eq!(normalise("  josé  Ñáñez Güemes "), "JOSE ÑAÑEZ GUEMES");
        assert_eq!(normalise("Nun\u{303}ez Jose\u{301}"), "NUÑEZ JOSE");
    }
    #[test]
    fn particles_and_common_names_step_aside() {
        assert_eq!(surname_word("De la Cruz"), "CRUZ");
        assert_eq!(surname_word("von Bertrab"), "BERTRAB");
        assert_eq!(surname_word("Mac"), "");
        assert_eq!(given_word("Ma. de los Ángeles"), "ANGELES");
        assert_eq!(given_word("José"), "JOSE");
        assert_eq!(given_word("María José"), "JOSE");
        assert_eq!(given_word("María de la"), "MARIA");
        assert_eq!(given_word(""), "");
    }
    #[test]
    fn short_forms_compare_equal() {
        assert_eq!(comparable("Ma. Gpe."), comparable("MARÍA GUADALUPE"));
        assert_eq!(comparable("J. Luis"), comparable("José Luis"));
    }
}
