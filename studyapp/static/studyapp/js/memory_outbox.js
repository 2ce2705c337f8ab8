/**
 * The outbox of a browser without a database (some private windows): the same promises without a disk.
 * After a reload it tells the server that this browser knows nothing.
 */

export class MemoryOutbox {
  /** @type {TrialResponse[]} */
  #responses = [];

  async begin() {}

  /** @param {TrialResponse} response */
  async keep(response) {
    this.#responses.push(response);
  }

  /** @returns {Promise<string[] | null>} */
  async shown() {
    return null;
  }

  async resumed() {}

  /** @param {number} limit */
  async oldest(limit) {
    return this.#responses.slice(0, limit);
  }

  async count() {
    return this.#responses.length;
  }

  /** @param {string[]} trials */
  async remove(trials) {
    this.#responses = this.#responses.filter(({ trial }) => !trials.includes(trial));
  }

  /** @param {string} trial */
  setAside(trial) {
    return this.remove([trial]);
  }
}
