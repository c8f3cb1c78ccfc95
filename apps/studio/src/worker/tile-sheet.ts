/** Planes of a tensor, side by side in one picture. */

import type { Tensor } from '@featherwire/tensor';
import type { TileSheet } from '../messages.js';

/** How a tensor is cut into planes. */
export interface PlaneGrid {
  readonly planeCount: number;
  readonly planeHeight: number;
  readonly planeWidth: number;
}

/** Planes beyond these are not shown: they would be too small to see. */
export const MAX_PLANES = 512;
const GAP = 1;
/** Height of the sheet over its width that columns are chosen for. */
const SHEET_ASPECT = 0.75;

/** The last two dimensions are a plane; a list of numbers becomes a plane as near to a square as its length allows. */
export function planeGrid(shape: readonly number[]): PlaneGrid {
  const total = shape.reduce((product, size) => product * size, 1);
  if (shape.length >= 3 && shape.at(-1)! < total) {
    const [planeHeight, planeWidth] = shape.slice(-2);
    return { planeCount: total / (planeHeight * planeWidth), planeHeight, planeWidth };
  }
  const planeWidth = Math.max(1, Math.ceil(Math.sqrt(total)));
  return { planeCount: 1, planeHeight: Math.max(1, Math.ceil(total / planeWidth)), planeWidth };
}

/**
 * Draws a tensor.
 * @param range - values that become 0 and 255; others are clamped
 */
export function tileSheet(
  { shape, data }: Tensor,
  { low, high }: { readonly low: number; readonly high: number },
): TileSheet {
  const { planeCount, planeHeight, planeWidth } = planeGrid(shape);
  const shown = Math.min(planeCount, MAX_PLANES);
  const columns = columnsFor(shown, planeHeight + GAP, planeWidth + GAP);
  const width = columns * (planeWidth + GAP) - GAP;
  const height = Math.ceil(shown / columns) * (planeHeight + GAP) - GAP;
  const shades = new Uint8Array(width * height);
  const mask = new Uint8Array(width * height);
  const scale = high > low ? 255 / (high - low) : 0;
  const planeSize = planeHeight * planeWidth;
  for (let plane = 0; plane < shown; plane++) {
    const left = (plane % columns) * (planeWidth + GAP);
    const top = Math.floor(plane / columns) * (planeHeight + GAP);
    for (let i = 0; i < planeSize; i++) {
      const from = plane * planeSize + i;
      if (from >= data.length) break;
      const to = (top + Math.floor(i / planeWidth)) * width + left + (i % planeWidth);
      shades[to] = Math.max(0, Math.min(255, Math.round((Number(data[from]) - low) * scale)));
      mask[to] = 1;
    }
  }
  return { width, height, shades, mask };
}

function columnsFor(count: number, height: number, width: number): number {
  const columns = Math.round(Math.sqrt((count * height) / (width * SHEET_ASPECT)));
  return Math.max(1, Math.min(count, columns));
}
