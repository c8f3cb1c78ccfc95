/** Rows of small pictures side by side as one, to look at. */

import type { Pixels } from '@featherwire/bundle';

const GAP = 2;
const WHITE = 255;

/**
 * One picture of all, each pixel `scale` wide and high.
 * @param rows - of equally many pictures of one size and number of channels, at least one
 */
export function pictureSheet(rows: readonly (readonly Pixels[])[], scale: number): Pixels {
  const [[{ width, height, channels }]] = rows;
  const step = { x: scale * width + GAP, y: scale * height + GAP };
  const sheet = { width: rows[0].length * step.x - GAP, height: rows.length * step.y - GAP, channels };
  const data = new Uint8Array(sheet.width * sheet.height * channels).fill(WHITE);
  for (const [row, pictures] of rows.entries()) {
    for (const [column, picture] of pictures.entries()) {
      for (let y = 0; y < scale * height; y++) {
        for (let x = 0; x < scale * width; x++) {
          const from = (Math.floor(y / scale) * width + Math.floor(x / scale)) * channels;
          const to = ((row * step.y + y) * sheet.width + column * step.x + x) * channels;
          for (let channel = 0; channel < channels; channel++)
            data[to + channel] = picture.data[from + channel];
        }
      }
    }
  }
  return { ...sheet, data };
}
