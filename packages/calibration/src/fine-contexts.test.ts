import { createCodingProfile, encodeBundledFrame, loadBackend } from '@featherwire/codec';
import { createRandom, type TensorOf } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { type Coding, designProfile, tensorSamples } from './families.js';
import { refineCoding } from './fine-contexts.js';

const backend = await loadBackend('reference');

/** Rectified planes: every third one smooth, the others of rare and of frequent noise. */
function feature(seed: number): TensorOf<'float32'> {
  const random = createRandom(seed);
  const data = new Float32Array(12 * 24 * 24);
  for (let at = 0; at < data.length; at++) {
    const kind = Math.floor(at / 576) % 3;
    const noise = random.nextNormal();
    const isSeen = kind !== 1 || random.nextInteger(9) === 0;
    const smooth = at % 24 ? 0.95 * data[at - 1] + 0.1 * noise : noise;
    data[at] = isSeen ? Math.max(0, kind === 0 ? smooth : noise) : 0;
  }
  return { dtype: 'float32', shape: [1, 12, 24, 24], data };
}

function codingOf(samples: readonly TensorOf<'float32'>[]): Coding {
  const range = { kind: 'fixed', low: 0, high: 2 } as const;
  const choice = { kind: 'uniform', levelCount: 6, range } as const;
  return {
    lambda: 0,
    profile: createCodingProfile([designProfile(tensorSamples(samples), choice, 6, 0, backend)]),
  };
}

test('models of channels that are unlike each other become fine ones, which save bytes on other features', () => {
  const samples = [1, 2, 3, 4, 5, 6].map(feature);
  const coding = codingOf(samples);
  const refined = refineCoding(coding, [tensorSamples(samples)], backend);
  const [{ coder }] = refined.profile.tensors;
  expect(coder?.kind === 'rans-contexts' && coder.model.slotBits).toBe(12);
  const [before, after] = [coding, refined].map(
    ({ profile }) =>
      encodeBundledFrame([feature(9)], { profile, point: 0, sequenceNumber: 0, backend }).length,
  );
  expect(after).toBeLessThan(0.97 * before);
});

test('a coding stays as it is where fine models save nothing', () => {
  const data = Float32Array.from({ length: 4 }, (_, at) => at / 2);
  const samples = [{ dtype: 'float32', shape: [1, 1, 2, 2], data } as const];
  const coding = codingOf(samples);
  expect(refineCoding(coding, [tensorSamples(samples)], backend)).toBe(coding);
});
