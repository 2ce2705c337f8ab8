/**
 * The texts between trials: a panel over the whole page, one message at a time.
 *
 * The texts are <template data-panel="name"> elements of the page, so that they are translated with it; places to be
 * filled carry data-fill, the button to go on data-action="go".
 */

export class Panel {
  #root;
  #behind;

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} behind what cannot be used while a message is shown
   */
  constructor(root, behind) {
    this.#root = root;
    this.#behind = behind;
  }

  /**
   * Shows a message.
   * @param {string} name
   * @param {Record<string, string | number>} [values]
   */
  show(name, values = {}) {
    const template = document.querySelector(`template[data-panel="${name}"]`);
    if (!(template instanceof HTMLTemplateElement)) throw new Error(`expected a template for the panel ${name}, found none`);
    this.#root.replaceChildren(template.content.cloneNode(true));
    this.#root.hidden = false;
    this.#behind.inert = true;
    this.fill(values);
    this.#offerFullScreen();
  }

  /**
   * Brings numbers of the shown message up to date.
   * @param {Record<string, string | number>} values
   */
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

  /**
   * Adds to any message that the server cannot be reached, or takes that back.
   * @param {boolean} is_troubled
   */
  trouble(is_troubled) {
    this.#root.classList.toggle("is-troubled", is_troubled);
  }

  /**
   * Shows a message until its button is pressed, by pointer or key; Space does it from anywhere on the page.
   * @param {string} name
   * @param {Record<string, string | number>} [values]
   * @returns {Promise<void>}
   */
  ask(name, values = {}) {
    this.show(name, values);
    const button = /** @type {HTMLButtonElement} */ (this.#root.querySelector("[data-action=go]"));
    button.focus();
    return new Promise((resolve) => {
      const ended = new AbortController();
      const go = () => {
        ended.abort();
        resolve();
      };
      button.addEventListener("click", go, { signal: ended.signal });
      const onKey = (/** @type {KeyboardEvent} */ event) => {
        const is_elsewhere = !(event.target instanceof Element && event.target.closest("a, button"));
        if (event.code === "Space" && !event.repeat && is_elsewhere) go();
      };
      window.addEventListener("keydown", onKey, { signal: ended.signal });
    });
  }

  /** The full screen keeps other things out of sight; some phones have none. */
  #offerFullScreen() {
    const button = this.#root.querySelector("[data-action=fullscreen]");
    if (!(button instanceof HTMLElement)) return;
    button.hidden = !document.fullscreenEnabled || document.fullscreenElement !== null;
    button.addEventListener("click", () => {
      document.documentElement.requestFullscreen().then(
        () => (button.hidden = true),
        () => (button.hidden = true),
      );
      /** @type {HTMLElement | null} */ (this.#root.querySelector("[data-action=go]"))?.focus();
    });
  }
}
