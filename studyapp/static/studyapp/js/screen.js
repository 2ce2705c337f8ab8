/** The screen check: watches the frames for two seconds, tells the server what it saw, says whether all is well. */
import { measuredCard } from "./calibration.js";
import { element, pageConfig } from "./config.js";
import { measuredTempo } from "./metronome.js";
import { ServerError } from "./retry.js";
import { createServer } from "./server.js";
import { Witness } from "./witness.js";
import { whenVisible } from "./attention.js";

const WATCHED_FOR_MS = 2000;
/** Room that the test page needs around the picture, in CSS px: for the buttons below it, or beside it. */
const BELOW = { width: 16, height: 150 };
const BESIDE = { width: 360, height: 24 };

const config = pageConfig();
const server = createServer(config.csrf_token);
const witness = new Witness(element(".witness"), getComputedStyle(document.documentElement).backgroundColor);

/** @type {Calibration | null} */
let calibration = null;

/** Whether the picture and the buttons have room in this window. */
const fits = () => {
  const size_css_px = calibration ? calibration.size_device_px / devicePixelRatio : config.size_css_px;
  return [BELOW, BESIDE].some(
    ({ width, height }) => innerWidth >= size_css_px + width && innerHeight >= size_css_px + height,
  );
};

/**
 * Shows one of the page's outcomes.
 * @param {string} name
 * @param {Record<string, string | number>} [values]
 */
function show(name, values = {}) {
  for (const outcome of document.querySelectorAll("[data-outcome]")) {
    const is_this = outcome instanceof HTMLElement && outcome.dataset.outcome === name;
    outcome.toggleAttribute("hidden", !is_this);
    if (!is_this) continue;
    for (const [key, value] of Object.entries(values)) {
      for (const place of outcome.querySelectorAll(`[data-fill="${key}"]`)) place.textContent = String(value);
    }
    outcome.querySelector("a, button")?.scrollIntoView({ block: "nearest" });
  }
}

async function check() {
  show("running");
  await whenVisible();
  const tempo = await measuredTempo(WATCHED_FOR_MS, witness);
  if (!tempo) return show("unknown");
  if (!fits()) return show("small", { width: innerWidth, height: innerHeight });
  const reply = await server.post(config.urls.screen, {
    frame_ms: tempo.frame_ms,
    jitter_ms: tempo.jitter_ms,
    jank_share: tempo.jank_share,
    width_px: innerWidth,
    height_px: innerHeight,
    pixel_ratio: devicePixelRatio,
    witness: witness.kind,
    ...calibration,
  });
  if (!reply.ok) return show("refused", { reason: reply.message });
  return show("fine", { rate: Math.round(1000 / tempo.frame_ms) });
}

/** @param {unknown} error */
function refused(error) {
  const reason = error instanceof ServerError && error.message;
  if (reason) show("refused", { reason });
  else show("unreachable");
}

const start = () => check().catch(refused);
for (const button of document.querySelectorAll("[data-action=again]")) button.addEventListener("click", start);
if (config.size_deg) calibration = await measuredCard(element(".calibration"), config.size_deg);
start();
