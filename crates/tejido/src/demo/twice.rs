//! The heroine once more: as an emergency room wrote her in a hurry, without a CURP. Nobody knows yet that it is she.

use crate::Error;
use fhir::Value;

/// The member whose emergency room it was.
pub(super) const AT: &str = "imss";

const REGISTRATION: &str = r#"{"resourceType":"Patient","id":"urgencias-0443","active":true,"identifier":[{"system":"https://imss.example/urgencias","value":"U-0443"}],"name":[{"family":"HERNANDEZ LOPEZ","given":["GUADALUPE"]}],"gender":"female","birthDate":"1968-04-12"}"#;
const TETANUS: &str = r#"{"resourceType":"Immunization","id":"urgencias-0443-td","status":"completed","vaccineCode":{"coding":[{"system":"http://hl7.org/fhir/sid/cvx","code":"09"}],"text":"Td (tétanos y difteria)"},"patient":{"reference":"Patient/urgencias-0443"},"occurrenceDateTime":"2019-08-03"}"#;

/// The registration, and what was done that night.
pub(super) fn resources() -> Result<Vec<Value>, Error> {
    let read = |text: &str| {
        fhir::json::parse(text.as_bytes(), &fhir::json::Limits::default())
            .map_err(|error| Error::say(format!("a resource of the demo: {error}")))
    };
    [REGISTRATION, TETANUS].into_iter().map(read).collect()
}
