/** Length of one screen refresh, from the timestamps of animation frames. */

/** Rates that screens have. */
const RATES_HZ = [24, 30, 48, 50, 60, 72, 75, 85, 90, 100, 120, 144, 160, 165, 175, 180, 200, 240, 280, 300, 360, 480];
const SNAP = 0.004;

/** Fewest that can be trusted. */
export const MIN_INTERVALS = 20;

/** @param {number[]} values at least one */
function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = /** @type {number} */ (sorted[middle]);
  return sorted.length % 2 ? upper : (upper + /** @type {number} */ (sorted[middle - 1])) / 2;
}

/**
 * The estimate that many frames agree on, null when there are too few; jitter is the mean distance from the median,
 * jank the share of frames that never came. The mean of gaps within 1.5 medians resolves more than the clock's grain.
 * Planned frames must not depend on noise: a rate within 0.4 % of a usual one is set to it (59.94 Hz becomes 60: a
 * tenth of a frame in the longest exposure).
 * @param {number[]} frame_times_ms timestamps of successive frames
 */
export function refreshEstimate(frame_times_ms) {
  const intervals = frame_times_ms.slice(1).map((at, i) => at - /** @type {number} */ (frame_times_ms[i]));
  if (intervals.length < MIN_INTERVALS) return null;
  const middle_ms = median(intervals);
  if (!(middle_ms > 0)) return null;
  const kept = intervals.filter((gap) => gap > 0.5 * middle_ms && gap < 1.5 * middle_ms);
  const mean_ms = kept.reduce((sum, gap) => sum + gap, 0) / kept.length;
  const jitter_ms = kept.reduce((sum, gap) => sum + Math.abs(gap - middle_ms), 0) / kept.length;
  const n_frames = intervals.reduce((sum, gap) => sum + Math.max(1, Math.round(gap / middle_ms)), 0);
  return { frame_ms: snapped(mean_ms), jitter_ms, jank_share: 1 - intervals.length / n_frames };
}

/** @param {number} frame_ms */
function snapped(frame_ms) {
  const rate = RATES_HZ.find((hz) => Math.abs((frame_ms * hz) / 1000 - 1) < SNAP);
  return rate ? 1000 / rate : frame_ms;
}
