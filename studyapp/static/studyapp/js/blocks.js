/** Trials fetched ahead of need, their pictures decoded before the first is shown. */
import { persist, ServerError } from "./retry.js";

export class Blocks {
  /** @type {ReadyTrial[]} */
  #held = [];
  #last = 0;
  #block_size = 0;
  /** @type {Promise<void> | null} */
  #loading = null;

  /** @param {BlockParts} parts */
  constructor(parts) {
    this.parts = parts;
    /** The server has an answer to every trial and plans no more. */
    this.is_finished = false;
    /** It waits for answers before it can say what comes next. */
    this.is_starved = false;
  }

  /** The next trial, undefined when none is held. */
  get next() {
    return this.#held[0];
  }

  take() {
    return this.#held.shift();
  }

  /** Whether half of the last block has been played. */
  get isLow() {
    return this.#held.length <= this.#block_size / 2 && !this.is_finished && !this.is_starved;
  }

  /** Loads the next block, however long it takes; one promise for all who ask meanwhile. */
  load() {
    const { pace, onTrouble } = this.parts;
    this.#loading ??= persist(() => this.#loaded(), pace, onTrouble).finally(() => (this.#loading = null));
    return this.#loading;
  }

  async #loaded() {
    const plan = await this.parts.plan(this.#last);
    this.is_finished = plan.finished;
    this.is_starved = plan.trials.length === 0 && !plan.finished;
    if (plan.trials.length === 0) return;
    const bytes = await this.parts.pictures(plan.first, plan.last);
    if (bytes.length !== plan.trials.length * this.parts.record_bytes) {
      throw new ServerError("", { status: 0, code: "cut_off" });
    }
    await this.parts.quiet.whenOpen();
    const pictures = await this.parts.decode(bytes);
    for (const [i, trial] of plan.trials.entries()) {
      this.#held.push({ ...trial, picture: /** @type {ImageBitmap} */ (pictures[i]) });
    }
    this.#last = plan.last;
    this.#block_size = plan.trials.length;
  }
}
