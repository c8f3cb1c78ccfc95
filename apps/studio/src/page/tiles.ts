/** Sheets of channel maps on canvases, in colors that go from dark to light as values do. */

import type { TileSheet } from '../messages.js';

/** From the lowest to the highest value; even steps in lightness. */
const STOPS = [
  [13, 12, 46],
  [44, 30, 111],
  [62, 73, 150],
  [38, 121, 158],
  [32, 163, 135],
  [109, 203, 89],
  [212, 226, 76],
  [253, 246, 196],
] as const;
const COLORS = colorTable();

/** Color of each shade as the canvas stores it: a word with red in its lowest byte, on every machine that browsers run on. */
function colorTable(): Uint32Array {
  const table = new Uint32Array(256);
  for (let shade = 0; shade < 256; shade++) {
    const at = (shade / 255) * (STOPS.length - 1);
    const below = Math.min(STOPS.length - 2, Math.floor(at));
    const [red, green, blue] = STOPS[below].map(
      (from, c) => from + (at - below) * (STOPS[below + 1][c] - from),
    );
    table[shade] = ((255 << 24) | (blue << 16) | (green << 8) | red) >>> 0;
  }
  return table;
}

/** Draws a sheet, a pixel for each element, which styles enlarge; gaps between tiles stay transparent. */
export function drawTiles(canvas: HTMLCanvasElement, { width, height, shades, mask }: TileSheet): void {
  const image = new ImageData(width, height);
  const words = new Uint32Array(image.data.buffer);
  for (let i = 0; i < shades.length; i++) words[i] = mask[i] === 1 ? COLORS[shades[i]] : 0;
  canvas.width = width;
  canvas.height = height;
  canvas.getContext('2d')!.putImageData(image, 0, 0);
}
