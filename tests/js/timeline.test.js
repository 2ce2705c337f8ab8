/** The timeline's promises, on screens of 30 to 240 Hz and with callbacks that run late or not at all. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MIN_ONSET_GAP_MS, plannedFrames, Timeline } from "../../studyapp/static/studyapp/js/timeline.js";
import { randomNumbers } from "./random.js";

const EXPOSURES_MS = [50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000];
const RATES_HZ = [30, 48, 59.94, 60, 72, 75, 85, 90, 100, 120, 144, 165, 240];

/**
 * Runs one trial on a screen; lateness_ms(frame) says how late the callback of a frame runs, NaN that it is dropped.
 * @returns {{ timeline: Timeline, steps: Record<string, number> }} frame time of each step
 */
function played({
  hz = 60,
  exposure_ms = 100,
  mask_ms = null,
  previous_onset_ms = -Infinity,
  start_ms = 1000,
  lateness_ms = () => 0.3,
}) {
  const frame_ms = 1000 / hz;
  const timeline = new Timeline({ exposure_ms, frame_ms, fixation_ms: 500, blank_ms: 200, mask_ms, previous_onset_ms });
  const steps = {};
  const last = mask_ms === null ? "mask" : "cleared";
  for (let frame = 0; timeline.state !== last; frame += 1) {
    assert.ok(frame < 20_000, "the trial never reached its mask");
    const frame_at_ms = start_ms + frame * frame_ms;
    const late_ms = lateness_ms(frame);
    if (Number.isNaN(late_ms)) continue;
    const step = timeline.step(frame_at_ms, frame_at_ms + late_ms);
    if (step) steps[step] = frame_at_ms;
  }
  return { timeline, steps };
}

const framesShown = ({ steps }, hz) => Math.round(((steps.mask - steps.picture) * hz) / 1000);

test("exposures have the documented numbers of frames at 60, 120 and 144 Hz", () => {
  const documented = {
    60: [3, 4, 6, 9, 12, 18, 24, 39, 60, 84, 120],
    120: [6, 9, 12, 18, 24, 36, 48, 78, 120, 168, 240],
    144: [7, 11, 14, 22, 29, 43, 58, 94, 144, 202, 288],
  };
  for (const [hz, frames] of Object.entries(documented)) {
    assert.deepEqual(EXPOSURES_MS.map((ms) => plannedFrames(ms, 1000 / Number(hz))), frames, `${hz} Hz`);
  }
});

test("an exposure that is half a frame off goes down, whatever floating point says", () => {
  assert.equal(plannedFrames(75, 1000 / 60), 4); // 4.5
  assert.equal(plannedFrames(75, 10), 7); // 7.5
  assert.equal(plannedFrames(75, 1000 / 180), 13); // 13.5, or 13.500000000000002 as computed
  assert.equal(plannedFrames(25, 50), 1); // half a frame is still shown
  assert.equal(plannedFrames(1, 33), 1);
});

test("planned frames are the nearest number of frames", () => {
  const random = randomNumbers(1);
  for (let i = 0; i < 5000; i += 1) {
    const [exposure_ms, frame_ms] = [20 + random() * 3000, 1000 / (30 + random() * 210)];
    const error = Math.abs(plannedFrames(exposure_ms, frame_ms) * frame_ms - exposure_ms);
    assert.ok(error <= frame_ms / 2 + 1e-4 || exposure_ms < frame_ms, `${exposure_ms} ms at ${frame_ms} ms`);
  }
});

test("on an undisturbed screen every exposure lasts its planned frames", () => {
  for (const hz of RATES_HZ) {
    for (const exposure_ms of EXPOSURES_MS) {
      const trial = played({ hz, exposure_ms });
      assert.equal(framesShown(trial, hz), plannedFrames(exposure_ms, 1000 / hz), `${exposure_ms} ms at ${hz} Hz`);
    }
  }
});

test("the cross and the blank come in order and last as long as they should, to half a frame", () => {
  for (const hz of RATES_HZ) {
    const { steps } = played({ hz });
    const half_ms = 500 / hz + 1e-6;
    assert.ok(Math.abs(steps.blank - steps.fixation - 500) <= half_ms, `fixation at ${hz} Hz`);
    assert.ok(Math.abs(steps.picture - steps.blank - 200) <= half_ms, `blank at ${hz} Hz`);
  }
});

test("dropped callbacks during a picture do not lengthen it by more than the last gap", () => {
  const random = randomNumbers(2);
  for (let i = 0; i < 500; i += 1) {
    const [hz, exposure_ms] = [RATES_HZ[i % RATES_HZ.length], EXPOSURES_MS[i % EXPOSURES_MS.length]];
    const dropped = new Set(Array.from({ length: 60 }, () => Math.floor(random() * 900)));
    const trial = played({ hz, exposure_ms, lateness_ms: (frame) => (dropped.has(frame) ? NaN : 0.3) });
    const planned = plannedFrames(exposure_ms, 1000 / hz);
    const too_long = framesShown(trial, hz) - planned;
    // Each callback dropped in a row at the target costs one frame, earlier ones cost nothing.
    let in_a_row = 0;
    const target = Math.round(((trial.steps.picture - 1000) * hz) / 1000) + planned;
    while (dropped.has(target + in_a_row)) in_a_row += 1;
    assert.equal(too_long, in_a_row, `${exposure_ms} ms at ${hz} Hz`);
  }
});

test("an onset waits for a callback that comes in time", () => {
  const random = randomNumbers(3);
  for (let i = 0; i < 500; i += 1) {
    const hz = RATES_HZ[i % RATES_HZ.length];
    const limit_ms = Math.min(4, 250 / hz);
    const late = Array.from({ length: 5000 }, () => (random() < 0.4 ? limit_ms + random() * 20 : random() * limit_ms));
    const trial = played({ hz, lateness_ms: (frame) => late[frame] });
    const { frame_at_ms, now_ms } = trial.timeline.marks.picture;
    assert.ok(now_ms - frame_at_ms <= limit_ms, `${now_ms - frame_at_ms} ms late at ${hz} Hz`);
  }
});

test("a machine that is always late still gets its picture, half a second later", () => {
  const { steps } = played({ lateness_ms: () => 9 });
  const waited_ms = steps.picture - steps.blank - 200;
  assert.ok(waited_ms >= 500 - 17 && waited_ms <= 500 + 17, `${waited_ms}`);
});

test("onsets are never closer than 400 ms", () => {
  for (const hz of RATES_HZ) {
    const previous_onset_ms = 1690;
    const { steps } = played({ hz, previous_onset_ms });
    assert.ok(steps.picture - previous_onset_ms >= MIN_ONSET_GAP_MS, `${hz} Hz`);
  }
});

test("only answers from the mask on count, and only one", () => {
  const { timeline, steps } = played({});
  assert.equal(timeline.accepts(steps.mask), false, "the mask is drawn but not yet on screen");
  assert.equal(timeline.accepts(steps.mask + 1000 / 60 + 0.31), true);
  timeline.answer();
  assert.equal(timeline.accepts(steps.mask + 500), false);
  const waiting = new Timeline({ exposure_ms: 50, frame_ms: 16.7, fixation_ms: 500, blank_ms: 200, previous_onset_ms: 0 });
  assert.equal(waiting.accepts(1e9), false);
});

test("a mask drawn too late for its frame takes no answer before it can be seen with the next one", () => {
  const { timeline, steps } = played({ exposure_ms: 1000, lateness_ms: (frame) => (frame > 50 ? 14 : 0.3) });
  assert.equal(timeline.accepts(steps.mask + 1000 / 60 + 1), false);
  assert.equal(timeline.accepts(steps.mask + 2000 / 60), true);
});

test("a mask lasts its time to half a frame, and answers count before and after it ends", () => {
  for (const hz of RATES_HZ) {
    for (const mask_ms of [30, 100, 500]) {
      const { timeline, steps } = played({ hz, mask_ms });
      const shown_ms = steps.cleared - steps.mask;
      assert.ok(Math.abs(shown_ms - mask_ms) <= Math.max(500 / hz, 1000 / hz - mask_ms) + 1e-6, `${mask_ms} at ${hz} Hz`);
      assert.equal(timeline.accepts(steps.cleared + 300), true);
    }
  }
});

test("without a time the mask stays until the answer", () => {
  const { timeline, steps } = played({});
  assert.equal(timeline.step(steps.mask + 3_600_000, steps.mask + 3_600_000), null);
  assert.equal(timeline.state, "mask");
});

test("the longest pause counts from the first frame to the answer", () => {
  const { timeline, steps } = played({});
  assert.ok(Math.abs(timeline.longest_pause_ms - 1000 / 60) < 1e-6);
  timeline.step(steps.mask + 5000, steps.mask + 5000);
  assert.equal(Math.round(timeline.longest_pause_ms), 5000);
});

test("the longest gap counts from the onset to one frame after the mask", () => {
  const frame_ms = 1000 / 60;
  const onset_frame = 42; // 700 ms
  const gapAt = (dropped) => {
    const trial = played({ exposure_ms: 200, lateness_ms: (frame) => (frame === dropped ? NaN : 0.1) });
    return Math.round(trial.timeline.longest_gap_ms / frame_ms);
  };
  assert.equal(gapAt(-1), 1);
  assert.equal(gapAt(onset_frame - 3), 1);
  assert.equal(gapAt(onset_frame + 3), 2);
});

test("an exposure without end lasts until the answer and no frame longer, and takes it from a frame after the onset", () => {
  for (const hz of RATES_HZ) {
    const frame_ms = 1000 / hz;
    const plan = { exposure_ms: Infinity, fixation_ms: 500, blank_ms: 200, mask_ms: null };
    const timeline = new Timeline({ ...plan, frame_ms, previous_onset_ms: -Infinity });
    const drawn = [];
    let at_ms = 1000;
    const playUntil = (end_ms) => {
      for (; at_ms < end_ms; at_ms += frame_ms) drawn.push(timeline.step(at_ms, at_ms + 0.3));
      return drawn.filter(Boolean);
    };
    assert.deepEqual(playUntil(60_000), ["fixation", "blank", "picture"], `a minute at ${hz} Hz`);
    const onset_ms = timeline.marks.picture.now_ms;
    assert.equal(timeline.accepts(onset_ms + frame_ms / 2), false, "drawn, and not yet to be seen");
    assert.equal(timeline.accepts(onset_ms + frame_ms), true);
    timeline.answer();
    assert.equal(timeline.accepts(at_ms), false, "the second answer to a picture");
    const answered_at_ms = at_ms;
    playUntil(at_ms + 2000);
    assert.equal(drawn.filter(Boolean).join(), "fixation,blank,picture,mask");
    assert.equal(timeline.marks.mask.frame_at_ms, answered_at_ms, "with the next frame");
  }
});
