/**
 * Keeps a process from ending while a worker thread is inside onnxruntime. `process.exit()` and an uncaught
 * error stop every thread at once; onnxruntime-node 1.30 then fails to hand over its result and aborts the
 * whole process (SIGABRT, status 134) instead of letting it end with its own status. The guard is two words of
 * shared memory: the thread counts what it has inside, and the `exit` handler waits until that is nothing.
 */

const INSIDE = 0;
const EXITING = 1;
const WORD_COUNT = 2;
const MAX_WAIT_MS = 60_000;

/** The main thread's end of a guard. */
export interface ExitGuard {
  /** Handed to the thread; see `runGuarded`. */
  readonly words: Int32Array<SharedArrayBuffer>;
  /** Takes the guard off, once the thread has ended. */
  release(): void;
}

/** Puts a guard on this process. To be called in the main thread, where `exit` is the process's end. */
export function createExitGuard(): ExitGuard {
  const words = new Int32Array(new SharedArrayBuffer(WORD_COUNT * Int32Array.BYTES_PER_ELEMENT));
  const waitForThread = (): void => {
    Atomics.store(words, EXITING, 1);
    const giveUp = performance.now() + MAX_WAIT_MS;
    for (let inside = Atomics.load(words, INSIDE); inside > 0; inside = Atomics.load(words, INSIDE)) {
      const leftMs = giveUp - performance.now();
      if (leftMs <= 0 || Atomics.wait(words, INSIDE, inside, leftMs) === 'timed-out') return;
    }
  };
  process.on('exit', waitForThread);
  changeMaxListeners(1);
  return {
    words,
    release() {
      process.off('exit', waitForThread);
      changeMaxListeners(-1);
    },
  };
}

/** One listener for each thread is no leak: the count that warns of leaks moves with them, unless it is off. */
function changeMaxListeners(difference: number): void {
  const count = process.getMaxListeners();
  if (count > 0) process.setMaxListeners(count + difference);
}

/**
 * Runs `enter` in a guarded thread, and never begins once the process is ending.
 * @param words - those of the guard, or undefined in a thread that has none
 */
export async function runGuarded<T>(
  words: Int32Array<SharedArrayBuffer> | undefined,
  enter: () => Promise<T>,
): Promise<T> {
  if (!words) return enter();
  // Counted before the other word is read, and the other way round in the handler: one of both sees the other.
  Atomics.add(words, INSIDE, 1);
  try {
    if (Atomics.load(words, EXITING) === 0) return await enter();
  } finally {
    Atomics.sub(words, INSIDE, 1);
    Atomics.notify(words, INSIDE);
  }
  return new Promise(() => undefined); // the process is about to end
}
