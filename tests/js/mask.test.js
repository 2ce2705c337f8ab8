/** Masks follow from the trial's name alone, are as bright as the gray, and have the structure that they are named for. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { maskPixels } from "../../studyapp/static/studyapp/js/mask.js";

const LAYOUT = { width_px: 32, height_px: 32, mask_gray: "#808080" };
const TOKENS = Array.from({ length: 40 }, (_, i) => `trial-${i}-k3Jd92lQmXw0aVbT7`);

/** One colour of the pixels. */
const colour = (pixels, channel) => Array.from({ length: pixels.length / 4 }, (_, i) => pixels[4 * i + channel]);
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Correlation of two lists. */
function correlation(a, b) {
  const [mean_a, mean_b] = [mean(a), mean(b)];
  const together = (x, y, mx, my) => mean(x.map((value, i) => (value - mx) * (y[i] - my)));
  return together(a, b, mean_a, mean_b) / Math.sqrt(together(a, a, mean_a, mean_a) * together(b, b, mean_b, mean_b));
}

/** Correlation of pixels with those that lie some to their right. */
function likeness(pixels, distance) {
  const values = colour(pixels, 1);
  const left = values.filter((_, i) => i % 32 < 32 - distance);
  return correlation(left, values.filter((_, i) => i % 32 >= distance));
}

for (const kind of ["noise", "texture"]) {
  test(`${kind}: the same trial has the same mask, another trial another`, () => {
    const one = maskPixels(kind, LAYOUT, TOKENS[0]);
    assert.deepEqual(one, maskPixels(kind, LAYOUT, TOKENS[0]));
    const others = TOKENS.slice(1).map((token) => maskPixels(kind, LAYOUT, token));
    for (const other of others) assert.ok(Math.abs(correlation(colour(one, 0), colour(other, 0))) < 0.9);
    assert.ok(Math.abs(mean(others.map((other) => correlation(colour(one, 0), colour(other, 0))))) < 0.15);
  });

  test(`${kind}: opaque, of picture size, and on average the gray`, () => {
    for (const [gray, level] of [["#808080", 128], ["#404040", 64]]) {
      const masks = TOKENS.map((token) => maskPixels(kind, { ...LAYOUT, mask_gray: gray }, token));
      assert.ok(masks.every((pixels) => pixels.length === 4 * 32 * 32));
      assert.ok(masks.every((pixels) => colour(pixels, 3).every((alpha) => alpha === 255)));
      for (const channel of [0, 1, 2]) {
        assert.ok(Math.abs(mean(masks.map((pixels) => mean(colour(pixels, channel)))) - level) < 3, `${gray} ${channel}`);
      }
    }
  });
}

test("noise has no structure, a texture has that of photographs: near pixels alike, far ones less", () => {
  const across = (kind, distance) => mean(TOKENS.map((token) => likeness(maskPixels(kind, LAYOUT, token), distance)));
  assert.ok(Math.abs(across("noise", 1)) < 0.02);
  assert.ok(across("texture", 1) > 0.6);
  assert.ok(across("texture", 8) < across("texture", 2) - 0.2);
});

test("a mask of an unknown kind is refused by name", () => {
  assert.throws(() => maskPixels("stripes", LAYOUT, "t"), /expected a mask of noise or texture, got stripes/);
});
