/**
 * Proof by running that head and tail together are the whole: on seeded random inputs and on given ones. The error of
 * an output is the largest absolute difference over all runs, divided by the range (largest minus smallest value) of what
 * the whole model gives for that output over all runs.
 */

import type { ModelSession, TensorMap, ValueSpec } from '@featherwire/inference';
import {
  allocateData,
  createRandom,
  elementCount,
  float16Bits,
  float16Value,
  type RandomSource,
  shapesEqual,
  type Tensor,
  tensor,
} from '@featherwire/tensor';
import { OnnxError } from './errors.js';
import type { InputShapes } from './input-shapes.js';
import { serializeModel } from './model.js';
import type { ModelProto } from './proto/onnx_pb.js';
import type { SessionFactory } from './sessions.js';

/** A model as a message, as bytes, or as a path (for engines that know files; needed for external weights). */
export type ModelSource = ModelProto | Uint8Array | string;

/** Largest error accepted when none is given, relative to the range of the output. */
export const DEFAULT_TOLERANCE = 1e-5;

/** Integer inputs are drawn from [0, this) when no range is given: valid as indices into almost any table. */
const DEFAULT_INTEGER_BOUND = 8;

/** How the proof is made. */
export interface VerifyOptions {
  readonly sessions: SessionFactory;
  /** Inputs to run beside the random ones. Default: none. */
  readonly inputs?: readonly TensorMap[];
  /** Number of random inputs, from 0. Default 3. */
  readonly runs?: number;
  /** Seed of the random inputs. Default 1. */
  readonly seed?: number;
  /** Default `DEFAULT_TOLERANCE`. */
  readonly tolerance?: number;
  /** Shapes of random inputs with open dimensions; an open first dimension is 1 when not given. */
  readonly inputShapes?: InputShapes;
  /** Range [low, high) of random inputs by name. Default: standard normal, integers from 0 to 7. */
  readonly ranges?: Readonly<Record<string, { readonly low: number; readonly high: number }>>;
}

/** The error of one output over all runs. */
export interface OutputError {
  readonly maxAbsoluteError: number;
  /** Relative to `range`; to the magnitude of a constant output, or to 1 if that is 0. */
  readonly maxRelativeError: number;
  /** Largest minus smallest finite value of the whole model's output over all runs; 0 proves little. */
  readonly range: number;
}

/** What was run and how far apart head + tail and the whole are. */
export interface VerifyReport {
  /** Runs made, random and given ones. */
  readonly runs: number;
  readonly tolerance: number;
  /** Largest over all outputs and runs. */
  readonly maxRelativeError: number;
  readonly perOutput: Readonly<Record<string, OutputError>>;
}

/**
 * Runs head then tail against the whole.
 * @throws {OnnxError} `verification-failed` if an output is further off than the tolerance, has another shape or is
 *   missing; `shape-mismatch` if a random input has open dimensions without a given shape
 * @throws {InferenceError} if a model does not load or run
 * @throws {RangeError} if nothing would be run
 */
export async function verifySplit(
  whole: ModelSource,
  head: ModelSource,
  tail: ModelSource,
  options: VerifyOptions,
): Promise<VerifyReport> {
  const { sessions, inputs = [], runs = 3, seed = 1, tolerance = DEFAULT_TOLERANCE } = options;
  if (runs + inputs.length < 1) throw new RangeError('runs expected at least 1 or given inputs, got none');
  const opened: ModelSession[] = [];
  const open = async (model: ModelSource): Promise<ModelSession> => {
    const session = await sessions(sourceOf(model));
    opened.push(session);
    return session;
  };
  try {
    const wholeSession = await open(whole);
    const headSession = await open(head);
    const tailSession = await open(tail);
    const random = createRandom(seed);
    const differences = new Map<string, Difference>();
    for (let run = 0; run < runs + inputs.length; run++) {
      const feeds = run < inputs.length ? inputs[run] : randomFeeds(wholeSession.inputs, random, options);
      const expected = (await wholeSession.run(feeds)).outputs;
      const crossing = (await headSession.run(select(feeds, headSession.inputs))).outputs;
      const actual = (await tailSession.run(select(crossing, tailSession.inputs))).outputs;
      compareOutputs(expected, actual, differences);
    }
    return report(differences, runs + inputs.length, tolerance);
  } finally {
    await Promise.all(opened.map((session) => session.close()));
  }
}

function sourceOf(model: ModelSource): Uint8Array | string {
  return typeof model === 'string' || model instanceof Uint8Array ? model : serializeModel(model);
}

function select(tensors: TensorMap, specs: readonly ValueSpec[]): TensorMap {
  return Object.fromEntries(
    specs.map(({ name }) => {
      if (!Object.hasOwn(tensors, name)) {
        throw new OnnxError('verification-failed', `input '${name}' is given by no output before it`);
      }
      return [name, tensors[name]];
    }),
  );
}

function report(differences: ReadonlyMap<string, Difference>, runs: number, tolerance: number): VerifyReport {
  const errors = [...differences].map(([name, difference]) => [name, errorOf(difference)] as const);
  let maxRelativeError = 0;
  for (const [name, error] of errors) {
    // Written so that NaN fails too.
    if (!(error.maxRelativeError <= tolerance)) {
      throw new OnnxError(
        'verification-failed',
        `output '${name}' expected an error of at most ${tolerance} of its range, got ${error.maxRelativeError}`,
      );
    }
    maxRelativeError = Math.max(maxRelativeError, error.maxRelativeError);
  }
  return { runs, tolerance, maxRelativeError, perOutput: Object.fromEntries(errors) };
}

/** How far two versions of an output are apart, and where the expected one lies. */
interface Difference {
  readonly maxAbsoluteError: number;
  readonly low: number;
  readonly high: number;
}

function compareOutputs(expected: TensorMap, actual: TensorMap, differences: Map<string, Difference>): void {
  for (const [name, value] of Object.entries(expected)) {
    const other = Object.hasOwn(actual, name) ? actual[name] : undefined;
    if (!other || other.dtype !== value.dtype || !shapesEqual(other.shape, value.shape)) {
      const got = other ? `${other.dtype} [${other.shape.join(', ')}]` : 'nothing';
      throw new OnnxError(
        'verification-failed',
        `output '${name}' expected ${value.dtype} [${value.shape.join(', ')}], got ${got}`,
      );
    }
    const found = differenceOf(value, other);
    const known = differences.get(name) ?? found;
    differences.set(name, {
      maxAbsoluteError: Math.max(known.maxAbsoluteError, found.maxAbsoluteError),
      low: Math.min(known.low, found.low),
      high: Math.max(known.high, found.high),
    });
  }
}

/**
 * The error of one tensor. Equal infinities, and NaN in the same place, are no difference; any other difference that
 * is not finite is an infinite error.
 */
export function outputError(expected: Tensor, actual: Tensor): OutputError {
  return errorOf(differenceOf(expected, actual));
}

function errorOf({ maxAbsoluteError, low, high }: Difference): OutputError {
  const range = high > low ? high - low : 0;
  const scale = range > 0 ? range : Math.abs(high);
  const usable = Number.isFinite(scale) && scale > 0 ? scale : 1;
  return { maxAbsoluteError, maxRelativeError: maxAbsoluteError / usable, range };
}

function differenceOf(expected: Tensor, actual: Tensor): Difference {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  let maxAbsoluteError = 0;
  const expectedAt = reader(expected);
  const actualAt = reader(actual);
  for (let i = 0; i < expected.data.length; i++) {
    const value = expectedAt(i);
    const other = actualAt(i);
    if (Number.isFinite(value)) {
      low = Math.min(low, value);
      high = Math.max(high, value);
    }
    if (Object.is(value, other) || value === other) continue;
    const difference = Math.abs(value - other);
    maxAbsoluteError = Math.max(
      maxAbsoluteError,
      Number.isFinite(difference) ? difference : Number.POSITIVE_INFINITY,
    );
  }
  return { maxAbsoluteError, low, high };
}

function reader({ dtype, data }: Tensor): (position: number) => number {
  if (dtype === 'float16') return (position) => float16Value(data[position]);
  return (position) => Number(data[position]);
}

/** One random tensor for each input. */
function randomFeeds(specs: readonly ValueSpec[], random: RandomSource, options: VerifyOptions): TensorMap {
  return Object.fromEntries(
    specs.map((spec) => [spec.name, randomTensor(spec, shapeOf(spec, options.inputShapes), random, options)]),
  );
}

function shapeOf({ name, shape }: ValueSpec, given: InputShapes = {}): readonly number[] {
  if (Object.hasOwn(given, name)) return given[name];
  return shape.map((dimension, axis) => {
    if (typeof dimension === 'number') return dimension;
    if (axis === 0) return 1;
    throw new OnnxError(
      'shape-mismatch',
      `input '${name}' expected a given shape for [${shape.join(', ')}], got none`,
    );
  });
}

function randomTensor(
  { name, dtype }: ValueSpec,
  shape: readonly number[],
  random: RandomSource,
  { ranges = {} }: VerifyOptions,
): Tensor {
  const data = allocateData(dtype, elementCount(shape));
  const range = Object.hasOwn(ranges, name) ? ranges[name] : undefined;
  const uniform = (low: number, high: number): number => low + (high - low) * random.nextUniform();
  const real = (): number => (range ? uniform(range.low, range.high) : random.nextNormal());
  const integer = (): number => Math.floor(uniform(range?.low ?? 0, range?.high ?? DEFAULT_INTEGER_BOUND));
  for (let i = 0; i < data.length; i++) {
    if (data instanceof BigInt64Array || data instanceof BigUint64Array) data[i] = BigInt(integer());
    else if (dtype === 'float16') data[i] = float16Bits(real());
    else if (dtype === 'float32' || dtype === 'float64') data[i] = real();
    else if (dtype === 'bool') data[i] = random.nextInteger(2);
    else data[i] = integer();
  }
  return tensor(dtype, shape, data as never) as Tensor;
}
