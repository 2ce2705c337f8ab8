/**
 * Carries responses from the outbox to the server, each until it is acknowledged.
 *
 * One request at a time, 1 to 50 responses each, tried again for ever. A response leaves the outbox only when the
 * server has said what became of it. Time, chance, outbox and server come in as arguments.
 */
import { backoff, ServerError } from "./retry.js";

/** Most responses of one request. */
export const MAX_BATCH = 50;
/** Responses that are worth a request between two trials. */
const ENOUGH = 10;
/** Fewer than that are sent after this time without a new one. */
const LINGER_MS = 5_000;

/**
 * @typedef {Record<string, unknown> & { trial: string }} Response
 * @typedef {object} Outbox
 * @property {(limit: number) => Promise<Response[]>} oldest
 * @property {(trials: string[]) => Promise<void>} remove acknowledged ones
 * @property {(trial: string) => Promise<void>} setAside one that the server cannot read; kept, not sent again
 * @property {() => Promise<number>} count
 * @typedef {{ results: { trial: string, status: string }[] }} Receipts
 * @typedef {object} Parts
 * @property {Outbox} outbox
 * @property {(responses: Response[]) => Promise<Receipts>} post
 * @property {{ whenOpen: () => Promise<void> }} quiet
 * @property {(ms: number) => Promise<void>} wait
 * @property {() => number} random
 * @property {(unsent: number) => void} [onCount]
 * @property {(failures: number) => void} [onTrouble] failures in a row, 0 when one went well again
 */

/** Statuses that settle a response. On a conflict the server keeps the first answer. */
const SETTLED = new Set(["stored", "replayed", "conflict", "unknown"]);

export class Sender {
  #failures = 0;
  #batch = MAX_BATCH;
  #is_urgent = false;
  /** @type {Error | null} */
  #stopped = null;
  #wake = () => {};
  /** @type {{ resolve: () => void, reject: (error: Error) => void }[]} */
  #flushing = [];

  /** @param {Parts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** A response has been put into the outbox. Does not cut short a wait after a failure. */
  nudge() {
    if (this.#failures === 0) this.#wake();
  }

  /** The connection is back or the page is seen again: try now. */
  hurry() {
    this.#is_urgent = true;
    this.#wake();
  }

  /**
   * Resolves when the outbox is empty.
   * @returns {Promise<void>}
   * @throws {ServerError} when the server wants no more of this sitting
   */
  flush() {
    if (this.#stopped) return Promise.reject(this.#stopped);
    const empty = new Promise((/** @type {(value: void) => void} */ resolve, reject) => {
      this.#flushing.push({ resolve, reject });
    });
    this.hurry();
    return empty;
  }

  /** Works until the server refuses this sitting for good. */
  async run() {
    while (this.#stopped === null) {
      try {
        await this.#round();
      } catch (error) {
        this.#stop(/** @type {Error} */ (error));
      }
    }
  }

  async #round() {
    const woken = this.#nextWake();
    const { outbox, wait, onCount } = this.parts;
    const unsent = await outbox.count();
    onCount?.(unsent);
    if (unsent === 0) {
      this.#settleFlushes();
      await woken;
    } else if (this.#is_urgent || this.#flushing.length > 0 || unsent >= ENOUGH) {
      await this.#send(woken);
    } else {
      const lingered = wait(LINGER_MS).then(() => true);
      if (await Promise.race([lingered, woken.then(() => false)])) this.#is_urgent = true;
    }
  }

  /** @param {Promise<void>} woken */
  async #send(woken) {
    const { outbox, post, quiet, wait, random } = this.parts;
    await quiet.whenOpen();
    const responses = await outbox.oldest(this.#batch);
    try {
      const { results } = await post(responses);
      await quiet.whenOpen();
      const settled = results.filter(({ status }) => SETTLED.has(status)).map(({ trial }) => trial);
      // An answer that settles nothing must not be asked for again at once, nor for ever without a pause.
      if (settled.length === 0) throw new ServerError("No receipt came.", { status: 503, code: "no_receipt" });
      await outbox.remove(settled);
      this.#fail(0);
      this.#batch = MAX_BATCH;
    } catch (error) {
      if (!(error instanceof ServerError) || !(await this.#repaired(error, responses))) throw error;
      if (!error.isPassing) return;
      this.#fail(this.#failures + 1);
      await Promise.race([wait(backoff(this.#failures, random(), error.retry_after_s)), woken]);
    }
  }

  /**
   * Whether sending can go on after a refusal, perhaps with other responses.
   * @param {ServerError} error
   * @param {Response[]} responses
   */
  async #repaired(error, responses) {
    const unreadable = error.status === 400 ? responses[error.index] : undefined;
    if (unreadable) {
      await this.parts.outbox.setAside(unreadable.trial);
      return true;
    }
    if (error.status === 413 && this.#batch > 1) {
      this.#batch = Math.ceil(this.#batch / 2);
      return true;
    }
    return error.isPassing;
  }

  /** @param {number} failures */
  #fail(failures) {
    this.#failures = failures;
    this.parts.onTrouble?.(failures);
  }

  #nextWake() {
    return new Promise((/** @type {(value: void) => void} */ resolve) => {
      this.#wake = resolve;
    });
  }

  #settleFlushes() {
    this.#is_urgent = false;
    for (const { resolve } of this.#flushing.splice(0)) resolve();
  }

  /** @param {Error} error */
  #stop(error) {
    this.#stopped = error;
    for (const { reject } of this.#flushing.splice(0)) reject(error);
  }
}
