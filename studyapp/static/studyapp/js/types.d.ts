/**
 * Shapes that the modules hand each other, and the messages they exchange with the server.
 * Read by the type checker only; no browser loads it. The names are known in every module.
 */

// ---- a trial in time (timeline.js, verdict.js) ----

type Step = "fixation" | "blank" | "picture" | "mask" | "cleared";
type State = "waiting" | Step;

/** A frame in which something was drawn: its timestamp, and the time its callback ran. */
type Mark = { frame_at_ms: number; now_ms: number };

interface TrialPlan {
  /** Infinity: the picture stays until the answer. */
  exposure_ms: number;
  frame_ms: number;
  fixation_ms: number;
  blank_ms: number;
  /** Then plain gray; null: the mask stays until the answer. */
  mask_ms: number | null;
  /** Frame time of the last picture, -Infinity for the first. */
  previous_onset_ms: number;
}

type Presented = { onset_ms: number; offset_ms: number };

interface Evidence {
  /** Infinity: until the answer. */
  planned_frames: number;
  frame_ms: number;
  onset: Mark;
  offset: Mark;
  /** Between two frames, from the onset to one frame after the mask. */
  longest_gap_ms: number;
  /** Null where nobody witnessed it. */
  presented: Presented | null;
  /** Frames from drawing to the glass. */
  usual_lag: number;
}

interface Verdict {
  timing_witness: WitnessKind;
  measured_frames: number;
  measured_ms: number;
  /** It came a frame or more after its time; that alone spoils nothing. */
  late_onset: boolean;
  /** Or in doubt, where nobody witnessed it. */
  wrong_duration: boolean;
  /** When the picture reached the glass, as far as is known. */
  onset_ms: number;
  /** When the mask did. */
  mask_ms: number;
  /** How both are known. */
  origin: "element_timing" | "frame";
  /** Frames from drawing to the glass at onset and offset; empty without a witness. */
  lags: number[];
}

type WitnessKind = "element_timing" | "callback";

interface WitnessMark {
  /** To be called in the frame to be witnessed. */
  show(): void;
  /** Time of that frame in ms, null when no report came. */
  presented(): Promise<number | null>;
}

type WitnessMarks = Record<"picture" | "mask", WitnessMark>;

interface Tempo {
  frame_ms: number;
  jitter_ms: number;
  /** Share of frames that never came. */
  jank_share: number;
  /** Frames from drawing to the glass, empty without a witness. */
  lags: number[];
}

/** What was measured with a bank card, and the picture size that follows. */
type Calibration = { card_device_px: number; distance_mm: number; size_device_px: number };

// ---- answers (keys.js) ----

type Answer = "real" | "generated";
type InputKind = "key" | "mouse" | "touch" | "pen";
/** at_ms is when the hardware reported it. */
type Given = { answer: Answer; at_ms: number; input_kind: InputKind };
/** Lower-case letter of each answer. */
type Keys = Record<Answer, string>;
type KeyPress = Pick<KeyboardEvent, "key" | "code" | "repeat" | "ctrlKey" | "altKey" | "metaKey" | "timeStamp">;
type Press = Pick<PointerEvent, "isPrimary" | "button" | "pointerType" | "timeStamp">;

// ---- the page (display.js, trial.js, config.js) ----

interface Layout {
  /** Of a picture, in picture pixels. */
  width_px: number;
  height_px: number;
  /** Longer side on screen. */
  size_css_px: number;
  /** The same where degrees of visual angle were asked for and measured. */
  size_device_px?: number | null;
  /** False: every picture pixel a square; true: interpolated. */
  smoothing: boolean;
}

/** Where trials are played, and what is known of this screen. */
interface Stage {
  display: import("./display.js").Display;
  witness: import("./witness.js").Witness;
  attention: import("./attention.js").Attention;
  gate: import("./quiet.js").Gate;
  buttons: HTMLElement[];
  keys: Keys;
  fixation_ms: number;
  blank_ms: number;
  mask_ms: number | null;
  /** Makes the pattern of a trial; absent where masks are plain gray. */
  mask?: (token: string) => Promise<ImageBitmap>;
  frame_ms: number;
  /** Frames from drawing to the glass, seen lately. */
  lags: number[];
  previous_onset_ms: number;
}

type Address =
  | "screen"
  | "next"
  | "resume"
  | "block"
  | "pictures"
  | "responses"
  | "finish"
  | "thanks"
  | "examples"
  | "withdraw";

/** What the server tells the scripts of a page: the JSON block with id "config". */
interface Config extends Layout {
  study: string;
  /** Public name of the sitting. */
  sitting: string;
  code_version: string;
  csrf_token: string;
  urls: Record<Address, string>;
  /** CSS colour. */
  mask_gray: string;
  mask_kind: "gray" | "noise" | "texture";
  mask_ms: number | null;
  fixation_ms: number;
  blank_ms: number;
  /** Longer side of a picture in degrees of visual angle; null: size_css_px. */
  size_deg: number | null;
  keys: Keys;
  /** Durations that the diagnostics show. */
  exposures_ms: number[];
  /** Main trials between two breaks. */
  break_every: number;
  /** Main trials of the sitting. */
  n_trials: number;
  practice_trials: number;
  /** Whether practice trials are followed by the truth. */
  practice_feedback: boolean;
  n_examples: number;
}

/** Keys pressed before the modules came (early_keys.js). */
interface Window {
  early_presses: KeyboardEvent[];
}

// ---- messages ----

interface PlannedTrial {
  token: string;
  ordinal: number;
  kind: "practice" | "main" | "catch" | "repeat";
  /** Null: the picture stays until the answer. */
  exposure_ms: number | null;
}

type ReadyTrial = PlannedTrial & { picture: ImageBitmap };
/** What is drawn in a trial; without a mask the gray is. */
type Shown = { picture: ImageBitmap; mask: ImageBitmap | undefined };

/** Reply to "resume". */
type Progress = { done: number; total: number; practice_done: number; finished: boolean };

/** Reply to "block". */
interface BlockPlan {
  trials: PlannedTrial[];
  first: number;
  last: number;
  done: number;
  total: number;
  finished: boolean;
}

/** One response, as it is stored. */
interface TrialResponse {
  trial: string;
  status: "answered" | "timed_out" | "interrupted";
  answer: Answer | null;
  /** From the mask's onset; from the picture's where it stays until the answer. */
  reaction_ms: number | null;
  reaction_origin: "element_timing" | "frame" | null;
  input_kind: InputKind | null;
  /** Null: until the answer. */
  planned_frames: number | null;
  measured_frames: number | null;
  measured_ms: number | null;
  frame_ms: number;
  timing_ok: boolean | null;
  timing_witness: WitnessKind;
  flags: string[];
  lost_focus: boolean;
  shown_utc: string;
}

/**
 * What the window hears after each trial, as the detail of a CustomEvent "tachisto:trial": the response as it is
 * stored, with the times of onset and mask on the clock of performance.now(), null where unknown. For measuring the
 * page from outside; the page itself does not listen.
 */
type TrialEvent = TrialResponse &
  Pick<PlannedTrial, "kind" | "exposure_ms"> & { onset_ms: number | null; mask_ms: number | null };

/** Reply to "responses". */
type Receipts = { results: { trial: string; status: string; truth?: Answer | null }[] };

/** What is known of a reply that is no success. */
interface Refusal {
  /** 0 when there was no reply. */
  status: number;
  code: string;
  /** Least wait that the server asked for. */
  retry_after_s?: number;
  /** Place of an unreadable response in its batch. */
  index?: number;
}

/** What becomes of a trial. */
type Outcome = { given: Given | null; judged: Verdict | null; disturbances: Set<string> };

// ---- parts that are handed in ----

/** What is written into the places of a message. */
type Values = Record<string, string | number>;

/** Ends a promise. */
type Settle = { resolve: () => void; reject: (error: Error) => void };

type OpenStore = (name: string) => IDBObjectStore;

type Quiet = { whenOpen(): Promise<void> };

/** How time passes between two tries. */
interface Pace {
  /** May end early when trying again makes sense. */
  wait(ms: number): Promise<void>;
  /** In [0, 1). */
  random(): number;
}

interface ResponseStore {
  oldest(limit: number): Promise<TrialResponse[]>;
  /** Takes out acknowledged ones. */
  remove(trials: string[]): Promise<void>;
  /** One that the server cannot read: kept, not sent again. */
  setAside(trial: string): Promise<void>;
  /** Responses not yet acknowledged. */
  count(): Promise<number>;
}

/** What a browser remembers of a sitting. Every promise resolves when it is on disk. */
interface Memory extends ResponseStore {
  /** Notes that a trial is about to be shown. */
  begin(trial: string): Promise<void>;
  /** Keeps the response of a trial that had begun. */
  keep(response: TrialResponse): Promise<void>;
  /** Trials that were shown and never answered; null when this browser has no memory of the sitting. */
  shown(): Promise<string[] | null>;
  /** The server has been told what shown() said. */
  resumed(): Promise<void>;
}

interface SenderParts extends Pace {
  outbox: ResponseStore;
  post(responses: TrialResponse[]): Promise<Receipts>;
  quiet: Quiet;
  onCount?(unsent: number): void;
  /** Failures in a row, 0 when one went well again. */
  onTrouble?(failures: number): void;
}

interface BlockParts {
  pace: Pace;
  /** Failures in a row, 0 when one went well again. */
  onTrouble(failures: number): void;
  plan(after: number): Promise<BlockPlan>;
  /** Raw records of those trials. */
  pictures(first: number, last: number): Promise<Uint8Array>;
  decode(bytes: Uint8Array): Promise<ImageBitmap[]>;
  record_bytes: number;
  quiet: Quiet;
}
