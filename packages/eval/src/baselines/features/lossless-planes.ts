/** Quantized features in lossless picture coders outside: JPEG XL by `cjxl`, FFV1 by ffmpeg. */

import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { missingTool, runTool, ToolError, withTemporaryDirectory } from './external-tools.js';
import {
  checkFeatures,
  type Feature,
  type FeatureCoder,
  type LevelRange,
  limitsOfFeature,
} from './feature-coder.js';
import { codesOfValues, valuesOfCodes } from './level-codes.js';
import { drawTiles, readTiles, tilePlanes } from './tiling.js';

/** A lossless coder of gray pictures. */
export type LosslessPlaneCodec = 'jpeg-xl' | 'ffv1';

/** What to build. */
export interface PlaneCoderOptions {
  readonly codec: LosslessPlaneCodec;
  /** Levels of the quantizer, 2 to 256. */
  readonly levelCount: number;
  /** `minmax` by default. */
  readonly range?: LevelRange;
}

/** Why a codec cannot be used on this machine, null if it can. */
export async function missingPlaneCoder(codec: LosslessPlaneCodec): Promise<string | null> {
  if (codec === 'ffv1') return missingTool('ffmpeg', ['-hide_banner', '-encoders'], /ffv1/);
  return (await missingTool('cjxl', ['--version'])) ?? missingTool('djxl', ['--version']);
}

/**
 * A coder of index planes.
 * @throws {RangeError} if the number of levels is out of range; its `code` a {ToolError} if the program is missing
 */
export function createPlaneCoder({
  codec,
  levelCount,
  range = { kind: 'minmax' },
}: PlaneCoderOptions): FeatureCoder {
  if (!Number.isInteger(levelCount) || levelCount < 2 || levelCount > 256)
    throw new RangeError(`levelCount expected an integer from 2 to 256, got ${levelCount}`);
  return {
    name: `tiled ${codec}, ${levelCount} levels`,
    code: (features) =>
      withTemporaryDirectory(async (directory) => {
        checkFeatures(features);
        const bytes: number[] = [];
        const decoded: Feature[] = [];
        for (const feature of features) {
          const limits = limitsOfFeature(feature, range);
          const codes = codesOfValues(feature.data, limits, levelCount);
          const coded = await codePicture(codes, feature, { codec, directory });
          bytes.push(coded.bytes + limits.bytes);
          decoded.push({ ...feature, data: valuesOfCodes(coded.codes, limits, levelCount) });
        }
        return { decoded, bytes, sharedBytes: 0, encodeMs: null, decodeMs: null };
      }),
  };
}

interface PictureWork {
  readonly codec: LosslessPlaneCodec;
  readonly directory: string;
}

async function codePicture(
  codes: Uint16Array,
  { shape }: Feature,
  { codec, directory }: PictureWork,
): Promise<{ readonly bytes: number; readonly codes: Uint16Array }> {
  const tiling = tilePlanes(shape);
  const { width, height } = tiling;
  const header = Buffer.from(`P5\n${width} ${height}\n255\n`);
  const picture = drawTiles(codes, tiling, new Uint8Array(width * height));
  const [source, result] = ['source.pgm', 'result.pgm'].map((name) => join(directory, name));
  await writeFile(source, Buffer.concat([header, picture]));
  const coded = join(directory, codec === 'ffv1' ? 'coded.raw' : 'coded.jxl');
  if (codec === 'ffv1') await codeAsFfv1(source, coded, { result, size: `${width}x${height}` });
  else {
    await runTool('cjxl', [source, coded, '-d', '0', '-e', '9', '--quiet']);
    await runTool('djxl', [coded, result, '--quiet']);
  }
  const back = await readFile(result);
  const pixels = back.subarray(back.length - picture.length);
  if (back.length < picture.length || !pixels.equals(picture))
    throw new ToolError(codec, `expected to be lossless on [${shape.join(', ')}]`);
  return { bytes: (await stat(coded)).size, codes: readTiles(pixels, tiling) };
}

/** One frame without a container, which would be most of its bytes. It is decoded from a container. */
async function codeAsFfv1(
  source: string,
  coded: string,
  { result, size }: { readonly result: string; readonly size: string },
): Promise<void> {
  const quiet = ['-nostdin', '-y', '-loglevel', 'error'];
  const input = [...quiet, '-f', 'image2', '-i', source];
  const coding = ['-c:v', 'ffv1', '-level', '3', '-context', '1', '-coder', '1'];
  await runTool('ffmpeg', [...input, ...coding, '-f', 'rawvideo', coded]);
  const container = `${coded}.mkv`;
  await runTool('ffmpeg', [...input, ...coding, container]);
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gray', '-s', size];
  await runTool('ffmpeg', [...quiet, '-i', container, ...raw, result]);
}
