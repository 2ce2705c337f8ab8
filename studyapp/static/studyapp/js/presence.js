/** One tab at a time, with the screen kept awake. */
import { happened } from "./quiet.js";

/**
 * Resolves when this tab is the only one of the sitting, and keeps it so until it is closed.
 * @param {string} sitting
 * @param {() => void} onOther told when another tab has it; waiting goes on until that one is closed
 */
export const onlyTab = (sitting, onOther) =>
  happened((resolve) => {
    if (!navigator.locks) return resolve();
    const name = `tachisto-${sitting}`;
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

/** Asks for the screen to stay on; browsers may refuse, and take it back when the page is hidden. */
export function stayAwake() {
  const ask = () => {
    if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
