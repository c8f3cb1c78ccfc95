/** The coding profile of a latent: levels one apart, as in training, or more, with static tables from samples. */

import {
  type Backend,
  type CodingProfile,
  createCodingProfile,
  designTensorProfile,
  type StaticCoder,
} from '@featherwire/codec';
import type { TensorOf } from '@featherwire/tensor';

/** How a latent is coded. */
export interface LatentProfileOptions {
  /** Tables by neighborhood by default, which is for up to 16 levels. */
  readonly coder?: StaticCoder['kind'];
  /** Most levels; 16 by default, for context models. Latents beyond are taken for the outer levels. */
  readonly maxLevels?: number;
  /**
   * Distance of the levels, 1 by default, which is what the unit was trained for; larger ones are coarser rates of the same
   * unit.
   */
  readonly stepSize?: number;
  /** That of the frames to come, as in `BundledOptions`; tables are made for the indices that it leaves. 0 by default. */
  readonly lambda?: number;
  /** True if the first dimension is one that frames state: several items to a frame. False by default. */
  readonly variesInCount?: boolean;
  readonly backend: Backend;
}

/**
 * Designs the coding of a unit's latent.
 * @param latents - [1, …] each, of training items; at least one
 * @throws {RangeError} if there is none, or one holds NaN, or the step is not positive
 */
export function designLatentProfile(
  latents: readonly TensorOf<'float32'>[],
  options: LatentProfileOptions,
): CodingProfile {
  const { coder = 'rans-contexts', maxLevels = 16, stepSize = 1, lambda, variesInCount, backend } = options;
  if (!(stepSize > 0)) throw new RangeError(`stepSize expected a positive number, got ${stepSize}`);
  const { low, high } = integerRange(latents, maxLevels, stepSize);
  const quantizer = {
    kind: 'uniform',
    levelCount: high - low + 1,
    range: { kind: 'fixed', low: low * stepSize, high: high * stepSize },
  } as const;
  const varyingAxes = variesInCount ? [0] : [];
  const coding = { quantizer, coder, contextPreference: 'size', lambda, varyingAxes, backend } as const;
  return createCodingProfile([designTensorProfile(latents, coding)]);
}

/** The multiples of the step that latents round to; the window of at most `maxLevels` that holds most of them. */
function integerRange(
  latents: readonly TensorOf<'float32'>[],
  maxLevels: number,
  stepSize: number,
): { low: number; high: number } {
  const counts = new Map<number, number>();
  for (const { data } of latents) {
    for (const value of data) {
      const level = Math.round(value / stepSize);
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
