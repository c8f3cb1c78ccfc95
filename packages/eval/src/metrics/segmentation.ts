/**
 * Mean intersection over union, the metric of Pascal VOC's segmentation: places of a picture, judged by the class of each
 * (Everingham et al., "The Pascal Visual Object Classes Challenge: A Retrospective", 2015, section 3.3). Scores of a coarser
 * grid are interpolated to the places first, corners on corners, as DeepLab does.
 */

import type { Tensor, TensorOf } from '@featherwire/tensor';
import { type ClassMap, IGNORED_CLASS } from '../data/data-set.js';
import type { ClassOverlap, Ratio } from './ratio.js';

/** Most classes of a map, all but the one that is ignored. */
const MAX_CLASSES = IGNORED_CLASS;

/**
 * How far the classes of a picture are met: hits over judged places, and by class what the mean takes.
 * @param output - float32 [1, K, h, w], scores of a grid over all of the picture; or integers [1, H, W] or [1, 1, H, W], classes
 * @param truth - H × W places; those of `IGNORED_CLASS` are not judged
 * @throws {TypeError} if the output has another form
 */
export function segmentationOverlap(output: Tensor, truth: ClassMap): Ratio {
  const found =
    output.dtype === 'float32' ? classesOfScores(output, truth) : classesOfIntegers(output, truth);
  const size = output.dtype === 'float32' ? output.shape[1] : MAX_CLASSES;
  const counts = Array.from({ length: size }, () => ({ shared: 0, found: 0, expected: 0 }));
  let hits = 0;
  let judged = 0;
  for (const [place, expected] of truth.classes.entries()) {
    if (expected === IGNORED_CLASS) continue;
    judged++;
    if (found[place] === expected) hits++;
    if (found[place] < size) counts[found[place]].found++;
    // A class that the network does not know is expected all the same, and never found.
    counts[expected] ??= { shared: 0, found: 0, expected: 0 };
    counts[expected].expected++;
    if (found[place] === expected) counts[expected].shared++;
  }
  const classes = Array.from(counts, (own): ClassOverlap => {
    const { shared, found: foundCount, expected } = own ?? { shared: 0, found: 0, expected: 0 };
    return { shared, union: foundCount + expected - shared, expected };
  });
  return { numerator: hits, denominator: judged, classes };
}

/** The best class at each place; of equal scores the lower class. */
function classesOfScores({ shape, data }: TensorOf<'float32'>, { width, height }: ClassMap): Uint8Array {
  const [samples, classCount, rows, columns] = shape;
  if (shape.length !== 4 || samples !== 1 || classCount > MAX_CLASSES)
    throw wrongForm('float32', shape, `float32 [1, K, h, w] of at most ${MAX_CLASSES} classes`);
  const best = new Uint8Array(width * height);
  // In arrays of numbers: this is looked up for each class at each place.
  const neighbors = Array.from({ length: width }, (_, x) => between(x, width, columns));
  const lefts = Uint32Array.from(neighbors, ([left]) => left);
  const rights = Uint32Array.from(neighbors, ([, right]) => right);
  const parts = Float64Array.from(neighbors, ([, , part]) => part);
  const bestScores = new Float64Array(width);
  const line = new Float64Array(columns);
  for (let y = 0; y < height; y++) {
    const [above, below, share] = between(y, height, rows);
    bestScores.fill(Number.NEGATIVE_INFINITY);
    for (let k = 0; k < classCount; k++) {
      const start = k * rows * columns;
      for (let column = 0; column < columns; column++)
        line[column] =
          data[start + above * columns + column] * (1 - share) +
          data[start + below * columns + column] * share;
      for (let x = 0; x < width; x++) {
        const score = line[lefts[x]] * (1 - parts[x]) + line[rights[x]] * parts[x];
        if (score > bestScores[x]) {
          bestScores[x] = score;
          best[y * width + x] = k;
        }
      }
    }
  }
  return best;
}

/** The two neighbors of a place on a coarser grid whose ends lie on the ends, and the share of the second. */
function between(
  place: number,
  places: number,
  cells: number,
): [first: number, second: number, share: number] {
  const at = places > 1 ? (place * (cells - 1)) / (places - 1) : 0;
  const first = Math.floor(at);
  return [first, Math.min(cells - 1, first + 1), at - first];
}

function classesOfIntegers({ dtype, shape, data }: Tensor, { width, height }: ClassMap): Uint8Array {
  const isMap = shape.length === 3 || (shape.length === 4 && shape[1] === 1);
  const isWhole = dtype === 'int32' || dtype === 'int64' || dtype === 'uint8';
  if (!isMap || !isWhole || shape[0] !== 1 || shape.at(-2) !== height || shape.at(-1) !== width)
    throw wrongForm(dtype, shape, `float32 [1, K, h, w] or integers [1, ${height}, ${width}]`);
  return Uint8Array.from<number | bigint>(data as ArrayLike<number | bigint>, Number);
}

function wrongForm(dtype: string, shape: readonly number[], expected: string): TypeError {
  return new TypeError(`output expected ${expected}, got ${dtype} [${shape.join(', ')}]`);
}
