/** Measures this screen while nothing is shown: the length of a refresh, and how many lie between drawing and glass. */
import { refreshEstimate } from "./refresh.js";
import { glassLag } from "./verdict.js";

const N_MARKS = 5;
const FRAMES_BETWEEN_MARKS = 6;
/** In the background no frames come: give up after this many times the duration. */
const PATIENCE = 10;

/** Null when too few frames came. @param {number} duration_ms @param {Stage["witness"]} witness */
export async function measuredTempo(duration_ms, witness) {
  const marks = await Promise.all(Array.from({ length: N_MARKS }, () => witness.mark()));
  const { frames, marked_at } = await watchedFrames(duration_ms, marks);
  const presented = await Promise.all(marks.map((mark) => mark.presented()));
  const estimate = refreshEstimate(frames);
  if (!estimate) return null;
  const lags = presented.flatMap((presented_ms, i) => {
    const mark = marked_at[i];
    return presented_ms && mark ? [glassLag(presented_ms, mark, estimate.frame_ms)] : [];
  });
  return { ...estimate, lags };
}

/**
 * @param {number} duration_ms @param {WitnessMark[]} marks
 * @returns {Promise<{ frames: number[], marked_at: Mark[] }>}
 */
function watchedFrames(duration_ms, marks) {
  /** @type {number[]} */
  const frames = [];
  /** @type {Mark[]} */
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
        marked_at.push({ frame_at_ms, now_ms: performance.now() });
      }
      if (frame_at_ms - /** @type {number} */ (frames[0]) >= duration_ms) end();
      else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
  });
}
