/**
 * "Send the picture" as methods of a sweep: the input of the network as a picture file, decoded again for the unsplit network.
 * By `sharp`, and JPEG XL by `cjxl` and `djxl` where they are installed.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Pixels } from '@featherwire/bundle';
import { DEFAULT_PICTURE_LIMITS } from '@featherwire/bundle';
import { decodePixels } from '@featherwire/bundle/node/pictures';
import { mapOnWorkers } from '../map-on-workers.js';
import {
  missingTool,
  type ProgramTimes,
  sumOfPrograms,
  timeTool,
  withTemporaryDirectory,
} from './features/external-tools.js';
import { decodePicture, encodePicture, type PictureCoding } from './picture-codecs.js';

/** A picture file of the network's input. */
export type InputPictureCoding =
  | PictureCoding
  /** @see https://github.com/libjxl/libjxl `cjxl --distance`: 0 is lossless, 1 visually so. */
  | { readonly codec: 'jpeg-xl'; readonly distance: number };

/** Pictures as they arrive, and what they took. */
export interface CodedInputPictures {
  readonly decoded: readonly Pixels[];
  /** Of each file. */
  readonly bytes: readonly number[];
  /** Wall time for all; null where programs outside did it. */
  readonly encodeMs: number | null;
  readonly decodeMs: number | null;
  /** For all, of programs outside. */
  readonly programs?: ProgramTimes;
}

/** Why pictures cannot be coded so on this machine, null if they can. */
export async function missingInputPictureCoder({ codec }: InputPictureCoding): Promise<string | null> {
  if (codec !== 'jpeg-xl') return null;
  return (await missingTool('cjxl', ['--version'])) ?? missingTool('djxl', ['--version']);
}

/**
 * Codes pictures one by one and decodes the files.
 * @throws as `encodePicture`; {ToolError} if a program is missing
 */
export async function codeInputPictures(
  pictures: readonly Pixels[],
  coding: InputPictureCoding,
): Promise<CodedInputPictures> {
  if (coding.codec === 'jpeg-xl') return codeAsJpegXl(pictures, coding.distance);
  const decoded: Pixels[] = [];
  const bytes: number[] = [];
  let [encodeMs, decodeMs] = [0, 0];
  for (const picture of pictures) {
    const file = await encodePicture(picture, coding);
    const back = await decodePicture(file.bytes, picture.channels === 1 ? 1 : 3);
    decoded.push(back.pixels);
    bytes.push(file.bytes.length);
    encodeMs += file.encodeMs;
    decodeMs += back.decodeMs;
  }
  return { decoded, bytes, encodeMs, decodeMs };
}

async function codeAsJpegXl(pictures: readonly Pixels[], distance: number): Promise<CodedInputPictures> {
  const workers = Array.from({ length: availableParallelism() }, (_, i) => i);
  const coded = await withTemporaryDirectory((directory) =>
    mapOnWorkers(workers, pictures, async (worker, picture) => {
      const [source, file, result] = ['source.png', 'coded.jxl', 'result.png'].map((name) =>
        join(directory, `${worker}-${name}`),
      );
      await writeFile(source, (await encodePicture(picture, { codec: 'png' })).bytes);
      const quiet = ['--num_threads', '0', '--quiet'];
      const encodeMs = await timeTool('cjxl', [source, file, '-d', String(distance), '-e', '7', ...quiet]);
      const decodeMs = await timeTool('djxl', [file, result, '--quiet']);
      const programs = { encodeMs, decodeMs };
      const { length } = await readFile(file);
      return { length, programs, pixels: await decodePixels(await readFile(result), DEFAULT_PICTURE_LIMITS) };
    }),
  );
  return {
    decoded: coded.map(({ pixels }) => pixels),
    bytes: coded.map(({ length }) => length),
    encodeMs: null,
    decodeMs: null,
    programs: sumOfPrograms(coded.map(({ programs }) => programs)),
  };
}
