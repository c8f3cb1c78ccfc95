/**
 * Operating points from calibration lines: levels and clip limits are tried on features of lines that the test
 * never sees, through the real tail and from decoded frames, and for each allowed loss the smallest point that
 * stays within it is taken.
 */

import type { DescribedPoint } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import {
  type Backend,
  type CoderChoice,
  decodeFrame,
  encodeFrame,
  type QuantizerChoice,
} from '@featherwire/codec';
import { mapOnWorkers, pooledRatio, type Ratio } from '@featherwire/eval';
import type { ModelSession } from '@featherwire/inference';
import type { Tensor, TensorOf } from '@featherwire/tensor';
import { errorsOfAnswer, type TextLine } from './lines.js';
import type { Recognizer } from './recognizer.js';
import { type DemoSize, LOSS_TARGETS } from './scenario.js';

/** What calibration works with. */
export interface CalibrationOptions {
  readonly bundle: NodeBundle;
  readonly recognizer: Recognizer;
  readonly lines: readonly TextLine[];
  readonly description: string;
  readonly heads: readonly ModelSession[];
  readonly tails: readonly ModelSession[];
  /** Character error rate of the unsplit network on these lines. */
  readonly unsplitErrorRate: number;
  readonly size: DemoSize;
  readonly backend: Backend;
  readonly onProgress: (done: number, total: number) => void;
}

/** A point is worth a row if it takes at most this share of the bytes of the one before. */
const DISTINCT_SHARE = 0.9;

interface Candidate {
  readonly quantizer: QuantizerChoice;
  readonly bytesPerLine: number;
  readonly errorRate: number;
}

/** Designs one point for each loss target, from fine to coarse. */
export async function designOperatingPoints(options: CalibrationOptions): Promise<DescribedPoint[]> {
  const { bundle, lines, size, unsplitErrorRate } = options;
  const cut = bundle.manifest.cut[0].name;
  const features = await mapOnWorkers(options.heads, lines, async (head, line) => {
    const { outputs } = await head.run(line.inputs);
    return float32Feature(outputs[cut]);
  });
  const quantizers = candidateQuantizers(features, size);
  const candidates: Candidate[] = [];
  for (const quantizer of quantizers) {
    // The faster coder for choosing: errors do not depend on it, and rates fall in the same order.
    candidates.push(await measure({ quantizer, coder: 'rans' }, features, cut, options));
    options.onProgress(candidates.length, quantizers.length);
  }
  const points: DescribedPoint[] = [];
  for (const { id, candidate } of pickPoints(candidates, unsplitErrorRate)) {
    const { quantizer } = candidate;
    const { bytesPerLine, errorRate } = await measure({ quantizer, coder: 'auto' }, features, cut, options);
    points.push({
      id,
      kind: 'described',
      coding: [{ tensor: cut, quantizer }],
      measured: {
        bytesPerSample: bytesPerLine,
        metric: { name: 'character error rate', value: errorRate },
        data: options.description,
        sampleCount: lines.length,
      },
    });
  }
  return points;
}

/** The smallest candidate within each target, each distinctly smaller than the one before. */
function pickPoints(
  candidates: readonly Candidate[],
  unsplitErrorRate: number,
): { id: string; candidate: Candidate }[] {
  const picked: { id: string; candidate: Candidate }[] = [];
  let bytesBelow = Number.POSITIVE_INFINITY;
  for (const { id, allowedLoss } of LOSS_TARGETS) {
    const smaller = candidates.filter(({ bytesPerLine }) => bytesPerLine <= bytesBelow * DISTINCT_SHARE);
    if (smaller.length === 0) break;
    const candidate = smallestWithin(smaller, unsplitErrorRate + allowedLoss);
    picked.push({ id, candidate });
    bytesBelow = candidate.bytesPerLine;
  }
  return picked;
}

/** Every level count with every pair of clip limits. */
function candidateQuantizers(features: readonly TensorOf<'float32'>[], size: DemoSize): QuantizerChoice[] {
  const sorted = sortedValues(features);
  return size.levelCounts.flatMap((levelCount) =>
    size.clippedShares.map((share): QuantizerChoice => {
      const low = sorted[Math.floor((share / 2) * (sorted.length - 1))];
      const high = sorted[Math.ceil((1 - share / 2) * (sorted.length - 1))];
      return { kind: 'uniform', levelCount, range: { kind: 'fixed', low, high } };
    }),
  );
}

async function measure(
  coding: { readonly quantizer: QuantizerChoice; readonly coder: CoderChoice },
  features: readonly TensorOf<'float32'>[],
  cut: string,
  options: CalibrationOptions,
): Promise<Candidate> {
  const { backend, lines, recognizer, tails } = options;
  const frames = features.map((feature) => encodeFrame(feature, { ...coding, backend }));
  const errors = await mapOnWorkers(tails, frames, async (tail, frame, index): Promise<Ratio> => {
    const { outputs } = await tail.run({ [cut]: decodeFrame(frame, { backend }) });
    return errorsOfAnswer(lines[index], outputs, recognizer);
  });
  const bytes = frames.reduce((sum, frame) => sum + frame.length, 0);
  return { quantizer: coding.quantizer, bytesPerLine: bytes / frames.length, errorRate: pooledRatio(errors) };
}

/** The fewest bytes at or below an error rate; without any such point, the lowest error rate. */
function smallestWithin(candidates: readonly Candidate[], errorRate: number): Candidate {
  const within = candidates.filter((candidate) => candidate.errorRate <= errorRate);
  if (within.length === 0) return candidates.reduce((a, b) => (b.errorRate < a.errorRate ? b : a));
  return within.reduce((a, b) => (b.bytesPerLine < a.bytesPerLine ? b : a));
}

function sortedValues(features: readonly TensorOf<'float32'>[]): Float32Array {
  const all = new Float32Array(features.reduce((sum, { data }) => sum + data.length, 0));
  let offset = 0;
  for (const { data } of features) {
    all.set(data, offset);
    offset += data.length;
  }
  return all.sort();
}

function float32Feature(feature: Tensor): TensorOf<'float32'> {
  if (feature?.dtype !== 'float32') throw new TypeError(`feature expected float32, got ${feature?.dtype}`);
  return feature;
}
