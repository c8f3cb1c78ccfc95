import {
  appendFile,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  bytesOf as bytes,
  bundleContent as content,
  expectCode,
  sha256,
  snapshotOf,
} from '../../test/bundle-directory.js';
import { serializeManifest } from '../parse-manifest.js';
import { readBundle, readManifest } from './read-bundle.js';
import { writeBundle } from './write-bundle.js';

let root: string;
let target: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'featherwire-bundle-'));
  target = join(root, 'example');
});
afterEach(() => rm(root, { recursive: true, force: true }));

const snapshot = () => snapshotOf(root);

describe('writeBundle and readBundle', () => {
  test('what was written is read, with sizes, digests and paths', async () => {
    const written = await writeBundle(target, content());
    const read = await readBundle(target);
    expect(read.manifest).toEqual(written.manifest);
    expect(read.digest).toBe(written.digest);
    expect(read.digest).toBe(sha256(await readFile(join(target, 'featherwire.json'))));
    expect(read.manifest.head).toEqual({
      file: 'head.onnx',
      sha256: sha256('head'),
      bytes: 4,
      parameters: 4,
      macs: 100,
    });
    expect(read.manifest.tail.externalData).toEqual([
      { file: 'weights/tail.bin', sha256: sha256('weights'), bytes: 7 },
    ]);
    expect(await readFile(read.partPath('tail'), 'utf8')).toBe('tail');
    expect(() => read.partPath('whole')).toThrow(RangeError);
    expect(await readdir(root)).toEqual(['example']);
  });

  test('the manifest file is in canonical form', async () => {
    const { manifest } = await writeBundle(target, content());
    expect(await readFile(join(target, 'featherwire.json'), 'utf8')).toBe(serializeManifest(manifest));
  });

  test('parts are copied from files, and parents of the target are created', async () => {
    const source = join(root, 'big.onnx');
    const body = new Uint8Array(1 << 20).map((_, i) => i * 31);
    await writeFile(source, body);
    const { manifest, parts } = content();
    const nested = join(root, 'a', 'b', 'bundle');
    const bundle = await writeBundle(nested, {
      manifest,
      parts: { ...parts, whole: { ...parts.head, model: source } },
    });
    expect(bundle.manifest.whole).toMatchObject({ file: 'whole.onnx', bytes: 1 << 20, sha256: sha256(body) });
    expect((await readFile(bundle.partPath('whole'))).equals(body)).toBe(true);
    await readBundle(nested);
  });

  test('a directory is readable as other new directories are', async () => {
    await writeBundle(target, content());
    await mkdir(join(root, 'plain'));
    expect((await stat(target)).mode).toBe((await stat(join(root, 'plain'))).mode);
  });

  test('a file of weights that two parts share is stored once', async () => {
    const { manifest, parts } = content();
    const shared = (text: string) => ({
      ...parts.head,
      externalData: [{ file: 'weights/tail.bin', data: bytes(text) }],
    });
    const bundle = await writeBundle(target, { manifest, parts: { ...parts, head: shared('weights') } });
    expect(bundle.manifest.head.externalData).toEqual(bundle.manifest.tail.externalData);
    const other = join(root, 'other');
    await expectCode(
      writeBundle(other, { manifest, parts: { ...parts, head: shared('other') } }),
      'invalid-manifest',
    );
    expect(await readdir(root)).toEqual(['example']);
  });
});

describe('a failed write leaves nothing behind', () => {
  test('when a source is missing', async () => {
    const { manifest, parts } = content();
    const broken = {
      manifest,
      parts: { ...parts, tail: { ...parts.tail, model: join(root, 'absent.onnx') } },
    };
    await expectCode(writeBundle(join(root, 'new', 'bundle'), broken), 'missing-file');
    expect(await snapshot()).toEqual([]);
  });

  test('when the manifest breaks the schema', async () => {
    const { manifest, parts } = content();
    const broken = { manifest: { ...manifest, cut: [] }, parts };
    await expectCode(writeBundle(target, broken), 'invalid-manifest');
    const escaping = { ...parts.head, externalData: [{ file: '../outside.bin', data: bytes('x') }] };
    await expectCode(
      writeBundle(target, { manifest, parts: { ...parts, head: escaping } }),
      'invalid-manifest',
    );
    expect(await snapshot()).toEqual([]);
  });

  test('and an old bundle as it was', async () => {
    await writeBundle(target, content());
    const before = await snapshot();
    const { manifest, parts } = content('new');
    const broken = {
      manifest,
      parts: { ...parts, tail: { ...parts.tail, model: join(root, 'absent.onnx') } },
    };
    await expectCode(writeBundle(target, broken, { overwrite: true }), 'missing-file');
    expect(await snapshot()).toEqual(before);
  });

  test('when a parent is a file', async () => {
    await writeFile(join(root, 'file'), 'x');
    await expectCode(writeBundle(join(root, 'file', 'bundle'), content()), 'write-failed');
    expect(await readdir(root)).toEqual(['file']);
  });
});

describe('replacing', () => {
  test('is refused unless asked for', async () => {
    await writeBundle(target, content());
    const before = await snapshot();
    await expectCode(writeBundle(target, content('new')), 'exists');
    expect(await snapshot()).toEqual(before);
  });

  test('puts the new bundle in the place of the old one', async () => {
    const old = await writeBundle(target, content());
    const replaced = await writeBundle(target, content('new'), { overwrite: true });
    expect(replaced.digest).not.toBe(old.digest);
    expect((await readBundle(target)).digest).toBe(replaced.digest);
    expect(await readdir(root)).toEqual(['example']);
  });

  test.each<[string, () => Promise<unknown>]>([
    ['an empty directory', () => mkdir(target)],
    ['a file', () => writeFile(target, 'x')],
    [
      'a directory of other files',
      () => mkdir(target).then(() => writeFile(join(target, 'thesis.txt'), 'x')),
    ],
    [
      'a bundle with another file in it',
      () => writeBundle(target, content()).then(() => writeFile(join(target, 'weights', 'notes.txt'), 'x')),
    ],
    [
      'a bundle with a damaged manifest',
      () => writeBundle(target, content()).then(() => appendFile(join(target, 'featherwire.json'), '}')),
    ],
    [
      'a link to a bundle',
      () => writeBundle(join(root, 'real'), content()).then(() => symlink('real', target)),
    ],
  ])('%s is not replaced', async (_, prepare) => {
    await prepare();
    const before = await snapshot();
    await expectCode(writeBundle(target, content()), 'exists');
    await expectCode(writeBundle(target, content(), { overwrite: true }), 'not-a-bundle');
    expect(await snapshot()).toEqual(before);
  });
});

describe('tampering is noticed', () => {
  beforeEach(() => writeBundle(target, content()));

  test.each(['head.onnx', 'tail.onnx', 'weights/tail.bin'])('in %s', async (file) => {
    const path = join(target, file);
    const original = await readFile(path);
    const flipped = Uint8Array.from(original);
    flipped[1] ^= 1;
    await writeFile(path, flipped);
    await expectCode(readBundle(target), 'digest-mismatch');
    await writeFile(path, original.subarray(1));
    await expectCode(readBundle(target), 'digest-mismatch');
    await appendFile(path, '..');
    await expectCode(readBundle(target), 'digest-mismatch');
    await rm(path);
    await expectCode(readBundle(target), 'missing-file');
    await mkdir(path);
    await expectCode(readBundle(target), 'missing-file');
  });

  test('in a file that is a link to the outside', async () => {
    await writeFile(join(root, 'elsewhere'), 'head');
    await rm(join(target, 'head.onnx'));
    await symlink('../elsewhere', join(target, 'head.onnx'));
    await expectCode(readBundle(target), 'missing-file');
  });

  test('in the parts asked for, and only there', async () => {
    await writeFile(join(target, 'head.onnx'), 'HEAD');
    await expectCode(readBundle(target, { verify: ['head'] }), 'digest-mismatch');
    await readBundle(target, { verify: ['tail', 'whole'] });
    await readManifest(target);
  });

  test('in the manifest: any change of its bytes changes the digest', async () => {
    const { digest } = await readManifest(target);
    await appendFile(join(target, 'featherwire.json'), ' ');
    expect((await readManifest(target)).digest).not.toBe(digest);
  });
});

describe('a directory that is no bundle', () => {
  test('absent, empty, or half-written without a manifest is not found', async () => {
    await expectCode(readBundle(target), 'not-found');
    await mkdir(target);
    await expectCode(readBundle(target), 'not-found');
    await writeFile(join(target, 'head.onnx'), 'head');
    await expectCode(readBundle(target), 'not-found');
    await expectCode(readBundle(join(target, 'head.onnx')), 'not-found');
    await mkdir(join(target, 'featherwire.json'));
    await expectCode(readBundle(target), 'not-found');
  });

  test('with a manifest that leads outside, is cut short, is not UTF-8 or is newer, is refused', async () => {
    const { manifest } = await writeBundle(target, content());
    const path = join(target, 'featherwire.json');
    const text = serializeManifest(manifest);
    await writeFile(path, text.replace('"head.onnx"', '"../head.onnx"'));
    await expectCode(readBundle(target), 'invalid-manifest');
    await writeFile(path, text.slice(0, 400));
    await expectCode(readBundle(target), 'invalid-manifest');
    await writeFile(path, Uint8Array.of(0x22, 0xff, 0x22));
    await expectCode(readBundle(target), 'invalid-manifest');
    await writeFile(path, text.replace('"version": 1', '"version": 2'));
    await expectCode(readBundle(target), 'unsupported-version');
  });

  test('with a manifest over the limit is refused without reading it', async () => {
    await mkdir(target);
    await writeFile(join(target, 'featherwire.json'), new Uint8Array((1 << 24) + 1));
    await expectCode(readBundle(target), 'invalid-manifest');
  });
});
