/** The bundles that a server serves, each with its workers; they can be exchanged while requests come. */

import type { NodeBundle } from '@featherwire/bundle/node';
import { DIGEST_PREFIX_BYTES } from '../../protocol/index.js';
import { createDriftMonitor, type DriftMonitor } from './drift-monitor.js';
import type { ServerLogger } from './logger.js';
import type { TailPool } from './tail-pool.js';

/** What requests name a bundle by: the first digits of its digest. */
export function bundleKey(digest: string): string {
  return digest.slice(0, 2 * DIGEST_PREFIX_BYTES).toLowerCase();
}

/** What answers the requests of one bundle. */
export interface ServedBundle {
  readonly bundle: NodeBundle;
  readonly pool: TailPool;
  readonly drift: DriftMonitor;
}

/** How a change went. */
export interface BundleChange {
  readonly added: readonly NodeBundle[];
  readonly removed: readonly NodeBundle[];
}

/** Bundles by the parts of their digests that requests carry. */
export interface BundleRegistry {
  /** @param key - see `bundleKey` */
  find(key: string): ServedBundle | undefined;
  list(): readonly ServedBundle[];
  /**
   * Serves other bundles from now on: starts the workers of those that are new, then takes their requests, then ends those that
   * are left out once what they have is answered. Changes are made one after another.
   * @throws {RangeError} if there are none, or two have the same key; {Error} if workers cannot start: then all stays as it was
   */
  replace(bundles: readonly NodeBundle[]): Promise<BundleChange>;
  /** Ends all workers. */
  close(): Promise<void>;
}

/** What a registry works with. */
export interface BundleRegistryOptions {
  readonly startPool: (bundle: NodeBundle) => Promise<TailPool>;
  readonly logger: ServerLogger;
}

/** A registry without bundles. */
export function createBundleRegistry(options: BundleRegistryOptions): BundleRegistry {
  return new Registry(options);
}

class Registry implements BundleRegistry {
  readonly #options: BundleRegistryOptions;
  #served: ReadonlyMap<string, ServedBundle> = new Map();
  /** Bundles left out whose requests are not answered yet. */
  readonly #ending = new Map<ServedBundle, Promise<void>>();
  #lastChange: Promise<unknown> = Promise.resolve();
  #isClosed = false;

  constructor(options: BundleRegistryOptions) {
    this.#options = options;
  }

  find(key: string): ServedBundle | undefined {
    return this.#served.get(key);
  }

  list(): readonly ServedBundle[] {
    return [...this.#served.values()];
  }

  replace(bundles: readonly NodeBundle[]): Promise<BundleChange> {
    checkBundles(bundles);
    if (this.#isClosed) return Promise.reject(new Error('the server has ended'));
    const change = this.#lastChange.then(() => this.#change(bundles));
    this.#lastChange = change.catch(() => undefined);
    return change;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#lastChange;
    const all = [...this.#served.values(), ...this.#ending.keys()];
    await Promise.all(all.map(({ pool }) => pool.close()));
  }

  async #change(bundles: readonly NodeBundle[]): Promise<BundleChange> {
    const before = this.#served;
    const added = bundles.filter(({ digest }) => !before.has(bundleKey(digest)));
    const started = new Map<string, ServedBundle>();
    try {
      for (const bundle of added) started.set(bundleKey(bundle.digest), await this.#start(bundle));
    } catch (error) {
      await Promise.all([...started.values()].map(({ pool }) => pool.close()));
      throw error;
    }
    const keys = bundles.map(({ digest }) => bundleKey(digest));
    this.#served = new Map(keys.map((key) => [key, before.get(key) ?? started.get(key)!]));
    const removed = [...before].flatMap(([key, served]) => (this.#served.has(key) ? [] : [served]));
    for (const served of removed) this.#end(served);
    return { added, removed: removed.map(({ bundle }) => bundle) };
  }

  async #start(bundle: NodeBundle): Promise<ServedBundle> {
    const pool = await this.#options.startPool(bundle);
    const { manifest, digest } = bundle;
    const label = `bundle '${manifest.model.name}' (${bundleKey(digest)})`;
    return { bundle, pool, drift: createDriftMonitor(manifest, label, this.#options.logger) };
  }

  #end(served: ServedBundle): void {
    const ended = served.pool.drained().then(() => served.pool.close());
    this.#ending.set(served, ended);
    void ended.then(() => this.#ending.delete(served));
  }
}

function checkBundles(bundles: readonly NodeBundle[]): void {
  if (bundles.length === 0) throw new RangeError('bundles expected at least one, got none');
  const keys = new Set(bundles.map(({ digest }) => bundleKey(digest)));
  if (keys.size === bundles.length) return;
  throw new RangeError('bundles expected to differ in the first 8 bytes of their digests, got two alike');
}
