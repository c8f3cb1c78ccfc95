/** "Send the picture" beside a calibrated cut: the smallest picture files whose loss is no more than the allowed one. */

import { type ImagePreprocessing, type Pixels, pixelsToTensor } from '@featherwire/bundle';
import {
  decodePicture,
  encodePicture,
  findQualityAtMatchedMetric,
  type LossyPictureCodec,
  pixelsOfInput,
  pooledRatio,
  type Ratio,
} from '@featherwire/eval';
import type { TensorMap } from '@featherwire/inference';
import { meanOf } from './measure.js';
import type { SplitSamples, SplitSource } from './split-samples.js';

/** What a picture codec takes. */
export interface PictureRate {
  readonly codec: LossyPictureCodec;
  readonly quality: number;
  /** Mean bytes of a picture, headers included. */
  readonly bytesPerSample: number;
  /** In hundredths of the metric. */
  readonly loss: number;
  readonly sampleCount: number;
}

const CODECS: readonly LossyPictureCodec[] = ['jpeg', 'webp'];
/** Pictures that are coded at each quality. */
const MAX_PICTURES = 128;

/**
 * Measures them on samples that points are claimed on; none for data that are no pictures.
 * @throws the signal's reason when it is raised
 */
export async function measurePictures(
  { head, tail, data, manifest }: SplitSource,
  { bench, parts }: SplitSamples,
  maxLoss: number,
): Promise<PictureRate[]> {
  const { preprocessing } = manifest;
  const first = await data.sample(parts.claim[0]);
  if (!preprocessing || first.input.kind === 'tensor') return [];
  const numbers = parts.claim.slice(0, MAX_PICTURES);
  const references: Ratio[] = [];
  for (const number of numbers) {
    const [reference] = await bench.reference([number]);
    references.push(await bench.score(reference, reference, number));
  }
  const allowed = maxLoss / 100;
  const target = pooledRatio(references) + (bench.better === 'higher' ? -allowed : allowed);
  const rates: PictureRate[] = [];
  for (const codec of CODECS) {
    const { match } = await findQualityAtMatchedMetric({
      target,
      better: bench.better,
      measure: async (quality) => {
        const bytes: number[] = [];
        const ratios: Ratio[] = [];
        for (const number of numbers) {
          bench.signal.throwIfAborted();
          const pixels = await pixelsOfInput((await data.sample(number)).input, preprocessing);
          const picture = await encodePicture(pixels, { codec, quality });
          bytes.push(picture.bytes.length);
          const decoded = await decodePicture(picture.bytes, pixels.channels === 1 ? 1 : 3);
          const outputs = await runWhole(decoded.pixels, preprocessing);
          const [reference] = await bench.reference([number]);
          ratios.push(await bench.score(outputs, reference, number));
        }
        return { bytesPerSample: meanOf(bytes), metric: pooledRatio(ratios) };
      },
    });
    if (!match) continue;
    const { quality, bytesPerSample, metric } = match;
    const gain = metric - pooledRatio(references);
    const loss = 100 * (bench.better === 'higher' ? -gain : gain);
    rates.push({ codec, quality, bytesPerSample, loss, sampleCount: numbers.length });
  }
  return rates;

  async function runWhole(pixels: Pixels, how: ImagePreprocessing): Promise<TensorMap> {
    const { outputs } = await head.run({ [how.input]: pixelsToTensor(pixels, how) });
    return (await tail.run(Object.fromEntries(bench.tensorNames.map((name) => [name, outputs[name]]))))
      .outputs;
  }
}
