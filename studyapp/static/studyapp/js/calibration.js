/** How many device pixels a picture of so many degrees has: from a bank card held to the screen, and the distance. */
import { element } from "./config.js";

/** Width of a bank card (ISO/IEC 7810 ID-1). */
const CARD_MM = 85.6;

/**
 * Longer side of a picture, in device pixels. They stay as they are whatever the zoom.
 * @param {number} size_deg visual angle
 * @param {{ card_device_px: number, distance_mm: number }} measured
 */
export const sizeDevicePx = (size_deg, { card_device_px, distance_mm }) =>
  (2 * distance_mm * Math.tan((size_deg * Math.PI) / 360) * card_device_px) / CARD_MM;

/**
 * Shows the card to be measured until that is done or passed over.
 * @param {HTMLElement} place the part of the page that asks for it
 * @param {number} size_deg
 * @returns {Promise<Calibration | null>} null where the person has no card
 */
export function measuredCard(place, size_deg) {
  const input = (/** @type {string} */ name) => /** @type {HTMLInputElement} */ (element(`[name=${name}]`));
  const width = input("card_css_px");
  const distance = input("distance_cm");
  const card = element(".card");
  const draw = () => card.style.setProperty("--longer-side", `${width.value}px`);
  width.addEventListener("input", draw);
  draw();
  place.hidden = false;
  const form = /** @type {HTMLFormElement} */ (place.querySelector("form"));
  return new Promise((resolve) => {
    const end = (/** @type {Calibration | null} */ calibration) => {
      place.hidden = true;
      resolve(calibration);
    };
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const card_device_px = width.valueAsNumber * devicePixelRatio;
      const distance_mm = distance.valueAsNumber * 10;
      end({ card_device_px, distance_mm, size_device_px: sizeDevicePx(size_deg, { card_device_px, distance_mm }) });
    });
    element("[data-action=no-card]").addEventListener("click", () => end(null));
  });
}
