/** Measures a bundle's cut: for each point bytes and answers of all samples, then the times of some, one at a time. */

import { profileOfPoint, unitOfPoint } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { designQuickLadder } from '@featherwire/calibration';
import { decodeFrame, encodeFrame } from '@featherwire/codec';
import {
  closeAll,
  type DataSet,
  mapOnWorkers,
  type NetworkParts,
  openParts,
  type Ratio,
} from '@featherwire/eval';
import { type ModelSession, quantiles, type TensorMap } from '@featherwire/inference';
import { type MeasureContext, WARM_UP_SAMPLES } from './measure-context.js';
import type { Reference } from './measure-whole.js';
import type { MeasuredWay, WayStages } from './measured-way.js';
import { type CodingPoint, designLadder, type PointCoder, pointCoder } from './point-coder.js';
import { judge } from './task-score.js';

/**
 * Measures every operating point of a bundle; of one without any a ladder that calibration designs in seconds, or one of plain
 * quantizers where the network's outputs do not tell codings apart.
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
  const pairs: NetworkParts[] = [];
  try {
    for (let i = 0; i < parallelism; i++) pairs.push(await openParts(bundle));
    const points = await pointsOf(bundle, pairs[0], context);
    progress.stage(`measure the cut at ${label}`);
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
  { head, tail }: Pick<NetworkParts, 'head' | 'tail'>,
  context: MeasureContext,
): Promise<readonly CodingPoint[]> {
  const { cut } = bundle.manifest;
  // Points of bottleneck units are not measured here: their halves run on both ends and would be stages of their own.
  const operatingPoints = bundle.manifest.operatingPoints.filter(
    (point) => !unitOfPoint(bundle.manifest, point),
  );
  if (operatingPoints.length === 0) {
    const quick = await quickLadder(bundle, { head, tail }, context);
    return quick ?? designLadder(await designFeatures(head, context), cut, context.backend);
  }
  return operatingPoints.map(
    (point): CodingPoint =>
      point.kind === 'described'
        ? point
        : {
            kind: 'profiled',
            id: point.id,
            profile: profileOfPoint(bundle, point.id),
            ...(point.lambda === undefined ? {} : { lambda: point.lambda }),
          },
  );
}

/** Fewest design samples that codings are told apart on. */
const MIN_QUICK_SAMPLES = 6;

/** Codings as calibration would design them; null where it cannot tell them apart. */
async function quickLadder(
  { manifest }: NodeBundle,
  sessions: Pick<NetworkParts, 'head' | 'tail'>,
  { samples, backend, signal, progress }: MeasureContext,
): Promise<readonly CodingPoint[] | null> {
  const { design } = samples;
  if (design.length < MIN_QUICK_SAMPLES || manifest.cut.some(({ dtype }) => dtype !== 'float32')) return null;
  const data: DataSet = {
    name: 'design samples',
    length: design.length,
    description: samples.description,
    sample: async (index) => {
      const { sample, feeds } = design[index];
      const [tensor] = Object.values(feeds);
      return { ...sample, input: { kind: 'tensor', tensor } };
    },
  };
  const source = { manifest, ...sessions, data, truth: 'agreement' } as const;
  const points = await designQuickLadder({ source, backend, signal, progress });
  return points?.map(({ id, coding }) => ({ kind: 'profiled', id, ...coding })) ?? null;
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
