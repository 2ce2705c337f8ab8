/**
 * The pages that are compared: jsPsych and lab.js as their documentation has it, and what drives ours.
 * Each leaves its trials in window.__trials: { req, on, own_ms, rt_ms, flagged }, times of performance.now(); ours also the
 * frames that it planned.
 */
import { createServer } from "node:http";
import { readFileSync } from "node:fs";
import { PNG } from "pngjs";

const PACKAGES = new URL("node_modules/", import.meta.url);
const FILES = {
  "/jspsych.js": "jspsych/dist/index.browser.min.js",
  "/jspsych.css": "jspsych/css/jspsych.css",
  "/image-keyboard-response.js": "@jspsych/plugin-image-keyboard-response/dist/index.browser.min.js",
  "/preload.js": "@jspsych/plugin-preload/dist/index.browser.min.js",
  "/lab.js": "lab.js/dist/lab.js",
  "/lab.css": "lab.js/dist/lab.css",
};
const TYPES = { js: "text/javascript", css: "text/css" };
const SIZE_CSS_PX = 256;
const FRAME_MS = 1000 / 60;

/** A 32x32 picture of saturated noise, another for every number; gray for -1. @param {number} number */
function picture(number) {
  const png = new PNG({ width: 32, height: 32 });
  for (let i = 0; i < png.data.length; i += 4) {
    const colour = number < 0 ? [128, 128, 128] : [0, 1, 2].map(() => (Math.random() < 0.5 ? 20 : 235));
    png.data.set([...colour, 255], i);
  }
  return PNG.sync.write(png);
}

const head = (/** @type {string} */ more) =>
  `<!doctype html><meta charset="utf-8">${more}<style>html, body { background: #808080 } img, canvas { image-rendering: pixelated }</style>`;

/** @param {number[]} exposures */
const jspsych = (exposures) => `${head('<link rel="stylesheet" href="/jspsych.css">')}<body>
<script src="/jspsych.js"></script><script src="/image-keyboard-response.js"></script><script src="/preload.js"></script>
<script>
const exposures = ${JSON.stringify(exposures)};
const shown = { stimulus_width: ${SIZE_CSS_PX}, stimulus_height: ${SIZE_CSS_PX}, type: jsPsychImageKeyboardResponse, prompt: null };
window.__trials = [];
const jsPsych = initJsPsych({ on_finish: () => { window.__done = true; } });
const timeline = [{ type: jsPsychPreload, images: exposures.map((_, i) => "/picture/" + i).concat("/picture/-1") }];
exposures.forEach((req, i) => {
  const trial = { req };
  timeline.push({ ...shown, stimulus: "/picture/" + i, choices: "NO_KEYS", trial_duration: req,
    on_load: () => { trial.on = performance.now(); } });
  timeline.push({ ...shown, stimulus: "/picture/-1", choices: ["f", "j"], on_load: () => { trial.own_ms = performance.now() - trial.on; },
    on_finish: (data) => { trial.rt_ms = data.rt; trial.flagged = Math.abs(trial.own_ms - req) >= ${0.99 * FRAME_MS}; window.__trials.push(trial); } });
  timeline.push({ ...shown, stimulus: "/picture/-1", choices: "NO_KEYS", trial_duration: 60 });
});
jsPsych.run(timeline);
</script>`;

/** @param {number[]} exposures */
const labjs = (exposures) => `${head('<link rel="stylesheet" href="/lab.css">')}<body>
<div class="container fullscreen" data-labjs-section="main"><canvas></canvas></div>
<script src="/lab.js"></script>
<script>
const exposures = ${JSON.stringify(exposures)};
window.__trials = [];
const loaded = (i) => { const image = new Image(); image.src = "/picture/" + i; return image.decode().then(() => image); };
Promise.all(exposures.map((_, i) => loaded(i))).then((images) => {
  const gray = (ts, canvas, ctx) => { ctx.fillStyle = "#808080"; ctx.fillRect(-canvas.width, -canvas.height, 2 * canvas.width, 2 * canvas.height); };
  const content = exposures.flatMap((req, i) => {
    const stimulus = new lab.canvas.Screen({ timeout: req, renderFunction: (ts, canvas, ctx) => { gray(ts, canvas, ctx); ctx.imageSmoothingEnabled = false; ctx.drawImage(images[i], ${-SIZE_CSS_PX / 2}, ${-SIZE_CSS_PX / 2}, ${SIZE_CSS_PX}, ${SIZE_CSS_PX}); } });
    const mask = new lab.canvas.Screen({ renderFunction: gray, responses: { "keydown(f)": "f", "keydown(j)": "j" } });
    const pause = new lab.canvas.Screen({ renderFunction: gray, timeout: 60 });
    mask.on("end", () => {
      const [first, second] = [stimulus.internals.timestamps, mask.internals.timestamps];
      const own_ms = second.show - first.show;
      window.__trials.push({ req, on: first.show, own_ms, rt_ms: mask.data.duration, flagged: Math.abs(own_ms - req) >= ${0.99 * FRAME_MS} });
    });
    return [stimulus, mask, pause];
  });
  const study = new lab.canvas.Frame({ context: '<canvas></canvas>', contextSelector: "canvas", content: new lab.flow.Sequence({ content }) });
  study.on("end", () => { window.__done = true; });
  study.run();
});
</script>`;

/** Agrees, passes the pages before the test, starts it, and keeps what the page tells of every trial. */
export const DRIVE_OURS = `(() => {
  window.__trials = [];
  window.addEventListener("tachisto:trial", ({ detail }) => {
    if (detail.onset_ms === null) return;
    window.__trials.push({ req: detail.exposure_ms, on: detail.onset_ms, own_ms: detail.measured_ms, rt_ms: detail.reaction_ms, flagged: detail.timing_ok !== true, planned_frames: detail.planned_frames, flags: detail.flags });
  });
  const go = () => {
    if (location.pathname.endsWith("/consent/")) document.querySelector("[value=agree]")?.click();
    else if (location.pathname.endsWith("/screen/")) location.assign("../test/");
    else document.querySelector(".panel:not([hidden]) [data-action=go]")?.click();
  };
  setInterval(go, 300);
})()`;

/**
 * Presses f and j in turn at random times, and notes when. In the page, for all alike: keys sent from outside are lost
 * for good while a browser changes the process of a page, as it does for an isolated site.
 */
export const PRESS_KEYS = `(() => {
  window.__extra = [];
  let n_pressed = 0;
  const press = () => {
    const key = "fj"[(n_pressed += 1) % 2];
    const options = { key, code: "Key" + key.toUpperCase(), bubbles: true };
    const down = new KeyboardEvent("keydown", options);
    window.__extra.push(down.timeStamp);
    const target = document.activeElement ?? document.body;
    target?.dispatchEvent(down);
    target?.dispatchEvent(new KeyboardEvent("keyup", options));
    setTimeout(press, 250 + Math.random() * 200);
  };
  setTimeout(press, 500);
})();`;

/** Serves the pages of the two packages on a free port. @param {number[]} exposures_ms */
export function served(exposures_ms) {
  const server = createServer((request, reply) => {
    const path = new URL(request.url ?? "/", "http://localhost").pathname;
    const page = { "/jspsych": jspsych, "/labjs": labjs }[path];
    if (page) return reply.writeHead(200, { "Content-Type": "text/html" }).end(page(exposures_ms));
    if (path.startsWith("/picture/")) {
      return reply.writeHead(200, { "Content-Type": "image/png", "Cache-Control": "max-age=3600" }).end(picture(Number(path.slice(9))));
    }
    const file = FILES[path];
    if (!file) return reply.writeHead(404).end();
    return reply.writeHead(200, { "Content-Type": TYPES[path.split(".").at(-1)] }).end(readFileSync(new URL(file, PACKAGES)));
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}
