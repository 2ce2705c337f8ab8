/**
 * How exactly this screen shows pictures, for anybody who wants to know: the test's own way of showing one, with a faint
 * pattern in a picture's place and a key that is pressed by the page itself. Asks no server, stores nothing.
 */
import { Attention, whenVisible } from "./attention.js";
import { element, pageConfig } from "./config.js";
import { Display } from "./display.js";
import { measuredTempo } from "./metronome.js";
import { Gate } from "./quiet.js";
import { playedTrial } from "./trial.js";
import { Witness } from "./witness.js";

const WATCHED_FOR_MS = 2000;
/** Time between two presses of the page's own key. */
const PRESSED_EVERY_MS = 80;
/** Levels of the pattern around a gray of 128: a tenth of its light apart at most, so that no change is a flash. */
const FAINT = [125, 131];

const config = pageConfig();
const room = element(".diagnosis .place");

/** Squares that differ from the gray by less than WCAG 2.3.1 calls a flash. */
function faintPattern() {
  const image = new ImageData(config.width_px, config.height_px);
  for (let pixel = 0; pixel < config.width_px * config.height_px; pixel += 1) {
    const [x, y] = [pixel % config.width_px, Math.floor(pixel / config.width_px)];
    const level = FAINT[(Math.floor(x / 4) + Math.floor(y / 4)) % 2] ?? 128;
    image.data.set([level, level, level, 255], 4 * pixel);
  }
  return createImageBitmap(image);
}

/**
 * Puts values into the places of a part of the page.
 * @param {ParentNode} part @param {Record<string, string>} values
 */
function fill(part, values) {
  for (const [name, value] of Object.entries(values)) {
    for (const place of part.querySelectorAll(`[data-fill="${name}"]`)) place.textContent = value;
  }
}

/** Shows one of the page's outcomes. @param {string} name */
function show(name) {
  for (const outcome of document.querySelectorAll("[data-outcome]")) {
    outcome.toggleAttribute("hidden", !outcome.matches(`[data-outcome~=${name}]`));
  }
}

/** In the page's language. @param {number} value @param {number} [digits] after the point */
const rounded = (value, digits = 1) =>
  value.toLocaleString(document.documentElement.lang, {
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });

/** @param {number} exposure_ms @param {TrialResponse} response */
function row(exposure_ms, { planned_frames, measured_frames, measured_ms, frame_ms, timing_ok }) {
  const template = /** @type {HTMLTemplateElement} */ (element("template[data-row]"));
  const cells = /** @type {DocumentFragment} */ (template.content.cloneNode(true));
  fill(cells, {
    asked: String(exposure_ms),
    planned: String(planned_frames),
    planned_ms: rounded(Number(planned_frames) * frame_ms),
    measured: measured_frames === null ? "" : String(measured_frames),
    measured_ms: measured_ms === null ? "" : rounded(measured_ms),
  });
  const verdict = timing_ok === null ? "unknown" : timing_ok ? "right" : "wrong";
  for (const word of cells.querySelectorAll(`[data-verdict]:not([data-verdict=${verdict}])`)) word.remove();
  element(".diagnosis tbody").append(cells);
}

async function diagnose() {
  show("running");
  element(".diagnosis tbody").replaceChildren();
  await whenVisible();
  const host = element(".witness");
  const witness = new Witness(host, getComputedStyle(document.documentElement).backgroundColor);
  const tempo = await measuredTempo(WATCHED_FOR_MS, witness);
  if (!tempo) return show("unknown");
  const display = new Display(/** @type {HTMLCanvasElement} */ (element(".picture")), config, config.mask_gray);
  display.fit(Math.min(room.clientWidth, room.clientHeight));
  /** @type {Stage} */
  const stage = {
    ...config,
    ...tempo,
    display,
    witness,
    attention: new Attention(),
    gate: new Gate(),
    buttons: [],
    previous_onset_ms: -Infinity,
  };
  const { real: key } = config.keys;
  const press = () => window.dispatchEvent(new KeyboardEvent("keydown", { key }));
  const pressing = setInterval(press, PRESSED_EVERY_MS);
  let n_right = 0;
  try {
    for (const exposure_ms of config.exposures_ms) {
      const picture = await faintPattern();
      const trial = { token: "", ordinal: 0, kind: /** @type {const} */ ("practice"), exposure_ms, picture };
      const { response } = await playedTrial(trial, stage);
      n_right += Number(response.timing_ok === true);
      row(exposure_ms, response);
    }
  } finally {
    clearInterval(pressing);
  }
  fill(document, {
    rate: rounded(1000 / tempo.frame_ms),
    frame_ms: rounded(tempo.frame_ms, 2),
    missed: rounded(100 * tempo.jank_share),
    jitter_ms: rounded(tempo.jitter_ms, 2),
    right: String(n_right),
    of: String(config.exposures_ms.length),
  });
  for (const words of document.querySelectorAll("[data-witness]")) {
    words.toggleAttribute("hidden", !words.matches(`[data-witness=${witness.kind}]`));
  }
  return show("done");
}

const start = () =>
  diagnose().catch((error) => {
    show("unknown");
    throw error;
  });
for (const button of document.querySelectorAll("[data-action=again]")) button.addEventListener("click", start);
start();
