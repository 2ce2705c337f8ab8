/**
 * When a trial's steps are due, and how many frames an exposure is. Draws nothing and reads no clock: every time comes
 * in as an argument, in ms of performance.now().
 */

/** Shortest time between two onsets: at most three flashes a second (WCAG 2.3.1; flashes.py). */
export const MIN_ONSET_GAP_MS = 400;

/** Longest wait of an onset for a callback in time; then the picture is shown and flagged. */
const MAX_DEFERRAL_MS = 500;

/**
 * Whole frames for an exposure, at least 1: the nearest number, halves go down (75 ms at 60 Hz is 4.5, shown as 4).
 * @param {number} exposure_ms Infinity: until the answer @param {number} frame_ms
 */
export function plannedFrames(exposure_ms, frame_ms) {
  // The millionth keeps halves halves in floating point: 75 / (1000 / 180) is 13.500000000000002.
  return Math.max(1, Math.ceil(exposure_ms / frame_ms - 0.5 - 1e-6));
}

/** How many ms late a callback may start and still reach its frame. @param {number} frame_ms */
export const latenessLimit = (frame_ms) => Math.min(4, frame_ms / 4);

/** @type {Partial<Record<State, Step>>} */
const NEXT = { waiting: "fixation", fixation: "blank", blank: "picture", picture: "mask", mask: "cleared" };

/** One trial; asked in every frame, it names the step to draw. */
export class Timeline {
  /** @param {TrialPlan} plan */
  constructor(plan) {
    this.plan = plan;
    this.planned_frames = plannedFrames(plan.exposure_ms, plan.frame_ms);
    /** What is on screen when answers are first taken. @type {"picture" | "mask"} */
    this.asked_with = plan.exposure_ms < Infinity ? "mask" : "picture";
    this.is_answered = false;
    /** @type {State} */
    this.state = "waiting";
    /** @type {Partial<Record<Step, Mark>>} */
    this.marks = {};
    /** Longest between two frames, from the onset to one frame after the mask. */
    this.longest_gap_ms = 0;
    /** Longest between any two frames. */
    this.longest_pause_ms = 0;
    this.last_frame_at_ms = NaN;
  }

  /** What to draw in this frame, or null. @param {number} frame_at_ms @param {number} now_ms when its callback began */
  step(frame_at_ms, now_ms) {
    this.#noteGap(frame_at_ms);
    const next = NEXT[this.state];
    if (next === undefined || !this.#isDue(next, { frame_at_ms, now_ms })) return null;
    this.state = next;
    this.marks[next] = { frame_at_ms, now_ms };
    return next;
  }

  /** Answers count from when the mask can be seen, a frame after it was drawn. @param {number} at_ms */
  accepts(at_ms) {
    const mark = this.marks[this.asked_with];
    return !this.is_answered && mark !== undefined && at_ms >= mark.now_ms + this.plan.frame_ms;
  }

  /** With it ends the exposure, too, that has no other end. */
  answer() {
    this.is_answered = true;
  }

  /** @param {number} frame_at_ms */
  #noteGap(frame_at_ms) {
    const { picture, mask } = this.marks;
    const gap_ms = frame_at_ms - this.last_frame_at_ms || 0;
    const counts = picture && this.last_frame_at_ms <= (mask?.frame_at_ms ?? Infinity);
    if (counts) this.longest_gap_ms = Math.max(this.longest_gap_ms, gap_ms);
    this.longest_pause_ms = Math.max(this.longest_pause_ms, gap_ms);
    this.last_frame_at_ms = frame_at_ms;
  }

  /** @param {Step} step @param {Mark} mark */
  #isDue(step, mark) {
    const { fixation_ms, blank_ms, mask_ms, frame_ms } = this.plan;
    const since = (/** @type {Step} */ earlier) => mark.frame_at_ms - (this.marks[earlier]?.frame_at_ms ?? NaN);
    switch (step) {
      case "fixation":
        return true;
      case "blank":
        return since("fixation") >= fixation_ms - frame_ms / 2;
      case "picture":
        return since("blank") >= blank_ms - frame_ms / 2 && this.#mayShow(mark, since("blank"));
      case "mask":
        // A target in time, not a count of callbacks: a dropped one would lengthen the exposure.
        return this.is_answered || since("picture") >= (this.planned_frames - 0.5) * frame_ms;
      case "cleared":
        return since("mask") >= (mask_ms ?? Infinity) - frame_ms / 2;
    }
  }

  /** A late offset cannot be repaired, a late onset put off for free. @param {Mark} mark @param {number} since_blank_ms */
  #mayShow(mark, since_blank_ms) {
    const { previous_onset_ms, blank_ms, frame_ms } = this.plan;
    if (mark.frame_at_ms - previous_onset_ms < MIN_ONSET_GAP_MS) return false;
    const is_late = mark.now_ms - mark.frame_at_ms > latenessLimit(frame_ms);
    return !is_late || since_blank_ms >= blank_ms + MAX_DEFERRAL_MS;
  }
}
