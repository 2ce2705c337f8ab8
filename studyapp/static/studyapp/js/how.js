/** Trying out the two answers: Continue waits until both were given once, by key or by button. */
import { element, pageConfig } from "./config.js";
import { answerFromKey, listenForAnswers } from "./keys.js";

const config = pageConfig();
const buttons = [...document.querySelectorAll("button")].filter((button) => button.dataset.answer);
const go_on = /** @type {HTMLButtonElement} */ (element("[data-action=go]"));
const tried = new Set();

const stop = listenForAnswers(buttons, config.keys, note);
// Keys that were pressed while this script was on its way count, too.
for (const press of window.early_presses) {
  const given = answerFromKey(press, config.keys);
  if (given) note(given);
}

/** @param {Given} given */
function note({ answer }) {
  tried.add(answer);
  for (const button of buttons) button.classList.toggle("is-tried", tried.has(button.dataset.answer));
  element("[data-note=one-left]").hidden = tried.size !== 1;
  if (tried.size < 2) return;
  stop();
  element("[data-note=tried]").hidden = false;
  go_on.disabled = false;
  go_on.focus();
}

go_on.addEventListener("click", () => location.assign(config.urls.next));
