/** Which engine the studio runs networks on. */

import type { WebEngineOptions, WebProvider } from '@featherwire/inference/browser';

/** Where the server has the engine's files. */
const ENGINE_FOLDER = '/studio/engine/';
const PROVIDERS: readonly WebProvider[] = ['webgpu', 'wasm'];

/**
 * The device's best, or what the page's address asks for: `?provider=webgpu` takes an adapter in software too, `?threads=1` fewer
 * threads than there are.
 */
export function engineOptions(): WebEngineOptions {
  const query = new URLSearchParams(globalThis.location.search);
  const provider = PROVIDERS.find((name) => name === query.get('provider'));
  const threads = query.get('threads');
  return {
    folder: ENGINE_FOLDER,
    ...(provider && { provider }),
    ...(threads !== null && { threads: Number(threads) }),
  };
}
