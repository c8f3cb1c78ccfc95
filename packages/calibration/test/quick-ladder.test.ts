import { loadBackend } from '@featherwire/codec';
import { expect, test } from 'vitest';
import { designQuickLadder, measureOnData } from '../src/index.js';
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
