/** Cut sets of random models: against trying all heads, and by running head and tail of what is proposed. */

import { createLocalSession } from '@featherwire/inference/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type CutSet, listCutSets } from '../src/cuts/cut-sets.js';
import { listCuts } from '../src/cuts/single-cuts.js';
import { inferShapes } from '../src/infer-shapes.js';
import type { ModelProto } from '../src/proto/onnx_pb.js';
import { splitModel } from '../src/split.js';
import { staticBytes } from '../src/value-info.js';
import { verifySplit } from '../src/verify.js';
import { searchCuts } from './cut-sets-search.js';
import { RANDOM_INPUT_SHAPES, randomModels } from './random-graphs.js';

const sessions = createLocalSession;
const MANY = 64;

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

describe('cut sets of random models', () => {
  test('are those that trying all heads finds, and splitModel takes them', async () => {
    let sets = 0;
    let heads = 0;
    const property = fc.asyncProperty(randomModels({ min: 5, max: 11 }), async (model) => {
      const { shapes, sizes } = await tablesOf(model);
      const searched = searchCuts(model, (name) => staticBytes(sizes.get(name)!)!);
      const all = listCutSets(model, { shapes, sizes, maxTensors: MANY });
      expect(all.refused).toEqual([]);
      const costs = all.sets.map((set) => [dataBytes(set), dataOf(set).length]);
      for (const [name, { byBytes }] of searched.tensors) {
        const among = all.sets.filter((set) => dataOf(set).some((tensor) => tensor.name === name));
        expect(
          among.map((set) => [dataBytes(set), dataOf(set).length]),
          name,
        ).toContainEqual(byBytes);
      }
      for (const [i, set] of all.sets.entries()) {
        const best = dataOf(set).map(({ name }) => searched.tensors.get(name)?.byBytes);
        expect(best).toContainEqual(costs[i]);
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
