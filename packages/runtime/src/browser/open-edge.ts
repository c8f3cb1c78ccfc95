/**
 * The edge side of one bundle in a browser: bundle, head, reductions, codec, connection and client, opened from URLs in the
 * calling thread. That is a worker (`edge-worker.ts`, or an application's own): networks and codec block their thread.
 */

import { type FetchedBundle, fetchBundle } from '@featherwire/bundle';
import { type Backend, type BackendPreference, loadBackend } from '@featherwire/codec';
import type { ModelSession } from '@featherwire/inference';
import { loadWebEngine, type WebEngine, type WebEngineOptions } from '@featherwire/inference/browser';
import { type BudgetedClient, createBudgetedClient } from '../client/budgeted-client.js';
import { type CutEncoder, createHostEncoder, type HostEncoderOptions } from '../client/cut-encoder.js';
import { createEdgeClient, type EdgeClient } from '../client/edge-client.js';
import { type RetryPolicy, systemClock } from '../client/retry.js';
import type { Transport } from '../client/transport.js';
import type { LinkPrior } from '../rate-control/index.js';
import { EdgeSessions } from './edge-sessions.js';
import type { GpuEncoder } from './gpu-encoder.js';
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
  /** Codes cuts on the GPU, and others as without it; undefined where the GPU codes none. */
  readonly encoder: CutEncoder | undefined;
  readonly transport: Transport;
  readonly client: EdgeClient;
  /** Under the budget; undefined without one. */
  readonly budgeted: BudgetedClient | undefined;
  /** Ends connection and sessions. */
  close(): Promise<void>;
}

/**
 * Opens the edge side; nothing is connected yet, the first request does that.
 * @throws {BundleError} if the bundle cannot be had or is not the one meant
 * @throws {InferenceError} `model-rejected`
 * @throws {RangeError} if an option is out of range, as a budget without measured points
 */
export async function openEdge(options: EdgeOptions): Promise<Edge> {
  const loading = loadWebEngine(options.engine);
  loading.catch(() => undefined); // nobody waits for it if there is no bundle
  const [bundle, backend] = await Promise.all([
    fetchBundle(options.bundle, options.digest === undefined ? {} : { digest: options.digest }),
    loadBackend(options.backend),
  ]);
  const transport = openTransport(options); // a bad address is found before anything is opened
  const sessions = await EdgeSessions.open(bundle, loading);
  const engine = await loading;
  let encoder: GpuEncoder | undefined;
  const close = async (): Promise<void> => {
    try {
      await transport.close();
    } finally {
      encoder?.close();
      await sessions.close();
    }
  };
  try {
    const { head, reductions } = sessions;
    const { retry, budget, backend: wanted = 'auto' } = options;
    const parts = { bundle, head, reductions, backend };
    if (wanted === 'auto') encoder = await openGpuEncoder(sessions, parts);
    const client = createEdgeClient({
      ...parts,
      transport,
      ...(encoder && { encoder }),
      ...(retry && { retry }),
    });
    const budgeted = budget && createBudgetedClient({ client, bundle, ...budget });
    return { ...parts, engine, encoder, transport, client, budgeted, close };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The encoder on the GPU, if the networks are on one. */
async function openGpuEncoder(
  sessions: EdgeSessions,
  parts: Omit<HostEncoderOptions, 'clock'>,
): Promise<GpuEncoder | undefined> {
  if (!sessions.gpu) return undefined;
  const { createGpuEncoder } = await import('./gpu-encoder.js');
  const clock = systemClock;
  return createGpuEncoder({
    bundle: parts.bundle,
    sessions,
    host: createHostEncoder({ ...parts, clock }),
    clock,
  });
}
