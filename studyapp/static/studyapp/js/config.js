/** What a page gives its scripts. */

/** @returns {Config} */
export const pageConfig = () => JSON.parse(element("#config").textContent ?? "");

/** An element that the page must have. @param {string} selector @returns {HTMLElement} */
export function element(selector) {
  const found = document.querySelector(selector);
  if (!(found instanceof HTMLElement)) throw new Error(`expected an element ${selector} on this page, found none`);
  return found;
}
