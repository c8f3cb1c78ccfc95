/**
 * The main job from beginning to end: cut a real network in two places, design operating points, start a server,
 * send real features over a real connection, and compare with all on the device and with sending the picture.
 */

import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { addOperatingPoints, type NodeBundle } from '@featherwire/bundle/node';
import { type Backend, loadBackend } from '@featherwire/codec';
import { pooledRatio } from '@featherwire/eval';
import type { ModelSession } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { createWebSocketTransport, type Transport } from '@featherwire/runtime';
import { WebSocket } from 'ws';
import { designOperatingPoints } from './calibration.js';
import { drawLines, errorsOfAnswer, type TextLines } from './lines.js';
import { measureOnDevice, measurePicture, measureSplit, type SplitCoding } from './measure.js';
import { mapOnWorkers } from './parallel.js';
import { matchPictureQuality } from './pictures.js';
import type { ProgressReporter } from './progress.js';
import { loadRecognizer, type Recognizer, writeRecognizerBundle } from './recognizer.js';
import type { DemoResult } from './result.js';
import type { DemoRow } from './rows.js';
import {
  CUTS,
  type CutChoice,
  type DemoSize,
  FULL_SIZE,
  PICTURE_ALLOWED_LOSS,
  QUICK_SIZE,
} from './scenario.js';
import { type ServerProcess, startServerProcess } from './server-process.js';
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

interface PreparedCut {
  readonly choice: CutChoice;
  readonly bundle: NodeBundle;
}

async function runStages(
  options: DemoOptions,
  directory: string,
  onClose: (close: () => Promise<void>) => void,
): Promise<DemoResult> {
  const { reporter } = options;
  const size = options.quick ? QUICK_SIZE : FULL_SIZE;
  const startedAt = performance.now();
  const backend = await loadBackend();
  const begin = (label: string): void => {
    options.signal?.throwIfAborted();
    reporter.stage(label);
  };
  const onProgress = (done: number, total: number): void => {
    options.signal?.throwIfAborted();
    reporter.progress(done, total);
  };

  begin('cutting PP-OCRv4 recognition in two places');
  const recognizer = await loadRecognizer();
  const prepared: PreparedCut[] = [];
  for (const choice of CUTS) {
    prepared.push({
      choice,
      bundle: await writeRecognizerBundle(recognizer, choice.tensor, join(directory, choice.label)),
    });
    onProgress(prepared.length, CUTS.length);
  }
  const preprocessing = prepared[0].bundle.manifest.preprocessing;
  if (!preprocessing) throw new TypeError('preprocessing expected in the bundle, got none');

  begin('drawing text lines');
  const calibration = await drawLines('calibration', size.calibrationLines, preprocessing);
  const test = await drawLines('test', size.testLines, preprocessing);

  const matched = await calibrate({ prepared, recognizer, calibration, size, backend, begin, onProgress });

  begin('starting the server');
  const server = await startServerProcess([
    ...options.serverCommand,
    ...matched.cuts.map(({ bundle }) => bundle.directory),
  ]);
  onClose(() => server.stop());
  const transport = openTransport(server);
  onClose(() => transport.close());

  const rows = await measureAll({
    ...matched,
    recognizer,
    test,
    size,
    backend,
    transport,
    begin,
    onProgress,
  });
  return {
    network: matched.cuts[0].bundle.manifest.model,
    data: { test: test.description, calibration: calibration.description },
    machine: {
      processor: cpus()[0]?.model.trim() ?? 'unknown',
      cores: availableParallelism(),
      node: process.version,
    },
    backend: backend.name,
    quick: options.quick,
    seconds: (performance.now() - startedAt) / 1000,
    rows,
    totals: computeTotals(rows),
  };
}

function openTransport(server: ServerProcess): Transport {
  return createWebSocketTransport({ url: `${server.url.replace(/^http/, 'ws')}/v1/stream`, WebSocket });
}

interface Stages {
  readonly recognizer: Recognizer;
  readonly size: DemoSize;
  readonly backend: Backend;
  readonly begin: (label: string) => void;
  readonly onProgress: (done: number, total: number) => void;
}

interface CalibrateOptions extends Stages {
  readonly prepared: readonly PreparedCut[];
  readonly calibration: TextLines;
}

interface Matched {
  readonly cuts: readonly PreparedCut[];
  readonly jpegQuality: number;
  readonly webpQuality: number;
}

/** Operating points and picture qualities, all from the calibration lines and by the same rule. */
async function calibrate(options: CalibrateOptions): Promise<Matched> {
  const { prepared, recognizer, calibration, size, backend, begin, onProgress } = options;
  const { lines, description } = calibration;
  begin('reading calibration lines with the whole network');
  const wholes = await openSessions(prepared[0].bundle.partPath('whole'));
  try {
    const answers = await mapOnWorkers(
      wholes,
      lines,
      async (whole, line) => errorsOfAnswer(line, (await whole.run(line.inputs)).outputs, recognizer),
      (done) => onProgress(done, lines.length),
    );
    const unsplitErrorRate = pooledRatio(answers);
    const cuts: PreparedCut[] = [];
    for (const { choice, bundle } of prepared) {
      begin(`designing operating points at the ${choice.label} cut`);
      const heads = await openSessions(bundle.partPath('head'));
      const tails = await openSessions(bundle.partPath('tail'));
      try {
        const points = await designOperatingPoints({
          ...{ bundle, recognizer, lines, description, heads, tails },
          ...{ unsplitErrorRate, size, backend, onProgress },
        });
        cuts.push({ choice, bundle: await addOperatingPoints(bundle.directory, points) });
      } finally {
        await closeAll([...heads, ...tails]);
      }
    }
    const match = async (codec: 'jpeg' | 'webp'): Promise<number> => {
      begin(`matching ${codec === 'jpeg' ? 'JPEG' : 'WebP'} quality to the same accuracy`);
      const preprocessing = prepared[0].bundle.manifest.preprocessing;
      if (!preprocessing) throw new TypeError('preprocessing expected in the bundle, got none');
      const targetErrorRate = unsplitErrorRate + PICTURE_ALLOWED_LOSS;
      const { pictureQualities: qualities } = size;
      const { quality } = await matchPictureQuality({
        ...{ codec, lines, recognizer, preprocessing, wholes, targetErrorRate, qualities },
      });
      return quality;
    };
    return { cuts, jpegQuality: await match('jpeg'), webpQuality: await match('webp') };
  } finally {
    await closeAll(wholes);
  }
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
  const points = bundle.manifest.operatingPoints.map(({ id, coding: [{ quantizer }] }) => ({
    id: `${choice.label}/${id}`,
    label: `split ${choice.label}, featherwire ${id}`,
    setting: quantizer.kind === 'uniform' ? `${quantizer.levelCount} levels` : quantizer.kind,
    quantizer,
  }));
  return [raw, ...points];
}

async function openSessions(path: string): Promise<ModelSession[]> {
  return Promise.all(Array.from({ length: availableParallelism() }, () => createWorkerSession(path)));
}

async function closeAll(sessions: readonly ModelSession[]): Promise<void> {
  await Promise.all(sessions.map((session) => session.close()));
}
