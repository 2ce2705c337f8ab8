/**
 * When a frame was presented, told by the compositor (Element Timing API): a mark is a tiny image on its own gray, made
 * visible in the frame that changes the picture. Without the API marks never report; verdict.js goes by callbacks.
 */

const SIZE_PX = 6;
/** Longest wait for a report. */
const PATIENCE_MS = 250;

export class Witness {
  /** @type {Map<string, (presented_ms: number) => void>} */
  #reports = new Map();
  #host;
  #picture_url;
  #n_marks = 0;

  /** @param {HTMLElement} host in view, of the same colour @param {string} gray CSS colour */
  constructor(host, gray) {
    this.#host = host;
    this.#picture_url = plainPicture(gray);
    /** @type {WitnessKind} */
    this.kind = PerformanceObserver.supportedEntryTypes.includes("element") ? "element_timing" : "callback";
    if (this.kind === "element_timing") this.#observe();
  }

  /** A fresh mark, loaded and hidden; an element is reported only once. @returns {Promise<WitnessMark>} */
  async mark() {
    if (this.kind === "callback") return { show() {}, presented: async () => null };
    const name = `mark-${(this.#n_marks += 1)}`;
    const picture = new Image(SIZE_PX, SIZE_PX);
    picture.className = "mark";
    picture.setAttribute("elementtiming", name);
    picture.src = this.#picture_url;
    await picture.decode();
    /** @type {Promise<number>} */
    const reported = new Promise((resolve) => this.#reports.set(name, resolve));
    this.#host.append(picture);
    const forget = () => {
      picture.remove();
      this.#reports.delete(name);
    };
    return {
      show: () => picture.classList.add("is-shown"),
      presented: () => Promise.race([reported, after(PATIENCE_MS)]).finally(forget),
    };
  }

  #observe() {
    const observer = new PerformanceObserver((list) => {
      for (const entry of /** @type {any[]} */ (list.getEntries())) {
        // presentationTime is the newer name; both may be 0 or absent.
        const presented_ms = entry.presentationTime || entry.renderTime;
        if (presented_ms) this.#reports.get(entry.identifier)?.(presented_ms);
      }
    });
    observer.observe({ type: "element" });
  }
}

/** @param {string} colour */
function plainPicture(colour) {
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = SIZE_PX;
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.fillStyle = colour;
  context.fillRect(0, 0, SIZE_PX, SIZE_PX);
  return canvas.toDataURL();
}

/** @param {number} ms @returns {Promise<null>} */
const after = (ms) => new Promise((resolve) => setTimeout(resolve, ms, null));
