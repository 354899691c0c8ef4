// Real clients, unmodified, against a real node: npm `fhir-kit-client` and `fhirclient` here, PyPI `fhirpy` in
// `story.py`. Every answer is kept by a proxy and judged at the end.
//
//   node story.mjs NODE_URL CERTIFICATE TOKEN [PYTHON]

import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { Client } from "fhir-kit-client";
import { judge, unneeded } from "./judge.mjs";
import { proxy } from "./proxy.mjs";

const [node, certificate, token, python] = process.argv.slice(2);
const road = await proxy(node.replace(/\/$/, ""), readFileSync(certificate));
const base = `${road.address}/fhir`;

let told = 0;
const problems = [];
function sentence(said, truth, detail = "") {
  if (truth) {
    told += 1;
    console.log(`  ✓ ${said}`);
  } else {
    problems.push(said);
    console.log(`  ✗ ${said} ${detail}`);
  }
}
async function refused(work) {
  try {
    await work();
    return undefined;
  } catch (error) {
    return error.response?.status ?? error.status ?? error.statusCode;
  }
}
async function chapter(name, work) {
  console.log(name);
  try {
    await work();
  } catch (error) {
    sentence(`${name}: told to its end`, false, `${error.stack ?? error} ${JSON.stringify(error.response?.data ?? "")}`);
  }
}

const patient = (id, family) => ({
  resourceType: "Patient",
  ...(id && { id }),
  identifier: [{ system: "urn:test", value: `${family}-1` }],
  name: [{ family, given: ["Ana"] }],
  gender: "female",
  birthDate: "1980-05-06",
});
const glucose = (subject, value, date) => ({
  resourceType: "Observation",
  status: "final",
  code: { coding: [{ system: "http://loinc.org", code: "2345-7" }], text: "Glucosa" },
  subject: { reference: subject },
  effectiveDateTime: date,
  valueQuantity: { value, unit: "mg/dL", system: "http://unitsofmeasure.org", code: "mg/dL" },
});

await chapter("fhir-kit-client", async () => {
  const client = new Client({ baseUrl: base, bearerToken: token });
  const said = await client.capabilityStatement();
  sentence("says what it does", said.fhirVersion === "4.0.1" && said.kind === "instance");

  const made = await client.create({ resourceType: "Patient", body: patient(undefined, "Kitzia") });
  sentence("creates", made.id && made.meta.versionId === "1");
  const read = await client.read({ resourceType: "Patient", id: made.id });
  sentence("reads what it created", read.name[0].family === "Kitzia");
  const updated = await client.update({ resourceType: "Patient", id: made.id, body: { ...read, active: true } });
  sentence("updates", updated.meta.versionId === "2" && updated.active === true);
  const first = await client.vread({ resourceType: "Patient", id: made.id, version: "1" });
  sentence("reads an old version", first.active === undefined);
  const patched = await client.patch({
    resourceType: "Patient", id: made.id,
    jsonPatch: [{ op: "replace", path: "/name/0/family", value: "Citlali" }],
  });
  sentence("patches", patched.name[0].family === "Citlali" && patched.meta.versionId === "3");
  const again = await client.update({
    resourceType: "Patient", searchParams: { identifier: "urn:test|Kitzia-1" }, body: { ...patched, active: false },
  });
  sentence("updates what a condition matches", again.id === made.id && again.active === false);

  const written = await client.transaction({
    body: {
      resourceType: "Bundle", type: "transaction",
      entry: Array.from({ length: 7 }, (_, n) => ({
        fullUrl: `urn:uuid:00000000-0000-4000-8000-00000000000${n}`,
        resource: glucose(`Patient/${made.id}`, 90 + n, `2024-05-0${n + 1}`),
        request: { method: "POST", url: "Observation" },
      })),
    },
  });
  sentence("writes a transaction", written.entry.every((one) => one.response.status.startsWith("201")));
  let page = await client.search({
    resourceType: "Observation",
    searchParams: { patient: made.id, _count: 3, _sort: "date", _total: "accurate", _include: "Observation:subject" },
  });
  sentence("counts", page.total === 7);
  const values = [];
  const people = new Set();
  while (page) {
    for (const { resource, search } of page.entry ?? []) {
      if (search.mode === "match") values.push(resource.valueQuantity.value);
      else people.add(resource.id);
    }
    page = await client.nextPage({ bundle: page });
  }
  sentence("turns pages in order", values.join() === "90,91,92,93,94,95,96", values.join());
  sentence("includes whom they are about", people.has(made.id));
  const posted = await client.resourceSearch({
    resourceType: "Observation", searchParams: { patient: made.id, "value-quantity": "gt94" },
    options: { postSearch: true },
  });
  sentence("searches by POST", posted.entry.length === 2);
  const inside = await client.compartmentSearch({
    resourceType: "Observation", compartment: { resourceType: "Patient", id: made.id }, searchParams: { _count: 50 },
  });
  sentence("searches a compartment", inside.entry.length === 7);
  const everywhere = await client.systemSearch({ searchParams: { _type: "Patient,Observation", _count: 50 } });
  sentence("searches the whole system", everywhere.entry.length >= 8);
  const all = await client.operation({ name: "everything", resourceType: "Patient", id: made.id, method: "GET" });
  sentence("fetches everything of a person", all.entry.length >= 8);
  const valid = await client.operation({
    name: "validate", resourceType: "Patient", method: "POST",
    input: { resourceType: "Parameters", parameter: [{ name: "resource", resource: { resourceType: "Patient", gender: "f" } }] },
  });
  sentence("hears what is wrong before it writes", valid.issue.some((one) => one.severity === "error"));
  const batch = await client.batch({
    body: {
      resourceType: "Bundle", type: "batch",
      entry: [
        { request: { method: "GET", url: `Patient/${made.id}` } },
        { request: { method: "GET", url: "Patient/nobody-at-all" } },
      ],
    },
  });
  sentence("asks several things at once", batch.entry.map((one) => one.response.status.slice(0, 3)).join() === "200,404");
  const past = await client.history({ resourceType: "Patient", id: made.id });
  sentence("reads the history of one", past.entry.length === 4);
  sentence("reads the history of a type", (await client.typeHistory({ resourceType: "Patient" })).entry.length >= 4);
  sentence("reads the history of all", (await client.systemHistory()).entry.length >= 11);
  sentence("is refused an unknown parameter",
    (await refused(() => client.search({ resourceType: "Patient", searchParams: { shoe: "44" } }))) === 400);
  await client.delete({ resourceType: "Observation", id: written.entry[0].response.location.split("/").at(-3) });
  const gone = written.entry[0].response.location.split("/").at(-3);
  sentence("is told that a deleted one is gone",
    (await refused(() => client.read({ resourceType: "Observation", id: gone }))) === 410);
});

await chapter("fhirclient", async () => {
  const smart = createRequire(import.meta.url)("fhirclient");
  const stored = {};
  const storage = {
    get: async (key) => stored[key], set: async (key, value) => (stored[key] = value), unset: async (key) => delete stored[key],
  };
  const client = smart({ headers: {}, url: "/" }, {}, storage)
    .client({ serverUrl: base, tokenResponse: { access_token: token, token_type: "Bearer" } });
  const made = await client.create(patient(undefined, "Ixchel"));
  sentence("creates", made.id !== undefined);
  await client.create(glucose(`Patient/${made.id}`, 101.10, "2024-06-01T10:00:00-06:00"));
  await client.create(glucose(`Patient/${made.id}`, 99, "2024-06-02T10:00:00-06:00"));
  const found = await client.request(`Observation?subject=Patient/${made.id}&_sort=-date`, {
    flat: true, resolveReferences: ["subject"], graph: true,
  });
  sentence("resolves references", found.length === 2 && found[0].subject.name[0].family === "Ixchel");
  const many = await client.request(`Observation?subject=Patient/${made.id}&_count=1`, { pageLimit: 0, flat: true });
  sentence("follows pages", many.length === 2);
  const changed = await client.update({ ...made, active: true });
  sentence("updates", changed.active === true);
  const patched = await client.patch(`Patient/${made.id}`, [{ op: "remove", path: "/active" }]);
  sentence("patches", patched.active === undefined);
  await client.delete(`Observation/${found[0].id}`);
  sentence("deletes", (await client.request(`Observation?subject=Patient/${made.id}`, { flat: true })).length === 1);
});

if (python) {
  await chapter("fhirpy", async () => {
    // Waiting for it must not stop the proxy.
    const child = spawn(python, [new URL("story.py", import.meta.url).pathname, base, token], { stdio: ["ignore", "pipe", "inherit"] });
    let said = "";
    child.stdout.on("data", (chunk) => (said += chunk));
    const code = await new Promise((done) => child.on("close", done));
    for (const line of said.trim().split("\n")) {
      const [mark, ...words] = line.split(" ");
      sentence(words.join(" "), mark === "yes");
    }
    sentence("fhirpy's story is told to its end", code === 0, String(code));
  });
}

road.close();
console.log("the judges");
const complaints = road.kept.flatMap(judge);
sentence(`${road.kept.length} answers pass both judges`, complaints.length === 0);
for (const one of [...new Set(complaints)].slice(0, 40)) console.log(`      ${one}`);
for (const one of unneeded()) sentence(`known.json needs "${one}"`, false);
console.log(`${told} sentences are true, ${problems.length} are not`);
process.exit(problems.length === 0 ? 0 : 1);
