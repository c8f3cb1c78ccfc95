import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createByteBudget } from './byte-budget.js';
import { createUploads, MAX_PARTS, MAX_UPLOAD_TIMES } from './uploads.js';

const KEY = { client: 'kiosk', id: 'one' };
const RECEIVE_MS = 1000;
const part = (length: number): Uint8Array => new Uint8Array(length).fill(7);

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function start(maxBytes = 10_000) {
  const budget = createByteBudget(maxBytes);
  const limits = { maxMessageBytes: 10_000, receiveTimeoutMs: RECEIVE_MS };
  return { budget, uploads: createUploads({ budget, limits }) };
}

test('a request is whole with its last byte, and its bytes stay held', () => {
  const { budget, uploads } = start();
  expect(uploads.add(KEY, { first: 0, total: 5 }, part(3))).toEqual({ kind: 'more', received: 3 });
  const whole = uploads.add(KEY, { first: 3, total: 5 }, part(2));
  expect(whole).toMatchObject({ kind: 'whole', message: Buffer.from(part(5)) });
  expect([budget.held, uploads.received(KEY)]).toEqual([5, 0]);
});

test('what a part claims is not held, nor is what comes without a beginning', () => {
  const { budget, uploads } = start();
  uploads.add(KEY, { first: 0, total: 9999 }, part(1));
  expect(uploads.add({ ...KEY, id: 'two' }, { first: 1, total: 9 }, part(3))).toEqual({
    kind: 'gap',
    received: 0,
  });
  expect(budget.held).toBe(1);
});

test('a request in too many parts is dropped', () => {
  const { budget, uploads } = start();
  for (let first = 0; first < MAX_PARTS; first++) uploads.add(KEY, { first, total: 9999 }, part(1));
  expect(budget.held).toBe(MAX_PARTS);
  const last = uploads.add(KEY, { first: MAX_PARTS, total: 9999 }, part(1));
  expect(last).toMatchObject({ kind: 'refused', code: 'malformed-message' });
  expect(budget.held).toBe(0);
});

test('a first part that finds no room leaves nothing behind for long', () => {
  const { budget, uploads } = start(10);
  expect(uploads.add(KEY, { first: 0, total: 20 }, part(6))).toMatchObject({ code: 'overloaded' });
  expect(uploads.add(KEY, { first: 0, total: 30 }, part(1))).toMatchObject({ code: 'malformed-message' });
  vi.advanceTimersByTime(RECEIVE_MS);
  expect(uploads.add(KEY, { first: 0, total: 30 }, part(1))).toMatchObject({ kind: 'more' });
  uploads.close();
  expect(budget.held).toBe(0);
});

test('drops of a byte every now and then end after all', () => {
  const { budget, uploads } = start();
  let first = 0;
  const drip = (): string => uploads.add(KEY, { first: first++, total: 9999 }, part(1)).kind;
  for (let i = 0; i < 2 * MAX_UPLOAD_TIMES; i++) {
    expect(drip()).toBe('more');
    vi.advanceTimersByTime(RECEIVE_MS / 2);
  }
  expect(drip()).toBe('gap');
  expect(budget.held).toBe(0);
});
