/** Architectures that a search compares, as records: what a unit is made from, named, and bounded in size. */

import { createLinearUnit } from '../units/linear-unit.js';
import { parameterCount } from '../units/parameters.js';
import { createSeparableUnit } from '../units/separable-unit.js';
import type { Unit } from '../units/unit.js';

/** What a unit is made from, beside the feature that it is for. */
export type UnitArchitecture =
  | {
      readonly kind: 'separable';
      readonly stride: number;
      /** Of each channel in the depthwise convolutions. */
      readonly filters: number;
      readonly latentChannels: number;
      readonly width: number;
      readonly blocks: number;
    }
  | { readonly kind: 'linear'; readonly latentChannels: number; readonly width: number };

/** The feature that units are for. */
export interface FeatureKind {
  /** [C, H, W] or [T, D]. */
  readonly shape: readonly number[];
  /** Nothing is below 0. */
  readonly rectified: boolean;
}

/** Stride, and channels of the latent over those of the feature; the most promising first. */
const MAP_LATENTS = [
  { stride: 2, share: 3 / 8 },
  { stride: 2, share: 1 / 4 },
  { stride: 4, share: 1 },
  { stride: 1, share: 1 / 8 },
  { stride: 2, share: 3 / 4 },
  { stride: 1, share: 1 / 4 },
] as const;
/** Features of a token's latent over those of the token. */
const TOKEN_SHARES = [1 / 16, 1 / 8, 1 / 32, 1 / 4] as const;
const LATENT_CHANNELS = { least: 2, most: 64 } as const;
/** Channels between the layers of a unit over those of the feature, and the most. */
const WIDTH = { share: 2, most: 128 } as const;
const BLOCKS = 2;
/**
 * Filters of each channel: stride², with which a stride loses nothing, as far as all channels together have no more than
 * this many. At `stage2` of ResNet-56 four of them and a wider restoration halve the distance after 800 steps; within
 * 13,000 parameters at `stage2` of ResNet-20 two or four of them take 5 to 7 % off it.
 */
const MOST_FILTERS = 512;
/** Shortest side of a latent that a stride may leave. */
const LEAST_SIDE = 2;

/** Makes the unit. @throws {RangeError} if the architecture is for a feature of another rank */
export function createUnit(architecture: UnitArchitecture, { shape, rectified }: FeatureKind): Unit {
  switch (architecture.kind) {
    case 'separable': {
      const [channels, height, width] = shape;
      if (shape.length !== 3) throw new RangeError(`feature expected [C, H, W], got [${shape.join(', ')}]`);
      return createSeparableUnit({
        ...architecture,
        featureShape: [channels, height, width],
        rectified,
        // Several filters keep the sign of what they see; rectifiers between them and the widening would cut it in half.
        outerDepthwise: architecture.filters > 1 ? 'linear' : 'rectified',
      });
    }
    case 'linear': {
      const [tokens, features] = shape;
      if (shape.length !== 2) throw new RangeError(`feature expected [T, D], got [${shape.join(', ')}]`);
      return createLinearUnit({ ...architecture, featureShape: [tokens, features] });
    }
    default:
      return architecture satisfies never;
  }
}

/** A name that tells architectures apart: `s2f4c12w64b2` has stride 2, 4 filters, 12 latent channels, width 64, 2 blocks. */
export function architectureName(architecture: UnitArchitecture): string {
  const { latentChannels, width } = architecture;
  if (architecture.kind === 'linear') return `c${latentChannels}w${width}`;
  const { stride, filters, blocks } = architecture;
  return `s${stride}f${filters}c${latentChannels}w${width}b${blocks}`;
}

/**
 * Lists architectures for a feature, the most promising first; those that are too large lose blocks, then filters, then
 * width.
 * @param maxParameters - of both halves together
 * @throws {RangeError} if there is none for features of this shape and size
 */
export function listArchitectures(feature: FeatureKind, maxParameters: number): UnitArchitecture[] {
  const listed = candidatesFor(feature.shape).flatMap((candidate) => {
    const fitting = smallerForms(candidate).find(
      (form) => parameterCount(createUnit(form, feature).parameters) <= maxParameters,
    );
    return fitting ?? [];
  });
  const byName = new Map(listed.map((entry) => [architectureName(entry), entry]));
  if (byName.size > 0) return [...byName.values()];
  throw new RangeError(
    `feature expected [C, H, W] or [T, D] with a unit of at most ${maxParameters} parameters, got [${feature.shape.join(', ')}]`,
  );
}

function candidatesFor(shape: readonly number[]): UnitArchitecture[] {
  const [channels, ...sides] = shape;
  if (shape.length === 3) {
    return MAP_LATENTS.filter(({ stride }) => stride === 1 || Math.min(...sides) >= stride * LEAST_SIDE).map(
      ({ stride, share }) => ({
        kind: 'separable',
        stride,
        filters: filtersOf(channels, stride),
        latentChannels: latentChannelsOf(channels * share),
        width: widthOf(channels),
        blocks: BLOCKS,
      }),
    );
  }
  if (shape.length !== 2) return [];
  const [features] = sides;
  return TOKEN_SHARES.map((share) => ({
    kind: 'linear',
    latentChannels: latentChannelsOf(features * share),
    width: widthOf(features),
  }));
}

function latentChannelsOf(wanted: number): number {
  return Math.min(LATENT_CHANNELS.most, Math.max(LATENT_CHANNELS.least, Math.round(wanted)));
}

function filtersOf(channels: number, stride: number): number {
  return Math.max(1, Math.min(stride ** 2, Math.floor(MOST_FILTERS / channels)));
}

function widthOf(channels: number): number {
  return Math.min(WIDTH.most, WIDTH.share * channels);
}

/** The architecture and what is left of it when it has to be smaller. */
function smallerForms(architecture: UnitArchitecture): UnitArchitecture[] {
  const widths = partsOf(architecture.width, [1, 2, 4, 8]);
  if (architecture.kind === 'linear') return widths.map((width) => ({ ...architecture, width }));
  const blocks = Array.from({ length: architecture.blocks + 1 }, (_, less) => architecture.blocks - less);
  const filters = partsOf(architecture.filters, [1, 2, 4, 8, 16]);
  return widths.flatMap((width) =>
    filters.flatMap((count) =>
      blocks.map((left) => ({ ...architecture, width, filters: count, blocks: left })),
    ),
  );
}

function partsOf(count: number, divisors: readonly number[]): number[] {
  return [...new Set(divisors.map((divisor) => Math.max(1, Math.floor(count / divisor))))];
}
