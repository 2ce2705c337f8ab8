/** Verdicts on presentations whose truth is planted: frames on the glass against what the page can know. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { glassLag, usualLag, verdict } from "../../studyapp/static/studyapp/js/verdict.js";
import { randomNumbers } from "./random.js";

const FRAME_MS = 1000 / 60;

/**
 * Evidence of a presentation; lags are the frames from drawing to the glass.
 */
function evidence({ planned = 6, drawn = planned, onset_lag = 1, offset_lag = 1, usual = 1, late_ms = [0.2, 0.2], witness = true }) {
  const onset = { frame_at_ms: 1000, now_ms: 1000 + late_ms[0] };
  const offset_at_ms = 1000 + drawn * FRAME_MS;
  const offset = { frame_at_ms: offset_at_ms, now_ms: offset_at_ms + late_ms[1] };
  const presented = { onset_ms: 1000 + onset_lag * FRAME_MS, offset_ms: offset_at_ms + offset_lag * FRAME_MS };
  const common = { planned_frames: planned, frame_ms: FRAME_MS, onset, offset, longest_gap_ms: FRAME_MS, usual_lag: usual };
  return { ...common, presented: witness ? presented : null };
}

test("an undisturbed presentation is right, and known to the refresh", () => {
  const judged = verdict(evidence({ planned: 9 }));
  assert.equal(judged.measured_frames, 9);
  assert.ok(Math.abs(judged.measured_ms - 150) < 1e-9);
  assert.equal(judged.late_onset || judged.wrong_duration, false);
  assert.ok(Math.abs(judged.mask_ms - (1000 + 10 * FRAME_MS)) < 1e-9);
  assert.equal(judged.origin, "element_timing");
});

test("the witnessed frames are the frames on the glass, whatever was late", () => {
  for (const planned of [1, 3, 24, 120]) {
    for (const onset_lag of [1, 2, 3]) {
      for (const offset_lag of [1, 2, 3]) {
        const judged = verdict(evidence({ planned, onset_lag, offset_lag }));
        assert.equal(judged.measured_frames, Math.max(0, planned + offset_lag - onset_lag));
        assert.equal(judged.late_onset, onset_lag > 1);
        // Late at both ends by as many frames, it was on screen as long as planned.
        assert.equal(judged.wrong_duration, onset_lag !== offset_lag, `${onset_lag} ${offset_lag}`);
      }
    }
  }
});

test("a machine that always shows a frame later is not blamed for it", () => {
  const judged = verdict(evidence({ onset_lag: 2, offset_lag: 2, usual: 2 }));
  assert.equal(judged.late_onset || judged.wrong_duration, false);
  assert.ok(Math.abs(judged.mask_ms - (1000 + 8 * FRAME_MS)) < 1e-9);
  assert.equal(verdict(evidence({ onset_lag: 3, offset_lag: 2, usual: 2 })).late_onset, true);
});

test("presentation counts as the refresh that it is nearest to", () => {
  const random = randomNumbers(4);
  for (const hz of [60, 120, 240]) {
    const frame_ms = 1000 / hz;
    for (let i = 0; i < 1000; i += 1) {
      const lag = 1 + Math.floor(random() * 4);
      // A software compositor reports somewhere between two refreshes, a display controller the refresh itself.
      const presented_ms = 700 + (lag - 0.5) * frame_ms + random() * frame_ms * 0.999;
      const mark = { frame_at_ms: 700, now_ms: 700.2 };
      assert.equal(glassLag(presented_ms + 1e-6, mark, frame_ms), lag, `${hz} Hz`);
      assert.equal(glassLag(700 + lag * frame_ms, mark, frame_ms), lag);
    }
  }
});

test("drawing that ends a third of a frame after its refresh is no frame late", () => {
  const slow = evidence({ planned: 6, late_ms: [1.1, 1.1] });
  slow.presented.onset_ms += FRAME_MS / 3;
  assert.equal(verdict(slow).measured_frames, 6);
  assert.equal(verdict(slow).late_onset || verdict(slow).wrong_duration, false);
});

test("a frame whose callback ran late has less slack: a refresh and a bit is the refresh after it", () => {
  for (const hz of [60, 120, 240]) {
    const frame_ms = 1000 / hz;
    const bit_ms = 0.9 * Math.min(4, frame_ms / 4);
    const mark = (late_share) => ({ frame_at_ms: 700, now_ms: 700 + late_share * frame_ms });
    assert.equal(glassLag(700 + frame_ms + bit_ms, mark(0.05), frame_ms), 1, `in time at ${hz} Hz`);
    assert.equal(glassLag(700 + frame_ms + bit_ms, mark(0.8), frame_ms), 2, `late at ${hz} Hz`);
    assert.equal(glassLag(700 + frame_ms, mark(0.8), frame_ms), 1, `late, and yet in time, at ${hz} Hz`);
  }
});

test("a mask that came a frame late is caught though its time lies within the slack", () => {
  const late = evidence({ planned: 6, late_ms: [0.2, 13] });
  late.presented.offset_ms += 3; // three ms past its refresh: drawn with the next
  const judged = verdict(late);
  assert.equal(judged.measured_frames, 7);
  assert.equal(judged.wrong_duration, true);
});

test("the usual lag ignores a minority of late frames", () => {
  assert.equal(usualLag([]), 1);
  assert.equal(usualLag([2, 2, 1, 2, 5, 2, 9]), 2);
  assert.equal(usualLag([1, 1, 3, 3]), 1);
});

test("without a witness, frames are those between the callbacks", () => {
  const judged = verdict(evidence({ planned: 6, drawn: 7, witness: false }));
  assert.equal(judged.timing_witness, "callback");
  assert.equal(judged.measured_frames, 7);
  assert.equal(judged.wrong_duration, true);
  assert.equal(judged.origin, "frame");
});

test("without a witness, late callbacks and gaps are held against a trial", () => {
  const alone = (change) => verdict({ ...evidence({ witness: false }), ...change });
  assert.equal(alone({}).late_onset || alone({}).wrong_duration, false);
  const late = verdict(evidence({ witness: false, late_ms: [7, 0] }));
  assert.deepEqual([late.late_onset, late.wrong_duration], [true, true], "in doubt against it");
  assert.equal(verdict(evidence({ witness: false, late_ms: [0, 7] })).wrong_duration, true);
  assert.equal(alone({ longest_gap_ms: 2 * FRAME_MS }).wrong_duration, true);
});

test("a picture that stays until the answer is measured, and on screen for no wrong duration", () => {
  for (const witness of [true, false]) {
    const judged = verdict({ ...evidence({ drawn: 200, offset_lag: 2, late_ms: [0.2, 9], witness }), planned_frames: Infinity });
    assert.equal(judged.measured_frames, witness ? 201 : 200);
    assert.equal(judged.wrong_duration, false);
  }
});
