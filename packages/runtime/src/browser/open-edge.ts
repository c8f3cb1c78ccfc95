/**
 * The edge side of one bundle in a browser: bundle, head, reductions, codec, connection and client, opened from URLs in the
 * calling thread. That is a worker (`edge-worker.ts`, or an application's own): networks and codec block their thread.
 */

import { type FetchedBundle, fetchBundle, type ModelPart } from '@featherwire/bundle';
import { type Backend, type BackendPreference, loadBackend } from '@featherwire/codec';
import type { ModelSession } from '@featherwire/inference';
import {
  createWebSession,
  loadWebEngine,
  type WebEngine,
  type WebEngineOptions,
} from '@featherwire/inference/browser';
import { type BudgetedClient, createBudgetedClient } from '../client/budgeted-client.js';
import { createEdgeClient, type EdgeClient } from '../client/edge-client.js';
import type { RetryPolicy } from '../client/retry.js';
import type { Transport } from '../client/transport.js';
import type { LinkPrior } from '../rate-control/index.js';
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
  readonly backend?: BackendPreference;
  readonly retry?: RetryPolicy;
  /** Has the client choose the operating point of a request, as `createBudgetedClient` does. */
  readonly budget?: { readonly budgetMs: number; readonly link?: LinkPrior };
}

/** An open edge side. */
export interface Edge {
  readonly bundle: FetchedBundle;
  readonly engine: WebEngine;
  readonly backend: Backend;
  readonly head: ModelSession;
  /** By the ids of their units. */
  readonly reductions: ReadonlyMap<string, ModelSession>;
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
  const sessions = await openSessions(bundle, loading);
  const engine = await loading;
  const transport = openTransport(options);
  const close = async (): Promise<void> => {
    await transport.close();
    await sessions.close();
  };
  try {
    const { head, reductions } = sessions;
    const { retry, budget } = options;
    const client = createEdgeClient({
      bundle,
      head,
      reductions,
      transport,
      backend,
      ...(retry && { retry }),
    });
    const budgeted = budget && createBudgetedClient({ client, bundle, ...budget });
    return { bundle, engine, backend, head, reductions, transport, client, budgeted, close };
  } catch (error) {
    await close();
    throw error;
  }
}

interface OpenSessions {
  readonly head: ModelSession;
  readonly reductions: ReadonlyMap<string, ModelSession>;
  close(): Promise<void>;
}

/**
 * One after another: each needs its bytes twice while the engine reads them.
 * @param engine - may still be loading while the head is fetched
 */
async function openSessions(bundle: FetchedBundle, engine: Promise<WebEngine>): Promise<OpenSessions> {
  const opened: ModelSession[] = [];
  const close = async (): Promise<void> => {
    await Promise.all(opened.map((session) => session.close()));
  };
  const open = async (part: Pick<ModelPart, 'file' | 'sha256' | 'bytes' | 'externalData'>) => {
    const session = await openPart(bundle, engine, part);
    opened.push(session);
    return session;
  };
  try {
    const head = await open(bundle.manifest.head);
    const reductions = new Map<string, ModelSession>();
    for (const { id, reduction } of bundle.manifest.units ?? []) reductions.set(id, await open(reduction));
    return { head, reductions, close };
  } catch (error) {
    await close();
    throw error;
  }
}

async function openPart(
  bundle: FetchedBundle,
  engine: Promise<WebEngine>,
  { externalData = [], ...entry }: Pick<ModelPart, 'file' | 'sha256' | 'bytes' | 'externalData'>,
): Promise<ModelSession> {
  const [model, ...data] = await Promise.all([entry, ...externalData].map((part) => bundle.fetchFile(part)));
  const weights = externalData.map(({ file }, i) => ({ path: file, data: data[i] }));
  return createWebSession(model, await engine, weights.length > 0 ? { externalData: weights } : {});
}
