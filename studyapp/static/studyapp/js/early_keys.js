/** Keeps the keys that are pressed before the page's modules have come. A plain script: it runs at once. */
window.early_presses = [];
window.addEventListener("keydown", (press) => window.early_presses.push(press));
