import { DEFAULT_SERVER_LIMITS } from '@featherwire/runtime/node';
import { expect, test } from 'vitest';
import { LIMIT_OPTIONS } from './serve-limits.js';

test('the defaults that help states are those of the server', () => {
  for (const { limit, fallback } of LIMIT_OPTIONS) expect(fallback, limit).toBe(DEFAULT_SERVER_LIMITS[limit]);
});
