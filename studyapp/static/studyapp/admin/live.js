/**
 * Keeps what a page tells of running work up to date: while `.live` says that it changes, the page is fetched
 * again every few seconds and that part of it replaced.
 */
const PAUSE_MS = 4000;

/** @returns {HTMLElement | null} */
const changing = () => document.querySelector('.live[data-changes="yes"]');

const refresh = async () => {
  const here = changing();
  if (!here || document.hidden) return;
  const answer = await fetch(location.href, { headers: { Accept: 'text/html' } });
  if (!answer.ok || answer.redirected) return;
  const page = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const now = page.querySelector('.live');
  if (now) here.replaceWith(document.importNode(now, true));
};

const goOn = () => {
  if (!changing()) return;
  // A server that is away for a moment is asked again.
  refresh().catch(() => undefined).finally(() => setTimeout(goOn, PAUSE_MS));
};

setTimeout(goOn, PAUSE_MS);
