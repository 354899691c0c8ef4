//! The drawing of the sign-in page: each institution's thread comes in by itself and becomes one cloth with the others.

use crate::threads::Threads;
use std::fmt::Write;

/// The sign of Tejido: a plain weave of two by two.
pub(crate) const MARK: &str = r#"<svg viewBox="0 0 24 24" width="24" height="24"><path class="m1" d="M8 1v22M16 1v22"/><path class="m2" d="M1 8h22M1 16h22"/><path class="m1" d="M8 4.5v7M16 12.5v7"/></svg>"#;

const STRANDS: usize = 3;
const ROW: f32 = 11.0;
const WARP: f32 = 12.0;
const CLOTH: f32 = 292.0;
const WIDTH: f32 = 640.0;

/// An SVG of the network's threads, at most eight. Decoration: its words stand on the page as text too.
pub(crate) fn cloth(threads: &Threads) -> String {
    let mut members = threads.all();
    members.truncate(8);
    let rows = (members.len() * STRANDS).max(1);
    let height = rows as f32 * ROW + 84.0;
    let top = (height - (rows as f32 - 1.0) * ROW) / 2.0;
    let step = height / members.len().max(1) as f32;
    let warps = ((WIDTH - CLOTH) / WARP) as usize;
    let mut loose = String::new();
    let mut over = String::new();
    let mut labels = String::new();
    for (i, member) in members.iter().enumerate() {
        let from = step * (i as f32 + 0.5);
        let name: String = member.name.chars().take(22).collect();
        let _ = write!(
            labels,
            "<text x=\"0\" y=\"{:.0}\">{}</text>",
            from + 5.0,
            escape(&name)
        );
        for strand in 0..STRANDS {
            let row = i * STRANDS + strand;
            let y = top + row as f32 * ROW;
            let start = from + (strand as f32 - 1.0) * 2.5;
            let _ = write!(
                loose,
                "<path class=\"{}\" d=\"M176 {start:.1}C236 {start:.1} 230 {y:.1} {CLOTH} {y:.1}H{WIDTH}\"/>",
                member.class
            );
            let _ = write!(over, "<path class=\"{}\" d=\"", member.class);
            for column in (row % 2..warps).step_by(2) {
                let x = CLOTH + 6.0 + column as f32 * WARP - 6.0;
                let _ = write!(over, "M{x:.0} {y:.1}h12");
            }
            over.push_str("\"/>");
        }
    }
    let mut warp = String::new();
    for column in 0..warps {
        let x = CLOTH + 6.0 + column as f32 * WARP;
        let _ = write!(
            warp,
            "M{x:.0} {:.0}V{:.0}",
            top - 22.0,
            top + rows as f32 * ROW + 11.0
        );
    }
    format!(
        "<svg class=\"cloth\" viewBox=\"0 0 {WIDTH} {height:.0}\" aria-hidden=\"true\"><g class=\"weft\">{loose}</g><path class=\"warp\" d=\"{warp}\"/><g class=\"weft\">{over}</g><g class=\"cloth-label\">{labels}</g></svg>"
    )
}

/// Text inside SVG.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_break_out_of_the_drawing() {
        let threads = Threads::new([("a", "<script>\"x\" & y")]);
        let svg = cloth(&threads);
        assert!(!svg.contains("<script>"));
        assert!(svg.contains("&lt;script&gt;"));
    }
    #[test]
    fn an_empty_network_still_draws() {
        assert!(cloth(&Threads::default()).starts_with("<svg"));
    }
}
