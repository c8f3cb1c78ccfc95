/**
 * The methods that every sweep compares with: elements as they are, general compressors, picture and video codecs on tiled
 * planes, and the methods of papers A and B. Ranges of integers are those of calibration features and cost nothing, which
 * favors the baselines; paper A takes the range of each tensor, as it is published.
 */

import { addValues, type Backend, createStatistics } from '@featherwire/codec';
import type { Feature, FeatureCoder, LevelRange } from '../baselines/features/feature-coder.js';
import { createPictureCoder } from '../baselines/features/feature-pictures.js';
import { createVideoCoder, missingVideoCoder } from '../baselines/features/feature-video.js';
import { createPaperACoder, createPaperBCoder } from '../baselines/features/frame-coders.js';
import { type LosslessPlaneCodec, missingPlaneCoder } from '../baselines/features/index-planes.js';
import { createPlaneCoder } from '../baselines/features/lossless-planes.js';
import { createPlainCoder } from '../baselines/features/plain-coders.js';
import { GENERAL_COMPRESSORS, missingCompressor } from '../baselines/general-compression.js';
import {
  codeInputPictures,
  type InputPictureCoding,
  missingInputPictureCoder,
} from '../baselines/input-pictures.js';
import { codeInputTensors } from '../baselines/input-tensors.js';
import type { PictureCoding } from '../baselines/picture-codecs.js';
import type { SweepMethod } from './sweep-subject.js';

/** Settings of the baselines, each list from fine to coarse. */
export interface BaselineSettings {
  /** Qualities of lossy pictures, 100 to 1. */
  readonly qualities: readonly number[];
  /** Quantization parameters of x265. */
  readonly quantizationParameters: readonly number[];
  /** Levels of lossless planes and of paper B. */
  readonly levelCounts: readonly number[];
  /** Of paper A. */
  readonly bits: readonly number[];
  /** Qualities of the input as a picture, 100 to 1. */
  readonly inputQualities: readonly number[];
  /** Distances of JPEG XL for the input, 0 to 25. */
  readonly inputDistances: readonly number[];
}

/** Settings that span all rates that networks bear. */
export const DEFAULT_BASELINE_SETTINGS: BaselineSettings = {
  qualities: [95, 80, 60, 40, 20, 5],
  quantizationParameters: [10, 16, 22, 27, 32, 37, 42, 47, 51],
  levelCounts: [32, 16, 8, 6, 4, 3, 2],
  bits: [8, 6, 5, 4, 3, 2],
  inputQualities: [95, 90, 80, 70, 60, 50, 40, 30, 20, 15, 10, 5],
  inputDistances: [0.5, 1, 2, 3, 4, 6, 8, 12, 16, 25],
};

/** All baselines, by family. */
export function baselineMethods(
  backend: Backend,
  settings: BaselineSettings = DEFAULT_BASELINE_SETTINGS,
): SweepMethod[] {
  const { qualities, quantizationParameters, levelCounts, bits } = settings;
  const lossy = (['webp', 'avif'] as const).flatMap((codec) =>
    qualities.map((quality): PictureCoding => ({ codec, quality })),
  );
  return [
    ...plainMethods(),
    ...levelCounts.map((levelCount) => pictureMethod({ codec: 'png' }, levelCount)),
    ...lossy.map((coding) => pictureMethod(coding)),
    ...quantizationParameters.map(videoMethod),
    ...(['jpeg-xl', 'ffv1'] as const).flatMap((codec) =>
      levelCounts.map((levelCount) => planeMethod(codec, levelCount)),
    ),
    ...bits.map((count) =>
      method('paper A', `paper A, ${count} bit`, async () => createPaperACoder(count, backend)),
    ),
    ...levelCounts.map((levelCount) =>
      method('paper B', `paper B, ${levelCount} levels`, async (seen) =>
        createPaperBCoder(seen, levelCount, backend),
      ),
    ),
  ];
}

type CreateCoder = Extract<SweepMethod, { readonly kind: 'tensor' }>['create'];

/** "Send the picture": lossless and lossy files of the input, the whole network on the server. */
export function pictureMethods({
  inputQualities,
  inputDistances,
}: BaselineSettings = DEFAULT_BASELINE_SETTINGS): SweepMethod[] {
  const lossless = (['png', 'webp-lossless'] as const).map((codec) => inputMethod({ codec }, 'lossless'));
  const lossy = (['jpeg', 'webp', 'avif'] as const).flatMap((codec) =>
    inputQualities.map((quality) => inputMethod({ codec, quality }, `quality ${quality}`)),
  );
  const jpegXl = [0, ...inputDistances].map((distance) =>
    inputMethod({ codec: 'jpeg-xl', distance }, distance === 0 ? 'lossless' : `distance ${distance}`),
  );
  return [...lossless, ...lossy, ...jpegXl];
}

/** Families whose names begin so send the input as a picture file. */
export const PICTURE_FAMILY = 'picture as ';

/** "Send the input" where it is no picture: the array itself, the whole network on the server. */
export function arrayMethods(): SweepMethod[] {
  return [undefined, ...GENERAL_COMPRESSORS].map((compressor) => ({
    kind: 'array',
    family: ARRAY_FAMILY,
    name: compressor ? `${ARRAY_FAMILY} + ${compressor}` : ARRAY_FAMILY,
    async create() {
      const missing = compressor && missingCompressor(compressor);
      return missing ? { skip: missing } : { code: (tensors) => codeInputTensors(tensors, compressor) };
    },
  }));
}

const ARRAY_FAMILY = 'input as array';

/** True for families that send the input, whatever it is, instead of a feature. */
export function sendsInput(family: string): boolean {
  return family.startsWith(PICTURE_FAMILY) || family === ARRAY_FAMILY;
}

function inputMethod(coding: InputPictureCoding, setting: string): SweepMethod {
  const family = `${PICTURE_FAMILY}${coding.codec === 'webp-lossless' ? 'lossless webp' : coding.codec}`;
  return {
    kind: 'picture',
    family,
    name: `${family}, ${setting}`,
    async create() {
      const missing = await missingInputPictureCoder(coding);
      return missing ? { skip: missing } : { code: (pictures) => codeInputPictures(pictures, coding) };
    },
  };
}

function method(family: string, name: string, create: CreateCoder): SweepMethod {
  return { kind: 'tensor', family, name, create };
}

function plainMethods(): SweepMethod[] {
  const stored = (['float32', 'float16'] as const).map((elements) =>
    method('plain', elements, async () => createPlainCoder({ elements })),
  );
  const compressed = GENERAL_COMPRESSORS.map((compressor) =>
    method('plain', `int8 + ${compressor}`, async (seen) => {
      const missing = missingCompressor(compressor);
      if (missing) return { skip: missing };
      return createPlainCoder({ elements: 'int8', compressor, range: rangeOf(seen) });
    }),
  );
  return [...stored, ...compressed];
}

function pictureMethod(coding: PictureCoding, levelCount?: number): SweepMethod {
  const setting = 'quality' in coding ? `quality ${coding.quality}` : `${levelCount} levels`;
  return method(`tiled ${coding.codec}`, `tiled ${coding.codec}, ${setting}`, async (seen) =>
    orSkip(seen, () =>
      createPictureCoder({ coding, range: rangeOf(seen), ...(levelCount && { levelCount }) }),
    ),
  );
}

function videoMethod(quantizationParameter: number): SweepMethod {
  return method('tiled x265', `tiled x265 intra, qp ${quantizationParameter}`, async (seen) => {
    const missing = await missingVideoCoder();
    if (missing) return { skip: missing };
    return orSkip(seen, () => createVideoCoder({ quantizationParameter, range: rangeOf(seen) }));
  });
}

function planeMethod(codec: LosslessPlaneCodec, levelCount: number): SweepMethod {
  return method(`tiled ${codec}`, `tiled ${codec}, ${levelCount} levels`, async (seen) => {
    const missing = await missingPlaneCoder(codec);
    if (missing) return { skip: missing };
    return orSkip(seen, () => createPlaneCoder({ codec, levelCount, range: rangeOf(seen) }));
  });
}

/** Only maps and tokens have planes. */
function orSkip(seen: readonly Feature[], create: () => FeatureCoder): FeatureCoder | { skip: string } {
  const { shape } = seen[0];
  return shape.length >= 3 ? create() : { skip: `[${shape.join(', ')}] has no planes to tile` };
}

function rangeOf(seen: readonly Feature[]): LevelRange {
  const statistics = createStatistics();
  for (const { data } of seen) addValues(statistics, data);
  return { kind: 'fixed', low: Math.min(0, statistics.low), high: statistics.high };
}
