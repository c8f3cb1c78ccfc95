/**
 * Linear probes (Alain and Bengio, "Understanding intermediate layers using linear classifier probes", 2016): how well classes
 * are told by a linear map of features that a network computes and was not trained for. The map is ridge regression on the
 * classes as unit vectors, which has one solution and needs no steps; its price of weights is chosen on samples held out.
 */

import { indexOfLargest } from '@featherwire/bundle';
import { type TensorOf, tensor } from '@featherwire/tensor';
import { addEquation, createNormalEquations, leastSquares, type NormalEquations } from '../least-squares.js';
import { bootstrapRatio, type Estimate } from '../metrics/bootstrap.js';

/** A sample as the network sees it, with its class. */
export interface ProbeSample {
  /** Of the same length for all samples. */
  readonly features: Float32Array;
  /** From 0. */
  readonly label: number;
}

/** A fitted map to the scores of classes. */
export interface LinearProbe {
  /** [features, classes] */
  readonly weights: TensorOf<'float32'>;
  /** [classes] */
  readonly bias: TensorOf<'float32'>;
  /** The price of squared weights that was chosen, as `leastSquares` takes it. */
  readonly ridgeShare: number;
  /** Top-1 accuracy on the samples held out, which the price was chosen on. */
  readonly heldOut: Estimate;
}

/** How to fit. */
export interface LinearProbeOptions {
  /** Of the intervals; 1 by default. */
  readonly seed?: number;
}

/** Prices that are tried, from none to strong. */
const RIDGE_SHARES = [1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1];
/** Every so many samples one is held out while the price is chosen; the map itself is fitted to all. */
const HELD_OUT_STRIDE = 5;
/** Features that vary less, in parts of their largest deviation, are taken for constant. */
const LEAST_DEVIATION = 1e-6;

/**
 * Fits a probe.
 * @param samples - in random order, at least five of them
 * @param classCount - above every label
 * @throws {RangeError} if there are too few samples, lengths differ, a label is out of range, or all features are constant
 */
export function fitLinearProbe(
  samples: readonly ProbeSample[],
  classCount: number,
  { seed = 1 }: LinearProbeOptions = {},
): LinearProbe {
  checkSamples(samples, classCount);
  const fitted = samples.filter((_, i) => (i + 1) % HELD_OUT_STRIDE !== 0);
  const heldOut = samples.filter((_, i) => (i + 1) % HELD_OUT_STRIDE === 0);
  const equations = equationsOf(fitted, classCount);
  const tried = RIDGE_SHARES.map((ridgeShare) => {
    const map = mapOf(equations, ridgeShare);
    const hits = heldOut.map((sample) => ({ numerator: isHit(sample, map) ? 1 : 0, denominator: 1 }));
    return { ridgeShare, hits, count: hits.reduce((sum, { numerator }) => sum + numerator, 0) };
  });
  // Of equal prices the stronger one generalizes no worse.
  const best = tried.reduce((chosen, next) => (next.count >= chosen.count ? next : chosen));
  const { weights, bias } = mapOf(equationsOf(samples, classCount), best.ridgeShare);
  return { weights, bias, ridgeShare: best.ridgeShare, heldOut: bootstrapRatio(best.hits, { seed }) };
}

type LinearMap = Pick<LinearProbe, 'weights' | 'bias'>;

/** Sums over standardized features, the last unknown being the constant. */
interface ProbeEquations {
  readonly equations: NormalEquations;
  readonly mean: Float64Array;
  /** 1 over the deviation; 0 for constant features. */
  readonly scale: Float64Array;
}

function equationsOf(samples: readonly ProbeSample[], classCount: number): ProbeEquations {
  const { length } = samples[0].features;
  const { mean, scale } = momentsOf(samples, length);
  const equations = createNormalEquations(length + 1, classCount);
  const x = new Float64Array(length + 1);
  const y = new Float64Array(classCount);
  x[length] = 1;
  for (const { features, label } of samples) {
    for (let i = 0; i < length; i++) x[i] = (features[i] - mean[i]) * scale[i];
    y.fill(0);
    y[label] = 1;
    addEquation(equations, x, y);
  }
  return { equations, mean, scale };
}

function momentsOf(samples: readonly ProbeSample[], length: number): Pick<ProbeEquations, 'mean' | 'scale'> {
  const mean = new Float64Array(length);
  const deviation = new Float64Array(length);
  for (const { features } of samples) for (let i = 0; i < length; i++) mean[i] += features[i];
  for (let i = 0; i < length; i++) mean[i] /= samples.length;
  for (const { features } of samples)
    for (let i = 0; i < length; i++) deviation[i] += (features[i] - mean[i]) ** 2;
  for (let i = 0; i < length; i++) deviation[i] = Math.sqrt(deviation[i] / samples.length);
  const largest = deviation.reduce((most, each) => Math.max(most, each), 0);
  if (!(largest > 0)) throw new RangeError('features expected some that vary, got none');
  return { mean, scale: deviation.map((each) => (each > LEAST_DEVIATION * largest ? 1 / each : 0)) };
}

/** The map on features as they are: means and deviations are part of it. */
function mapOf({ equations, mean, scale }: ProbeEquations, ridgeShare: number): LinearMap {
  const { unknowns, targets } = equations;
  const solved = leastSquares(equations, ridgeShare);
  const length = unknowns - 1;
  const weights = new Float32Array(length * targets);
  const bias = Float64Array.from(solved.subarray(length * targets));
  for (let i = 0; i < length; i++) {
    for (let k = 0; k < targets; k++) {
      const weight = solved[i * targets + k] * scale[i];
      weights[i * targets + k] = weight;
      bias[k] -= weight * mean[i];
    }
  }
  return {
    weights: tensor('float32', [length, targets], weights),
    bias: tensor('float32', [targets], Float32Array.from(bias)),
  };
}

function isHit({ features, label }: ProbeSample, { weights, bias }: LinearMap): boolean {
  const scores = bias.data.slice();
  const { length } = scores;
  for (let i = 0; i < features.length; i++)
    for (let k = 0; k < length; k++) scores[k] += features[i] * weights.data[i * length + k];
  return indexOfLargest(scores, 0, length) === label;
}

function checkSamples(samples: readonly ProbeSample[], classCount: number): void {
  if (samples.length < HELD_OUT_STRIDE)
    throw new RangeError(`samples expected at least ${HELD_OUT_STRIDE}, got ${samples.length}`);
  const [{ features: first }] = samples;
  for (const { features, label } of samples) {
    if (features.length !== first.length)
      throw new RangeError(`features expected ${first.length} elements, got ${features.length}`);
    if (!Number.isInteger(label) || label < 0 || label >= classCount)
      throw new RangeError(`label expected 0 to ${classCount - 1}, got ${label}`);
  }
}
