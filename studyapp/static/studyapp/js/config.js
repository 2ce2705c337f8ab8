/**
 * What the server tells the scripts of a page: the JSON block with id "config".
 *
 * @typedef {object} Config
 * @property {string} study
 * @property {string} sitting public name of the sitting
 * @property {string} csrf_token
 * @property {Record<"screen" | "next" | "resume" | "block" | "pictures" | "responses" | "finish" | "thanks" | "examples" | "withdraw", string>} urls
 * @property {number} width_px of a picture, in picture pixels
 * @property {number} height_px
 * @property {number} size_css_px longer side on screen
 * @property {boolean} smoothing
 * @property {string} mask_gray CSS colour
 * @property {number} fixation_ms
 * @property {number} blank_ms
 * @property {import("./keys.js").Keys} keys
 * @property {number} break_every main trials
 * @property {number} n_trials main trials of the sitting
 * @property {number} practice_trials
 * @property {number} n_examples
 */

/** @returns {Config} */
export const pageConfig = () => JSON.parse(element("#config").textContent ?? "");

/**
 * An element that the page must have.
 * @param {string} selector
 * @returns {HTMLElement}
 */
export function element(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`expected an element ${selector} on this page, found none`);
  return found;
}
