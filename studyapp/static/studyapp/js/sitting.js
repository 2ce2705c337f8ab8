/**
 * The test page from load to thanks: takes up the sitting where it stands, plays its trials, brings every answer home.
 *
 * After each trial the window hears a CustomEvent "tachisto:trial" whose detail is the response as it is stored, plus
 * kind, exposure_ms and, on the clock of performance.now(), onset_ms and mask_ms (null where unknown). It is for
 * measuring the page from outside; the page itself does not listen.
 */
import { Attention, whenVisible } from "./attention.js";
import { Blocks } from "./blocks.js";
import { element, pageConfig } from "./config.js";
import { decodedPictures, Display } from "./display.js";
import { measuredTempo } from "./metronome.js";
import { openOutbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { askBeforeLeaving, onlyTab, stayAwake } from "./presence.js";
import { Gate } from "./quiet.js";
import { browserPace, persist, ServerError } from "./retry.js";
import { MAX_BATCH, Sender } from "./sender.js";
import { createServer } from "./server.js";
import { playedTrial } from "./trial.js";
import { Witness } from "./witness.js";

const MEASURED_FOR_MS = 900;
/** Until a measurement says otherwise. */
const USUAL_FRAME_MS = 1000 / 60;

class Sitting {
  /**
   * @param {import("./config.js").Config} config
   * @param {import("./outbox.js").Outbox | import("./outbox.js").MemoryOutbox} outbox
   * @param {Panel} panel
   */
  constructor(config, outbox, panel) {
    this.config = config;
    this.outbox = outbox;
    this.panel = panel;
    this.gate = new Gate();
    this.server = createServer(config.csrf_token, this.gate);
    this.unsent = 0;
    this.done = 0;
    this.total = config.n_trials;
    /** Kind of the last trial played on this page. */
    this.last_kind = "";
    this.break_due = false;
    this.was_interrupted = false;
    /** One failure is no news. */
    this.trouble = (/** @type {number} */ failures) => panel.trouble(failures > 1);
    this.stage = this.#builtStage();
    this.sender = this.#builtSender();
    this.blocks = this.#builtBlocks();
  }

  /** @returns {import("./trial.js").Stage} */
  #builtStage() {
    const { config, gate } = this;
    const canvas = /** @type {HTMLCanvasElement} */ (element(".picture"));
    return {
      display: new Display(canvas, config, config.mask_gray),
      witness: new Witness(element(".witness"), config.mask_gray),
      attention: new Attention(),
      gate,
      buttons: [...document.querySelectorAll("button[data-answer]")].map((button) => /** @type {HTMLElement} */ (button)),
      keys: config.keys,
      fixation_ms: config.fixation_ms,
      blank_ms: config.blank_ms,
      frame_ms: USUAL_FRAME_MS,
      lags: [],
      previous_onset_ms: -Infinity,
    };
  }

  #builtSender() {
    const { config, outbox, gate, server } = this;
    return new Sender({
      ...browserPace,
      outbox,
      quiet: gate,
      post: (responses) => server.post(config.urls.responses, { responses }),
      onCount: (unsent) => {
        this.unsent = unsent;
        this.panel.fill({ unsent });
      },
      onTrouble: this.trouble,
    });
  }

  #builtBlocks() {
    const { config, server, gate } = this;
    return new Blocks({
      quiet: gate,
      record_bytes: config.width_px * config.height_px * 3,
      plan: (after) => server.post(config.urls.block, { after }),
      pictures: (first, last) => server.bytes(`${config.urls.pictures}?first=${first}&last=${last}`),
      decode: (bytes) => decodedPictures(bytes, config),
    });
  }

  /** Plays everything there is to play. */
  async play() {
    this.sender.run();
    this.#watchConnection();
    const [{ practice_done, finished }] = await Promise.all([this.#takenUp(), this.#measure()]);
    if (!finished) {
      this.#fetchAhead();
      await this.#nextTrial();
      await this.#welcome(practice_done);
      for (let trial = await this.#nextTrial(); trial; trial = await this.#nextTrial()) {
        await this.#between(trial);
        await this.#playOne(trial);
      }
    }
    await this.#finish();
  }

  /** Sends what is left of an earlier visit, then tells the server which trials were seen. */
  async #takenUp() {
    await this.sender.flush();
    const shown = await this.outbox.shown();
    const progress = await this.#insisted(() => this.server.post(this.config.urls.resume, { shown }));
    await this.outbox.resumed();
    this.done = progress.done;
    this.total = progress.total;
    return progress;
  }

  /**
   * What the server says, however long it takes; the message shown says so when it takes long.
   * @template T
   * @param {() => Promise<T>} ask
   * @returns {Promise<T>}
   */
  async #insisted(ask) {
    const reply = await persist(ask, browserPace, this.trouble);
    this.trouble(0);
    return reply;
  }

  async #measure() {
    await whenVisible();
    const tempo = await measuredTempo(MEASURED_FOR_MS, this.stage.witness);
    if (!tempo) return;
    this.stage.frame_ms = tempo.frame_ms;
    this.stage.lags = tempo.lags;
  }

  /** Without waiting for it; what cannot be had now is asked for again when it is needed. */
  #fetchAhead() {
    if (this.blocks.isLow) persist(() => this.blocks.load(), browserPace).catch(() => {});
  }

  /**
   * The trial to come, undefined when the sitting has no more. Waits for the network only when nothing is held.
   * @returns {Promise<import("./trial.js").ReadyTrial | undefined>}
   */
  async #nextTrial() {
    while (!this.blocks.next && !this.blocks.is_finished) {
      if (this.blocks.is_starved) await this.#sendAll();
      this.panel.show("loading");
      await this.#insisted(() => this.blocks.load());
    }
    return this.blocks.next;
  }

  /** @param {number} practice_done */
  async #welcome(practice_done) {
    const is_new = this.done === 0 && practice_done === 0;
    const name = !is_new ? "resume" : this.blocks.next?.kind === "practice" ? "practice" : "start";
    this.last_kind = this.blocks.next?.kind ?? "";
    await this.panel.ask(name, this.#counts());
    this.panel.hide();
    stayAwake();
  }

  /**
   * What is said before a trial: that the test begins, or that a break is due.
   * @param {import("./trial.js").ReadyTrial} trial
   */
  async #between(trial) {
    await whenVisible();
    if (this.last_kind === "practice" && trial.kind !== "practice") await this.#pause("start");
    else if (this.break_due) await this.#pause("break");
    else if (this.was_interrupted) await this.#pause("interrupted");
    this.break_due = this.was_interrupted = false;
    this.last_kind = trial.kind;
    this.panel.hide();
    this.#layOut();
  }

  /**
   * A pause is the time to send what waits and to measure the screen again.
   * @param {string} name
   */
  async #pause(name) {
    this.sender.hurry();
    const measured = this.#measure();
    await this.panel.ask(name, this.#counts());
    this.panel.hide();
    await measured;
  }

  #counts() {
    return { done: this.done, total: this.total, left: this.total - this.done };
  }

  /** The bar and the size of the picture change here and nowhere else. */
  #layOut() {
    const room = element(".stage");
    this.stage.display.fit(Math.min(room.clientWidth, room.clientHeight));
    const bar = element(".progress");
    bar.style.setProperty("--share", String(Math.min(1, this.done / this.total)));
    bar.setAttribute("aria-valuenow", String(this.done));
    bar.setAttribute("aria-valuemax", String(this.total));
  }

  /** @param {import("./trial.js").ReadyTrial} trial */
  async #playOne(trial) {
    this.blocks.take();
    await this.outbox.begin(trial.token);
    const { response, verdict } = await playedTrial(trial, this.stage);
    await this.outbox.keep(response);
    this.unsent += 1;
    trial.picture.close();
    this.was_interrupted = response.status === "interrupted";
    if (!this.was_interrupted && trial.kind !== "practice") {
      this.done += 1;
      this.break_due = this.done % this.config.break_every === 0 && this.done < this.total;
    }
    this.sender.nudge();
    this.#fetchAhead();
    const { kind, exposure_ms } = trial;
    const times = { onset_ms: verdict?.onset_ms ?? null, mask_ms: verdict?.mask_ms ?? null };
    window.dispatchEvent(new CustomEvent("tachisto:trial", { detail: { ...response, kind, exposure_ms, ...times } }));
  }

  async #sendAll() {
    this.panel.show("sending", { unsent: this.unsent });
    await this.sender.flush();
  }

  /** The sitting ends when the server has everything; it may still ask for a trial again. */
  async #finish() {
    await this.#sendAll();
    const { next } = await this.#insisted(() => this.server.post(this.config.urls.finish, {}));
    location.assign(next);
  }

  /** Answers are tried at once when the connection is back, and once more when the page may be about to close. */
  #watchConnection() {
    window.addEventListener("online", () => this.sender.hurry());
    document.addEventListener("visibilitychange", async () => {
      if (!document.hidden) return this.sender.hurry();
      const responses = await this.outbox.oldest(MAX_BATCH);
      if (responses.length === 0) return;
      const { urls } = this.config;
      // Without a look at the reply: the sender asks again and is told that it is there.
      this.server.post(urls.responses, { responses }, { keepalive: true }).catch(() => {});
    });
  }
}

/**
 * Refusals of the server that end this page, and where it goes then.
 * @type {Record<string, (sitting: Sitting) => void>}
 */
const ENDED = {
  finished: ({ config }) => location.assign(config.urls.thanks),
  withdrawn: ({ config }) => location.assign(config.urls.thanks),
  erased: ({ config }) => location.assign(config.urls.thanks),
};

async function main() {
  const config = pageConfig();
  const { style } = document.documentElement;
  style.setProperty("--mask", config.mask_gray);
  // Black reads better than white down to this gray.
  style.setProperty("--on-mask", parseInt(config.mask_gray.slice(1, 3), 16) > 117 ? "#000000" : "#ffffff");
  const panel = new Panel(element(".panel"), element(".trial"));
  await onlyTab(config.sitting, () => panel.show("other-tab"));
  panel.show("loading");
  const sitting = new Sitting(config, await openOutbox(`tachisto-${config.study}-${config.sitting}`), panel);
  askBeforeLeaving(() => sitting.unsent > 0);
  try {
    await sitting.play();
  } catch (error) {
    const code = error instanceof ServerError ? error.code : "";
    if (ENDED[code]) return ENDED[code](sitting);
    panel.show("stopped", { reason: error instanceof ServerError ? error.message : "" });
    throw error;
  }
}

main();
