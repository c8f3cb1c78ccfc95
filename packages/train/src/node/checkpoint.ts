/**
 * Checkpoints of a training run: one file, written beside its final name and then renamed, so that a run killed at any
 * moment leaves a whole one. A line of JSON, then the vectors of the state as little-endian float32: three, and a
 * fourth once parameters are averaged.
 */

import { createHash } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { serializeModel } from '@featherwire/onnx';
import { bytesOfData } from '@featherwire/tensor';
import { TrainError } from '../errors.js';
import type { TrainingSettings, TrainingState } from '../training/run-training.js';
import type { TrainingStep } from '../training/step.js';

const FORMAT = 'featherwire-checkpoint-2';
const LINE_END = 0x0a;

interface Header {
  readonly format: string;
  readonly run: string;
  readonly step: number;
  readonly parameterCount: number;
  readonly isAveraged: boolean;
  readonly sha256: string;
}

/**
 * What tells runs apart: everything that the course of a run follows from, but its data.
 * @param begin - the state before the first step
 */
export function identityOfRun(
  step: TrainingStep,
  { schedule, lambda, freeBits = 0, stepSizes, seed }: TrainingSettings,
  begin: TrainingState,
): string {
  const settings = JSON.stringify([
    schedule.stepCount,
    schedule.learningRate,
    schedule.warmUpSteps,
    schedule.roundedShare,
    schedule.averagedShare ?? 0,
    lambda,
    freeBits,
    stepSizes ? [stepSizes.smallest, stepSizes.largest] : null,
    seed,
  ]);
  return createHash('sha256')
    .update(serializeModel(step.model))
    .update(settings)
    .update(bytesOfData(begin.parameters))
    .digest('hex');
}

/** Writes a state. */
export async function writeCheckpoint(file: string, run: string, state: TrainingState): Promise<void> {
  const { average } = state;
  const vectors = [state.parameters, state.firstMoment, state.secondMoment, ...(average ? [average] : [])];
  const body = Buffer.concat(
    vectors.map(({ buffer, byteOffset, byteLength }) => Buffer.from(buffer, byteOffset, byteLength)),
  );
  const header: Header = {
    format: FORMAT,
    run,
    step: state.step,
    parameterCount: state.parameters.length,
    isAveraged: average !== undefined,
    sha256: createHash('sha256').update(body).digest('hex'),
  };
  const unfinished = `${file}.unfinished`;
  await writeFile(unfinished, Buffer.concat([Buffer.from(`${JSON.stringify(header)}\n`), body]));
  await rename(unfinished, file);
}

/**
 * Reads a state.
 * @returns undefined if there is no file
 * @throws {TrainError} `bad-checkpoint` if it is damaged or of another run
 */
export async function readCheckpoint(file: string, run: string): Promise<TrainingState | undefined> {
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return undefined;
    throw error;
  });
  if (!bytes) return undefined;
  const end = bytes.indexOf(LINE_END);
  const header = parseHeader(file, bytes.subarray(0, Math.max(0, end)).toString());
  if (header.run !== run) throw refused(file, 'of a run with other settings');
  const body = bytes.subarray(end + 1);
  const size = header.parameterCount * Float32Array.BYTES_PER_ELEMENT;
  const vectorCount = header.isAveraged ? 4 : 3;
  if (
    body.length !== vectorCount * size ||
    createHash('sha256').update(body).digest('hex') !== header.sha256
  ) {
    throw refused(file, 'damaged');
  }
  const vector = (position: number): Float32Array =>
    new Float32Array(Uint8Array.from(body.subarray(position * size, (position + 1) * size)).buffer);
  return {
    step: header.step,
    parameters: vector(0),
    firstMoment: vector(1),
    secondMoment: vector(2),
    ...(header.isAveraged && { average: vector(3) }),
  };
}

function parseHeader(file: string, line: string): Header {
  try {
    const header = JSON.parse(line) as Header;
    if (header.format === FORMAT) return header;
  } catch (cause) {
    throw refused(file, 'no checkpoint', cause);
  }
  throw refused(file, 'no checkpoint of this version');
}

function refused(file: string, what: string, cause?: unknown): TrainError {
  return new TrainError('bad-checkpoint', `checkpoint '${file}' is ${what}`, { cause });
}
