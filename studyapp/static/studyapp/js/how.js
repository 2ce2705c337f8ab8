/** Trying out the two answers: Continue waits until both were given once, by key or by button. */
import { element, pageConfig } from "./config.js";
import { listenForAnswers } from "./keys.js";

const config = pageConfig();
const buttons = [...document.querySelectorAll("button")].filter((button) => button.dataset.answer);
const go_on = /** @type {HTMLButtonElement} */ (element("[data-action=go]"));
const tried = new Set();

const stop = listenForAnswers(buttons, config.keys, ({ answer }) => {
  tried.add(answer);
  for (const button of buttons) button.classList.toggle("is-tried", tried.has(button.dataset.answer));
  element("[data-note=one-left]").hidden = tried.size !== 1;
  if (tried.size < 2) return;
  stop();
  element("[data-note=tried]").hidden = false;
  go_on.disabled = false;
  go_on.focus();
});

go_on.addEventListener("click", () => location.assign(config.urls.next));
