/**
 * The main job from beginning to end: cut a real network in two places, design operating points, start a server,
 * send real features over a real connection, and compare with all on the device and with sending the picture.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { loadBackend } from '@featherwire/codec';
import { createWorkerSession } from '@featherwire/inference/node';
import { createWebSocketTransport, type Transport } from '@featherwire/runtime';
import { WebSocket } from 'ws';
import { drawLines, type TextLines } from './lines.js';
import { type Matched, matchSettings, type PreparedCut } from './matching.js';
import { measureOnDevice, measurePicture, measureSplit, type SplitCoding } from './measure.js';
import type { ProgressReporter } from './progress.js';
import { loadRecognizer, writeRecognizerBundle } from './recognizer.js';
import type { DemoResult } from './result.js';
import type { DemoRow } from './rows.js';
import { CUTS, FULL_SIZE, QUICK_SIZE } from './scenario.js';
import { startServerProcess } from './server-process.js';
import type { Stages } from './stages.js';
import { computeTotals } from './totals.js';

/** How the demo is run. */
export interface DemoOptions {
  /** Fewer lines and settings; the same rows. */
  readonly quick: boolean;
  /**
   * Program and arguments that start a tail server; the bundles' directories are appended. It must listen on a
   * port of its own choice and print a line with its URL.
   */
  readonly serverCommand: readonly string[];
  readonly reporter: ProgressReporter;
  /** Called with what was measured while the server still runs; the demo ends when it does. */
  readonly beforeEnd?: (result: DemoResult, serverUrl: string) => Promise<void>;
  readonly signal?: AbortSignal;
}

/**
 * Runs the demo in a temporary directory, which is gone afterwards, whatever happens.
 * @throws the reason of `signal` when aborted; whatever a stage throws
 */
export async function runDemo(options: DemoOptions): Promise<DemoResult> {
  const directory = await mkdtemp(join(tmpdir(), 'featherwire-demo-'));
  const closers: (() => Promise<void>)[] = [() => rm(directory, { recursive: true, force: true })];
  try {
    return await runStages(options, directory, (close) => closers.push(close));
  } finally {
    for (const close of closers.reverse()) await close();
  }
}

/** What is to be undone at the end, last first. */
type OnClose = (close: () => Promise<void>) => void;

async function runStages(options: DemoOptions, directory: string, onClose: OnClose): Promise<DemoResult> {
  const startedAt = performance.now();
  const progress = progressOf(options);
  progress.begin('cutting PP-OCRv4 recognition in two places');
  const recognizer = await loadRecognizer();
  const size = options.quick ? QUICK_SIZE : FULL_SIZE;
  const stages: Stages = { ...progress, recognizer, size, backend: await loadBackend() };
  const prepared = await cutRecognizer(stages, directory);
  stages.begin('drawing text lines');
  const calibration = await drawLines('calibration', size.calibrationLines, recognizer.preprocessing);
  const test = await drawLines('test', size.testLines, recognizer.preprocessing);
  const matched = await matchSettings({ ...stages, prepared, calibration });
  const { transport, serverUrl } = await connect(stages, matched, options.serverCommand, onClose);
  const rows = await measureAll({ ...stages, ...matched, test, transport });
  const result: DemoResult = {
    network: matched.cuts[0].bundle.manifest.model,
    data: { test: test.description, calibration: calibration.description },
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      node: process.version,
    },
    backend: stages.backend.name,
    quick: options.quick,
    seconds: (performance.now() - startedAt) / 1000,
    rows,
    totals: computeTotals(rows),
  };
  await options.beforeEnd?.(result, serverUrl);
  return result;
}

function progressOf({ reporter, signal }: DemoOptions): Pick<Stages, 'begin' | 'onProgress'> {
  return {
    begin(label) {
      signal?.throwIfAborted();
      reporter.stage(label);
    },
    onProgress(done, total) {
      signal?.throwIfAborted();
      reporter.progress(done, total);
    },
  };
}

async function cutRecognizer(stages: Stages, directory: string): Promise<PreparedCut[]> {
  const prepared: PreparedCut[] = [];
  for (const choice of CUTS) {
    const target = join(directory, choice.label);
    prepared.push({ choice, bundle: await writeRecognizerBundle(stages.recognizer, choice.tensor, target) });
    stages.onProgress(prepared.length, CUTS.length);
  }
  return prepared;
}

/** Starts the server in a process of its own and opens the connection to it. */
async function connect(
  stages: Stages,
  { cuts }: Matched,
  serverCommand: readonly string[],
  onClose: OnClose,
): Promise<{ readonly transport: Transport; readonly serverUrl: string }> {
  stages.begin('starting the server');
  const directories = cuts.map(({ bundle }) => bundle.directory);
  const server = await startServerProcess([...serverCommand, ...directories]);
  onClose(() => server.stop());
  const url = `${server.url.replace(/^http/, 'ws')}/v1/stream`;
  const transport = createWebSocketTransport({ url, WebSocket });
  onClose(() => transport.close());
  return { transport, serverUrl: server.url };
}

interface MeasureAllOptions extends Stages, Matched {
  readonly test: TextLines;
  readonly transport: Transport;
}

async function measureAll(options: MeasureAllOptions): Promise<DemoRow[]> {
  const { cuts, recognizer, test, size, backend, transport, begin, onProgress } = options;
  const { warmUpLines } = size;
  const shared = { recognizer, lines: test.lines, warmUpLines, transport, backend, onProgress };
  const [{ bundle }] = cuts;
  begin('reading test lines on the device');
  const whole = await createWorkerSession(bundle.partPath('whole'));
  const rows: DemoRow[] = [];
  try {
    rows.push(await measureOnDevice(shared, whole));
  } finally {
    await whole.close();
  }
  for (const coding of [
    { codec: 'png' },
    { codec: 'jpeg', quality: options.jpegQuality },
    { codec: 'webp', quality: options.webpQuality },
  ] as const) {
    begin(`sending pictures as ${coding.codec.toUpperCase()}`);
    rows.push(await measurePicture(shared, bundle, coding));
  }
  for (const cut of cuts) {
    begin(`running the split network at the ${cut.choice.label} cut`);
    rows.push(...(await measureSplit(shared, cut.bundle, splitCodings(cut))));
  }
  return rows;
}

/** Raw float32, then the bundle's operating points. */
function splitCodings({ choice, bundle }: PreparedCut): SplitCoding[] {
  const raw: SplitCoding = {
    id: `${choice.label}/raw`,
    label: `split ${choice.label}, raw float32`,
    setting: '',
    quantizer: { kind: 'none' },
  };
  const points = bundle.manifest.operatingPoints.flatMap((point) =>
    point.kind === 'described' ? [point] : [],
  );
  const codings = points.map(({ id, coding: [{ quantizer }] }) => ({
    id: `${choice.label}/${id}`,
    label: `split ${choice.label}, featherwire ${id}`,
    setting: quantizer.kind === 'uniform' ? `${quantizer.levelCount} levels` : quantizer.kind,
    quantizer,
  }));
  return [raw, ...codings];
}
