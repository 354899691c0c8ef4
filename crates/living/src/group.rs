//! Which resources speak of the same thing: they share a code, or say the same words.

use std::collections::HashMap;

/// Groups items by shared keys (union-find): items that share any key are together. Groups come in the order of their
/// first item. Near linear.
pub(crate) fn by_shared_keys(keys: &[Vec<String>]) -> Vec<Vec<usize>> {
    let mut parent: Vec<usize> = (0..keys.len()).collect();
    let mut seen: HashMap<&str, usize> = HashMap::new();
    for (i, own) in keys.iter().enumerate() {
        for key in own {
            match seen.get(key.as_str()) {
                Some(&other) => {
                    let (a, b) = (root(&mut parent, i), root(&mut parent, other));
                    join(&mut parent, a, b);
                }
                None => {
                    seen.insert(key, i);
                }
            }
        }
    }
    let mut place: HashMap<usize, usize> = HashMap::new();
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in 0..keys.len() {
        let at = root(&mut parent, i);
        let group = *place.entry(at).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        if let Some(group) = groups.get_mut(group) {
            group.push(i);
        }
    }
    groups
}

fn root(parent: &mut [usize], mut i: usize) -> usize {
    while let Some(&up) = parent.get(i) {
        if up == i {
            break;
        }
        let grand = parent.get(up).copied().unwrap_or(up);
        if let Some(slot) = parent.get_mut(i) {
            *slot = grand;
        }
        i = grand;
    }
    i
}

fn join(parent: &mut [usize], a: usize, b: usize) {
    if let Some(slot) = parent.get_mut(a.max(b)) {
        *slot = a.min(b);
    }
}

/// A key out of words: folded, without doses (`Metformina 850 mg tabletas` and `metformina` meet).
pub(crate) fn word_key(text: &str) -> String {
    let folded = fhir::search::fold(text);
    let cut = folded
        .find(|c: char| c.is_ascii_digit())
        .filter(|&at| at > 3)
        .unwrap_or(folded.len());
    let bare = folded.get(..cut).unwrap_or(&folded);
    format!("text|{}", bare.trim_end_matches([' ', ',', '(', '-']))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_that_shares_with_both_joins_them() {
        let keys = [
            vec!["a".into()],
            vec!["b".into()],
            vec!["a".into(), "b".into()],
            vec!["c".into()],
        ];
        assert_eq!(by_shared_keys(&keys), vec![vec![0, 1, 2], vec![3]]);
    }
    #[test]
    fn a_dose_does_not_part_a_medicine_from_itself() {
        assert_eq!(
            word_key("Metformina 850 mg, tabletas"),
            word_key("METFORMINA")
        );
        assert_ne!(word_key("Vitamina B12"), word_key("Vitamina C"));
    }
}
