/**
 * What this browser must not forget: responses on their way, and trials that had begun.
 *
 * An IndexedDB database a sitting, written with strict durability and only between trials. It sends nothing.
 * Where the browser has no database (some private windows), a memory of the same shape takes its place:
 * a reload then tells the server that this browser knows nothing.
 */

/** @typedef {import("./sender.js").Response} Response */

const STORES = ["responses", "begun", "refused", "facts"];
const RESUMED = "resumed";

/**
 * Promise of an IndexedDB request.
 * @template T
 * @param {IDBRequest<T>} request
 * @returns {Promise<T>}
 */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/**
 * @param {string} name
 * @returns {Promise<IDBDatabase>}
 */
function openDatabase(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    for (const store of STORES) request.result.createObjectStore(store, { autoIncrement: store === "responses" });
  };
  return result(request);
}

export class Outbox {
  #database;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
  }

  /**
   * Runs steps in one transaction that is on disk when the promise resolves.
   * @template T
   * @param {(store: (name: string) => IDBObjectStore) => T} steps
   * @returns {Promise<T>}
   */
  #write(steps) {
    return new Promise((resolve, reject) => {
      const transaction = this.#database.transaction(STORES, "readwrite", { durability: "strict" });
      transaction.onabort = () => reject(transaction.error);
      transaction.oncomplete = () => resolve(outcome);
      const outcome = steps((name) => transaction.objectStore(name));
    });
  }

  /** @param {string} name */
  #read(name) {
    return this.#database.transaction(name, "readonly").objectStore(name);
  }

  /**
   * Notes that a trial is about to be shown.
   * @param {string} trial
   */
  async begin(trial) {
    await this.#write((store) => store("begun").put(true, trial));
  }

  /**
   * Keeps the response of a trial that had begun.
   * @param {Response} response
   */
  async keep(response) {
    await this.#write((store) => {
      store("responses").add(response);
      store("begun").delete(response.trial);
    });
  }

  /**
   * Trials that were shown and never answered; null when this browser has no memory of the sitting.
   * @returns {Promise<string[] | null>}
   */
  async shown() {
    const is_known = await result(this.#read("facts").get(RESUMED));
    if (!is_known) return null;
    return /** @type {string[]} */ (await result(this.#read("begun").getAllKeys()));
  }

  /** The server has been told what shown() said. */
  async resumed() {
    await this.#write((store) => {
      store("begun").clear();
      store("facts").put(true, RESUMED);
    });
  }

  /**
   * @param {number} limit
   * @returns {Promise<Response[]>}
   */
  oldest(limit) {
    return result(this.#read("responses").getAll(null, limit));
  }

  /** @returns {Promise<number>} responses not yet acknowledged */
  count() {
    return result(this.#read("responses").count());
  }

  /** @param {string[]} trials */
  remove(trials) {
    return this.#take(new Set(trials), () => {});
  }

  /** @param {string} trial */
  setAside(trial) {
    return this.#take(new Set([trial]), (response, store) => store("refused").put(response, trial));
  }

  /**
   * Takes responses out, oldest first; use is handed each of them inside the same transaction.
   * @param {Set<string>} trials
   * @param {(response: Response, store: (name: string) => IDBObjectStore) => void} use
   */
  async #take(trials, use) {
    await this.#write((store) => {
      const cursors = store("responses").openCursor();
      cursors.onsuccess = () => {
        const cursor = cursors.result;
        if (!cursor) return;
        if (trials.delete(cursor.value.trial)) {
          use(cursor.value, store);
          cursor.delete();
        }
        if (trials.size > 0) cursor.continue();
      };
    });
  }
}

/** The same promises without a disk. */
export class MemoryOutbox {
  /** @type {Response[]} */
  #responses = [];

  async begin() {}

  /** @param {Response} response */
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

/**
 * @param {string} name one per sitting
 * @returns {Promise<Outbox | MemoryOutbox>}
 */
export async function openOutbox(name) {
  try {
    return new Outbox(await openDatabase(name));
  } catch {
    return new MemoryOutbox();
  }
}
