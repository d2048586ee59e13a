// Opens a report in the system's Chromium and says, as JSON, what a reader would meet.
// usage: node inspect.mjs CHROMIUM REPORT.html FOLDER [quick] [shots]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import puppeteer from "puppeteer-core";

const [executablePath, file, folder, ...wanted] = process.argv.slice(2);
const url = pathToFileURL(resolve(file)).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
const browser = await puppeteer.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu"],
});

async function opened(scheme, width, program) {
  const page = await browser.newPage();
  const met = { requests: [], complaints: [] };
  page.on("request", (request) => request.url() === url || met.requests.push(request.url()));
  page.on("console", (line) => met.complaints.push(line.text()));
  page.on("pageerror", (error) => met.complaints.push(String(error)));
  await page.setViewport({ width, height: 900 });
  await page.emulateMediaFeatures([{ name: "prefers-color-scheme", value: scheme }]);
  await page.setJavaScriptEnabled(program);
  const began = performance.now();
  await page.goto(url, { waitUntil: "load" });
  // Two frames after loading, everything that is in view was laid out and drawn.
  await page.screenshot({ encoding: "binary" });
  met.drawn_ms = Math.round(performance.now() - began);
  return { page, met };
}

async function barriers(scheme, all) {
  const { page } = await opened(scheme, 1200, true);
  if (all) {
    await page.$$eval("details", (found) => found.forEach((each) => (each.open = true)));
  }
  await page.evaluate(axe);
  const found = await page.evaluate(
    (rules) => axe.run(document, { runOnly: { type: "tag", values: rules } }),
    RULES,
  );
  await page.close();
  return {
    passes: found.passes.length,
    violations: found.violations.map((v) => ({
      id: v.id,
      help: v.help,
      nodes: v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 200)} ${n.failureSummary ?? ""}`),
    })),
  };
}

async function plain(scheme, width) {
  const { page, met } = await opened(scheme, width, false);
  if (wanted.includes("shots")) {
    const name = `${scheme}-${width}`;
    await page.screenshot({ path: join(folder, `${name}.png`), fullPage: true });
  }
  const seen = await page.evaluate(() => ({
    title: document.title,
    language: document.documentElement.lang,
    text: document.body.innerText.length,
    headings: [...document.querySelectorAll("h2")].map((each) => each.textContent),
    tables: document.querySelectorAll("table").length,
    pictures: document.querySelectorAll("svg[role=img]").length,
    paper: getComputedStyle(document.body).backgroundColor,
    wider: document.documentElement.scrollWidth - document.documentElement.clientWidth,
    data: JSON.parse(document.getElementById("audit").textContent).version,
    elements: document.querySelectorAll("*").length,
  }));
  await page.close();
  return { ...met, ...seen };
}

try {
  const told = { light: await plain("light", 1200), dark: await plain("dark", 1200) };
  told.narrow = await plain("light", 390);
  if (!wanted.includes("quick")) {
    told.axe = {};
    for (const scheme of ["light", "dark"]) {
      told.axe[scheme] = await barriers(scheme, false);
      told.axe[`${scheme}, all opened`] = await barriers(scheme, true);
    }
    const { page } = await opened("light", 1200, false);
    const pdf = await page.pdf({ path: join(folder, "print.pdf"), format: "A4" });
    told.print = { bytes: pdf.length };
  }
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
