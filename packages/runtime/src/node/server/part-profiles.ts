/**
 * Profiles of what a server holds, measured when they are first asked for, by a worker between two requests, and kept: whoever
 * asks can make the server measure each part once and no more.
 */

import type { ModelProfile } from '@featherwire/inference';
import { REMOTE_ERRORS, type RemoteErrorCode } from '../../protocol/index.js';
import type { ProfiledPart } from '../tail-worker/worker-messages.js';
import { type BundleRegistry, bundleKey } from './bundle-registry.js';
import type { TailPool } from './tail-pool.js';

/** A profile, or why there is none. */
export type PartProfileAnswer =
  | { readonly kind: 'profile'; readonly profile: ModelProfile }
  | { readonly kind: 'failed'; readonly code: RemoteErrorCode; readonly text: string };

/** Gives profiles. */
export interface PartProfiles {
  /** @param digest - of a bundle, 64 hexadecimal digits */
  get(digest: string, part: ProfiledPart): Promise<PartProfileAnswer>;
}

/** Profiles of the bundles that a server has. */
export function createPartProfiles(registry: Pick<BundleRegistry, 'find'>): PartProfiles {
  const kept = new Map<string, Promise<PartProfileAnswer>>();
  return {
    get(digest, part) {
      const served = registry.find(bundleKey(digest));
      if (!served) {
        const text = `no bundle here has the digest ${digest.slice(0, 16)}…`;
        return Promise.resolve({ kind: 'failed', code: 'unknown-bundle', text });
      }
      const key = `${part} ${bundleKey(digest)}`;
      const known = kept.get(key);
      if (known) return known;
      const measured = measure(served.pool, part);
      kept.set(key, measured);
      void measured.then((answer) => {
        if (answer.kind === 'failed' && REMOTE_ERRORS[answer.code].retryable) kept.delete(key);
      });
      return measured;
    },
  };
}

async function measure(pool: TailPool, part: ProfiledPart): Promise<PartProfileAnswer> {
  const { outcome } = await pool.submit({ kind: 'profile', part }, { client: '' });
  switch (outcome.kind) {
    case 'profiled':
      return { kind: 'profile', profile: outcome.profile };
    case 'failed':
      return outcome;
    case 'done':
      return { kind: 'failed', code: 'internal', text: 'a worker gave an answer in place of a profile' };
    default:
      return outcome satisfies never;
  }
}
