/** The schema of operating points: how the cut is coded, what was measured, and how both fit the manifest. */

import * as z from 'zod/mini';
import type { BundleManifest, Measurement, OperatingPoint } from './manifest.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import { quantizerSchema } from './quantizer-schema.js';
import {
  bundleFile,
  countTo,
  type Inconsistency,
  id,
  listOf,
  measuredLoss,
  measuredMetric,
  name,
  notNegative,
  positiveCount,
  repeated,
  share,
} from './schema-parts.js';

const shareBand = z.strictObject({ mean: share, low: share, high: share }).check(
  z.refine(({ mean, low, high }) => low <= mean && mean <= high, {
    error: 'low, mean and high that ascend',
  }),
);

const tensorBand = z.strictObject({ tensor: name, saturated: shareBand, background: shareBand });
const byteQuantiles = z
  .strictObject({ p50: notNegative, p95: notNegative, max: notNegative })
  .check(
    z.refine(({ p50, p95, max }) => p50 <= p95 && p95 <= max, { error: 'p50, p95 and max that ascend' }),
  );

const measurement = z.strictObject({
  bytesPerSample: notNegative,
  metric: measuredMetric,
  data: name,
  sampleCount: positiveCount,
  reference: z.optional(z.number()),
  loss: z.optional(measuredLoss),
  bytes: z.optional(byteQuantiles),
  encodeMs: z.optional(notNegative),
  decodeMs: z.optional(notNegative),
  bands: z.optional(listOf(tensorBand, 0, MANIFEST_LIMITS.tensorCount)),
}) satisfies z.ZodMiniType<Measurement>;

const measured = z.optional(measurement);

/** Schema of one operating point. */
export const operatingPointSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    id,
    kind: z.literal('described'),
    coding: listOf(
      z.strictObject({ tensor: name, quantizer: quantizerSchema }),
      1,
      MANIFEST_LIMITS.tensorCount,
    ),
    measured,
  }),
  z.strictObject({
    id,
    kind: z.literal('profiled'),
    unit: z.optional(id),
    profile: z.extend(bundleFile, { bytes: countTo(MANIFEST_LIMITS.profileBytes) }),
    lambda: z.optional(z.number().check(z.minimum(0), z.maximum(MANIFEST_LIMITS.lambda))),
    measured,
  }),
]) satisfies z.ZodMiniType<OperatingPoint>;

/** What is wrong between the operating points and the rest of a manifest. */
export function* operatingPointConflicts({
  cut,
  units = [],
  operatingPoints,
}: Pick<BundleManifest, 'cut' | 'units' | 'operatingPoints'>): Generator<Inconsistency> {
  yield* repeated(
    operatingPoints.map((point) => point.id),
    (i) => ['operatingPoints', i, 'id'],
  );
  const cutNames = new Set(cut.map((spec) => spec.name));
  const unitIds = new Set(units.map((unit) => unit.id));
  for (const [i, point] of operatingPoints.entries()) {
    if (point.kind === 'described') yield* codingConflicts(point.coding, cutNames, ['operatingPoints', i]);
    if (point.kind === 'profiled' && point.unit !== undefined && !unitIds.has(point.unit)) {
      yield { path: ['operatingPoints', i, 'unit'], expected: 'the id of a unit' };
    }
    yield* measurementConflicts(point.measured, cutNames, ['operatingPoints', i, 'measured']);
  }
  yield* profileBytesConflict(operatingPoints);
}

type Path = Inconsistency['path'];

function* codingConflicts(
  coding: readonly { readonly tensor: string }[],
  cut: ReadonlySet<string>,
  path: Path,
): Generator<Inconsistency> {
  const coded = coding.map(({ tensor }) => tensor);
  const matches =
    coded.length === cut.size && new Set(coded).size === cut.size && coded.every((tensor) => cut.has(tensor));
  if (!matches) {
    const got = `[${coded.join(', ').slice(0, 200)}]`;
    yield { path: [...path, 'coding'], expected: 'each tensor of the cut once', got };
  }
}

function* measurementConflicts(
  measured: Measurement | undefined,
  cut: ReadonlySet<string>,
  path: Path,
): Generator<Inconsistency> {
  const { bytes, bytesPerSample = 0, bands = [] } = measured ?? {};
  if (bytes && bytesPerSample > bytes.max) {
    yield { path: [...path, 'bytesPerSample'], expected: `at most bytes.max, ${bytes.max}` };
  }
  const tensors = bands.map(({ tensor }) => tensor);
  for (const [i, tensor] of tensors.entries()) {
    if (!cut.has(tensor)) {
      yield { path: [...path, 'bands', i, 'tensor'], expected: 'the name of a tensor of the cut' };
    }
  }
  yield* repeated(tensors, (i) => [...path, 'bands', i, 'tensor']);
}

/** Both ends hold all profiles in memory. */
function* profileBytesConflict(points: readonly OperatingPoint[]): Generator<Inconsistency> {
  const sizes = new Map(
    points.flatMap((point) => (point.kind === 'profiled' ? [[point.profile.file, point.profile.bytes]] : [])),
  );
  const total = [...sizes.values()].reduce((sum, bytes) => sum + bytes, 0);
  const { profileBytesInAll } = MANIFEST_LIMITS;
  if (total > profileBytesInAll) {
    const expected = `profiles of at most ${profileBytesInAll} bytes in all`;
    yield { path: ['operatingPoints'], expected, got: `${total}` };
  }
}
