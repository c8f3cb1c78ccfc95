/** What a manifest can hold of quantizers and of file names. */

import type { QuantizerChoice } from '@featherwire/codec';
import { describe, expect, test } from 'vitest';
import { DIGEST, refusalOf, withValue } from '../test/example-manifest.js';
import { checkManifest, parseManifest, serializeManifest } from './parse-manifest.js';

describe('every quantizer of the codec can be stored', () => {
  const limits = [
    { low: 0, high: 1 },
    { low: -1, high: 2 },
  ];
  test.each<QuantizerChoice>([
    { kind: 'none' },
    { kind: 'integer' },
    { kind: 'lossless' },
    { kind: 'uniform', levelCount: 4, range: { kind: 'minmax' } },
    { kind: 'uniform', levelCount: 4, range: { kind: 'model' } },
    { kind: 'asymmetric', bits: 8, range: { kind: 'model', activation: 'leaky-relu' } },
    { kind: 'asymmetric', bits: 8, range: { kind: 'fixed', low: -1, high: 1 } },
    { kind: 'levels', levels: [-0.5, 0, 3], thresholds: [-0.25, 2] },
    { kind: 'grouped', levelCount: 8, axis: 1, groupCount: 4, range: { kind: 'model', activation: 'gelu' } },
    {
      kind: 'grouped',
      levelCount: 8,
      axis: 1,
      groupCount: 2,
      groupOfChannel: [0, 1, 1, 0, 0, 0, 1, 1],
      range: { kind: 'fixed', limits },
    },
  ])('$kind', (quantizer) => {
    const manifest = withValue(['operatingPoints', 0, 'coding', 0, 'quantizer'], quantizer);
    const codings = [{ coding: [{ quantizer }, {}] }, {}, {}];
    expect(parseManifest(JSON.stringify(manifest)).operatingPoints).toMatchObject(codings);
    const read = parseManifest(serializeManifest(checkManifest(manifest)));
    expect(read.operatingPoints).toMatchObject(codings);
  });
});

describe('file names', () => {
  test.each([
    '../head.onnx',
    'a/../../head.onnx',
    '/etc/passwd',
    'C:\\head.onnx',
    'C:head.onnx',
    'a\\b',
    '.',
    '..',
    '.hidden',
    './head.onnx',
    'a/./b',
    'a//b',
    'a/',
    '',
    'head.onnx\u0000',
    'head.onnx\n',
    'head\u2025.onnx',
    'name.',
    'x'.repeat(256),
    'featherwire.json',
    'FEATHERWIRE.JSON',
  ])('%j is refused', (file) => {
    expect(refusalOf(withValue(['head', 'file'], file)).message).toContain('head.file expected');
    expect(refusalOf(withValue(['tail', 'externalData', 0, 'file'], file)).message).toContain(
      'tail.externalData[0].file',
    );
  });

  test.each(['a', 'head.onnx', 'units/u-1/encoder.onnx', 'a.b.c', 'x'.repeat(255)])(
    '%j is accepted',
    (file) => {
      expect(parseManifest(JSON.stringify(withValue(['head', 'file'], file))).head.file).toBe(file);
    },
  );

  test('two parts may share a file of weights only with equal digests', () => {
    const shared = { file: 'weights/tail.bin', sha256: DIGEST, bytes: 30 };
    expect(checkManifest(withValue(['head', 'externalData'], [shared]))).toBeTruthy();
    const other = { ...shared, bytes: 31 };
    expect(() => checkManifest(withValue(['head', 'externalData'], [other]))).toThrow('no other entry uses');
  });
});
