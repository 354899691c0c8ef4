// The story in a real headless Chromium: the doctor beside the pharmacy finds the person, reads what five institutions
// know, writes and prescribes; the patient reads who looked, checks the proof, closes a category; the doctor looks
// again and it is gone, from the totals too. Every page is kept as a picture (phone and desktop, light and dark) and
// judged by axe-core against WCAG 2.2 AA. Run by `.ci/run` after it has started `tejido demo`.
//
//   node story.mjs PHARMACY_URL IMSS_URL PICTURES_FOLDER

import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { chromium } from "playwright-core";

const [pharmacy, imss, pictures] = process.argv.slice(2);
const CURP = "HELG680412MDFRPD00";
const DAUGHTER = "MEHS950412MDFDRF07";
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
mkdirSync(pictures, { recursive: true });

let passed = 0;
const problems = [];
function sentence(told, truth, detail = "") {
  if (truth) {
    passed += 1;
    console.log(`  ✓ ${told}`);
  } else {
    problems.push(told);
    console.log(`  ✗ ${told} ${detail}`);
  }
}

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync"],
});

// The pages' own policy forbids scripts, so the judge runs where that policy is bypassed; a second, strict context
// shows that the pages work without.
async function person(options = {}) {
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, locale: "es-MX", viewport: { width: 1280, height: 900 }, bypassCSP: true, ...options,
  });
  const page = await context.newPage();
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(pharmacy) && !url.startsWith(imss) && !url.startsWith("data:")) {
      sentence(`nothing is loaded from elsewhere`, false, url);
    }
  });
  return page;
}

async function look(page, name) {
  for (const [device, size] of [["phone", { width: 390, height: 844 }], ["desktop", { width: 1280, height: 900 }]]) {
    for (const scheme of ["light", "dark"]) {
      await page.setViewportSize(size);
      await page.emulateMedia({ colorScheme: scheme });
      const wide = await page.evaluate(() => document.documentElement.scrollWidth > window.innerWidth + 1);
      sentence(`${name}, ${device}: nothing sticks out sideways`, !wide);
      await page.evaluate(axe);
      const result = await page.evaluate(() => axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"],
      }));
      const found = result.violations.map((v) => `${v.id}: ${v.nodes.slice(0, 3).map((n) => n.target.join(" ")).join(" | ")}`);
      sentence(`${name}, ${device}, ${scheme}: WCAG 2.2 AA`, found.length === 0, found.join("; "));
      await page.screenshot({ path: join(pictures, `${name}-${device}-${scheme}.png`), fullPage: device === "phone" ? false : true });
    }
  }
  await page.setViewportSize({ width: 1280, height: 900 });
  await page.emulateMedia({ colorScheme: "light" });
}

async function signIn(page, base, login) {
  await page.goto(`${base}/entrar`);
  await page.click(`[data-test=demo-${login}]`);
  await page.waitForSelector("[data-test=who]");
}

const number = async (page, name) => Number((await page.textContent(`[data-test=total-${name}]`)).trim());
const text = async (page) => (await page.textContent("main")).toLowerCase();

try {
  const doctor = await person();
  await doctor.goto(`${pharmacy}/entrar`);
  await look(doctor, "entrar");
  await signIn(doctor, pharmacy, "ana");
  await look(doctor, "buscar");
  await doctor.fill("#buscar-curp input[name=curp]", CURP);
  await doctor.click("#buscar-curp button");
  await doctor.waitForSelector("[data-test=candidato]");
  sentence("the doctor finds her", (await text(doctor)).includes("hernández lópez"));
  sentence("no CURP in the address", !doctor.url().includes(CURP));
  await look(doctor, "encontrada");
  await doctor.click("[data-test=recibir]");
  await doctor.waitForSelector("#problemas");
  const summary = doctor.url().split("?")[0];
  let said = await text(doctor);
  sentence("what IMSS holds is there", said.includes("diabetes"));
  sentence("what the private hospital holds is there", said.includes("penicilina") && said.includes("depresi"));
  const before = { problems: await number(doctor, "problemas"), visits: await number(doctor, "visitas") };
  await look(doctor, "resumen");

  await doctor.fill("#nota [name=reason]", "Tos desde hace tres días");
  await doctor.fill("#nota [name=findings]", "Campos pulmonares limpios");
  await doctor.fill("#nota [name=plan]", "Líquidos, volver si hay fiebre");
  await doctor.click("#nota button");
  await doctor.waitForLoadState();
  await doctor.goto(summary);
  sentence("she writes a note", (await text(doctor)).includes("campos pulmonares limpios"));
  await doctor.fill("#receta [name=medicine]", "Amoxicilina");
  await doctor.fill("#receta [name=dose]", "500 mg, cápsula");
  await doctor.fill("#receta [name=route]", "oral");
  await doctor.fill("#receta [name=frequency]", "cada 8 horas");
  await doctor.fill("#receta [name=days]", "7");
  await doctor.click("#receta button");
  await doctor.waitForLoadState();
  sentence("an allergy known elsewhere stops the prescription", (await text(doctor)).includes("alergia registrada"));
  await look(doctor, "receta-con-alergia");
  await doctor.goto(summary);
  await doctor.fill("#receta [name=medicine]", "Dextrometorfano");
  await doctor.fill("#receta [name=dose]", "15 mg, jarabe");
  await doctor.fill("#receta [name=route]", "oral");
  await doctor.fill("#receta [name=frequency]", "cada 8 horas");
  await doctor.fill("#receta [name=days]", "5");
  await doctor.click("#receta button");
  await doctor.waitForLoadState();
  await doctor.goto(summary);
  sentence("she prescribes", (await text(doctor)).includes("dextrometorfano"));
  await doctor.selectOption("#referencia [name=to]", "imss");
  await doctor.fill("#referencia [name=service]", "Oftalmología");
  await doctor.fill("#referencia [name=referral_reason]", "Revisión de fondo de ojo");
  await doctor.click("#referencia button");
  await doctor.waitForLoadState();
  await doctor.goto(summary);
  sentence("she refers her to IMSS", (await text(doctor)).includes("oftalmología"));

  const patient = await person();
  await signIn(patient, imss, "lupita");
  await patient.goto(`${imss}/historia`);
  sentence("the patient sees it on her time line", (await text(patient)).includes("dextrometorfano"));
  await look(patient, "historia");
  await patient.goto(`${imss}/accesos`);
  sentence("and the sentence of who looked", (await text(patient)).includes("dra. ana ruiz"));
  await look(patient, "accesos");
  // The newest line with proofs: one proof a node stands behind it.
  const several = patient.locator("[data-test=ver-pruebas]").first();
  if (await several.count() > 0) await several.click();
  await patient.locator("[data-test=ver-prueba]:visible").first().click();
  await patient.waitForLoadState();
  sentence("she verifies the proof", await patient.isVisible("[data-test=prueba-vale]"));
  await look(patient, "prueba");
  await patient.goto(`${imss}/accesos`);
  if (await several.count() > 0) await several.click();
  await patient.locator("[data-test=ver-porque][href*='/accesos/imss/']:visible").first().click();
  await patient.waitForSelector("[data-test=movimiento]");
  sentence("she reads why, and that it comes out the same", await patient.isVisible("[data-test=otra-vez-same]"));
  sentence("with what counted and what the pact says", await patient.isVisible("[data-test=conto]")
    && await patient.isVisible("[data-test=dice-el-pacto]"));
  await look(patient, "porque");
  await patient.goto(`${imss}/accesos`);
  if (await several.count() > 0) await several.click();
  const elsewhere = patient.locator("[data-test=ver-porque]:not([href*='/accesos/imss/']):visible");
  await elsewhere.first().click();
  await patient.waitForSelector("[data-test=movimiento]");
  sentence("and where to ask about what was decided elsewhere", await patient.isVisible("[data-test=otra-vez-missing]"));
  await look(patient, "porque-de-otra");
  await patient.goto(`${imss}/codigo`);
  await patient.click("#mostrar-codigo");
  await patient.waitForLoadState();
  await look(patient, "codigo");

  await patient.goto(`${imss}/reglas`);
  await patient.selectOption("[name=who]", "kind:pharmacy");
  await patient.check("[name=what][value=mental-health]");
  await patient.check("[name=hint][value=silence]");
  await patient.click("#ver-antes");
  await patient.waitForSelector("[data-test=vista]");
  await look(patient, "reglas-vista");
  await patient.click("#guardar-regla");
  await patient.waitForSelector("[data-test=regla]");
  sentence("she closes mental health to pharmacies", await patient.isVisible("[data-test=regla]"));
  await look(patient, "reglas");

  await doctor.goto(summary);
  said = await text(doctor);
  sentence("the doctor looks again, and it is gone", !said.includes("depresi") && said.includes("diabetes"));
  sentence("from the totals too", (await number(doctor, "problemas")) < before.problems
    && (await number(doctor, "visitas")) < before.visits + 1);
  await patient.locator("[data-test=quitar-regla]").first().click();
  await patient.waitForSelector("[data-test=sin-reglas]");

  // What she lets see so many times, and until when it is kept.
  await patient.selectOption("[name=verb]", "open");
  await patient.selectOption("[name=who]", "kind:pharmacy");
  await patient.check("[name=what][value=mental-health]");
  await patient.click("#condiciones summary");
  await patient.fill("[name=times]", "2");
  await patient.selectOption("[name=per]", "week");
  await patient.fill("[name=erase_date]", "2125-03-31");
  await patient.click("#ver-antes");
  await patient.waitForSelector("[data-test=vista]");
  said = await text(patient);
  sentence("she lets pharmacies see it twice a week", said.includes("2 veces a la semana"));
  sentence("and says by when it is erased", said.includes("se borra a más tardar el 31 de marzo de 2125"));
  await look(patient, "reglas-condiciones");

  // What she does not wish to know, and that asking wins.
  await patient.goto(`${imss}/saber`);
  await look(patient, "saber");
  await patient.check("[name=what][value=late-onset]");
  await patient.click("#guardar-deseo");
  await patient.waitForSelector("[data-test=deseo-late-onset]");
  sentence("she says what she does not wish to know", await patient.isVisible("[data-test=quiero-saber]"));
  await patient.locator("[data-test=quiero-saber]").first().click();
  await patient.waitForLoadState();
  await look(patient, "saber-preguntar");

  // The doctor sees that she asked not to know, and what it takes to tell her something all the same.
  await doctor.goto(summary);
  await doctor.click("[data-test=avisar]");
  await doctor.selectOption("[name=finding]", "late-onset");
  await doctor.selectOption("[name=ground]", "imminent-danger");
  await doctor.fill("[name=message]", "Ven hoy mismo; esto se trata si se empieza ya.");
  await doctor.fill("[name=reason]", "El tratamiento no puede esperar una semana.");
  await look(doctor, "avisar");
  await doctor.click("#proponer");
  await doctor.waitForSelector("[data-test=aviso-espera]");
  sentence("who proposed it does not sign it", !(await doctor.isVisible("[data-test=firmar]")));
  await look(doctor, "avisar-espera");

  // Two registrations that are of one person, laid side by side by whoever looks after the register.
  const clerk = await person();
  await signIn(clerk, imss, "jose");
  await clerk.goto(`${imss}/registro`);
  await look(clerk, "registro");
  const pairs = await clerk.locator("[data-test=comparar]").evaluateAll((links) => links.map((one) => one.getAttribute("href")));
  for (const pair of pairs) {
    await clerk.goto(imss + pair);
    if ((await text(clerk)).includes("u-0443")) break;
  }
  sentence("two registrations stand side by side", (await text(clerk)).includes("u-0443"));
  await look(clerk, "registro-par");
  // Registers were compared with another institution's: somebody here resembles somebody there.
  await clerk.goto(`${imss}/registro`);
  await clerk.locator("[data-test=ver-otra]").first().click();
  await clerk.waitForSelector("[data-test=parecido]");
  sentence("one who resembles somebody elsewhere is shown with what agrees", (await text(clerk)).includes("coincide con el de"));
  await look(clerk, "registro-otra");
  await clerk.goBack();
  for (const pair of pairs) {
    await clerk.goto(imss + pair);
    if ((await text(clerk)).includes("u-0443")) break;
  }
  await clerk.click("[data-test=es-una]");
  await clerk.waitForSelector("[data-test=aviso]");
  await patient.goto(`${imss}/quien-soy`);
  sentence("she sees both, and who joined them", (await text(patient)).includes("josé luna"));
  await look(patient, "quien-soy");

  // An emergency of somebody who is not in care: what could save a life, on the word of the doctor, and it is told.
  const alone = await person();
  await signIn(alone, imss, "luis");
  await alone.fill("#buscar-curp input[name=curp]", CURP);
  await alone.click("#buscar-curp button");
  await alone.click("[data-test=abrir]");
  await alone.click("#es-emergencia");
  await alone.waitForSelector("#declarar");
  await look(alone, "emergencia");
  await alone.selectOption("[name=reason]", "cannot-speak");
  await alone.fill("[name=words]", "Llegó inconsciente en ambulancia.");
  await alone.click("#declarar");
  await alone.waitForSelector("[data-test=emergencia]");
  said = await text(alone);
  sentence("an emergency opens what could save a life", said.includes("penicilina"));
  sentence("and nothing else", (await number(alone, "problemas")) < before.problems && !said.includes("depresi"));
  sentence("and says that the rest is not shown", said.includes("no se muestra ahora"));
  await look(alone, "emergencia-expediente");
  await alone.goto(`${imss}/segundo-factor`);
  await look(alone, "segundo-factor");
  await alone.goto(`${imss}/emergencias`);
  await look(alone, "emergencias");

  // A doctor lets the desk do a part of his work in his name, for some days.
  await alone.goto(`${imss}/encargos`);
  await look(alone, "encargos");
  await alone.fill("[name=delegate_login]", "jose");
  await alone.check("[name=task][value=desk]");
  const week = new Date(Date.now() + 7 * 86_400_000).toISOString().slice(0, 10);
  await alone.fill("[name=delegate_until]", week);
  await alone.click("#guardar-encargo");
  await alone.waitForSelector("[data-test=delegado]");
  sentence("whom he named stands on his page", (await text(alone)).includes("josé luna"));
  await clerk.goto(`${imss}/encargos`);
  await clerk.click("[data-test=usar-encargo]");
  await clerk.goto(`${imss}/encargos`);
  sentence("he works in the doctor's name, and reads it", (await text(clerk)).includes("luis"));
  await look(clerk, "encargos-en-su-nombre");
  await clerk.click("#en-mi-nombre");
  await alone.click("[data-test=quitar-encargo]");
  await alone.waitForSelector("[data-test=aviso]");

  // Somebody without a telephone, helped at the desk with her own page.
  await alone.goto(`${imss}/mostrador`);
  await look(alone, "mostrador");
  await alone.fill("#ayudar [name=login]", "lupita");
  await alone.fill("#ayudar [name=secret]", "telar-1968");
  await alone.click("#entrar-con-ayuda");
  await alone.waitForSelector("#con-ayuda");
  await look(alone, "con-ayuda");
  await alone.goto(`${imss}/historia`);
  sentence("no record is opened at a desk", !(await text(alone)).includes("diabetes"));
  await look(alone, "con-ayuda-historia");
  await alone.click("#salir");
  await alone.waitForSelector("#ayudar");
  sentence("the clerk has her own page again", await alone.isVisible("[data-test=who]"));
  await patient.goto(`${imss}/accesos`);
  sentence("she reads of the emergency", (await text(patient)).includes("llegó inconsciente en ambulancia"));
  await look(patient, "accesos-emergencia");

  // Somebody who acts for her: told to both, read with a name, blind to what she seals quietly.
  const daughter = await person();
  await signIn(daughter, imss, "sofia");
  await patient.goto(`${imss}/representantes`);
  await patient.fill("[name=kin_name]", "Sofía Medina");
  await patient.fill("[name=kin_curp]", DAUGHTER);
  await patient.selectOption("[name=kin_tie]", "CHILD");
  await patient.click("#guardar-representante");
  await patient.waitForSelector("[data-test=representante]");
  sentence("she names her daughter to act for her", (await text(patient)).includes("sofía medina"));
  await look(patient, "representantes");
  await patient.goto(`${imss}/`);
  sentence("her first page says so", await patient.isVisible("[data-test=cambio-representante]"));
  await daughter.goto(`${imss}/`);
  sentence("and her daughter's as well", await daughter.isVisible("[data-test=cambio-representante]"));
  await look(daughter, "inicio-actua");
  await daughter.click("[data-test=actuo-por]");
  await daughter.waitForSelector("#dejar-de-actuar");
  said = await text(daughter);
  sentence("her daughter reads her history", said.includes("diabetes"));
  await look(daughter, "historia-de");
  const record = daughter.url();
  await patient.goto(`${imss}/reglas`);
  await patient.selectOption("[name=who]", "representatives");
  await patient.check("[name=what][value=mental-health]");
  await patient.check("[name=quiet]");
  await patient.click("#guardar-regla");
  await patient.waitForSelector("[data-test=regla]");
  await daughter.goto(`${record}?todo=1`);
  said = await text(daughter);
  sentence("what she seals quietly is not there for her daughter", !said.includes("depresi") && said.includes("diabetes"));
  sentence("and nothing says that something is missing", !said.includes("reservad"));
  await daughter.click("#lo-que-vi");
  await daughter.waitForSelector("[data-test=lo-que-vi]");
  await look(daughter, "lo-que-vi");
  await patient.goto(`${imss}/accesos`);
  sentence("she reads who looked for her", (await text(patient)).includes("tu hija o hijo, vio"));
  await alone.goto(`${imss}/`);
  await alone.fill("#buscar-curp input[name=curp]", CURP);
  await alone.click("#buscar-curp button");
  await alone.waitForSelector("#viene-referida");
  await look(alone, "encontrada-referida");
  await alone.click("#viene-referida");
  await alone.waitForSelector("[data-test=total-problemas]");
  sentence("where she was referred to the record opens before she comes", (await text(alone)).includes("diabetes"));
  await patient.goto(`${imss}/accesos`);
  sentence("and she reads that", (await text(patient)).includes("vio que te enviaron ahí"));
  await alone.goto(`${imss}/`);
  await alone.fill("#buscar-curp input[name=curp]", CURP);
  await alone.click("#buscar-curp button");
  await alone.click("[data-test=recibir]");
  await alone.waitForSelector("[data-test=total-problemas]");
  const ward = alone.url().split("?")[0];
  await alone.click("#internar");
  await alone.waitForSelector("[data-test=internada]");
  sentence("she stays", await alone.isVisible("[data-test=internada]"));
  await look(alone, "internada");
  await alone.click("#dar-de-alta");
  await alone.waitForLoadState();
  sentence("and goes", (await alone.textContent("body")).includes("fue dada de alta"));
  await look(alone, "dada-de-alta");
  await alone.goto(ward);
  await alone.goto(`${alone.url()}/representante`);
  await alone.waitForSelector("#tutor-nuevo");
  await look(alone, "tutor");
  await patient.goto(`${imss}/representantes`);
  await patient.locator("[data-test=quitar-representante]").first().click();
  await patient.waitForLoadState();
  await daughter.goto(record);
  sentence("when it is ended, it is over at once", !(await text(daughter)).includes("diabetes"));

  const strict = await person({ javaScriptEnabled: false, bypassCSP: false });
  await strict.goto(`${imss}/entrar`);
  await strict.click("[data-test=demo-lupita]");
  await strict.waitForSelector("[data-test=who]");
  sentence("the pages work without script", await strict.isVisible("[data-test=who]"));
  await strict.keyboard.press("Tab");
  const first = await strict.locator(":focus").getAttribute("href");
  sentence("the first Tab reaches the skip link", first !== null && first.startsWith("#"), String(first));
} catch (error) {
  problems.push(String(error));
  console.log(error);
} finally {
  await browser.close();
}

console.log(`${passed} passed, ${problems.length} failed`);
process.exit(problems.length === 0 ? 0 : 1);
