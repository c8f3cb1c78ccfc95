/** The planes of a feature side by side in one gray picture, as picture and video coders take them. */

import type { Shape } from '@featherwire/tensor';

/** Where the planes of a feature lie in their picture. */
export interface Tiling {
  readonly width: number;
  readonly height: number;
  /** For each element of the feature, its place in the picture. */
  readonly places: Uint32Array;
}

/**
 * A picture as square as the planes allow, from the left and the top. The rest of the last row of planes holds nothing.
 * @param shape - [1, …, rows, columns] with at least two dimensions, none of them 0; one of [1, C] is a picture of one row
 * @throws {RangeError} if there is no plane
 */
export function tilePlanes(shape: Shape): Tiling {
  const [rows, columns] = shape.slice(-2);
  const planeCount = shape.slice(0, -2).reduce((product, dimension) => product * dimension, 1);
  if (!(shape.length >= 2 && planeCount * rows * columns > 0))
    throw new RangeError(`shape expected planes of rows and columns, got [${shape.join(', ')}]`);
  const across = Math.min(planeCount, Math.ceil(Math.sqrt((planeCount * rows) / columns)));
  const width = across * columns;
  const planeSize = rows * columns;
  const places = Uint32Array.from({ length: planeCount * planeSize }, (_, i) => {
    const plane = Math.floor(i / planeSize);
    const row = Math.floor((i % planeSize) / columns) + Math.floor(plane / across) * rows;
    return row * width + (plane % across) * columns + (i % columns);
  });
  return { width, height: Math.ceil(planeCount / across) * rows, places };
}

/** Writes the codes of a feature into `picture` and returns it; places of no element stay as they are. */
export function drawTiles<Picture extends Uint8Array | Uint16Array>(
  codes: ArrayLike<number>,
  { places }: Tiling,
  picture: Picture,
): Picture {
  for (let i = 0; i < places.length; i++) picture[places[i]] = codes[i];
  return picture;
}

/** The codes of a feature from its picture. */
export function readTiles(picture: ArrayLike<number>, { places }: Tiling): Uint16Array {
  return Uint16Array.from(places, (place) => picture[place]);
}
