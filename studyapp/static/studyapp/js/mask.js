/**
 * Patterns that take a picture's place, loaded by studies that ask for one. A pattern follows from the trial's name
 * alone: the same trial has the same pattern everywhere, and no pattern tells anything of any picture.
 */

/** Standard deviation of a texture around the gray, as a share of the room below or above it. */
const TEXTURE_CONTRAST = 0.45;
/** Share of the variation in which the three colours of a texture agree, as they mostly do in photographs. */
const COMMON = 0.8;

/**
 * Repeatable numbers in [-1, 1): FNV-1a of a text starts mulberry32.
 * @param {string} text
 */
export function numbersFrom(text) {
  let state = 0x811c9dc5;
  for (const letter of text) state = Math.imul(state ^ letter.charCodeAt(0), 0x01000193);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 31 - 1;
  };
}

/**
 * Values on a grid, joined by straight lines: blotches of one size.
 * @param {number} width @param {number} height @param {number} step pixels between grid points
 * @param {() => number} random
 */
function blotches(width, height, step, random) {
  const across = Math.ceil(width / step) + 1;
  const grid = Float64Array.from({ length: across * (Math.ceil(height / step) + 1) }, random);
  const at = (/** @type {number} */ i) => grid[i] ?? 0;
  return (/** @type {number} */ x, /** @type {number} */ y) => {
    const [column, row] = [Math.floor(x / step), Math.floor(y / step)];
    const [right, down] = [x / step - column, y / step - row];
    const corner = row * across + column;
    const upper = at(corner) * (1 - right) + at(corner + 1) * right;
    const lower = at(corner + across) * (1 - right) + at(corner + across + 1) * right;
    return upper * (1 - down) + lower * down;
  };
}

/**
 * Sums of blotches of doubling size, each as strong as the next: the spectrum of photographs (power 1 / frequency^2).
 * @param {number} width @param {number} height @param {() => number} random
 */
function texture(width, height, random) {
  /** @type {ReturnType<typeof blotches>[]} */
  const layers = [];
  for (let step = 1; step <= Math.max(2, Math.min(width, height) / 2); step *= 2) {
    layers.push(blotches(width, height, step, random));
  }
  const values = Float64Array.from({ length: width * height }, (_, pixel) =>
    // Joining by lines takes a third off the deviation of all layers but the first, which has nothing to join.
    layers.reduce((sum, layer, i) => sum + (i ? 1 : 2 / 3) * layer(pixel % width, Math.floor(pixel / width)), 0),
  );
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return values.map((value) => (value - mean) / Math.sqrt(variance || 1));
}

/** Values around 0, -1 to 1, three a pixel. @type {Record<string, typeof texture>} */
const PATTERNS = {
  noise: (width, height, random) => Float64Array.from({ length: 3 * width * height }, random),
  texture: (width, height, random) => {
    const [common, ...colours] = Array.from({ length: 4 }, () => texture(width, height, random));
    return Float64Array.from({ length: 3 * width * height }, (_, i) => {
      const pixel = Math.floor(i / 3);
      const own = Math.sqrt(1 - COMMON ** 2) * (colours[i % 3]?.[pixel] ?? 0);
      return TEXTURE_CONTRAST * (COMMON * (common?.[pixel] ?? 0) + own);
    });
  },
};

/**
 * RGBA pixels of a mask of picture size, their mean that of the gray.
 * @param {string} kind a key of PATTERNS
 * @param {{ width_px: number, height_px: number, mask_gray: string }} layout
 * @param {string} token of the trial
 */
export function maskPixels(kind, { width_px, height_px, mask_gray }, token) {
  const pattern = PATTERNS[kind];
  if (!pattern) throw new Error(`expected a mask of ${Object.keys(PATTERNS).join(" or ")}, got ${kind}`);
  const values = pattern(width_px, height_px, numbersFrom(token));
  const gray = [1, 3, 5].map((start) => parseInt(mask_gray.slice(start, start + 2), 16));
  const pixels = new Uint8ClampedArray(4 * width_px * height_px).fill(255);
  for (const [i, value] of values.entries()) {
    const middle = gray[i % 3] ?? 128;
    pixels[4 * Math.floor(i / 3) + (i % 3)] = middle + value * Math.min(middle, 255 - middle);
  }
  return pixels;
}

/** Makes the mask of a trial. @param {Config} config @returns {(token: string) => Promise<ImageBitmap>} */
export const maskMaker = (config) => (token) =>
  createImageBitmap(new ImageData(maskPixels(config.mask_kind, config, token), config.width_px, config.height_px));
