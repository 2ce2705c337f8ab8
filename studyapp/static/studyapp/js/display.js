/** The place where pictures appear: one canvas, drawn once a change. */

const CROSS_INK = "#1c1c1c";
const CROSS_ARM_CSS_PX = 10;
const CROSS_WIDTH_CSS_PX = 3;

/**
 * Device pixels a side for a picture as long as its layout says. Without smoothing a picture pixel covers a whole
 * number of device pixels, else some would be wider than others.
 * @param {Layout} layout
 * @param {number} pixel_ratio
 * @param {number} longest_css_px room on the page
 */
export function deviceSize(layout, pixel_ratio, longest_css_px) {
  const { width_px, height_px, size_css_px, size_device_px, smoothing } = layout;
  const longer_px = Math.max(width_px, height_px);
  const room = (longest_css_px * pixel_ratio) / longer_px;
  const wished = Math.min((size_device_px ?? size_css_px * pixel_ratio) / longer_px, room);
  const whole = Math.min(Math.round(wished), Math.floor(room));
  const scale = smoothing ? wished : Math.max(1, whole);
  return { width: Math.round(width_px * scale), height: Math.round(height_px * scale) };
}

/**
 * Pictures ready to be drawn.
 * @param {Uint8Array} bytes raw RGB8 records, one after the other
 * @param {Layout} layout
 */
export function decodedPictures(bytes, { width_px, height_px }) {
  const n_pixels = width_px * height_px;
  return Promise.all(
    Array.from({ length: bytes.length / (3 * n_pixels) }, (_, picture) => {
      const image = new ImageData(width_px, height_px);
      for (let pixel = 0; pixel < n_pixels; pixel += 1) {
        const from = 3 * (n_pixels * picture + pixel);
        image.data.set(bytes.subarray(from, from + 3), 4 * pixel);
        image.data[4 * pixel + 3] = 255;
      }
      return createImageBitmap(image);
    }),
  );
}

export class Display {
  #canvas;
  #context;
  #layout;
  #gray;

  /** @param {HTMLCanvasElement} canvas @param {Layout} layout @param {string} gray CSS colour of the mask */
  constructor(canvas, layout, gray) {
    this.#canvas = canvas;
    this.#context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    this.#layout = layout;
    this.#gray = gray;
  }

  /** @param {number} longest_css_px room on the page */
  fit(longest_css_px) {
    const { width, height } = deviceSize(this.#layout, devicePixelRatio, longest_css_px);
    const { style } = this.#canvas;
    style.setProperty("width", `${width / devicePixelRatio}px`);
    style.setProperty("height", `${height / devicePixelRatio}px`);
    if (this.#canvas.width !== width || this.#canvas.height !== height) {
      this.#canvas.width = width;
      this.#canvas.height = height;
    }
    this.gray();
  }

  gray() {
    this.#context.fillStyle = this.#gray;
    this.#context.fillRect(0, 0, this.#canvas.width, this.#canvas.height);
  }

  cross() {
    this.gray();
    const arm = Math.round(CROSS_ARM_CSS_PX * devicePixelRatio);
    const width = Math.round(CROSS_WIDTH_CSS_PX * devicePixelRatio);
    const left = Math.round((this.#canvas.width - width) / 2);
    const top = Math.round((this.#canvas.height - width) / 2);
    this.#context.fillStyle = CROSS_INK;
    this.#context.fillRect(left - arm, top, width + 2 * arm, width);
    this.#context.fillRect(left, top - arm, width, width + 2 * arm);
  }

  /** @param {ImageBitmap} bitmap */
  picture(bitmap) {
    this.#context.imageSmoothingEnabled = this.#layout.smoothing;
    this.#context.imageSmoothingQuality = "high";
    this.#context.drawImage(bitmap, 0, 0, this.#canvas.width, this.#canvas.height);
  }
}
