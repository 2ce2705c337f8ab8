/** The refresh estimate finds the true rate through clock grain, noise and dropped frames. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { plannedFrames } from "../../studyapp/static/studyapp/js/timeline.js";
import { MIN_INTERVALS, refreshEstimate } from "../../studyapp/static/studyapp/js/refresh.js";
import { randomNumbers } from "./random.js";

/** Timestamps of a screen as a browser hands them out. */
function frameTimes({ hz, n = 120, noise_ms = 0, grain_ms = 0.005, drop_share = 0, seed = 1 }) {
  const random = randomNumbers(seed);
  const times = [];
  for (let frame = 0; frame < n; frame += 1) {
    if (random() < drop_share) continue;
    const at_ms = 5000 + (frame * 1000) / hz + noise_ms * (random() - 0.5);
    times.push(Math.round(at_ms / grain_ms) * grain_ms);
  }
  return times;
}

test("usual rates are recognised exactly, from a clock of 0.1 ms and with dropped frames", () => {
  for (const hz of [30, 48, 50, 60, 75, 90, 100, 120, 144, 165, 240]) {
    for (let seed = 1; seed <= 20; seed += 1) {
      const estimate = refreshEstimate(frameTimes({ hz, noise_ms: 0.4, grain_ms: 0.1, drop_share: 0.1, seed }));
      assert.equal(estimate.frame_ms, 1000 / hz, `${hz} Hz, seed ${seed}`);
    }
  }
});

test("unusual rates are estimated to a hundredth of a millisecond", () => {
  for (const hz of [37, 54, 67.5, 110, 154, 220]) {
    const { frame_ms } = refreshEstimate(frameTimes({ hz, noise_ms: 0.2, n: 240 }));
    assert.ok(Math.abs(frame_ms - 1000 / hz) < 0.01, `${hz} Hz: ${frame_ms}`);
  }
});

test("measurement noise does not change the frames of any exposure", () => {
  for (const hz of [59.94, 60, 120, 144]) {
    for (let seed = 1; seed <= 50; seed += 1) {
      const { frame_ms } = refreshEstimate(frameTimes({ hz, noise_ms: 1, grain_ms: 0.1, drop_share: 0.05, seed }));
      for (const exposure_ms of [50, 75, 100, 150, 200, 300, 400, 650, 1000, 1400, 2000]) {
        assert.equal(plannedFrames(exposure_ms, frame_ms), plannedFrames(exposure_ms, 1000 / Math.round(hz)));
      }
    }
  }
});

test("jitter is that of the frames, not of the dropped ones", () => {
  const calm = refreshEstimate(frameTimes({ hz: 60, drop_share: 0.2 }));
  const restless = refreshEstimate(frameTimes({ hz: 60, noise_ms: 4 }));
  assert.ok(calm.jitter_ms < 0.05, `${calm.jitter_ms}`);
  assert.ok(restless.jitter_ms > 0.5, `${restless.jitter_ms}`);
});

test("too few frames give no estimate", () => {
  assert.equal(refreshEstimate([]), null);
  assert.equal(refreshEstimate(frameTimes({ hz: 60, n: MIN_INTERVALS })), null);
  assert.notEqual(refreshEstimate(frameTimes({ hz: 60, n: MIN_INTERVALS + 1 })), null);
});

test("a clock that stands still gives no estimate", () => {
  assert.equal(refreshEstimate(Array(100).fill(7)), null);
});

test("a machine that drops most of its frames does not look like a slow screen", () => {
  for (const hz of [60, 120]) {
    for (let seed = 1; seed <= 20; seed += 1) {
      const estimate = refreshEstimate(frameTimes({ hz, noise_ms: 0.2, grain_ms: 0.1, drop_share: 0.55, n: 400, seed }));
      assert.equal(estimate.frame_ms, 1000 / hz, `${hz} Hz, seed ${seed}`);
    }
  }
});

test("jank is the share of frames that never came, wherever they are missing", () => {
  for (const hz of [60, 144]) {
    for (const drop_share of [0, 0.05, 0.2]) {
      const frames = frameTimes({ hz, n: 4000, drop_share });
      const missing = 1 - (frames.length - 1) / Math.round(((frames.at(-1) - frames[0]) * hz) / 1000);
      assert.ok(Math.abs(refreshEstimate(frames).jank_share - missing) < 1e-9, `${hz} Hz, ${drop_share}`);
      assert.ok(Math.abs(missing - drop_share) < 0.03);
    }
  }
});
