/** The coding profile of a latent: levels one apart, as in training, with static tables from samples. */

import { type Backend, type CodingProfile, designTensorProfile, type StaticCoder } from '@featherwire/codec';
import type { TensorOf } from '@featherwire/tensor';

/** How a latent is coded. */
export interface LatentProfileOptions {
  /** Tables by neighborhood by default, which is for up to 16 levels. */
  readonly coder?: StaticCoder['kind'];
  /** Most levels; 16 by default, for context models. Latents beyond are taken for the outer levels. */
  readonly maxLevels?: number;
  readonly backend: Backend;
}

/**
 * Designs the coding of a unit's latent.
 * @param latents - [1, …] each, of training items; at least one
 * @throws {RangeError} if there is none, or one holds NaN
 */
export function designLatentProfile(
  latents: readonly TensorOf<'float32'>[],
  { coder = 'rans-contexts', maxLevels = 16, backend }: LatentProfileOptions,
): CodingProfile {
  const { low, high } = integerRange(latents, maxLevels);
  const quantizer = {
    kind: 'uniform',
    levelCount: high - low + 1,
    range: { kind: 'fixed', low, high },
  } as const;
  return {
    tensors: [designTensorProfile(latents, { quantizer, coder, contextPreference: 'size', backend })],
  };
}

/** The integers that latents round to; the window of at most `maxLevels` that holds most of them. */
function integerRange(
  latents: readonly TensorOf<'float32'>[],
  maxLevels: number,
): { low: number; high: number } {
  const counts = new Map<number, number>();
  for (const { data } of latents) {
    for (const value of data) {
      const level = Math.round(value);
      counts.set(level, (counts.get(level) ?? 0) + 1);
    }
  }
  const levels = [...counts.keys()];
  const lowest = Math.min(0, ...levels);
  const highest = Math.max(1, ...levels);
  if (highest - lowest < maxLevels) return { low: lowest, high: highest };
  let best = { low: lowest, held: -1 };
  for (let low = lowest; low + maxLevels - 1 <= highest; low++) {
    let held = 0;
    for (let level = low; level < low + maxLevels; level++) held += counts.get(level) ?? 0;
    if (held > best.held) best = { low, held };
  }
  return { low: best.low, high: best.low + maxLevels - 1 };
}
