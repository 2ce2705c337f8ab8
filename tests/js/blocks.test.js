/** Trials come in order, each once, with its own picture, and are asked for before they run out. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Blocks } from "../../studyapp/static/studyapp/js/blocks.js";
import { ServerError } from "../../studyapp/static/studyapp/js/retry.js";

const RECORD_BYTES = 12;

/** A plan of n trials in blocks; the picture of trial k is filled with the byte k. */
function fakeServer(n, block = 10, { cut = () => false } = {}) {
  const asked = [];
  return {
    asked,
    plan: async (after) => {
      asked.push(after);
      const trials = [];
      for (let k = after + 1; k <= Math.min(n, after + block); k += 1) {
        trials.push({ token: `t${k}`, ordinal: k, kind: "main", exposure_ms: 100 });
      }
      return { trials, first: after + 1, last: after + trials.length, done: 0, total: n, finished: trials.length === 0 };
    },
    pictures: async (first, last) => {
      const bytes = Array.from({ length: last - first + 1 }, (_, i) => Array(RECORD_BYTES).fill(first + i)).flat();
      return Uint8Array.from(cut() ? bytes.slice(1) : bytes);
    },
    decode: async (bytes) =>
      Array.from({ length: bytes.length / RECORD_BYTES }, (_, i) => ({ shows: bytes[i * RECORD_BYTES] })),
    record_bytes: RECORD_BYTES,
    quiet: { whenOpen: async () => {} },
    pace: { random: () => 0, wait: async () => {} },
    onTrouble: () => {},
  };
}

test("all trials are played in order with their own pictures, and none twice", async () => {
  const blocks = new Blocks(fakeServer(37));
  const played = [];
  for (;;) {
    if (blocks.isLow) await blocks.load();
    const trial = blocks.take();
    if (!trial) break;
    assert.equal(trial.picture.shows, trial.ordinal);
    played.push(trial.ordinal);
  }
  assert.deepEqual(played, Array.from({ length: 37 }, (_, i) => i + 1));
  assert.equal(blocks.is_finished, true);
});

test("the next block is wanted when half of the last one is left", async () => {
  const blocks = new Blocks(fakeServer(40));
  await blocks.load();
  const left = [];
  while (!blocks.isLow) {
    blocks.take();
    left.push(blocks.isLow);
  }
  assert.equal(left.length, 5);
});

test("two who ask at once share one request", async () => {
  const server = fakeServer(20);
  const blocks = new Blocks(server);
  await Promise.all([blocks.load(), blocks.load(), blocks.load()]);
  assert.deepEqual(server.asked, [0]);
  await blocks.load();
  assert.deepEqual(server.asked, [0, 10]);
});

test("pictures cut off on the way are no pictures, and the same block is asked for again", async () => {
  let n_cut = 3;
  const server = fakeServer(10, 10, { cut: () => n_cut-- > 0 });
  const blocks = new Blocks(server);
  await blocks.load();
  assert.equal(blocks.next.picture.shows, 1);
  assert.deepEqual(server.asked, [0, 0, 0, 0]);
});

test("while the server is away there is one try at a time, however often a block is wanted", async () => {
  let comesBack = () => {};
  const troubles = [];
  const server = fakeServer(10);
  const plan = server.plan;
  let is_away = true;
  server.plan = (after) => {
    if (is_away) throw new ServerError("away", { status: 0, code: "unreachable" });
    return plan(after);
  };
  server.pace.wait = () => new Promise((resolve) => (comesBack = resolve));
  server.onTrouble = (failures) => troubles.push(failures);
  const blocks = new Blocks(server);
  const wanted = Array.from({ length: 5 }, () => blocks.load());
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual(troubles, [1]);
  is_away = false;
  comesBack();
  await Promise.all(wanted);
  assert.deepEqual(troubles, [1, 0]);
  assert.deepEqual(server.asked, [0]);
});

test("a refusal for good is told to those who wait for the block", async () => {
  const plan = async () => {
    throw new ServerError("You have withdrawn.", { status: 409, code: "withdrawn" });
  };
  await assert.rejects(new Blocks({ ...fakeServer(10), plan }).load(), { code: "withdrawn" });
});

test("an empty plan that is not the end means that answers are awaited", async () => {
  const server = fakeServer(10);
  const plan = async () => ({ trials: [], first: 0, last: 0, done: 8, total: 10, finished: false });
  const blocks = new Blocks({ ...server, plan });
  await blocks.load();
  assert.equal(blocks.is_starved, true);
  assert.equal(blocks.is_finished, false);
  assert.equal(blocks.isLow, false, "asking again at once would not help");
});
