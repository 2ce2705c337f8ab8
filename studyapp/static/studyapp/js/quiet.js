/**
 * The quiet around a picture: a trial closes the gate before it and opens it with the answer; meanwhile nobody may
 * parse, store or decode anything.
 */

/** @type {(start: (resolve: () => void, reject: (error: Error) => void) => void) => Promise<void>} */
export const happened = (start) => new Promise(start);

export class Gate {
  /** @type {(() => void)[]} */
  #waiting = [];
  #is_open = true;

  close() {
    this.#is_open = false;
  }

  open() {
    this.#is_open = true;
    for (const go of this.#waiting.splice(0)) go();
  }

  async whenOpen() {
    // Asked again after waking: the next picture may have closed it in between.
    while (!this.#is_open) await happened((go) => this.#waiting.push(go));
  }
}
