import { type Bundle, EXIT_CONFIDENCE } from '@featherwire/bundle';
import type { ModelSession } from '@featherwire/inference';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import type { EdgeClient, InferResult } from '../client/edge-client.js';
import { TransportError } from '../client/errors.js';
import { createCircuitBreaker, createFallbackClient } from '../fallback/index.js';
import { createExitClient } from './exit-client.js';

const value = (number: number) => tensor('float32', [1], Float32Array.of(number));
const bundle = {
  manifest: { cut: [{ name: 'h' }, { name: 'other' }], outputs: [{ name: 'y' }], exit: { threshold: 0.75 } },
} as unknown as Bundle;
const HEAD_MS = 5;
const EXIT_MS = 2;
const SEND_MS = 30;

/** The head adds one, the exit ten and is as sure as `confidence`, sending adds twenty. */
function scene(confidence: number | (() => number), threshold?: number) {
  const confidenceNow = typeof confidence === 'number' ? () => confidence : confidence;
  let nowMs = 0;
  const clock = { now: () => nowMs, sleep: async () => {} };
  const sent: (object | number)[] = [];
  const session = (
    reads: string,
    ms: number,
    give: (x: number) => Record<string, number>,
    outputs: string[] = Object.keys(give(0)),
  ) =>
    ({
      inputs: [{ name: reads }],
      outputs: outputs.map((name) => ({ name })),
      run: async (feeds: Record<string, ReturnType<typeof value>>) => {
        expect(Object.keys(feeds)).toEqual([reads]);
        nowMs += ms;
        const given = give(feeds[reads].data[0]);
        return { outputs: Object.fromEntries(Object.entries(given).map(([name, y]) => [name, value(y)])) };
      },
    }) as unknown as ModelSession;
  const head = session('x', HEAD_MS, (x) => ({ h: x + 1, other: 7, unused: 0 }));
  const exit = session('h', EXIT_MS, (h) => ({ y: h + 10, [EXIT_CONFIDENCE]: confidenceNow() }));
  const send: EdgeClient['inferFeature'] = async (features) => {
    sent.push(features);
    nowMs += SEND_MS;
    return {
      outputs: { y: value(Number(features.h.data[0]) + 20) },
      ...{ bytes: { sent: 40 }, attempts: 1, times: { headMs: 0, linkMs: SEND_MS, totalMs: SEND_MS } },
    } as unknown as InferResult;
  };
  const options = { bundle, head, exit, clock, ...(threshold !== undefined && { threshold }) };
  return { options, sent, send, clock, session };
}

describe('an exit client', () => {
  test('answers what the exit is sure of, and sends nothing', async () => {
    const { options, sent } = scene(0.75);
    const result = await createExitClient(options).infer({ x: value(1) }, () => expect.unreachable());
    expect(sent).toEqual([]);
    expect(result).toMatchObject({
      ...{ way: 'exit', outputs: { y: value(12) }, attempts: 0 },
      bytes: { sent: 0, received: 0, payload: 0, perTensor: [] },
      times: { headMs: HEAD_MS, linkMs: 0, totalMs: HEAD_MS + EXIT_MS },
      exit: { exitMs: EXIT_MS },
    });
    expect(Object.keys(result.outputs)).toEqual(['y']);
  });

  test.each([
    [0.7499, undefined],
    [0.8, 0.9],
    [Number.NaN, 0],
  ])('sends the cut alone at a confidence of %f under the threshold %s', async (confidence, threshold) => {
    const { options, sent, send } = scene(confidence, threshold);
    const elapsed: number[] = [];
    const result = await createExitClient(options).infer({ x: value(1) }, (features, elapsedMs) => {
      elapsed.push(elapsedMs);
      return send(features, { coding: 'point' });
    });
    expect(sent).toEqual([{ h: value(2), other: value(7) }]);
    expect(elapsed).toEqual([HEAD_MS + EXIT_MS]);
    expect(result).toMatchObject({ outputs: { y: value(22) }, bytes: { sent: 40 }, attempts: 1 });
    expect(result.times).toMatchObject({
      headMs: HEAD_MS,
      linkMs: SEND_MS,
      totalMs: HEAD_MS + EXIT_MS + SEND_MS,
    });
    expect('way' in result).toBe(false);
  });

  test('stands before a fallback: its answers close no circuit, and the tail here takes what it is not sure of', async () => {
    const tail = { run: async () => ({ outputs: { y: value(99) } }) } as unknown as ModelSession;
    let confidence = 0;
    const { options, clock } = scene(() => confidence);
    const breaker = createCircuitBreaker({ failureCount: 1, baseOpenMs: 1_000 });
    const asked: object[] = [];
    const fallback = createFallbackClient({
      ...{ bundle, breaker, clock, patienceMs: 100 },
      fallback: { kind: 'local', tail },
      split: async (_, { timeoutMs, elapsedMs }): Promise<InferResult> => {
        asked.push({ timeoutMs, elapsedMs });
        throw new TransportError('timeout', 'the link is away');
      },
    });
    const exits = createExitClient(options);
    const ask = (sureness: number) => {
      confidence = sureness;
      return exits.infer({ x: value(1) }, (features, elapsedMs) => fallback.infer(features, { elapsedMs }));
    };
    expect(await ask(0.1)).toMatchObject({ way: 'local', outputs: { y: value(99) } });
    expect(asked).toEqual([{ timeoutMs: 100, elapsedMs: HEAD_MS + EXIT_MS }]);
    expect(await ask(0.9)).toMatchObject({ way: 'exit' });
    expect(await ask(0.1)).toMatchObject({ way: 'local', reason: { code: 'open' } });
    expect(asked).toHaveLength(1);
  });

  test('refuses what is no exit of the bundle', () => {
    const { options, session } = scene(1);
    const { exit: _, ...manifest } = bundle.manifest;
    const without = { ...options, bundle: { ...bundle, manifest } as unknown as Bundle };
    expect(() => createExitClient(without)).toThrow('bundle expected one with an exit');
    expect(() => createExitClient({ ...options, threshold: 1.01 })).toThrow('threshold expected 0 to 1');
    const other = session('z', 0, () => ({ y: 0, [EXIT_CONFIDENCE]: 0 }));
    expect(() => createExitClient({ ...options, exit: other })).toThrow('inputs of h, other, got z');
    const mute = session('h', 0, () => ({ y: 0 }));
    expect(() => createExitClient({ ...options, exit: mute })).toThrow('outputs exit_confidence, y, got y');
  });
});
