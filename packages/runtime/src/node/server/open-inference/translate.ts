/**
 * Requests of the Open Inference Protocol as messages of this project's own, and the answers back, so that behind the route
 * there is one service: the same turns, limits, deadlines, batches and errors, whether in this process or in a fleet.
 */

import type { BundleManifest } from '@featherwire/bundle';
import { type Backend, decodeFrame, encodeFrame, isBundledFrame } from '@featherwire/codec';
import type { Tensor } from '@featherwire/tensor';
import { digestPrefix, type ResponseMessage, serializeMessage } from '../../../protocol/index.js';
import { fitsSpec } from '../../../tensor-spec.js';
import {
  type InferenceBody,
  type JsonObject,
  objectOf,
  textOf,
  type WireTensor,
  type WrittenBody,
  writeBody,
} from '../../open-inference/inference-body.js';
import { readByteStrings, readTensor } from '../../open-inference/read-tensor.js';
import { WireError } from '../../open-inference/wire-error.js';
import type { BundleListing } from '../bundle-listing.js';
import { bundleKey } from '../bundle-registry.js';
import { FRAMES_INPUT, type ModelPath } from './models.js';

/** A request does not fit its model. */
export class ModelMismatchError extends Error {
  override readonly name = 'ModelMismatchError';
}

/** How a client wants its answer. */
export interface AnswerForm {
  readonly id: string | undefined;
  readonly outputs: readonly { readonly name: string; readonly isBinary: boolean }[];
}

/** A request of the protocol in this project's form. */
export interface TranslatedRequest {
  readonly message: Uint8Array;
  readonly form: AnswerForm;
}

/** No other request is on the way between a route and the handler. */
const REQUEST_ID = 1;
const MICROSECONDS = 1000;
const LONGEST_DEADLINE_MS = 2 ** 32 - 1;

/**
 * A body as a message.
 * @throws {WireError} if it is not of the protocol's form
 * @throws {ModelMismatchError} if it is, but does not fit the model
 */
export function translateRequest(
  { json, tensors }: InferenceBody,
  model: BundleListing,
  { version }: ModelPath,
  backend: Backend,
): TranslatedRequest {
  const parameters = objectOf('parameters', json.parameters);
  const form = answerFormOf(json, parameters, model.manifest);
  const frames = framesOf(tensors, model.manifest, backend);
  const deadlineMs = deadlineOf(parameters.timeout);
  if (version === undefined && frames.length === 1 && isProfiled(frames[0])) {
    const text = `${FRAMES_INPUT} expected a version in the path, since both ends have to hold one bundle, got none`;
    throw new ModelMismatchError(text);
  }
  const message = serializeMessage({
    ...{ kind: 'feature-request', requestId: REQUEST_ID, bundlePrefix: digestPrefix(model.digest), frames },
    ...(deadlineMs !== undefined && { deadlineMs }),
  });
  return { message, form };
}

/**
 * A response as a body.
 * @throws {WireError} if an output that is to be JSON has infinities or NaN
 */
export function translateResponse(
  { frames }: ResponseMessage,
  { digest, manifest }: BundleListing,
  { id, outputs }: AnswerForm,
  backend: Backend,
): WrittenBody {
  const fields = {
    ...{ model_name: manifest.model.name, model_version: bundleKey(digest) },
    ...(id !== undefined && { id }),
  };
  const tensors = outputs.map(({ name, isBinary }) => {
    const position = manifest.outputs.findIndex((spec) => spec.name === name);
    return { name, tensor: decodeFrame(frames[position], { backend }), isBinary };
  });
  return writeBody(fields, 'outputs', tensors);
}

/** Microseconds, as the scheduling extension of servers of this protocol has them; 0 is no deadline. */
function deadlineOf(timeout: unknown): number | undefined {
  if (timeout === undefined || timeout === 0) return undefined;
  if (Number.isSafeInteger(timeout) && (timeout as number) > 0) {
    return Math.min(LONGEST_DEADLINE_MS, Math.floor((timeout as number) / MICROSECONDS));
  }
  throw new WireError('parameters.timeout expected microseconds, an integer from 0, got something else');
}

function answerFormOf(json: JsonObject, parameters: JsonObject, manifest: BundleManifest): AnswerForm {
  const id = json.id === undefined ? undefined : textOf('id', json.id);
  const isBinaryByDefault = flagOf('binary_data_output', parameters) ?? false;
  const asked = json.outputs ?? [];
  if (!Array.isArray(asked)) throw new WireError('outputs expected an array, got something else');
  const names = manifest.outputs.map(({ name }) => name);
  if (asked.length === 0)
    return { id, outputs: names.map((name) => ({ name, isBinary: isBinaryByDefault })) };
  const outputs = asked.map((entry: unknown, i) => {
    const fields = objectOf(`outputs[${i}]`, entry);
    const name = textOf(`outputs[${i}].name`, fields.name);
    if (!names.includes(name)) {
      throw new ModelMismatchError(`outputs expected names of ${names.join(', ')}, got '${name}'`);
    }
    const own = flagOf('binary_data', objectOf(`outputs[${i}].parameters`, fields.parameters));
    return { name, isBinary: own ?? isBinaryByDefault };
  });
  if (new Set(outputs.map(({ name }) => name)).size === outputs.length) return { id, outputs };
  throw new WireError('outputs expected each name once, got one again');
}

function flagOf(name: string, parameters: JsonObject): boolean | undefined {
  const value = parameters[name];
  if (value === undefined || typeof value === 'boolean') return value;
  throw new WireError(`${name} expected true or false, got something else`);
}

/** Frames as they came, or made of plain tensors without a loss. */
function framesOf(tensors: readonly WireTensor[], { cut }: BundleManifest, backend: Backend): Uint8Array[] {
  const [first] = tensors;
  if (tensors.length === 1 && first.name === FRAMES_INPUT) return readFrames(first);
  const names = cut.map(({ name }) => name);
  const byName = new Map(tensors.map((tensor) => [tensor.name, tensor]));
  if (
    byName.size !== tensors.length ||
    byName.size !== cut.length ||
    !names.every((name) => byName.has(name))
  ) {
    const got = tensors.map(({ name }) => name).join(', ');
    throw new ModelMismatchError(`inputs expected ${FRAMES_INPUT}, or ${names.join(', ')}, got ${got}`);
  }
  return cut.map((spec) => {
    const tensor = readTensor(byName.get(spec.name)!);
    if (fitsSpec(tensor, spec)) return encodeFrame(tensor, { quantizer: { kind: 'none' }, backend });
    const expected = `${spec.dtype} [${spec.shape.join(', ')}]`;
    throw new ModelMismatchError(`'${spec.name}' expected ${expected}, got ${describe(tensor)}`);
  });
}

/** Their number the tail checks; what no message can hold is found here. */
function readFrames(tensor: WireTensor): Uint8Array[] {
  const frames = readByteStrings(tensor);
  const isMessage = frames.length >= 1 && frames.length <= 255 && frames.every(({ length }) => length > 0);
  if (isMessage) return frames;
  throw new ModelMismatchError(`${FRAMES_INPUT} expected 1 to 255 frames with bytes, got something else`);
}

/** What is no frame at all, the tail refuses. */
function isProfiled(frame: Uint8Array): boolean {
  try {
    return isBundledFrame(frame);
  } catch {
    return false;
  }
}

function describe({ dtype, shape }: Tensor): string {
  return `${dtype} [${shape.join(', ')}]`;
}
