/** `encode`, `decode` and `inspect` as processes on real files. */

import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { decodeFrame, encodeFrame, referenceBackend } from '@featherwire/codec';
import { createRandom, readNpy, tensor, writeNpy } from '@featherwire/tensor';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createWorkDirectory, featherwire, orientationModel } from './command.js';

const SEED = 7;
const shape = [1, 16, 12, 20];
const random = createRandom(SEED);
const feature = tensor(
  'float32',
  shape,
  Float32Array.from({ length: 3840 }, () => Math.max(0, random.nextNormal())),
);
const labels = tensor(
  'uint8',
  [500],
  Uint8Array.from({ length: 500 }, () => random.nextInteger(9)),
);

let directory: Awaited<ReturnType<typeof createWorkDirectory>>;
const file = (name: string): string => join(directory.path, name);
const run = (...args: string[]) => featherwire(args, directory.path);

beforeAll(async () => {
  directory = await createWorkDirectory();
  writeFileSync(file('feature.npy'), writeNpy(feature));
  writeFileSync(file('labels.npy'), writeNpy(labels));
  writeFileSync(file('nan.npy'), writeNpy(tensor('float32', [2], Float32Array.of(1, Number.NaN))));
  const frame = encodeFrame(feature, {
    quantizer: { kind: 'uniform', levelCount: 16, range: { kind: 'minmax' } },
    backend: referenceBackend,
  });
  writeFileSync(file('good.fwf'), frame);
  writeFileSync(file('truncated.fwf'), frame.subarray(0, 200));
  writeFileSync(
    file('flipped.fwf'),
    frame.map((byte, i) => (i === 300 ? byte ^ 4 : byte)),
  );
  writeFileSync(file('empty.fwf'), new Uint8Array());
  writeFileSync(file('text.txt'), 'neither one nor the other');
});

afterAll(() => directory.remove());

test('both backends give the same bytes, and each decodes the frame of the other to the same tensor', async () => {
  const backends = ['reference', 'wasm'];
  await Promise.all(
    backends.map((backend) =>
      run('encode', 'feature.npy', `${backend}.fwf`, '--bits', '4', '--backend', backend),
    ),
  );
  const frames = backends.map((backend) => readFileSync(file(`${backend}.fwf`)));
  expect(frames[0].equals(frames[1]), `seed ${SEED}`).toBe(true);
  await Promise.all([
    run('decode', 'reference.fwf', 'by-wasm.npy', '--backend', 'wasm'),
    run('decode', 'wasm.fwf', 'by-reference.npy', '--backend', 'reference'),
  ]);
  const tensors = ['by-wasm.npy', 'by-reference.npy'].map((name) => readFileSync(file(name)));
  expect(tensors[0].equals(tensors[1]), `seed ${SEED}`).toBe(true);
  expect(readNpy(tensors[0])).toEqual(decodeFrame(frames[0], { backend: referenceBackend }));
});

test('--raw and --integer give back what came, byte for byte', async () => {
  await Promise.all([
    run('encode', 'feature.npy', 'raw.fwf', '--raw'),
    run('encode', 'labels.npy', 'labels.fwf', '--integer'),
  ]);
  await Promise.all([run('decode', 'raw.fwf', 'raw.npy'), run('decode', 'labels.fwf', 'labels-back.npy')]);
  expect(readFileSync(file('raw.npy')).equals(readFileSync(file('feature.npy')))).toBe(true);
  expect(readFileSync(file('labels-back.npy')).equals(readFileSync(file('labels.npy')))).toBe(true);
});

test('--lossless gives back every bit of any tensor, NaN too, in fewer bytes, and inspect shows its planes', async () => {
  const { output } = await run('encode', 'feature.npy', 'lossless.fwf', '--lossless', '--json');
  const report = JSON.parse(output);
  expect(report).toMatchObject({ quantizer: { kind: 'lossless' }, coder: 'planes', maxAbsoluteError: 0 });
  expect(report.bitsPerElement).toBeLessThan(16);
  await run('encode', 'nan.npy', 'nan.fwf', '--lossless');
  await Promise.all([
    run('decode', 'lossless.fwf', 'lossless.npy'),
    run('decode', 'nan.fwf', 'nan-back.npy'),
  ]);
  expect(readFileSync(file('lossless.npy')).equals(readFileSync(file('feature.npy')))).toBe(true);
  expect(readFileSync(file('nan-back.npy')).equals(readFileSync(file('nan.npy')))).toBe(true);
  const inspected = await run('inspect', 'lossless.fwf');
  for (const part of ['planes', 'classes: coder', 'bits 16 to 22: coder', 'elements with low bits']) {
    expect(inspected.output).toContain(part);
  }
  const budget = await run('encode', 'feature.npy', 'x.fwf', '--lossless', '--max-bytes', '500');
  expect(budget.status).toBe(2);
});

test('standard streams stand in for files, and the report goes to standard error', async () => {
  const bytes = readFileSync(file('feature.npy'));
  const encoded = await featherwire(['encode', '-', '-', '--raw'], directory.path, bytes);
  expect(encoded.errors).toContain('bits per element');
  const decoded = await featherwire(['decode', '-', '-'], directory.path, encoded.stdout);
  expect(decoded.stdout.equals(bytes)).toBe(true);
});

test('encode reports the error of the very bytes that it wrote', async () => {
  const { status, output } = await run(
    'encode',
    'feature.npy',
    'report.fwf',
    '--levels',
    '9',
    '--clip',
    '0,2',
    '--json',
  );
  const report = JSON.parse(output);
  const frame = readFileSync(file('report.fwf'));
  const decoded = decodeFrame(frame, { backend: referenceBackend });
  const distances = Array.from(feature.data, (value, i) => Math.abs(value - Number(decoded.data[i])));
  expect(status).toBe(0);
  expect(report).toMatchObject({
    dtype: 'float32',
    shape,
    elements: 3840,
    frameBytes: frame.length,
    bitsPerElement: (8 * frame.length) / 3840,
    maxAbsoluteError: Math.max(...distances),
    quantizer: { kind: 'uniform', levelCount: 9, range: { kind: 'fixed', low: 0, high: 2 } },
  });
});

test('--layout is kept to, said, and lossless over the indices', async () => {
  const args = ['--bits', '3', '--coder', 'rans', '--json'];
  const reports = await Promise.all(
    ['dense', 'csr', 'csr-separate', 'significance'].map(async (layout) => {
      const { output } = await run('encode', 'feature.npy', `${layout}.fwf`, '--layout', layout, ...args);
      expect(JSON.parse(output)).toMatchObject({ coder: 'rans', layout });
      return decodeFrame(readFileSync(file(`${layout}.fwf`)), { backend: referenceBackend });
    }),
  );
  for (const decoded of reports) expect(decoded).toEqual(reports[0]);
  const { output } = await run('inspect', 'csr.fwf', '--json');
  expect(JSON.parse(output)).toMatchObject({ coder: 'rans', layout: 'csr' });
});

test('--coder rans-contexts gives the tensor that --coder rans gives', async () => {
  const decoded = await Promise.all(
    ['rans', 'rans-contexts'].map(async (coder) => {
      const args = ['--levels', '5', '--coder', coder, '--json'];
      const { output } = await run('encode', 'feature.npy', `${coder}.fwf`, '--layout', 'dense', ...args);
      expect(JSON.parse(output)).toMatchObject({ coder });
      return decodeFrame(readFileSync(file(`${coder}.fwf`)), { backend: referenceBackend });
    }),
  );
  expect(decoded[1]).toEqual(decoded[0]);
  const { status, errors } = await run(
    'encode',
    'feature.npy',
    'x.fwf',
    '--levels',
    '17',
    '--coder',
    'rans-contexts',
  );
  expect(status).toBe(1);
  expect(errors).toContain('levelCount expected 2 to 16 for contexts, got 17');
});

test.each([
  [['decode', 'truncated.fwf', 'x.npy'], 'truncated.fwf: payload at byte'],
  [['decode', 'flipped.fwf', 'x.npy'], 'flipped.fwf: checksum at byte'],
  [['decode', 'empty.fwf', 'x.npy'], 'empty.fwf: preamble at byte 0: 1 bytes expected, 0 left'],
  [['decode', 'feature.npy', 'x.npy'], 'feature.npy: preamble at byte 0: the bytes F5 46 57 expected'],
  [['decode', 'good.fwf', 'x.npy', '--max-elements', '100'], 'good.fwf: shape at byte 5'],
  [['decode', 'missing.fwf', 'x.npy'], 'missing.fwf expected a path that can be read, got no such file'],
  [['decode', '.', 'x.npy'], '. expected a file, got a directory'],
  [['encode', 'nan.npy', 'x.fwf'], 'nan.npy: feature expected numbers, got NaN'],
  [
    ['encode', 'feature.npy', 'x.fwf', '--bits', '9', '--layout', 'csr'],
    'feature.npy: layout expected dense for 512 levels, got csr',
  ],
  [['encode', 'text.txt', 'x.fwf'], 'text.txt: npy magic expected'],
  [['encode', 'feature.npy', 'x.fwf', '--integer'], 'feature.npy: feature expected int8 or uint8'],
  [['encode', 'feature.npy', 'no/x.fwf'], 'no/x.fwf expected a path that can be written, got no such file'],
  [
    ['inspect', 'text.txt'],
    'text.txt: expected a frame, a profile, an ONNX model, a .npy, a .npz or a directory',
  ],
  [['inspect', 'truncated.fwf'], 'truncated.fwf: payload at byte'],
  [['inspect', '.'], 'bundle expected'],
])('%j fails with one line and status 1, and leaves nothing', async (args, message) => {
  const before = readdirSync(directory.path);
  const { status, output, errors } = await run(...args);
  expect([status, output]).toEqual([1, '']);
  expect(errors.startsWith(`error: ${message}`), errors).toBe(true);
  expect(errors.indexOf('\n')).toBe(errors.length - 1);
  expect(readdirSync(directory.path)).toEqual(before);
});

test('a failed write leaves the file that was there', async () => {
  writeFileSync(file('kept.npy'), 'old');
  expect((await run('decode', 'truncated.fwf', 'kept.npy')).status).toBe(1);
  expect(readFileSync(file('kept.npy'), 'utf8')).toBe('old');
});

test('a reader that goes away ends the command quietly', async () => {
  const { spawn } = await import('node:child_process');
  const main = new URL('../dist/main.js', import.meta.url).pathname;
  const command = `"${process.execPath}" "${main}" inspect good.fwf --json; echo "status $?" >&2`;
  const child = spawn('sh', ['-c', `(${command}) | true`], { cwd: directory.path });
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  await new Promise((resolve) => child.once('close', resolve));
  expect(errors).toBe('status 0\n');
});

test('inspect covers every byte of a frame', async () => {
  const { output } = await run('inspect', 'good.fwf', '--json');
  const { fields, byteLength } = JSON.parse(output);
  let end = 0;
  for (const field of fields) {
    expect(field.byteOffset).toBe(end);
    end += field.byteLength;
  }
  expect(end).toBe(byteLength);
  expect(byteLength).toBe(readFileSync(file('good.fwf')).length);
  expect(fields[0]).toMatchObject({ field: 'magic', firstBytes: 'F5 46 57' });
});

test('inspect shows a frame as a table, and goes by content', async () => {
  writeFileSync(file('frame.onnx'), readFileSync(file('good.fwf')));
  const { output } = await run('inspect', 'frame.onnx');
  expect(output).toMatch(/^featherwire frame\n/);
  expect(output).toMatch(/^offset +length +section +field +value +bytes$/m);
  expect(output).toMatch(/^ +0 +3 +preamble +magic +F5 46 57 +F5 46 57$/m);
});

test('inspect sums up an array', async () => {
  const { output } = await run('inspect', 'labels.npy', '--json');
  const values = Array.from(labels.data);
  expect(JSON.parse(output)).toMatchObject({
    kind: 'npy',
    dtype: 'uint8',
    shape: [500],
    min: 0,
    max: 8,
    mean: values.reduce((sum, value) => sum + value) / 500,
    zeroShare: values.filter((value) => value === 0).length / 500,
  });
});

test('inspect sums up a model', async () => {
  const { output } = await run('inspect', orientationModel(), '--json');
  const report = JSON.parse(output);
  expect(report).toMatchObject({ kind: 'onnx', nodeCount: 471, parameters: 133_665 });
  expect(report.inputs[0]).toMatchObject({ name: 'x', dtype: 'float32' });
  expect(report.operators).toContainEqual({ operator: 'Conv', nodes: 53 });
});

test('a byte budget is kept, spent, and refused with the smallest size when nothing fits', async () => {
  const sizes: number[] = [];
  for (const budget of [400, 900, 2_400]) {
    const { status } = await run('encode', 'feature.npy', 'budget.fwf', '--max-bytes', String(budget));
    expect(status).toBe(0);
    sizes.push(readFileSync(file('budget.fwf')).length);
    expect(sizes.at(-1)).toBeLessThanOrEqual(budget);
  }
  expect(sizes[2]).toBeGreaterThan(sizes[1]);
  const refused = await run('encode', 'feature.npy', 'refused.fwf', '--max-bytes', '5');
  expect([refused.status, refused.errors]).toEqual([
    1,
    'error: feature.npy: maxBytes expected at least 18 for this tensor, got 5\n',
  ]);
  expect(readdirSync(directory.path)).not.toContain('refused.fwf');
  const both = await run('encode', 'feature.npy', 'both.fwf', '--max-bytes', '500', '--levels', '4');
  expect(both.status).toBe(2);
});

test('bench prints a rate for every row, and how the coders compare in size', async () => {
  const { status, output } = await run('bench', '--quick', '--levels', '4', '--json');
  expect(status).toBe(0);
  const { rows } = JSON.parse(output) as {
    rows: { name: string; encode: { median: number } | null; bitsPerElement: number | null }[];
  };
  const named = (name: string) => rows.find((row) => row.name === name);
  expect(named('frame, rans')?.encode?.median).toBeGreaterThan(0);
  expect(named('frame, binary')?.bitsPerElement).toBeLessThan(named('frame, rans')?.bitsPerElement ?? 0);
});

test('a profile of samples makes bundled frames that decode with it and with nothing else', async () => {
  const profiled = await run(
    'profile',
    'feature.npy',
    '-o',
    'cut.fwp',
    '--levels',
    '4',
    '--clip',
    'model',
    '--json',
  );
  expect(JSON.parse(profiled.output)).toMatchObject({ shape, samples: 1, elements: 3840 });
  const options = ['--profile', 'cut.fwp', '--sequence', '17', '--digest', '--chunks', '2', '--json'];
  const encoded = await run('encode', 'feature.npy', 'bundled.fwf', ...options);
  const report = JSON.parse(encoded.output);
  expect(report).toMatchObject({ coder: 'static', quantizer: 'of the profile' });
  const decoded = await run('decode', 'bundled.fwf', 'bundled.npy', '--profile', 'cut.fwp');
  expect(decoded.status).toBe(0);
  const back = readNpy(readFileSync(file('bundled.npy')));
  const distances = Array.from(feature.data, (value, i) => Math.abs(value - Number(back.data[i])));
  expect(Math.max(...distances)).toBe(report.maxAbsoluteError);
  const inspected = await run('inspect', 'bundled.fwf', '--profile', '0=cut.fwp', '--json');
  expect(JSON.parse(inspected.output)).toMatchObject({
    bundled: { point: 0, sequenceNumber: 17 },
    chunkCount: 2,
    coder: 'static',
  });
  expect(JSON.parse((await run('inspect', 'cut.fwp', '--json')).output)).toMatchObject({ kind: 'profile' });
  for (const wrong of [[], ['--profile', '1=cut.fwp']]) {
    const refused = await run('decode', 'bundled.fwf', 'x.npy', ...wrong);
    expect(refused.status).toBe(1);
    expect(refused.errors).toMatch(/bundled\.fwf.*no profile is known for operating point 0/);
  }
  expect((await run('decode', 'bundled.fwf', 'x.npy', '--profile', 'good.fwf')).errors).toContain(
    'F5 46 50 expected',
  );
  expect((await run('profile', 'feature.npy', '-o', 'y.fwp', '--raw')).status).toBe(2);
  expect((await run('encode', 'feature.npy', 'y.fwf', '--profile', 'cut.fwp', '--levels', '4')).status).toBe(
    2,
  );
});

test('a profile of blocks of components makes frames of the binary coder', async () => {
  const options = ['-o', 'blocks.fwp', '--blocks', '0.25', '--components'];
  expect((await run('profile', 'feature.npy', ...options)).status).toBe(0);
  const coding = ['--profile', 'blocks.fwp', '--lambda', '0.1', '--json'];
  const encoded = await run('encode', 'feature.npy', 'blocks.fwf', ...coding);
  expect(JSON.parse(encoded.output)).toMatchObject({ coder: 'binary', quantizer: 'of the profile' });
  expect((await run('decode', 'blocks.fwf', 'blocks.npy', '--profile', 'blocks.fwp')).status).toBe(0);
  const back = readNpy(readFileSync(file('blocks.npy')));
  const squares = Array.from(feature.data, (value, i) => (value - Number(back.data[i])) ** 2);
  const meanSquare = squares.reduce((sum, square) => sum + square) / squares.length;
  expect(meanSquare).toBeLessThan(0.25 ** 2 / 3);
  const wrong = await run('profile', 'feature.npy', '-o', 'y.fwp', '--levels', '4', '--components');
  expect(wrong.status).toBe(2);
  expect(wrong.errors).toContain('--components expected --blocks');
});
