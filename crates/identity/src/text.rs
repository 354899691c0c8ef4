//! One form for comparing written text: small letters without accents, signs taken for spaces.

/// A text longer than this (in characters) is nobody's name or address: it says nothing.
const LONGEST: usize = 200;

/// What people write when they do not know.
const UNKNOWN: [&str; 30] = [
    "desconocido",
    "desconocida",
    "se desconoce",
    "se ignora",
    "ignorado",
    "no especificado",
    "no especificada",
    "no aplica",
    "no disponible",
    "no tiene",
    "ninguno",
    "ninguna",
    "sin nombre",
    "sin apellido",
    "sin dato",
    "sin datos",
    "sin numero",
    "sin telefono",
    "sin domicilio",
    "domicilio conocido",
    "s n",
    "s d",
    "n a",
    "n d",
    "unknown",
    "not known",
    "none",
    "null",
    "nan",
    "missing",
];

/// Small letters without accents (Ñ becomes N: files lose it too often to lean on), every other sign a space, single
/// spaces. Letters of other scripts stay. Empty for what is too long, for a word that says "unknown" and for runs of X.
pub(crate) fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len().min(4 * LONGEST));
    for (i, c) in text.chars().enumerate() {
        if i == LONGEST {
            return String::new();
        }
        if c.is_ascii() {
            push(&mut out, c);
        } else {
            for c in c.to_lowercase() {
                match base(c) {
                    Some(letters) => out.push_str(letters),
                    None => push(&mut out, c),
                }
            }
        }
    }
    out.truncate(out.trim_end().len());
    if out.bytes().all(|b| matches!(b, b'x' | b'0' | b' ')) || UNKNOWN.contains(&out.as_str()) {
        out.clear();
    }
    out
}

fn push(out: &mut String, c: char) {
    if c.is_alphanumeric() {
        out.push(c.to_ascii_lowercase());
    } else if matches!(c, '\u{300}'..='\u{36f}' | '\'' | '’' | '`' | '´') {
        // A combining accent, or the apostrophe of O'Farrill: the word goes on.
    } else if !out.is_empty() && !out.ends_with(' ') {
        out.push(' ');
    }
}

/// The plain letters under an accented small letter of the Latin script.
fn base(c: char) -> Option<&'static str> {
    Some(match c {
        'á' | 'à' | 'â' | 'ä' | 'ã' | 'å' | 'ā' | 'ă' | 'ą' | 'ª' => "a",
        'é' | 'è' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'í' | 'ì' | 'î' | 'ï' | 'ī' | 'ı' => "i",
        'ó' | 'ò' | 'ô' | 'ö' | 'õ' | 'ō' | 'ő' | 'ø' | 'º' => "o",
        'ú' | 'ù' | 'û' | 'ü' | 'ū' | 'ů' | 'ű' => "u",
        'ý' | 'ÿ' => "y",
        'ñ' | 'ń' | 'ň' => "n",
        'ç' | 'ć' | 'č' => "c",
        'ś' | 'š' | 'ş' => "s",
        'ź' | 'ž' | 'ż' => "z",
        'ł' | 'ľ' => "l",
        'ř' => "r",
        'ť' => "t",
        'ď' | 'ð' => "d",
        'ğ' => "g",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        _ => return None,
    })
}

/// Words that stand before or inside a name and are none: of Spanish, and of the names that came from elsewhere.
const PARTICLES: [&str; 22] = [
    "da", "das", "de", "del", "der", "di", "die", "do", "dos", "du", "el", "la", "las", "le",
    "los", "of", "the", "van", "von", "y", "e", "vda",
];

/// The words of a folded name without its particles; all its words if it has nothing else.
pub(crate) fn words(folded: &str) -> impl Iterator<Item = &str> + Clone {
    let bare = folded.split(' ').all(|word| PARTICLES.contains(&word));
    folded
        .split(' ')
        .filter(move |word| !word.is_empty() && (bare || !PARTICLES.contains(word)))
}

/// Letters and digits alone, capital: the form in which numbers and codes are compared.
pub(crate) fn code(text: &str) -> String {
    let code: String = text
        .chars()
        .take(LONGEST + 1)
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_uppercase())
        .collect();
    let mut signs = code.bytes();
    let first = signs.next();
    // 0000000, 9999999 and XXXX are what people type into a field that must not be empty.
    let filler = signs.all(|b| Some(b) == first);
    if code.len() > 64 || filler {
        String::new()
    } else {
        code
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_case_and_signs_do_not_count() {
        assert_eq!(fold("  PEÑA-Núñez,  José "), "pena nunez jose");
        assert_eq!(fold("Jose\u{301} O'Farrill"), "jose ofarrill");
        assert_eq!(fold("Иван 😀"), "иван");
    }
    #[test]
    fn what_says_nothing_is_nothing() {
        for text in [
            "",
            "   ",
            "XXX",
            "xx xx",
            "Desconocido",
            "S/N",
            "0",
            "N/A",
            "😀",
        ] {
            assert_eq!(fold(text), "", "{text}");
        }
        assert_eq!(fold(&"a".repeat(10_000)), "");
        assert_eq!(code("9999999999"), "");
        assert_eq!(code("55-1234 5678"), "5512345678");
    }
    #[test]
    fn particles_step_aside_unless_there_is_nothing_else() {
        let list = |s| words(s).collect::<Vec<_>>();
        assert_eq!(list("de la cruz"), ["cruz"]);
        assert_eq!(list("montes de oca"), ["montes", "oca"]);
        assert_eq!(list("de la"), ["de", "la"]);
        assert!(list("").is_empty());
    }
}
