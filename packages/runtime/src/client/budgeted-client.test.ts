import type { Bundle } from '@featherwire/bundle';
import { describe, expect, test } from 'vitest';
import type { RateChoice } from '../rate-control/index.js';
import { createBudgetedClient } from './budgeted-client.js';
import type { EdgeClient, InferResult } from './edge-client.js';
import { RemoteError, TransportError } from './errors.js';

const BYTES: Readonly<Record<string, number>> = { coarse: 1_000, fine: 20_000 };

/** A bundle with nothing but its points. */
function bundleOf(points: readonly object[]): Bundle {
  return { digest: '0'.repeat(64), manifest: { operatingPoints: points } } as unknown as Bundle;
}

const measured = (bytesPerSample: number, loss?: number) => ({
  bytesPerSample,
  metric: { name: 'top-1 accuracy', value: 0.9 },
  data: 'pictures',
  sampleCount: 10,
  ...(loss !== undefined && { loss: { value: loss, interval: [0, 1], confidence: 0.95 } }),
});

const POINTS = [
  { id: 'coarse', measured: measured(BYTES.coarse, 2) },
  { id: 'unmeasured' },
  { id: 'fine', measured: measured(BYTES.fine, 0.5) },
];

/** A client over a link of so many Mbit/s with a round trip of 10 ms, on a clock that it moves. */
function simulatedClient(link: { mbps: number; isDown?: boolean; answerBytes?: number; error?: Error }) {
  let nowMs = 0;
  const sent: string[] = [];
  const client = {
    async infer(_: object, { coding }: { coding: string }): Promise<InferResult> {
      sent.push(coding);
      if (link.error) throw link.error;
      if (link.isDown) throw new TransportError('timeout', 'no answer');
      const { answerBytes = 0 } = link;
      const linkMs = 10 + (8 * (BYTES[coding] + answerBytes)) / 1000 / link.mbps;
      nowMs += linkMs + 5;
      const times = {
        headMs: 3,
        encodeMs: 0,
        linkMs,
        queueMs: 0,
        decodeMs: 0,
        tailMs: 2,
        respondMs: 0,
        readMs: 0,
      };
      return {
        outputs: {},
        attempts: 1,
        bytes: { sent: BYTES[coding], received: answerBytes, counted: 'socket', payload: 0, perTensor: [] },
        times: { ...times, totalMs: linkMs + 5 },
      } as unknown as InferResult;
    },
  } as unknown as EdgeClient;
  return { client, sent, clock: { now: () => nowMs, sleep: async () => {} } };
}

describe('createBudgetedClient', () => {
  test('sends the better point where the link bears it, and the smaller where not', async () => {
    const link = { mbps: 100 };
    const { client, sent, clock } = simulatedClient(link);
    const budgeted = createBudgetedClient({ client, clock, bundle: bundleOf(POINTS), budgetMs: 50 });
    for (let i = 0; i < 30; i++) await budgeted.infer({});
    expect(sent[0]).toBe('coarse');
    expect(sent.at(-1)).toBe('fine');
    link.mbps = 2; // 'fine' now takes 95 ms
    for (let i = 0; i < 10; i++) await budgeted.infer({});
    const { choice } = await budgeted.infer({});
    expect(choice.point).toBe('coarse');
    expect(sent).not.toContain('unmeasured');
  });

  test('a failure leads back to the smallest point and is handed on', async () => {
    const link = { mbps: 100, isDown: false };
    const { client, sent, clock } = simulatedClient(link);
    const budgeted = createBudgetedClient({ client, clock, bundle: bundleOf(POINTS), budgetMs: 50 });
    for (let i = 0; i < 30; i++) await budgeted.infer({});
    link.isDown = true;
    await expect(budgeted.infer({})).rejects.toThrow('no answer');
    await expect(budgeted.infer({})).rejects.toThrow(TransportError);
    expect(sent.slice(-2)).toEqual(['fine', 'coarse']);
  });

  test('errors that are not of the link change nothing', async () => {
    const link: Parameters<typeof simulatedClient>[0] = { mbps: 100 };
    const { client, sent, clock } = simulatedClient(link);
    const budgeted = createBudgetedClient({ client, clock, bundle: bundleOf(POINTS), budgetMs: 50 });
    for (let i = 0; i < 30; i++) await budgeted.infer({});
    for (const error of [
      new RangeError('a wrong input'),
      new RemoteError('rate-limited', true, 'too many'),
      new TransportError('aborted', 'by the caller'),
    ]) {
      link.error = error;
      await expect(budgeted.infer({})).rejects.toThrow(error);
    }
    delete link.error;
    expect((await budgeted.infer({})).choice.point).toBe('fine');
    expect(new Set(sent.slice(-4))).toEqual(new Set(['fine']));
  });

  test('a large answer is part of the round trip, whatever is sent', async () => {
    const { client, sent, clock } = simulatedClient({ mbps: 100, answerBytes: 300_000 });
    const budgeted = createBudgetedClient({ client, clock, bundle: bundleOf(POINTS), budgetMs: 60 });
    for (let i = 0; i < 60; i++) await budgeted.infer({});
    // 39 ms with 'coarse', 41 ms with 'fine'.
    expect(sent.at(-1)).toBe('fine');
    const { choice } = await budgeted.infer({});
    expect(choice.expected.meanMs).toBeGreaterThan(36);
    expect(choice.expected.meanMs).toBeLessThan(46);
  });

  test('a request may have limits of its own', async () => {
    const { client, clock } = simulatedClient({ mbps: 100 });
    const link = { roundTripMs: 10, uplinkMbps: 100, spread: 0.1 };
    const budgeted = createBudgetedClient({ client, clock, bundle: bundleOf(POINTS), budgetMs: 50, link });
    expect((await budgeted.infer({})).choice.point).toBe('fine');
    expect((await budgeted.infer({}, { maxBytes: 5_000 })).choice.point).toBe('coarse');
    await expect(budgeted.infer({}, { maxBytes: 10 })).rejects.toThrow('maxBytes expected at least 1000');
  });

  test('the time of a head counts once, before the call, in it, or now one and now the other', async () => {
    const HEAD_MS = 20;
    const choices = async (isGoneAt: (request: number) => boolean): Promise<RateChoice[]> => {
      const link = { mbps: 100 };
      const { client, clock } = simulatedClient(link);
      const infer: EdgeClient['infer'] = async (inputs, options) => {
        const result = await client.infer(inputs, options);
        if (options.elapsedMs) return result;
        const { headMs, totalMs } = result.times;
        const times = { ...result.times, headMs: headMs + HEAD_MS, totalMs: totalMs + HEAD_MS };
        return { ...result, times };
      };
      const budgeted = createBudgetedClient({
        ...{ clock, bundle: bundleOf(POINTS), budgetMs: 75 },
        client: { ...client, infer },
      });
      const found: RateChoice[] = [];
      for (let i = 0; i < 60; i++) {
        link.mbps = i % 4 === 3 ? 3 : 8; // 'fine' takes 35 or 68 ms: in time three times of four
        found.push((await budgeted.infer({}, isGoneAt(i) ? { elapsedMs: HEAD_MS } : {})).choice);
      }
      return found;
    };
    const before = await choices(() => true);
    expect(before.some(({ point, reason }) => point === 'fine' && reason === 'try')).toBe(true);
    const pointsOf = (found: readonly RateChoice[]) => found.slice(1).map(({ point }) => point);
    expect(pointsOf(before)).toEqual(pointsOf(await choices(() => false)));
    expect(pointsOf(before)).toEqual(pointsOf(await choices((request) => request % 2 === 0)));
  });

  test('points without a loss count the better the more bytes they take', async () => {
    const { client, clock } = simulatedClient({ mbps: 100 });
    const points = [
      { id: 'fine', measured: measured(BYTES.fine) },
      { id: 'coarse', measured: measured(BYTES.coarse) },
    ];
    const link = { roundTripMs: 10, uplinkMbps: 100, spread: 0.1 };
    const budgeted = createBudgetedClient({ client, clock, bundle: bundleOf(points), budgetMs: 50, link });
    expect((await budgeted.infer({})).choice.point).toBe('fine');
  });

  test('a bundle without measured points is refused', () => {
    const { client } = simulatedClient({ mbps: 1 });
    const bundle = bundleOf([{ id: 'unmeasured' }]);
    expect(() => createBudgetedClient({ client, bundle, budgetMs: 50 })).toThrow(
      'with measurements, got none',
    );
  });
});
