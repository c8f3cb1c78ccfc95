/**
 * Features as intra video: their planes tiled to gray pictures of 10 bits, all features the intra frames of one HEVC stream
 * by `libx265` of ffmpeg, as in paper B and in coding for machines. The encoder's description of itself, some 2 kB before
 * every frame, is switched off; parameter sets travel once.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { missingTool, ToolError, timeTool, withTemporaryDirectory } from './external-tools.js';
import {
  type CodedFeatures,
  checkFeatures,
  type Feature,
  type FeatureCoder,
  type LevelRange,
  limitsOfFeature,
} from './feature-coder.js';
import { codesOfValues, valuesOfCodes } from './level-codes.js';
import { drawTiles, readTiles, type Tiling, tilePlanes } from './tiling.js';

/** What to build. */
export interface VideoCoderOptions {
  /** Quantization parameter, an integer from 0 (finest) to 51. */
  readonly quantizationParameter: number;
  /** `minmax` by default. */
  readonly range?: LevelRange;
}

const GRAY_LEVELS = 1024;
/** x265 refuses smaller pictures; the rest of a small one is black. */
const SMALLEST_SIDE = 32;

/** Why video cannot be coded on this machine, null if it can. */
export function missingVideoCoder(): Promise<string | null> {
  return missingTool('ffmpeg', ['-hide_banner', '-encoders'], /libx265/);
}

/**
 * A coder of intra frames.
 * @throws {RangeError} if the quantization parameter is out of range; its `code` a {ToolError} if ffmpeg is missing
 */
export function createVideoCoder({
  quantizationParameter,
  range = { kind: 'minmax' },
}: VideoCoderOptions): FeatureCoder {
  if (!Number.isInteger(quantizationParameter) || quantizationParameter < 0 || quantizationParameter > 51)
    throw new RangeError(
      `quantizationParameter expected an integer from 0 to 51, got ${quantizationParameter}`,
    );
  return {
    name: `tiled x265 intra, qp ${quantizationParameter}`,
    async code(features) {
      checkFeatures(features);
      return withTemporaryDirectory((directory) =>
        codeAsVideo(features, { directory, quantizationParameter, range }),
      );
    },
  };
}

interface VideoCoding extends Required<VideoCoderOptions> {
  readonly directory: string;
}

async function codeAsVideo(
  features: readonly Feature[],
  { directory, quantizationParameter, range }: VideoCoding,
): Promise<CodedFeatures> {
  const tiling = atLeast(tilePlanes(features[0].shape), SMALLEST_SIDE);
  const size = tiling.width * tiling.height;
  const limits = features.map((feature) => limitsOfFeature(feature, range));
  const pictures = new Uint16Array(size * features.length);
  features.forEach(({ data }, i) => {
    drawTiles(
      codesOfValues(data, limits[i], GRAY_LEVELS),
      tiling,
      pictures.subarray(i * size, (i + 1) * size),
    );
  });
  const [source, stream, result] = ['source.gray', 'stream.hevc', 'result.gray'].map((name) =>
    join(directory, name),
  );
  await writeFile(source, pictures);
  const format = ['-f', 'rawvideo', '-pix_fmt', 'gray10le'];
  const settings = `keyint=1:qp=${quantizationParameter}:repeat-headers=0:info=0:log-level=error`;
  const coding = ['-c:v', 'libx265', '-preset', 'slow', '-x265-params', settings, '-f', 'hevc'];
  const pictureSize = `${tiling.width}x${tiling.height}`;
  const encodeMs = await ffmpeg([...format, '-s', pictureSize, '-i', source, ...coding, stream]);
  const decodeMs = await ffmpeg(['-i', stream, ...format, result]);
  const { frames, shared } = bytesOfHevcFrames(await readFile(stream));
  const levels = new Uint16Array(Uint8Array.from(await readFile(result)).buffer);
  if (frames.length !== features.length || levels.length !== pictures.length) {
    throw new ToolError(
      'ffmpeg',
      `${features.length} frames expected, got ${frames.length} of ${levels.length} pixels`,
    );
  }
  return {
    decoded: features.map((feature, i) => ({
      ...feature,
      data: valuesOfCodes(
        readTiles(levels.subarray(i * size, (i + 1) * size), tiling),
        limits[i],
        GRAY_LEVELS,
      ),
    })),
    bytes: frames.map((bytes, i) => bytes + limits[i].bytes),
    sharedBytes: shared,
    encodeMs: null,
    decodeMs: null,
    programs: { encodeMs, decodeMs },
  };
}

function ffmpeg(args: readonly string[]): Promise<number> {
  return timeTool('ffmpeg', ['-nostdin', '-y', '-loglevel', 'error', ...args]);
}

function atLeast(tiling: Tiling, side: number): Tiling {
  const width = Math.max(tiling.width, side);
  const places = tiling.places.map(
    (place) => Math.floor(place / tiling.width) * width + (place % tiling.width),
  );
  return { width, height: Math.max(tiling.height, side), places };
}

/** Type of the first and the last parameter set in a unit of HEVC's network abstraction layer (ITU-T H.265, table 7-1). */
const PARAMETER_SETS = { first: 32, last: 34 };
/** Types below are slices of pictures. */
const SLICE_TYPES = 32;

/**
 * Bytes of each frame of an HEVC stream (ITU-T H.265, annex B) and of its parameter sets, start codes included. What stands
 * between frames (messages, delimiters) counts to the frame that follows.
 */
export function bytesOfHevcFrames(stream: Uint8Array): {
  readonly frames: number[];
  readonly shared: number;
} {
  const frames: number[] = [];
  let [shared, pending] = [0, 0];
  for (const { type, firstOfPicture, bytes } of unitsOfStream(stream)) {
    if (type >= PARAMETER_SETS.first && type <= PARAMETER_SETS.last) {
      shared += bytes;
    } else if (type >= SLICE_TYPES) {
      pending += bytes;
    } else if (firstOfPicture) {
      frames.push(pending + bytes);
      pending = 0;
    } else {
      frames[frames.length - 1] += bytes;
    }
  }
  return { frames, shared: shared + pending };
}

interface StreamUnit {
  readonly type: number;
  /** Of slices: whether a picture begins. */
  readonly firstOfPicture: boolean;
  readonly bytes: number;
}

function unitsOfStream(stream: Uint8Array): StreamUnit[] {
  const starts: { readonly from: number; readonly header: number }[] = [];
  for (let i = 0; i + 5 < stream.length; i++) {
    if (stream[i] !== 0 || stream[i + 1] !== 0 || stream[i + 2] !== 1) continue;
    starts.push({ from: i > 0 && stream[i - 1] === 0 ? i - 1 : i, header: i + 3 });
  }
  return starts.map(({ from, header }, i) => ({
    type: (stream[header] >> 1) & 0x3f,
    firstOfPicture: stream[header + 2] >= 0x80,
    bytes: (starts[i + 1]?.from ?? stream.length) - from,
  }));
}
