/** The studio's page as a site that a tail server can offer, with the files of onnxruntime-web that its worker loads. */

import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { WEB_ENGINE_FILES } from '@featherwire/inference/browser';
import type { Site, SiteFile } from '@featherwire/runtime/node';

/** A picture that the page offers as input. */
export interface StudioSample {
  /** For people. */
  readonly name: string;
  /** Absolute path of a PNG, JPEG or WebP file. */
  readonly path: string;
}

/** Content types by the ends of file names. */
const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.wasm': 'application/wasm',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.webp': 'image/webp',
};

/** Ends of the names of pictures that browsers and samples have in common. */
export const SAMPLE_TYPES: readonly string[] = Object.freeze(['.png', '.jpg', '.jpeg', '.webp']);

/**
 * The studio's files by their addresses; the page is at `/`.
 * @param samples - offered beside those that the page draws itself
 * @throws {Error} if the page has not been built, or onnxruntime-web is not installed
 */
export function studioSite(samples: readonly StudioSample[] = []): Site {
  const page = fileURLToPath(new URL('../site/', import.meta.url));
  const engine = path.dirname(createRequire(import.meta.url).resolve('onnxruntime-web'));
  const list = samples.map(({ name }, i) => ({ name, url: sampleUrl(samples, i) }));
  return new Map<string, SiteFile>([
    ...readdirSync(page).map((name) => [`/studio/${name}`, fileAt(path.join(page, name))] as const),
    ['/', fileAt(path.join(page, 'index.html'))],
    ...WEB_ENGINE_FILES.map((name) => [`/studio/engine/${name}`, fileAt(path.join(engine, name))] as const),
    ['/studio/samples.json', { text: JSON.stringify(list), type: 'application/json' }],
    ...samples.map((sample, i) => [sampleUrl(samples, i), fileAt(sample.path)] as const),
  ]);
}

/** By number: names of files may be anything. */
function sampleUrl(samples: readonly StudioSample[], i: number): string {
  return `/studio/samples/${i}${path.extname(samples[i].path).toLowerCase()}`;
}

function fileAt(file: string): SiteFile {
  return { path: file, type: TYPES[path.extname(file).toLowerCase()] ?? 'application/octet-stream' };
}
