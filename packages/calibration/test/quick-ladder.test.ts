import { loadBackend } from '@featherwire/codec';
import { expect, test } from 'vitest';
import { designQuickLadder, measureOnData } from '../src/index.js';
import { stepAtDistance } from '../src/quick-ladder.js';
import { noises, pooledManifest, pooledNetwork } from './pooled-network.js';

test('a quick ladder of a network that looks at averages codes averages, in fewer bytes where it may do more damage', async () => {
  const backend = await loadBackend('reference');
  const source = {
    manifest: pooledManifest,
    ...pooledNetwork(),
    data: noises(16, 0),
    truth: 'agreement',
  } as const;
  const points = await designQuickLadder({ source, backend });
  expect(points!.length).toBeGreaterThan(2);
  const bytes: number[] = [];
  for (const { coding } of points!) {
    expect(coding.profile.tensors[0].quantizer.kind).toBe('spectral');
    const measured = await measureOnData({ source: { ...source, data: noises(40, 500) }, backend, coding });
    bytes.push(measured.bytesPerSample);
  }
  expect([...bytes].sort((a, b) => a - b)).toEqual(bytes);
}, 60_000);

test('outputs that are indices tell no codings apart', async () => {
  const { head, tail } = pooledNetwork();
  const indices: typeof tail = {
    ...tail,
    run: async (feeds) => {
      const { outputs, runMs } = await tail.run(feeds);
      const { data } = outputs.scores;
      return {
        outputs: { scores: { dtype: 'int32', shape: [1], data: Int32Array.of(Number(data[0]) > 0 ? 1 : 0) } },
        runMs,
      };
    },
  };
  const source = {
    manifest: pooledManifest,
    head,
    tail: indices,
    data: noises(8, 0),
    truth: 'agreement',
  } as const;
  expect(await designQuickLadder({ source, backend: await loadBackend('reference') })).toBeNull();
}, 60_000);

test('steps at a damage lie between those of a curve, and at its ends outside', () => {
  const point = (step: number, distance: number) => ({ step, distance, bytes: 1 });
  const family = { family: { name: '', kind: 'range', lambda: 0, create: () => null }, curve: [] } as const;
  const screened = { ...family, curve: [point(20, 0.4), point(16, 0.1), point(12, 0.025)] };
  expect([0.4, 0.2, 0.1, 0.05, 0.025].map((distance) => stepAtDistance(screened, distance))).toEqual([
    20, 18, 16, 14, 12,
  ]);
  expect([1, 0.001].map((distance) => stepAtDistance(screened, distance))).toEqual([20, 12]);
});
