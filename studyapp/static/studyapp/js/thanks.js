/** Copies a code into the clipboard; where that is not allowed the code is selected, ready to be copied. */

for (const button of document.querySelectorAll("[data-copy]")) {
  const code = button.parentElement?.querySelector(".code-text");
  const said = button.parentElement?.querySelector("[data-note=copied]");
  if (!(code instanceof HTMLElement) || !(said instanceof HTMLElement)) continue;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code.textContent?.trim() ?? "");
      said.hidden = false;
    } catch {
      getSelection()?.selectAllChildren(code);
    }
  });
}
