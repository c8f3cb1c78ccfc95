/** "Send the picture" at matched accuracy: the quality is chosen on the calibration lines, as the points are. */

import {
  decodePicture,
  encodePicture,
  findQualityAtMatchedMetric,
  type LossyPictureCodec,
  mapOnWorkers,
  pooledRatio,
  type QualityPoint,
  tensorOfInput,
} from '@featherwire/eval';
import type { ModelSession } from '@featherwire/inference';
import { errorsOfAnswer, type TextLine } from './lines.js';
import type { Recognizer } from './recognizer.js';

/** What the search works with. */
export interface PictureMatchOptions {
  readonly codec: LossyPictureCodec;
  readonly lines: readonly TextLine[];
  readonly recognizer: Recognizer;
  /** Sessions of the whole network. */
  readonly wholes: readonly ModelSession[];
  /** Highest character error rate that is good enough. */
  readonly targetErrorRate: number;
  readonly qualities: readonly number[];
}

/** The smallest quality that is good enough, or the highest one if none is. */
export async function matchPictureQuality(options: PictureMatchOptions): Promise<QualityPoint> {
  const { codec, lines, recognizer, wholes } = options;
  const { preprocessing } = recognizer;
  const { match, points } = await findQualityAtMatchedMetric({
    target: options.targetErrorRate,
    better: 'lower',
    qualities: options.qualities,
    measure: async (quality) => {
      let bytes = 0;
      const errors = await mapOnWorkers(wholes, lines, async (whole, line) => {
        const picture = await encodePicture(line.pixels, { codec, quality });
        bytes += picture.bytes.length;
        const { pixels } = await decodePicture(picture.bytes, 1);
        const input = await tensorOfInput({ kind: 'pixels', pixels }, preprocessing);
        const { outputs } = await whole.run({ [preprocessing.input]: input });
        return errorsOfAnswer(line, outputs, recognizer);
      });
      return { bytesPerSample: bytes / lines.length, metric: pooledRatio(errors) };
    },
  });
  return match ?? points[points.length - 1];
}
