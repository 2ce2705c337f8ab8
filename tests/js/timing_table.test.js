/** The timing benchmark's figures, on trials whose truth is planted. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { figures, isMistimed, table } from "../../benchmarks/timing/table.mjs";

const trial = (changes) => ({
  page: "ours",
  condition: "jank",
  shown: true,
  req: 100,
  frames: 6,
  flagged: false,
  rt_ms: 300,
  offset: 1000,
  key_ms: 1300,
  ...changes,
});

test("a frame too many or too few is mistimed, half a frame is not", () => {
  assert.deepEqual([5, 6, 7].map((frames) => isMistimed(trial({ frames }))), [true, false, true]);
  assert.deepEqual([3, 4, 5, 6].map((frames) => isMistimed(trial({ req: 75, frames }))), [true, false, false, true]);
});

test("recall, precision and what is left count what was planted", () => {
  const rows = [
    ...Array.from({ length: 6 }, () => trial({})),
    trial({ flagged: true }),
    ...Array.from({ length: 2 }, () => trial({ frames: 8, flagged: true })),
    trial({ frames: 5 }),
    trial({ shown: false }),
  ];
  assert.deepEqual(figures(rows), {
    n: 10,
    unmatched: 1,
    mistimed: "30.0 %",
    recall: "66.7 %",
    precision: "66.7 %",
    "mistimed among kept": "14.3 %",
    "reaction time error": "0.0 ms, SD 0.0",
  });
});

test("a flag is right where the frames were not those that the page had planned", () => {
  const rows = [4, 5].map((frames) => trial({ req: 75, planned_frames: 4, frames, flagged: frames === 5 }));
  const found = figures(rows);
  assert.deepEqual([found.mistimed, found.recall, found.precision], ["0.0 %", "100.0 %", "100.0 %"]);
});

test("reaction times are held against the mask on the glass and the key's own time", () => {
  const rows = [trial({ rt_ms: 310 }), trial({ rt_ms: 330 })];
  assert.equal(figures(rows)["reaction time error"], "20.0 ms, SD 10.0");
});

test("what was disturbed is put together, quiet is not", () => {
  const rows = ["quiet", "jank", "load"].map((condition) => trial({ condition }));
  const lines = table(rows).split("\n").slice(2);
  assert.deepEqual(lines.map((line) => line.split("|").slice(1, 4).join().replaceAll(" ", "")), [
    "quiet,ours,1",
    "jank,ours,1",
    "load,ours,1",
    "allbutquiet,ours,2",
  ]);
  assert.equal(table([]), "no trial was measured");
});
