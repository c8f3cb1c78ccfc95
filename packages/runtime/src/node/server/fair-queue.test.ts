import { describe, expect, test } from 'vitest';
import { createFairQueue } from './fair-queue.js';

const item = (client: string, id: number) => ({ client, id });
const any = () => true;

describe('fair queue', () => {
  test('clients take turns, each in its own order', () => {
    const queue = createFairQueue<ReturnType<typeof item>>(10);
    for (const [client, id] of [
      ['a', 1],
      ['a', 2],
      ['a', 3],
      ['b', 4],
      ['c', 5],
      ['b', 6],
    ] as const) {
      expect(queue.push(item(client, id))).toBeUndefined();
    }
    const order = Array.from({ length: 6 }, () => queue.take(any)?.id);
    expect(order).toEqual([1, 4, 5, 2, 6, 3]);
    expect(queue.take(any)).toBeUndefined();
    expect(queue.size).toBe(0);
  });

  test('a client that is passed over keeps its turn', () => {
    const queue = createFairQueue<ReturnType<typeof item>>(10);
    for (const [client, id] of [
      ['a', 1],
      ['b', 2],
      ['b', 3],
    ] as const)
      queue.push(item(client, id));
    expect(queue.take(({ client }) => client !== 'a')?.id).toBe(2);
    expect(queue.take(any)?.id).toBe(1);
  });

  test('when it is full, the newest of the client with most makes room for one with less', () => {
    const queue = createFairQueue<ReturnType<typeof item>>(3);
    const [a1, a2, a3, a4, b1, b2, c1] = [...'aaaabbc'].map((client, i) => item(client, i));
    for (const given of [a1, a2, a3]) queue.push(given);
    expect(queue.push(a4)).toBe(a4);
    expect(queue.push(b1)).toBe(a3);
    expect(queue.push(b2)).toBe(b2); // two of each would only turn the tables
    expect(queue.push(c1)).toBe(a2);
    expect([...queue]).toEqual([a1, b1, c1]);
  });

  test('items are removed out of turn once', () => {
    const queue = createFairQueue<ReturnType<typeof item>>(3);
    const [first, second] = [item('a', 1), item('a', 2)];
    queue.push(first);
    queue.push(second);
    expect([queue.remove(first), queue.remove(first)]).toEqual([true, false]);
    expect([...queue]).toEqual([second]);
  });
});
