/** How long to wait before asking again, and whether asking again can help. */

const SHORTEST_MS = 500;
const LONGEST_MS = 30_000;

/** Statuses of passing troubles, 0 for no connection. */
const PASSING = new Set([0, 408, 425, 429, 500, 502, 503, 504]);

/** A reply that is no success, or none at all (status 0). */
export class ServerError extends Error {
  /** @param {string} message the server's own, else empty @param {Refusal} details */
  constructor(message, { status, code, retry_after_s = 0, index = -1 }) {
    super(message);
    this.status = status;
    this.code = code;
    this.retry_after_s = retry_after_s;
    this.index = index;
  }

  get isPassing() {
    return PASSING.has(this.status);
  }
}

/**
 * Wait in ms after the n-th failure in a row: doubles from half a second to half a minute. Half is random, so that
 * browsers do not come back together.
 * @param {number} failures at least 1
 * @param {number} random in [0, 1)
 * @param {number} [retry_after_s] least that the server asked for
 */
export function backoff(failures, random, retry_after_s = 0) {
  const ceiling_ms = Math.min(LONGEST_MS, 2 * SHORTEST_MS * 2 ** (failures - 1));
  return Math.max(ceiling_ms * (0.5 + 0.5 * random), retry_after_s * 1000 * (1 + 0.1 * random));
}

/** Waits end when the connection is back or the page is seen again. @type {Pace} */
export const browserPace = {
  random: Math.random,
  wait: (ms) =>
    new Promise((resolve) => {
      const ended = new AbortController();
      const end = () => {
        ended.abort();
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(end, ms);
      window.addEventListener("online", end, ended);
      document.addEventListener("visibilitychange", () => document.hidden || end(), ended);
    }),
};

/**
 * What work returns, tried for ever while its troubles pass.
 * @template T @param {() => Promise<T>} work @param {Pace} pace
 * @param {(failures: number) => void} onTrouble told after each failure, and 0 after a success
 */
export async function persist(work, pace, onTrouble) {
  for (let failures = 1; ; failures += 1) {
    try {
      const outcome = await work();
      onTrouble(0);
      return outcome;
    } catch (error) {
      if (!(error instanceof ServerError) || !error.isPassing) throw error;
      onTrouble(failures);
      await pace.wait(backoff(failures, pace.random(), error.retry_after_s));
    }
  }
}
