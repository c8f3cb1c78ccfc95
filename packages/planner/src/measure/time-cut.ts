/** Times the stages of a cut, one sample at a time. */

import type { NodeBundle } from '@featherwire/bundle/node';
import { type Backend, decodeFrame, encodeFrame } from '@featherwire/codec';
import { type NetworkParts, type OpenExit, openNetwork } from '@featherwire/eval';
import { type Quantiles, quantiles, type TensorMap } from '@featherwire/inference';
import { type MeasureContext, WARM_UP_SAMPLES } from './measure-context.js';
import type { WayStages } from './measured-way.js';
import type { PointCoder } from './point-coder.js';

/** Times of a cut; medians and 95th percentiles over samples, in milliseconds. */
export interface CutTimes {
  /** Of the stages that are the same at every point. */
  readonly networks: Pick<WayStages, 'headMs' | 'tailMs' | 'respondMs' | 'readMs'>;
  /** For each point. */
  readonly codings: readonly Pick<WayStages, 'encodeMs' | 'decodeMs'>[];
  /** Of the whole network, median. */
  readonly wholeMs: number;
  /** Of the exit; undefined without one. */
  readonly exitMs: Quantiles | undefined;
  /** Frames of the answer, mean. */
  readonly answerBytes: number;
}

/**
 * Times of every stage, sample by sample, the whole network in turns with them: what is compared later is measured at the
 * same moments. The tail is given what one point after the other decodes to.
 */
export async function timeCut(
  bundle: NodeBundle,
  { head, tail, exit }: TimedParts,
  coders: readonly PointCoder[],
  { samples, timedSamples, backend, signal, progress }: MeasureContext,
): Promise<CutTimes> {
  const whole = await openNetwork(bundle);
  try {
    const rows: SampleTimes[] = [];
    const count = Math.min(samples.list.length, timedSamples) + WARM_UP_SAMPLES;
    for (let i = 0; i < count; i++) {
      signal.throwIfAborted();
      const { feeds } = samples.list[i % samples.list.length];
      const begun = performance.now();
      await whole.run(feeds);
      const wholeMs = performance.now() - begun;
      const row = await timeSample({ head, tail, exit }, feeds, coders, i % coders.length, backend);
      if (i >= WARM_UP_SAMPLES) rows.push({ ...row, wholeMs });
      progress.progress(i + 1, count);
    }
    const over = (timeOf: (row: SampleTimes) => number): Quantiles => quantiles(rows.map(timeOf));
    return {
      networks: {
        headMs: over((row) => row.headMs),
        tailMs: over((row) => row.tailMs),
        respondMs: over((row) => row.respondMs),
        readMs: over((row) => row.readMs),
      },
      codings: coders.map((_, at) => ({
        encodeMs: over((row) => row.codings[at].encodeMs),
        decodeMs: over((row) => row.codings[at].decodeMs),
      })),
      wholeMs: over((row) => row.wholeMs).p50,
      exitMs: exit && over((row) => row.exitMs),
      answerBytes: rows.reduce((sum, row) => sum + row.answerBytes, 0) / rows.length,
    };
  } finally {
    await whole.close();
  }
}

/** The networks of a cut. */
type TimedParts = Pick<NetworkParts, 'head' | 'tail'> & { readonly exit: OpenExit | undefined };

interface SampleTimes {
  readonly wholeMs: number;
  readonly headMs: number;
  /** 0 without an exit. */
  readonly exitMs: number;
  readonly codings: readonly { readonly encodeMs: number; readonly decodeMs: number }[];
  readonly tailMs: number;
  readonly respondMs: number;
  readonly readMs: number;
  readonly answerBytes: number;
}

/** The stages in the order in which they happen between a client and a server. @param sent - the point that the tail gets */
async function timeSample(
  { head, tail, exit }: TimedParts,
  feeds: TensorMap,
  coders: readonly PointCoder[],
  sent: number,
  backend: Backend,
): Promise<Omit<SampleTimes, 'wholeMs'>> {
  const begun = performance.now();
  const { outputs: features } = await head.run(feeds);
  const headEnd = performance.now();
  if (exit) await exit.ask(features);
  const exitMs = performance.now() - headEnd;
  const codings = coders.map((coder) => {
    const start = performance.now();
    const frames = coder.encode(features);
    const encoded = performance.now();
    const decoded = coder.decode(frames);
    return { encodeMs: encoded - start, decodeMs: performance.now() - encoded, decoded };
  });
  const arrived = performance.now();
  const { outputs } = await tail.run(codings[sent].decoded);
  const ran = performance.now();
  const answer = Object.values(outputs).map((output) =>
    encodeFrame(output, { quantizer: { kind: 'none' }, backend }),
  );
  const coded = performance.now();
  for (const frame of answer) decodeFrame(frame, { backend });
  return {
    headMs: headEnd - begun,
    exitMs,
    codings,
    tailMs: ran - arrived,
    respondMs: coded - ran,
    readMs: performance.now() - coded,
    answerBytes: answer.reduce((sum, { length }) => sum + length, 0),
  };
}
