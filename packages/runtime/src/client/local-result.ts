/** What clients say of a request that nothing was sent for. */

import type { TensorMap } from '@featherwire/inference';
import type { InferResult, RequestTimes } from './edge-client.js';

/** The result of a request that the device answered itself: no bytes, no attempts. */
export function localResult(
  outputs: TensorMap,
  times: Pick<RequestTimes, 'headMs' | 'totalMs'> & Partial<Pick<RequestTimes, 'tailMs'>>,
): InferResult {
  const none = { encodeMs: 0, linkMs: 0, queueMs: 0, decodeMs: 0, tailMs: 0, respondMs: 0, readMs: 0 };
  return {
    outputs,
    bytes: { sent: 0, received: 0, counted: 'link', payload: 0, perTensor: [] },
    times: { ...none, ...times },
    codec: undefined,
    attempts: 0,
  };
}
