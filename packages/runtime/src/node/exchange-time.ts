/**
 * What an exchange of messages takes beside the stages at both ends and the link: serializing, system calls, turns of the event
 * loop, the hand-over between the server's threads. Measured over a connection without a link to speak of.
 */

import type { QuantizerChoice } from '@featherwire/codec';
import { type Quantiles, quantiles, type TensorMap } from '@featherwire/inference';
import { createEdgeClient, type EdgeClientOptions } from '../client/edge-client.js';

/** Exchanges that are timed, and those before them. */
const TIMED_EXCHANGES = 25;
const WARM_UP_EXCHANGES = 5;

/** Everything is coded as 0, so that the message is small. */
const SMALLEST: QuantizerChoice = {
  kind: 'uniform',
  levelCount: 2,
  range: { kind: 'fixed', low: 0, high: 1e30 },
};

/**
 * Times small requests of a bundle.
 * @param client - its transport over loopback; the server holds the bundle
 * @param inputs - of one sample
 * @param timedCount - from 1
 * @returns milliseconds beyond the stages of the head, both codecs and the tail
 * @throws as `EdgeClient.infer`
 */
export async function measureExchange(
  client: EdgeClientOptions,
  inputs: TensorMap,
  timedCount = TIMED_EXCHANGES,
): Promise<Quantiles> {
  const edge = createEdgeClient(client);
  const coding = Object.fromEntries(
    client.bundle.manifest.cut.map(({ name, dtype }) => [
      name,
      dtype === 'float32' ? SMALLEST : ({ kind: 'none' } as const),
    ]),
  );
  const beside: number[] = [];
  for (let i = 0; i < WARM_UP_EXCHANGES + timedCount; i++) {
    const { times } = await edge.infer(inputs, { coding });
    const { headMs, encodeMs, decodeMs, tailMs, respondMs, readMs, totalMs } = times;
    const workMs = headMs + encodeMs + decodeMs + tailMs + respondMs + readMs;
    if (i >= WARM_UP_EXCHANGES) beside.push(Math.max(0, totalMs - workMs));
  }
  return quantiles(beside);
}
