/** A manifest that uses every field, for the tests of this package. */

import { expect } from 'vitest';
import { BundleError } from '../src/errors.js';
import type { BundleManifest } from '../src/manifest.js';
import { parseManifest } from '../src/parse-manifest.js';

export const DIGEST = 'ab'.repeat(32);

export function exampleManifest(): BundleManifest {
  return {
    format: 'featherwire-bundle',
    version: 1,
    model: { name: 'example', sha256: DIGEST, bytes: 123 },
    inputs: [{ name: 'x', dtype: 'float32', shape: ['N', 3, 48, 'W'] }],
    cut: [
      { name: 'feature', dtype: 'float32', shape: ['N', 8, 6, 'W'] },
      { name: 'mask', dtype: 'uint8', shape: [] },
    ],
    outputs: [{ name: 'y', dtype: 'float32', shape: ['N', 3] }],
    head: { file: 'head.onnx', sha256: DIGEST, bytes: 10, parameters: 4, macs: 100 },
    tail: {
      file: 'tail.onnx',
      sha256: DIGEST,
      bytes: 20,
      parameters: 5,
      macs: null,
      externalData: [{ file: 'weights/tail.bin', sha256: DIGEST, bytes: 30 }],
    },
    whole: { file: 'whole.onnx', sha256: DIGEST, bytes: 30, parameters: 9, macs: 200 },
    preprocessing: {
      kind: 'image',
      input: 'x',
      channelOrder: 'BGR',
      height: 48,
      width: 'aspect',
      fit: 'stretch',
      mean: [0.5, 0.5, 0.5],
      std: [0.5, 0.5, 0.5],
    },
    task: { kind: 'ctc-text', output: 'y', alphabet: ['', 'a', 'b'] },
    units: [
      {
        id: 's2c4',
        latent: [{ name: 'latent', dtype: 'float32', shape: [1, 4, 3, 24] }],
        reduction: {
          file: 'units/0123456789abcdef.onnx',
          sha256: DIGEST,
          bytes: 50,
          parameters: 12,
          macs: 40,
        },
        restoration: {
          file: 'units/fedcba9876543210.onnx',
          sha256: DIGEST,
          bytes: 60,
          parameters: 14,
          macs: null,
        },
      },
    ],
    exit: {
      file: 'exits/0123456789abcdef.onnx',
      sha256: DIGEST,
      bytes: 70,
      parameters: 27,
      macs: 24,
      threshold: 0.9,
      measured: {
        metric: { name: 'agreement', value: 0.99 },
        data: 'text lines, seed 1',
        sampleCount: 200,
        reference: 1,
        loss: { value: 1, interval: [0, 2.5], confidence: 0.95 },
        answeredShare: 0.4,
      },
    },
    operatingPoints: [
      {
        id: 'q16',
        kind: 'described',
        coding: [
          { tensor: 'feature', quantizer: { kind: 'uniform', levelCount: 16, range: { kind: 'minmax' } } },
          { tensor: 'mask', quantizer: { kind: 'none' } },
        ],
        measured: {
          bytesPerSample: 812.5,
          metric: { name: 'character error rate', value: 0.04 },
          data: 'text lines, seed 1',
          sampleCount: 200,
        },
      },
      {
        id: 'c4',
        kind: 'profiled',
        lambda: 0.15,
        profile: { file: 'tables/0123456789abcdef.bin', sha256: DIGEST, bytes: 40 },
        measured: {
          bytesPerSample: 512.5,
          metric: { name: 'character error rate', value: 0.05 },
          data: 'text lines, seed 1',
          sampleCount: 200,
          reference: 0.04,
          loss: { value: 1, interval: [-0.5, 2.5], confidence: 0.95 },
          bytes: { p50: 500, p95: 600, max: 650 },
          encodeMs: 0.25,
          decodeMs: 0.5,
          bands: [
            {
              tensor: 'feature',
              saturated: { mean: 0.01, low: 0, high: 0.02 },
              background: { mean: 0.5, low: 0.4, high: 0.6 },
            },
          ],
        },
      },
      {
        id: 'u1',
        kind: 'profiled',
        unit: 's2c4',
        profile: { file: 'tables/fedcba9876543210.bin', sha256: DIGEST, bytes: 40 },
      },
    ],
    verification: { runs: 3, maxRelativeError: 1e-7, tolerance: 1e-5 },
  };
}

/** A deep copy in which the value at a path is another one; `undefined` removes it. */
export function withValue(path: readonly (string | number)[], value: unknown): Record<string, unknown> {
  const copy = structuredClone(exampleManifest()) as unknown as Record<string, unknown>;
  let holder = copy as Record<string | number, unknown>;
  for (const key of path.slice(0, -1)) holder = holder[key] as Record<string | number, unknown>;
  if (value === undefined) delete holder[path[path.length - 1]];
  else holder[path[path.length - 1]] = value;
  return copy;
}

/** The error with which a manifest, or its text, is refused. */
export function refusalOf(value: unknown): BundleError {
  try {
    parseManifest(typeof value === 'string' ? value : JSON.stringify(value));
  } catch (error) {
    expect(error).toBeInstanceOf(BundleError);
    return error as BundleError;
  }
  throw new Error('the manifest was accepted');
}
