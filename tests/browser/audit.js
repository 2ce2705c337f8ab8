/**
 * What is wrong with the page as it is shown now, for people who see little, hear it read out, or use no mouse.
 * Run in the page by test_accessibility.py; returns sentences, none when all is well.
 */
() => {
  const faults = [];
  const seen = (element) => element.checkVisibility({ visibilityProperty: true }) && !element.closest("[aria-hidden=true], [inert]");
  const all = (selector) => [...document.querySelectorAll(selector)].filter(seen);
  const short = (element) => `${element.tagName.toLowerCase()} "${element.textContent.trim().slice(0, 40)}"`;

  // ---- structure ----
  if (!document.documentElement.lang) faults.push("the page has no language");
  if (!document.title.trim()) faults.push("the page has no title");
  if (all("main").length > 1) faults.push("more than one main part");
  const levels = all("h1, h2, h3, h4").map((heading) => Number(heading.tagName[1]));
  if (levels.filter((level) => level === 1).length > 1) faults.push("more than one h1");
  levels.reduce((before, level) => {
    if (level > before + 1) faults.push(`a heading of level ${level} after one of level ${before}`);
    return level;
  }, 0);
  const ids = [...document.querySelectorAll("[id]")].map(({ id }) => id);
  for (const id of new Set(ids.filter((id, i) => ids.indexOf(id) !== i))) faults.push(`the id ${id} twice`);
  for (const nav of all("nav")) if (!nav.getAttribute("aria-label")) faults.push("a nav without a name");

  // ---- what can be used ----
  const name = (element) =>
    element.getAttribute("aria-label") ?? (element.labels?.length ? element.labels[0].textContent : element.textContent);
  for (const element of all("a[href], button, input:not([type=hidden]), [tabindex], [role=img], [role=progressbar]")) {
    if (!name(element).trim()) faults.push(`${short(element)} has no name`);
    if (element.tabIndex > 0) faults.push(`${short(element)} jumps the queue of Tab`);
    if (!element.matches("a[href], button, input")) continue;
    const { left, top, width, height } = element.getBoundingClientRect();
    const stands_in_text = element.matches("p a, li a, dd a, span a") && element.parentElement.textContent.trim() !== element.textContent.trim();
    const is_skip_link = top + height <= 0;
    if (!is_skip_link && !element.closest("main, nav, section")) faults.push(`${short(element)} is in no landmark`);
    if (height < 48 && !stands_in_text && !is_skip_link) faults.push(`${short(element)} is ${height} px high`);
    if (left < 0 || left + width > innerWidth + 0.5) faults.push(`${short(element)} lies outside the window`);
  }

  // ---- contrast (WCAG 2.2, 1.4.3) ----
  const rgba = (colour) => {
    const [r, g, b, a = 1] = colour.match(/[\d.]+/g).map(Number);
    return { rgb: [r, g, b], a };
  };
  const luminance = (rgb) => {
    const [r, g, b] = rgb.map((v) => (v <= 10 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (element) => {
    for (let node = element; node; node = node.parentElement) {
      const { rgb, a } = rgba(getComputedStyle(node).backgroundColor);
      if (a === 1) return rgb;
      if (a > 0) throw new Error(`${short(node)}: expected opaque or no background`);
    }
    return [255, 255, 255];
  };
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    const element = node.parentElement;
    if (!node.data.trim() || element.matches("script, template, noscript") || !seen(element) || element.closest(":disabled")) continue;
    const [dark, light] = [luminance(rgba(getComputedStyle(element).color).rgb), luminance(behind(element))].sort((a, b) => a - b);
    const contrast = (light + 0.05) / (dark + 0.05);
    if (contrast < 4.5) faults.push(`"${node.data.trim().slice(0, 40)}" has a contrast of ${contrast.toFixed(2)}`);
  }

  // ---- nothing moves ----
  for (const element of document.querySelectorAll("*")) {
    const { animationName, transitionDuration } = getComputedStyle(element);
    if (animationName !== "none" || /[1-9]/.test(transitionDuration)) faults.push(`${short(element)} moves`);
  }
  return faults;
};
