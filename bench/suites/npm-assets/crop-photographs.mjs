/** Photographs of groups of people, each whole and in four overlapping parts, in the shape that a detector takes. */
import { mkdir, readdir } from 'node:fs/promises';
import { createRequire } from 'node:module';
import path from 'node:path';

const sharp = createRequire(new URL('../../../packages/eval/package.json', import.meta.url))('sharp');

/** Width over height. */
const ASPECT = 4 / 3;
/** Side of a part in that of the whole. */
const PART = 0.6;
const JPEG_QUALITY = 95;

/** Writes the crops. @returns how many */
export async function cropPhotographs(source, target) {
  await mkdir(target, { recursive: true });
  const files = (await readdir(source)).filter((name) => /^sample\d\.jpg$/.test(name)).sort();
  let count = 0;
  for (const file of files) {
    const { width, height } = await sharp(path.join(source, file)).metadata();
    for (const [part, box] of boxesOf(width, height).entries()) {
      const name = `${path.parse(file).name}-${part}.jpg`;
      await sharp(path.join(source, file))
        .extract(box)
        .jpeg({ quality: JPEG_QUALITY })
        .toFile(path.join(target, name));
      count++;
    }
  }
  return count;
}

/** The largest box of the aspect in the middle, then one in each corner of that. */
function boxesOf(width, height) {
  const wide = Math.floor(Math.min(width, height * ASPECT));
  const high = Math.floor(Math.min(height, width / ASPECT));
  const [left, top] = [Math.floor((width - wide) / 2), Math.floor((height - high) / 2)];
  const size = { width: Math.floor(PART * wide), height: Math.floor(PART * high) };
  const corners = [0, 1].flatMap((down) =>
    [0, 1].map((across) => ({
      left: left + across * (wide - size.width),
      top: top + down * (high - size.height),
      ...size,
    })),
  );
  return [{ left, top, width: wide, height: high }, ...corners];
}
