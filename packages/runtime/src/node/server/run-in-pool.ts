/** Requests done by the workers of this process: finds the bundle, hands the work to its pool, takes statistics. */

import { type RemoteErrorCode, serializeMessage } from '../../protocol/index.js';
import type { TailJob } from '../tail-worker/worker-messages.js';
import type { BundleRegistry, ServedBundle } from './bundle-registry.js';
import type { Arrival, InferenceRequest, RequestOutcome, RequestRunner } from './request-handler.js';

/** A runner over the bundles of a registry. */
export function createPoolRunner(registry: Pick<BundleRegistry, 'find'>): RequestRunner {
  return async (request, arrival) => {
    const key = hexOf(request.bundlePrefix);
    const served = registry.find(key);
    if (served) return runInPool(request, served, arrival);
    return { kind: 'refused', code: 'unknown-bundle', text: `no bundle here has a digest of ${key}…` };
  };
}

async function runInPool(
  request: InferenceRequest,
  { bundle, pool, drift }: ServedBundle,
  { client, receivedAt }: Arrival,
): Promise<RequestOutcome> {
  const { requestId, deadlineMs } = request;
  const { name } = bundle.manifest.model;
  const refuse = (code: RemoteErrorCode, text: string, retryAfterMs?: number): RequestOutcome => ({
    ...{ kind: 'refused', code, text, retryAfterMs, bundle: name },
  });
  const statistics = request.kind === 'feature-request' ? request.statistics : undefined;
  if (statistics && statistics.length !== drift.tensorCount) {
    const text = `statistics expected ${drift.tensorCount} tensors, got ${statistics.length}`;
    return refuse('input-mismatch', text);
  }
  const deadlineAt = deadlineMs === undefined ? undefined : receivedAt + deadlineMs;
  const { outcome, queueMs, retryAfterMs } = await pool.submit(jobOf(request), { client, deadlineAt });
  if (outcome.kind === 'failed') {
    return refuse(outcome.code, outcome.text, retryAfterMs ?? outcome.retryAfterMs);
  }
  if (outcome.kind !== 'done') return refuse('internal', `a worker gave ${outcome.kind}`);
  const { frames, point, runSize } = outcome;
  if (statistics && point !== null) drift.add(point, statistics);
  const times = { queueMs, ...outcome.times, totalMs: performance.now() - receivedAt };
  const described = request.kind === 'picture-request' ? 'picture' : 'described';
  return {
    kind: 'answered',
    message: serializeMessage({ kind: 'response', requestId, times, frames }),
    observation: {
      ...{ bundle: name, times, runSize },
      point: point === null ? described : bundle.manifest.operatingPoints[point].id,
    },
  };
}

/** A view: what is refused is never copied. */
function jobOf(request: InferenceRequest): TailJob {
  const { compactOutputs: isCompact } = request;
  return request.kind === 'feature-request'
    ? { kind: 'feature', frames: request.frames, isCompact }
    : { kind: 'picture', image: request.image, isCompact };
}

function hexOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
