/** The thread of a pool of chunks: loads a backend, does jobs in order, ends with the process or when told. */

import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { loadBackend } from '../backend/load.js';
import { type ChunkJob, type ChunkResult, runChunkJob } from '../frame/chunk-jobs.js';
import type { ChunkReply, ChunkRequest, ChunkWorkerStart } from './chunk-messages.js';

async function serve(port: MessagePort, start: ChunkWorkerStart): Promise<void> {
  const backend = await loadBackend(start.backend);
  const reply = (message: ChunkReply): void => {
    const buffer = message.result?.buffer;
    port.postMessage(message, buffer instanceof ArrayBuffer ? [buffer] : []); // shared memory is not given away
  };
  const resultOf = (job: ChunkJob): ChunkResult | null => {
    try {
      return runChunkJob(job, backend);
    } catch {
      return null; // the caller finds the reason
    }
  };
  port.on('message', ({ id, job }: ChunkRequest) => reply({ id, result: resultOf(job) }));
  reply({ id: null, result: null });
}

if (!parentPort) throw new TypeError('this module expected to be the entry of a worker thread');
await serve(parentPort, workerData as ChunkWorkerStart);
