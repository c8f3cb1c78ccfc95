/**
 * A model on a server of the Open Inference Protocol, version 2, HTTP form, of any make. Tensors travel as bytes where the
 * server says that it takes them, else as JSON.
 */

import type { TensorMap } from '@featherwire/inference';
import type { Tensor } from '@featherwire/tensor';
import {
  type ExchangeOptions,
  errorOf,
  exchange,
  jsonOf,
  MAX_REPLY_BYTES,
  type Reply,
} from './http-exchange.js';
import { BINARY_EXTENSION, HEADER_LENGTH_FIELD, parseBody, writeBody } from './inference-body.js';
import { readTensor } from './read-tensor.js';
import { RemoteModelError, type RemoteModelErrorCode } from './remote-model-error.js';
import { WireError } from './wire-error.js';

/** Where a model is. */
export interface RemoteModelOptions extends ExchangeOptions {
  /** `http://host:port` or `https://…`, with a path before `/v2` where the server has one. */
  readonly url: string;
  readonly model: string;
}

/** What a server says of its model; lists that it leaves out are undefined. */
export interface RemoteModelMetadata {
  readonly inputs: readonly RemoteTensor[] | undefined;
  readonly outputs: readonly RemoteTensor[] | undefined;
}

/** A declared tensor; dimensions of -1 are open. */
export interface RemoteTensor {
  readonly name: string;
  readonly datatype: string;
  readonly shape: readonly number[];
}

/** A model elsewhere. Every method throws `RemoteModelError` alone. */
export interface RemoteModel {
  metadata(): Promise<RemoteModelMetadata>;
  /**
   * Runs the model.
   * @param outputs - names of those that are wanted
   */
  infer(inputs: TensorMap, outputs: readonly string[]): Promise<TensorMap>;
}

/**
 * Asks the server which forms it takes.
 * @throws {RemoteModelError} if it cannot be asked
 * @throws {RangeError} if the address is not one of HTTP
 */
export async function openRemoteModel(options: RemoteModelOptions): Promise<RemoteModel> {
  const server = await exchange(baseOf(options.url), options);
  // Servers that do not tell of themselves may still run models.
  const extensions = server.ok ? jsonOf(server).extensions : [];
  const takesBytes = Array.isArray(extensions) && extensions.includes(BINARY_EXTENSION);
  return new HttpModel(options, takesBytes);
}

/**
 * @returns whether a server says that it has the model and that it takes requests; false if it cannot be asked
 * @throws {RangeError} if the address is not one of HTTP
 */
export async function isModelReady(options: RemoteModelOptions): Promise<boolean> {
  const address = `${addressOf(options)}/ready`;
  try {
    return (await exchange(address, options)).ok;
  } catch {
    return false;
  }
}

function addressOf({ url, model }: RemoteModelOptions): string {
  return `${baseOf(url)}/models/${encodeURIComponent(model)}`;
}

function baseOf(address: string): string {
  const { protocol, origin, pathname } = new URL(address);
  if (protocol !== 'http:' && protocol !== 'https:') {
    throw new RangeError(`url expected http: or https:, got ${protocol}`);
  }
  return `${origin}${pathname.replace(/\/+$/, '')}/v2`;
}

class HttpModel implements RemoteModel {
  readonly #address: string;
  readonly #options: RemoteModelOptions;
  readonly #takesBytes: boolean;

  constructor(options: RemoteModelOptions, takesBytes: boolean) {
    this.#address = addressOf(options);
    this.#options = options;
    this.#takesBytes = takesBytes;
  }

  async metadata(): Promise<RemoteModelMetadata> {
    const reply = await exchange(this.#address, this.#options);
    if (!reply.ok) throw errorOf(reply);
    const { inputs, outputs } = jsonOf(reply);
    return { inputs: tensorsOf(inputs), outputs: tensorsOf(outputs) };
  }

  async infer(inputs: TensorMap, outputs: readonly string[]): Promise<TensorMap> {
    const isBinary = this.#takesBytes;
    const tensors = Object.entries(inputs).map(([name, tensor]) => ({ name, tensor, isBinary }));
    const asked = outputs.map((name) => ({ name, ...(isBinary && { parameters: { binary_data: true } }) }));
    const { bytes, headerLength } = asRemoteError('refused', () =>
      writeBody({ outputs: asked }, 'inputs', tensors),
    );
    const headers = {
      'content-type': headerLength === undefined ? 'application/json' : 'application/octet-stream',
      ...(headerLength !== undefined && { [HEADER_LENGTH_FIELD]: String(headerLength) }),
    };
    const reply = await exchange(`${this.#address}/infer`, this.#options, { bytes, headers });
    if (!reply.ok) throw errorOf(reply);
    return readOutputs(reply, outputs);
  }
}

function readOutputs({ bytes, headerLength }: Reply, names: readonly string[]): TensorMap {
  return asRemoteError('bad-reply', () => {
    const { tensors } = parseBody(bytes, { list: 'outputs', headerLength, maxJsonBytes: MAX_REPLY_BYTES });
    const outputs: Record<string, Tensor> = {};
    for (const name of names) {
      const wire = tensors.find((tensor) => tensor.name === name);
      if (!wire) throw new WireError(`outputs expected '${name}', got none of this name`);
      outputs[name] = readTensor(wire);
    }
    return outputs;
  });
}

function tensorsOf(list: unknown): readonly RemoteTensor[] | undefined {
  if (list === undefined) return undefined;
  const isTensor = (entry: unknown): boolean => {
    const { name, datatype, shape } = (entry ?? {}) as Record<string, unknown>;
    const isShape = Array.isArray(shape) && shape.every((size) => Number.isSafeInteger(Number(size)));
    return typeof name === 'string' && typeof datatype === 'string' && isShape;
  };
  if (Array.isArray(list) && list.every(isTensor)) {
    return list.map(({ name, datatype, shape }) => ({ name, datatype, shape: shape.map(Number) }));
  }
  throw new RemoteModelError('bad-reply', 'the remote model declares its tensors in another form');
}

function asRemoteError<T>(code: RemoteModelErrorCode, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    if (!(cause instanceof WireError)) throw cause;
    throw new RemoteModelError(code, `the remote model: ${cause.message}`, { cause });
  }
}
