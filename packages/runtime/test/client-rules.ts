/** The rules of a client over a real server, for the clients of Node and for that of a browser. */

import { describe, expect, test } from 'vitest';
import type { InferWithExit } from '../src/browser/edge-exit.js';
import type { BudgetedClient } from '../src/client/budgeted-client.js';
import type { EdgeClient } from '../src/client/edge-client.js';
import { squareFeatures, squareInputs, squareOutputs } from './square-tensors.js';
import { ladderInput, ladderOutput, RUNG_COUNT } from './unit-tensors.js';

/** A client with head and reductions. */
export interface RuledClient extends EdgeClient {
  readonly inferWithinBudget: BudgetedClient['infer'];
  readonly inferWithExit: InferWithExit;
  close(): Promise<void>;
}

/** Opens a client of one of the bundles that the server serves. */
export type ClientOpener = (
  bundle: 'square' | 'ladder' | 'sure',
  options?: RuledClientOptions,
) => Promise<RuledClient>;

/** How a client is opened. */
export interface RuledClientOptions {
  /** A budget that leaves room for every point. */
  readonly budget?: { readonly budgetMs: number };
  readonly exit?: true | { readonly threshold: number };
}

const NONE = { kind: 'none' } as const;
const LOSSLESS = { double: NONE, shift: NONE };

/** Declares the tests. */
export function clientRules(open: ClientOpener): void {
  const using = (bundle: 'square' | 'ladder', use: (client: RuledClient) => Promise<void>) => async () => {
    const client = await open(bundle);
    try {
      await use(client);
    } finally {
      await client.close();
    }
  };

  describe('a client over a server', () => {
    test(
      'runs head and tail, and accounts for bytes and times',
      using('square', async (client) => {
        const { outputs, bytes, times, attempts } = await client.infer(squareInputs(5, 2), {
          coding: LOSSLESS,
        });
        expect(outputs).toEqual(squareOutputs(5, 2));
        expect(bytes.perTensor.map(({ name, elements }) => [name, elements])).toEqual([
          ['double', 25],
          ['shift', 1],
        ]);
        expect(bytes.sent).toBeGreaterThan(bytes.payload);
        expect(bytes.payload).toBeGreaterThan(25);
        const { totalMs, ...stages } = times;
        for (const ms of Object.values(stages)) expect(ms).toBeGreaterThanOrEqual(0);
        expect(Object.values(stages).reduce((sum, ms) => sum + ms, 0)).toBeLessThanOrEqual(totalMs + 1);
        expect(attempts).toBe(1);
      }),
    );

    test(
      'takes features that the head has given, at any point of the bundle',
      using('square', async (client) => {
        for (const coding of ['two-levels', 'static'])
          expect((await client.inferFeature(squareFeatures(3, 1), { coding })).outputs).toEqual(
            squareOutputs(3, 1),
          );
        const plain = await client.infer(squareInputs(3, 1), { coding: 'static' });
        const verified = await client.infer(squareInputs(3, 1), { coding: 'static', verify: true });
        expect(verified.bytes.payload).toBe(plain.bytes.payload + 5);
      }),
    );

    test(
      'changes units from request to request',
      using('ladder', async (client) => {
        const rungs = Array.from({ length: 2 * RUNG_COUNT }, (_, i) => (5 * i) % RUNG_COUNT);
        const results = await Promise.all(
          rungs.map((rung) => client.infer(ladderInput(2), { coding: `rung-${rung}` })),
        );
        for (const [i, rung] of rungs.entries()) expect(results[i].outputs).toEqual(ladderOutput(2, rung));
      }),
    );

    test(
      'many requests in flight get each its own answer, and inputs stay whole',
      using('square', async (client) => {
        const inputs = Array.from({ length: 12 }, (_, s) => squareInputs(s % 2 === 0 ? 100 : 2, s));
        const results = await Promise.all(inputs.map((input) => client.infer(input, { coding: 'static' })));
        for (const [s, { outputs }] of results.entries())
          expect(outputs).toEqual(squareOutputs(s % 2 === 0 ? 100 : 2, s));
        expect(inputs[0]).toEqual(squareInputs(100, 0));
      }),
    );

    test(
      "a caller's mistake is an error of its own kind before anything is sent",
      using('square', async (client) => {
        const request = (inputs: object, coding: never) => client.infer(inputs as never, { coding });
        await expect(request(squareInputs(2, 1), 'absent' as never)).rejects.toThrow(RangeError);
        await expect(request(squareInputs(2, 1), { double: NONE } as never)).rejects.toThrow(RangeError);
        await expect(request({}, 'static' as never)).rejects.toMatchObject({
          name: 'InferenceError',
          code: 'input-mismatch',
        });
      }),
    );

    test(
      'what the server refuses is a RemoteError with its code',
      using('square', async (client) => {
        await expect(client.sendPicture(Uint8Array.of(1, 2, 3))).rejects.toMatchObject({
          name: 'RemoteError',
          code: 'picture-unsupported',
          retryable: false,
        });
      }),
    );

    test(
      'the signal ends a request',
      using('square', async (client) => {
        const controller = new AbortController();
        const options = { coding: 'static', signal: controller.signal };
        const slow = client.infer(squareInputs(600, 1), options).catch((error) => error);
        setTimeout(() => controller.abort(), 20);
        expect(await slow).toMatchObject({ name: 'TransportError', code: 'aborted' });
        const late = client.infer(squareInputs(2, 1), options).catch((error) => error);
        expect(await late).toMatchObject({ name: 'TransportError', code: 'aborted' });
        expect((await client.infer(squareInputs(2, 1), { coding: 'static' })).attempts).toBe(1);
      }),
    );

    test('no answer in time is a timeout', async () => {
      const client = await open('square');
      const slow = client.inferFeature(squareFeatures(700, 1), { coding: LOSSLESS, timeoutMs: 60 });
      expect(await slow.catch((error) => error)).toMatchObject({ name: 'TransportError', code: 'timeout' });
      await client.close();
    });

    test('under a budget the controller chooses the point', async () => {
      const client = await open('square', { budget: { budgetMs: 10_000 } });
      const { outputs, choice } = await client.inferWithinBudget(squareInputs(4, 3));
      expect(outputs).toEqual(squareOutputs(4, 3));
      expect(choice.point).toBe('static');
      await expect(client.inferWithinBudget(squareInputs(4, 3), { maxBytes: 1 })).rejects.toThrow(
        'maxBytes expected at least',
      );
      await client.close();
    });

    test('what the exit is sure of is not sent, and the rest is answered by the tail', async () => {
      const client = await open('sure', { exit: true });
      const sure = await client.inferWithExit(squareInputs(4, 3), { coding: 'static' });
      const { y } = sure.outputs;
      expect([Object.keys(sure.outputs).sort(), Number(y.data[0])]).toEqual([['size', 'y'], 4]);
      expect(sure).toMatchObject({ way: 'exit', attempts: 0, bytes: { sent: 0, received: 0, payload: 0 } });
      expect(sure.exit.confidence).toBeCloseTo(1 / (1 + Math.exp(-3)), 5);
      expect(sure.times.linkMs).toBe(0);
      expect(sure.times.totalMs).toBeGreaterThanOrEqual(sure.times.headMs + sure.exit.exitMs);
      const inputs = squareInputs(4, 1);
      const [sent, again] = await Promise.all([
        client.inferWithExit(inputs, { coding: 'static' }),
        client.inferWithExit(inputs, { coding: LOSSLESS }),
      ]);
      for (const { outputs, exit, attempts, bytes } of [sent, again]) {
        expect(outputs).toEqual(squareOutputs(4, 1));
        expect(exit.confidence).toBeCloseTo(1 / (1 + Math.exp(-1)), 5);
        expect(attempts).toBe(1);
        expect(bytes.sent).toBeGreaterThan(bytes.payload);
      }
      expect('way' in sent).toBe(false);
      const { totalMs, linkMs, headMs } = sent.times;
      expect(totalMs).toBeGreaterThanOrEqual(headMs + sent.exit.exitMs + linkMs);
      // `infer` asks no exit.
      expect((await client.infer(squareInputs(4, 3), { coding: 'static' })).outputs).toEqual(
        squareOutputs(4, 3),
      );
      await client.close();
    });

    test('the threshold of an exit may be another, and a budget stands behind it', async () => {
      const client = await open('sure', { exit: { threshold: 0.7 }, budget: { budgetMs: 10_000 } });
      expect(await client.inferWithExit(squareInputs(4, 1))).toMatchObject({ way: 'exit' });
      const sent = await client.inferWithExit(squareInputs(4, 0));
      expect(sent).toMatchObject({ outputs: squareOutputs(4, 0), choice: { point: 'static' } });
      const late = client.inferWithExit(squareInputs(700, 0), { coding: LOSSLESS, timeoutMs: 1 });
      expect(await late.catch((error) => error)).toMatchObject({ name: 'TransportError', code: 'timeout' });
      await client.close();
    });

    test('a closed client fails with closed, and may be closed again', async () => {
      const client = await open('square');
      const inFlight = client
        .inferFeature(squareFeatures(700, 1), { coding: LOSSLESS })
        .catch((error) => error);
      await new Promise((resolve) => setTimeout(resolve, 20));
      await client.close();
      expect(await inFlight).toMatchObject({ name: 'TransportError', code: 'closed' });
      const late = client.infer(squareInputs(2, 1), { coding: LOSSLESS }).catch((error) => error);
      expect(['TransportError', 'InferenceError']).toContain((await late).name);
      expect((await late).code).toBe('closed');
      await client.close();
    });
  });
}
