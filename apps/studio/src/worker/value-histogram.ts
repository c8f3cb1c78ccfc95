/** What a tensor's values look like, and where its quantizer decides. */

import { decisionThresholds, levelOfIndex, type Quantizer, type TensorProfile } from '@featherwire/codec';
import type { Tensor } from '@featherwire/tensor';
import type { ValueHistogram } from '../messages.js';

const BIN_COUNT = 96;
/** More lines than these cannot be told apart. */
const MAX_LINES = 64;

/** Lowest and highest value; 0 and 0 for an empty tensor. */
export function rangeOf({ data }: Tensor): { readonly low: number; readonly high: number } {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (let i = 0; i < data.length; i++) {
    const value = Number(data[i]);
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return high >= low ? { low, high } : { low: 0, high: 0 };
}

/** Share of the values that colors tell apart; a few large ones would leave the rest dark. */
const SHOWN_SHARE = 0.995;

/** Where colors begin and end: the range without its thin end. */
export function shadeRange({ low, high, counts }: ValueHistogram): {
  readonly low: number;
  readonly high: number;
} {
  const total = counts.reduce((sum, count) => sum + count, 0);
  const binOf = (from: number, step: 1 | -1): number => {
    let bin = from;
    for (let seen = counts[bin]; seen < (1 - SHOWN_SHARE) * total; seen += counts[bin]) bin += step;
    return bin;
  };
  const width = (high - low) / counts.length;
  const first = low < 0 ? binOf(0, 1) : 0; // what a rectifier cuts off is one value, and the background
  return { low: low + first * width, high: low + (binOf(counts.length - 1, -1) + 1) * width };
}

/** @param profile - of the tensor, where both ends hold one: listed levels have their thresholds there */
export function valueHistogram(
  value: Tensor,
  quantizer: Quantizer,
  profile: TensorProfile | undefined,
): ValueHistogram {
  const { low, high } = rangeOf(value);
  const counts = new Uint32Array(BIN_COUNT);
  const scale = high > low ? BIN_COUNT / (high - low) : 0;
  for (let i = 0; i < value.data.length; i++) {
    counts[Math.min(BIN_COUNT - 1, Math.floor((Number(value.data[i]) - low) * scale))]++;
  }
  const { thresholds, levels, note } = linesOf(quantizer, profile);
  const isTooMany = levels.length > MAX_LINES;
  return {
    low,
    high,
    counts,
    thresholds: isTooMany ? [] : thresholds.filter((at) => at >= low && at <= high),
    levels: isTooMany ? [] : levels,
    note: isTooMany ? `${levels.length} levels, too many to draw` : note,
  };
}

interface Lines {
  readonly thresholds: readonly number[];
  readonly levels: readonly number[];
  readonly note: string;
}

function linesOf(quantizer: Quantizer, profile: TensorProfile | undefined): Lines {
  switch (quantizer.kind) {
    case 'affine': {
      const { affine } = quantizer;
      const levels = Array.from({ length: affine.levelCount }, (_, i) => levelOfIndex(i, affine));
      return { thresholds: [...decisionThresholds(affine)], levels, note: '' };
    }
    case 'levels':
      return { thresholds: [...(profile?.thresholds ?? [])], levels: [...quantizer.levels], note: '' };
    case 'grouped':
      return { thresholds: [], levels: [], note: 'each group of channels has levels of its own' };
    case 'blocks':
    case 'spectral':
      return { thresholds: [], levels: [], note: 'levels are of frequencies of blocks, not of these values' };
    case 'constant':
      return { thresholds: [], levels: [quantizer.value], note: 'one value' };
    case 'integer':
    case 'none':
    case 'planes':
      return { thresholds: [], levels: [], note: 'nothing is lost' };
    default:
      return quantizer satisfies never;
  }
}
