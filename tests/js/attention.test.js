/** A machine that slept is told from one that was only slow. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { hasSlept } from "../../studyapp/static/studyapp/js/attention.js";

test("long pauses between frames and jumps between the clocks are sleep; jank and small corrections are not", () => {
  assert.equal(hasSlept(17, 0), false);
  assert.equal(hasSlept(400, 12), false);
  assert.equal(hasSlept(17, -300), false);
  assert.equal(hasSlept(4000, 0), true); // the page was frozen
  assert.equal(hasSlept(17, 60_000), true); // our clock stood still
});
