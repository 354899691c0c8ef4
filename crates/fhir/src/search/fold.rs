//! Text as string search compares it.

/// Folds text for string search: lower case, accents and other marks removed, white space single; **ñ stays a letter
/// of its own** (Muñoz is not Munoz), also when it comes as n with a combining tilde. `æ`, `œ`, `ß`, `þ` become two
/// letters. Folding what is folded changes nothing.
pub fn fold(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    // Whether the last letter written is a bare n, with nothing but marks since: a tilde would make it ñ.
    let mut bare_n = false;
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
            bare_n = matches!(c, 'n' | 'N');
        } else if c.is_whitespace() {
            if !out.is_empty() && !out.ends_with(' ') {
                out.push(' ');
            }
            bare_n = false;
        } else if c.is_ascii() {
            out.push(c);
            bare_n = false;
        } else if is_mark(c) {
            if c == '\u{303}' && bare_n {
                out.pop();
                out.push('ñ');
                bare_n = false;
            }
        } else {
            fold_letter(c, &mut out);
            bare_n = false;
        }
    }
    if out.ends_with(' ') {
        out.pop();
    }
    out
}

fn fold_letter(c: char, out: &mut String) {
    match c {
        'ñ' | 'Ñ' => out.push('ñ'),
        'æ' | 'Æ' | 'ǽ' | 'Ǽ' | 'ǣ' | 'Ǣ' => out.push_str("ae"),
        'œ' | 'Œ' => out.push_str("oe"),
        'ß' | 'ẞ' => out.push_str("ss"),
        'þ' | 'Þ' => out.push_str("th"),
        _ => match base(c) {
            Some(letter) => out.push(letter),
            None => {
                let lower = c.to_lowercase().filter(|c| !is_mark(*c));
                out.extend(lower.map(|c| base(c).unwrap_or(c)));
            }
        },
    }
}

/// Combining marks of any script that Latin text uses.
fn is_mark(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}' | '\u{20d0}'..='\u{20ff}' | '\u{fe20}'..='\u{fe2f}')
}

/// Base letters of U+00C0 to U+024F, after the canonical decompositions of Unicode and for letters with a stroke;
/// `.` where there is none.
const LATIN: &[u8] = b"aaaaaa.ceeeeiiiidnooooo.ouuuuy..aaaaaa.ceeeeiiiidnooooo.ouuuuy.yaaaaaaccccccccddddeeeeeeeeeegggggggghhhhiiiiiiiiii..jjkk.llllll..llnnnnnn.nnoooooo..rrrrrrssssssssttttttuuuuuuuuuuuuwwyyyzzzzzzsb...............................oo.............uu............................aaiioouuuuuuuuuu.aaaa....ggkkoooo..j...gg..nnaa....aaaaeeeeiiiioooorrrruuuusstt..hh......aaeeooooooooyy............................";

/// The same for U+1E00 to U+1EFF.
const LATIN_ADDITIONAL: &[u8] = b"aabbbbbbccddddddddddeeeeeeeeeeffgghhhhhhhhhhiiiikkkkkkllllllllmmmmmmnnnnnnnnoooooooopppprrrrrrrrssssssssssttttttttuuuuuuuuuuvvvvwwwwwwwwwwxxxxyyzzzzzzhtwy......aaaaaaaaaaaaaaaaaaaaaaaaeeeeeeeeeeeeeeeeiiiioooooooooooooooooooooooouuuuuuuuuuuuuuyyyyyyyy......";

fn base(c: char) -> Option<char> {
    let code = c as usize;
    let letter = match code {
        0xc0..=0x24f => LATIN.get(code - 0xc0),
        0x1e00..=0x1eff => LATIN_ADDITIONAL.get(code - 0x1e00),
        _ => None,
    }?;
    (*letter != b'.').then_some(char::from(*letter))
}

#[cfg(test)]
mod tests {
    use super::fold;

    #[test]
    fn accents_and_case_do_not_matter_but_ñ_does() {
        for (text, folded) in [
            ("María  José\tÁvila ", "maria jose avila"),
            ("MUÑOZ Peña", "muñoz peña"),
            ("mun\u{303}oz", "muñoz"),
            ("MUN\u{323}\u{303}OZ", "muñoz"),
            ("Pingüino Cárdenas-Ló́pez", "pinguino cardenas-lopez"),
            ("Jose\u{301}", "jose"),
            (
                "Ångström Łukasz Đorđe Ørsted İstanbul",
                "angstrom lukasz dorde orsted istanbul",
            ),
            ("Straße Œuvre Æsir", "strasse oeuvre aesir"),
            ("Nguyễn Thị", "nguyen thi"),
            ("ΑΘΗΝΑ Ольга 東京", "αθηνα ольга 東京"),
            ("", ""),
            (" \u{301} ", ""),
        ] {
            assert_eq!(fold(text), folded, "{text}");
        }
    }

    #[test]
    fn folding_twice_is_folding_once() {
        for c in (0..=0x2_ffff).filter_map(char::from_u32) {
            let once = fold(&format!("a{c}b n{c}"));
            assert_eq!(fold(&once), once, "{c:?}");
        }
    }
}
