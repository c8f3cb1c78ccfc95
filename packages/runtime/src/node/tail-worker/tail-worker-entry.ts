/** The thread of one tail worker: holds a bundle's tail, and its whole model once a picture came. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { loadBackend } from '@featherwire/codec';
import type { ModelSession } from '@featherwire/inference';
import { createLocalSession } from '@featherwire/inference/node';
import { type JobContext, runJob } from './run-job.js';
import type { TailWorkerReply, TailWorkerRequest, TailWorkerStart } from './worker-messages.js';

async function serve(port: MessagePort, start: TailWorkerStart): Promise<void> {
  let context: JobContext;
  try {
    context = await openContext(start);
  } catch (error) {
    reply(port, { kind: 'refused', text: (error as Error).message });
    return; // nothing listens on the port: the thread ends
  }
  port.on('message', async (request: TailWorkerRequest) => {
    if (request.kind === 'close') {
      await context.tail.close();
      port.close();
      return;
    }
    const outcome = await runJob(request.job, context);
    const transfer =
      outcome.kind === 'done' ? outcome.frames.map((frame) => frame.buffer as ArrayBuffer) : [];
    reply(port, { kind: 'outcome', outcome }, transfer);
  });
  reply(port, { kind: 'ready' });
}

async function openContext(start: TailWorkerStart): Promise<JobContext> {
  const { manifest, tailPath, wholePath, threads, maxElementsPerTensor, maxImagePixels } = start;
  const options = { intraOpThreads: threads, exitGuard: start.exitGuard };
  let whole: Promise<ModelSession> | undefined;
  const loadWhole =
    wholePath === undefined
      ? undefined
      : (): Promise<ModelSession> => {
          whole ??= createLocalSession(wholePath, options);
          return whole;
        };
  return {
    manifest,
    backend: await loadBackend(start.backend),
    limits: {
      maxElementsPerTensor,
      maxPicturePixels: maxImagePixels,
      maxTensorElements: maxElementsPerTensor,
    },
    tail: await createLocalSession(tailPath, options),
    loadWhole,
  };
}

function reply(port: MessagePort, message: TailWorkerReply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

if (!parentPort) throw new TypeError('this module expected to be the entry of a worker thread');
await serve(parentPort, workerData as TailWorkerStart);
