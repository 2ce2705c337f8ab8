/** The benchmark's figures, from trials as the probe saw them beside what their page said. Pure. */

const FRAME_MS = 1000 / 60;
/** An exposure of half frames is right with either number. */
const WRONG_FRAMES = 0.99;

const percent = (n, of) => (of ? `${((100 * n) / of).toFixed(1)} %` : "none");
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values) => Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

/** Whether the picture was on screen for another number of frames than was asked. */
export const isMistimed = ({ frames, req }) => Math.abs(frames - req / FRAME_MS) >= WRONG_FRAMES;

/** Whether it was on screen for another number of frames than its page planned, where that says: what a flag means. */
const isOffPlan = (row) => (row.planned_frames ? row.frames !== row.planned_frames : isMistimed(row));

/** @param {{ page: string, condition: string, shown: boolean }[]} rows */
export function figures(rows) {
  const shown = rows.filter((row) => row.shown);
  const off_plan = shown.filter(isOffPlan);
  const flagged = shown.filter((row) => row.flagged);
  const found = flagged.filter(isOffPlan);
  const kept = shown.filter((row) => !row.flagged);
  // The probe's offset is the refresh at which the mask was on the glass; a key's own time is the hardware's.
  const errors_ms = shown.filter((row) => row.key_ms && row.rt_ms !== null).map((row) => row.rt_ms - (row.key_ms - row.offset));
  return {
    n: shown.length,
    unmatched: rows.length - shown.length,
    mistimed: percent(shown.filter(isMistimed).length, shown.length),
    recall: percent(found.length, off_plan.length),
    precision: percent(found.length, flagged.length),
    "mistimed among kept": percent(kept.filter(isOffPlan).length, kept.length),
    "reaction time error": errors_ms.length > 1 ? `${mean(errors_ms).toFixed(1)} ms, SD ${deviation(errors_ms).toFixed(1)}` : "none",
  };
}

/** The table in Markdown: a row for each condition and page, and one for all but quiet together. */
export function table(rows) {
  const conditions = [...new Set(rows.map((row) => row.condition))];
  const groups = conditions.map((condition) => [condition, rows.filter((row) => row.condition === condition)]);
  const disturbed = rows.filter((row) => row.condition !== "quiet");
  if (conditions.filter((name) => name !== "quiet").length > 1) groups.push(["all but quiet", disturbed]);
  const lines = groups.flatMap(([condition, of_condition]) =>
    [...new Set(of_condition.map((row) => row.page))].sort().map((page) => ({
      condition,
      page,
      ...figures(of_condition.filter((row) => row.page === page)),
    })),
  );
  if (lines.length === 0) return "no trial was measured";
  const names = Object.keys(lines[0]);
  return [names, names.map(() => "---"), ...lines.map((line) => names.map((name) => line[name]))]
    .map((cells) => `| ${cells.join(" | ")} |`)
    .join("\n");
}
