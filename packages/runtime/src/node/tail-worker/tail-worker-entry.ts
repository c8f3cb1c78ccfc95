/** The thread of one tail worker: holds a bundle's tail and restorations, and its whole model once a picture came. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { loadBackend } from '@featherwire/codec';
import type { ModelSession } from '@featherwire/inference';
import { createLocalSession } from '@featherwire/inference/node';
import { openRemoteTail } from '../open-inference/remote-tail.js';
import { openRestorations } from './open-restorations.js';
import { profilePart } from './profile-part.js';
import { provesRows } from './prove-rows.js';
import { runJobs } from './run-batch.js';
import type { JobContext } from './run-job.js';
import { createRunMemory } from './run-memory.js';
import type { TailJob, TailWorkerReply, TailWorkerRequest, TailWorkerStart } from './worker-messages.js';

async function serve(port: MessagePort, start: TailWorkerStart): Promise<void> {
  let models: OpenModels;
  try {
    models = await openModels(start);
  } catch (error) {
    reply(port, { kind: 'refused', text: (error as Error).message });
    return; // nothing listens on the port: the thread ends
  }
  let lastJob: Promise<void> = Promise.resolve();
  port.on('message', (request: TailWorkerRequest) => {
    if (request.kind === 'jobs') {
      lastJob = answer(port, request.jobs, models.context);
    } else {
      // Only a job knows when it is done: while it decodes a picture no session has it.
      void lastJob.then(() => models.close()).finally(() => port.close());
    }
  });
  reply(port, { kind: 'ready', sharesRows: models.context.sharesRows });
}

async function answer(port: MessagePort, jobs: readonly TailJob[], context: JobContext): Promise<void> {
  const outcomes = await runJobs(jobs, context);
  const transfer = outcomes.flatMap((outcome) =>
    outcome.kind === 'done' ? outcome.frames.map((frame) => frame.buffer as ArrayBuffer) : [],
  );
  reply(port, { kind: 'outcomes', outcomes }, [...new Set(transfer)]);
}

/** What jobs run on, and how it is freed. */
interface OpenModels {
  readonly context: JobContext;
  close(): Promise<void>;
}

async function openModels(start: TailWorkerStart): Promise<OpenModels> {
  const { manifest, profiles, tailPath, wholePath, threads, maxElementsPerTensor, maxImagePixels } = start;
  const options = { intraOpThreads: threads, exitGuard: start.exitGuard };
  let whole: Promise<ModelSession> | undefined;
  const loadWhole =
    wholePath === undefined
      ? undefined
      : (): Promise<ModelSession> => {
          whole ??= createLocalSession(wholePath, options);
          return whole;
        };
  const { remoteTail } = start;
  const tail = remoteTail
    ? await openRemoteTail(remoteTail, manifest)
    : await createLocalSession(tailPath, options);
  const restorations = await openRestorations(start, options);
  const context: JobContext = {
    manifest,
    profiles,
    backend: await loadBackend(start.backend),
    limits: {
      maxElementsPerTensor,
      maxPicturePixels: maxImagePixels,
      maxTensorElements: maxElementsPerTensor,
    },
    memory: createRunMemory(),
    tail,
    sharesRows: await provesRows(tail, manifest),
    restorations,
    loadWhole,
    profile: (part) => profilePart(start, part),
  };
  return {
    context,
    async close() {
      await context.tail.close();
      for (const session of restorations.values()) await session.close();
      await whole?.then(
        (session) => session.close(),
        () => undefined, // it could not be loaded, which its request was told
      );
    },
  };
}

function reply(port: MessagePort, message: TailWorkerReply, transfer: ArrayBuffer[] = []): void {
  port.postMessage(message, transfer);
}

if (!parentPort) throw new TypeError('this module expected to be the entry of a worker thread');
await serve(parentPort, workerData as TailWorkerStart);
