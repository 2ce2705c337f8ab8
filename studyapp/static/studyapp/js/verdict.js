/**
 * Was a picture on screen for as long as planned?
 *
 * Pure rules over what a trial left behind: the frames in which it drew, how late their callbacks ran, and,
 * where the browser tells (witness.js), when those frames were really presented.
 */
import { latenessLimit } from "./timeline.js";

/**
 * Whole frames from a frame's timestamp to the glass. One where the display path is shortest; two on machines
 * that buffer a frame. Presentation up to 4 ms (a quarter frame on fast screens) past a refresh counts as that refresh.
 * @param {number} presented_ms
 * @param {number} frame_at_ms
 * @param {number} frame_ms
 */
export function glassLag(presented_ms, frame_at_ms, frame_ms) {
  return Math.max(1, Math.ceil((presented_ms - frame_at_ms - latenessLimit(frame_ms)) / frame_ms));
}

/**
 * The lag that this machine has when nothing is wrong: the lower median of what was seen, 1 when nothing was.
 * @param {number[]} lags frames
 */
export function usualLag(lags) {
  const sorted = [...lags].sort((a, b) => a - b);
  return sorted[(sorted.length - 1) >> 1] ?? 1;
}

/**
 * @typedef {import("./timeline.js").Mark} Mark
 * @typedef {object} Evidence
 * @property {number} planned_frames
 * @property {number} frame_ms
 * @property {Mark} onset
 * @property {Mark} offset
 * @property {number} longest_gap_ms between frames, onset to one frame after the mask
 * @property {{ onset_ms: number, offset_ms: number } | null} presented null where nobody witnessed it
 * @property {number} usual_lag frames
 *
 * @typedef {object} Verdict
 * @property {"element_timing" | "callback"} timing_witness
 * @property {number} measured_frames
 * @property {number} measured_ms
 * @property {boolean} late_onset
 * @property {boolean} wrong_duration
 * @property {number} onset_ms when the picture reached the glass, as far as is known
 * @property {number} mask_ms when the mask did
 * @property {"element_timing" | "frame"} origin how mask_ms is known
 * @property {number[]} lags frames, empty without a witness
 */

/**
 * Judges one presentation.
 * @param {Evidence} evidence
 * @returns {Verdict}
 */
export const verdict = (evidence) =>
  evidence.presented ? witnessed(evidence, evidence.presented) : unwitnessed(evidence);

/**
 * Compositor's word: each change is put on the refresh in which it was presented. A compositor that is late at
 * both ends by the same amount leaves the duration right; it is flagged all the same.
 * @param {Evidence} evidence
 * @param {{ onset_ms: number, offset_ms: number }} presented
 * @returns {Verdict}
 */
function witnessed({ planned_frames, frame_ms, onset, offset, usual_lag }, presented) {
  const onset_lag = glassLag(presented.onset_ms, onset.frame_at_ms, frame_ms);
  const offset_lag = glassLag(presented.offset_ms, offset.frame_at_ms, frame_ms);
  const onset_ms = onset.frame_at_ms + onset_lag * frame_ms;
  const mask_ms = offset.frame_at_ms + offset_lag * frame_ms;
  // A picture that was overtaken by its mask was on screen for no time at all.
  const measured_ms = Math.max(0, mask_ms - onset_ms);
  const measured_frames = Math.round(measured_ms / frame_ms);
  return {
    timing_witness: "element_timing",
    measured_frames,
    measured_ms,
    late_onset: onset_lag > usual_lag,
    wrong_duration: measured_frames !== planned_frames || offset_lag > usual_lag,
    onset_ms,
    mask_ms,
    origin: "element_timing",
    lags: [onset_lag, offset_lag],
  };
}

/**
 * Only our own callbacks to go by. The timestamps stay on the refresh grid even when a callback is late, so
 * lateness and gaps count too; this flags more trials than were wrong, and misses a late compositor.
 * @param {Evidence} evidence
 * @returns {Verdict}
 */
function unwitnessed({ planned_frames, frame_ms, onset, offset, longest_gap_ms }) {
  const measured_ms = offset.frame_at_ms - onset.frame_at_ms;
  const measured_frames = Math.round(measured_ms / frame_ms);
  const ranLate = (/** @type {Mark} */ mark) => mark.now_ms - mark.frame_at_ms > frame_ms / 3;
  return {
    timing_witness: "callback",
    measured_frames,
    measured_ms,
    late_onset: ranLate(onset),
    wrong_duration: measured_frames !== planned_frames || longest_gap_ms > 1.5 * frame_ms || ranLate(offset),
    onset_ms: onset.frame_at_ms + frame_ms,
    mask_ms: offset.frame_at_ms + frame_ms,
    origin: "frame",
    lags: [],
  };
}
