/** What disturbed a trial from outside: a hidden page, another window in front, a new size. */
import { happened } from "./quiet.js";

export class Attention {
  /** @type {Set<"hidden" | "blurred" | "resized">} */
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

  /** Watches for a trial, which is told when the page is no longer on screen. @param {() => void} onHidden */
  begin(onHidden) {
    this.#seen.clear();
    this.#onHidden = onHidden;
  }

  /** What was seen since begin(). */
  end() {
    this.#onHidden = () => {};
    return new Set(this.#seen);
  }
}

/** Resolves when the page is on screen. */
export const whenVisible = () =>
  happened((resolve) => {
    const look = () => {
      if (document.hidden) return;
      document.removeEventListener("visibilitychange", look);
      resolve();
    };
    document.addEventListener("visibilitychange", look);
    look();
  });
