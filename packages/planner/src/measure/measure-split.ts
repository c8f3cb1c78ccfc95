/** Measures a bundle's cut: for each point bytes and answers of all samples, then the times of some, one at a time. */

import { profileOfPoint, unitOfPoint } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { decodeFrame, encodeFrame } from '@featherwire/codec';
import { closeAll, mapOnWorkers, type NetworkParts, openParts, type Ratio } from '@featherwire/eval';
import { type ModelSession, quantiles, type TensorMap } from '@featherwire/inference';
import { type MeasureContext, WARM_UP_SAMPLES } from './measure-context.js';
import type { Reference } from './measure-whole.js';
import type { MeasuredWay, WayStages } from './measured-way.js';
import { type CodingPoint, designLadder, type PointCoder, pointCoder } from './point-coder.js';
import { judge } from './task-score.js';

/**
 * Measures every operating point of a bundle, or a ladder of plain quantizers if it has none.
 * @throws {InferenceError} if a part does not load or run; the signal's reason
 */
export async function measureSplit(
  bundle: NodeBundle,
  reference: Reference,
  context: MeasureContext,
): Promise<MeasuredWay[]> {
  const { samples, parallelism, progress, backend } = context;
  const { manifest } = bundle;
  const label = manifest.cut.map(({ name }) => name).join(' + ');
  progress.stage(`measure the cut at ${label}`);
  const pairs: NetworkParts[] = [];
  try {
    for (let i = 0; i < parallelism; i++) pairs.push(await openParts(bundle));
    const points = await pointsOf(bundle, pairs[0].head, context);
    const coders = points.map((point) => pointCoder(point, manifest.cut, backend));
    const rows = await mapOnWorkers(
      pairs,
      samples.list,
      async (pair, { sample, feeds }, i) => {
        context.signal.throwIfAborted();
        const { outputs: features } = await pair.head.run(feeds);
        const cells: { ratio: Ratio; bytes: number }[] = [];
        for (const coder of coders) {
          const frames = coder.encode(features);
          const { outputs } = await pair.tail.run(coder.decode(frames));
          const ratio = context.score.score(outputs, sample, reference.answers[i].outputs);
          cells.push({ ratio, bytes: frames.reduce((sum, { length }) => sum + length, 0) });
        }
        return cells;
      },
      (done) => progress.progress(done, samples.list.length),
    );
    const ways: MeasuredWay[] = [];
    for (const [at, coder] of coders.entries()) {
      const ratios = rows.map((cells) => cells[at].ratio);
      const timed = await timePoint(pairs[0], coder, context);
      ways.push({
        id: `${label} ${coder.id}`,
        kind: 'split',
        label: `split at ${label}`,
        setting: coder.setting,
        cut: manifest.cut.map(({ name }) => name),
        ...timed,
        payloadBytes: quantiles(rows.map((cells) => cells[at].bytes)),
        deviceMacs: manifest.head.macs,
        ...judge(
          ratios,
          reference.answers.map(({ ratio }) => ratio),
          context.score.better,
        ),
      });
    }
    return ways;
  } finally {
    await closeAll(pairs);
  }
}

async function pointsOf(
  bundle: NodeBundle,
  head: ModelSession,
  context: MeasureContext,
): Promise<readonly CodingPoint[]> {
  const { cut } = bundle.manifest;
  // Points of bottleneck units are not measured here: their halves run on both ends and would be stages of their own.
  const operatingPoints = bundle.manifest.operatingPoints.filter(
    (point) => !unitOfPoint(bundle.manifest, point),
  );
  if (operatingPoints.length === 0)
    return designLadder(await designFeatures(head, context), cut, context.backend);
  return operatingPoints.map(
    (point): CodingPoint =>
      point.kind === 'described'
        ? point
        : { kind: 'profiled', id: point.id, profile: profileOfPoint(bundle, point.id) },
  );
}

/** What the ladder is designed on. */
async function designFeatures(head: ModelSession, { samples, signal }: MeasureContext): Promise<TensorMap[]> {
  const features: TensorMap[] = [];
  for (const { feeds } of samples.design) {
    signal.throwIfAborted();
    features.push((await head.run(feeds)).outputs);
  }
  return features;
}

/** Times of every stage, in the order in which they happen between a client and a server. */
async function timePoint(
  { head, tail }: NetworkParts,
  coder: PointCoder,
  { samples, timedSamples, backend, signal }: MeasureContext,
): Promise<{ readonly stages: WayStages; readonly answerBytes: number }> {
  const marks: number[][] = [];
  let answerBytes = 0;
  const count = Math.min(samples.list.length, timedSamples) + WARM_UP_SAMPLES;
  for (let i = 0; i < count; i++) {
    signal.throwIfAborted();
    const { feeds } = samples.list[i % samples.list.length];
    const times = [performance.now()];
    const mark = (): number => times.push(performance.now());
    const { outputs: features } = await head.run(feeds);
    mark();
    const frames = coder.encode(features);
    mark();
    const decoded = coder.decode(frames);
    mark();
    const { outputs } = await tail.run(decoded);
    mark();
    const answer = Object.values(outputs).map((output) =>
      encodeFrame(output, { quantizer: { kind: 'none' }, backend }),
    );
    mark();
    for (const frame of answer) decodeFrame(frame, { backend });
    mark();
    if (i < WARM_UP_SAMPLES) continue;
    marks.push(times.slice(1).map((time, stage) => time - times[stage]));
    answerBytes += answer.reduce((sum, { length }) => sum + length, 0) / (count - WARM_UP_SAMPLES);
  }
  const stage = (at: number) => quantiles(marks.map((times) => times[at]));
  const [headMs, encodeMs, decodeMs, tailMs, respondMs, readMs] = [0, 1, 2, 3, 4, 5].map(stage);
  return { stages: { headMs, encodeMs, decodeMs, tailMs, respondMs, readMs }, answerBytes };
}
