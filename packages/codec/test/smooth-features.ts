/** Indices with neighbors that are alike, as those of feature maps are, and tensors of such. */

import { createRandom, type TensorOf } from '@featherwire/tensor';
import type { FeatureGeometry, IndexAlphabet } from '../src/index.js';

/** Geometry, alphabet, and indices that fit them. */
export interface IndexedCase {
  readonly geometry: FeatureGeometry;
  readonly alphabet: IndexAlphabet;
  readonly indices: Uint8Array;
}

/** Smooth planes of channels of unlike activity. @param background - 0 for rectified features */
export function smoothIndices(
  geometry: FeatureGeometry,
  alphabet: IndexAlphabet,
  seed: number,
  channels = geometry.planes,
): IndexedCase {
  const { planes, rows, columns } = geometry;
  const { levelCount, background } = alphabet;
  const random = createRandom(seed);
  const indices = new Uint8Array(planes * rows * columns);
  let at = 0;
  for (let plane = 0; plane < planes; plane++) {
    const scale = (levelCount / 3) * (0.2 + ((plane % channels) * 7) / (7 * channels));
    let above = new Float32Array(columns);
    for (let row = 0; row < rows; row++) {
      const values = new Float32Array(columns);
      for (let column = 0; column < columns; column++) {
        const left = column > 0 ? values[column - 1] : 0;
        values[column] = 0.5 * left + 0.4 * above[column] + 0.5 * random.nextNormal();
        const index = background + Math.round(values[column] * scale);
        indices[at++] = Math.min(levelCount - 1, Math.max(0, index));
      }
      above = values;
    }
  }
  return { geometry, alphabet, indices };
}

/** Indices of channels in each of which neighbors tell something else: one of three is smooth, the others are noise. */
export function unlikeIndices(geometry: FeatureGeometry, alphabet: IndexAlphabet, seed: number): IndexedCase {
  const { indices } = smoothIndices(geometry, alphabet, seed);
  const planeSize = geometry.rows * geometry.columns;
  const random = createRandom(seed + 1_000);
  for (let at = 0; at < indices.length; at++) {
    const kind = Math.floor(at / planeSize) % 3;
    const isRare = kind === 1 && random.nextInteger(8) > 0;
    if (kind > 0) indices[at] = isRare ? alphabet.background : random.nextInteger(alphabet.levelCount);
  }
  return { geometry, alphabet, indices };
}

/** A float32 tensor whose quantizer of `levelCount` levels from 0 to `levelCount - 1` gives smooth indices back. */
export function smoothFeature(
  shape: readonly number[],
  levelCount: number,
  seed: number,
): TensorOf<'float32'> {
  const [columns, rows] = [shape.at(-1) ?? 1, shape.at(-2) ?? 1];
  const planes = shape.slice(0, -2).reduce((product, dimension) => product * dimension, 1);
  const { indices } = smoothIndices({ planes, rows, columns }, { levelCount, background: 0 }, seed);
  return { dtype: 'float32', shape: [...shape], data: Float32Array.from(indices) };
}

/** Any indices at all. */
export function anyIndices(count: number, levelCount: number, seed: number): Uint8Array {
  const random = createRandom(seed);
  return Uint8Array.from({ length: count }, () => random.nextInteger(levelCount));
}
