/** The sender brings every response home exactly once, against a server and a network that fail in every way. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { MemoryOutbox } from "../../studyapp/static/studyapp/js/memory_outbox.js";
import { Gate } from "../../studyapp/static/studyapp/js/quiet.js";
import { backoff, persist, ServerError } from "../../studyapp/static/studyapp/js/retry.js";
import { MAX_BATCH, Sender } from "../../studyapp/static/studyapp/js/sender.js";
import { randomNumbers } from "./random.js";

const unreachable = () => new ServerError("no connection", { status: 0, code: "unreachable" });
const refused = (status, details = {}) => new ServerError("refused", { status, code: "refused", ...details });
const turn = () => new Promise((resolve) => setImmediate(resolve));
const turns = async (n) => {
  for (let i = 0; i < n; i += 1) await turn();
};
const response = (i) => ({ trial: `trial-${i}`, answer: i % 2 ? "real" : "generated" });

/** A server that keeps the first answer to every trial, and counts how often each was stored. */
class FakeServer {
  constructor() {
    this.stored = new Map();
    this.n_requests = 0;
    this.in_flight = 0;
    this.batch_sizes = [];
  }

  /** Stands between the request and its reply; may throw before or after the responses are stored. */
  async post(responses, { before = () => {}, after = () => {} } = {}) {
    this.n_requests += 1;
    this.in_flight += 1;
    assert.equal(this.in_flight, 1, "a second request while one was under way");
    this.batch_sizes.push(responses.length);
    try {
      await turn();
      before(responses);
      const results = responses.map(({ trial }) => {
        const status = this.stored.has(trial) ? "replayed" : "stored";
        this.stored.set(trial, (this.stored.get(trial) ?? 0) + (status === "stored" ? 1 : 0));
        return { trial, status };
      });
      after(responses);
      return { results };
    } finally {
      this.in_flight -= 1;
    }
  }
}

/** A sender on a clock that does not wait, with the waits it asked for. */
async function sending(n, post, { wait, quiet = new Gate() } = {}) {
  const outbox = new MemoryOutbox();
  for (let i = 0; i < n; i += 1) await outbox.keep(response(i));
  const waits = [];
  const random = randomNumbers(5);
  const told = [];
  const sender = new Sender({
    outbox,
    post,
    quiet,
    random,
    wait: wait ?? ((ms) => (waits.push(ms), turn())),
    onCount: (unsent) => told.push(unsent),
  });
  sender.run();
  return { sender, outbox, waits, told };
}

test("every response is stored once, however many requests and replies are lost", async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const random = randomNumbers(seed);
    const server = new FakeServer();
    const maybe = (share, trouble) => () => {
      if (random() < share) throw trouble();
    };
    const troubles = { before: maybe(0.3, unreachable), after: maybe(0.3, () => refused(503)) };
    const { sender, outbox } = await sending(230, (responses) => server.post(responses, troubles));
    await sender.flush();
    assert.equal(await outbox.count(), 0);
    assert.equal(server.stored.size, 230);
    assert.ok([...server.stored.values()].every((times) => times === 1));
    assert.ok(server.batch_sizes.every((size) => size >= 1 && size <= MAX_BATCH));
  }
});

test("responses that come while others are sent are sent too", async () => {
  const server = new FakeServer();
  const { sender, outbox } = await sending(3, (responses) => server.post(responses));
  const flushed = sender.flush();
  for (let i = 3; i < 40; i += 1) {
    await outbox.keep(response(i));
    sender.nudge();
    if (i % 7 === 0) await turn();
  }
  await flushed;
  await sender.flush();
  assert.equal(server.stored.size, 40);
});

test("only what has a receipt leaves the outbox", async () => {
  const settling = { stored: true, replayed: true, conflict: true, unknown: true };
  const statuses = [...Object.keys(settling), "busy", undefined];
  let asked = 0;
  const { sender, outbox } = await sending(statuses.length, async (responses) => {
    asked += 1;
    if (asked > 1) throw refused(410);
    return { results: responses.map(({ trial }, i) => ({ trial, status: statuses[i] })) };
  });
  await assert.rejects(sender.flush(), { status: 410 });
  const kept = (await outbox.oldest(MAX_BATCH)).map(({ trial }) => trial);
  assert.deepEqual(kept, ["trial-4", "trial-5"]);
});

test("while the server is away nothing is lost and the waits grow to half a minute", async () => {
  let failures = 0;
  const { sender, outbox, waits } = await sending(12, async () => {
    failures += 1;
    throw failures <= 20 ? unreachable() : refused(403);
  });
  await assert.rejects(sender.flush(), { status: 403 });
  assert.equal(await outbox.count(), 12);
  assert.equal(waits.length, 20);
  assert.ok(waits.every((ms) => ms >= 500 && ms <= 30_000), String(waits));
  assert.ok(waits[0] <= 1000 && waits[19] >= 15_000);
});

test("put off by a limit, it waits as long as it was asked to and brings everything home", async () => {
  const server = new FakeServer();
  let n_refused = 0;
  const { sender, outbox, waits } = await sending(120, (responses) => {
    n_refused += 1;
    if (n_refused % 3) throw refused(429, { code: "too_often", retry_after_s: 7 });
    return server.post(responses);
  });
  await sender.flush();
  assert.equal(await outbox.count(), 0);
  assert.equal(server.stored.size, 120);
  assert.ok(waits.length >= 6 && waits.every((ms) => ms >= 7_000), String(waits));
});

test("a wait is random, so that browsers do not come back together, and as long as the server asks", () => {
  const random = randomNumbers(6);
  for (let failures = 1; failures <= 40; failures += 1) {
    const waits = Array.from({ length: 50 }, () => backoff(failures, random()));
    assert.ok(Math.min(...waits) >= 500 && Math.max(...waits) <= 30_000);
    assert.ok(new Set(waits).size > 40);
  }
  assert.ok(backoff(1, 0.5, 12) >= 12_000);
});

test("one unreadable response does not hold up the others", async () => {
  const server = new FakeServer();
  const { sender, outbox } = await sending(5, (responses) => {
    const index = responses.findIndex(({ trial }) => trial === "trial-2");
    if (index >= 0) throw refused(400, { index });
    return server.post(responses);
  });
  await sender.flush();
  assert.deepEqual([...server.stored.keys()], ["trial-0", "trial-1", "trial-3", "trial-4"]);
  assert.equal(await outbox.count(), 0);
});

test("a batch that is too large is halved", async () => {
  const server = new FakeServer();
  const { sender } = await sending(50, (responses) => {
    if (responses.length > 7) throw refused(413);
    return server.post(responses);
  });
  await sender.flush();
  assert.equal(server.stored.size, 50);
  assert.ok(server.batch_sizes.every((size) => size <= 7));
});

test("a refusal for good keeps the responses and is told to everybody who waits", async () => {
  const { sender, outbox } = await sending(4, async () => {
    throw new ServerError("You have withdrawn.", { status: 409, code: "withdrawn" });
  });
  await assert.rejects(sender.flush(), { code: "withdrawn" });
  await assert.rejects(sender.flush(), { code: "withdrawn" });
  assert.equal(await outbox.count(), 4);
});

test("nothing is sent, read or deleted while a picture is shown", async () => {
  const quiet = new Gate();
  quiet.close();
  const server = new FakeServer();
  const { sender, outbox } = await sending(20, (responses) => server.post(responses), { quiet });
  const flushed = sender.flush();
  await turns(30);
  assert.equal(server.n_requests, 0);
  quiet.open();
  await turn();
  quiet.close(); // the reply comes during the next picture
  await turns(30);
  assert.equal(await outbox.count(), 20);
  quiet.open();
  await flushed;
  assert.equal(await outbox.count(), 0);
});

test("a few responses wait for company, many go at once", async () => {
  let lingered = () => {};
  const server = new FakeServer();
  const wait = () => new Promise((resolve) => (lingered = resolve));
  const { sender, outbox } = await sending(3, (responses) => server.post(responses), { wait });
  await turns(10);
  assert.equal(server.n_requests, 0);
  lingered();
  await turns(10);
  assert.deepEqual(server.batch_sizes, [3]);
  for (let i = 3; i < 13; i += 1) await outbox.keep(response(i));
  sender.nudge();
  await turns(10);
  assert.deepEqual(server.batch_sizes, [3, 10]);
});

test("a connection that comes back ends the wait, a new response does not", async () => {
  const server = new FakeServer();
  let is_down = true;
  let n_tries = 0;
  const { sender } = await sending(
    12,
    (responses) => {
      n_tries += 1;
      if (is_down) throw unreachable();
      return server.post(responses);
    },
    { wait: () => new Promise(() => {}) },
  );
  await turns(10);
  sender.nudge();
  await turns(10);
  assert.equal(n_tries, 1);
  is_down = false;
  sender.hurry();
  await turns(10);
  assert.equal(server.stored.size, 12);
});

test("the page is told how many are left", async () => {
  const server = new FakeServer();
  const { sender, told } = await sending(120, (responses) => server.post(responses));
  await sender.flush();
  assert.deepEqual(told, [120, 70, 20, 0]);
});

test("work is repeated while its trouble passes, and no longer", async () => {
  const pace = { random: () => 0, wait: turn };
  const told = [];
  const tell = (failures) => told.push(failures);
  let tries = 0;
  const work = async () => {
    tries += 1;
    if (tries < 4) throw unreachable();
    return "done";
  };
  assert.equal(await persist(work, pace, tell), "done");
  assert.deepEqual(told, [1, 2, 3, 0]);
  await assert.rejects(persist(async () => Promise.reject(refused(404)), pace, tell), { status: 404 });
  await assert.rejects(persist(async () => Promise.reject(new TypeError("a bug")), pace, tell), TypeError);
});
