/**
 * Whether workers still have what they accepted. A worker is asked about its requests by a subject of its own: where nobody
 * hears it any more, NATS says so at once, and what it had is lost; what it says that it does not have, and whose answer did
 * not come before, was lost on the way.
 */

import type { NatsLink } from './nats-link.js';
import { probeSubject } from './subjects.js';

/** Watches requests. */
export interface WorkerWatch {
  /** @param lost - called once if the worker does not have the request any more */
  add(worker: string, attempt: string, lost: () => void): void;
  /** Ends the watch of a request. */
  delete(worker: string, attempt: string): void;
  close(): void;
}

const INTERVAL_MS = 200;
const PROBE_TIMEOUT_MS = 1000;
/** A worker that leaves so many questions in turn unanswered has ended with its machine. */
const MAX_SILENCES = 3;

/** What one worker has. */
interface Watched {
  readonly attempts: Map<string, () => void>;
  silences: number;
  asking: boolean;
}

/** A watch that asks as long as there is something to ask about. */
export function createWorkerWatch(link: NatsLink): WorkerWatch {
  const workers = new Map<string, Watched>();
  const timer = setInterval(() => {
    if (!link.isConnected()) return;
    for (const [worker, watched] of workers) if (!watched.asking) void probe(link, worker, watched);
  }, INTERVAL_MS);
  return {
    add(worker, attempt, lost) {
      let watched = workers.get(worker);
      if (!watched) {
        watched = { attempts: new Map(), silences: 0, asking: false };
        workers.set(worker, watched);
      }
      watched.attempts.set(attempt, lost);
    },
    delete(worker, attempt) {
      const watched = workers.get(worker);
      watched?.attempts.delete(attempt);
      if (watched?.attempts.size === 0) workers.delete(worker);
    },
    close: () => clearInterval(timer),
  };
}

async function probe({ connection }: NatsLink, worker: string, watched: Watched): Promise<void> {
  const { attempts } = watched;
  const asked = [...attempts.keys()];
  let missing: readonly string[] = [];
  watched.asking = true;
  try {
    const options = { timeout: PROBE_TIMEOUT_MS };
    const reply = await connection.request(probeSubject(worker), JSON.stringify(asked), options);
    missing = reply.json<readonly string[]>().filter((attempt) => attempts.has(attempt));
    watched.silences = 0;
  } catch (error) {
    watched.silences++;
    if (isNoResponders(error as Error) || watched.silences >= MAX_SILENCES) missing = asked;
  } finally {
    watched.asking = false;
  }
  for (const attempt of missing) attempts.get(attempt)?.();
}

/** The class comes with a library that is loaded late, so that it is known by its name. */
function isNoResponders(error: Error): boolean {
  return (
    error.name === 'NoRespondersError' || (error.cause as Error | undefined)?.name === 'NoRespondersError'
  );
}
