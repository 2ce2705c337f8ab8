/**
 * Keeps the live page of a study up to date: asks every few seconds for its changing part and names the state that
 * it has, so that the server answers in full only when something has changed.
 */
const PAUSE_MS = 5000;
const place = document.querySelector('.study-live');
const away = document.querySelector('[data-note="away"]');
let etag = '';

const refresh = async () => {
  if (document.hidden || !place) return;
  const answer = await fetch(location.href, { headers: { 'X-Part': 'live', 'If-None-Match': etag }, cache: 'no-store' });
  if (answer.redirected || answer.status === 403) return location.reload();
  if (answer.ok) {
    place.innerHTML = await answer.text();
    etag = answer.headers.get('ETag') ?? '';
  }
};

/** @param {boolean} isAway */
const tell = (isAway) => {
  if (away instanceof HTMLElement) away.hidden = !isAway;
};

const goOn = () => {
  refresh().then(() => tell(false), () => tell(true)).finally(() => setTimeout(goOn, PAUSE_MS));
};

document.addEventListener('visibilitychange', () => refresh().catch(() => tell(true)));
setTimeout(goOn, PAUSE_MS);
