/** The schema of an exit, and how it fits the rest of a manifest. */

import * as z from 'zod/mini';
import { type BundleExit, type BundleManifest, EXIT_CONFIDENCE } from './manifest.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import {
  countTo,
  type Inconsistency,
  measuredLoss,
  measuredMetric,
  modelFile,
  name,
  positiveCount,
  share,
} from './schema-parts.js';

/** Schema of an exit. */
export const exitSchema = z.extend(modelFile, {
  bytes: countTo(MANIFEST_LIMITS.exitBytes),
  threshold: share,
  measured: z.optional(
    z.strictObject({
      metric: measuredMetric,
      data: name,
      sampleCount: positiveCount,
      reference: z.optional(z.number()),
      loss: z.optional(measuredLoss),
      answeredShare: share,
    }),
  ),
}) satisfies z.ZodMiniType<BundleExit>;

/** What is wrong between an exit and the rest of a manifest. */
export function* exitConflicts({ exit, outputs }: BundleManifest): Generator<Inconsistency> {
  if (!exit) return;
  const taken = outputs.findIndex((spec) => spec.name === EXIT_CONFIDENCE);
  if (taken >= 0) {
    yield { path: ['outputs', taken, 'name'], expected: `another name than the exit's '${EXIT_CONFIDENCE}'` };
  }
}
