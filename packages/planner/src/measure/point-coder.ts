/**
 * Ways of coding a cut, as measuring takes them: operating points that a bundle states, and a ladder of points for bundles
 * without any, whose quantizers and static tables are designed on features of a few samples.
 */

import type { BundleManifest, DescribedPoint } from '@featherwire/bundle';
import type { OperatingPointSource } from '@featherwire/bundle/node';
import {
  type Backend,
  type CodingProfile,
  createCodingProfile,
  decodeFrame,
  decodeTensors,
  designTensorProfile,
  encodeBundledFrame,
  encodeFrame,
  type Quantizer,
  type QuantizerChoice,
  writeProfile,
} from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';

/** A way of coding the cut, with everything that it needs. */
export type CodingPoint =
  | Pick<DescribedPoint, 'kind' | 'id' | 'coding'>
  | {
      readonly kind: 'profiled';
      readonly id: string;
      readonly profile: CodingProfile;
      /** That of the encoder; 0 by default. */
      readonly lambda?: number;
    };

/** One way of coding the cut's tensors. */
export interface PointCoder {
  readonly id: string;
  /** In words. */
  readonly setting: string;
  /** The frames that travel. */
  encode(features: TensorMap): readonly Uint8Array[];
  decode(frames: readonly Uint8Array[]): TensorMap;
}

/** Levels of the ladder, from coarse to fine. */
const LADDER_LEVELS: readonly number[] = [4, 8, 16, 32];
/** Most levels that tables by neighborhood take. */
const MAX_CONTEXT_LEVELS = 16;

/** The coder of a point. */
export function pointCoder(point: CodingPoint, cut: BundleManifest['cut'], backend: Backend): PointCoder {
  return point.kind === 'described'
    ? describedCoder(point, cut, backend)
    : profiledCoder(point, cut, backend);
}

/**
 * Designs the ladder. Tensors that are no float32 bear no loss (indices, masks, lengths): with one of them in the cut
 * every tensor has a frame of its own.
 * @param features - of a few samples, at least one
 */
export function designLadder(
  features: readonly TensorMap[],
  cut: BundleManifest['cut'],
  backend: Backend,
): CodingPoint[] {
  return LADDER_LEVELS.map((levelCount): CodingPoint => {
    const id = `levels-${levelCount}`;
    const quantizer = { kind: 'uniform', levelCount, range: { kind: 'model' } } as const;
    if (cut.some(({ dtype }) => dtype !== 'float32')) {
      const coding = cut.map(({ name, dtype }) => ({
        tensor: name,
        quantizer: dtype === 'float32' ? quantizer : ({ kind: 'lossless' } as const),
      }));
      return { kind: 'described', id, coding };
    }
    const coder = levelCount <= MAX_CONTEXT_LEVELS ? 'rans-contexts' : 'rans';
    const tensors = cut.map(({ name }) =>
      designTensorProfile(
        features.map((feature) => feature[name]),
        { quantizer, coder, backend },
      ),
    );
    return { kind: 'profiled', id, profile: createCodingProfile(tensors) };
  });
}

/** The point as it is added to a bundle. */
export function pointSource(point: CodingPoint): OperatingPointSource {
  return point.kind === 'described' ? point : { ...point, profile: writeProfile(point.profile) };
}

function describedCoder(
  { id, coding }: Extract<CodingPoint, { kind: 'described' }>,
  cut: BundleManifest['cut'],
  backend: Backend,
): PointCoder {
  const quantizerOf = new Map(coding.map(({ tensor, quantizer }) => [tensor, quantizer]));
  return {
    id,
    setting: [...new Set(coding.map(({ quantizer }) => describeChoice(quantizer)))].join(', '),
    encode: (features) =>
      cut.map(({ name }) => encodeFrame(features[name], { quantizer: quantizerOf.get(name)!, backend })),
    decode: (frames) =>
      Object.fromEntries(cut.map(({ name }, i) => [name, decodeFrame(frames[i], { backend })])),
  };
}

/** The number of the point has no meaning here, as long as both ends use the same. */
const POINT = 0;

function profiledCoder(
  { id, profile, lambda = 0 }: Extract<CodingPoint, { kind: 'profiled' }>,
  cut: BundleManifest['cut'],
  backend: Backend,
): PointCoder {
  const profiles = new Map([[POINT, profile]]);
  return {
    id,
    setting: [...new Set(profile.tensors.map(({ quantizer }) => describeStage(quantizer)))].join(', '),
    encode: (features) => [
      encodeBundledFrame(
        cut.map(({ name }) => features[name]),
        { profile, point: POINT, sequenceNumber: 0, lambda, backend },
      ),
    ],
    decode: ([frame]) => {
      const tensors = decodeTensors(frame, { profiles, backend }, cut.length);
      return Object.fromEntries(cut.map(({ name }, i) => [name, tensors[i]]));
    },
  };
}

/** A quantizer that is asked for, in a word or two. */
function describeChoice(quantizer: QuantizerChoice): string {
  switch (quantizer.kind) {
    case 'uniform':
    case 'grouped':
      return levels(quantizer.levelCount);
    case 'levels':
      return levels(quantizer.levels.length);
    case 'asymmetric':
      return levels(2 ** quantizer.bits);
    case 'blocks':
      return `blocks of ${quantizer.blockSize}`;
    case 'none':
    case 'integer':
    case 'lossless':
      return 'lossless';
    default:
      return quantizer satisfies never;
  }
}

/** A quantizer of a profile, in the same words. */
function describeStage(quantizer: Quantizer): string {
  switch (quantizer.kind) {
    case 'affine':
      return levels(quantizer.affine.levelCount);
    case 'levels':
      return levels(quantizer.levels.length);
    case 'blocks':
      return `blocks of ${quantizer.blocks.blockSize}`;
    case 'grouped':
      return 'levels by channel';
    case 'spectral':
      return 'chosen coefficients';
    case 'integer':
    case 'none':
    case 'planes':
      return 'lossless';
    case 'constant':
      return 'one value';
    default:
      return quantizer satisfies never;
  }
}

function levels(count: number): string {
  return `${count} levels`;
}
