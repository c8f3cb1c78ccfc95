/** The worker's end: opens the edge side that the page asks for, and runs the page's requests on its client. */

import { buffersOf, type TensorMap } from '@featherwire/inference';
import type { BudgetedClient, BudgetedRequestOptions } from '../client/budgeted-client.js';
import { cutCodingOf } from '../client/coding.js';
import type { FeatureRequestOptions, InferResult } from '../client/edge-client.js';
import { TransportError } from '../client/errors.js';
import type { ExitResult } from '../exit/exit-client.js';
import { type Edge, type EdgeOptions, openEdge } from './open-edge.js';
import { type EdgeReply, type EdgeRequest, plainError, type WorkerMethods } from './worker-messages.js';

/** What this end uses of a worker's scope, or of a message port. */
export interface EdgePort {
  postMessage(message: unknown, transfer: Transferable[]): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

/**
 * Answers a page on the other end of a port, for as long as the port lives. One edge side: the first `open` counts.
 * @param open - opens the edge side; default: `openEdge`
 */
export function serveEdge(
  port: EdgePort,
  open: (options: EdgeOptions) => Promise<Pick<Edge, keyof Edge>> = openEdge,
): void {
  const running = new Map<number, AbortController>();
  let opening: Promise<Edge> | undefined;
  const reply = (message: EdgeReply, transfer: Transferable[] = []): void =>
    port.postMessage(message, transfer);

  async function start(options: EdgeOptions): Promise<void> {
    try {
      opening ??= open(options);
      const { bundle, engine, backend, codec } = await opening;
      const { manifest, digest } = bundle;
      reply({
        kind: 'opened',
        edge: { manifest, digest, provider: engine.provider, backend: backend.name, codec },
      });
    } catch (error) {
      reply({ kind: 'refused', error: plainError(error) });
    }
  }

  async function call({ id, method, args }: Extract<EdgeRequest, { kind: 'call' }>): Promise<void> {
    const controller = new AbortController();
    running.set(id, controller);
    try {
      if (!opening) throw new TransportError('closed', 'the edge side is not open');
      const result = await runMethod(await opening, method, args, controller.signal);
      reply({ kind: 'done', id, result }, buffersOf(result.outputs));
    } catch (error) {
      reply({ kind: 'failed', id, error: plainError(error) });
    } finally {
      running.delete(id);
    }
  }

  async function end(): Promise<void> {
    await opening?.then((edge) => edge.close()).catch(() => undefined);
    reply({ kind: 'closed' });
  }

  port.addEventListener('message', ({ data }) => {
    const request = data as EdgeRequest;
    switch (request.kind) {
      case 'open':
        void start(request.options);
        return;
      case 'call':
        void call(request);
        return;
      case 'abort':
        running.get(request.id)?.abort();
        return;
      case 'close':
        void end();
        return;
      default:
        request satisfies never;
    }
  });
}

function runMethod(
  edge: Edge,
  method: keyof WorkerMethods,
  [what, options]: readonly unknown[],
  signal: AbortSignal,
): Promise<InferResult> {
  const { client } = edge;
  const withSignal = { ...(options as object), signal };
  switch (method) {
    case 'infer':
      return client.infer(...([what, withSignal] as Parameters<WorkerMethods['infer']>));
    case 'inferFeature':
      return client.inferFeature(...([what, withSignal] as Parameters<WorkerMethods['inferFeature']>));
    case 'sendPicture':
      return client.sendPicture(...([what, withSignal] as Parameters<WorkerMethods['sendPicture']>));
    case 'inferWithinBudget':
      return budgetedOf(edge).infer(
        ...([what, withSignal] as Parameters<WorkerMethods['inferWithinBudget']>),
      );
    case 'inferWithExit':
      return inferWithExit(edge, what as TensorMap, withSignal);
    default:
      return method satisfies never;
  }
}

/**
 * A request with the exit before it.
 * @throws {TypeError} without an exit; without a coding and a budget
 * @throws {RangeError} if the coding does not fit the bundle, also where the exit would be sure
 * @throws {TransportError} `aborted`, also by a signal that is raised while the exit runs; as the client
 */
export async function inferWithExit(
  edge: Edge,
  inputs: TensorMap,
  options: FeatureRequestOptions | BudgetedRequestOptions,
): Promise<ExitResult<InferResult>> {
  const { exit } = edge;
  if (!exit) throw new TypeError('exit expected among the options of the edge side, got none');
  const result = await exit.infer(inputs, senderOf(edge, options));
  const { signal } = options;
  if (signal?.aborted)
    throw new TransportError('aborted', 'the request was aborted', { cause: signal.reason });
  return result;
}

/** What sends after the exit. Wrong options are found here, before anything runs. */
function senderOf(
  edge: Edge,
  options: FeatureRequestOptions | BudgetedRequestOptions,
): (held: TensorMap, elapsedMs: number) => Promise<InferResult> {
  const { bundle, client } = edge;
  const { elapsedMs: before = 0 } = options;
  if ('coding' in options) {
    cutCodingOf(bundle, options.coding);
    return (held, elapsedMs) => client.infer(held, { ...options, elapsedMs: before + elapsedMs });
  }
  const budgeted = budgetedOf(edge);
  return (held, elapsedMs) => budgeted.infer(held, { ...options, elapsedMs: before + elapsedMs });
}

function budgetedOf({ budgeted }: Edge): BudgetedClient {
  if (budgeted) return budgeted;
  throw new TypeError('budget expected among the options of the edge side, got none');
}
