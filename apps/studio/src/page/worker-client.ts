/** The page's end of its worker: each call is answered by a promise. */

import type { StudioCall, StudioReply, StudioRequest, StudioResults } from '../messages.js';

/** Asks the worker. */
export type AskWorker = <K extends StudioCall['kind']>(
  call: Extract<StudioCall, { kind: K }>,
) => Promise<StudioResults[K]>;

interface Pending {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** @param url - of a module worker that takes `StudioRequest`s */
export function startWorker(url: string): AskWorker {
  const worker = new Worker(url, { type: 'module' });
  const pending = new Map<number, Pending>();
  let lastId = 0;
  worker.addEventListener('message', ({ data }: MessageEvent<StudioReply>) => {
    const waiting = pending.get(data.id);
    pending.delete(data.id);
    if ('error' in data) waiting?.reject(new Error(data.error));
    else waiting?.resolve(data.result);
  });
  worker.addEventListener('error', ({ message }) => {
    const error = new Error(`the worker failed: ${message ?? 'it could not start'}`);
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  });
  return (call) =>
    new Promise((resolve, reject) => {
      const request: StudioRequest = { id: ++lastId, call };
      pending.set(request.id, { resolve: resolve as Pending['resolve'], reject });
      worker.postMessage(request);
    });
}
