/** Small bundles for tests, with networks whose results are known by hand. */

import path from 'node:path';
import {
  EXIT_CONFIDENCE,
  type ImagePreprocessing,
  type Measurement,
  type TensorSpec,
} from '@featherwire/bundle';
import { type NodeBundle, setExit, writeBundle } from '@featherwire/bundle/node';
import { type CodingProfile, designTensorProfile, referenceBackend, writeProfile } from '@featherwire/codec';
import { DTYPES } from '@featherwire/tensor';
import { PLAIN_PREPROCESSING } from '../../../test-support/pictures.js';
import { type TinyValue, tinyOnnx } from '../../../test-support/tiny-onnx.js';
import { PLANES_SHAPE, planesFeatures } from './planes-tensors.js';
import { squareFeatures } from './square-tensors.js';

const MATMUL_COUNT = 12;
const NO_DIGEST = '0'.repeat(64);

/**
 * Head: double = x + x, shift = s. Tail: y = sum(double ^ 13) + s, size = shape of double. Both dimensions of x
 * have the same size, and the tail's time grows with its cube.
 */
export async function writeSquareBundle(root: string, name = 'square'): Promise<NodeBundle> {
  const x = value('x', 'float32', ['N', 'N']);
  const s = value('s', 'float32', [1]);
  const double = value('double', 'float32', ['N', 'N']);
  const shift = value('shift', 'float32', [1]);
  const outputs = [value('y', 'float32', [1, 1]), value('size', 'int64', [2])];
  const powers = Array.from({ length: MATMUL_COUNT }, (_, i) => ({
    op: 'MatMul',
    inputs: [i === 0 ? 'double' : `p${i - 1}`, 'double'],
    outputs: [`p${i}`],
  }));
  const head = tinyOnnx(
    [x, s],
    [double, shift],
    [
      { op: 'Add', inputs: ['x', 'x'], outputs: ['double'] },
      { op: 'Identity', inputs: ['s'], outputs: ['shift'] },
    ],
  );
  const tail = tinyOnnx([double, shift], outputs, [
    ...powers,
    { op: 'ReduceSum', inputs: [`p${MATMUL_COUNT - 1}`], outputs: ['sum'] },
    { op: 'Add', inputs: ['sum', 'shift'], outputs: ['y'] },
    { op: 'Shape', inputs: ['double'], outputs: ['size'] },
  ]);
  return writeBundle(path.join(root, name), {
    manifest: {
      model: { name, sha256: NO_DIGEST, bytes: 1 },
      inputs: [x, s],
      cut: [double, shift],
      outputs,
      operatingPoints: [
        {
          id: 'two-levels',
          kind: 'described',
          coding: [
            { tensor: 'double', quantizer: { kind: 'uniform', levelCount: 2, range: { kind: 'minmax' } } },
            { tensor: 'shift', quantizer: { kind: 'none' } },
          ],
        },
        { id: 'static', kind: 'profiled', profile: writeProfile(squareProfile()), measured: SQUARE_MEASURED },
      ],
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: { head: part(head), tail: part(tail) },
  });
}

/**
 * The square bundle with an exit: y = sum(double), which is less by s than the tail's, and a confidence of 1 / (1 + exp(-s)). Its
 * threshold is between those of s = 1 and s = 3.
 */
export async function writeSureBundle(root: string): Promise<NodeBundle> {
  const { directory, manifest } = await writeSquareBundle(root, 'sure');
  const [double, shift] = manifest.cut.map(({ name, dtype, shape }) => ({ name, dtype, shape }));
  const confidence = value(EXIT_CONFIDENCE, 'float32', [1]);
  const model = tinyOnnx(
    [double, shift],
    [...manifest.outputs, confidence],
    [
      { op: 'ReduceSum', inputs: ['double'], outputs: ['y'] },
      { op: 'Shape', inputs: ['double'], outputs: ['size'] },
      { op: 'Sigmoid', inputs: ['shift'], outputs: [EXIT_CONFIDENCE] },
    ],
  );
  return setExit(directory, { ...part(model), macs: 0, threshold: SURE_THRESHOLD });
}

/** Of the exit of the sure bundle. */
export const SURE_THRESHOLD = 0.75;

/** Made up, but for the bands: features of size 3 have a third of their elements off the background. */
const SQUARE_MEASURED: Measurement = {
  ...{ bytesPerSample: 60, metric: { name: 'none', value: 0 }, data: 'squares', sampleCount: 1 },
  bands: [
    {
      tensor: 'double',
      saturated: { mean: 0, low: 0, high: 0.01 },
      background: { mean: 2 / 3, low: 0.5, high: 0.8 },
    },
  ],
};

/** Position of the square bundle's profiled point. */
export const STATIC_POINT = 1;

/**
 * A profile of the square bundle's cut: `double` has the levels 0 and 1, `shift` the integers to 255, so that
 * `squareFeatures` lose nothing.
 * @param step - of the levels of `double`
 */
export function squareProfile(step = 1): CodingProfile {
  const affine = (levelCount: number, distance: number) => ({
    kind: 'affine' as const,
    affine: { levelCount, offset: 0, step: distance, zeroPoint: 0 },
  });
  const samples = [squareFeatures(4, 0).double];
  const quantizer = { kind: 'uniform', levelCount: 2, range: { kind: 'minmax' } } as const;
  const designed = designTensorProfile(samples, {
    quantizer,
    varyingAxes: [0, 1],
    backend: referenceBackend,
  });
  return {
    tensors: [
      { ...designed, quantizer: affine(2, step) },
      { dtype: 'float32', shape: [1], quantizer: affine(256, 1), thresholds: null, coder: null },
    ],
  };
}

export { squareFeatures, squareInputs, squareOutputs } from './square-tensors.js';

/** Columns of the rows bundle's tensors. */
export const ROW_COLUMNS = 4;

/**
 * Head and tail that square what they get, [N, 4]. With `mixed`, the tail adds the sum of all rows to each instead: declared in
 * the same way, but no row is apart from the others.
 */
export async function writeRowsBundle(directory: string, { mixed = false } = {}): Promise<NodeBundle> {
  const shape = ['N', ROW_COLUMNS];
  const [x, middle, y] = ['x', 'middle', 'y'].map((name) => value(name, 'float32', shape));
  const square = (from: TinyValue, to: TinyValue) =>
    tinyOnnx([from], [to], [{ op: 'Mul', inputs: [from.name, from.name], outputs: [to.name] }]);
  const mix = tinyOnnx(
    [middle],
    [y],
    [
      { op: 'ReduceSum', inputs: ['middle'], outputs: ['sum'] },
      { op: 'Add', inputs: ['middle', 'sum'], outputs: ['y'] },
    ],
  );
  return writeBundle(directory, {
    manifest: {
      model: { name: mixed ? 'mixed' : 'rows', sha256: NO_DIGEST, bytes: 1 },
      ...{ inputs: [x], cut: [middle], outputs: [y], operatingPoints: [] },
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: { head: part(square(x, middle)), tail: part(mixed ? mix : square(middle, y)) },
  });
}

/** A network that gives back what it gets: a tensor [N] of every element type, `y_TYPE` for `x_TYPE`. */
export async function writeTypesBundle(directory: string): Promise<NodeBundle> {
  const values = (prefix: string) =>
    DTYPES.map((dtype) => ({ name: `${prefix}_${dtype}`, dtype, shape: ['N'] }));
  const [inputs, cut, outputs] = ['in', 'x', 'y'].map(values);
  const identities = (from: TinyValue[], to: TinyValue[]) =>
    tinyOnnx(
      from,
      to,
      from.map(({ name }, i) => ({ op: 'Identity', inputs: [name], outputs: [to[i].name] })),
    );
  return writeBundle(directory, {
    manifest: {
      model: { name: 'types', sha256: NO_DIGEST, bytes: 1 },
      ...{ inputs, cut, outputs, operatingPoints: [] },
      verification: { runs: 1, maxRelativeError: 0, tolerance: 0 },
    },
    parts: { head: part(identities(inputs, cut)), tail: part(identities(cut, outputs)) },
  });
}

/**
 * Head: feature = max(x, 0), [1, 32, 24, 24]. Tail: y = feature + feature. Points `packed` and `table` have a static table of
 * whole numbers, `learning` has none, and `lambda` weighs what indices cost, too little to change one.
 */
export async function writePlanesBundle(directory: string): Promise<NodeBundle> {
  const [x, feature, y] = ['x', 'feature', 'y'].map((name) => value(name, 'float32', [...PLANES_SHAPE]));
  const point = (id: string, levelCount: number, coder: 'rans' | 'rans-packed' | 'none', lambda = 0) => ({
    ...{ id, kind: 'profiled' as const, profile: writeProfile(planesProfile(levelCount, coder)) },
    ...(lambda > 0 && { lambda }),
  });
  return writeBundle(directory, {
    manifest: {
      model: { name: 'planes', sha256: NO_DIGEST, bytes: 1 },
      ...{ inputs: [x], cut: [feature], outputs: [y] },
      operatingPoints: [
        point('packed', 4, 'rans-packed'),
        point('table', 100, 'rans'),
        point('learning', 4, 'none'),
        point('lambda', 4, 'rans', 1e-9),
      ],
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: {
      head: part(tinyOnnx([x], [feature], [{ op: 'Relu', inputs: ['x'], outputs: ['feature'] }])),
      tail: part(tinyOnnx([feature], [y], [{ op: 'Add', inputs: ['feature', 'feature'], outputs: ['y'] }])),
    },
  });
}

/**
 * Head: feature = max(x, 0), [1, 32, 24, 24]. Tail: y = sum(feature), exit: y = max(feature), which is sure of features that are 0
 * everywhere. The points are `packed` and `learning` of the planes bundle.
 */
export async function writeSumsBundle(directory: string): Promise<NodeBundle> {
  const [x, feature] = ['x', 'feature'].map((name) => value(name, 'float32', [...PLANES_SHAPE]));
  const [y, confidence] = ['y', EXIT_CONFIDENCE].map((name) => value(name, 'float32', [1, 1, 1, 1]));
  const point = (id: string, coder: 'rans-packed' | 'none') => ({
    ...{ id, kind: 'profiled' as const, profile: writeProfile(planesProfile(4, coder)) },
  });
  const sum = tinyOnnx([feature], [y], [{ op: 'ReduceSum', inputs: ['feature'], outputs: ['y'] }]);
  const exit = tinyOnnx(
    [feature],
    [y, confidence],
    [
      { op: 'ReduceMax', inputs: ['feature'], outputs: ['y'] },
      { op: 'Neg', inputs: ['y'], outputs: ['score'] },
      { op: 'Sigmoid', inputs: ['score'], outputs: [EXIT_CONFIDENCE] },
    ],
  );
  await writeBundle(directory, {
    manifest: {
      model: { name: 'sums', sha256: NO_DIGEST, bytes: 1 },
      ...{ inputs: [x], cut: [feature], outputs: [y] },
      operatingPoints: [point('packed', 'rans-packed'), point('learning', 'none')],
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: {
      head: part(tinyOnnx([x], [feature], [{ op: 'Relu', inputs: ['x'], outputs: ['feature'] }])),
      tail: part(sum),
    },
  });
  return setExit(directory, { ...part(exit), macs: 0, threshold: 0.5 });
}

function planesProfile(levelCount: number, coder: 'rans' | 'rans-packed' | 'none'): CodingProfile {
  const range = { kind: 'fixed', low: 0, high: levelCount - 1 } as const;
  const quantizer = { kind: 'uniform', levelCount, range } as const;
  const { feature } = planesFeatures(1);
  return { tensors: [designTensorProfile([feature], { quantizer, coder, backend: referenceBackend })] };
}

/** Height that pictures are resized to. */
export const PICTURE_HEIGHT = 4;

/**
 * A network that gives back the input tensor that it is given, float32 [1, C, 4, W].
 * @param directory - of the bundle
 * @param changes - of the preprocessing, which is any width, RGB, bytes scaled to 0 … 1
 */
export async function writePictureBundle(
  directory: string,
  changes: Partial<ImagePreprocessing> = {},
): Promise<NodeBundle> {
  const preprocessing: ImagePreprocessing = {
    ...PLAIN_PREPROCESSING,
    input: 'pixels',
    height: PICTURE_HEIGHT,
    width: 'aspect',
    ...changes,
  };
  const width = preprocessing.width === 'aspect' ? 'W' : preprocessing.width;
  const shape = [1, preprocessing.mean.length, PICTURE_HEIGHT, width];
  const pixels = value('pixels', 'float32', shape);
  const negative = value('negative', 'float32', shape);
  const output = value('output', 'float32', shape);
  const model = (from: TinyValue, to: TinyValue, op: string) =>
    part(tinyOnnx([from], [to], [{ op, inputs: [from.name], outputs: [to.name] }]));
  return writeBundle(directory, {
    manifest: {
      model: { name: 'picture', sha256: NO_DIGEST, bytes: 1 },
      inputs: [pixels],
      cut: [negative],
      outputs: [output],
      preprocessing,
      operatingPoints: [],
      verification: { runs: 1, maxRelativeError: 0, tolerance: 1e-5 },
    },
    parts: {
      head: model(pixels, negative, 'Neg'),
      tail: model(negative, output, 'Neg'),
      whole: model(pixels, output, 'Identity'),
    },
  });
}

function value(name: string, dtype: 'float32' | 'int64', shape: (number | string)[]): TinyValue & TensorSpec {
  return { name, dtype, shape };
}

function part(model: Uint8Array): { model: Uint8Array; parameters: number; macs: null } {
  return { model, parameters: 0, macs: null };
}
