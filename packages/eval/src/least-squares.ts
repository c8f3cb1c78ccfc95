/** Linear least squares of several targets at once, by normal equations with a ridge and their Cholesky factor. */

/** Sums over equations; `leastSquares` solves them. */
export interface NormalEquations {
  readonly unknowns: number;
  readonly targets: number;
  /** Upper triangle of sum(x xᵀ), row-major, `unknowns ** 2`. */
  readonly gram: Float64Array;
  /** sum(x yᵀ), row-major, `unknowns * targets`. */
  readonly moments: Float64Array;
}

/** The default ridge keeps inputs that never vary from breaking the factor, and does no more. */
const RIDGE_SHARE = 1e-6;

/** Equations without any sample. */
export function createNormalEquations(unknowns: number, targets: number): NormalEquations {
  return {
    unknowns,
    targets,
    gram: new Float64Array(unknowns ** 2),
    moments: new Float64Array(unknowns * targets),
  };
}

/** Adds a sample, x of `unknowns` and y of `targets` elements. Zeros of x cost nothing. */
export function addEquation(
  { unknowns, targets, gram, moments }: NormalEquations,
  x: Float64Array,
  y: Float64Array,
): void {
  for (let i = 0; i < unknowns; i++) {
    const value = x[i];
    if (value === 0) continue;
    for (let j = i, at = i * unknowns + i; j < unknowns; j++, at++) gram[at] += value * x[j];
    for (let t = 0, at = i * targets; t < targets; t++, at++) moments[at] += value * y[t];
  }
}

/**
 * The weights of least squared error, row-major `unknowns * targets`: y is about xᵀ weights.
 * @param ridgeShare - price of squared weights, above 0, in parts of the mean of the diagonal of the sums
 * @throws {RangeError} if no sample but zeros was added
 */
export function leastSquares(
  { unknowns: n, targets, gram, moments }: NormalEquations,
  ridgeShare: number = RIDGE_SHARE,
): Float64Array {
  let trace = 0;
  for (let i = 0; i < n; i++) trace += gram[i * n + i];
  if (!(trace > 0)) throw new RangeError('equations expected inputs other than 0, got none');
  const ridge = (ridgeShare * trace) / n;
  // gram + ridge = Uᵀ U, row by row; rows above i are final when row i is made.
  const upper = gram.slice();
  for (let i = 0; i < n; i++) {
    const row = i * n;
    upper[row + i] += ridge;
    for (let k = 0; k < i; k++) {
      const factor = upper[k * n + i];
      if (factor === 0) continue;
      for (let j = i; j < n; j++) upper[row + j] -= factor * upper[k * n + j];
    }
    const scale = 1 / Math.sqrt(upper[row + i]);
    for (let j = i; j < n; j++) upper[row + j] *= scale;
  }
  const weights = moments.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) subtractRow(weights, i, k, upper[k * n + i], targets);
    scaleRow(weights, i, 1 / upper[i * n + i], targets);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) subtractRow(weights, i, k, upper[i * n + k], targets);
    scaleRow(weights, i, 1 / upper[i * n + i], targets);
  }
  return weights;
}

function subtractRow(
  matrix: Float64Array,
  row: number,
  other: number,
  factor: number,
  columns: number,
): void {
  for (let t = 0; t < columns; t++) matrix[row * columns + t] -= factor * matrix[other * columns + t];
}

function scaleRow(matrix: Float64Array, row: number, factor: number, columns: number): void {
  for (let t = 0; t < columns; t++) matrix[row * columns + t] *= factor;
}
