/**
 * The edge side of one bundle in a browser: bundle, head, reductions, exit, codec, connection and client, opened from URLs in the
 * calling thread. That is a worker (`edge-worker.ts`, or an application's own): networks and codec block their thread.
 */

import { type FetchedBundle, fetchBundle } from '@featherwire/bundle';
import { type Backend, type BackendPreference, loadBackend } from '@featherwire/codec';
import type { ModelSession } from '@featherwire/inference';
import { loadWebEngine, type WebEngine, type WebEngineOptions } from '@featherwire/inference/browser';
import { type BudgetedClient, createBudgetedClient } from '../client/budgeted-client.js';
import { type CodecName, type CutEncoder, createHostEncoder } from '../client/cut-encoder.js';
import { createEdgeClient, type EdgeClient } from '../client/edge-client.js';
import { type RetryPolicy, systemClock } from '../client/retry.js';
import type { Transport } from '../client/transport.js';
import { exitThreshold } from '../exit/exit-client.js';
import type { LinkPrior } from '../rate-control/index.js';
import { createEdgeExit, createHeldEncoder, type EdgeExit, type HeldCuts } from './edge-exit.js';
import { EdgeSessions } from './edge-sessions.js';
import type { GpuEncoder, GpuEncoderOptions } from './gpu-encoder.js';
import { openTransport } from './open-transport.js';

/** Where things are, and how requests are sent. Plain data: it travels to a worker. */
export interface EdgeOptions {
  /** URL of the folder that holds the bundle's `featherwire.json`. */
  readonly bundle: string;
  /** SHA-256 that the manifest must have; without it any manifest there is taken. */
  readonly digest?: string;
  /** Address of the server, `http(s)://host:port`; with another path, of its stream at that path. Default: the page's. */
  readonly server?: string;
  /** Default: `websocket`. */
  readonly transport?: 'websocket' | 'http';
  /** By which the server knows this client. */
  readonly token?: string;
  readonly engine: WebEngineOptions;
  /**
   * Codes and decodes on the host. Default: the best there is, and cuts are coded on the GPU where the head runs on it and
   * the operating point is for it; with a backend that is named, they are not.
   */
  readonly backend?: BackendPreference;
  readonly retry?: RetryPolicy;
  /** Has the client choose the operating point of a request, as `createBudgetedClient` does. */
  readonly budget?: { readonly budgetMs: number; readonly link?: LinkPrior };
  /** Loads the bundle's exit, whose answers are taken from its own threshold on, or from that one. */
  readonly exit?: true | { readonly threshold?: number };
}

/** An open edge side. */
export interface Edge {
  readonly bundle: FetchedBundle;
  /** On which the networks were opened; a GPU that is lost leaves them to WebAssembly. */
  readonly engine: WebEngine;
  readonly backend: Backend;
  readonly head: ModelSession;
  /** By the ids of their units. */
  readonly reductions: ReadonlyMap<string, ModelSession>;
  /** Runs the head and codes what it gives, on the GPU what it can; knows what the exit's head gave. */
  readonly encoder: CutEncoder;
  /** What codes the cuts that it can: the codec on WebGPU, or the backend. */
  readonly codec: CodecName;
  readonly transport: Transport;
  readonly client: EdgeClient;
  /** Under the budget; undefined without one. */
  readonly budgeted: BudgetedClient | undefined;
  /** Asked before any client whose encoder is this one's; undefined where it was not asked for. */
  readonly exit: EdgeExit | undefined;
  /** Ends connection and sessions. */
  close(): Promise<void>;
}

/**
 * Opens the edge side; nothing is connected yet, the first request does that.
 * @throws {BundleError} if the bundle cannot be had or is not the one meant
 * @throws {InferenceError} `model-rejected`
 * @throws {RangeError} if an option is out of range, as a budget without measured points, or an exit of a bundle without one
 */
export async function openEdge(options: EdgeOptions): Promise<Edge> {
  const loading = loadWebEngine(options.engine);
  loading.catch(() => undefined); // nobody waits for it if there is no bundle
  const [bundle, backend] = await Promise.all([
    fetchBundle(options.bundle, options.digest === undefined ? {} : { digest: options.digest }),
    loadBackend(options.backend),
  ]);
  const threshold = typeof options.exit === 'object' ? options.exit.threshold : undefined;
  // A bad option or address is found before anything is opened.
  if (options.exit) exitThreshold(bundle, threshold);
  const transport = openTransport(options);
  const sessions = await EdgeSessions.open(bundle, loading, { withExit: Boolean(options.exit) });
  const engine = await loading;
  const clock = systemClock;
  const held: HeldCuts = new WeakMap();
  let gpuEncoder: GpuEncoder | undefined;
  const close = async (): Promise<void> => {
    try {
      await transport.close();
    } finally {
      gpuEncoder?.close();
      await sessions.close();
    }
  };
  try {
    const { head, reductions } = sessions;
    const { retry, budget, backend: wanted = 'auto' } = options;
    const parts = { bundle, head, reductions, backend };
    const host = createHeldEncoder(createHostEncoder({ ...parts, clock }), held, clock);
    if (wanted === 'auto') gpuEncoder = await openGpuEncoder({ bundle, sessions, host, held, clock });
    const encoder = gpuEncoder ?? host;
    const client = createEdgeClient({ ...parts, transport, encoder, ...(retry && { retry }) });
    const budgeted = budget && createBudgetedClient({ client, bundle, ...budget });
    const asked = { bundle, sessions, held, clock, ...(threshold !== undefined && { threshold }) };
    const exit = options.exit && createEdgeExit(asked);
    const codec = gpuEncoder ? 'webgpu' : backend.name;
    return { ...parts, engine, encoder, codec, transport, client, budgeted, exit, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The encoder on the GPU, if the networks are on one. */
async function openGpuEncoder(options: GpuEncoderOptions): Promise<GpuEncoder | undefined> {
  if (!options.sessions.gpu) return undefined;
  const { createGpuEncoder } = await import('./gpu-encoder.js');
  return createGpuEncoder(options);
}
