/**
 * The measured part: every way of reading the test lines, one line at a time, over the real connection. Nothing
 * else runs meanwhile on this side.
 */

import type { NodeBundle } from '@featherwire/bundle/node';
import { type Backend, decodeFrame, encodeFrame, type QuantizerChoice } from '@featherwire/codec';
import { encodePicture, type PictureCoding } from '@featherwire/eval';
import type { ModelSession, TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { createEdgeClient, type EdgeClient, type Transport } from '@featherwire/runtime';
import { bytesOfData, elementCount } from '@featherwire/tensor';
import { errorsOfAnswer, type TextLine } from './lines.js';
import type { Recognizer } from './recognizer.js';
import {
  type DemoRow,
  type LineMeasurement,
  measurementOfResult,
  type RowName,
  summarizeRow,
} from './rows.js';
import { DEVICE_ID } from './totals.js';

/** What all rows share. */
export interface MeasureOptions {
  readonly recognizer: Recognizer;
  readonly lines: readonly TextLine[];
  readonly warmUpLines: number;
  readonly transport: Transport;
  readonly backend: Backend;
  readonly onProgress: (done: number, total: number) => void;
}

/** Lines whose answers over the wire are compared with those computed without it. */
const WIRE_CHECK_LINES = 4;

/** The network run on the device alone. */
export async function measureOnDevice(options: MeasureOptions, whole: ModelSession): Promise<DemoRow> {
  const name = { id: DEVICE_ID, label: 'all on device', elements: 0, setting: '' };
  return measureRow(options, name, async (line) => {
    const started = performance.now();
    const { outputs } = await whole.run(line.inputs);
    const headMs = performance.now() - started;
    return {
      errors: errorsOfAnswer(line, outputs, options.recognizer),
      times: { headMs, encodeMs: 0, linkMs: 0, decodeMs: 0, tailMs: 0 },
      bytesSent: 0,
      bytesReceived: 0,
      payloadBytes: 0,
    };
  });
}

/** The picture sent, the network run on the server. */
export async function measurePicture(
  options: MeasureOptions,
  bundle: NodeBundle,
  coding: PictureCoding,
): Promise<DemoRow> {
  const { recognizer, transport, backend } = options;
  const client = createEdgeClient({ bundle, transport, backend });
  const { width, height } = options.lines[0].pixels;
  const quality = 'quality' in coding ? `quality ${coding.quality}` : 'lossless';
  const label = `send ${CODEC_NAMES[coding.codec]}`;
  const name = { id: coding.codec, label, elements: width * height, setting: quality };
  return measureRow(options, name, async (line) => {
    const { bytes, encodeMs } = await encodePicture(line.pixels, coding);
    const result = await client.sendPicture(bytes);
    return measurementOfResult(result, errorsOfAnswer(line, result.outputs, recognizer), encodeMs);
  });
}

const CODEC_NAMES: Readonly<Record<PictureCoding['codec'], string>> = {
  png: 'PNG',
  jpeg: 'JPEG',
  webp: 'WebP',
  'webp-lossless': 'WebP, lossless',
  avif: 'AVIF',
};

/** One way of coding the feature at a bundle's cut. */
export interface SplitCoding {
  readonly id: string;
  readonly label: string;
  readonly setting: string;
  readonly quantizer: QuantizerChoice;
}

/**
 * The split network at one cut, coded in several ways. For some lines of each way the answer is computed a second
 * time without the wire: a decoded frame put through a tail on this side.
 * @throws if an answer over the wire differs from that one
 */
export async function measureSplit(
  options: MeasureOptions,
  bundle: NodeBundle,
  codings: readonly SplitCoding[],
): Promise<DemoRow[]> {
  const { recognizer, transport, backend } = options;
  const head = await createWorkerSession(bundle.partPath('head'));
  const tail = await createWorkerSession(bundle.partPath('tail'));
  try {
    const client = createEdgeClient({ bundle, head, transport, backend });
    const cut = bundle.manifest.cut[0];
    const elements = elementCount(cut.shape.map(Number));
    const rows: DemoRow[] = [];
    for (const { quantizer, ...names } of codings) {
      const coding = { [cut.name]: quantizer };
      for (const line of options.lines.slice(0, WIRE_CHECK_LINES)) {
        await checkWire(client, line, coding, { head, tail, cut: cut.name, backend });
      }
      const row = await measureRow(options, { ...names, elements }, async (line) => {
        const result = await client.infer(line.inputs, { coding });
        return measurementOfResult(result, errorsOfAnswer(line, result.outputs, recognizer));
      });
      rows.push(row);
    }
    return rows;
  } finally {
    await Promise.all([head.close(), tail.close()]);
  }
}

interface LocalSplit {
  readonly head: ModelSession;
  readonly tail: ModelSession;
  readonly cut: string;
  readonly backend: Backend;
}

async function checkWire(
  client: EdgeClient,
  line: TextLine,
  coding: Readonly<Record<string, QuantizerChoice>>,
  { head, tail, cut, backend }: LocalSplit,
): Promise<void> {
  const { outputs: features } = await head.run(line.inputs);
  const frame = encodeFrame(features[cut], { quantizer: coding[cut], backend });
  const { outputs: expected } = await tail.run({ [cut]: decodeFrame(frame, { backend }) });
  const { outputs } = await client.infer(line.inputs, { coding });
  if (!answersEqual(expected, outputs)) {
    throw new Error(`the answer over the wire for '${line.text}' is not the one computed without it`);
  }
}

/** True if both hold the same bytes under the same names. */
export function answersEqual(a: TensorMap, b: TensorMap): boolean {
  const names = Object.keys(a);
  return (
    names.length === Object.keys(b).length &&
    names.every(
      (name) => name in b && Buffer.compare(bytesOfData(a[name].data), bytesOfData(b[name].data)) === 0,
    )
  );
}

async function measureRow(
  options: MeasureOptions,
  name: RowName,
  measureLine: (line: TextLine) => Promise<LineMeasurement>,
): Promise<DemoRow> {
  const { lines, warmUpLines, onProgress } = options;
  for (const line of lines.slice(0, warmUpLines)) await measureLine(line);
  const measurements: LineMeasurement[] = [];
  for (const line of lines) {
    measurements.push(await measureLine(line));
    onProgress(measurements.length, lines.length);
  }
  return summarizeRow(name, measurements);
}
