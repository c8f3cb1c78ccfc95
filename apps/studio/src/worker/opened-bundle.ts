/**
 * A bundle opened in the worker: its head, its clients over each link, and taps on what passes, so that the page can show the
 * very tensors and frames of a request.
 */

import type { Bundle } from '@featherwire/bundle';
import type { Backend } from '@featherwire/codec';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import {
  type BudgetedClient,
  createBudgetedClient,
  createEdgeClient,
  type EdgeClient,
  parseMessage,
  type Transport,
} from '@featherwire/runtime';
import { type Edge, openEdge, openTransport } from '@featherwire/runtime/browser';

/** What passed at the last request. */
export interface Tapped {
  /** Outputs of the head. */
  features: TensorMap | undefined;
  /** What was coded: the features, or the latent of a unit. */
  coded: TensorMap | undefined;
  frames: readonly Uint8Array[];
}

/** An open bundle. */
export interface OpenBundle {
  readonly bundle: Bundle;
  readonly backend: Backend;
  readonly provider: string;
  /** Time that opening took. */
  readonly openMs: number;
  readonly tapped: Tapped;
  /** The client over a link. @param stream - path of its stream; null for the straight one */
  clientOver(stream: string | null): EdgeClient;
  /** A client under a budget; one for each link and budget, which learns from request to request. */
  budgetedOver(stream: string | null, budgetMs: number): BudgetedClient;
}

/** Where the server has the engine's files. */
export const ENGINE_FOLDER = '/studio/engine/';

/** @throws as `openEdge` */
export async function openBundle(digest: string): Promise<OpenBundle> {
  const started = performance.now();
  const edge = await openEdge({
    bundle: `/v1/bundles/${digest}/files/`,
    digest,
    engine: { folder: ENGINE_FOLDER },
  });
  const tapped: Tapped = { features: undefined, coded: undefined, frames: [] };
  const clients = new Map<string, EdgeClient>();
  const budgeted = new Map<string, BudgetedClient>();
  const clientOver = (stream: string | null): EdgeClient => {
    const client = clients.get(stream ?? '') ?? tappedClient(edge, stream, tapped);
    clients.set(stream ?? '', client);
    return client;
  };
  return {
    bundle: edge.bundle,
    backend: edge.backend,
    provider: edge.engine.provider,
    openMs: performance.now() - started,
    tapped,
    clientOver,
    budgetedOver(stream, budgetMs) {
      const key = `${budgetMs} ${stream ?? ''}`;
      const { bundle } = edge;
      const client =
        budgeted.get(key) ?? createBudgetedClient({ client: clientOver(stream), bundle, budgetMs });
      budgeted.set(key, client);
      return client;
    },
  };
}

function tappedClient(edge: Edge, stream: string | null, tapped: Tapped): EdgeClient {
  const { bundle, head, backend } = edge;
  const transport = stream === null ? edge.transport : openTransport({ server: stream });
  const keepFeatures = (outputs: TensorMap): void => {
    tapped.features = outputs;
    tapped.coded = outputs;
  };
  const keepLatent = (outputs: TensorMap): void => {
    tapped.coded = outputs;
  };
  const reductions = [...edge.reductions].map(
    ([id, session]) => [id, tappedSession(session, keepLatent)] as const,
  );
  return createEdgeClient({
    bundle,
    head: tappedSession(head, keepFeatures),
    reductions: new Map(reductions),
    transport: tappedTransport(transport, tapped),
    backend,
  });
}

function tappedSession(session: ModelSession, keep: (outputs: TensorMap) => void): ModelSession {
  return {
    ...session,
    async run(feeds) {
      const result = await session.run(feeds);
      keep(result.outputs);
      return result;
    },
  };
}

function tappedTransport(transport: Transport, tapped: Tapped): Transport {
  return {
    counted: transport.counted,
    nextRequestId: () => transport.nextRequestId(),
    exchange(message, options) {
      const request = parseMessage(message);
      if (request.kind === 'feature-request') tapped.frames = request.frames.map((frame) => frame.slice());
      return transport.exchange(message, options);
    },
    close: () => transport.close(),
  };
}
