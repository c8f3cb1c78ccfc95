/** Picks a backend when the program starts. */

import type { Backend } from './backend.js';
import { loadWasmBackend } from './wasm/wasm-backend.js';

/** `auto` takes WebAssembly where the engine has its SIMD instructions, else plain JavaScript. */
export type BackendPreference = 'auto' | 'reference' | 'javascript' | 'wasm';

/**
 * Loads a backend. All backends give the same bytes; they differ in speed.
 * @throws {BackendUnavailableError} if `wasm` is asked for and the engine lacks WebAssembly SIMD
 */
export async function loadBackend(preference: BackendPreference = 'auto'): Promise<Backend> {
  switch (preference) {
    case 'reference':
      return loadReferenceBackend();
    case 'javascript':
      return loadJavascriptBackend();
    case 'wasm':
      return loadWasmBackend();
    case 'auto':
      return loadWasmBackend().catch(loadJavascriptBackend);
    default:
      return preference satisfies never;
  }
}

/** A file of its own: next to its kernels, the WebAssembly backend needs but parts of the reference. */
async function loadReferenceBackend(): Promise<Backend> {
  const { referenceBackend } = await import('./reference.js');
  return referenceBackend;
}

/** A file of its own, which engines with WebAssembly SIMD never load. */
async function loadJavascriptBackend(): Promise<Backend> {
  const { javascriptBackend } = await import('./javascript/javascript-backend.js');
  return javascriptBackend;
}
