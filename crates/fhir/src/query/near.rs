//! Names that may have been meant.

/// Names that look like what was written, or else all there are.
pub(super) fn possible(all: impl Iterator<Item = &'static str>, name: &str) -> String {
    let all: Vec<&str> = all.collect();
    let near: Vec<&str> = all
        .iter()
        .copied()
        .filter(|code| is_near(code, name))
        .collect();
    match near.is_empty() {
        true => format!("Possible: {}.", all.join(", ")),
        false => format!("Did you mean {}?", near.join(" or ")),
    }
}

/// At most two letters added, dropped or changed (one in short names), whatever the case; or one in the other.
fn is_near(code: &str, name: &str) -> bool {
    let (code, name) = (code.to_lowercase(), name.to_lowercase());
    if name.len() > 64 {
        return false;
    }
    if name.len() >= 4 && (code.contains(&name) || name.contains(&code) && code.len() >= 4) {
        return true;
    }
    let (code, name): (Vec<char>, Vec<char>) = (code.chars().collect(), name.chars().collect());
    let mut row: Vec<usize> = (0..=name.len()).collect();
    for (i, a) in code.iter().enumerate() {
        let mut next = vec![i + 1];
        for ((j, b), above) in name.iter().enumerate().zip(row.iter().skip(1)) {
            let left = next.last().copied().unwrap_or(0);
            let diagonal = row.get(j).copied().unwrap_or(0) + usize::from(a != b);
            next.push(diagonal.min(left + 1).min(above + 1));
        }
        row = next;
    }
    let allowed = if code.len() > 4 { 2 } else { 1 };
    row.last().is_some_and(|distance| *distance <= allowed)
}
