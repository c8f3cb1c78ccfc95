/** The schema of bottleneck units, and how they fit each other. */

import * as z from 'zod/mini';
import type { BundleUnit } from './manifest.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import { type Inconsistency, id, modelFile, repeated, tensorSpecs } from './schema-parts.js';

/** Schema of one unit. */
export const unitSchema = z.strictObject({
  id,
  latent: tensorSpecs,
  reduction: modelFile,
  restoration: modelFile,
}) satisfies z.ZodMiniType<BundleUnit>;

/** What is wrong between the units of a manifest. */
export function* unitConflicts(units: readonly BundleUnit[]): Generator<Inconsistency> {
  yield* repeated(
    units.map((unit) => unit.id),
    (i) => ['units', i, 'id'],
  );
  for (const [i, { latent }] of units.entries()) {
    yield* repeated(
      latent.map((spec) => spec.name),
      (tensor) => ['units', i, 'latent', tensor, 'name'],
    );
  }
  const total = units.reduce((sum, unit) => sum + unit.reduction.bytes + unit.restoration.bytes, 0);
  const { unitBytesInAll } = MANIFEST_LIMITS;
  if (total > unitBytesInAll) {
    yield { path: ['units'], expected: `units of at most ${unitBytesInAll} bytes in all`, got: `${total}` };
  }
}
