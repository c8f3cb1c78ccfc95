/**
 * The zod schema of `featherwire.json`: patterns, limits and the references between fields. Unknown keys are
 * refused everywhere, so that a manifest of a later version is never half understood.
 */

import type { QuantizerChoice } from '@featherwire/codec';
import { DTYPES, type DType } from '@featherwire/tensor';
import { z } from 'zod';
import {
  type BundleManifest,
  type ImagePreprocessing,
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
} from './manifest.js';

/** Limits on counts and lengths of a manifest; all inclusive. */
export const MANIFEST_LIMITS = Object.freeze({
  /** Bytes of the manifest file. */
  manifestBytes: 1 << 24,
  /** Characters of a tensor's or model's name, and of the description of data. */
  nameLength: 1024,
  /** Characters of a file name. */
  fileLength: 255,
  /** Tensors of the inputs, of the cut, and of the outputs. */
  tensorCount: 256,
  /** Dimensions of a tensor. */
  rank: 32,
  /** Files with weights of one part. */
  externalFileCount: 4096,
  /** Operating points of a bundle. */
  operatingPointCount: 1024,
  /** Characters of an operating point's id. */
  idLength: 64,
  /** Classes or letters of a task. */
  labelCount: 1 << 17,
  /** Characters of a class or letter. */
  labelLength: 256,
  /** Pixels of a picture's side. */
  pictureSide: 1 << 16,
  /** Levels of a uniform quantizer. */
  levelCount: 1 << 16,
  /** Bits of an asymmetric quantizer. */
  quantizerBits: 16,
  /** Levels of a quantizer that lists them. */
  listedLevelCount: 256,
  /** Dimensions of a tensor that is coded with groups of channels. */
  codedRank: 8,
  /** Groups of channels of a quantizer. */
  groupCount: 1 << 16,
  /** Channels of a quantizer that lists their groups. */
  channelCount: 1 << 20,
});

/** Folders and names of letters, digits, `_`, `-`, `+` and inner dots, so that no part can be `.` or `..`. */
const FILE_PATTERN = /^(?:[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*\/)*[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$/;
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const SHA256_PATTERN = /^[0-9a-f]{64}$/;

const name = z.string().min(1).max(MANIFEST_LIMITS.nameLength);
const count = z.int().min(0);
const positiveCount = z.int().min(1);
const sha256 = z.string().regex(SHA256_PATTERN, { error: '64 lower-case hex digits' });
const file = z
  .string()
  .max(MANIFEST_LIMITS.fileLength)
  .regex(FILE_PATTERN, { error: 'a relative file name inside the bundle' })
  .refine((value) => value.toLowerCase() !== MANIFEST_FILE, {
    error: `a file name other than ${MANIFEST_FILE}`,
  });

const tensorSpec = z.strictObject({
  name,
  dtype: z.enum(DTYPES as readonly [DType, ...DType[]]),
  shape: z.array(z.union([count, name])).max(MANIFEST_LIMITS.rank),
});
const tensorSpecs = z.array(tensorSpec).min(1).max(MANIFEST_LIMITS.tensorCount);

const bundleFile = z.strictObject({ file, sha256, bytes: count });
const modelPart = z.strictObject({
  file,
  sha256,
  bytes: count,
  parameters: count,
  macs: count.nullable(),
  externalData: z.array(bundleFile).max(MANIFEST_LIMITS.externalFileCount).optional(),
});

const preprocessing = z.strictObject({
  kind: z.literal('image'),
  input: name,
  channelOrder: z.enum(['RGB', 'BGR', 'gray']),
  height: positiveCount.max(MANIFEST_LIMITS.pictureSide),
  width: z.union([positiveCount.max(MANIFEST_LIMITS.pictureSide), z.literal('aspect')]),
  fit: z.enum(['stretch', 'center-crop']),
  resizeShortSide: positiveCount.max(MANIFEST_LIMITS.pictureSide).optional(),
  mean: z.array(z.number()).min(1).max(3),
  std: z.array(z.number().positive()).min(1).max(3),
});

const label = z.string().max(MANIFEST_LIMITS.labelLength);
const task = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('classification'),
    output: name,
    classes: z.array(label).min(1).max(MANIFEST_LIMITS.labelCount).optional(),
  }),
  z.strictObject({
    kind: z.literal('ctc-text'),
    output: name,
    alphabet: z.array(label).min(2).max(MANIFEST_LIMITS.labelCount),
  }),
]);

/** Largest clip limit that the codec takes (bitstream.md, section 4). */
const MAX_CLIP_LIMIT = 2 ** 126;
const CLIP_RANGE = 'low below high as float32, within ±2^126';

/** The codec rounds clip limits to float32, where they must still differ. */
function isClipRange({ low, high }: { low: number; high: number }): boolean {
  return Math.fround(low) < Math.fround(high) && -low <= MAX_CLIP_LIMIT && high <= MAX_CLIP_LIMIT;
}

const limits = z
  .strictObject({ low: z.number(), high: z.number() })
  .refine(isClipRange, { path: ['low'], error: CLIP_RANGE });
const minmaxRange = z.strictObject({ kind: z.literal('minmax') });
const modelRange = z.strictObject({
  kind: z.literal('model'),
  activation: z.enum(['auto', 'relu', 'leaky-relu', 'relu6', 'h-swish', 'silu', 'gelu', 'signed']).optional(),
});
const range = z.discriminatedUnion('kind', [
  minmaxRange,
  modelRange,
  z
    .strictObject({ kind: z.literal('fixed'), low: z.number(), high: z.number() })
    .refine(isClipRange, { path: ['low'], error: CLIP_RANGE }),
]);
const groupRange = z.discriminatedUnion('kind', [
  minmaxRange,
  modelRange,
  z.strictObject({
    kind: z.literal('fixed'),
    limits: z.array(limits).min(1).max(MANIFEST_LIMITS.groupCount),
  }),
]);

const levelCount = z.int().min(2).max(MANIFEST_LIMITS.levelCount);
/** Numbers that the codec rounds to float32, where they must still ascend. */
const ascending = z
  .array(z.number())
  .max(MANIFEST_LIMITS.listedLevelCount)
  .refine((numbers) => numbers.map(Math.fround).every(ascends), {
    error: 'finite, ascending float32 numbers',
  });

function ascends(value: number, i: number, values: readonly number[]): boolean {
  return Number.isFinite(value) && (i === 0 || value > values[i - 1]);
}

const levelsQuantizer = z
  .strictObject({ kind: z.literal('levels'), levels: ascending.min(2), thresholds: ascending.min(1) })
  .refine(({ levels, thresholds }) => thresholds.length === levels.length - 1, {
    path: ['thresholds'],
    error: 'one number less than levels',
  });

const groupedQuantizer = z
  .strictObject({
    kind: z.literal('grouped'),
    levelCount,
    axis: z
      .int()
      .min(0)
      .max(MANIFEST_LIMITS.codedRank - 1),
    groupCount: z.int().min(1).max(MANIFEST_LIMITS.groupCount),
    groupOfChannel: z.array(count).min(1).max(MANIFEST_LIMITS.channelCount).optional(),
    range: groupRange,
  })
  .refine(({ groupCount, range }) => range.kind !== 'fixed' || range.limits.length === groupCount, {
    path: ['range', 'limits'],
    error: 'one pair for each group',
  })
  .refine(({ groupCount, groupOfChannel }) => !groupOfChannel?.some((group) => group >= groupCount), {
    path: ['groupOfChannel'],
    error: 'numbers below groupCount',
  });

/** Schema of a quantizer's description. */
export const quantizerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('uniform'), levelCount, range }),
  z.strictObject({
    kind: z.literal('asymmetric'),
    bits: z.int().min(1).max(MANIFEST_LIMITS.quantizerBits),
    range,
  }),
  levelsQuantizer,
  groupedQuantizer,
  z.strictObject({ kind: z.literal('integer') }),
  z.strictObject({ kind: z.literal('lossless') }),
  z.strictObject({
    kind: z.literal('blocks'),
    blockSize: z.union([z.literal(4), z.literal(8)]),
    step: z.number().positive(),
    levelCount: z.int().min(3).max(65_535).optional(),
  }),
]) satisfies z.ZodType<QuantizerChoice>;

const measurement = z.strictObject({
  bytesPerSample: z.number().min(0),
  metric: z.strictObject({ name, value: z.number() }),
  data: name,
  sampleCount: positiveCount,
});

const operatingPoint = z.strictObject({
  id: z
    .string()
    .max(MANIFEST_LIMITS.idLength)
    .regex(ID_PATTERN, { error: 'letters, digits, dots, dashes and underscores' }),
  coding: z
    .array(z.strictObject({ tensor: name, quantizer: quantizerSchema }))
    .min(1)
    .max(MANIFEST_LIMITS.tensorCount),
  measured: measurement.optional(),
});

const manifestFields = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  version: z.literal(MANIFEST_VERSION),
  model: z.strictObject({ name, sha256, bytes: count }),
  inputs: tensorSpecs,
  cut: tensorSpecs,
  outputs: tensorSpecs,
  head: modelPart,
  tail: modelPart,
  whole: modelPart.optional(),
  preprocessing: preprocessing.optional(),
  task: task.optional(),
  operatingPoints: z.array(operatingPoint).max(MANIFEST_LIMITS.operatingPointCount),
  verification: z.strictObject({
    runs: count,
    maxRelativeError: z.number().min(0),
    tolerance: z.number().min(0),
  }),
}) satisfies z.ZodType<BundleManifest>;

/** Schema of a whole manifest, with the references between its fields. */
export const manifestSchema = manifestFields.superRefine((manifest, context) => {
  for (const { path, expected, got } of inconsistencies(manifest)) {
    context.addIssue({ code: 'custom', path: [...path], message: expected, params: { got } });
  }
}) satisfies z.ZodType<BundleManifest>;

interface Inconsistency {
  readonly path: readonly (string | number)[];
  readonly expected: string;
  readonly got?: string;
}

/** What is wrong with a manifest whose fields are each well-formed; checks run only as far as needed. */
function* inconsistencies(manifest: BundleManifest): Generator<Inconsistency> {
  for (const list of ['inputs', 'cut', 'outputs'] as const) {
    yield* repeated(
      manifest[list].map((spec) => spec.name),
      (i) => [list, i, 'name'],
    );
  }
  yield* fileConflicts(manifest);
  yield* preprocessingConflicts(manifest);
  const { task } = manifest;
  if (task && !manifest.outputs.some((spec) => spec.name === task.output)) {
    yield { path: ['task', 'output'], expected: 'the name of an output' };
  }
  yield* repeated(
    manifest.operatingPoints.map((point) => point.id),
    (i) => ['operatingPoints', i, 'id'],
  );
  for (const [i] of manifest.operatingPoints.entries()) yield* codingConflicts(manifest, i);
}

function* repeated(
  values: readonly string[],
  pathOf: (index: number) => readonly (string | number)[],
): Generator<Inconsistency> {
  const seen = new Set<string>();
  for (const [i, value] of values.entries()) {
    if (seen.has(value)) yield { path: pathOf(i), expected: 'a name that is not used before it' };
    seen.add(value);
  }
}

/** Two entries may share a file of weights only if they agree on its content; model files are never shared. */
function* fileConflicts(manifest: BundleManifest): Generator<Inconsistency> {
  const owners = new Map<
    string,
    { readonly sha256: string; readonly bytes: number; readonly model: boolean }
  >();
  for (const part of ['head', 'tail', 'whole'] as const) {
    const entry = manifest[part];
    if (!entry) continue;
    const external = entry.externalData ?? [];
    const files = [
      { ...entry, model: true, path: [part, 'file'] },
      ...external.map((item, i) => ({ ...item, model: false, path: [part, 'externalData', i, 'file'] })),
    ];
    for (const { file, sha256, bytes, model, path } of files) {
      const key = file.toLowerCase(); // some file systems do not tell case apart
      const owner = owners.get(key);
      const shared = owner && !owner.model && !model && owner.sha256 === sha256 && owner.bytes === bytes;
      if (owner && !shared) yield { path, expected: 'a file that no other entry uses with other content' };
      owners.set(key, { sha256, bytes, model });
    }
  }
}

function* preprocessingConflicts(manifest: BundleManifest): Generator<Inconsistency> {
  const { preprocessing } = manifest;
  if (!preprocessing) return;
  const channels = preprocessing.channelOrder === 'gray' ? 1 : 3;
  for (const key of ['mean', 'std'] as const) {
    const { length } = preprocessing[key];
    if (length !== channels) {
      yield { path: ['preprocessing', key], expected: `${channels} numbers`, got: `${length}` };
    }
  }
  yield* shortSideConflicts(preprocessing);
  const index = manifest.inputs.findIndex((spec) => spec.name === preprocessing.input);
  if (index < 0) {
    yield { path: ['preprocessing', 'input'], expected: 'the name of an input' };
    return;
  }
  const { dtype, shape } = manifest.inputs[index];
  if (dtype !== 'float32') yield { path: ['inputs', index, 'dtype'], expected: 'float32 for a picture' };
  const picture = [undefined, channels, preprocessing.height, preprocessing.width];
  const fits =
    shape.length === picture.length &&
    picture.every(
      (size, axis) => typeof size !== 'number' || typeof shape[axis] !== 'number' || shape[axis] === size,
    );
  if (!fits) {
    const expected = `[N, ${picture.slice(1).join(', ')}] as the preprocessing gives`;
    yield { path: ['inputs', index, 'shape'], expected };
  }
}

function* shortSideConflicts(preprocessing: ImagePreprocessing): Generator<Inconsistency> {
  const { resizeShortSide, fit, width, height } = preprocessing;
  if (resizeShortSide === undefined) return;
  const path = ['preprocessing', 'resizeShortSide'];
  if (fit !== 'center-crop') {
    yield { path, expected: 'fit to be "center-crop" with it', got: JSON.stringify(fit) };
  } else if (width === 'aspect') {
    yield { path, expected: 'a width in pixels with it', got: JSON.stringify(width) };
  } else if (resizeShortSide < Math.max(width, height)) {
    yield { path, expected: `at least ${Math.max(width, height)}, the longer side of the target` };
  }
}

function* codingConflicts(manifest: BundleManifest, index: number): Generator<Inconsistency> {
  const coded = manifest.operatingPoints[index].coding.map((coding) => coding.tensor);
  const path = ['operatingPoints', index, 'coding'];
  const cut = new Set(manifest.cut.map((spec) => spec.name));
  const matches =
    coded.length === cut.size && new Set(coded).size === cut.size && coded.every((tensor) => cut.has(tensor));
  if (!matches) {
    yield { path, expected: 'each tensor of the cut once', got: `[${coded.join(', ').slice(0, 200)}]` };
  }
}
