/**
 * This project's ways of coding as methods of a sweep: frames that describe themselves, frames under profiles that are
 * designed on calibration features, and operating points. Profiles travel with the bundle and are no bytes of a frame.
 */

import {
  addValues,
  type Backend,
  type CodingProfile,
  channelMomentsOf,
  createCodingProfile,
  createStatistics,
  decodeTensors,
  designChannelBasis,
  designTensorProfile,
  encodeBundledFrame,
} from '@featherwire/codec';
import type { Shape } from '@featherwire/tensor';
import type { Feature } from '../baselines/features/feature-coder.js';
import { createFrameCoder } from '../baselines/features/frame-coders.js';
import type { CutCoder, CutFeatures, SweepMethod } from './sweep-subject.js';

/** Settings of the project's own methods, each list from fine to coarse. */
export interface OwnSettings {
  /** Levels of self-contained and of profiled frames. */
  readonly levelCounts: readonly number[];
  /** Steps of cosine coefficients in parts of the largest calibrated value. */
  readonly stepShares: readonly number[];
}

/** Settings that span all rates that networks bear. */
export const DEFAULT_OWN_SETTINGS: OwnSettings = {
  levelCounts: [32, 16, 8, 6, 4, 3, 2],
  stepShares: [0.05, 0.08, 0.125, 0.18, 0.25, 0.35, 0.5, 0.7],
};

/** Families whose names begin so are this project's. */
export const OWN_FAMILY = 'ours, ';

/** Contexts end here. */
const MAX_CONTEXT_LEVELS = 16;
/** Blocks of cosines; the small ones where planes have no room for the others. */
const LARGE_BLOCK = 8;
const SMALL_BLOCK = 4;
/** More than any coefficient of these steps has. */
const COEFFICIENT_LEVELS = 2047;
const COEFFICIENT_LAMBDA = 0.1;

/** A coding of the whole cut that was designed before, such as an operating point. */
export interface NamedCoding {
  readonly name: string;
  readonly profile: CodingProfile;
  /** As in `encodeBundledFrame`. */
  readonly lambda: number;
}

/** Self-contained frames, frames under profiles of levels, and of components of channels. */
export function ownMethods(backend: Backend, settings: OwnSettings = DEFAULT_OWN_SETTINGS): SweepMethod[] {
  const plans: BlockPlans = new WeakMap();
  return [
    ...settings.levelCounts.map((levelCount) => selfContained(levelCount, backend)),
    ...settings.levelCounts.map((levelCount) => profiledLevels(levelCount, 'model', backend)),
    ...settings.levelCounts.map((levelCount) => profiledLevels(levelCount, 'minmax', backend)),
    ...settings.stepShares.map((share) => components(share, backend, plans)),
  ];
}

/** Operating points, from a calibration or from a bundle. */
export function codingMethods(codings: readonly NamedCoding[], backend: Backend): SweepMethod[] {
  const family = `${OWN_FAMILY}calibrated points`;
  return codings.map(({ name, profile, lambda }) => ({
    kind: 'cut',
    family,
    name: `${family}, ${name}`,
    create: async () => profiledCoder({ profile, lambda, backend }),
  }));
}

function selfContained(levelCount: number, backend: Backend): SweepMethod {
  const family = `${OWN_FAMILY}self-contained`;
  const name = `${family}, ${levelCount} levels`;
  const quantizer = { kind: 'uniform', levelCount, range: { kind: 'model' } } as const;
  return {
    kind: 'tensor',
    family,
    name,
    create: async () => createFrameCoder(name, { quantizer, backend }),
  };
}

/** @param range - designed by the model of the activation, or all that calibration has seen, as the baselines have it */
function profiledLevels(levelCount: number, range: 'model' | 'minmax', backend: Backend): SweepMethod {
  const family = `${OWN_FAMILY}profiled levels${range === 'minmax' ? ' of the whole range' : ''}`;
  const quantizer = { kind: 'uniform', levelCount, range: { kind: range } } as const;
  const coder = levelCount <= MAX_CONTEXT_LEVELS ? 'rans-contexts' : 'rans';
  return {
    kind: 'cut',
    family,
    name: `${family}, ${levelCount} levels`,
    async create(seen) {
      const tensors = seen.map((samples) => designTensorProfile(samples, { quantizer, coder, backend }));
      return profiledCoder({ profile: createCodingProfile(tensors), lambda: 0, backend });
    },
  };
}

/** What cosine blocks of a tensor are, whatever their step. */
interface BlockPlan {
  readonly blockSize: typeof LARGE_BLOCK | typeof SMALL_BLOCK;
  /** Components of the channels. */
  readonly basis: ReturnType<typeof designChannelBasis>;
  /** Largest magnitude of a value. */
  readonly reach: number;
}

/** Plans by the features that they are designed from: those of wide cuts take most of a minute, and all steps share one. */
type BlockPlans = WeakMap<readonly Feature[], BlockPlan>;

/** Cosine blocks of principal components of the channels. */
function components(share: number, backend: Backend, plans: BlockPlans): SweepMethod {
  const family = `${OWN_FAMILY}components`;
  return {
    kind: 'cut',
    family,
    name: `${family}, step ${share}`,
    async create(seen) {
      const other = seen.find(([{ shape }]) => !(shape.length === 4 && sideOf(shape) >= SMALL_BLOCK));
      if (other)
        return { skip: `[${other[0].shape.join(', ')}] has no planes of ${SMALL_BLOCK} by ${SMALL_BLOCK}` };
      const tensors = seen.map((samples) => {
        const { reach, ...blocks } = plans.get(samples) ?? planBlocks(samples);
        plans.set(samples, { reach, ...blocks });
        const step = share * reach;
        const quantizer = { kind: 'blocks', ...blocks, step, levelCount: COEFFICIENT_LEVELS } as const;
        return designTensorProfile(samples, { quantizer, backend });
      });
      return profiledCoder({ profile: createCodingProfile(tensors), lambda: COEFFICIENT_LAMBDA, backend });
    },
  };
}

/** Rows or columns of a plane, the fewer. */
function sideOf(shape: Shape): number {
  return Math.min(...shape.slice(-2));
}

function planBlocks(samples: readonly Feature[]): BlockPlan {
  const [{ shape }] = samples;
  const statistics = createStatistics();
  for (const { data } of samples) {
    addValues(statistics, data);
  }
  return {
    blockSize: sideOf(shape) >= LARGE_BLOCK ? LARGE_BLOCK : SMALL_BLOCK,
    basis: designChannelBasis(channelMomentsOf(samples)),
    reach: Math.max(-statistics.low, statistics.high),
  };
}

/** As the edge client numbers frames of a fresh session: their number takes one byte. */
const FRAME_NUMBERS = { point: 0, sequenceNumber: 0 };

/** All tensors of the cut in one bundled frame. */
function profiledCoder({
  profile,
  lambda,
  backend,
}: Omit<NamedCoding, 'name'> & { readonly backend: Backend }): CutCoder {
  const profiles = new Map([[FRAME_NUMBERS.point, profile]]);
  return {
    async code(features: CutFeatures) {
      const bytes: number[] = [];
      const decoded: Feature[][] = features.map(() => []);
      let [encodeMs, decodeMs] = [0, 0];
      for (let i = 0; i < features[0].length; i++) {
        const start = performance.now();
        const tensors = features.map((list) => list[i]);
        const frame = encodeBundledFrame(tensors, { profile, ...FRAME_NUMBERS, lambda, backend });
        const encoded = performance.now();
        const arrived = decodeTensors(frame, { profiles, backend }, features.length);
        decodeMs += performance.now() - encoded;
        encodeMs += encoded - start;
        bytes.push(frame.length);
        for (const [t, tensor] of arrived.entries()) decoded[t].push(tensor as Feature);
      }
      return { decoded, bytes, sharedBytes: 0, encodeMs, decodeMs };
    },
  };
}
