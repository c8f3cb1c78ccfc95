import { createLocalSession } from '@featherwire/inference/node';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildModel, int64s, op, weight } from '../../test/model-builder.js';
import { OnnxError } from '../errors.js';
import { inferShapes } from '../infer-shapes.js';
import type { ModelProto, NodeProto } from '../proto/onnx_pb.js';
import { splitModel } from '../split.js';
import { listCuts } from './single-cuts.js';

const sessions = createLocalSession;

/** A random graph: each node reads one to three of the values before it, now and then a weight, and makes one or two. */
const graphs = fc
  .record({
    inputCount: fc.integer({ min: 1, max: 2 }),
    reach: fc.integer({ min: 1, max: 4 }),
    picks: fc.array(fc.array(fc.nat(), { minLength: 1, maxLength: 3 }), { minLength: 2, maxLength: 14 }),
    kinds: fc.array(fc.constantFrom('data', 'data', 'data', 'data', 'twin', 'weight', 'shape'), {
      minLength: 14,
      maxLength: 14,
    }),
    outputs: fc.array(fc.nat(), { minLength: 1, maxLength: 2 }),
  })
  .map(({ inputCount, reach, picks, kinds, outputs }) => {
    const values = Array.from({ length: inputCount }, (_, i) => `in${i}`);
    const made: string[] = [];
    const nodes: NodeProto[] = picks.map((pick, i) => {
      const recent = values.slice(-reach);
      const reads = [...new Set(pick.map((value) => recent[value % recent.length]))];
      const names = kinds[i] === 'twin' ? [`n${i}`, `m${i}`] : [`n${i}`];
      values.push(...names);
      made.push(...names);
      if (kinds[i] === 'weight') return op('Made', ['w'], names);
      if (kinds[i] === 'shape') return op('Shape', [reads[0]], names);
      return op('Made', [...reads, ''], names);
    });
    const outputNames = [
      ...new Set([made[made.length - 1], ...outputs.map((pick) => made[pick % made.length])]),
    ];
    return buildModel({
      nodes,
      inputs: values.slice(0, inputCount).map((name) => ({ name, shape: ['N'] })),
      outputs: outputNames,
      weights: { w: weight(1) },
    });
  });

/**
 * Cuts by the definition: without the tensor no output is reached by data from an input, with it one is. Every shape is
 * [N] here, so that a cut of any tensor gives the shapes of all others.
 */
function cutsBySearch(model: ModelProto): string[] {
  const graph = model.graph!;
  const reached = (without: string | undefined): Set<string> => {
    const values = new Set(graph.input.map(({ name }) => name));
    for (const node of dataNodes(model)) {
      if (node.input.some((name) => values.has(name))) {
        for (const name of node.output) if (name !== without) values.add(name);
      }
    }
    return values;
  };
  const reachesOutput = (values: Set<string>): boolean => graph.output.some(({ name }) => values.has(name));
  const names = graph.node.flatMap(({ output }) => output);
  if (!reachesOutput(reached(undefined))) return [];
  return names.filter((name) => {
    if (reachesOutput(reached(name))) return false;
    // Something that follows from the tensor has to be left to compute.
    const after = new Set([name]);
    for (const node of dataNodes(model)) {
      if (node.input.some((read) => after.has(read))) for (const made of node.output) after.add(made);
    }
    return graph.output.some((output) => output.name !== name && after.has(output.name));
  });
}

function dataNodes(model: ModelProto): NodeProto[] {
  return model.graph!.node.filter(({ opType }) => opType !== 'Shape');
}

/** Declares every tensor as float32, so that a split does not fail for want of a type. */
function typed(model: ModelProto) {
  const { node, input } = model.graph!;
  const names = [...input.map(({ name }) => name), ...node.flatMap(({ output }) => output)];
  return new Map(names.map((name) => [name, { name, dtype: 'float32' as const, shape: ['N'] }]));
}

describe('listing cuts', () => {
  test('the sweep finds what a search by the definition finds, and splitModel accepts exactly these', () => {
    const property = fc.property(graphs, (model) => {
      const shapes = typed(model);
      const names = listCuts(model, { shapes }).map(({ name }) => name);
      expect(names).toEqual(cutsBySearch(model));
      const readsShapes = dataNodes(model).length < model.graph!.node.length;
      for (const { output } of model.graph!.node) {
        for (const name of output) {
          const accepted = splits(model, name, shapes);
          // splitModel also accepts tensors of which the tail needs no more than the shape, and shapes themselves.
          if (names.includes(name) || !readsShapes) expect(accepted, name).toBe(names.includes(name));
        }
      }
    });
    fc.assert(property, { numRuns: 400, seed: 20261121 });
  });

  test('a missing set completes the cut: with it splitModel goes through', () => {
    const property = fc.property(graphs, fc.nat(), (model, pick) => {
      const shapes = typed(model);
      const names = model.graph!.node.flatMap(({ output }) => output);
      const name = names[pick % names.length];
      try {
        splitModel(model, [name], { shapes });
      } catch (error) {
        if (!(error instanceof OnnxError)) throw error;
        if (error.code !== 'not-a-cut') return;
        expect(error.missing.length).toBeGreaterThan(0);
        expect(completed(model, [name, ...error.missing], shapes)).not.toBe('not-a-cut');
      }
    });
    fc.assert(property, { numRuns: 400, seed: 20261122 });
  });

  test('paths through shapes do not count where they are numbers or rebuilt from the cut tensor', async () => {
    const reshaped = (...shape: (string | number)[]) =>
      buildModel({
        nodes: [
          op('Relu', ['x'], 'a'),
          op('Shape', ['a'], 'dims'),
          op('Flatten', ['a'], 'b'),
          op('Neg', ['b'], 'c'),
          op('Reshape', ['c', 'dims'], 'd'),
          op('Exp', ['d'], 'y'),
        ],
        inputs: [{ name: 'x', shape }],
        outputs: ['y'],
      });
    const namesOf = async (model: ModelProto, inputShapes = {}) => {
      const shapes = await inferShapes(model, { sessions, inputShapes });
      return listCuts(model, { shapes }).map(({ name }) => name);
    };
    const both = reshaped('N', 3, 'W'); // b is [N, ?]: W is not in it
    expect(await namesOf(both)).toEqual(['a', 'd']);
    expect(await namesOf(both, { x: [2, 3, 4] })).toEqual(['a', 'b', 'c', 'd']);
    expect(await namesOf(reshaped('N', 3, 4))).toEqual(['a', 'b', 'c', 'd']);
  });

  test('each cut has its size and the cost of both sides; shared weights count on both', async () => {
    const model = buildModel({
      nodes: [
        op('MatMul', ['x', 'w1'], 'a'),
        op('Relu', ['a'], 'b'),
        op('MatMul', ['b', 'w2'], 'c'),
        op('MatMul', ['c', 'w2'], 'd'),
        op('Reshape', ['d', 'shape'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [2, 3] }],
      outputs: ['y'],
      weights: { w1: weight(3, 4), w2: weight(4, 4), shape: int64s(-1) },
    });
    const cuts = listCuts(model, { shapes: await inferShapes(model, { sessions }) });
    expect(cuts.map(({ name, elements, bytes }) => [name, elements, bytes])).toEqual([
      ['a', 8, 32],
      ['b', 8, 32],
      ['c', 8, 32],
      ['d', 8, 32],
    ]);
    expect(cuts.map(({ head }) => [head.macs, head.parameters])).toEqual([
      [24, 12],
      [24, 12],
      [56, 28],
      [88, 28],
    ]);
    expect(cuts.map(({ tail }) => [tail.macs, tail.parameters])).toEqual([
      [64, 16],
      [64, 16],
      [32, 16],
      [0, 0],
    ]);
  });

  test('noise that is drawn and read on one side of a tensor leaves it a cut', () => {
    const model = buildModel({
      nodes: [
        op('RandomNormal', [], 'early'),
        op('RandomNormal', [], 'late'),
        op('RandomNormal', [], 'both'),
        op('Add', ['x', 'early'], 'a'),
        op('Add', ['a', 'both'], 'b'),
        op('Relu', ['b'], 'c'),
        op('Add', ['c', 'both'], 'd'),
        op('Add', ['d', 'late'], 'e'),
        op('Relu', ['e'], 'y'),
      ],
      inputs: [{ name: 'x', shape: ['N'] }],
      outputs: ['y'],
    });
    const names = listCuts(model, { shapes: typed(model) }).map(({ name }) => name);
    expect(names).toEqual(['a', 'd', 'e']);
    for (const name of ['a', 'b', 'c', 'd', 'e']) {
      expect(splits(model, name, typed(model)), name).toBe(names.includes(name));
    }
  });

  test('a chain of 100,000 nodes is within reach: the sweep is linear and does not recurse', () => {
    const count = 100_000;
    const nodes = Array.from({ length: count }, (_, i) => op('Relu', [i === 0 ? 'x' : `n${i - 1}`], `n${i}`));
    const model = buildModel({ nodes, inputs: [{ name: 'x', shape: [1] }], outputs: [`n${count - 1}`] });
    expect(listCuts(model)).toHaveLength(count - 1);
    expect(splitModel(model, [`n${count / 2}`], { shapes: typed(model) }).head.graph!.node).toHaveLength(
      count / 2 + 1,
    );
  });
});

function splits(model: ModelProto, name: string, shapes: ReturnType<typeof typed>): boolean {
  return completed(model, [name], shapes) === 'none';
}

function completed(model: ModelProto, names: string[], shapes: ReturnType<typeof typed>): string {
  try {
    splitModel(model, names, { shapes });
    return 'none';
  } catch (error) {
    if (error instanceof OnnxError) return error.code;
    throw error;
  }
}
