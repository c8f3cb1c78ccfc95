/**
 * A bundle opened in the worker: its head, its clients over each link, and taps on what passes, so that the page can show the
 * very tensors and frames of a request.
 */

import type { Bundle } from '@featherwire/bundle';
import type { Backend } from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import type { WebEngine } from '@featherwire/inference/browser';
import {
  type BudgetedClient,
  createBudgetedClient,
  createEdgeClient,
  type EdgeClient,
  parseMessage,
  type Transport,
} from '@featherwire/runtime';
import { type Edge, type EdgeExit, openEdge, openTransport } from '@featherwire/runtime/browser';
import type { StudioBundle } from '../messages.js';
import { engineOptions } from './engine-options.js';

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
  readonly engine: WebEngine;
  /** Time that opening took. */
  readonly openMs: number;
  readonly tapped: Tapped;
  /** The client over a link. @param stream - path of its stream; null for the straight one */
  clientOver(stream: string | null): EdgeClient;
  /** A client under a budget; one for each link and budget, which learns from request to request. */
  budgetedOver(stream: string | null, budgetMs: number): BudgetedClient;
  /** Before any of these clients; undefined where the bundle has none. */
  readonly exit: EdgeExit | undefined;
}

/** @throws as `openEdge` */
export async function openBundle({ digest, hasExit }: StudioBundle): Promise<OpenBundle> {
  const started = performance.now();
  const edge = await openEdge({
    bundle: `/v1/bundles/${digest}/files/`,
    digest,
    engine: engineOptions(),
    ...(hasExit && { exit: true }),
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
    engine: edge.engine,
    openMs: performance.now() - started,
    tapped,
    clientOver,
    exit: edge.exit,
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
  const { bundle, head, reductions, backend, encoder } = edge;
  const transport = stream === null ? edge.transport : openTransport({ server: stream });
  return createEdgeClient({
    ...{ bundle, head, reductions, backend, encoder },
    transport: tappedTransport(transport, tapped),
    onCut({ features, coded }) {
      tapped.features = features;
      tapped.coded = coded;
    },
  });
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
