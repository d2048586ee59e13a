// Opens a report in the system's Chromium and says, as JSON, what a reader would meet.
// usage: node inspect.mjs CHROMIUM REPORT.html [--views NAME,...] [--axe] [--shots FOLDER]
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import puppeteer from "puppeteer-core";

const { values: wanted, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    views: { type: "string" },
    axe: { type: "boolean" },
    shots: { type: "string" },
  },
});
const [executablePath, file] = positionals;
const url = pathToFileURL(resolve(file)).href;
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"];
// An A4 page is 210 mm wide, its margins 16 mm each: 178 mm are 673 CSS pixels.
const VIEWS = {
  light: { scheme: "light", width: 1200, media: "screen" },
  dark: { scheme: "dark", width: 1200, media: "screen" },
  "narrow light": { scheme: "light", width: 390, media: "screen" },
  "narrow dark": { scheme: "dark", width: 390, media: "screen" },
  print: { scheme: "dark", width: 673, media: "print" },
};
const browser = await puppeteer.launch({
  executablePath,
  args: ["--no-sandbox", "--disable-gpu"],
});

async function opened({ scheme, width, media }, program) {
  const page = await browser.newPage();
  const met = { requests: [], complaints: [] };
  page.on("request", (request) => request.url() === url || met.requests.push(request.url()));
  page.on("console", (line) => met.complaints.push(line.text()));
  page.on("pageerror", (error) => met.complaints.push(String(error)));
  await page.setViewport({ width, height: 900 });
  // At once: each of puppeteer's two calls for it undoes the other.
  const emulated = await page.createCDPSession();
  const features = [{ name: "prefers-color-scheme", value: scheme }];
  await emulated.send("Emulation.setEmulatedMedia", { media, features });
  await page.setJavaScriptEnabled(program);
  const began = performance.now();
  await page.goto(url, { waitUntil: "load" });
  // Two frames after loading, everything that is in view was laid out and drawn.
  await page.screenshot({ encoding: "binary" });
  met.drawn_ms = Math.round(performance.now() - began);
  return { page, met };
}

const unfold = (page) =>
  page.$$eval("details", (found) => found.forEach((each) => (each.open = true)));

// What axe-core has against the page, folded and unfolded.
async function barriers(view) {
  const told = {};
  for (const state of ["folded", "unfolded"]) {
    const { page } = await opened(view, true);
    if (state === "unfolded") await unfold(page);
    await page.evaluate(axe);
    const found = await page.evaluate(
      (rules) => axe.run(document, { runOnly: { type: "tag", values: rules } }),
      RULES,
    );
    await page.close();
    told[state] = {
      passes: found.passes.length,
      violations: found.violations.map((v) => ({
        id: v.id,
        help: v.help,
        nodes: v.nodes.slice(0, 3).map((n) => `${n.html.slice(0, 200)} ${n.failureSummary ?? ""}`),
      })),
    };
  }
  return told;
}

// What does not fit: CSS pixels by which the page is wider than the window, words of a picture that
// lie outside of it, and words that lie on others.
function misfits() {
  const told = { wider: 0, outside: [], overlapping: [] };
  told.wider = document.documentElement.scrollWidth - document.documentElement.clientWidth;
  for (const picture of document.querySelectorAll("svg[role=img]")) {
    const frame = picture.getBoundingClientRect();
    if (!frame.width) continue;
    const words = [...picture.querySelectorAll("text")].map((each) => ({
      text: each.textContent,
      box: each.getBoundingClientRect(),
    }));
    for (const { text, box } of words) {
      const out = Math.max(
        frame.left - box.left, box.right - frame.right,
        frame.top - box.top, box.bottom - frame.bottom,
      );
      if (out > 1) told.outside.push(`${text}: ${Math.round(out)} px`);
    }
    words.forEach(({ text, box }, place) => {
      for (const other of words.slice(place + 1)) {
        const wide = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
        const tall = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
        // Boxes are as tall as a line, letters are not.
        const most = Math.min(box.height, other.box.height) / 3;
        if (wide > 1 && tall > most) told.overlapping.push(`${text} | ${other.text}`);
      }
    });
  }
  return told;
}

async function shot(page, name) {
  if (!wanted.shots) return;
  const path = join(wanted.shots, `${name.replaceAll(" ", "-")}.png`);
  await page.screenshot({ path, fullPage: true });
}

async function plain(name, view) {
  const { page, met } = await opened(view, false);
  await shot(page, name);
  const seen = await page.evaluate(() => ({
    title: document.title,
    language: document.documentElement.lang,
    text: document.body.innerText.length,
    headings: [...document.querySelectorAll("h2")].map((each) => each.textContent),
    tables: document.querySelectorAll("table").length,
    pictures: document.querySelectorAll("svg[role=img]").length,
    paper: getComputedStyle(document.body).backgroundColor,
    data: JSON.parse(document.getElementById("audit").textContent).version,
    elements: document.querySelectorAll("*").length,
  }));
  const folded = await page.evaluate(misfits);
  await unfold(page);
  await shot(page, `${name} unfolded`);
  const unfolded = await page.evaluate(misfits);
  await page.close();
  return { ...met, ...seen, misfits: { folded, unfolded } };
}

async function printed(view) {
  const { page } = await opened(view, false);
  const path = wanted.shots && join(wanted.shots, "print.pdf");
  const pdf = await page.pdf({ path, format: "A4" });
  await page.close();
  return pdf.length;
}

try {
  const told = {};
  for (const name of wanted.views?.split(",") ?? Object.keys(VIEWS)) {
    const view = VIEWS[name];
    told[name] = await plain(name, view);
    if (wanted.axe) told[name].axe = await barriers(view);
    if (view.media === "print") told[name].pdf_bytes = await printed(view);
  }
  console.log(JSON.stringify(told));
} finally {
  await browser.close();
}
