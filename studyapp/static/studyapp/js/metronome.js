/**
 * Measures this screen: the length of a refresh, and how many of them lie between drawing and the glass.
 *
 * To be run while nothing else is shown; refresh.js and verdict.js do the arithmetic.
 */
import { refreshEstimate } from "./refresh.js";
import { glassLag } from "./verdict.js";

const N_MARKS = 5;
const FRAMES_BETWEEN_MARKS = 6;
/** A page in the background gets no frames: give up counting on them after this many times the duration. */
const PATIENCE = 10;

/**
 * @typedef {object} Tempo
 * @property {number} frame_ms
 * @property {number} jitter_ms
 * @property {number} dropped frames that were left out, of those watched
 * @property {number[]} lags frames from drawing to the glass, empty without a witness
 */

/**
 * Watches the frames for a while.
 * @param {number} duration_ms
 * @param {import("./witness.js").Witness | null} witness
 * @returns {Promise<Tempo | null>} null when too few frames came
 */
export async function measuredTempo(duration_ms, witness) {
  const marks = witness ? await Promise.all(Array.from({ length: N_MARKS }, () => witness.mark())) : [];
  const { frames, marked_at } = await watchedFrames(duration_ms, marks);
  const presented = await Promise.all(marks.map((mark) => mark.presented()));
  const estimate = refreshEstimate(frames);
  if (!estimate) return null;
  const lags = marked_at.flatMap((frame_at_ms, i) => {
    const presented_ms = presented[i] ?? null;
    return presented_ms === null ? [] : [glassLag(presented_ms, frame_at_ms, estimate.frame_ms)];
  });
  return { ...estimate, lags };
}

/**
 * Timestamps of frames, and of those in which a mark was shown.
 * @param {number} duration_ms
 * @param {import("./witness.js").Mark[]} marks
 * @returns {Promise<{ frames: number[], marked_at: number[] }>}
 */
function watchedFrames(duration_ms, marks) {
  /** @type {number[]} */
  const frames = [];
  /** @type {number[]} */
  const marked_at = [];
  return new Promise((resolve) => {
    let frame = 0;
    const end = () => {
      clearTimeout(patience);
      cancelAnimationFrame(frame);
      resolve({ frames, marked_at });
    };
    const patience = setTimeout(end, duration_ms * PATIENCE);
    const tick = (/** @type {number} */ frame_at_ms) => {
      frames.push(frame_at_ms);
      if (frames.length % FRAMES_BETWEEN_MARKS === 0 && marked_at.length < marks.length) {
        marks[marked_at.length]?.show();
        marked_at.push(frame_at_ms);
      }
      if (frame_at_ms - /** @type {number} */ (frames[0]) >= duration_ms) end();
      else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
  });
}
