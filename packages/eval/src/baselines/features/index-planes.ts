/** Planes of indices as lossless pictures by coders outside: JPEG XL by `cjxl`, FFV1 by ffmpeg. Both are read back. */

import { readFile, stat, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Shape } from '@featherwire/tensor';
import { mapOnWorkers } from '../../map-on-workers.js';
import {
  missingTool,
  type ProgramTimes,
  runTool,
  sumOfPrograms,
  ToolError,
  timeTool,
  withTemporaryDirectory,
} from './external-tools.js';
import { drawTiles, readTiles, tilePlanes } from './tiling.js';

/** A lossless coder of gray pictures. */
export type LosslessPlaneCodec = 'jpeg-xl' | 'ffv1';

/** Indices as they come back, and what they took. */
export interface CodedIndexPlanes {
  /** Bytes of each: a file, of FFV1 a frame with what its container puts around it. */
  readonly bytes: readonly number[];
  /** Bytes that all share: of FFV1 the head of the file. With the bytes of each they are the size of the files. */
  readonly sharedBytes: number;
  readonly programs: ProgramTimes;
  readonly decoded: readonly Uint16Array[];
}

/** Why a codec cannot be used on this machine, null if it can. */
export async function missingPlaneCoder(codec: LosslessPlaneCodec): Promise<string | null> {
  if (codec === 'ffv1') {
    const missing = await missingTool('ffmpeg', ['-hide_banner', '-encoders'], /ffv1/);
    return missing ?? missingTool('ffprobe', ['-version']);
  }
  return (await missingTool('cjxl', ['--version'])) ?? missingTool('djxl', ['--version']);
}

/**
 * Codes the planes of tensors of one shape, each tensor as one tiled gray picture of 8 bits, and decodes the files.
 * @param indices - below 256, at least one tensor
 * @throws {ToolError} if a program is missing or does not give the indices back
 */
export function codeIndexPlanes(
  codec: LosslessPlaneCodec,
  indices: readonly ArrayLike<number>[],
  shape: Shape,
): Promise<CodedIndexPlanes> {
  const tiling = tilePlanes(shape);
  const { width, height } = tiling;
  const pictures = indices.map((each) => drawTiles(each, tiling, new Uint8Array(width * height)));
  return withTemporaryDirectory(async (directory) => {
    const code = codec === 'ffv1' ? codeAsFfv1 : codeAsJpegXl;
    const { pixels, ...rates } = await code(pictures, { directory, width, height });
    for (const [i, picture] of pictures.entries()) {
      if (!Buffer.from(picture).equals(pixels[i]))
        throw new ToolError(codec, `expected to be lossless on [${shape.join(', ')}]`);
    }
    return { ...rates, decoded: pixels.map((picture) => readTiles(picture, tiling)) };
  });
}

interface PictureWork {
  readonly directory: string;
  readonly width: number;
  readonly height: number;
}

interface CodedPictures extends Omit<CodedIndexPlanes, 'decoded'> {
  readonly pixels: readonly Uint8Array[];
}

/** A file for each picture, on all cores. */
async function codeAsJpegXl(
  pictures: readonly Uint8Array[],
  { directory, width, height }: PictureWork,
): Promise<CodedPictures> {
  const header = Buffer.from(`P5\n${width} ${height}\n255\n`);
  const workers = Array.from({ length: availableParallelism() }, (_, i) => i);
  const coded = await mapOnWorkers(workers, pictures, async (worker, picture) => {
    const [source, file, result] = ['source.pgm', 'coded.jxl', 'result.pgm'].map((name) =>
      join(directory, `${worker}-${name}`),
    );
    await writeFile(source, Buffer.concat([header, picture]));
    const lossless = ['-d', '0', '-e', '9', '--num_threads', '0', '--quiet'];
    const encodeMs = await timeTool('cjxl', [source, file, ...lossless]);
    const decodeMs = await timeTool('djxl', [file, result, '--quiet']);
    const back = await readFile(result);
    const pixels = back.subarray(Math.max(0, back.length - picture.length));
    return { bytes: (await stat(file)).size, pixels, programs: { encodeMs, decodeMs } };
  });
  return {
    bytes: coded.map(({ bytes }) => bytes),
    sharedBytes: 0,
    programs: sumOfPrograms(coded.map(({ programs }) => programs)),
    pixels: coded.map(({ pixels }) => pixels),
  };
}

/** All pictures as intra frames of one stream in NUT, the smallest of ffmpeg's containers for it, without an index. */
async function codeAsFfv1(
  pictures: readonly Uint8Array[],
  { directory, width, height }: PictureWork,
): Promise<CodedPictures> {
  const [source, file, result] = ['source.gray', 'coded.nut', 'result.gray'].map((name) =>
    join(directory, name),
  );
  const quiet = ['-nostdin', '-y', '-loglevel', 'error'];
  const raw = ['-f', 'rawvideo', '-pix_fmt', 'gray'];
  const coding = ['-c:v', 'ffv1', '-level', '3', '-context', '1', '-coder', '1', '-g', '1'];
  const bare = ['-fflags', '+bitexact', '-flags:v', '+bitexact', '-write_index', '0'];
  await writeFile(source, Buffer.concat(pictures));
  const size = `${width}x${height}`;
  const encode = [...quiet, ...raw, '-s', size, '-i', source, ...coding, ...bare, file];
  const encodeMs = await timeTool('ffmpeg', encode);
  const decodeMs = await timeTool('ffmpeg', [...quiet, '-i', file, ...raw, result]);
  const fields = ['-show_entries', 'packet=pos', '-of', 'json'];
  // Without an index ffprobe complains, and reads on.
  const told = JSON.parse(await runTool('ffprobe', ['-loglevel', 'fatal', ...fields, file])) as Packets;
  const starts = told.packets.map(({ pos }) => Number(pos));
  const ends = [...starts.slice(1), (await stat(file)).size];
  const bytes = starts.map((start, i) => ends[i] - start);
  const back = await readFile(result);
  const area = width * height;
  if (bytes.length !== pictures.length || back.length !== area * pictures.length)
    throw new ToolError('ffmpeg', `${pictures.length} frames expected, got ${bytes.length}`);
  return {
    bytes,
    sharedBytes: starts[0],
    programs: { encodeMs, decodeMs },
    pixels: pictures.map((_, i) => back.subarray(i * area, (i + 1) * area)),
  };
}

/** Where the frames of a stream lie in its file, as ffprobe tells it. */
interface Packets {
  readonly packets: readonly { readonly pos: string }[];
}
