/** What disturbed a trial from outside: a hidden page, another window, a new size, sleep. */
import { happened } from "./quiet.js";

/** No machine that is awake pauses so long between two frames. */
const ASLEEP_MS = 1000;

/** @param {number} pause_ms longest between two frames @param {number} jump_ms of the wall clock against ours */
export const hasSlept = (pause_ms, jump_ms) => Math.max(pause_ms, Math.abs(jump_ms)) > ASLEEP_MS;

// Ours stands still while some machines sleep; on others no frame comes.
const clockGap = () => Date.now() - performance.now();

export class Attention {
  /** @type {Set<"hidden" | "blurred" | "resized" | "slept">} */
  #seen = new Set();
  #onHidden = () => {};
  #gap_ms = 0;

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
    this.#gap_ms = clockGap();
  }

  /** What was seen since begin(). @param {number} pause_ms longest between two frames */
  end(pause_ms) {
    this.#onHidden = () => {};
    if (hasSlept(pause_ms, clockGap() - this.#gap_ms)) this.#seen.add("slept");
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
