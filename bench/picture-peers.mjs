/** Index planes as a tiled gray picture in lossless JPEG XL and FFV1, where `cjxl` and `ffmpeg` are installed. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const has = (command, flag) => spawnSync(command, [flag], { stdio: 'ignore' }).status === 0;
/** Which of them are installed. */
export const peers = { jpegXl: has('cjxl', '--version'), ffv1: has('ffmpeg', '-version') };
for (const [name, found] of Object.entries(peers))
  if (!found) process.stderr.write(`not installed: ${name}\n`);

/** Runs `measure` with a directory for the files of picture codecs, which it removes. */
export async function withPictureDirectory(measure) {
  const directory = mkdtempSync(join(tmpdir(), 'featherwire-entropy-'));
  try {
    return await measure(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

/** Adds the bytes of both files for the indices of a tensor to `sums.jpegXl` and `sums.ffv1`. */
export function measurePeers(directory, indices, shape, sums) {
  if (!peers.jpegXl && !peers.ffv1) return;
  const picture = tile(indices, shape);
  const source = join(directory, 'planes.pgm');
  const header = `P5\n${picture.width} ${picture.height}\n255\n`;
  writeFileSync(source, Buffer.concat([Buffer.from(header), picture.data]));
  const to = (name) => join(directory, name);
  if (peers.jpegXl) sums.jpegXl += coded(to('p.jxl'), 'cjxl', [source, to('p.jxl'), '-d', '0', '-e', '9']);
  if (peers.ffv1) {
    // One frame without a container: the bytes of the codec alone.
    const coding = '-c:v ffv1 -level 3 -context 1 -coder 1 -f rawvideo'.split(' ');
    sums.ffv1 += coded(to('p.raw'), 'ffmpeg', [
      '-nostdin',
      '-y',
      '-f',
      'image2',
      '-i',
      source,
      ...coding,
      to('p.raw'),
    ]);
  }
}

/** Bytes of the file that a command makes; NaN, with the reason on standard error, if it fails. */
function coded(file, command, args) {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  if (status === 0) return statSync(file).size;
  process.stderr.write(`${command} failed: ${stderr.trim().split('\n').at(-1)}\n`);
  return Number.NaN;
}

/** Channels side by side in a picture that is as square as they allow. */
function tile(indices, shape) {
  const [rows, columns] = shape.slice(-2);
  const planes = indices.length / rows / columns;
  const across = Math.ceil(Math.sqrt((planes * rows) / columns));
  const width = across * columns;
  const height = Math.ceil(planes / across) * rows;
  const data = new Uint8Array(width * height);
  for (let plane = 0; plane < planes; plane++) {
    const left = (plane % across) * columns;
    const top = Math.floor(plane / across) * rows;
    for (let row = 0; row < rows; row++) {
      const from = (plane * rows + row) * columns;
      data.set(indices.subarray(from, from + columns), (top + row) * width + left);
    }
  }
  return { data, width, height };
}
