import { createRandom } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { WordDecoder } from './word-range-coder.js';
import { WordEncoder } from './word-range-encoder.js';

test('random bins under random probabilities survive, at a cost near their information', () => {
  const random = createRandom(6);
  const bins = Array.from({ length: 20_000 }, () => {
    const probability = 1 + random.nextInteger(65_535);
    return { probability, bit: random.nextInteger(65_536) < probability ? 1 : 0 };
  });
  const encoder = new WordEncoder();
  let bits = 0;
  for (const { bit, probability } of bins) {
    encoder.code(bit, probability);
    bits -= Math.log2((bit === 1 ? probability : 65_536 - probability) / 65_536);
  }
  const bytes = encoder.finish();
  expect(bytes.length).toBeLessThan((bits / 8) * 1.001 + 8);
  const decoder = new WordDecoder(bytes);
  bins.forEach(({ bit, probability }, i) => {
    expect(decoder.code(0, probability), `bin ${i}`).toBe(bit);
  });
  expect(decoder.endsWell).toBe(true);
});

test('carries run through words of ones', () => {
  // The least probable side of nearly certain bins moves the lower end up in small steps.
  for (let seed = 0; seed < 300; seed++) {
    const random = createRandom(seed);
    const bits = Array.from({ length: 400 }, () => (random.nextInteger(40) === 0 ? 1 : 0));
    const encoder = new WordEncoder();
    for (const bit of bits) encoder.code(bit, 31);
    const decoder = new WordDecoder(encoder.finish());
    expect(
      bits.map(() => decoder.code(0, 31)),
      `seed ${seed}`,
    ).toEqual(bits);
  }
});

test('bins that were all expected take no words', () => {
  const encoder = new WordEncoder();
  for (let i = 0; i < 100; i++) encoder.code(1, 65_505);
  expect(encoder.finish().length).toBe(0);
});
