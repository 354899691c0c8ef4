//! The program as an operator runs it.

use std::path::Path;
use std::process::{Command, Output};

pub(crate) fn tejido(args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tejido"))
        .args(args)
        .output()
        .unwrap()
}

/// Everything that it said.
pub(crate) fn told(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// What it said; it must have succeeded.
pub(crate) fn good(args: &[&str]) -> String {
    let output = tejido(args);
    assert!(output.status.success(), "{args:?}: {}", told(&output));
    told(&output)
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}
