/**
 * What several schemas of the manifest are built from. They are those of `zod/mini`, which takes a browser 8 kB where the
 * methods of `zod` take 24.
 */

import { DTYPES, type DType } from '@featherwire/tensor';
import * as z from 'zod/mini';
import { MANIFEST_FILE } from './manifest.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';

// Zod otherwise tries at once whether it may compile code, which a strict Content-Security-Policy reports as a violation.
z.config({ jitless: true });

/** Folders and names of letters, digits, `_`, `-`, `+` and inner dots, so that no part can be `.` or `..`. */
const FILE_PATTERN = /^(?:[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*\/)*[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$/;
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const SHA256_PATTERN = /^[0-9a-f]{64}$/;

/** Name of a tensor, a model or a metric. */
export const name = z.string().check(z.minLength(1), z.maxLength(MANIFEST_LIMITS.nameLength));
/** What an operating point or a unit is called by. */
export const id = z
  .string()
  .check(
    z.maxLength(MANIFEST_LIMITS.idLength),
    z.regex(ID_PATTERN, { error: 'letters, digits, dots, dashes and underscores' }),
  );
/** A number of things, 0 or more. */
export const count = z.int().check(z.minimum(0));
/** A number of things, from 1 to `most`. */
export const countTo = (most: number) => z.int().check(z.minimum(1), z.maximum(most));
/** A number of things, 1 or more. */
export const positiveCount = z.int().check(z.minimum(1));
/** A part of a whole, 0 to 1. */
export const share = z.number().check(z.minimum(0), z.maximum(1));
/** A number that is not negative. */
export const notNegative = z.number().check(z.minimum(0));
/** A list of `least` to `most` entries. */
export const listOf = <T extends z.ZodMiniType>(entry: T, least: number, most: number) =>
  z.array(entry).check(z.minLength(least), z.maxLength(most));
/** SHA-256 of a file. */
export const sha256 = z.string().check(z.regex(SHA256_PATTERN, { error: '64 lower-case hex digits' }));
/** Name of a file of the bundle. */
export const file = z.string().check(
  z.maxLength(MANIFEST_LIMITS.fileLength),
  z.regex(FILE_PATTERN, { error: 'a relative file name inside the bundle' }),
  z.refine((value) => value.toLowerCase() !== MANIFEST_FILE, {
    error: `a file name other than ${MANIFEST_FILE}`,
  }),
);

/** A file with its digest. */
export const bundleFile = z.strictObject({ file, sha256, bytes: count });

/** A named tensor. */
export const tensorSpec = z.strictObject({
  name,
  dtype: z.enum(DTYPES as readonly [DType, ...DType[]]),
  shape: listOf(z.union([count, name]), 0, MANIFEST_LIMITS.rank),
});
/** Tensors on one side of a part. */
export const tensorSpecs = listOf(tensorSpec, 1, MANIFEST_LIMITS.tensorCount);

/** An ONNX file without others beside it. */
export const modelFile = z.extend(bundleFile, { parameters: count, macs: z.nullable(count) });

/** A metric with what was measured of it. */
export const measuredMetric = z.strictObject({ name, value: z.number() });
/** How much worse the metric is, with an interval. */
export const measuredLoss = z
  .strictObject({
    value: z.number(),
    interval: z.tuple([z.number(), z.number()]),
    confidence: z.number().check(z.gt(0), z.lt(1)),
  })
  .check(
    z.refine(({ interval: [low, high] }) => low <= high, {
      path: ['interval'],
      error: 'a low end that is not above the high one',
    }),
  );

/** What is wrong between fields that are each well-formed. */
export interface Inconsistency {
  readonly path: readonly (string | number)[];
  readonly expected: string;
  readonly got?: string;
}

/** Names of which each must be another. */
export function* repeated(
  values: readonly string[],
  pathOf: (index: number) => readonly (string | number)[],
): Generator<Inconsistency> {
  const seen = new Set<string>();
  for (const [i, value] of values.entries()) {
    if (seen.has(value)) yield { path: pathOf(i), expected: 'a name that is not used before it' };
    seen.add(value);
  }
}
