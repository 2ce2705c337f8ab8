/** Which key presses and touches are answers; whether one is accepted now is the trial's business. */

/** @type {Answer[]} */
const ANSWERS = ["real", "generated"];
/** @type {InputKind[]} */
const POINTERS = ["mouse", "touch", "pen"];

/**
 * Whether a key means a letter: itself, or by its place on a keyboard without Latin letters.
 * @param {KeyPress} press @param {string} letter
 */
function isLetter(press, letter) {
  const typed = press.key.toLowerCase();
  return /^[a-z]$/.test(typed) ? typed === letter : press.code === `Key${letter.toUpperCase()}`;
}

/**
 * The answer a key gives, or null. Held keys repeat; with Control, Alt or Meta a letter is a command.
 * @param {KeyPress} press @param {Keys} keys
 * @returns {Given | null}
 */
export function answerFromKey(press, keys) {
  if (press.repeat || press.ctrlKey || press.altKey || press.metaKey) return null;
  const answer = ANSWERS.find((candidate) => isLetter(press, keys[candidate]));
  return answer ? { answer, at_ms: press.timeStamp, input_kind: "key" } : null;
}

/**
 * The answer a press on a button gives, or null: only the first finger and the main mouse button count.
 * @param {Press} press @param {Answer} answer of the button
 * @returns {Given | null}
 */
export function answerFromPointer(press, answer) {
  const input_kind = POINTERS.find((kind) => kind === press.pointerType);
  if (!input_kind || !press.isPrimary || press.button !== 0) return null;
  return { answer, at_ms: press.timeStamp, input_kind };
}

/**
 * Hands answers to a listener until the returned function is called.
 * @param {HTMLElement[]} buttons each with data-answer
 * @param {Keys} keys @param {(given: Given) => void} listener
 */
export function listenForAnswers(buttons, keys, listener) {
  const ended = new AbortController();
  const tell = (/** @type {Given | null} */ given) => given && listener(given);
  window.addEventListener("keydown", (event) => tell(answerFromKey(event, keys)), ended);
  for (const button of buttons) {
    const answer = /** @type {Answer} */ (button.dataset.answer);
    // Held, Enter clicks again and again: that would answer every trial to come.
    button.addEventListener("keydown", (event) => event.repeat && event.preventDefault(), ended);
    button.addEventListener("pointerdown", (event) => tell(answerFromPointer(event, answer)), ended);
    // Without a pointer a click comes from Enter, Space or a switch device; a pointer was counted when it came down.
    button.addEventListener(
      "click",
      (event) => event.detail === 0 && tell({ answer, at_ms: event.timeStamp, input_kind: "key" }),
      ended,
    );
  }
  return () => ended.abort();
}
