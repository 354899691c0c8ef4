//! The JSON reader: whatever it takes is written and read again as the same value.
#![no_main]

use fhir::json::{self, Limits};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| {
    let limits = Limits::default();
    if let Ok(value) = json::parse(input, &limits) {
        let written = value.to_bytes();
        let again = json::parse(&written, &limits).expect("what we write we can read");
        assert_eq!(value, again);
        let pretty = json::parse(value.to_pretty().as_bytes(), &limits).expect("so with space in it");
        assert_eq!(value, pretty);
        let _ = fhir::check(&value);
    }
});
