/**
 * Model to bundle: split, prove that head and tail are the whole, write. The parts go to a temporary directory first,
 * from which they are proved and copied, so that weights outside the model need not fit into memory.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ImagePreprocessing, ModelIdentity, Task, TensorSpec } from '@featherwire/bundle';
import {
  type ManifestContent,
  type NodeBundle,
  type PartSource,
  writeBundle,
} from '@featherwire/bundle/node';
import type { TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import {
  appendArgMax,
  type GraphProto,
  graphOf,
  type ModelProto,
  modelCost,
  OnnxError,
  type SessionFactory,
  type ShapeTable,
  type SplitModel,
  splitModel,
  type TensorInfo,
  tensorInfoOf,
  type VerifyReport,
  verifySplit,
} from '@featherwire/onnx';
import { writeModel } from '@featherwire/onnx/node';
import type { LoadedModel } from './load-model.js';

/** An output whose scores are replaced by the index of the largest. */
export interface ArgMax {
  readonly output: string;
  readonly axis: number;
}

/** What goes into the bundle. */
export interface SplitPlan {
  /** The cut. */
  readonly tensors: readonly string[];
  readonly directory: string;
  readonly argMax?: ArgMax | undefined;
  readonly preprocessing?: ImagePreprocessing | undefined;
  readonly task?: Task | undefined;
  /** Put the uncut model into the bundle too; false by default. */
  readonly keepWhole?: boolean;
  /** Replace a bundle that is there; false by default. */
  readonly overwrite?: boolean;
  /** Random inputs of the proof, from 0; 3 by default. */
  readonly runs?: number;
  /** Inputs of the proof beside the random ones; none by default. */
  readonly inputs?: readonly TensorMap[];
  /** Name of the model in the manifest; that of its file by default. */
  readonly modelName?: string;
}

/** What runs beside the work. */
export interface SplitContext {
  /** Called when a stage begins, with a few words. */
  readonly onStage?: (label: string) => void;
  readonly signal?: AbortSignal;
}

/** What was written, and the proof. */
export interface SplitResult {
  readonly bundle: NodeBundle;
  readonly proof: VerifyReport;
}

/**
 * Splits a model and writes the bundle.
 * @throws {OnnxError} as `splitModel` and `verifySplit`; {BundleError} as `writeBundle`; nothing is written then
 */
export async function splitToBundle(
  loaded: LoadedModel,
  plan: SplitPlan,
  { onStage = () => {}, signal }: SplitContext = {},
): Promise<SplitResult> {
  const parts = splitModel(loaded.model, plan.tensors, { shapes: loaded.shapes });
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-split-'));
  try {
    onStage('prove that head and tail are the whole');
    const written = await writeProvenParts(loaded, parts, plan, {
      directory,
      sessions: sessionsUntil(signal),
    });
    signal?.throwIfAborted();
    onStage('write the bundle');
    const { head, tail, whole, proof } = written;
    const manifest = await manifestOf(loaded, parts, plan, written);
    const sources = { head: head.source, tail: tail.source, ...(plan.keepWhole && { whole: whole.source }) };
    const bundle = await writeBundle(
      plan.directory,
      { manifest, parts: sources },
      { overwrite: plan.overwrite ?? false },
    );
    return { bundle, proof };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

interface ProvenParts {
  readonly head: WrittenPart;
  readonly tail: WrittenPart;
  readonly whole: WrittenPart;
  /** Of the split itself, on scores. */
  readonly proof: VerifyReport;
}

/** Scores are what is proved: near a tie, rounding may change the index of the largest without the split being wrong. */
async function writeProvenParts(
  loaded: LoadedModel,
  parts: SplitModel,
  plan: SplitPlan,
  { directory, sessions }: { readonly directory: string; readonly sessions: SessionFactory },
): Promise<ProvenParts> {
  const writer: PartWriter = { directory, sourceDirectory: path.dirname(loaded.file), sizes: loaded.sizes };
  const whole = await writePart(writer, 'whole', loaded.model);
  const head = await writePart(writer, 'head', parts.head);
  const tail = await writePart(writer, 'tail', parts.tail);
  const { runs = 3, inputs = [], argMax } = plan;
  const proof = await verifySplit(whole.file, head.file, tail.file, { sessions, runs, inputs });
  if (!argMax) return { head, tail, whole, proof };
  const answering = {
    tail: await writePart(writer, 'tail', withArgMax(parts.tail, argMax, loaded.shapes)),
    whole: await writePart(writer, 'whole', withArgMax(loaded.model, argMax, loaded.shapes)),
  };
  // That both load, run, and answer in one form.
  const form = { sessions, runs, inputs, tolerance: Number.POSITIVE_INFINITY };
  await verifySplit(answering.whole.file, head.file, answering.tail.file, form);
  return { head, ...answering, proof };
}

async function manifestOf(
  { file, shapes }: LoadedModel,
  parts: SplitModel,
  { argMax, preprocessing, task, modelName }: SplitPlan,
  { proof }: ProvenParts,
): Promise<ManifestContent> {
  const { runs, maxRelativeError, tolerance } = proof;
  const tail = argMax ? withArgMax(parts.tail, argMax, shapes) : parts.tail;
  const specs = (values: GraphProto['input']): TensorSpec[] =>
    values.map((value) => specOf(tensorInfoOf(value), value.name, shapes));
  return {
    model: await identify(file, modelName),
    inputs: specs(graphOf(parts.head).input),
    cut: parts.cut.map((info) => specOf(info, info.name, shapes)),
    outputs: specs(graphOf(tail).output),
    ...(preprocessing && { preprocessing }),
    ...(task && { task }),
    operatingPoints: [],
    verification: { runs, maxRelativeError, tolerance },
  };
}

interface PartWriter {
  readonly directory: string;
  readonly sourceDirectory: string;
  readonly sizes: ShapeTable;
}

interface WrittenPart {
  readonly file: string;
  readonly source: PartSource;
}

async function writePart(writer: PartWriter, name: string, model: ModelProto): Promise<WrittenPart> {
  const { directory, sourceDirectory, sizes } = writer;
  const file = path.join(directory, `${name}.onnx`);
  const { externalData } = await writeModel(file, model, { sourceDirectory });
  const { macs, parameters } = modelCost(model, sizes);
  const files = externalData && [{ file: externalData.file, data: path.join(directory, externalData.file) }];
  return { file, source: { model: file, macs, parameters, ...(files && { externalData: files }) } };
}

/** Sessions in worker threads that start no run once the signal is raised. */
function sessionsUntil(signal: AbortSignal | undefined): SessionFactory {
  return async (model, options) => {
    const session = await createWorkerSession(model, options);
    return {
      inputs: session.inputs,
      outputs: session.outputs,
      async run(feeds) {
        signal?.throwIfAborted();
        return session.run(feeds);
      },
      close: () => session.close(),
    };
  };
}

function withArgMax(model: ModelProto, { output, axis }: ArgMax, shapes: ShapeTable): ModelProto {
  return appendArgMax(model, output, { axis, shapes });
}

/** What the manifest says of a tensor: inferred where it could be, else as declared. */
function specOf(declared: TensorInfo | undefined, name: string, shapes: ShapeTable): TensorSpec {
  const inferred = shapes.get(name);
  const dtype = inferred?.dtype ?? declared?.dtype;
  const shape = inferred?.shape ?? declared?.shape;
  if (!dtype || !shape) {
    throw new OnnxError('unknown-type', `tensor '${name}' expected a known type and rank, got none`);
  }
  return { name, dtype, shape };
}

async function identify(
  file: string,
  name = path.basename(file).replace(/\.onnx$/, ''),
): Promise<ModelIdentity> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  const { size } = await stat(file);
  return { name, sha256: hash.digest('hex'), bytes: size };
}
