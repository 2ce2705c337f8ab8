/** What this browser must not forget: an IndexedDB database a sitting, strictly durable, written between trials. */
import { happened } from "./quiet.js";

const STORES = ["responses", "begun", "refused", "facts"];
const RESUMED = "resumed";

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const result = (request) =>
  new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });

/** @param {string} name */
function openDatabase(name) {
  const request = indexedDB.open(name, 1);
  request.onupgradeneeded = () => {
    for (const store of STORES) request.result.createObjectStore(store, { autoIncrement: store === "responses" });
  };
  return result(request);
}

/** See the interface Memory in types.d.ts. */
class Outbox {
  #database;

  /** @param {IDBDatabase} database */
  constructor(database) {
    this.#database = database;
  }

  /** One transaction, on disk when this resolves. @param {(store: OpenStore) => void} steps */
  #write(steps) {
    return happened((resolve, reject) => {
      const transaction = this.#database.transaction(STORES, "readwrite", { durability: "strict" });
      transaction.onabort = () => reject(transaction.error ?? new Error("the browser gave up storing"));
      transaction.oncomplete = resolve;
      steps((name) => transaction.objectStore(name));
    });
  }

  /** @param {string} name */
  #read(name) {
    return this.#database.transaction(name, "readonly").objectStore(name);
  }

  /** @param {string} trial */
  begin(trial) {
    return this.#write((store) => store("begun").put(true, trial));
  }

  /** @param {TrialResponse} response */
  keep(response) {
    return this.#write((store) => {
      store("responses").add(response);
      store("begun").delete(response.trial);
    });
  }

  async shown() {
    const is_known = await result(this.#read("facts").get(RESUMED));
    return is_known ? /** @type {string[]} */ (await result(this.#read("begun").getAllKeys())) : null;
  }

  resumed() {
    return this.#write((store) => {
      store("begun").clear();
      store("facts").put(true, RESUMED);
    });
  }

  /** @param {number} limit */
  oldest(limit) {
    return result(this.#read("responses").getAll(null, limit));
  }

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
   * Takes responses out, each handed on inside the same transaction.
   * @param {Set<string>} trials @param {(response: TrialResponse, store: OpenStore) => void} handOn
   */
  #take(trials, handOn) {
    return this.#write((store) => {
      const cursors = store("responses").openCursor();
      cursors.onsuccess = () => {
        const cursor = cursors.result;
        if (!cursor) return;
        if (trials.delete(cursor.value.trial)) {
          handOn(cursor.value, store);
          cursor.delete();
        }
        if (trials.size > 0) cursor.continue();
      };
    });
  }
}

/** @param {string} name one per sitting @returns {Promise<Memory>} */
export async function openOutbox(name) {
  try {
    return new Outbox(await openDatabase(name));
  } catch {
    const { MemoryOutbox } = await import("./memory_outbox.js");
    return new MemoryOutbox();
  }
}
