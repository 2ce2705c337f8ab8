/**
 * Carries responses from the outbox to the server, one request at a time, tried for ever. One leaves the outbox only
 * when the server has said what became of it.
 */
import { happened } from "./quiet.js";
import { backoff, ServerError } from "./retry.js";

export const MAX_BATCH = 50;
/** Worth a request between two trials. */
const ENOUGH = 10;
/** Fewer wait this long for a new one. */
const LINGER_MS = 5_000;

/** Statuses that settle a response. On a conflict the server keeps the first answer. */
const SETTLED = new Set(["stored", "replayed", "conflict", "unknown"]);

export class Sender {
  #failures = 0;
  #batch = MAX_BATCH;
  #is_urgent = false;
  /** @type {Error | null} */
  #stopped = null;
  #wake = () => {};
  /** @type {Settle[]} */
  #flushing = [];

  /** @param {SenderParts} parts */
  constructor(parts) {
    this.parts = parts;
  }

  /** The outbox has a response more. Does not cut short a wait after a failure. */
  nudge() {
    if (this.#failures === 0) this.#wake();
  }

  /** Try now: the connection is back. */
  hurry() {
    this.#is_urgent = true;
    this.#wake();
  }

  /** Resolves when the outbox is empty; rejects when the server wants no more of this sitting. */
  flush() {
    if (this.#stopped) return Promise.reject(this.#stopped);
    const empty = happened((resolve, reject) => this.#flushing.push({ resolve, reject }));
    this.hurry();
    return empty;
  }

  /** Works until the server refuses this sitting for good. */
  async run() {
    try {
      for (;;) await this.#round();
    } catch (error) {
      const stopped = (this.#stopped = /** @type {Error} */ (error));
      for (const { reject } of this.#flushing.splice(0)) reject(stopped);
    }
  }

  async #round() {
    const woken = happened((resolve) => (this.#wake = resolve));
    const { outbox, wait, onCount } = this.parts;
    const unsent = await outbox.count();
    onCount?.(unsent);
    if (unsent === 0) {
      this.#is_urgent = false;
      for (const { resolve } of this.#flushing.splice(0)) resolve();
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
      // Nothing settled: not again without a pause.
      if (settled.length === 0) throw new ServerError("", { status: 503, code: "no_receipt" });
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

  /** Whether sending can go on. @param {ServerError} error @param {TrialResponse[]} responses */
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
}
