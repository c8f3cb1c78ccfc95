/** A coding measured: frames of real features, decoded, through the tail, every byte counted. */

import { type Backend, decodeTensors, encodeBundledFrame } from '@featherwire/codec';
import { areHits, type BatchRun, bootstrapDifference, type Estimate, type Ratio } from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import type { Coding } from './families.js';
import type { CutFeature } from './feature-store.js';
import type { OutputDistance } from './output-distance.js';

/** How samples are taken and judged. */
export interface MeasuringBench {
  readonly tensorNames: readonly string[];
  readonly features: (sample: number) => Promise<CutFeature>;
  /** What the tail makes of features that were not coded. */
  readonly reference: (samples: readonly number[]) => Promise<readonly TensorMap[]>;
  readonly run: BatchRun;
  readonly distance: OutputDistance;
  readonly score: (outputs: TensorMap, reference: TensorMap, sample: number) => Promise<Ratio>;
  readonly better: 'higher' | 'lower';
  readonly backend: Backend;
  readonly signal: AbortSignal;
}

/** A unit between the cut and the codec, both halves at hand. */
export interface UnitRuns {
  /** From the cut tensors to the latent, in the orders of the manifest. */
  readonly reduce: (features: CutFeature) => Promise<CutFeature>;
  /** From the decoded latent to tensors of the cut, in its order. */
  readonly restore: (latent: readonly Tensor[]) => Promise<readonly Tensor[]>;
}

/** What came of each sample, in the order of the samples. */
export interface CodedSamples {
  /** Bytes of the frames. */
  readonly bytes: readonly number[];
  /** The metric after coding, and without it. */
  readonly ratios: readonly Ratio[];
  readonly references: readonly Ratio[];
  /** Mean distance of the outputs. */
  readonly distance: number;
  /** Mean times of a sample, in milliseconds, the halves of a unit included. */
  readonly encodeMs: number;
  readonly decodeMs: number;
}

/** Samples between two looks at whether enough is known. */
const CHUNK = 32;

/**
 * Codes samples and runs the tail on what is decoded; with a unit, on what it restores from that.
 * @param isDecided - looks at what is known after some samples; true ends the measurement
 * @throws the signal's reason when it is raised
 */
export async function measureCoding(
  { profile, lambda, unit }: Coding & { readonly unit?: UnitRuns },
  samples: readonly number[],
  bench: MeasuringBench,
  isDecided: (sofar: CodedSamples) => boolean = () => false,
): Promise<CodedSamples> {
  const { backend } = bench;
  const profiles = new Map([[0, profile]]);
  const result = { bytes: [] as number[], ratios: [] as Ratio[], references: [] as Ratio[] };
  const sums = { distance: 0, encodeMs: 0, decodeMs: 0 };
  const summary = (): CodedSamples => ({
    ...result,
    distance: sums.distance / result.bytes.length,
    encodeMs: sums.encodeMs / result.bytes.length,
    decodeMs: sums.decodeMs / result.bytes.length,
  });
  for (let from = 0; from < samples.length; from += CHUNK) {
    const part = samples.slice(from, from + CHUNK);
    const feeds: TensorMap[] = [];
    for (const sample of part) {
      bench.signal.throwIfAborted();
      const feature = await bench.features(sample);
      const start = performance.now();
      const coded = unit ? await unit.reduce(feature) : feature;
      // As the edge client numbers its frames.
      const frame = encodeBundledFrame(coded, { profile, point: 0, sequenceNumber: 0, lambda, backend });
      const middle = performance.now();
      const tensors = decodeTensors(frame, { backend, profiles });
      const decoded = unit ? await unit.restore(tensors) : tensors;
      sums.encodeMs += middle - start;
      sums.decodeMs += performance.now() - middle;
      result.bytes.push(frame.length);
      feeds.push(Object.fromEntries(bench.tensorNames.map((name, i) => [name, decoded[i]])));
    }
    const references = await bench.reference(part);
    const outputs = await bench.run(feeds);
    for (const [i, sample] of part.entries()) {
      sums.distance += bench.distance(references[i], outputs[i]);
      result.ratios.push(await bench.score(outputs[i], references[i], sample));
      result.references.push(await bench.score(references[i], references[i], sample));
    }
    if (isDecided(summary())) break;
  }
  return summary();
}

/**
 * How much worse the metric is than without coding, in hundredths of it, with an interval by the paired bootstrap. For hits
 * and misses a pair of each kind of disagreement is added before the interval is taken (Bonett and Price, "Adjusted Wald
 * confidence interval for a difference of binomial proportions based on paired data", 2012), so that samples that all
 * agree do not claim certainty.
 */
export function lossOf(
  { ratios, references }: Pick<CodedSamples, 'ratios' | 'references'>,
  better: 'higher' | 'lower',
  confidence: number,
): Estimate {
  const [from, to] = better === 'higher' ? [ratios, references] : [references, ratios];
  const isHitOrMiss = areHits(ratios) && areHits(references);
  const [hit, miss] = [1, 0].map((numerator) => ({ numerator, denominator: 1 }));
  const { value } = bootstrapDifference(from, to, { resampleCount: 1 });
  const { low, high } = isHitOrMiss
    ? bootstrapDifference([...from, hit, miss], [...to, miss, hit], { confidence })
    : bootstrapDifference(from, to, { confidence });
  return { value: 100 * value, low: 100 * Math.min(low, value), high: 100 * Math.max(high, value) };
}

/** Mean of numbers. */
export function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
