//! Prints the life of the demonstration's person, a line per resource: `cargo run -p synth --example heroine`.
#![allow(clippy::print_stdout)]

use synth::Country;

fn main() -> Result<(), synth::Error> {
    let her = Country::mexico()?.heroine();
    println!("{} {}", her.person.full_name(), her.person.curp);
    for record in &her.records {
        println!(
            "\n{} ({} resources)",
            record.institution.name(),
            record.entries.len()
        );
        for entry in &record.entries {
            let first = |paths: &[&str]| {
                paths
                    .iter()
                    .find_map(|path| entry.text(path))
                    .unwrap_or_default()
                    .to_owned()
            };
            let when = first(&[
                "effectiveDateTime",
                "authoredOn",
                "recordedDate",
                "occurrenceDateTime",
                "performedDateTime",
                "period.start",
            ]);
            let what = first(&[
                "code.text",
                "medicationCodeableConcept.text",
                "vaccineCode.text",
                "summary",
                "type.0.text",
                "name.0.text",
            ]);
            let value = entry
                .path("valueQuantity.value")
                .or(entry.path("component.0.valueQuantity.value"))
                .and_then(fhir::Value::as_number)
                .map(str::to_owned)
                .unwrap_or_else(|| {
                    first(&[
                        "dosageInstruction.0.text",
                        "valueString",
                        "valueCodeableConcept.text",
                    ])
                });
            let kind = first(&["resourceType"]);
            let status = first(&["status"]);
            println!(
                "{} {kind:<20} {status:<10} {what} {value}",
                when.get(..10).unwrap_or("----------")
            );
        }
    }
    Ok(())
}
