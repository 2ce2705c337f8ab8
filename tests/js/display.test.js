/** Pictures have the size the study asks for, on every screen, with even pixels where they are not smoothed. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { deviceSize } from "../../studyapp/static/studyapp/js/display.js";

const LAYOUT = { width_px: 32, height_px: 32, size_css_px: 256, smoothing: false };
const RATIOS = [1, 1.25, 1.5, 1.75, 2, 2.25, 2.5, 2.625, 3, 3.5, 4];

test("at usual pixel ratios the picture is exactly as large as asked, with or without smoothing", () => {
  for (const ratio of RATIOS) {
    for (const smoothing of [false, true]) {
      assert.deepEqual(deviceSize({ ...LAYOUT, smoothing }, ratio, 1000), { width: 256 * ratio, height: 256 * ratio });
    }
  }
});

test("without smoothing every picture pixel is a whole number of device pixels at any zoom", () => {
  for (let ratio = 0.5; ratio < 5; ratio += 0.0137) {
    const { width } = deviceSize(LAYOUT, ratio, 1000);
    assert.equal(width % 32, 0);
    const scale = (256 * ratio) / 32;
    assert.ok(Math.abs(width / 32 - scale) <= 0.5, `${ratio}: ${width}`);
  }
});

test("a picture never exceeds its room", () => {
  for (const ratio of RATIOS) {
    for (const room of [100, 180, 199.5, 255]) {
      assert.ok(deviceSize(LAYOUT, ratio, room).width <= room * ratio + 1e-9, `${ratio} ${room}`);
    }
  }
});

test("the longer side counts and proportions stay", () => {
  assert.deepEqual(deviceSize({ ...LAYOUT, width_px: 96, height_px: 64, size_css_px: 192 }, 1, 1000), {
    width: 192,
    height: 128,
  });
});
