/** What an exit does to samples, at its threshold: how many it answers, what that loses, and which bytes it saves at each point. */

import { EXIT_CONFIDENCE, type ExitMeasurement } from '@featherwire/bundle';
import {
  type Coding,
  lossOf,
  meanOf,
  measureCoding,
  type SplitSamples,
  type UnitRuns,
} from '@featherwire/calibration';
import { compareHits, pooledRatio, type Ratio } from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import type { ModelProto } from '@featherwire/onnx';
import { CHUNK, runOnCut } from './run-on-cut.js';

/** A point of the bundle at which samples are sent that the exit does not answer. */
export interface ExitPoint {
  readonly id: string;
  readonly coding: Coding & { readonly unit?: UnitRuns };
}

/** A point with and without the exit, on the same samples. */
export interface ExitPointEffect {
  readonly point: string;
  /** Mean bytes of a frame over all samples, none for those that the exit answers. */
  readonly bytesPerDecision: number;
  /** The same without the exit. */
  readonly bytesPerSample: number;
  /** Mean bytes of the samples that are sent; null if none is. */
  readonly bytesPerSent: number | null;
  /** The metric with the exit and without it. */
  readonly metric: number;
  readonly metricWithout: number;
}

/** One sample with the exit's answer to it. */
export interface ExitAnswer {
  readonly confidence: number;
  /** The metric of the exit's answer, and of the network's. */
  readonly ratio: Ratio;
  readonly reference: Ratio;
}

/** What was measured on the samples for claims. */
export interface ExitEffect {
  readonly measured: Required<ExitMeasurement>;
  readonly answered: number;
  /** Answers that are worse than the network's, and better ones. */
  readonly lost: number;
  readonly won: number;
  readonly points: readonly ExitPointEffect[];
}

/** What measuring needs. */
export interface ExitMeasuring {
  readonly samples: SplitSamples;
  readonly points?: readonly ExitPoint[];
  /** Of the interval. */
  readonly confidence: number;
  readonly progress?: { progress(done: number, total: number): void };
}

/** The exit's answers to samples, whatever its threshold. */
export async function exitAnswers(
  model: ModelProto,
  { bench }: SplitSamples,
  numbers: readonly number[],
): Promise<ExitAnswer[]> {
  const outputs: TensorMap[] = [];
  await runOnCut(model, bench, numbers, (each) => outputs.push(each));
  const answers: ExitAnswer[] = [];
  for (let from = 0; from < numbers.length; from += CHUNK) {
    const part = numbers.slice(from, from + CHUNK);
    const references = await bench.reference(part);
    for (const [i, number] of part.entries()) {
      const own = outputs[from + i];
      answers.push({
        confidence: Number(own[EXIT_CONFIDENCE].data[0]),
        ratio: await bench.score(own, references[i], number),
        reference: await bench.score(references[i], references[i], number),
      });
    }
  }
  return answers;
}

/** Whether an answer of the exit is worse than the network's; both are hits or misses. */
export function isLost({ ratio, reference }: ExitAnswer): boolean {
  return ratio.numerator < reference.numerator;
}

/** Measures an exit on the samples for claims. */
export async function measureExit(
  model: ModelProto,
  threshold: number,
  { samples, points = [], confidence, progress }: ExitMeasuring,
): Promise<ExitEffect> {
  const { parts, bench, metricName, description } = samples;
  const answers = await exitAnswers(model, samples, parts.claim);
  const isAnswered = answers.map((answer) => answer.confidence >= threshold);
  const references = answers.map(({ reference }) => reference);
  const withExit = (others: readonly Ratio[]): Ratio[] =>
    answers.map(({ ratio }, i) => (isAnswered[i] ? ratio : others[i]));
  const ratios = withExit(references);
  const loss = lossOf({ ratios, references }, bench.better, confidence);
  const { lost, won } = compareHits(references, ratios);
  const effects: ExitPointEffect[] = [];
  for (const { id, coding } of points) {
    const coded = await measureCoding(coding, parts.claim, bench);
    const sent = coded.bytes.filter((_, i) => !isAnswered[i]);
    effects.push({
      point: id,
      bytesPerDecision: meanOf(coded.bytes.map((bytes, i) => (isAnswered[i] ? 0 : bytes))),
      bytesPerSample: meanOf(coded.bytes),
      bytesPerSent: sent.length > 0 ? meanOf(sent) : null,
      metric: pooledRatio(withExit(coded.ratios)),
      metricWithout: pooledRatio(coded.ratios),
    });
    progress?.progress(effects.length, points.length);
  }
  const answered = isAnswered.filter(Boolean).length;
  return {
    measured: {
      metric: { name: metricName, value: pooledRatio(ratios) },
      data: description,
      sampleCount: answers.length,
      reference: pooledRatio(references),
      loss: { value: loss.value, interval: [loss.low, loss.high], confidence },
      answeredShare: answered / answers.length,
    },
    ...{ answered, lost, won, points: effects },
  };
}
