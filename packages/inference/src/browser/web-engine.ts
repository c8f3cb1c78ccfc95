/**
 * onnxruntime-web as this library loads it: a module beside its WebAssembly files on the application's own server, on WebGPU
 * where the device has an adapter, else on the threads that the page may have. Nothing is compiled from text and nothing comes
 * from elsewhere, threads neither, so that a page with a strict Content-Security-Policy can use it; WebAssembly alone needs
 * `'wasm-unsafe-eval'`.
 */

import type { Env, InferenceSession, Tensor } from 'onnxruntime-common';

/** What is used of onnxruntime-web. */
export interface OrtModule {
  readonly InferenceSession: typeof InferenceSession;
  readonly Tensor: typeof Tensor;
  readonly env: Env;
}

/** What runs networks: the device's GPU, or its processor. */
export type WebProvider = 'webgpu' | 'wasm';

/** A loaded engine. */
export interface WebEngine {
  readonly ort: OrtModule;
  readonly provider: WebProvider;
  /** Threads of its WebAssembly. */
  readonly threads: number;
  /** Through which every call into the engine goes; default: straight. */
  readonly enter?: EnterEngine;
}

/** Makes a call into an engine when it can take one. */
export type EnterEngine = <T>(call: () => Promise<T>) => Promise<T>;

/** Which engine is loaded. */
export interface WebEngineOptions {
  /** Folder with the files of `onnxruntime-web/dist`, as a URL that ends in `/`. */
  readonly folder: string | URL;
  /** Default: `webgpu` if there is a hardware adapter, else `wasm`. `webgpu` takes an adapter in software too. */
  readonly provider?: WebProvider;
  /**
   * Threads of WebAssembly, from 1; default: one for two processors, four at most. Pages that are not isolated from other
   * origins (`crossOriginIsolated`) have one, and so have engines of another origin, whose threads would start from a `blob:`.
   */
  readonly threads?: number;
}

/** Module of each provider in onnxruntime-web's `dist`. */
const MODULES: Readonly<Record<WebProvider, string>> = {
  webgpu: 'ort.webgpu.min.mjs',
  wasm: 'ort.wasm.min.mjs',
};

/**
 * The files of `onnxruntime-web/dist` that an engine may ask for: modules, and the WebAssembly of each. A server that offers
 * them needs no others.
 */
export const WEB_ENGINE_FILES: readonly string[] = Object.freeze([
  ...Object.values(MODULES),
  ...['ort-wasm-simd-threaded.mjs', 'ort-wasm-simd-threaded.wasm'],
  ...['ort-wasm-simd-threaded.asyncify.mjs', 'ort-wasm-simd-threaded.asyncify.wasm'],
]);

/** The smallest model there is, y = x of one float32: ONNX protobuf, 74 bytes. */
const IDENTITY = Uint8Array.of(
  ...[8, 8, 58, 58, 10, 16, 10, 1, 120, 18, 1, 121, 34, 8, 73, 100, 101, 110, 116, 105, 116, 121, 18, 4, 116],
  ...[105, 110, 121, 90, 15, 10, 1, 120, 18, 10, 10, 8, 8, 1, 18, 4, 10, 2, 8, 1, 98, 15, 10, 1, 121, 18, 10],
  ...[10, 8, 8, 1, 18, 4, 10, 2, 8, 1, 66, 4, 10, 0, 16, 13],
);

/** More threads than this gain little on the networks of an edge. */
const MOST_THREADS = 4;
/** A processor each leaves none to the page: threads wait for each other, so that one that is held up holds up all. */
const PROCESSORS_PER_THREAD = 2;

/** What the first call for a module has set for all. */
const LOADED = new WeakMap<OrtModule, Pick<WebEngine, 'threads' | 'enter'>>();

/**
 * Loads onnxruntime-web. A module is loaded once: its threads are those of the first call.
 * @throws {RangeError} if the threads are not a positive integer
 * @throws whatever the import or the engine throws if the folder lacks a file
 */
export async function loadWebEngine({ folder, provider, threads }: WebEngineOptions): Promise<WebEngine> {
  const base = new URL(folder, globalThis.location?.href);
  const threadCount = possibleThreads(base, threads);
  const chosen = provider ?? (await preferredProvider());
  const ort: OrtModule = await import(/* @vite-ignore */ new URL(MODULES[chosen], base).href);
  const loaded = LOADED.get(ort) ?? {
    threads: threadCount,
    ...(chosen === 'webgpu' && { enter: takingTurns() }),
  };
  LOADED.set(ort, loaded);
  const engine = { ort, provider: chosen, ...loaded };
  ort.env.wasm.wasmPaths = base.href;
  ort.env.wasm.numThreads = engine.threads;
  // WebAssembly is loaded with the first session: better now, while the caller fetches models.
  await enterEngine(engine, async () => {
    const session = await ort.InferenceSession.create(IDENTITY, { executionProviders: ['wasm'] });
    await session.release();
  });
  return engine;
}

/** Makes a call into an engine. */
export function enterEngine<T>({ enter }: Pick<WebEngine, 'enter'>, call: () => Promise<T>): Promise<T> {
  return enter ? enter(call) : call();
}

/**
 * Turns of all sessions of a module that suspends its WebAssembly: while that waits for the GPU in one call, another that waits
 * too breaks the stack that the first comes back to.
 */
function takingTurns(): EnterEngine {
  let last: Promise<unknown> = Promise.resolve();
  return async (call) => {
    const turn = last.catch(() => undefined).then(call);
    last = turn;
    return turn;
  };
}

/** @throws {RangeError} if the threads are not a positive integer */
function possibleThreads(base: URL, threads: number | undefined): number {
  if (threads !== undefined && !(Number.isInteger(threads) && threads >= 1))
    throw new RangeError(`threads expected a positive integer, got ${threads}`);
  const { crossOriginIsolated, location, navigator } = globalThis;
  if (!crossOriginIsolated || base.origin !== location?.origin) return 1;
  return threads ?? Math.min(MOST_THREADS, Math.ceil(navigator.hardwareConcurrency / PROCESSORS_PER_THREAD));
}

/** Adapters in software compute right and slower than WebAssembly. */
async function preferredProvider(): Promise<WebProvider> {
  const { gpu } = (globalThis.navigator ?? {}) as { readonly gpu?: GpuLike };
  const adapter = await gpu?.requestAdapter().catch(() => null);
  return adapter && !adapter.info?.isFallbackAdapter && adapter.info?.architecture !== 'swiftshader'
    ? 'webgpu'
    : 'wasm';
}

/** Of WebGPU's types only this: not every engine that these files are compiled for has them. */
interface GpuLike {
  requestAdapter(): Promise<{
    readonly info?: { readonly isFallbackAdapter?: boolean; readonly architecture?: string };
  } | null>;
}
