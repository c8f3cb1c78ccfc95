/** Calls timed in turns, so that whatever slows the machine slows all of them; runs in browsers too. */

const WARM_UP_CALLS = 40;
/** A call is too short for the clock: as many of them as take this long are timed. */
const BATCH_MS = 8;

/**
 * Times of calls by a clock.
 * @param calls - names with what to run; the first is what ratios are to
 * @param clock - milliseconds since some moment, of the processor or of the wall
 * @param elements - of the tensor that each call handles
 */
export function timesInTurns(calls, rounds, clock, elements) {
  const timeOf = (run, count) => {
    const start = clock();
    for (let call = 0; call < count; call++) run();
    return Math.max(clock() - start, 1e-3) / count;
  };
  const timed = calls.map((call) => {
    for (let i = 0; i < WARM_UP_CALLS; i++) call.run();
    const count = Math.max(1, Math.round(BATCH_MS / timeOf(call.run, 5)));
    return { ...call, count, times: [] };
  });
  for (let round = 0; round < rounds; round++) {
    for (const { run, count, times } of timed) times.push(timeOf(run, count));
  }
  const first = lowerQuartile(timed[0].times);
  return timed.map(({ name, bits, times }) => {
    const milliseconds = lowerQuartile(times);
    return {
      name,
      bitsPerElement: bits ?? null,
      milliseconds,
      gigaElements: elements / milliseconds / 1e6,
      shareOfCopy: first / milliseconds,
    };
  });
}

/** What others do on the machine makes times longer, never shorter: a quarter of the rounds is taken to be spared. */
function lowerQuartile(values) {
  return [...values].sort((a, b) => a - b)[values.length >> 2];
}
