/**
 * The zod schema of `featherwire.json`: patterns, limits and the references between fields. Unknown keys are
 * refused everywhere, so that a manifest of a later version is never half understood.
 */

import * as z from 'zod/mini';
import { exitConflicts, exitSchema } from './exit-schema.js';
import {
  type BundleFile,
  type BundleManifest,
  type ImagePreprocessing,
  MANIFEST_FORMAT,
  MANIFEST_VERSION,
} from './manifest.js';
import { filesOfManifest } from './manifest-files.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import { operatingPointConflicts, operatingPointSchema } from './operating-point-schema.js';
import {
  bundleFile,
  count,
  countTo,
  type Inconsistency,
  listOf,
  modelFile,
  name,
  notNegative,
  repeated,
  sha256,
  share,
  tensorSpecs,
} from './schema-parts.js';
import { unitConflicts, unitSchema } from './unit-schema.js';

const modelPart = z.extend(modelFile, {
  externalData: z.optional(listOf(bundleFile, 0, MANIFEST_LIMITS.externalFileCount)),
});

const pictureSide = countTo(MANIFEST_LIMITS.pictureSide);
const preprocessing = z.strictObject({
  kind: z.literal('image'),
  input: name,
  channelOrder: z.enum(['RGB', 'BGR', 'gray']),
  height: pictureSide,
  width: z.union([pictureSide, z.literal('aspect')]),
  fit: z.enum(['stretch', 'center-crop']),
  resizeShortSide: z.optional(pictureSide),
  mean: listOf(z.number(), 1, 3),
  std: listOf(z.number().check(z.positive()), 1, 3),
});

const label = z.string().check(z.maxLength(MANIFEST_LIMITS.labelLength));
const labels = (least: number) => listOf(label, least, MANIFEST_LIMITS.labelCount);
const task = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('classification'),
    output: name,
    classes: z.optional(labels(1)),
  }),
  z.strictObject({
    kind: z.literal('ctc-text'),
    output: name,
    alphabet: labels(2),
  }),
  z.strictObject({
    kind: z.literal('segmentation'),
    output: name,
    classes: z.optional(labels(1)),
  }),
  z.strictObject({
    kind: z.literal('detection'),
    output: name,
    boxes: name,
    minScore: z.number(),
    maxOverlap: share,
    background: z.optional(count),
    classes: z.optional(labels(1)),
  }),
]);

const manifestFields = z.strictObject({
  format: z.literal(MANIFEST_FORMAT),
  version: z.literal(MANIFEST_VERSION),
  model: z.strictObject({ name, sha256, bytes: count }),
  inputs: tensorSpecs,
  cut: tensorSpecs,
  outputs: tensorSpecs,
  head: modelPart,
  tail: modelPart,
  whole: z.optional(modelPart),
  preprocessing: z.optional(preprocessing),
  task: z.optional(task),
  units: z.optional(listOf(unitSchema, 1, MANIFEST_LIMITS.unitCount)),
  exit: z.optional(exitSchema),
  operatingPoints: listOf(operatingPointSchema, 0, MANIFEST_LIMITS.operatingPointCount),
  verification: z.strictObject({
    runs: count,
    maxRelativeError: notNegative,
    tolerance: notNegative,
  }),
}) satisfies z.ZodMiniType<BundleManifest>;

/** Schema of a whole manifest, with the references between its fields. */
export const manifestSchema = manifestFields.check(({ value: manifest, issues }) => {
  for (const { path, expected, got } of inconsistencies(manifest)) {
    issues.push({ code: 'custom', input: manifest, path: [...path], message: expected, params: { got } });
  }
}) satisfies z.ZodMiniType<BundleManifest>;

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
  if (task?.kind === 'detection' && !manifest.outputs.some((spec) => spec.name === task.boxes)) {
    yield { path: ['task', 'boxes'], expected: 'the name of an output' };
  }
  const isOfPlaces = task?.kind === 'segmentation' || task?.kind === 'detection';
  if (isOfPlaces && manifest.preprocessing && manifest.preprocessing.fit !== 'stretch') {
    yield { path: ['preprocessing', 'fit'], expected: `'stretch' for ${task.kind}` };
  }
  yield* unitConflicts(manifest.units ?? []);
  yield* exitConflicts(manifest);
  yield* operatingPointConflicts(manifest);
}

/**
 * Two entries may share a file of weights, of a unit or of a profile only if they agree on its content; head, tail and
 * whole model are never shared.
 */
function* fileConflicts(manifest: BundleManifest): Generator<Inconsistency> {
  const owners = new Map<string, BundleFile & { readonly mayBeShared: boolean }>();
  for (const { entry, mayBeShared, path } of filesOfManifest(manifest)) {
    const key = entry.file.toLowerCase(); // some file systems do not tell case apart
    const owner = owners.get(key);
    const shared =
      owner?.mayBeShared && mayBeShared && owner.sha256 === entry.sha256 && owner.bytes === entry.bytes;
    if (owner && !shared) yield { path, expected: 'a file that no other entry uses with other content' };
    owners.set(key, { ...entry, mayBeShared });
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
