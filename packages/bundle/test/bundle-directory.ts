/** What tests of bundles in directories share: the content of a small bundle, and what lies in a directory. */

import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { BundleErrorCode } from '../src/errors.js';
import type { DescribedPoint } from '../src/manifest.js';
import { type BundleContent, writeBundle } from '../src/node/write-bundle.js';
import { exampleManifest } from './example-manifest.js';

/** Letters as bytes. */
export const bytesOf = (text: string): Uint8Array => new TextEncoder().encode(text);
/** In hexadecimal. */
export const sha256 = (data: string | Uint8Array): string => createHash('sha256').update(data).digest('hex');

/** Stand-ins for models, and the described point of the example. */
export function bundleContent(headText = 'head'): BundleContent {
  const {
    format: _,
    version: __,
    head,
    tail,
    whole: ___,
    units: ____,
    exit: _____,
    ...manifest
  } = exampleManifest();
  return {
    manifest: { ...manifest, operatingPoints: [describedPoint('q16')] },
    parts: {
      head: { model: bytesOf(headText), parameters: head.parameters, macs: head.macs },
      tail: {
        model: bytesOf('tail'),
        parameters: tail.parameters,
        macs: tail.macs,
        externalData: [{ file: 'weights/tail.bin', data: bytesOf('weights') }],
      },
    },
  };
}

/** Writes the small bundle into a directory of its own. @returns that directory, to remove, and the bundle's */
export async function createExampleBundle(): Promise<{ root: string; target: string }> {
  const root = await mkdtemp(join(tmpdir(), 'featherwire-bundle-'));
  const target = join(root, 'example');
  await writeBundle(target, bundleContent());
  return { root, target };
}

/** The described point of the example under another id. */
export function describedPoint(id: string): DescribedPoint {
  const [point] = exampleManifest().operatingPoints;
  return { ...(point as DescribedPoint), id };
}

/** Fails unless the action ends in a `BundleError` of that code. */
export async function expectCode(action: Promise<unknown>, code: BundleErrorCode): Promise<void> {
  await expect(action).rejects.toMatchObject({ name: 'BundleError', code });
}

/** Every file under a directory with its digest, sorted: what must not change when a write fails. */
export async function snapshotOf(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const lines = entries.map(async (entry) => {
    const path = join(entry.parentPath, entry.name);
    return `${path} ${entry.isFile() ? sha256(await readFile(path)) : 'folder'}`;
  });
  return (await Promise.all(lines)).sort();
}
