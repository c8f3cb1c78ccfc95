/** The schema of a quantizer's description, as operating points hold it. */

import type { QuantizerChoice } from '@featherwire/codec';
import * as z from 'zod/mini';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import { count, countTo, listOf } from './schema-parts.js';

/** Largest clip limit that the codec takes (bitstream.md, section 4). */
const MAX_CLIP_LIMIT = 2 ** 126;
const CLIP_RANGE = 'low below high as float32, within ±2^126';

/** The codec rounds clip limits to float32, where they must still differ. */
function isClipRange({ low, high }: { low: number; high: number }): boolean {
  return Math.fround(low) < Math.fround(high) && -low <= MAX_CLIP_LIMIT && high <= MAX_CLIP_LIMIT;
}

const limits = z
  .strictObject({ low: z.number(), high: z.number() })
  .check(z.refine(isClipRange, { path: ['low'], error: CLIP_RANGE }));
const minmaxRange = z.strictObject({ kind: z.literal('minmax') });
const modelRange = z.strictObject({
  kind: z.literal('model'),
  activation: z.optional(
    z.enum(['auto', 'relu', 'leaky-relu', 'relu6', 'h-swish', 'silu', 'gelu', 'signed']),
  ),
});
const range = z.discriminatedUnion('kind', [
  minmaxRange,
  modelRange,
  z
    .strictObject({ kind: z.literal('fixed'), low: z.number(), high: z.number() })
    .check(z.refine(isClipRange, { path: ['low'], error: CLIP_RANGE })),
]);
const groupRange = z.discriminatedUnion('kind', [
  minmaxRange,
  modelRange,
  z.strictObject({
    kind: z.literal('fixed'),
    limits: listOf(limits, 1, MANIFEST_LIMITS.groupCount),
  }),
]);

const levelCount = z.int().check(z.minimum(2), z.maximum(MANIFEST_LIMITS.levelCount));
/** Numbers that the codec rounds to float32, where they must still ascend. */
const ascending = (least: number) =>
  z.array(z.number()).check(
    z.maxLength(MANIFEST_LIMITS.listedLevelCount),
    z.refine((numbers) => numbers.map(Math.fround).every(ascends), {
      error: 'finite, ascending float32 numbers',
    }),
    z.minLength(least),
  );

function ascends(value: number, i: number, values: readonly number[]): boolean {
  return Number.isFinite(value) && (i === 0 || value > values[i - 1]);
}

const levelsQuantizer = z
  .strictObject({ kind: z.literal('levels'), levels: ascending(2), thresholds: ascending(1) })
  .check(
    z.refine(({ levels, thresholds }) => thresholds.length === levels.length - 1, {
      path: ['thresholds'],
      error: 'one number less than levels',
    }),
  );

const groupedQuantizer = z
  .strictObject({
    kind: z.literal('grouped'),
    levelCount,
    axis: z.int().check(z.minimum(0), z.maximum(MANIFEST_LIMITS.codedRank - 1)),
    groupCount: countTo(MANIFEST_LIMITS.groupCount),
    groupOfChannel: z.optional(listOf(count, 1, MANIFEST_LIMITS.channelCount)),
    range: groupRange,
  })
  .check(
    z.refine(({ groupCount, range }) => range.kind !== 'fixed' || range.limits.length === groupCount, {
      path: ['range', 'limits'],
      error: 'one pair for each group',
    }),
    z.refine(({ groupCount, groupOfChannel }) => !groupOfChannel?.some((group) => group >= groupCount), {
      path: ['groupOfChannel'],
      error: 'numbers below groupCount',
    }),
  );

/** Schema of a quantizer's description. */
export const quantizerSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('none') }),
  z.strictObject({ kind: z.literal('uniform'), levelCount, range }),
  z.strictObject({
    kind: z.literal('asymmetric'),
    bits: countTo(MANIFEST_LIMITS.quantizerBits),
    range,
  }),
  levelsQuantizer,
  groupedQuantizer,
  z.strictObject({ kind: z.literal('integer') }),
  z.strictObject({ kind: z.literal('lossless') }),
  z.strictObject({
    kind: z.literal('blocks'),
    blockSize: z.union([z.literal(4), z.literal(8)]),
    step: z.number().check(z.positive()),
    levelCount: z.optional(z.int().check(z.minimum(3), z.maximum(65_535))),
  }),
]) satisfies z.ZodMiniType<QuantizerChoice>;
