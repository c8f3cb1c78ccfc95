/**
 * Memory of a tail worker for the tensors of its runs, given out again for every batch. Tensors of their own would soon be
 * garbage, and the engine of JavaScript collects all of its heap whenever some dozen megabytes of such arrays have gathered:
 * under load that is every few hundred requests.
 */

/** Memory for one batch at a time. */
export interface RunMemory {
  /** Elements of any content, right behind those given out before where they fit. */
  allocate(elementCount: number): Float32Array;
  /** Everything given out is free: to be called when nothing reads it any more. */
  reset(): void;
}

/** A worker keeps no more than this: what only a rare batch needs is left to the collector. */
const MAX_KEPT_BYTES = 2 ** 26;

/** Memory that grows to what batches take. */
export function createRunMemory(): RunMemory {
  let kept = new Float32Array(0);
  let used = 0;
  return {
    allocate(elementCount) {
      const start = used;
      used += elementCount;
      return used <= kept.length ? kept.subarray(start, used) : new Float32Array(elementCount);
    },
    reset() {
      const isShort = used > kept.length;
      if (isShort && used * Float32Array.BYTES_PER_ELEMENT <= MAX_KEPT_BYTES) kept = new Float32Array(used);
      used = 0;
    },
  };
}
