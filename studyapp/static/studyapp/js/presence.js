/** One tab at a time, with the screen kept awake. */
import { happened } from "./quiet.js";

/**
 * Resolves when this tab is the only one of the sitting, and keeps it so.
 * @param {string} sitting
 * @param {() => void} onOther told when another tab has it; waiting goes on
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

/** Asks for the screen to stay on; hidden pages lose that. */
export function stayAwake() {
  const ask = () => {
    if (!document.hidden) navigator.wakeLock?.request("screen").catch(() => {});
  };
  document.addEventListener("visibilitychange", ask);
  ask();
}
