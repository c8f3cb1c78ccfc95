/**
 * Ways of coding a cut, as measuring takes them: operating points that a bundle states, and a ladder of plain quantizers for
 * bundles without any. The ladder's clip limits are designed once, from features of the first samples.
 */

import type { BundleManifest, OperatingPoint, QuantizerChoice, TensorSpec } from '@featherwire/bundle';
import {
  addValues,
  type Backend,
  createStatistics,
  decodeFrame,
  designRange,
  encodeFrame,
} from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import type { TensorOf } from '@featherwire/tensor';

/** One way of coding the cut's tensors. */
export interface PointCoder {
  readonly id: string;
  /** In words. */
  readonly setting: string;
  /** One frame for each tensor of the cut, as they travel. */
  encode(features: TensorMap): readonly Uint8Array[];
  decode(frames: readonly Uint8Array[]): TensorMap;
}

/** Levels of the ladder, from coarse to fine. */
const LADDER_LEVELS: readonly number[] = [3, 4, 6, 8, 12, 16, 32];

/** A point with a quantizer for each tensor of the cut. */
export function pointCoder(
  { id, coding }: Pick<OperatingPoint, 'id' | 'coding'>,
  cut: BundleManifest['cut'],
  backend: Backend,
): PointCoder {
  const quantizerOf = new Map(coding.map(({ tensor, quantizer }) => [tensor, quantizer]));
  return {
    id,
    setting: [...new Set(coding.map(({ quantizer }) => describeQuantizer(quantizer)))].join(', '),
    encode: (features) =>
      cut.map(({ name }) => encodeFrame(features[name], { quantizer: quantizerOf.get(name)!, backend })),
    decode: (frames) =>
      Object.fromEntries(cut.map(({ name }, i) => [name, decodeFrame(frames[i], { backend })])),
  };
}

/**
 * Designs the ladder.
 * @param features - of a few samples, at least one
 */
export function designLadder(features: readonly TensorMap[], cut: BundleManifest['cut']): OperatingPoint[] {
  return LADDER_LEVELS.map((levelCount) => ({
    id: `levels-${levelCount}`,
    coding: cut.map((spec) => ({
      tensor: spec.name,
      quantizer: ladderQuantizer(features, spec, levelCount),
    })),
  }));
}

/** Elements that are no float32 travel without loss: indices, masks and lengths bear none. */
function ladderQuantizer(
  features: readonly TensorMap[],
  { name, dtype }: TensorSpec,
  levelCount: number,
): QuantizerChoice {
  if (dtype !== 'float32') return { kind: 'lossless' };
  const statistics = createStatistics();
  for (const feature of features) addValues(statistics, (feature[name] as TensorOf<'float32'>).data);
  const { low, high } = designRange(statistics, { levelCount });
  return { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } };
}

function describeQuantizer(quantizer: QuantizerChoice): string {
  switch (quantizer.kind) {
    case 'uniform':
    case 'grouped':
      return `${quantizer.levelCount} levels`;
    case 'levels':
      return `${quantizer.levels.length} levels`;
    case 'asymmetric':
      return `${quantizer.bits} bits`;
    case 'blocks':
      return `blocks of ${quantizer.blockSize}`;
    case 'none':
      return 'as it is';
    case 'integer':
    case 'lossless':
      return 'lossless';
    default:
      return quantizer satisfies never;
  }
}
