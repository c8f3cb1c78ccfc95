/** A reply message to output tensors, everything in it checked against the request and the bundle. */

import type { BundleManifest, TensorSpec } from '@featherwire/bundle';
import { type Backend, decodeFrame } from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import { type Message, parseMessage, type StageTimes } from '../protocol/index.js';
import { fitsSpec, staticElementCount } from '../tensor-spec.js';
import { RemoteError, TransportError } from './errors.js';

/**
 * Reads a reply.
 * @param requestId - of the request it should answer
 * @throws {RemoteError} if the server answered with an error
 * @throws {TransportError} `bad-reply` if it is no answer to this request
 */
export function readReply(
  reply: Uint8Array,
  requestId: number,
  manifest: BundleManifest,
  backend: Backend,
): { readonly outputs: TensorMap; readonly times: StageTimes } {
  const message = parseReply(reply);
  if (message.kind === 'error') {
    const { code, retryable, retryAfterMs, text } = message;
    throw new RemoteError(code, retryable, text, { retryAfterMs });
  }
  if (message.kind !== 'response' || message.requestId !== requestId) {
    throw badReply(`a response to request ${requestId}`, `${message.kind} ${message.requestId}`);
  }
  if (message.frames.length !== manifest.outputs.length) {
    throw badReply(`${manifest.outputs.length} outputs`, String(message.frames.length));
  }
  const outputs: Record<string, Tensor> = {};
  for (const [i, spec] of manifest.outputs.entries()) {
    outputs[spec.name] = decodeOutput(message.frames[i], spec, backend);
  }
  return { outputs, times: message.times };
}

function parseReply(reply: Uint8Array): Message {
  try {
    return parseMessage(reply);
  } catch (cause) {
    throw new TransportError('bad-reply', `reply expected a message: ${(cause as Error).message}`, { cause });
  }
}

function decodeOutput(frame: Uint8Array, spec: TensorSpec, backend: Backend): Tensor {
  const output = decodeFrameOrThrow(frame, spec, backend);
  if (fitsSpec(output, spec)) return output;
  const expected = `${spec.dtype} [${spec.shape.join(', ')}] for output '${spec.name}'`;
  throw badReply(expected, `${output.dtype} [${output.shape.join(', ')}]`);
}

function decodeFrameOrThrow(frame: Uint8Array, spec: TensorSpec, backend: Backend): Tensor {
  const maxElements = staticElementCount(spec);
  try {
    return decodeFrame(frame, { backend, ...(maxElements !== undefined && { limits: { maxElements } }) });
  } catch (cause) {
    const text = `reply expected a frame for output '${spec.name}': ${(cause as Error).message}`;
    throw new TransportError('bad-reply', text, { cause });
  }
}

function badReply(expected: string, got: string): TransportError {
  return new TransportError('bad-reply', `reply expected ${expected}, got ${got}`);
}
