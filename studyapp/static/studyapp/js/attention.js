/**
 * What disturbed a trial from outside: a hidden page, another window in front, a new size.
 */

/** @typedef {"hidden" | "blurred" | "resized"} Disturbance */

export class Attention {
  /** @type {Set<Disturbance>} */
  #seen = new Set();
  #onHidden = () => {};

  constructor() {
    window.addEventListener("blur", () => this.#seen.add("blurred"));
    window.addEventListener("resize", () => this.#seen.add("resized"));
    document.addEventListener("visibilitychange", () => {
      if (!document.hidden) return;
      this.#seen.add("hidden");
      this.#onHidden();
    });
  }

  /**
   * Forgets what was before, and watches for a trial.
   * @param {() => void} onHidden told when the page is no longer on screen
   */
  begin(onHidden) {
    this.#seen.clear();
    this.#onHidden = onHidden;
  }

  /** @returns {Set<Disturbance>} since begin() */
  end() {
    this.#onHidden = () => {};
    return new Set(this.#seen);
  }
}

/** @returns {Promise<void>} resolves when the page is on screen */
export function whenVisible() {
  return new Promise((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
}
