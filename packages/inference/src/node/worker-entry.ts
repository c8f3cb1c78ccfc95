/** The thread of a worker session: loads one network, answers run requests in order, ends when told to close. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { InferenceError, type ModelSession } from '../session.js';
import { buffersOf } from '../transfer.js';
import { createLocalSession } from './local-session.js';
import type { WorkerReply, WorkerRequest, WorkerStart } from './worker-messages.js';

/** Loads the network and reports it, or reports why not and lets the thread end. */
async function serve(port: MessagePort, start: WorkerStart): Promise<void> {
  let session: ModelSession;
  try {
    session = await createLocalSession(start.model, { ...start.options, exitGuard: start.exitGuard });
  } catch (error) {
    reply(port, { kind: 'refused', ...describeError(error, 'model-rejected') });
    return;
  }
  port.on('message', (request: WorkerRequest) => void answer(port, session, request));
  reply(port, { kind: 'ready', inputs: session.inputs, outputs: session.outputs });
}

async function answer(port: MessagePort, session: ModelSession, request: WorkerRequest): Promise<void> {
  switch (request.kind) {
    case 'run':
      return answerRun(port, session, request);
    case 'close':
      await session.close(); // waits for the runs asked for before
      port.close(); // the last thing that keeps the thread alive
      return;
    default:
      request satisfies never;
  }
}

async function answerRun(
  port: MessagePort,
  session: ModelSession,
  { id, feeds }: Extract<WorkerRequest, { kind: 'run' }>,
): Promise<void> {
  try {
    const result = await session.run(feeds);
    // The engine makes a new buffer for each output of each run, so they can be given away.
    reply(port, { kind: 'done', id, result }, buffersOf(result.outputs));
  } catch (error) {
    reply(port, { kind: 'failed', id, ...describeError(error, 'run-failed') });
  }
}

function reply(port: MessagePort, message: WorkerReply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

function describeError(
  error: unknown,
  fallback: InferenceError['code'],
): { code: InferenceError['code']; message: string } {
  if (error instanceof InferenceError) return { code: error.code, message: error.message };
  return { code: fallback, message: error instanceof Error ? error.message : String(error) };
}

if (!parentPort) throw new TypeError('this module expected to be the entry of a worker thread');
await serve(parentPort, workerData as WorkerStart);
