//! What a command says: answers on standard output, remarks and progress on standard error. A closed pipe is no fault.

use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};

/// A line of the answer.
pub fn line(text: impl AsRef<str>) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
}

/// A remark.
pub fn remark(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
}

/// A progress bar on standard error; silent when that is no terminal. `unit` is `bytes` or what is counted.
pub fn bar(of: u64, unit: &str) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let form = match unit {
        "bytes" => "{bar:30} {bytes}/{total_bytes} {eta} {msg}".to_owned(),
        unit => format!("{{bar:30}} {{pos}}/{{len}} {unit} {{eta}} {{msg}}"),
    };
    let bar = ProgressBar::new(of);
    if let Ok(style) = ProgressStyle::with_template(&form) {
        bar.set_style(style);
    }
    bar
}

/// A number with its thousands apart: `259,729`.
pub fn count(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() * 4 / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Bytes as people read them: `14.2 MB`.
pub fn bytes(number: u64) -> String {
    match number {
        0..1_000 => format!("{number} B"),
        1_000..1_000_000 => format!("{:.1} kB", number as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", number as f64 / 1e6),
        _ => format!("{:.2} GB", number as f64 / 1e9),
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(super::count(259_729), "259,729");
        assert_eq!(super::count(7), "7");
        assert_eq!(super::bytes(14_200_000), "14.2 MB");
    }
}
