/** A tail that a server of the Open Inference Protocol runs: the settings that name it, and the session that asks for it. */

import type { BundleManifest, TensorSpec } from '@featherwire/bundle';
import { checkFeeds, InferenceError, type ModelSession } from '@featherwire/inference';
import { fitsSpec } from '../../tensor-spec.js';
import { datatypeOf } from './datatypes.js';
import { openRemoteModel, type RemoteModelOptions, type RemoteTensor } from './remote-model.js';
import { RemoteModelError } from './remote-model-error.js';

/** Which server runs the tails of bundles. */
export interface RemoteTail {
  /** `http://host:port` or `https://…`, with a path before `/v2` where the server has one. */
  readonly url: string;
  /** Name of the model there; default: the bundle's name of the network. */
  readonly model?: string;
  /** Sent as bearer token (RFC 6750); none by default. */
  readonly token?: string;
  /** Of each exchange; default 10,000. */
  readonly timeoutMs?: number;
}

const DEFAULT_TIMEOUT_MS = 10_000;

/** The model that runs the tail of a bundle. */
export function modelOfTail(tail: RemoteTail, { model }: Pick<BundleManifest, 'model'>): RemoteModelOptions {
  return {
    ...{ url: tail.url, model: tail.model ?? model.name, timeoutMs: tail.timeoutMs ?? DEFAULT_TIMEOUT_MS },
    ...(tail.token !== undefined && { token: tail.token }),
  };
}

/**
 * Opens a tail elsewhere as a session, after comparing what the server says of the model with the bundle.
 * @throws {RemoteModelError} if the server cannot be asked, or has no such model
 * @throws {RangeError} if the model takes or gives other tensors
 */
export async function openRemoteTail(tail: RemoteTail, manifest: BundleManifest): Promise<ModelSession> {
  const { cut, outputs: specs } = manifest;
  const options = modelOfTail(tail, manifest);
  const model = await openRemoteModel(options);
  const declared = await model.metadata();
  compare(`inputs of remote model '${options.model}'`, cut, declared.inputs);
  compare(`outputs of remote model '${options.model}'`, specs, declared.outputs);
  let isClosed = false;
  return {
    inputs: cut,
    outputs: specs,
    async run(feeds) {
      if (isClosed) throw new InferenceError('closed', 'the session is closed');
      checkFeeds(cut, feeds);
      const start = performance.now();
      const outputs = await model.infer(
        feeds,
        specs.map(({ name }) => name),
      );
      for (const spec of specs) {
        if (fitsSpec(outputs[spec.name], spec)) continue;
        throw new RemoteModelError(
          'bad-reply',
          `the remote model gave '${spec.name}' in another type or shape`,
        );
      }
      return { outputs, runMs: performance.now() - start };
    },
    async close() {
      isClosed = true;
    },
  };
}

/** What a server does not tell is found out by asking. */
function compare(
  what: string,
  expected: readonly TensorSpec[],
  declared: readonly RemoteTensor[] | undefined,
): void {
  if (declared === undefined) return;
  for (const spec of expected) {
    const found = declared.find(({ name }) => name === spec.name);
    if (found && fits(found, spec)) continue;
    const wanted = `${datatypeOf(spec.dtype)} [${spec.shape.join(', ')}]`;
    const got = found ? `${found.datatype} [${found.shape.join(', ')}]` : 'none of this name';
    throw new RangeError(`${what} expected '${spec.name}' ${wanted}, got ${got}`);
  }
}

function fits({ datatype, shape }: RemoteTensor, spec: TensorSpec): boolean {
  return (
    datatype === datatypeOf(spec.dtype) &&
    shape.length === spec.shape.length &&
    shape.every(
      (size, axis) => size === -1 || typeof spec.shape[axis] === 'string' || size === spec.shape[axis],
    )
  );
}
