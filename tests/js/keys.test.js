/** Which key presses and touches are answers. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { answerFromKey, answerFromPointer } from "../../studyapp/static/studyapp/js/keys.js";

const KEYS = { real: "j", generated: "f" };
const press = (change) => ({
  key: "f",
  code: "KeyF",
  repeat: false,
  ctrlKey: false,
  altKey: false,
  metaKey: false,
  timeStamp: 1234.5,
  ...change,
});
const touch = (change) => ({ isPrimary: true, button: 0, pointerType: "touch", timeStamp: 99.25, ...change });

test("a key gives its answer with the time of the event", () => {
  assert.deepEqual(answerFromKey(press({}), KEYS), { answer: "generated", at_ms: 1234.5, input_kind: "key" });
  assert.equal(answerFromKey(press({ key: "j", code: "KeyJ" }), KEYS).answer, "real");
});

test("capital letters count, other keys do not", () => {
  assert.equal(answerFromKey(press({ key: "F" }), KEYS).answer, "generated");
  for (const key of ["g", " ", "Enter", "Escape", "ArrowLeft", "1"]) {
    assert.equal(answerFromKey(press({ key, code: key }), KEYS), null, key);
  }
});

test("held keys and commands to the browser are no answers", () => {
  for (const change of [{ repeat: true }, { ctrlKey: true }, { altKey: true }, { metaKey: true }]) {
    assert.equal(answerFromKey(press(change), KEYS), null, JSON.stringify(change));
  }
});

test("the letter decides where there is one, the place of the key where there is none", () => {
  // Dvorak types u where others have f, and f where others have y.
  assert.equal(answerFromKey(press({ key: "u", code: "KeyF" }), KEYS), null);
  assert.equal(answerFromKey(press({ key: "f", code: "KeyY" }), KEYS).answer, "generated");
  // Cyrillic and Greek keyboards.
  assert.equal(answerFromKey(press({ key: "а", code: "KeyF" }), KEYS).answer, "generated");
  assert.equal(answerFromKey(press({ key: "ξ", code: "KeyJ" }), KEYS).answer, "real");
});

test("mouse, finger and pen are told apart; second fingers and other buttons are ignored", () => {
  for (const pointerType of ["mouse", "touch", "pen"]) {
    const given = { answer: "real", at_ms: 99.25, input_kind: pointerType };
    assert.deepEqual(answerFromPointer(touch({ pointerType }), "real"), given);
  }
  assert.equal(answerFromPointer(touch({ isPrimary: false }), "real"), null);
  assert.equal(answerFromPointer(touch({ pointerType: "mouse", button: 2 }), "real"), null);
  assert.equal(answerFromPointer(touch({ pointerType: "" }), "real"), null);
});
