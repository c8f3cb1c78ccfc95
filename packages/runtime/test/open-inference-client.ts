/** A client of the Open Inference Protocol for tests: replies taken apart, of any status. */

import type { Tensor } from '@featherwire/tensor';
import { parseBody, type TensorToWrite, writeBody } from '../src/node/open-inference/inference-body.js';
import { readTensor } from '../src/node/open-inference/read-tensor.js';
import type { TailServer } from '../src/node/server/tail-server.js';
import { squareFeatures } from './test-bundles.js';

/** Name of the input that takes frames. */
export const FRAMES = 'featherwire.frames';
/** Most JSON that a reply is read of. */
export const MAX_JSON_BYTES = 2 ** 20;

/** A reply taken apart. */
export interface Reply {
  readonly status: number;
  readonly json: Record<string, unknown>;
  readonly outputs: Record<string, Tensor>;
  readonly headers: Headers;
}

/** Requests to a server. @param server - the one that runs at the time of a call */
export function inferenceClient(server: () => TailServer) {
  async function get(route: string, headers = {}): Promise<Pick<Reply, 'status' | 'json'>> {
    const reply = await fetch(`${server().url}${route}`, { headers });
    return { status: reply.status, json: (await reply.json()) as Reply['json'] };
  }

  async function post(
    route: string,
    body: string | Uint8Array,
    headers: Record<string, string> = {},
  ): Promise<Reply> {
    const reply = await fetch(`${server().url}${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/octet-stream', ...headers },
      body: typeof body === 'string' ? body : Buffer.from(body),
    });
    const bytes = new Uint8Array(await reply.arrayBuffer());
    const headerLength = reply.headers.get('inference-header-content-length') ?? undefined;
    if (!reply.ok) {
      return {
        status: reply.status,
        json: JSON.parse(Buffer.from(bytes).toString()),
        outputs: {},
        headers: reply.headers,
      };
    }
    const { json, tensors } = parseBody(bytes, {
      list: 'outputs',
      headerLength,
      maxJsonBytes: MAX_JSON_BYTES,
    });
    const outputs = Object.fromEntries(tensors.map((wire) => [wire.name, readTensor(wire)]));
    return { status: reply.status, json: json as Reply['json'], outputs, headers: reply.headers };
  }

  /** Posts tensors. @param fields - of the request beside its inputs */
  function infer(model: string, inputs: readonly TensorToWrite[], fields = {}): Promise<Reply> {
    const { bytes, headerLength } = writeBody(fields, 'inputs', inputs);
    const headers: Record<string, string> =
      headerLength === undefined ? {} : { 'inference-header-content-length': String(headerLength) };
    return post(`/v2/models/${model}/infer`, bytes, headers);
  }

  return { get, post, infer };
}

/** The inputs of the square network. */
export function cutOf(size: number, isBinary: boolean): TensorToWrite[] {
  return Object.entries(squareFeatures(size, 1)).map(([name, value]) => ({ name, tensor: value, isBinary }));
}
