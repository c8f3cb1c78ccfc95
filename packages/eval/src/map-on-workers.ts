/** Work shared among several workers, each of which does one thing at a time. */

/**
 * Applies `work` to every item, each on the next free worker.
 * @returns results in the order of the items
 * @throws what `work` throws first; work under way is waited for
 */
export async function mapOnWorkers<W, T, R>(
  workers: readonly W[],
  items: readonly T[],
  work: (worker: W, item: T, index: number) => Promise<R>,
  onDone: (done: number) => void = () => {},
): Promise<R[]> {
  const results = new Array<R>(items.length);
  let next = 0;
  let done = 0;
  let failed = false;
  const loops = workers.map(async (worker) => {
    while (next < items.length && !failed) {
      const index = next++;
      try {
        results[index] = await work(worker, items[index], index);
      } catch (error) {
        failed = true;
        throw error;
      }
      onDone(++done);
    }
  });
  const outcomes = await Promise.allSettled(loops);
  const failure = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failure) throw failure.reason;
  return results;
}
