/**
 * The texts between trials, a panel over the whole page: <template data-panel="name"> elements, translated with the
 * page; places to be filled carry data-fill, the button to go on data-action="go".
 */
import { happened } from "./quiet.js";

export class Panel {
  #root;
  #behind;

  /** @param {HTMLElement} root @param {HTMLElement} behind what cannot be used while a message is shown */
  constructor(root, behind) {
    this.#root = root;
    this.#behind = behind;
  }

  /** @param {string} name @param {Values} [values] */
  show(name, values = {}) {
    const template = document.querySelector(`template[data-panel="${name}"]`);
    this.#root.replaceChildren(/** @type {HTMLTemplateElement} */ (template).content.cloneNode(true));
    this.#root.hidden = false;
    this.#behind.inert = true;
    this.fill(values);
  }

  /** @param {Values} values */
  fill(values) {
    for (const [name, value] of Object.entries(values)) {
      for (const place of this.#root.querySelectorAll(`[data-fill="${name}"]`)) place.textContent = String(value);
    }
  }

  hide() {
    this.#root.hidden = true;
    this.#root.replaceChildren();
    this.#behind.inert = false;
  }

  /** Says with any message that the server cannot be reached. @param {boolean} is_troubled */
  trouble(is_troubled) {
    this.#root.classList.toggle("is-troubled", is_troubled);
  }

  /** Shows a message until its button or Space is pressed. @param {string} name @param {Values} values */
  ask(name, values) {
    this.show(name, values);
    const button = /** @type {HTMLButtonElement} */ (this.#root.querySelector("[data-action=go]"));
    const full_screen = /** @type {HTMLButtonElement} */ (this.#root.querySelector("[data-action=fullscreen]"));
    // Some phones have no full screen.
    full_screen.hidden = !document.fullscreenEnabled || document.fullscreenElement !== null;
    full_screen.addEventListener("click", () => {
      document.documentElement.requestFullscreen().catch(() => {});
      full_screen.hidden = true;
      button.focus();
    });
    button.focus();
    return happened((resolve) => {
      const ended = new AbortController();
      const go = () => {
        ended.abort();
        resolve();
      };
      button.addEventListener("click", go, ended);
      const onKey = (/** @type {KeyboardEvent} */ event) => {
        const is_elsewhere = !(event.target instanceof Element && event.target.closest("a, button"));
        if (event.code === "Space" && !event.repeat && is_elsewhere) go();
      };
      window.addEventListener("keydown", onKey, ended);
    });
  }
}
