#!/usr/bin/env node
/**
 * Presentation times and reaction times of jsPsych, lab.js and our trial page, measured from outside the browser:
 *   npm install && node compare.mjs --probe DIR [--rounds 5] [--repeats 4] [--conditions quiet,jank,load,heavy,overload]
 *     [--pages jspsych,labjs,ours] [--out FILE]
 * The probe is a folder with measure.mjs, which exports measure(options): it drives headless Chromium and counts from
 * the compositor's trace for how many frames a picture was on screen. Pages take turns within a round.
 */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { DRIVE_OURS, PRESS_KEYS, served } from "./pages.mjs";
import { table } from "./table.mjs";

const HERE = import.meta.dirname;
const EXPOSURES_MS = [50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000];
/** What is done to the machine: the main thread blocked about 13 % of the time; so many burners, each busy for 70 %. */
const BURNER = "while true; do timeout 0.07 sh -c 'while :; do :; done'; sleep 0.03; done";
const CONDITIONS = {
  quiet: {},
  jank: { jank: { min: 4, max: 60, gapMin: 60, gapMax: 350 } },
  load: { load: 2, loadCmd: `sh -c "${BURNER}"` },
  heavy: { load: 4, loadCmd: `sh -c "${BURNER}"` },
  overload: { load: 6, loadCmd: `sh -c "${BURNER}"` },
};
const PAGES = ["jspsych", "labjs", "ours"];

const { values } = parseArgs({
  options: {
    probe: { type: "string" },
    rounds: { type: "string", default: "5" },
    repeats: { type: "string", default: "4" },
    conditions: { type: "string", default: Object.keys(CONDITIONS).join() },
    pages: { type: "string", default: PAGES.join() },
    exposures: { type: "string", default: EXPOSURES_MS.join() },
    out: { type: "string" },
    python: { type: "string", default: path.join(HERE, "../../.venv/bin/python") },
  },
});
const conditions = values.conditions.split(",");
const pages = values.pages.split(",");
const unknown = [
  ...conditions.filter((name) => !(name in CONDITIONS)),
  ...pages.filter((name) => !PAGES.includes(name)),
];
if (!values.probe || unknown.length > 0) {
  const wrong = unknown.length > 0 ? `unknown: ${unknown.join(", ")}` : "no probe given";
  console.error(
    `${wrong}; expected --probe DIR with measure.mjs in it, --conditions out of ${Object.keys(CONDITIONS)}, --pages out of ${PAGES}`,
  );
  process.exit(2);
}

/** The probe's measure(); run from a copy beside our packages, which are its packages, too. @param {string} folder */
async function probeFrom(folder) {
  const copy = mkdtempSync(path.join(HERE, ".probe-"));
  process.on("exit", () => rmSync(copy, { recursive: true, force: true }));
  cpSync(folder, copy, { recursive: true });
  return (await import(pathToFileURL(path.join(copy, "measure.mjs")).href)).measure;
}

/** Our site with a study of its own; the address of its consent page. @param {number} n_trials */
async function ourStudy(n_trials) {
  const child = spawn(values.python, [path.join(HERE, "our_study.py"), "--trials", String(n_trials)], {
    stdio: ["pipe", "pipe", "inherit"],
  });
  const url = await new Promise((resolve, reject) => {
    child.stdout.once("data", (line) => resolve(String(line).trim()));
    child.once("exit", (code) => reject(new Error(`our_study.py ended with ${code} before it served`)));
  });
  return { url, stop: () => child.stdin.end() };
}

/**
 * When the key was pressed that the page took: the one nearest to where it says. Keys are 250 ms apart or more; the
 * first one after the mask is not always it, for a page may take one that came while the picture was still on screen.
 * @param {{ offset?: number, rt_ms: number | null }} trial @param {number[]} keys_ms
 */
function keyTaken({ offset, rt_ms }, keys_ms) {
  if (offset === undefined || rt_ms === null) return undefined;
  const distance = (/** @type {number} */ at) => Math.abs(at - offset - rt_ms);
  return keys_ms.reduce((nearest, at) => (distance(at) < distance(nearest) ? at : nearest), Infinity);
}

/** A list in random order. @template T @param {T[]} list @returns {T[]} */
const shuffled = (list) => list.map((item) => [Math.random(), item]).sort((a, b) => a[0] - b[0]).map(([, item]) => item);

const measure = await probeFrom(values.probe);
const exposures_ms = shuffled(Array.from({ length: Number(values.repeats) }, () => values.exposures.split(",").map(Number)).flat());
const n_trials = exposures_ms.length;
const packages = await served(exposures_ms);
const { port } = packages.address();
const ours = await ourStudy(2 * n_trials); // more than are measured: the page must not leave before the log is read
const opened = {
  jspsych: { url: `http://127.0.0.1:${port}/jspsych`, inject: PRESS_KEYS },
  labjs: { url: `http://127.0.0.1:${port}/labjs`, inject: PRESS_KEYS },
  ours: { url: ours.url, inject: `${PRESS_KEYS}${DRIVE_OURS}` },
};
const rows = [];
try {
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    for (const condition of conditions) {
      for (const page of shuffled(pages)) {
        const { url, inject } = opened[page];
        const measured = await measure({
          url,
          inject,
          done: `window.__done === true || window.__trials?.length >= ${n_trials}`,
          timeout: 120 + n_trials * 6,
          ...CONDITIONS[condition],
        });
        const { matched, extra, finished, loadBefore, dataLossPossible } = measured;
        process.stderr.write(
          `round ${round} ${condition} ${page}: ${matched?.length ?? 0} trials, load ${loadBefore}` +
            `${finished ? "" : ", not finished"}${dataLossPossible ? ", trace cut" : ""}\n`,
        );
        for (const trial of matched ?? []) rows.push({ page, condition, round, ...trial, key_ms: keyTaken(trial, extra ?? []) });
        if (values.out) writeFileSync(values.out, JSON.stringify(rows)); // what a run that is cut off leaves behind
      }
    }
  }
} finally {
  ours.stop();
  packages.close();
}
console.log(table(rows));
process.exit(0);
