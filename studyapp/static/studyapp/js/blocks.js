/**
 * Trials fetched ahead of need: plans with their pictures, decoded before the first of them is shown.
 *
 * Knows what is held and when to ask for more. Server and decoder come in as arguments.
 */
import { ServerError } from "./retry.js";

/**
 * @typedef {import("./trial.js").PlannedTrial} PlannedTrial
 * @typedef {import("./trial.js").ReadyTrial} ReadyTrial
 * @typedef {{ trials: PlannedTrial[], first: number, last: number, done: number, total: number, finished: boolean }} Plan
 * @typedef {object} Parts
 * @property {(after: number) => Promise<Plan>} plan
 * @property {(first: number, last: number) => Promise<Uint8Array>} pictures raw records of those trials
 * @property {(bytes: Uint8Array) => Promise<ImageBitmap[]>} decode
 * @property {number} record_bytes
 * @property {{ whenOpen: () => Promise<void> }} quiet
 */

export class Blocks {
  /** @type {ReadyTrial[]} */
  #held = [];
  #last = 0;
  #block_size = 0;
  /** @type {Promise<void> | null} */
  #loading = null;

  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
    /** True when the server has an answer to every trial and plans no more. */
    this.is_finished = false;
    /** True when the server waits for answers before it can say what comes next. */
    this.is_starved = false;
  }

  /** The next trial, without taking it; undefined when none is held. */
  get next() {
    return this.#held[0];
  }

  /** @returns {ReadyTrial | undefined} */
  take() {
    return this.#held.shift();
  }

  /** Whether half of the last block has been played. */
  get isLow() {
    return this.#held.length <= this.#block_size / 2 && !this.is_finished && !this.is_starved;
  }

  /**
   * Loads the next block; the same promise for everybody who asks meanwhile.
   * @returns {Promise<void>}
   * @throws {ServerError}
   */
  load() {
    this.#loading ??= this.#loaded().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #loaded() {
    const plan = await this.parts.plan(this.#last);
    this.is_finished = plan.finished;
    this.is_starved = plan.trials.length === 0 && !plan.finished;
    if (plan.trials.length === 0) return;
    const bytes = await this.parts.pictures(plan.first, plan.last);
    if (bytes.length !== plan.trials.length * this.parts.record_bytes) {
      throw new ServerError("The pictures came incomplete.", { status: 0, code: "cut_off" });
    }
    await this.parts.quiet.whenOpen();
    const pictures = await this.parts.decode(bytes);
    const ready = plan.trials.map((trial, i) => ({ ...trial, picture: /** @type {ImageBitmap} */ (pictures[i]) }));
    this.#held.push(...ready);
    this.#last = plan.last;
    this.#block_size = ready.length;
  }
}
