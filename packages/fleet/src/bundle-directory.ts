/** Which bundles the workers of a fleet serve, and which they served: asked of them when somebody wants to know. */

import type { BundleDirectory, BundleListing } from '@featherwire/runtime/node';
import type { NatsLink } from './nats-link.js';
import { BUNDLES_SUBJECT } from './subjects.js';

/** For how long workers are heard that say what they serve, and how long it is believed. */
const LISTING_MS = 250;
const LISTING_LIFETIME_MS = 2000;
/** So long it is told once more while the workers are asked again, since requests by name wait for nothing else. */
const STALE_LISTING_MS = 10_000;
/** Bundles that are remembered after nobody serves them any more; those that were served last. */
const MAX_FORMER = 64;

interface Listing {
  readonly at: number;
  readonly bundles: Promise<readonly BundleListing[]>;
}

/** A directory of what the workers on a link serve. */
export function createBundleDirectory(link: NatsLink): BundleDirectory {
  return directoryOf(
    () => askForBundles(link),
    () => performance.now(),
  );
}

/**
 * A directory that asks once for all who want to know at about the same time.
 * @param ask - what is served now; never fails
 * @param now - milliseconds
 */
export function directoryOf(
  ask: () => Promise<readonly BundleListing[]>,
  now: () => number,
): BundleDirectory {
  let latest: Listing | undefined;
  let told: Listing | undefined; // the latest that all workers had the time to answer to
  const known = new Map<string, BundleListing>(); // the one served last at the end
  let served: ReadonlySet<string> = new Set();
  const hear = (listing: Listing, bundles: readonly BundleListing[]): void => {
    if (listing === latest) served = new Set(bundles.map(({ digest }) => digest));
    if (bundles.length > 0) told = listing;
    for (const bundle of bundles) {
      known.delete(bundle.digest);
      known.set(bundle.digest, bundle);
    }
    const former = [...known.keys()].filter((digest) => !served.has(digest));
    for (const digest of former.slice(0, Math.max(0, former.length - MAX_FORMER))) known.delete(digest);
  };
  const renew = (at: number): Listing => {
    const listing = { at, bundles: ask() };
    void listing.bundles.then((bundles) => hear(listing, bundles));
    return listing;
  };
  return {
    list() {
      const at = now();
      if (!latest || at - latest.at > LISTING_LIFETIME_MS) latest = renew(at);
      return (told && at - told.at <= STALE_LISTING_MS ? told : latest).bundles;
    },
    listFormer: () => [...known.values()].filter(({ digest }) => !served.has(digest)),
  };
}

async function askForBundles({ connection, isConnected }: NatsLink): Promise<readonly BundleListing[]> {
  const found = new Map<string, BundleListing>();
  if (!isConnected()) return [];
  const options = { strategy: 'timer', maxWait: LISTING_MS } as const;
  try {
    for await (const message of await connection.requestMany(BUNDLES_SUBJECT, '', options)) {
      const listing = message.json<BundleListing>();
      found.set(listing.digest, listing);
    }
  } catch {
    // Nobody serves anything, or the connection is gone: there is nothing to list.
  }
  return [...found.values()];
}
