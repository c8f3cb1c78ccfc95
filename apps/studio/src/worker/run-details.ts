/** What coding the cut of a run again tells: what each entropy coder makes of it, and what each channel adds. */

import type { QuantizerChoice } from '@featherwire/bundle';
import { type CoderChoice, encodeBundledFrame, encodeFrame } from '@featherwire/codec';
import type { Tensor } from '@featherwire/tensor';
import type { CodedSize, RunDetails } from '../messages.js';
import { codingOf, type LastRun } from './run-view.js';
import { planeGrid } from './tile-sheet.js';

/** Coders with what they know, from the least. */
const CODERS: readonly (readonly [CoderChoice, string])[] = [
  ['rans', 'frequencies alone (rANS)'],
  ['rans-packed', 'several values as one symbol (packed rANS)'],
  ['rans-contexts', 'contexts, table with the frame (rANS)'],
  ['binary-fast', 'two neighbors, adaptive trees'],
  ['binary', 'five models of neighbors, mixed'],
];
/** Groups of channels that are left out one after another: each takes a coding. */
const MAX_GROUPS = 64;
/** Coding again stops after this, and what it would have told is left out. */
const MAX_MS = 4000;

/** Codes a cut: one frame for each tensor, or one for all. */
type CodedSizeOf = (tensors: readonly Tensor[], coder?: CoderChoice) => number;

export function runDetails(last: LastRun): RunDetails {
  const encode = codedSizeOf(last);
  return { coders: coderSizes(last, encode), channels: channelBytes(last, encode) };
}

function codedSizeOf({ open, point, coding, names }: LastRun): CodedSizeOf {
  const { bundle, backend } = open;
  const profile = point && bundle.profiles.get(point.id);
  if (profile) {
    const position = bundle.manifest.operatingPoints.indexOf(point);
    const { lambda = 0 } = point as { readonly lambda?: number };
    const shared = { profile, point: position, sequenceNumber: 0, lambda, backend };
    return (tensors, coder) => encodeBundledFrame(tensors, { ...shared, ...(coder && { coder }) }).length;
  }
  const quantizers = names.map((name) => quantizerOf({ open, point, coding }, name));
  return (tensors, coder) =>
    tensors.reduce(
      (sum, feature, i) =>
        sum + encodeFrame(feature, { quantizer: quantizers[i], backend, ...(coder && { coder }) }).length,
      0,
    );
}

/** How a tensor of a cut without a profile was quantized. */
function quantizerOf(
  { open, point, coding }: Pick<LastRun, 'open' | 'point' | 'coding'>,
  name: string,
): QuantizerChoice {
  const chosen =
    point?.kind === 'described'
      ? point.coding.find(({ tensor }) => tensor === name)?.quantizer
      : coding.kind === 'levels' || coding.kind === 'lossless'
        ? (codingOf(open.bundle, coding) as Readonly<Record<string, QuantizerChoice>>)[name]
        : undefined;
  if (!chosen) throw new RangeError(`tensor expected one of the cut, got '${name}'`);
  return chosen;
}

/**
 * By each coder that the cut is a case for, and last as it was sent; nothing where frequencies have nothing to code.
 * A coder refuses cuts of too many levels.
 */
function coderSizes({ tensors, sentBytes }: LastRun, encode: CodedSizeOf): CodedSize[] {
  const again = CODERS.flatMap(([coder, name]) => {
    try {
      return [{ name, bytes: encode(tensors, coder) }];
    } catch {
      return [];
    }
  });
  const [plain] = CODERS;
  return again[0]?.name === plain[1] ? [...again, { name: 'as it was sent', bytes: sentBytes }] : [];
}

/** Bytes that the frame loses without each group of channels of the first tensor. */
function channelBytes({ tensors, names }: LastRun, encode: CodedSizeOf): RunDetails['channels'] {
  const [first, ...others] = tensors;
  const { planeCount, planeHeight, planeWidth } = planeGrid(first.shape);
  if (planeCount < 2 || first.dtype !== 'float32') return null;
  const started = performance.now();
  const whole = encode(tensors);
  const channelsPerGroup = Math.ceil(planeCount / MAX_GROUPS);
  const groupSize = channelsPerGroup * planeHeight * planeWidth;
  const bytes: number[] = [];
  for (let start = 0; start < first.data.length; start += groupSize) {
    if (performance.now() - started > MAX_MS) return null;
    const data = first.data.slice();
    data.fill(0, start, start + groupSize);
    bytes.push(whole - encode([{ ...first, data }, ...others]));
  }
  return { channelsPerGroup, bytes, tensor: names[0] };
}
