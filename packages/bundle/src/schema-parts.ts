/** What several schemas of the manifest are built from. */

import { DTYPES, type DType } from '@featherwire/tensor';
import { z } from 'zod';
import { MANIFEST_FILE } from './manifest.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';

/** Folders and names of letters, digits, `_`, `-`, `+` and inner dots, so that no part can be `.` or `..`. */
const FILE_PATTERN = /^(?:[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*\/)*[A-Za-z0-9_+-]+(?:\.[A-Za-z0-9_+-]+)*$/;
const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;
const SHA256_PATTERN = /^[0-9a-f]{64}$/;

/** Name of a tensor, a model or a metric. */
export const name = z.string().min(1).max(MANIFEST_LIMITS.nameLength);
/** What an operating point or a unit is called by. */
export const id = z
  .string()
  .max(MANIFEST_LIMITS.idLength)
  .regex(ID_PATTERN, { error: 'letters, digits, dots, dashes and underscores' });
/** A number of things, 0 or more. */
export const count = z.int().min(0);
/** A number of things, 1 or more. */
export const positiveCount = z.int().min(1);
/** SHA-256 of a file. */
export const sha256 = z.string().regex(SHA256_PATTERN, { error: '64 lower-case hex digits' });
/** Name of a file of the bundle. */
export const file = z
  .string()
  .max(MANIFEST_LIMITS.fileLength)
  .regex(FILE_PATTERN, { error: 'a relative file name inside the bundle' })
  .refine((value) => value.toLowerCase() !== MANIFEST_FILE, {
    error: `a file name other than ${MANIFEST_FILE}`,
  });

/** A file with its digest. */
export const bundleFile = z.strictObject({ file, sha256, bytes: count });

/** A named tensor. */
export const tensorSpec = z.strictObject({
  name,
  dtype: z.enum(DTYPES as readonly [DType, ...DType[]]),
  shape: z.array(z.union([count, name])).max(MANIFEST_LIMITS.rank),
});
/** Tensors on one side of a part. */
export const tensorSpecs = z.array(tensorSpec).min(1).max(MANIFEST_LIMITS.tensorCount);

/** An ONNX file without others beside it. */
export const modelFile = bundleFile.extend({ parameters: count, macs: count.nullable() });

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
