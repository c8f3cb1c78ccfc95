/** The studio beside a service: its page, samples for it, and the links that it may try. */

import { readdir } from 'node:fs/promises';
import { extname, join, resolve } from 'node:path';
import { NAMED_LINKS } from '@featherwire/link';
import type { EdgePage } from '@featherwire/runtime/node';
import { UsageError } from '../terminal/errors.js';

/** Options of `serve`. */
export interface StudioOptions {
  readonly studio?: true;
  readonly samples?: string;
  readonly tokens?: string;
}

/** More cannot be chosen from a list. */
const MAX_SAMPLES = 100;

/**
 * @returns undefined without `--studio`
 * @throws {UsageError} if samples are given without it, or tokens with it: a browser that opens a page says none
 */
export async function openStudio({ studio, samples, tokens }: StudioOptions): Promise<EdgePage | undefined> {
  if (!studio) {
    if (samples !== undefined) throw new UsageError('--samples expected --studio beside it');
    return undefined;
  }
  if (tokens !== undefined) {
    throw new UsageError('--studio expected no --tokens: a browser that opens a page says none');
  }
  const { SAMPLE_TYPES, studioSite } = await import('@featherwire/studio');
  const files = samples === undefined ? [] : await readdir(samples);
  const pictures = files.filter((name) => SAMPLE_TYPES.includes(extname(name).toLowerCase())).sort();
  if (samples !== undefined && pictures.length === 0) {
    throw new UsageError(`--samples expected pictures (${SAMPLE_TYPES.join(', ')}) in ${samples}, got none`);
  }
  const offered = pictures
    .slice(0, MAX_SAMPLES)
    .map((name) => ({ name, path: resolve(join(samples!, name)) }));
  return { site: studioSite(offered), links: NAMED_LINKS };
}
