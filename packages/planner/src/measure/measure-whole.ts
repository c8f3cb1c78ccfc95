/** Measures what a split competes with: the whole network on the device, and on the server with the input sent there. */

import type { ImagePreprocessing } from '@featherwire/bundle';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { decodeFrame, encodeFrame } from '@featherwire/codec';
import {
  closeAll,
  encodePicture,
  findQualityAtMatchedMetric,
  flawlessRatio,
  type LossyPictureCodec,
  mapOnWorkers,
  type Network,
  openNetwork,
  type PictureCoding,
  pooledRatio,
  type Ratio,
} from '@featherwire/eval';
import { quantiles, type TensorMap } from '@featherwire/inference';
import { type MeasureContext, WARM_UP_SAMPLES } from './measure-context.js';
import { type MeasuredWay, NO_TIME } from './measured-way.js';
import type { PreparedSample } from './samples.js';
import { judge } from './task-score.js';

/** What the unsplit network answers, sample by sample. */
export interface Reference {
  readonly answers: readonly { readonly outputs: TensorMap; readonly ratio: Ratio }[];
}

/** Runs the unsplit network over all samples. */
export async function readReference(bundle: NodeBundle, context: MeasureContext): Promise<Reference> {
  const { samples, progress, signal } = context;
  progress.stage('run the unsplit network');
  return withNetworks(bundle, context, async (networks) => {
    const answers = await mapOnWorkers(
      networks,
      samples.list,
      async (network, { sample, feeds }) => {
        signal.throwIfAborted();
        const outputs = await network.run(feeds);
        return { outputs, ratio: context.score.score(outputs, sample, outputs) };
      },
      (done) => progress.progress(done, samples.list.length),
    );
    return { answers };
  });
}

/** Qualities that are tried for pictures; about log2 of them are looked at. */
const QUALITIES: readonly number[] = [5, 10, 15, 20, 25, 30, 40, 50, 60, 70, 80, 90, 95];
/** AVIF takes a tenth to a third of a second of a core for a small picture. */
const AVIF_QUALITIES: readonly number[] = [15, 30, 45, 60, 75, 90];
/** Samples of a quality that are answered before it is looked at whether it can still reach the target. */
const CHUNK_SAMPLES = 8;
const LOSSY_CODECS: readonly LossyPictureCodec[] = ['jpeg', 'webp', 'avif'];
const CODEC_NAMES = {
  png: 'PNG',
  'webp-lossless': 'WebP',
  jpeg: 'JPEG',
  webp: 'WebP',
  avif: 'AVIF',
} as const;

/**
 * Measures the ways without a split: all on the device; all on the server from the input without loss; and, for
 * pictures, from JPEG, WebP and AVIF at the smallest quality that loses at most `maxLossPoints`.
 * @param deviceMacs - of the whole network
 */
export async function measureUnsplit(
  bundle: NodeBundle,
  reference: Reference,
  { maxLossPoints, deviceMacs }: { readonly maxLossPoints: number; readonly deviceMacs: number | null },
  context: MeasureContext,
): Promise<MeasuredWay[]> {
  const { samples, progress } = context;
  const { preprocessing } = bundle.manifest;
  return withNetworks(bundle, context, async (networks) => {
    const whole = new UnsplitMeasurement(networks, reference, context);
    progress.stage('time the unsplit network');
    const ways = [await whole.onDevice(deviceMacs)];
    const havePixels = samples.list.every(({ pixels }) => pixels !== null);
    if (!preprocessing || !havePixels) return [...ways, await whole.inputSent()];
    ways.push(await whole.pictureSent({ codec: 'png' }, preprocessing));
    for (const codec of LOSSY_CODECS) {
      progress.stage(`match ${CODEC_NAMES[codec]} to the accuracy`);
      const quality = await whole.matchQuality(codec, maxLossPoints, preprocessing);
      if (quality !== null) ways.push(await whole.pictureSent({ codec, quality }, preprocessing));
    }
    return ways;
  });
}

/** Bytes and time of getting a sample to the server, and what the network is given there. */
interface Sent {
  readonly feeds: TensorMap;
  readonly bytes: number;
  readonly encodeMs: number;
  readonly decodeMs: number;
}

/** Answers to pictures of the first samples. */
interface PictureAnswers {
  readonly ratios: Ratio[];
  readonly bytes: number[];
}

class UnsplitMeasurement {
  readonly #networks: readonly Network[];
  readonly #reference: Reference;
  readonly #context: MeasureContext;
  readonly #answers = new Map<string, PictureAnswers>();

  constructor(networks: readonly Network[], reference: Reference, context: MeasureContext) {
    this.#networks = networks;
    this.#reference = reference;
    this.#context = context;
  }

  async onDevice(deviceMacs: number | null): Promise<MeasuredWay> {
    const ratios = this.#reference.answers.map(({ ratio }) => ratio);
    const notSent = async ({ feeds }: PreparedSample) => ({ feeds, bytes: 0, encodeMs: 0, decodeMs: 0 });
    const { stages, wholeMs } = await this.#time(notSent);
    return {
      ...{ id: 'device', kind: 'device', label: 'all on the device', setting: '', cut: [], deviceMacs },
      stages: { ...NO_STAGES, headMs: stages.tailMs },
      wholeMs,
      payloadBytes: NO_TIME,
      answerBytes: 0,
      ...judge(ratios, ratios, this.#context.score.better),
    };
  }

  /** The input tensor as a lossless frame. */
  async inputSent(): Promise<MeasuredWay> {
    const { backend, samples } = this.#context;
    const send = async ({ feeds }: PreparedSample): Promise<Sent> => {
      const start = performance.now();
      const frames = Object.entries(feeds).map(
        ([name, tensor]) =>
          [name, encodeFrame(tensor, { quantizer: { kind: 'lossless' }, backend })] as const,
      );
      const encoded = performance.now();
      const decoded = Object.fromEntries(
        frames.map(([name, frame]) => [name, decodeFrame(frame, { backend })]),
      );
      const bytes = frames.reduce((sum, [, frame]) => sum + frame.length, 0);
      return { feeds: decoded, bytes, encodeMs: encoded - start, decodeMs: performance.now() - encoded };
    };
    const bytes: number[] = [];
    for (const sample of samples.list) bytes.push((await send(sample)).bytes);
    const ratios = this.#reference.answers.map(({ ratio }) => ratio);
    return {
      ...{
        id: 'input',
        kind: 'server',
        label: 'send the input',
        setting: 'lossless',
        cut: [],
        deviceMacs: 0,
      },
      ...(await this.#time(send)),
      payloadBytes: quantiles(bytes),
      ...judge(ratios, ratios, this.#context.score.better),
    };
  }

  async pictureSent(coding: PictureCoding, preprocessing: ImagePreprocessing): Promise<MeasuredWay> {
    const { ratios, bytes } = await this.#answer(coding, preprocessing, null);
    const isLossy = 'quality' in coding;
    return {
      id: coding.codec,
      kind: isLossy ? 'picture' : 'server',
      label: `send ${CODEC_NAMES[coding.codec]}`,
      setting: isLossy ? `quality ${coding.quality}` : 'lossless',
      cut: [],
      deviceMacs: 0,
      ...(await this.#time((sample) => sendPicture(sample, coding, preprocessing))),
      payloadBytes: quantiles(bytes),
      ...judge(
        ratios,
        this.#reference.answers.map(({ ratio }) => ratio),
        this.#context.score.better,
      ),
    };
  }

  /** The quality of fewest bytes that loses at most so much; null if none does. */
  async matchQuality(
    codec: LossyPictureCodec,
    maxLossPoints: number,
    preprocessing: ImagePreprocessing,
  ): Promise<number | null> {
    const { better } = this.#context.score;
    const unsplit = pooledRatio(this.#reference.answers.map(({ ratio }) => ratio));
    const allowed = maxLossPoints / 100;
    const target = better === 'higher' ? unsplit - allowed : unsplit + allowed;
    const { match } = await findQualityAtMatchedMetric({
      target,
      better,
      qualities: codec === 'avif' ? AVIF_QUALITIES : QUALITIES,
      measure: async (quality) => {
        const { ratios, bytes } = await this.#answer({ codec, quality }, preprocessing, target);
        const bytesPerSample = bytes.reduce((sum, count) => sum + count, 0) / bytes.length;
        return { bytesPerSample, metric: this.#bestPossible(ratios) };
      },
    });
    return match?.quality ?? null;
  }

  /**
   * Answers to the samples in order, on all networks at once; kept, so that a quality is never answered twice.
   * @param target - metric below which no further samples are answered; null answers all
   */
  async #answer(
    coding: PictureCoding,
    preprocessing: ImagePreprocessing,
    target: number | null,
  ): Promise<PictureAnswers> {
    const name = JSON.stringify(coding);
    const answers = this.#answers.get(name) ?? { ratios: [], bytes: [] };
    this.#answers.set(name, answers);
    const { samples, score, signal, progress } = this.#context;
    while (answers.ratios.length < samples.list.length) {
      const from = answers.ratios.length;
      if (target !== null && !this.#reaches(this.#bestPossible(answers.ratios), target)) break;
      const chunk = samples.list.slice(from, from + CHUNK_SAMPLES);
      const rows = await mapOnWorkers(this.#networks, chunk, async (network, sample, i) => {
        signal.throwIfAborted();
        const { feeds, bytes } = await sendPicture(sample, coding, preprocessing);
        const outputs = await network.run(feeds);
        const { outputs: expected } = this.#reference.answers[from + i];
        return { ratio: score.score(outputs, sample.sample, expected), bytes };
      });
      answers.ratios.push(...rows.map(({ ratio }) => ratio));
      answers.bytes.push(...rows.map(({ bytes }) => bytes));
      progress.progress(answers.ratios.length, samples.list.length);
    }
    return answers;
  }

  /** The metric if all samples that are not answered yet were answered without a fault. */
  #bestPossible(ratios: readonly Ratio[]): number {
    const { better } = this.#context.score;
    const rest = this.#reference.answers
      .slice(ratios.length)
      .map(({ ratio }) => flawlessRatio(ratio, better));
    return pooledRatio([...ratios, ...rest]);
  }

  #reaches(metric: number, target: number): boolean {
    return this.#context.score.better === 'higher' ? metric >= target : metric <= target;
  }

  /** Times of some samples, one at a time. */
  async #time(
    send: (sample: PreparedSample) => Promise<Sent>,
  ): Promise<Pick<MeasuredWay, 'stages' | 'wholeMs' | 'answerBytes'>> {
    const { samples, timedSamples, backend, signal } = this.#context;
    const rows: { sent: Sent; tailMs: number; respondMs: number; readMs: number; bytes: number }[] = [];
    const count = Math.min(samples.list.length, timedSamples) + WARM_UP_SAMPLES;
    for (let i = 0; i < count; i++) {
      signal.throwIfAborted();
      const sent = await send(samples.list[i % samples.list.length]);
      const start = performance.now();
      const outputs = await this.#networks[0].run(sent.feeds);
      const ran = performance.now();
      const frames = Object.values(outputs).map((output) =>
        encodeFrame(output, { quantizer: { kind: 'none' }, backend }),
      );
      const coded = performance.now();
      for (const frame of frames) decodeFrame(frame, { backend });
      const readMs = performance.now() - coded;
      const bytes = frames.reduce((sum, { length }) => sum + length, 0);
      if (i >= WARM_UP_SAMPLES)
        rows.push({ sent, tailMs: ran - start, respondMs: coded - ran, readMs, bytes });
    }
    const tailMs = quantiles(rows.map((row) => row.tailMs));
    return {
      wholeMs: tailMs.p50,
      stages: {
        headMs: NO_TIME,
        encodeMs: quantiles(rows.map(({ sent }) => sent.encodeMs)),
        decodeMs: quantiles(rows.map(({ sent }) => sent.decodeMs)),
        tailMs,
        respondMs: quantiles(rows.map(({ respondMs }) => respondMs)),
        readMs: quantiles(rows.map(({ readMs }) => readMs)),
      },
      answerBytes: rows.reduce((sum, { bytes }) => sum + bytes, 0) / rows.length,
    };
  }
}

const NO_STAGES = {
  ...{ headMs: NO_TIME, encodeMs: NO_TIME, decodeMs: NO_TIME, tailMs: NO_TIME },
  ...{ respondMs: NO_TIME, readMs: NO_TIME },
};

/** Encodes the picture and makes the input of it as the server does. */
async function sendPicture(
  { pixels }: PreparedSample,
  coding: PictureCoding,
  preprocessing: ImagePreprocessing,
): Promise<Sent> {
  const { bytes, encodeMs } = await encodePicture(pixels!, coding);
  const start = performance.now();
  // A picture of the network's size is neither resized nor cropped again.
  const sized = { ...preprocessing, resizeShortSide: undefined } as ImagePreprocessing;
  const tensor = await tensorOfPicture(bytes, sized, DEFAULT_PICTURE_LIMITS);
  const decodeMs = performance.now() - start;
  return { feeds: { [preprocessing.input]: tensor }, bytes: bytes.length, encodeMs, decodeMs };
}

async function withNetworks<T>(
  bundle: NodeBundle,
  { parallelism }: MeasureContext,
  work: (networks: readonly Network[]) => Promise<T>,
): Promise<T> {
  const networks: Network[] = [];
  try {
    for (let i = 0; i < parallelism; i++) networks.push(await openNetwork(bundle));
    return await work(networks);
  } finally {
    await closeAll(networks);
  }
}
