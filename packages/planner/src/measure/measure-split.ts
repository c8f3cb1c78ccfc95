/** Measures a bundle's cut: for all points bytes and answers of all samples, then the times of some, one at a time. */

import { profileOfPoint, unitOfPoint } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { designQuickLadder } from '@featherwire/calibration';
import {
  closeAll,
  type DataSet,
  mapOnWorkers,
  type NetworkParts,
  type OpenExit,
  openExit,
  openParts,
} from '@featherwire/eval';
import { type ModelSession, quantiles, type TensorMap } from '@featherwire/inference';
import type { MeasureContext } from './measure-context.js';
import type { Reference } from './measure-whole.js';
import { type CodedSample, exitBefore } from './measured-exit.js';
import type { MeasuredWay } from './measured-way.js';
import { type CodingPoint, designLadder, pointCoder } from './point-coder.js';
import { judge } from './task-score.js';
import { timeCut } from './time-cut.js';

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
  let exit: OpenExit | undefined;
  try {
    exit = await openExit(bundle);
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
        const whole = reference.answers[i].outputs;
        const asked = await exit?.ask(features);
        const cells: CodedSample[] = [];
        for (const coder of coders) {
          const frames = coder.encode(features);
          const { outputs } = await pair.tail.run(coder.decode(frames));
          const ratio = context.score.score(outputs, sample, whole);
          cells.push({ ratio, bytes: frames.reduce((sum, { length }) => sum + length, 0) });
        }
        const answer = asked && {
          isSure: asked.isSure,
          ratio: context.score.score(asked.outputs, sample, whole),
        };
        return { cells, answer };
      },
      (done) => progress.progress(done, samples.list.length),
    );
    const { wholeMs, answerBytes, ...times } = await timeCut(bundle, { ...pairs[0], exit }, coders, context);
    const answers = rows.flatMap(({ answer }) => answer ?? []);
    const judged = { reference: reference.answers.map(({ ratio }) => ratio), better: context.score.better };
    return coders.map((coder, at): MeasuredWay => {
      const coded = rows.map(({ cells }) => cells[at]);
      return {
        id: `${label} ${coder.id}`,
        kind: 'split',
        label: `split at ${label}`,
        setting: coder.setting,
        cut: manifest.cut.map(({ name }) => name),
        stages: { ...times.networks, ...times.codings[at] },
        wholeMs,
        answerBytes,
        payloadBytes: quantiles(coded.map(({ bytes }) => bytes)),
        deviceMacs: manifest.head.macs,
        ...judge(
          coded.map(({ ratio }) => ratio),
          judged.reference,
          judged.better,
        ),
        ...(times.exitMs && { exit: exitBefore(answers, coded, times.exitMs, judged) }),
      };
    });
  } finally {
    await closeAll([...pairs, ...(exit ? [exit] : [])]);
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
