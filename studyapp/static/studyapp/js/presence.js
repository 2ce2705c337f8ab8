/**
 * One tab at a time, with the screen kept awake, and a question before the page is left with answers unsent.
 */

/**
 * Resolves when this tab is the only one of the sitting, and keeps it so until it is closed.
 * @param {string} sitting
 * @param {() => void} onOther told when another tab has it; waiting goes on until that one is closed
 * @returns {Promise<void>}
 */
export function onlyTab(sitting, onOther) {
  if (!navigator.locks) return Promise.resolve();
  const name = `tachisto-${sitting}`;
  return new Promise((resolve) => {
    const keep = () => {
      resolve();
      return new Promise(() => {});
    };
    navigator.locks.request(name, { ifAvailable: true }, (lock) => {
      if (lock) return keep();
      onOther();
      navigator.locks.request(name, keep);
      return undefined;
    });
  });
}

/** Asks for the screen to stay on; browsers may refuse, and take it back when the page is hidden. */
export function stayAwake() {
  const ask = () => {
    if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}

/** @param {() => boolean} isNeeded whether leaving now would leave something behind */
export function askBeforeLeaving(isNeeded) {
  window.addEventListener("beforeunload", (event) => {
    if (isNeeded()) event.preventDefault();
  });
}
