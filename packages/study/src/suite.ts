/**
 * A suite file: which networks, cut where, on which data. JSON, unknown keys refused; file names are relative to the directory
 * of assets, or with `/` at the front absolute.
 */

import { readFile } from 'node:fs/promises';
import { z } from 'zod';

/** A suite, or what it names, is not as it should be. */
export class SuiteError extends Error {
  override readonly name = 'SuiteError';
}

const side = z.int().min(1).max(65_536);
const text = z.string().min(1).max(1000);
const part = z.enum(['calibration', 'test']);
const dataSource = z.discriminatedUnion('kind', [
  /** A folder, a `.npz` or a `.npy`; without labels only for networks that agree with the unsplit one. */
  z.strictObject({ kind: z.literal('path'), path: text, labels: z.enum(['needed', 'unread']).optional() }),
  /** Pictures with pictures of classes of the same names, for segmentation. */
  z.strictObject({ kind: z.literal('masked-pictures'), images: text, masks: text }),
  /** Bytes of pixels and of labels. */
  z.strictObject({
    kind: z.literal('raw-pictures'),
    images: text,
    labels: text,
    width: side,
    height: side,
    channels: z.union([z.literal(1), z.literal(3)]),
  }),
  /** Rendered prose; calibration and test come from different chapters. */
  z.strictObject({ kind: z.literal('text-lines'), split: part, count: side }),
  /** The same, every second line upside down; classes are 0 upright, 1 turned. */
  z.strictObject({ kind: z.literal('turned-lines'), split: part, count: side }),
  /** As Debian's package dataset-fashion-mnist installs it; calibration is its training part. */
  z.strictObject({ kind: z.literal('fashion-mnist'), split: part }),
]);

const preprocessing = z.strictObject({
  kind: z.literal('image'),
  input: text,
  channelOrder: z.enum(['RGB', 'BGR', 'gray']),
  height: side,
  width: side,
  fit: z.enum(['stretch', 'center-crop']),
  resizeShortSide: side.optional(),
  mean: z.array(z.number()).max(3),
  std: z.array(z.number().positive()).max(3),
});

const task = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('classification'), output: text }),
  z.strictObject({ kind: z.literal('segmentation'), output: text }),
  z.strictObject({
    kind: z.literal('detection'),
    output: text,
    boxes: text,
    minScore: z.number(),
    maxOverlap: z.number().min(0).max(1),
    background: z.int().min(0).optional(),
  }),
]);

const cuts = z.array(z.array(text).min(1)).min(1);
const network = z.strictObject({
  name: text,
  /** An ONNX file, or a network that brings preprocessing and task along: `npm:pp-ocr-recognizer`, `npm:pp-ocr-orientation`. */
  model: text,
  shape: z.record(text, z.array(z.int().min(1))).optional(),
  preprocessing: preprocessing.optional(),
  /** Without a task the metric is the agreement with the unsplit network. */
  task: task.optional(),
  /**
   * A linear probe in place of what follows the tensor, fitted to labeled samples of other data than those measured; its classes
   * are the task.
   */
  probe: z.strictObject({ tensor: text, data: text, samples: z.int().min(5) }).optional(),
  /** Answers are compared with those of the unsplit network, though there is a task; of data without labels always. */
  agreement: z.literal(true).optional(),
  /** Each a list of tensors. */
  cuts,
  /** Cuts of the quick form, possibly none; all by default. */
  quickCuts: z.array(z.array(text).min(1)).optional(),
  /** Names under `data`. */
  data: text,
  /** What methods design from; by default samples of `data` that are not measured. */
  calibrationData: text.optional(),
  /** Samples that are measured. */
  samples: z.strictObject({ quick: z.int().min(2), full: z.int().min(2) }),
});

const suiteSchema = z.strictObject({
  name: text,
  description: text,
  data: z.record(text, dataSource),
  networks: z.array(network).min(1),
});

/** A suite file's content. */
export type Suite = z.infer<typeof suiteSchema>;
/** A network of a suite. */
export type SuiteNetwork = Suite['networks'][number];
/** Where data of a suite come from. */
export type SuiteData = Suite['data'][string];

/** Reads a suite. @throws {SuiteError} if it is not JSON or not of this form; {Error} of the file system */
export async function readSuite(file: string): Promise<Suite> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw new SuiteError(`${file} expected JSON: ${cause.message}`, { cause });
  }
  return parseSuite(value, file);
}

/** Checks a suite. @param name - of its file, for messages @throws {SuiteError} */
export function parseSuite(value: unknown, name: string): Suite {
  const { data: suite, error } = suiteSchema.safeParse(value);
  if (error) {
    const [{ path, message }] = error.issues;
    throw new SuiteError(`${name} at ${path.join('.') || 'its root'}: ${message}`);
  }
  for (const { name: network, data, calibrationData = data, probe, task } of suite.networks) {
    if (probe && (task || probe.data === data))
      throw new SuiteError(
        `${name}: probe of ${network} expected no task and other data than ${data}, got ${task ? task.kind : probe.data}`,
      );
    for (const wanted of [data, calibrationData, probe?.data ?? data]) {
      if (!(wanted in suite.data))
        throw new SuiteError(
          `${name}: data of ${network} expected one of ${Object.keys(suite.data).join(', ')}, got ${wanted}`,
        );
    }
  }
  return suite;
}
