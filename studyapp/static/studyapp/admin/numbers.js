/**
 * Says beside the study editor what the design comes to, as it is being written: asks the site a moment after the last
 * key and puts what comes back in the place of what stood there.
 */
const PAUSE_MS = 400;

/** @typedef {{label: string, value: string, note: string, is_short: boolean}} Row */
/** @typedef {{title: string, rows: Row[], note: string}} Group */

/** @param {string} tag @param {string} text @param {string} [name] */
const element = (tag, text, name = '') => {
  const made = document.createElement(tag);
  made.textContent = text;
  if (name) made.className = name;
  return made;
};

/** @param {Row} row */
const shownRow = (row) => {
  const line = element('div', '', row.is_short ? 'is-short' : '');
  line.append(element('dt', row.label), element('dd', row.value));
  if (row.note) line.append(element('dd', row.note, 'aside'));
  return line;
};

/** @param {Group} group */
const shownGroup = (group) => {
  const section = element('section', '', 'card');
  section.append(element('h2', group.title));
  const list = element('dl', '');
  list.append(...group.rows.map(shownRow));
  section.append(list);
  if (group.note) section.append(element('p', group.note, 'aside'));
  return section;
};

/** @param {HTMLElement} panel @param {HTMLFormElement} form */
const watch = (panel, form) => {
  let waiting = 0;
  let asked = 0;
  const ask = async () => {
    const mine = ++asked;
    const answer = await fetch(panel.dataset.url ?? '', { method: 'POST', body: new FormData(form) });
    if (!answer.ok || mine !== asked) return;
    /** @type {{groups: Group[]}} */
    const told = await answer.json();
    panel.replaceChildren(...told.groups.map(shownGroup));
  };
  const soon = () => {
    clearTimeout(waiting);
    // A site that is away for a moment is asked again with the next key.
    waiting = setTimeout(() => ask().catch(() => undefined), PAUSE_MS);
  };
  form.addEventListener('input', soon);
  form.addEventListener('change', soon);
  soon();
};

const panel = document.querySelector('.numbers-of-design');
const form = document.querySelector('#study_form');
if (panel instanceof HTMLElement && form instanceof HTMLFormElement) watch(panel, form);
