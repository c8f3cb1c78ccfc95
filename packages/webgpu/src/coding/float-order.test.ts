import { createRandom } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { ordersOfThresholds } from './float-order.js';

function floatsOfBits(words: readonly number[]): Float32Array {
  return new Float32Array(Uint32Array.from(words).buffer);
}

test('positions ascend as numbers do, through zero, subnormals and infinities', () => {
  const ascending = [0xff800000, 0xff7fffff, 0xbf800000, 0x80800000, 0x807fffff, 0x80000001, 0x80000000];
  const rest = [0x00000001, 0x007fffff, 0x00800000, 0x3f800000, 0x7f7fffff, 0x7f800000];
  const orders = ordersOfThresholds(floatsOfBits([...ascending, ...rest]));
  for (let i = 1; i < orders.length; i++) expect(orders[i]).toBeGreaterThan(orders[i - 1]);
});

test('a threshold of 0 is reached by -0, which equals it', () => {
  expect(ordersOfThresholds(Float32Array.of(0))[0]).toBe(ordersOfThresholds(Float32Array.of(-0))[0]);
});

test('random numbers keep their order', () => {
  const random = createRandom(5);
  const values = Float32Array.from(
    { length: 1000 },
    () => random.nextNormal() * 10 ** random.nextInteger(9),
  ).sort();
  const orders = ordersOfThresholds(values);
  expect(orders).toEqual(orders.slice().sort());
});
