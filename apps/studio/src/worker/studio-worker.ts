/** The studio's worker: networks, codec and connections, so that the page has nothing to do but to draw. */

import { loadBackend } from '@featherwire/codec';
import { loadWebEngine } from '@featherwire/inference/browser';
import type { StudioBundle, StudioCall, StudioReply, StudioRequest, StudioResults } from '../messages.js';
import { engineOptions } from './engine-options.js';
import { type OpenBundle, openBundle } from './opened-bundle.js';
import { codeByEveryMethod } from './playground.js';
import { runDetails } from './run-details.js';
import { type LastRun, runView } from './run-view.js';

const opened = new Map<string, Promise<OpenBundle>>();
let last: LastRun | undefined;
/** Requests are taken one after another: each has the processor to itself. */
let queue: Promise<unknown> = Promise.resolve();

function openOnce(which: StudioBundle): Promise<OpenBundle> {
  const { digest } = which;
  const bundle = opened.get(digest) ?? openBundle(which);
  opened.set(digest, bundle);
  bundle.catch(() => opened.delete(digest)); // the next request tries again
  return bundle;
}

async function answer(call: StudioCall): Promise<StudioResults[StudioCall['kind']]> {
  switch (call.kind) {
    case 'open': {
      const { engine, openMs } = await openOnce(call.bundle);
      return { provider: engine.provider, threads: engine.threads, openMs };
    }
    case 'run': {
      const run = await runView(await openOnce(call.bundle), call);
      last = run.last;
      return run.view;
    }
    case 'details':
      if (!last) throw new TypeError('nothing has run yet');
      return runDetails(last);
    case 'code':
      return codeByEveryMethod(call.npy, await loadBackend());
    default:
      return call satisfies never;
  }
}

async function reply({ id, call }: StudioRequest): Promise<void> {
  let message: StudioReply;
  try {
    message = { id, result: await answer(call) };
  } catch (error) {
    message = { id, error: (error as Error).message };
  }
  globalThis.postMessage(message);
}

// The engine takes longest: it loads while the page asks what there is. A failure is told to who opens a bundle.
loadWebEngine(engineOptions()).catch(() => undefined);
globalThis.addEventListener('message', ({ data }: MessageEvent<StudioRequest>) => {
  queue = queue.then(() => reply(data));
});
