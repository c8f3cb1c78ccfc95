/**
 * Blocks of cosines (bitstream.md §4.3): each plane of a tensor is cut into square blocks, and the quantizer works on the
 * coefficients of their two-dimensional cosine transform. Smooth maps have few coefficients that matter, and an error in one
 * is spread over its block.
 *
 * The matrices are the integer approximations of the discrete cosine transform of ITU-T H.265 §8.6.4.2: the way back is
 * a sum of products of integers, exact and the same everywhere.
 */

import type { AffineQuantizer, BlockQuantizer, FeatureGeometry, Indices } from '../stages.js';
import { channelsOfComponents, componentGeometry, componentsOfValues, WEIGHT_BITS } from './channel-basis.js';

/** Rows are the frequencies; row k times row l is 64² times the size for k = l, nearly, and 0 else. */
const MATRICES: Record<BlockQuantizer['blockSize'], readonly (readonly number[])[]> = {
  1: [[64]],
  2: [
    [64, 64],
    [64, -64],
  ],
  4: [
    [64, 64, 64, 64],
    [83, 36, -36, -83],
    [64, -64, -64, 64],
    [36, -83, 83, -36],
  ],
  8: [
    [64, 64, 64, 64, 64, 64, 64, 64],
    [89, 75, 50, 18, -18, -50, -75, -89],
    [83, 36, -36, -83, -83, -36, 36, 83],
    [75, -18, -89, -50, 50, 89, 18, -75],
    [64, -64, -64, 64, 64, -64, -64, 64],
    [50, -89, 18, 75, -75, -18, 89, -50],
    [36, -83, 83, -36, -36, 83, -83, 36],
    [18, -50, 75, -89, 89, -75, 50, -18],
  ],
};
const UNIT = 64;

/** Square of the length of a matrix's rows. */
function squaredLength(blockSize: number): number {
  return UNIT * UNIT * blockSize;
}

/** Levels around 0 as the affine quantizer of coefficients. */
export function affineOfBlocks({ levelCount, step }: BlockQuantizer): AffineQuantizer {
  return { levelCount, offset: 0, step, zeroPoint: (levelCount - 1) / 2 };
}

/**
 * Geometry of the coefficients: a plane for each frequency, frequencies row by row, and in it the blocks of all planes of
 * the tensor, or of its components, one plane below the other. Blocks at the right and lower edges may reach beyond the plane.
 */
export function blockGeometry(
  geometry: FeatureGeometry,
  { blockSize, basis }: Pick<BlockQuantizer, 'blockSize' | 'basis'>,
): FeatureGeometry {
  const { planes, rows, columns } = componentGeometry(geometry, basis);
  return {
    planes: blockSize * blockSize,
    rows: planes * Math.ceil(rows / blockSize),
    columns: Math.ceil(columns / blockSize),
  };
}

/**
 * Coefficients of a tensor, unquantized. Blocks that reach beyond a plane repeat its last row and column.
 * @param values - as many as `geometry` says; finite
 * @returns float32 values in the order of `blockGeometry`
 */
export function coefficientsOfValues(
  values: Float32Array,
  geometry: FeatureGeometry,
  { blockSize, basis }: Pick<BlockQuantizer, 'blockSize' | 'basis'>,
): Float32Array {
  const source = basis ? componentsOfValues(values, geometry, basis) : values;
  const { planes, rows, columns } = componentGeometry(geometry, basis);
  const places = blockPlaces({ planes, rows, columns }, blockSize);
  const coefficients = new Float32Array(blockSize * blockSize * places.length);
  const matrix = MATRICES[blockSize];
  const block = new Float64Array(blockSize * blockSize);
  const half = new Float64Array(blockSize * blockSize);
  places.forEach(({ plane, top, left }, place) => {
    for (let i = 0; i < blockSize; i++) {
      const y = Math.min(top + i, rows - 1);
      for (let j = 0; j < blockSize; j++) {
        const x = Math.min(left + j, columns - 1);
        block[i * blockSize + j] = source[(plane * rows + y) * columns + x];
      }
    }
    multiply(matrix, block, half, false);
    multiply(matrix, half, block, false);
    for (let k = 0; k < block.length; k++)
      coefficients[k * places.length + place] = block[k] / squaredLength(blockSize);
  });
  return coefficients;
}

/**
 * Values of a tensor from the indices of its coefficients.
 * @param indices - in the order of `blockGeometry`, each below `levelCount`
 * @param geometry - of the tensor
 */
export function valuesOfCoefficients(
  indices: Indices,
  geometry: FeatureGeometry,
  quantizer: BlockQuantizer,
): Float32Array {
  const { blockSize, levelCount, step, basis } = quantizer;
  const { planes, rows, columns } = geometry;
  const values = new Float32Array(planes * rows * columns);
  const zeroPoint = (levelCount - 1) / 2;
  const scale = Math.fround(step / squaredLength(blockSize) / (basis ? 2 ** WEIGHT_BITS : 1));
  const block = new Float64Array(blockSize * blockSize);
  const write = (place: BlockPlace): void => writeBlock(values, block, place, geometry, quantizer, scale);
  if (!basis) {
    const places = blockPlaces(geometry, blockSize);
    places.forEach((place, first) => {
      for (let k = 0; k < block.length; k++) block[k] = indices[first + k * places.length] - zeroPoint;
      write(place);
    });
    return values;
  }
  const { channelCount, componentCount } = basis;
  const blocksOfPlane = blockPlaces({ ...geometry, planes: 1 }, blockSize);
  const frequencyStride = (planes / channelCount) * componentCount * blocksOfPlane.length;
  const channels = new Float64Array(block.length * channelCount);
  for (let plane = 0; plane < planes; plane += channelCount) {
    blocksOfPlane.forEach(({ top, left }, number) => {
      const first = (plane / channelCount) * componentCount * blocksOfPlane.length + number;
      const place = { first, frequencyStride, componentStride: blocksOfPlane.length };
      channelsOfComponents(indices, place, zeroPoint, basis, channels);
      for (let channel = 0; channel < channelCount; channel++) {
        for (let k = 0; k < block.length; k++) block[k] = channels[k * channelCount + channel];
        write({ plane: plane + channel, top, left });
      }
    });
  }
  return values;
}

/** Where a block lies: its plane, and its first row and column there. */
interface BlockPlace {
  readonly plane: number;
  readonly top: number;
  readonly left: number;
}

/** The blocks of all planes in the order of their coefficients. */
function blockPlaces(
  { planes, rows, columns }: FeatureGeometry,
  blockSize: BlockQuantizer['blockSize'],
): BlockPlace[] {
  const places: BlockPlace[] = [];
  for (let plane = 0; plane < planes; plane++) {
    for (let top = 0; top < rows; top += blockSize) {
      for (let left = 0; left < columns; left += blockSize) places.push({ plane, top, left });
    }
  }
  return places;
}

/** Values of a block from its coefficients, which are overwritten, as far as it lies in its plane. */
function writeBlock(
  values: Float32Array,
  block: Float64Array,
  { plane, top, left }: BlockPlace,
  { rows, columns }: FeatureGeometry,
  { blockSize, isRectified }: BlockQuantizer,
  scale: number,
): void {
  const matrix = MATRICES[blockSize];
  const half = new Float64Array(block.length);
  multiply(matrix, block, half, true);
  multiply(matrix, half, block, true);
  for (let i = 0; i < blockSize && top + i < rows; i++) {
    for (let j = 0; j < blockSize && left + j < columns; j++) {
      const value = Math.fround(Math.fround(block[i * blockSize + j]) * scale);
      values[(plane * rows + top + i) * columns + left + j] = isRectified && value < 0 ? 0 : value;
    }
  }
}

/**
 * The transposed product of a block with the matrix, so that applying it twice transforms both sides and restores the
 * order: `target[j][k]` is the sum over i of `matrix[k][i] · source[i][j]`, or of `matrix[i][k]` for the way back.
 */
function multiply(
  matrix: readonly (readonly number[])[],
  source: Float64Array,
  target: Float64Array,
  isInverse: boolean,
): void {
  const size = matrix.length;
  for (let j = 0; j < size; j++) {
    for (let k = 0; k < size; k++) {
      let sum = 0;
      for (let i = 0; i < size; i++) sum += (isInverse ? matrix[i][k] : matrix[k][i]) * source[i * size + j];
      target[j * size + k] = sum;
    }
  }
}
