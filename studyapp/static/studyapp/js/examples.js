/** The grid of real pictures that are looked at before the test, at the size of the test. */
import { element, pageConfig } from "./config.js";
import { decodedPictures, Display } from "./display.js";
import { browserPace, persist, ServerError } from "./retry.js";
import { createServer } from "./server.js";

const config = pageConfig();
const server = createServer(config.csrf_token);

async function fill() {
  const grid = element(".examples");
  const note = element("[data-note=trouble]");
  const load = () => server.bytes(config.urls.examples);
  const bytes = await persist(load, browserPace, (failures) => (note.hidden = failures < 2));
  const pictures = await decodedPictures(bytes, config);
  const canvases = pictures.map((picture) => {
    const canvas = document.createElement("canvas");
    const display = new Display(canvas, config, config.mask_gray);
    display.fit(grid.clientWidth);
    display.picture(picture);
    return canvas;
  });
  grid.replaceChildren(...canvases);
  grid.removeAttribute("aria-busy");
}

fill().catch((error) => {
  const note = element("[data-note=refused]");
  if (error instanceof ServerError && error.message) note.textContent = error.message;
  note.hidden = false;
});
