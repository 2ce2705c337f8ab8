/** Length of one screen refresh, from the timestamps of animation frames. */

/** Rates that screens have. */
const RATES_HZ = [24, 30, 48, 50, 60, 72, 75, 85, 90, 100, 120, 144, 160, 165, 175, 180, 200, 240, 280, 300, 360, 480];
const SNAP = 0.004;

/** Fewest that can be trusted. */
export const MIN_INTERVALS = 20;

/** @param {number[]} values at least one */
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/**
 * The estimate that many frames agree on, null when there are too few: the mean of gaps near the lower fifth, for a busy
 * machine drops more than half of its frames. Jitter is their mean distance from it, jank the share of frames that never
 * came. Planned frames must not depend on noise: a rate within 0.4 % of a usual one is set to it (59.94 Hz becomes 60: a
 * tenth of a frame in the longest exposure).
 * @param {number[]} frame_times_ms timestamps of successive frames
 */
export function refreshEstimate(frame_times_ms) {
  const gaps = frame_times_ms.slice(1).map((at, i) => at - /** @type {number} */ (frame_times_ms[i]));
  if (gaps.length < MIN_INTERVALS) return null;
  const usual_ms = [...gaps].sort((a, b) => a - b)[Math.floor(gaps.length / 5)] ?? 0;
  if (!(usual_ms > 0)) return null;
  const kept = gaps.filter((gap) => gap > 0.5 * usual_ms && gap < 1.5 * usual_ms);
  const mean_ms = mean(kept);
  const jitter_ms = mean(kept.map((gap) => Math.abs(gap - mean_ms)));
  const per_gap = mean(gaps.map((gap) => Math.max(1, Math.round(gap / mean_ms))));
  return { frame_ms: snapped(mean_ms), jitter_ms, jank_share: 1 - 1 / per_gap };
}

/** @param {number} frame_ms */
function snapped(frame_ms) {
  const rate = RATES_HZ.find((hz) => Math.abs((frame_ms * hz) / 1000 - 1) < SNAP);
  return rate ? 1000 / rate : frame_ms;
}
