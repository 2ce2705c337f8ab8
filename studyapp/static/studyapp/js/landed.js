/** Tells the site, once for each visit of a tab, that a browser has shown the welcome page. Bots of chats run no scripts. */

const place = document.querySelector("[data-landed]");
const url = place instanceof HTMLElement ? (place.dataset.landed ?? "") : "";

const isFirst = () => {
  try {
    if (sessionStorage.getItem(url)) return false;
    sessionStorage.setItem(url, "landed");
  } catch {
    // A browser that keeps nothing is counted each time.
  }
  return true;
};

if (url && isFirst()) fetch(url, { method: "POST", keepalive: true }).catch(() => undefined);
