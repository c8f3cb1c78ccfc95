import type { Bundle } from '@featherwire/bundle';
import type { ModelSession } from '@featherwire/inference';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import type { EdgeClient, InferResult, RequestOptions } from '../client/edge-client.js';
import { RemoteError, TransportError } from '../client/errors.js';
import { createCircuitBreaker } from './circuit-breaker.js';
import { createFallbackClient, type Fallback, type FallbackRequestOptions } from './fallback-client.js';

const bundle = { manifest: { cut: [{ name: 'h' }] } } as unknown as Bundle;
const value = (number: number) => tensor('float32', [1], Float32Array.of(number));
const PATIENCE_MS = 100;

/** A network that adds one in the head and ten in the tail, and takes 5 and 20 ms on the clock. */
function fallbackScene(kind: Fallback['kind'], options: { failureCount?: number } = {}) {
  let nowMs = 0;
  let failure: Error | null = null;
  const asked: RequestOptions[] = [];
  const clock = { now: () => nowMs, sleep: async () => {} };
  const session = (from: string, to: string, add: number, ms: number) =>
    ({
      run: async (feeds: Record<string, ReturnType<typeof value>>) => {
        expect(Object.keys(feeds)).toEqual([from]);
        nowMs += ms;
        return { outputs: { [to]: value(feeds[from].data[0] + add) } };
      },
    }) as unknown as ModelSession;
  const answer = (y: number) =>
    ({ outputs: { y: value(y) }, attempts: 1, times: {} }) as unknown as InferResult;
  const split = async (_: object, request: RequestOptions) => {
    asked.push(request);
    nowMs += failure instanceof TransportError ? PATIENCE_MS : 30;
    if (failure) throw failure;
    return { ...answer(11), choice: 'fine' };
  };
  const pictures: Uint8Array[] = [];
  const client = {
    async sendPicture(picture: Uint8Array, { timeoutMs }: RequestOptions) {
      expect(timeoutMs).toBe(400);
      if (failure?.message === 'all down') throw failure;
      pictures.push(picture);
      nowMs += 50;
      return answer(12);
    },
  } as unknown as EdgeClient;
  const fallback: Fallback =
    kind === 'local'
      ? { kind, head: session('x', 'h', 1, 5), tail: session('h', 'y', 10, 20) }
      : kind === 'picture'
        ? { kind, client, timeoutMs: 400 }
        : { kind };
  const breaker = createCircuitBreaker({ failureCount: 2, baseOpenMs: 1_000, random: () => 0, ...options });
  const subject = createFallbackClient({ bundle, split, fallback, patienceMs: PATIENCE_MS, breaker, clock });
  return {
    ...{ asked, pictures, breaker },
    infer: (request?: FallbackRequestOptions) => subject.infer({ x: value(0) }, request),
    fail: (error: Error | null) => {
      failure = error;
    },
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

const lost = () => new TransportError('timeout', 'no answer within 100 ms');

describe('createFallbackClient', () => {
  test('what the split way answers is handed on, with its patience', async () => {
    const scene = fallbackScene('local');
    expect(await scene.infer()).toMatchObject({ way: 'split', choice: 'fine', outputs: { y: value(11) } });
    expect(scene.asked).toEqual([{ timeoutMs: PATIENCE_MS, deadlineLinkMs: 0 }]);
  });

  test('a lost answer is computed here, with the time it took in all and no bytes', async () => {
    const scene = fallbackScene('local');
    scene.fail(lost());
    const result = await scene.infer();
    expect(result).toMatchObject({
      ...{ way: 'local', outputs: { y: value(11) }, attempts: 0, bytes: { sent: 0, received: 0 } },
      times: { headMs: 5, tailMs: 20, totalMs: PATIENCE_MS + 25 },
      reason: { code: 'link', message: 'no answer within 100 ms' },
    });
  });

  test('after failures in a row nothing is waited for, until a try succeeds', async () => {
    const scene = fallbackScene('local');
    scene.fail(lost());
    for (let i = 0; i < 10; i++) {
      const result = await scene.infer();
      if (i >= 2)
        expect(result).toMatchObject({ way: 'local', reason: { code: 'open' }, times: { totalMs: 25 } });
    }
    expect(scene.asked.length).toBe(2);
    scene.fail(null);
    scene.pass(1_000);
    expect((await scene.infer()).way).toBe('split');
    expect((await scene.infer()).way).toBe('split');
  });

  test('a server that asks for time gets it', async () => {
    const scene = fallbackScene('local', { failureCount: 1 });
    scene.fail(new RemoteError('overloaded', true, 'busy', { retryAfterMs: 60_000 }));
    expect(await scene.infer()).toMatchObject({ way: 'local', reason: { code: 'server' } });
    scene.fail(null);
    scene.pass(59_000);
    expect((await scene.infer()).way).toBe('local');
    scene.pass(1_000);
    expect((await scene.infer()).way).toBe('split');
  });

  test('a picture is asked for only when it is sent', async () => {
    const scene = fallbackScene('picture');
    const picture = () => Uint8Array.of(1, 2);
    await scene.infer({ picture });
    expect(scene.pictures).toEqual([]);
    scene.fail(new RemoteError('digest-mismatch', false, 'unlike'));
    expect(await scene.infer({ picture })).toMatchObject({ way: 'picture', reason: { code: 'server' } });
    expect(scene.pictures).toEqual([Uint8Array.of(1, 2)]);
    await expect(scene.infer()).rejects.toThrow(TypeError);
    scene.fail(new TransportError('connect-failed', 'all down'));
    await expect(scene.infer({ picture })).rejects.toMatchObject({
      name: 'SplitUnavailableError',
      code: 'link',
    });
  });

  test('without a fallback the error says which end failed', async () => {
    const scene = fallbackScene('error');
    scene.fail(lost());
    for (const code of ['link', 'link', 'open', 'open'])
      await expect(scene.infer()).rejects.toMatchObject({ name: 'SplitUnavailableError', code });
  });

  test("a caller's mistake and an abort are no failures of the link", async () => {
    const scene = fallbackScene('local', { failureCount: 1 });
    scene.fail(new RangeError('coding expected another'));
    await expect(scene.infer()).rejects.toThrow(RangeError);
    scene.fail(new TransportError('aborted', 'the request was aborted'));
    await expect(scene.infer({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'aborted' });
    expect(scene.breaker.state).toBe('closed');
  });

  test('patience that is none is refused', () => {
    const split = async () => ({}) as InferResult;
    const options = { bundle, split, fallback: { kind: 'error' } as const, patienceMs: 0 };
    expect(() => createFallbackClient(options)).toThrow('patienceMs expected a number above 0, got 0');
  });
});
