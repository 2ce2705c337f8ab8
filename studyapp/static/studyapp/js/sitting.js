/** The test page from load to thanks: takes up the sitting where it stands, plays its trials, brings answers home. */
import { Attention, whenVisible } from "./attention.js";
import { Blocks } from "./blocks.js";
import { element, pageConfig } from "./config.js";
import { decodedPictures, Display } from "./display.js";
import { measuredTempo } from "./metronome.js";
import { openOutbox } from "./outbox.js";
import { Panel } from "./panel.js";
import { onlyTab, stayAwake } from "./presence.js";
import { Gate } from "./quiet.js";
import { browserPace, persist, ServerError } from "./retry.js";
import { MAX_BATCH, Sender } from "./sender.js";
import { createServer } from "./server.js";
import { playedTrial } from "./trial.js";
import { download, unsentText } from "./unsent.js";
import { Witness } from "./witness.js";

const MEASURED_FOR_MS = 900;

/** @param {Config} config @param {Gate} gate @returns {Stage} */
function builtStage(config, gate) {
  const canvas = /** @type {HTMLCanvasElement} */ (element(".picture"));
  return {
    ...config,
    gate,
    display: new Display(canvas, config, config.mask_gray),
    witness: new Witness(element(".witness"), config.mask_gray),
    attention: new Attention(),
    buttons: [...document.querySelectorAll("button")].filter((button) => button.dataset.answer),
    frame_ms: 1000 / 60, // until it is measured
    lags: [],
    previous_onset_ms: -Infinity,
  };
}

class Sitting {
  gate = new Gate();
  unsent = 0;
  truth = "";
  /** Kind of the last trial played on this page. */
  last_kind = "";
  is_break_due = false;
  was_interrupted = false;

  /** @param {Config} config @param {Memory} outbox @param {Panel} panel */
  constructor(config, outbox, panel) {
    const server = createServer(config.csrf_token, this.gate);
    const { urls, width_px, height_px } = config;
    this.config = config;
    this.outbox = outbox;
    this.panel = panel;
    this.server = server;
    this.progress = { done: 0, total: config.n_trials, practice_done: 0, finished: false };
    this.stage = builtStage(config, this.gate);
    this.sender = new Sender({
      ...browserPace,
      outbox,
      quiet: this.gate,
      post: async (responses) => {
        const reply = await server.post(urls.responses, { responses });
        this.truth = reply.results.at(-1)?.truth;
        return reply;
      },
      onCount: (unsent) => panel.fill({ unsent: (this.unsent = unsent) }),
      onTrouble: this.#trouble,
    });
    this.blocks = new Blocks({
      quiet: this.gate,
      pace: browserPace,
      onTrouble: this.#trouble,
      record_bytes: width_px * height_px * 3,
      plan: async (after) => {
        const plan = await server.post(urls.block, { after });
        this.progress.total = plan.total; // repeats add to it
        return plan;
      },
      pictures: (first, last) => server.bytes(`${urls.pictures}?first=${first}&last=${last}`),
      decode: (bytes) => decodedPictures(bytes, config),
    });
  }

  /** One failure is no news. */
  #trouble = (/** @type {number} */ failures) => this.panel.trouble(failures > 1);

  async play() {
    this.sender.run();
    this.#watchConnection();
    await Promise.all([this.#takeUp(), this.#measure(), this.#maskMaker()]);
    if (!this.progress.finished) {
      await this.#nextTrial();
      await this.#welcome();
      for (let trial = await this.#nextTrial(); trial; trial = await this.#nextTrial()) {
        await this.#prepare(trial);
        await this.#playOne(trial);
      }
    }
    await this.#finish();
  }

  /** Sends what an earlier visit left, then tells the server which trials were seen. */
  async #takeUp() {
    await this.sender.flush();
    const shown = await this.outbox.shown();
    this.progress = await this.#insist(this.config.urls.resume, { shown });
    await this.outbox.resumed();
    if (!this.progress.finished) await this.blocks.load();
  }

  async #maskMaker() {
    if (this.config.mask_kind !== "gray") this.stage.mask = (await import("./mask.js")).maskMaker(this.config);
  }

  /** @param {string} url @param {unknown} body */
  #insist(url, body) {
    return persist(() => this.server.post(url, body), browserPace, this.#trouble);
  }

  async #measure() {
    await whenVisible();
    const tempo = await measuredTempo(MEASURED_FOR_MS, this.stage.witness);
    if (tempo) Object.assign(this.stage, { frame_ms: tempo.frame_ms, lags: tempo.lags });
  }

  /** The trial to come, undefined when there are no more. */
  async #nextTrial() {
    while (!this.blocks.next && !this.blocks.is_finished) {
      if (this.blocks.is_starved) await this.#sendAll();
      else this.panel.show("loading", { unsent: this.unsent });
      await this.blocks.load();
    }
    return this.blocks.next;
  }

  async #welcome() {
    const { done, practice_done } = this.progress;
    this.last_kind = this.blocks.next?.kind ?? "";
    const first = this.last_kind === "practice" ? "practice" : "start";
    await this.#ask(done + practice_done > 0 ? "resume" : first);
    stayAwake();
  }

  /** @param {ReadyTrial} trial */
  async #prepare(trial) {
    await whenVisible();
    if (this.last_kind === "practice" && trial.kind !== "practice") await this.#pause("start");
    else if (this.is_break_due) await this.#pause("break");
    else if (this.was_interrupted) await this.#pause("interrupted");
    this.is_break_due = this.was_interrupted = false;
    this.last_kind = trial.kind;
    this.panel.hide();
    const { done, total } = this.progress;
    const bar = element(".progress");
    bar.style.setProperty("--share", String(Math.min(1, done / total)));
    bar.setAttribute("aria-valuenow", String(done));
    const room = element(".stage");
    this.stage.display.fit(Math.min(room.clientWidth, room.clientHeight));
  }

  /** The time to send what waits and to measure again. @param {string} name */
  async #pause(name) {
    this.sender.hurry();
    const measured = this.#measure();
    await this.#ask(name);
    await measured;
  }

  /** @param {string} name */
  async #ask(name) {
    const { done, total } = this.progress;
    await this.panel.ask(name, { done, total, left: total - done });
    this.panel.hide();
  }

  /** @param {ReadyTrial} trial */
  async #playOne(trial) {
    this.blocks.take();
    await this.outbox.begin(trial.token);
    const { response, verdict } = await playedTrial(trial, this.stage);
    await this.outbox.keep(response);
    this.unsent += 1;
    trial.picture.close();
    this.was_interrupted = response.status === "interrupted";
    if (!this.was_interrupted && trial.kind !== "practice") this.#count();
    this.sender.nudge();
    // Nobody waits; a refusal is met again when the block is needed.
    if (this.blocks.isLow) this.blocks.load().catch(() => {});
    const { kind, exposure_ms } = trial;
    const { onset_ms = null, mask_ms = null } = verdict ?? {};
    /** @type {TrialEvent} */
    const detail = { ...response, kind, exposure_ms, onset_ms, mask_ms };
    window.dispatchEvent(new CustomEvent("tachisto:trial", { detail }));
    if (this.config.practice_feedback && kind === "practice" && !this.was_interrupted) await this.#tell();
  }

  /** What the picture was: the server says so with the receipt. */
  async #tell() {
    await this.#sendAll("telling");
    await this.#ask(`was-${this.truth}`);
  }

  #count() {
    const done = (this.progress.done += 1);
    this.is_break_due = done % this.config.break_every === 0 && done < this.progress.total;
  }

  /** @param {any} event */
  #save = async ({ target }) => {
    if (!target.closest("[data-action=save]")) return;
    download(`${this.config.study}-answers.json`, unsentText(this.config, await this.outbox.oldest(1e6)));
  };

  async #sendAll(panel = "sending") {
    this.panel.show(panel, { unsent: this.unsent });
    await this.sender.flush();
  }

  async #finish() {
    await this.#sendAll();
    const { next } = await this.#insist(this.config.urls.finish, {});
    location.assign(next);
  }

  /** Answers are tried at once when the connection is back, and when the page may be closing. */
  #watchConnection() {
    window.addEventListener("online", () => this.sender.hurry());
    element(".panel").addEventListener("click", this.#save);
    document.addEventListener("visibilitychange", async () => {
      if (!document.hidden) return this.sender.hurry();
      const responses = await this.outbox.oldest(MAX_BATCH);
      if (responses.length === 0) return;
      // No look at the reply: the sender asks again.
      this.server.post(this.config.urls.responses, { responses }, { keepalive: true }).catch(() => {});
    });
  }
}

/** Refusals after the end: the thanks page tells how. */
const ENDED = ["finished", "withdrawn", "erased"];

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
  window.addEventListener("beforeunload", (event) => sitting.unsent > 0 && event.preventDefault());
  try {
    await sitting.play();
  } catch (error) {
    const refusal = error instanceof ServerError ? error : null;
    if (refusal && ENDED.includes(refusal.code)) return location.assign(config.urls.thanks);
    panel.show("stopped", { reason: refusal?.message ?? "", unsent: sitting.unsent });
    throw error;
  }
}

main();
