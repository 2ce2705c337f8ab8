/** One trial on the page, and the response that tells about it. From onset to answer nothing runs but the timeline. */
import { listenForAnswers } from "./keys.js";
import { Timeline } from "./timeline.js";
import { usualLag, verdict } from "./verdict.js";

const N_LAGS = 20;

/**
 * Plays a trial, which ends with an answer or when the page is hidden. Brings the stage's lags and onset up to date.
 * @param {ReadyTrial} trial @param {Stage} stage
 */
export async function playedTrial(trial, stage) {
  const marks = { picture: await stage.witness.mark(), mask: await stage.witness.mark() };
  const timeline = new Timeline({ ...stage, exposure_ms: trial.exposure_ms ?? Infinity });
  const mask = await stage.mask?.(trial.token);
  const given = await shown({ ...trial, mask }, timeline, stage, marks);
  const disturbances = stage.attention.end(timeline.longest_pause_ms);
  stage.gate.open();
  stage.previous_onset_ms = timeline.marks.picture?.frame_at_ms ?? stage.previous_onset_ms;
  const judged = await judgement(timeline, stage, marks);
  if (judged) stage.lags = [...stage.lags, ...judged.lags].slice(-N_LAGS);
  return { response: trialResponse(trial, timeline, stage, { given, judged, disturbances }), verdict: judged };
}

/**
 * @param {Shown} trial @param {Timeline} timeline @param {Stage} stage @param {WitnessMarks} marks
 * @returns {Promise<Given | null>} the answer, null when the page was hidden first
 */
function shown(trial, timeline, stage, marks) {
  const { display, gate } = stage;
  const draw = {
    fixation: () => display.cross(),
    blank: () => {
      display.gray();
      gate.close();
    },
    picture: () => {
      display.picture(trial.picture);
      marks.picture.show();
    },
    mask: () => {
      if (trial.mask) display.picture(trial.mask);
      else display.gray();
      marks.mask.show();
    },
    cleared: () => display.gray(),
  };
  return new Promise((resolve) => {
    let frame = 0;
    /** @type {Given | null} */
    let given = null;
    const end = () => {
      cancelAnimationFrame(frame);
      stopListening();
      // The page was hidden between an answer and the end of its picture: neither of the two is known.
      if (!timeline.marks.mask) given = null;
      if (!given || trial.mask) display.gray();
      resolve(given);
    };
    const stopListening = listenForAnswers(stage.buttons, stage.keys, (now) => {
      if (!timeline.accepts(now.at_ms)) return;
      timeline.answer();
      given = now;
    });
    stage.attention.begin(end);
    const tick = (/** @type {number} */ frame_at_ms) => {
      const step = timeline.step(frame_at_ms, performance.now());
      if (step) draw[step]();
      // With the next frame: it takes away a picture that stayed until now.
      if (given) end();
      else frame = requestAnimationFrame(tick);
    };
    frame = requestAnimationFrame(tick);
  });
}

/** Null without a mask. @param {Timeline} timeline @param {Stage} stage @param {WitnessMarks} marks */
async function judgement(timeline, stage, marks) {
  const [onset_ms, offset_ms] = await Promise.all([marks.picture.presented(), marks.mask.presented()]);
  const { picture: onset, mask: offset } = timeline.marks;
  if (!onset || !offset) return null;
  return verdict({
    planned_frames: timeline.planned_frames,
    frame_ms: stage.frame_ms,
    onset,
    offset,
    longest_gap_ms: timeline.longest_gap_ms,
    presented: onset_ms === null || offset_ms === null ? null : { onset_ms, offset_ms },
    usual_lag: usualLag(stage.lags),
  });
}

/**
 * @param {PlannedTrial} trial @param {Timeline} timeline @param {Stage} stage @param {Outcome} outcome
 * @returns {TrialResponse}
 */
function trialResponse(trial, timeline, stage, { given, judged, disturbances }) {
  const { fixation, picture } = timeline.marks;
  const begun_ms = (picture ?? fixation)?.frame_at_ms ?? performance.now();
  const asked_ms = timeline.asked_with === "mask" ? judged?.mask_ms : judged?.onset_ms;
  const flags = [...disturbances];
  if (judged?.late_onset) flags.push("late_onset");
  if (judged?.wrong_duration) flags.push("wrong_duration");
  return {
    trial: trial.token,
    status: given ? "answered" : "interrupted",
    answer: given?.answer ?? null,
    reaction_ms: given && asked_ms !== undefined ? rounded(Math.max(0, given.at_ms - asked_ms)) : null,
    reaction_origin: (given && judged?.origin) ?? null,
    input_kind: given?.input_kind ?? null,
    planned_frames: timeline.planned_frames < Infinity ? timeline.planned_frames : null,
    measured_frames: judged?.measured_frames ?? null,
    measured_ms: judged ? rounded(judged.measured_ms) : null,
    frame_ms: Math.round(stage.frame_ms * 1e4) / 1e4,
    timing_ok: judged ? !judged.wrong_duration && !disturbances.has("slept") : null,
    timing_witness: judged?.timing_witness ?? stage.witness.kind,
    flags,
    lost_focus: disturbances.has("hidden") || disturbances.has("blurred"),
    shown_utc: wallClock(judged?.onset_ms ?? begun_ms),
  };
}

/** Hundredths. @param {number} ms */
const rounded = (ms) => Math.round(ms * 100) / 100;

/** UTC of a time on the page's clock. @param {number} at_ms */
const wallClock = (at_ms) => new Date(Date.now() - (performance.now() - at_ms)).toISOString();
