/**
 * Rebuilds pictures from features by a linear convolution: the patch of the picture that a cell of the feature stands for
 * differs from the mean picture by a linear function of how the cells around it differ from the mean feature. The function is
 * that of least squares with a small ridge, on cells drawn by the seed. What it rebuilds is a lower bound of what a feature
 * gives away: a deeper decoder rebuilds more.
 */

import type { Pixels } from '@featherwire/bundle';
import { createRandom } from '@featherwire/tensor';
import type { Feature } from '../baselines/features/feature-coder.js';
import { addEquation, createNormalEquations, leastSquares } from '../least-squares.js';

/** A feature with the picture that it was made of. */
export interface PicturedFeature {
  /** [1, C, h, w]. */
  readonly feature: Feature;
  /** Of the size of the network's input: sides are multiples of h and w. */
  readonly picture: Pixels;
}

/** What is fitted. */
export interface InversionOptions {
  readonly seed: number;
  /** Cells that the fit sees at most, drawn from all; 20,000 by default. */
  readonly maxEquations?: number;
}

/** From a feature to a picture. */
export interface Inversion {
  /** What is predicted without any feature. */
  readonly meanPicture: Pixels;
  /** Side of the window of cells. */
  readonly windowSide: number;
  rebuild(feature: Feature): Pixels;
}

const MAX_EQUATIONS = 20_000;
/** Windows are as large as this many inputs allow, at most `LARGEST_WINDOW`. */
const MAX_INPUTS = 640;
const LARGEST_WINDOW = 5;

/**
 * Fits an inversion.
 * @param samples - at least one; all of one shape, none of which should be measured
 * @throws {RangeError} if a feature is no map of cells that divide the picture
 */
export function fitInversion(samples: readonly PicturedFeature[], options: InversionOptions): Inversion {
  const [{ feature, picture }] = samples;
  const cells = cellsOf(feature, picture);
  const meanPicture = meanPictureOf(samples.map((sample) => sample.picture));
  const meanFeature = meanOf(samples.map((sample) => sample.feature.data));
  const x = new Float64Array(cells.inputs);
  const y = new Float64Array(cells.targets);
  const equations = createNormalEquations(cells.inputs, cells.targets);
  const total = samples.length * cells.rows * cells.columns;
  const share = Math.min(1, (options.maxEquations ?? MAX_EQUATIONS) / total);
  const random = createRandom(options.seed);
  for (const sample of samples) {
    const differences = differencesOf(sample.feature, meanFeature);
    for (let row = 0; row < cells.rows; row++) {
      for (let column = 0; column < cells.columns; column++) {
        if (share < 1 && random.nextUniform() >= share) continue;
        readWindow(differences, cells, row, column, x);
        forPatch(cells, row, column, (at, target) => {
          y[target] = sample.picture.data[at] - meanPicture.data[at];
        });
        addEquation(equations, x, y);
      }
    }
  }
  const weights = leastSquares(equations);
  return {
    meanPicture,
    windowSide: cells.windowSide,
    rebuild: (each) => rebuild(differencesOf(each, meanFeature), cells, weights, meanPicture),
  };
}

/** How the cells of a feature lie over a picture. */
interface Cells {
  readonly channels: number;
  readonly rows: number;
  readonly columns: number;
  readonly windowSide: number;
  /** Values of a window, and a 1. */
  readonly inputs: number;
  readonly patchRows: number;
  readonly patchColumns: number;
  readonly pictureWidth: number;
  readonly pictureChannels: number;
  /** Values of a patch. */
  readonly targets: number;
}

function cellsOf({ shape }: Feature, { width, height, channels: pictureChannels }: Pixels): Cells {
  const [, channels, rows, columns] = shape;
  if (shape.length !== 4 || height % rows !== 0 || width % columns !== 0)
    throw new RangeError(
      `feature expected cells that divide ${height} x ${width}, got [${shape.join(', ')}]`,
    );
  let windowSide = LARGEST_WINDOW;
  while (windowSide > 1 && channels * windowSide ** 2 > MAX_INPUTS) windowSide -= 2;
  const [patchRows, patchColumns] = [height / rows, width / columns];
  return {
    ...{ channels, rows, columns, windowSide, inputs: channels * windowSide ** 2 + 1 },
    ...{ patchRows, patchColumns, pictureWidth: width, pictureChannels },
    targets: patchRows * patchColumns * pictureChannels,
  };
}

/** Values around a cell, 0 beyond the edges, and a last 1. */
function readWindow(data: Float32Array, cells: Cells, row: number, column: number, x: Float64Array): void {
  const { channels, rows, columns, windowSide } = cells;
  const radius = (windowSide - 1) / 2;
  let at = 0;
  for (let channel = 0; channel < channels; channel++) {
    for (let r = row - radius; r <= row + radius; r++) {
      for (let c = column - radius; c <= column + radius; c++) {
        const isInside = r >= 0 && r < rows && c >= 0 && c < columns;
        x[at++] = isInside ? data[(channel * rows + r) * columns + c] : 0;
      }
    }
  }
  x[at] = 1;
}

/** Calls for each value of a cell's patch with its place in the picture and its number in the patch. */
function forPatch(
  cells: Cells,
  row: number,
  column: number,
  visit: (at: number, target: number) => void,
): void {
  const { patchRows, patchColumns, pictureWidth, pictureChannels } = cells;
  let target = 0;
  for (let r = 0; r < patchRows; r++) {
    const start = ((row * patchRows + r) * pictureWidth + column * patchColumns) * pictureChannels;
    for (let i = 0; i < patchColumns * pictureChannels; i++) visit(start + i, target++);
  }
}

function rebuild(
  differences: Float32Array,
  cells: Cells,
  weights: Float64Array,
  meanPicture: Pixels,
): Pixels {
  const x = new Float64Array(cells.inputs);
  const y = new Float64Array(cells.targets);
  const data = new Uint8ClampedArray(meanPicture.data.length);
  for (let row = 0; row < cells.rows; row++) {
    for (let column = 0; column < cells.columns; column++) {
      readWindow(differences, cells, row, column, x);
      y.fill(0);
      for (let i = 0; i < cells.inputs; i++) {
        if (x[i] === 0) continue;
        for (let t = 0; t < cells.targets; t++) y[t] += x[i] * weights[i * cells.targets + t];
      }
      forPatch(cells, row, column, (at, target) => {
        data[at] = meanPicture.data[at] + y[target];
      });
    }
  }
  return { ...meanPicture, data };
}

function differencesOf({ data }: Feature, mean: Float64Array): Float32Array {
  return data.map((value, i) => value - mean[i]);
}

function meanPictureOf(pictures: readonly Pixels[]): Pixels {
  return { ...pictures[0], data: Uint8ClampedArray.from(meanOf(pictures.map(({ data }) => data))) };
}

function meanOf(list: readonly ArrayLike<number>[]): Float64Array {
  const sums = new Float64Array(list[0].length);
  for (const values of list) for (let i = 0; i < sums.length; i++) sums[i] += values[i];
  return sums.map((sum) => sum / list.length);
}
