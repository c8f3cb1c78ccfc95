/**
 * Blocks of cosines (bitstream.md §4.3): each plane of a tensor is cut into square blocks, and the quantizer works on the
 * coefficients of their two-dimensional cosine transform. Smooth maps have few coefficients that matter, and an error in one
 * is spread over its block.
 *
 * The matrices are the integer approximations of the discrete cosine transform of ITU-T H.265 §8.6.4.2: the way back is
 * a sum of products of integers, exact and the same everywhere.
 */

import type { AffineQuantizer, BlockQuantizer, ChannelBasis, FeatureGeometry, Indices } from '../stages.js';
import { channelsOfComponents, componentGeometry, componentsOfValues, WEIGHT_BITS } from './channel-basis.js';

/** Side of a block; the element itself is a block of 1. */
export type BlockSize = 1 | 2 | 4 | 8;

/** Rows are the frequencies; row k times row l is 64² times the size for k = l, nearly, and 0 else. */
const MATRICES: Record<BlockSize, readonly (readonly number[])[]> = {
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
export function squaredLength(blockSize: number): number {
  return UNIT * UNIT * blockSize;
}

/** Levels around 0 as the affine quantizer of coefficients. */
export function affineOfBlocks({ levelCount, step }: BlockQuantizer): AffineQuantizer {
  return { levelCount, offset: 0, step, zeroPoint: (levelCount - 1) / 2 };
}

/**
 * Geometry of the coefficients: a plane for each frequency, frequencies row by row, and in it the blocks of all planes of
 * the tensor, one plane below the other. Blocks at the right and lower edges may reach beyond the plane.
 */
export function blockGeometry(
  { planes, rows, columns }: FeatureGeometry,
  blockSize: BlockSize,
): FeatureGeometry {
  return {
    planes: blockSize * blockSize,
    rows: planes * Math.ceil(rows / blockSize),
    columns: Math.ceil(columns / blockSize),
  };
}

/** The same of what a quantizer of blocks works on, planes or components. @param geometry - of the tensor */
export function geometryOfBlocks(
  geometry: FeatureGeometry,
  { blockSize, basis }: Pick<BlockQuantizer, 'blockSize' | 'basis'>,
): FeatureGeometry {
  return blockGeometry(componentGeometry(geometry, basis), blockSize);
}

/** Coefficients of a tensor or of its components, unquantized, in the order of `geometryOfBlocks`. */
export function coefficientsOfBlocks(
  values: Float32Array,
  geometry: FeatureGeometry,
  { blockSize, basis }: Pick<BlockQuantizer, 'blockSize' | 'basis'>,
): Float32Array {
  const source = basis ? componentsOfValues(values, geometry, basis) : values;
  return coefficientsOfValues(source, componentGeometry(geometry, basis), blockSize);
}

/**
 * Coefficients of a tensor, unquantized. Blocks that reach beyond a plane repeat its last row and column.
 * @param values - as many as `geometry` says; finite
 * @returns float32 values in the order of `blockGeometry`
 */
export function coefficientsOfValues(
  values: Float32Array,
  geometry: FeatureGeometry,
  blockSize: BlockSize,
): Float32Array {
  const { rows, columns } = geometry;
  const blocks = blockGeometry(geometry, blockSize);
  const coefficients = new Float32Array(blocks.planes * blocks.rows * blocks.columns);
  const matrix = MATRICES[blockSize];
  const block = new Float64Array(blockSize * blockSize);
  const half = new Float64Array(blockSize * blockSize);
  forEachBlock(geometry, blockSize, (plane, row, column, first, stride) => {
    for (let i = 0; i < blockSize; i++) {
      const y = Math.min(row + i, rows - 1);
      for (let j = 0; j < blockSize; j++) {
        const x = Math.min(column + j, columns - 1);
        block[i * blockSize + j] = values[(plane * rows + y) * columns + x];
      }
    }
    multiply(matrix, block, half, false);
    multiply(matrix, half, block, false);
    for (let k = 0; k < block.length; k++)
      coefficients[first + k * stride] = block[k] / squaredLength(blockSize);
  });
  return coefficients;
}

/**
 * Values of a tensor from the indices of its coefficients.
 * @param indices - in the order of `geometryOfBlocks`, each below `levelCount`
 * @param geometry - of the tensor
 */
export function valuesOfCoefficients(
  indices: Indices,
  geometry: FeatureGeometry,
  { blockSize, levelCount, step, isRectified, basis }: BlockQuantizer,
): Float32Array {
  const zeroPoint = (levelCount - 1) / 2;
  const scale = Math.fround(step / squaredLength(blockSize) / (basis ? 2 ** WEIGHT_BITS : 1));
  const valueFrom = (sum: number): number => {
    const value = Math.fround(Math.fround(sum) * scale);
    return isRectified && value < 0 ? 0 : value;
  };
  if (basis) return valuesOfComponents(indices, geometry, { blockSize, zeroPoint, basis }, valueFrom);
  return sumsOfBlocks(geometry, blockSize, (at) => indices[at] - zeroPoint, valueFrom);
}

/** Values of the channels from indices of components, block by block: few coefficients are not 0. */
function valuesOfComponents(
  indices: Indices,
  geometry: FeatureGeometry,
  { blockSize, zeroPoint, basis }: { blockSize: BlockSize; zeroPoint: number; basis: ChannelBasis },
  valueFrom: (sum: number) => number,
): Float32Array {
  const { planes, rows, columns } = geometry;
  const { channelCount, componentCount } = basis;
  const values = new Float32Array(planes * rows * columns);
  const block = new Float64Array(blockSize * blockSize);
  const channels = new Float64Array(block.length * channelCount);
  const sets = planes / channelCount;
  // The blocks of one plane in each set stand for those of all its channels.
  forEachBlock({ ...geometry, planes: sets }, blockSize, (set, row, column, number, blocksOfSets) => {
    const componentStride = blocksOfSets / sets;
    const first = set * componentCount * componentStride + (number % componentStride);
    const frequencyStride = componentCount * blocksOfSets;
    channelsOfComponents(indices, { first, frequencyStride, componentStride }, zeroPoint, basis, channels);
    for (let channel = 0; channel < channelCount; channel++) {
      for (let k = 0; k < block.length; k++) block[k] = channels[k * channelCount + channel];
      restoreBlock(values, geometry, block, { plane: set * channelCount + channel, row, column }, valueFrom);
    }
  });
  return values;
}

/**
 * Values from the integer sums of the way back.
 * @param integerAt - of each coefficient, in the order of `blockGeometry`
 * @param valueFrom - of a sum in a plane, a float32 number
 */
export function sumsOfBlocks(
  geometry: FeatureGeometry,
  blockSize: BlockSize,
  integerAt: (at: number) => number,
  valueFrom: (sum: number, plane: number) => number,
): Float32Array {
  const { planes, rows, columns } = geometry;
  const values = new Float32Array(planes * rows * columns);
  const block = new Float64Array(blockSize * blockSize);
  forEachBlock(geometry, blockSize, (plane, row, column, first, stride) => {
    for (let k = 0; k < block.length; k++) block[k] = integerAt(first + k * stride);
    restoreBlock(values, geometry, block, { plane, row, column }, valueFrom);
  });
  return values;
}

/** Values of a block from its coefficients, which are overwritten, as far as it lies in its plane. */
function restoreBlock(
  values: Float32Array,
  { rows, columns }: FeatureGeometry,
  block: Float64Array,
  { plane, row, column }: { plane: number; row: number; column: number },
  valueFrom: (sum: number, plane: number) => number,
): void {
  const blockSize = Math.sqrt(block.length) as BlockSize;
  const matrix = MATRICES[blockSize];
  const half = new Float64Array(block.length);
  multiply(matrix, block, half, true);
  multiply(matrix, half, block, true);
  for (let i = 0; i < blockSize && row + i < rows; i++) {
    for (let j = 0; j < blockSize && column + j < columns; j++)
      values[(plane * rows + row + i) * columns + column + j] = valueFrom(block[i * blockSize + j], plane);
  }
}

/** Each block with its place in the planes, its first coefficient, and the distance of its coefficients. */
function forEachBlock(
  geometry: FeatureGeometry,
  blockSize: BlockSize,
  visit: (plane: number, row: number, column: number, first: number, stride: number) => void,
): void {
  const { rows, columns } = blockGeometry(geometry, blockSize);
  const rowsOfPlane = rows / geometry.planes;
  for (let row = 0; row < rows; row++) {
    const plane = Math.floor(row / rowsOfPlane);
    for (let column = 0; column < columns; column++) {
      const top = (row - plane * rowsOfPlane) * blockSize;
      visit(plane, top, column * blockSize, row * columns + column, rows * columns);
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
