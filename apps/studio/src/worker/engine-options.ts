/** Which engine the studio runs networks on. */

import type { WebEngineOptions, WebProvider } from '@featherwire/inference/browser';

/** Where the server has the engine's files. */
const ENGINE_FOLDER = '/studio/engine/';
const PROVIDERS: readonly WebProvider[] = ['webgpu', 'wasm'];

/** The device's best, or what the page's address asks for: `?provider=webgpu` takes an adapter in software too. */
export function engineOptions(): WebEngineOptions {
  const asked = new URLSearchParams(globalThis.location.search).get('provider');
  const provider = PROVIDERS.find((name) => name === asked);
  return { folder: ENGINE_FOLDER, ...(provider && { provider }) };
}
