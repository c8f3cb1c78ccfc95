import type { TensorMap } from '@featherwire/inference';
import { createLocalSession } from '@featherwire/inference/node';
import { elementCount, tensor } from '@featherwire/tensor';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { buildGraph, buildModel, int64s, op, weight } from '../test/model-builder.js';
import { RANDOM_INPUT_SHAPES, randomModels } from '../test/random-graphs.js';
import { makeGraph } from './attributes.js';
import { controlFlowOf, inlineBranches } from './inline-branches.js';
import { withInputValues } from './input-values.js';
import { serializeModel } from './model.js';
import type { GraphProto, ModelProto } from './proto/onnx_pb.js';

const sessions = createLocalSession;
const yes = tensor('bool', [], Uint8Array.of(1));

function opTypes(model: ModelProto): string[] {
  return model.graph!.node.map(({ opType }) => opType);
}

function branches(then: GraphProto, otherwise: GraphProto) {
  return [makeGraph('then_branch', then), makeGraph('else_branch', otherwise)];
}

async function run(model: ModelProto, feeds: TensorMap): Promise<Record<string, number[]>> {
  const session = await sessions(serializeModel(model));
  try {
    const { outputs } = await session.run(feeds);
    return Object.fromEntries(
      Object.entries(outputs).map(([name, { data }]) => [name, Array.from(data, Number)]),
    );
  } finally {
    await session.close();
  }
}

const x = tensor('float32', [1, 4], Float32Array.of(1, -2, 3, -4));

/** A branch in a branch; names inside are those of the graph around, and of each other. */
function nested(condition: string) {
  const inner = buildGraph({
    nodes: [op('Neg', ['inside'], 'deep'), op('Add', ['deep', 'w'], 'out')],
    outputs: [{ name: 'out', shape: [1, 4] }],
    weights: { w: weight(1, 4) },
  });
  const plain = buildGraph({ nodes: [op('Exp', ['a'], 'out')], outputs: [{ name: 'out', shape: [1, 4] }] });
  const outer = buildGraph({
    nodes: [op('Relu', ['a'], 'inside'), op('If', [condition], 'result', branches(inner, plain))],
    outputs: [
      { name: 'result', shape: [1, 4] },
      { name: 'w', shape: [1, 4] },
    ],
    weights: { w: weight(1, 4) },
  });
  const other = buildGraph({
    nodes: ['p', 'q'].map((name) => op('Exp', ['a'], name)),
    outputs: ['p', 'q'].map((name) => ({ name, shape: [1, 4] })),
  });
  return op('If', [condition], ['y', 'constant'], branches(outer, other));
}

describe('inlining branches', () => {
  test('nested branches, captured values and weights given back keep their meaning', async () => {
    const model = buildModel({
      nodes: [op('Sin', ['x'], 'a'), nested('yes')],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['y', 'constant'],
      weights: { yes },
    });
    const inlined = await inlineBranches(model, { sessions });
    expect(opTypes(inlined)).not.toContain('If');
    expect(opTypes(inlined).filter((type) => type === 'Identity')).toHaveLength(1);
    expect(await run(inlined, { x })).toEqual(await run(model, { x }));
    expect(opTypes(model)).toEqual(['Sin', 'If']);
  });

  test('a condition may follow from static shapes; one that follows from an input is left', async () => {
    const conditional = (batch: number | string) =>
      buildModel({
        nodes: [
          op('Sin', ['x'], 'a'),
          op('Shape', ['a'], 'dims'),
          op('Size', ['dims'], 'rank'),
          op('Gather', ['dims', 'zero'], 'batch'),
          op('Equal', ['batch', 'one'], 'single'),
          nested('single'),
        ],
        inputs: [{ name: 'x', shape: [batch, 4] }],
        outputs: ['y'],
        weights: {
          zero: tensor('int64', [], BigInt64Array.of(0n)),
          one: tensor('int64', [], BigInt64Array.of(1n)),
        },
      });
    expect(opTypes(await inlineBranches(conditional(1), { sessions }))).not.toContain('If');
    const open = conditional('N');
    expect(await inlineBranches(open, { sessions })).toBe(open);
    expect(controlFlowOf(open)).toEqual([{ node: "If 'y'", conditionInputs: ['x'] }]);
  });

  test('an input of fixed value decides a branch', async () => {
    const model = buildModel({
      nodes: [op('Equal', ['rate', 'wanted'], 'fast'), op('Sin', ['x'], 'a'), nested('fast')],
      inputs: [
        { name: 'x', shape: [1, 4] },
        { name: 'rate', shape: [1], dtype: 'int64' },
      ],
      outputs: ['y'],
      weights: { wanted: int64s(16_000) },
    });
    for (const rate of [16_000, 8_000]) {
      const fixed = withInputValues(model, { rate: [rate] });
      expect(fixed.graph!.input.map(({ name }) => name)).toEqual(['x']);
      const inlined = await inlineBranches(fixed, { sessions });
      expect(opTypes(inlined)).not.toContain('If');
      const given = { x, rate: tensor('int64', [1], BigInt64Array.of(BigInt(rate))) };
      expect(await run(inlined, { x })).toEqual(await run(model, given));
    }
  });

  test('random models give the same with their constant branches inlined', async () => {
    let inlinedCount = 0;
    const property = fc.asyncProperty(randomModels({ min: 4, max: 10 }), async (model) => {
      const inlined = await inlineBranches(model, { sessions });
      if (inlined === model) return;
      inlinedCount++;
      const expected = await run(model, feedsOf(model));
      const actual = await run(inlined, feedsOf(model));
      expect(Object.keys(actual)).toEqual(Object.keys(expected));
      for (const [name, values] of Object.entries(expected)) {
        const scale = Math.max(1, ...values.map(Math.abs));
        const error = Math.max(...values.map((value, i) => Math.abs(value - actual[name][i])));
        expect(error / scale, name).toBeLessThan(1e-5);
      }
    });
    await fc.assert(property, { numRuns: 40, seed: 20261125 });
    expect(inlinedCount).toBeGreaterThan(10);
  });
});

/** Inputs of random models. */
function feedsOf(model: ModelProto): TensorMap {
  return Object.fromEntries(
    model.graph!.input.map(({ name }, i) => {
      const shape = RANDOM_INPUT_SHAPES[name];
      const data = Float32Array.from({ length: elementCount(shape) }, (_, at) => Math.sin(at * 1.3 + i));
      return [name, tensor('float32', shape, data)];
    }),
  );
}
