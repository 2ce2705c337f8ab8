/**
 * Was a picture on screen for as long as planned? Pure rules over the frames in which a trial drew, the lateness of
 * their callbacks and, where the browser tells (witness.js), when they were presented.
 */
import { latenessLimit } from "./timeline.js";

/**
 * Whole frames from a frame's timestamp to the glass: one, or two on machines that buffer a frame.
 * The nearest refresh: without a display controller the time is when drawing ended, after it on a busy machine. At most
 * 2 ms (an eighth of a frame on fast screens) past it where the callback ran late, for the next one may have drawn it.
 * @param {number} presented_ms @param {Mark} mark @param {number} frame_ms
 */
export function glassLag(presented_ms, { frame_at_ms, now_ms }, frame_ms) {
  const limit_ms = latenessLimit(frame_ms);
  const slack_ms = now_ms - frame_at_ms > limit_ms ? limit_ms / 2 : frame_ms / 2;
  return Math.max(1, Math.ceil((presented_ms - frame_at_ms - slack_ms) / frame_ms));
}

/** Lag of this machine when nothing is wrong: lower median, 1 without any. @param {number[]} lags */
export function usualLag(lags) {
  const sorted = [...lags].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 1;
}

/**
 * The compositor's word: late at both ends by the same amount, the duration is right. Without it our own callbacks alone.
 * Their timestamps stay on the refresh grid even when a callback is late, so lateness and gaps count too; this flags more
 * trials than were wrong, and misses a late compositor.
 * @param {Evidence} evidence
 * @returns {Verdict}
 */
export function verdict({ planned_frames, frame_ms, onset, offset, longest_gap_ms, presented, usual_lag }) {
  const lags = presented
    ? [glassLag(presented.onset_ms, onset, frame_ms), glassLag(presented.offset_ms, offset, frame_ms)]
    : [];
  const [onset_lag = 1, offset_lag = 1] = lags;
  const onset_ms = onset.frame_at_ms + onset_lag * frame_ms;
  const mask_ms = offset.frame_at_ms + offset_lag * frame_ms;
  // Overtaken by its mask, a picture was never seen.
  const measured_ms = Math.max(0, mask_ms - onset_ms);
  const measured_frames = Math.round(measured_ms / frame_ms);
  const ranLate = (/** @type {Mark} */ mark) => mark.now_ms - mark.frame_at_ms > frame_ms / 3;
  const is_doubtful = !presented && (longest_gap_ms > 1.5 * frame_ms || ranLate(onset) || ranLate(offset));
  return {
    timing_witness: presented ? "element_timing" : "callback",
    measured_frames,
    measured_ms,
    late_onset: presented ? onset_lag > usual_lag : ranLate(onset),
    // None is wrong for a picture that stays until the answer.
    wrong_duration: planned_frames < Infinity && (measured_frames !== planned_frames || is_doubtful),
    onset_ms,
    mask_ms,
    origin: presented ? "element_timing" : "frame",
    lags,
  };
}
