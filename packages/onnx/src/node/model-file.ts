/**
 * Models as files. Weights outside the model stay on disk while it is worked on; writing brings them along. Small
 * models are written as one file; above a size, weights go to one file beside the model, copied slice by slice.
 */

import { open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { clearField, create } from '@bufbuild/protobuf';
import { bytesOfData } from '@featherwire/tensor';
import { bodiesOf } from '../attributes.js';
import { OnnxError } from '../errors.js';
import {
  FREE_INITIALIZERS_IR_VERSION,
  graphOf,
  MAX_MODEL_BYTES,
  parseModel,
  serializeModel,
  withFields,
} from '../model.js';
import {
  type GraphProto,
  type ModelProto,
  StringStringEntryProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
  TensorProtoSchema,
} from '../proto/onnx_pb.js';
import { isExternal, tensorFromProto, weightBytes, weightOfConstant } from '../weights.js';
import { copySlice, type ExternalSlice, locateSlice, readSlice, writeFully } from './external-slices.js';

/** Weights of a model are written beside it when they take more than this together. */
export const DEFAULT_EXTERNAL_ABOVE_BYTES = 2 ** 28;

/** Weights below this stay in the model in any case: shapes, scales and the like. */
const MIN_EXTERNAL_BYTES = 1024;

/** Weights begin at multiples of this, so that an engine can map them into memory. */
const ALIGNMENT_BYTES = 4096;

/** How a model is written. */
export interface WriteModelOptions {
  /** Directory of the model that the weights came from; needed if some are external. */
  readonly sourceDirectory?: string;
  /** Bytes of weights above which they are written beside the model. Default `DEFAULT_EXTERNAL_ABOVE_BYTES`. */
  readonly externalAboveBytes?: number;
}

/** What was written. */
export interface WrittenModel {
  /** Size of the model file. */
  readonly bytes: number;
  /** The file of weights beside it, if there is one. */
  readonly externalData: { readonly file: string; readonly bytes: number } | undefined;
}

/**
 * Reads a model file. External weights stay where they are; their references are checked.
 * @throws {OnnxError} `invalid-protobuf`, `invalid-model`; `external-data` if a file of weights is missing, too short
 *   or outside the model's directory; `too-large` for files over 2 GiB
 * @throws {Error} of the file system if the model itself cannot be read
 */
export async function readModel(file: string): Promise<ModelProto> {
  const { size } = await stat(file);
  if (size > MAX_MODEL_BYTES) {
    throw new OnnxError(
      'too-large',
      `model '${file}' expected at most ${MAX_MODEL_BYTES} bytes, got ${size}`,
    );
  }
  const model = parseModel(await readFile(file));
  const directory = path.dirname(file);
  for (const weight of graphOf(model).initializer)
    if (isExternal(weight)) await locateSlice(weight, directory);
  return model;
}

/**
 * Writes a model: under a temporary name first, so that nothing half-written has the final name.
 * @param file - path of the model; weights go to `<file>.data` if they are written beside it
 * @throws {OnnxError} `external-data`, `too-large`
 * @throws {Error} of the file system
 */
export async function writeModel(
  file: string,
  model: ModelProto,
  options: WriteModelOptions = {},
): Promise<WrittenModel> {
  const { sourceDirectory, externalAboveBytes = DEFAULT_EXTERNAL_ABOVE_BYTES } = options;
  const promoted = promoteConstants(model);
  const sources = await weightSources(promoted, sourceDirectory);
  const total = sources.reduce((sum, source) => sum + source.bytes, 0);
  if (total > externalAboveBytes) return writeWithData(file, promoted, sources);
  const whole = sources.some(({ slice }) => slice) ? await inlineWeights(promoted, sources) : model;
  const bytes = serializeModel(whole);
  await replaceFiles([[file, (temporary) => writeFile(temporary, bytes)]]);
  return { bytes: bytes.byteLength, externalData: undefined };
}

/** An initializer's bytes: in memory, or a slice of a file. */
interface WeightSource {
  readonly weight: TensorProto;
  readonly bytes: number;
  readonly slice: ExternalSlice | undefined;
}

async function weightSources(model: ModelProto, directory: string | undefined): Promise<WeightSource[]> {
  const graph = graphOf(model);
  if (graph.node.flatMap(bodiesOf).some(holdsExternal)) {
    throw new OnnxError('external-data', 'a body of If, Loop or Scan keeps weights outside the model');
  }
  const sources: WeightSource[] = [];
  for (const weight of graph.initializer) {
    if (!isExternal(weight)) {
      sources.push({ weight, bytes: inlineBytes(weight), slice: undefined });
      continue;
    }
    if (directory === undefined) {
      throw new OnnxError(
        'external-data',
        `weight '${weight.name}' is external: sourceDirectory expected, got none`,
      );
    }
    const slice = await locateSlice(weight, directory);
    sources.push({ weight, bytes: slice.length, slice });
  }
  return sources;
}

function holdsExternal(body: GraphProto): boolean {
  return body.initializer.some(isExternal) || body.node.flatMap(bodiesOf).some(holdsExternal);
}

/** Bytes of an inline weight as they would be written; 0 for types that stay in the model as they are. */
function inlineBytes(weight: TensorProto): number {
  return weight.rawData.byteLength > 0 ? weight.rawData.byteLength : (weightBytes(weight) ?? 0);
}

function rawBytes(weight: TensorProto): Uint8Array {
  return weight.rawData.byteLength > 0 ? weight.rawData : bytesOfData(tensorFromProto(weight).data);
}

/** The model with large tensors of Constant nodes as initializers, the one place where weights may be external. */
function promoteConstants(model: ModelProto): ModelProto {
  const graph = graphOf(model);
  const promoted = new Map<string, TensorProto>();
  for (const node of graph.node) {
    const weight = weightOfConstant(node);
    if (weight && (isExternal(weight) || weight.rawData.byteLength >= MIN_EXTERNAL_BYTES))
      promoted.set(weight.name, weight);
  }
  if (promoted.size === 0) return model;
  return withFields(model, {
    irVersion:
      model.irVersion < FREE_INITIALIZERS_IR_VERSION ? FREE_INITIALIZERS_IR_VERSION : model.irVersion,
    graph: withFields(graph, {
      node: graph.node.filter(({ output }) => !promoted.has(output[0])),
      initializer: [...graph.initializer, ...promoted.values()],
    }),
  });
}

async function inlineWeights(model: ModelProto, sources: readonly WeightSource[]): Promise<ModelProto> {
  const initializer: TensorProto[] = [];
  for (const { weight, slice } of sources) {
    initializer.push(
      slice
        ? withFields(weight, {
            rawData: await readSlice(slice),
            externalData: [],
            dataLocation: TensorProto_DataLocation.DEFAULT,
          })
        : weight,
    );
  }
  return withFields(model, { graph: withFields(graphOf(model), { initializer }) });
}

async function writeWithData(
  file: string,
  model: ModelProto,
  sources: readonly WeightSource[],
): Promise<WrittenModel> {
  const dataFile = `${file}.data`;
  const location = path.basename(dataFile);
  const { initializer, places, end } = placeWeights(sources, location);
  const bytes = serializeModel(withFields(model, { graph: withFields(graphOf(model), { initializer }) }));
  await replaceFiles([
    [dataFile, (temporary) => writeWeights(temporary, places)],
    [file, (temporary) => writeFile(temporary, bytes)],
  ]);
  return { bytes: bytes.byteLength, externalData: { file: location, bytes: end } };
}

/** A weight and where it goes in the file of weights. */
interface Place {
  readonly source: WeightSource;
  readonly offset: number;
}

/** Lays the weights out one after another; small ones stay in the model. */
function placeWeights(
  sources: readonly WeightSource[],
  location: string,
): { initializer: TensorProto[]; places: Place[]; end: number } {
  const places: Place[] = [];
  let end = 0;
  const initializer = sources.map((source) => {
    if (source.bytes < MIN_EXTERNAL_BYTES && !source.slice) return source.weight;
    const offset = Math.ceil(end / ALIGNMENT_BYTES) * ALIGNMENT_BYTES;
    places.push({ source, offset });
    end = offset + source.bytes;
    return referenceTo(source, location, offset);
  });
  return { initializer, places, end };
}

async function writeWeights(file: string, places: readonly Place[]): Promise<void> {
  const target = await open(file, 'w');
  try {
    let end = 0;
    for (const { source, offset } of places) {
      await writeFully(target, new Uint8Array(offset - end));
      if (source.slice) await copySlice(source.slice, target);
      else await writeFully(target, rawBytes(source.weight));
      end = offset + source.bytes;
    }
  } finally {
    await target.close();
  }
}

function referenceTo({ weight, bytes }: WeightSource, location: string, offset: number): TensorProto {
  const entries = { location, offset: String(offset), length: String(bytes) };
  const reference = withFields(weight, {
    floatData: [],
    int32Data: [],
    int64Data: [],
    doubleData: [],
    uint64Data: [],
    dataLocation: TensorProto_DataLocation.EXTERNAL,
    externalData: Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    ),
  });
  // An empty field would still be a field, and a reference must not carry one.
  clearField(reference, TensorProtoSchema.field.rawData);
  return reference;
}

/**
 * Fills a temporary file beside each file, and gives them their names once all are complete; a failure before that
 * leaves nothing behind.
 */
async function replaceFiles(
  writes: readonly (readonly [file: string, write: (temporary: string) => Promise<void>])[],
): Promise<void> {
  const temporaryOf = (file: string): string => `${file}.${process.pid}.partial`;
  try {
    for (const [file, write] of writes) await write(temporaryOf(file));
    for (const [file] of writes) await rename(temporaryOf(file), file);
  } catch (error) {
    for (const [file] of writes) await rm(temporaryOf(file), { force: true });
    throw error;
  }
}
