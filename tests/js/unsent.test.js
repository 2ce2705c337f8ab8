/** The file of last resort holds the messages as they would have been sent, and no secret. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { unsentText } from "../../studyapp/static/studyapp/js/unsent.js";

test("the file names study and sitting and holds the responses, nothing else of the page", () => {
  const responses = [{ trial: "a" }, { trial: "b" }];
  const config = { study: "demo", sitting: "Zp4", csrf_token: "secret", urls: {} };
  assert.deepEqual(JSON.parse(unsentText(config, responses)), {
    format: "tachisto-unsent-answers/1",
    study: "demo",
    sitting: "Zp4",
    responses,
  });
});
