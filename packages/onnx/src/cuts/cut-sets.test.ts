import { createLocalSession } from '@featherwire/inference/node';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { buildGraph, buildModel, int64s, op, weight } from '../../test/model-builder.js';
import { makeGraph, makeInt, makeInts } from '../attributes.js';
import { inferShapes } from '../infer-shapes.js';
import type { InputShapes } from '../input-shapes.js';
import type { ModelProto } from '../proto/onnx_pb.js';
import { splitModel } from '../split.js';
import { verifySplit } from '../verify.js';
import { type CutSet, type ListCutSetsOptions, listCutSets } from './cut-sets.js';
import { HEAD_WORK_AND_BYTES, lastOfEqualSets, unbeatenSets, WORK_AND_BYTES } from './dominance.js';

const sessions = createLocalSession;

async function listed(model: ModelProto, options: ListCutSetsOptions = {}) {
  return listCutSets(model, { shapes: await inferShapes(model, { sessions }), ...options });
}

function namesOf(sets: readonly CutSet[]): string[] {
  return sets.map(({ tensors }) => tensors.map(({ name }) => name).join(' '));
}

async function proveAll(
  model: ModelProto,
  sets: readonly CutSet[],
  inputShapes: InputShapes = {},
): Promise<void> {
  const shapes = await inferShapes(model, { sessions });
  for (const { tensors } of sets) {
    const { head, tail } = splitModel(
      model,
      tensors.map(({ name }) => name),
      { shapes },
    );
    await verifySplit(model, head, tail, { sessions, runs: 1, inputShapes });
  }
}

/** Two levels down and up again, with a skip across: x → a → b → c → d, and d with a → y. */
const unet = buildModel({
  nodes: [
    op('MatMul', ['x', 'w8'], 'a'),
    op('MatMul', ['a', 'w2'], 'b'),
    op('Tanh', ['b'], 'c'),
    op('MatMul', ['c', 'w8up'], 'd'),
    op('Concat', ['a', 'd'], 'e', [makeInt('axis', 1)]),
    op('MatMul', ['e', 'out'], 'y'),
  ],
  inputs: [{ name: 'x', shape: [1, 4] }],
  outputs: ['y'],
  weights: { w8: weight(4, 8), w2: weight(8, 2), w8up: weight(2, 8), out: weight(16, 1) },
});

describe('cut sets', () => {
  test('a skip crosses with each tensor that it passes by', async () => {
    const { sets, refused } = await listed(unet);
    expect(namesOf(sets)).toEqual(['a', 'a b', 'a c', 'a d', 'e']);
    expect(refused).toEqual([]);
    expect(sets.map(({ bytes }) => bytes)).toEqual([32, 40, 40, 64, 64]);
    expect(sets[2]).toMatchObject({
      elements: 10,
      head: { macs: 48, parameters: 48 },
      tail: { macs: 32, parameters: 32 },
    });
    await proveAll(unet, sets);
  });

  test('tensors that would take more than the limit are refused with what they take', async () => {
    const { sets, refused } = await listed(unet, { maxTensors: 1 });
    expect(namesOf(sets)).toEqual(['a', 'e']);
    expect(refused.map(({ name }) => name)).toEqual(['b', 'c', 'd']);
    expect(refused[0]).toEqual({
      name: 'b',
      node: "MatMul 'b'",
      reason: 'too-many-tensors',
      tensors: ['a', 'b'],
    });
    expect(() => listCutSets(unet, { maxTensors: 0 })).toThrow(RangeError);
  });

  test('a tensor crosses where the other branch is smallest', async () => {
    // The pyramid's side branch narrows from 8 to 1: p and q cross with its narrow end, whatever their order.
    const model = buildModel({
      nodes: [
        op('MatMul', ['x', 'w8'], 'a'),
        op('Tanh', ['a'], 'p'),
        op('Sin', ['p'], 'q'),
        op('Neg', ['a'], 'side'),
        op('MatMul', ['side', 'w1'], 'narrow'),
        op('Mul', ['q', 'narrow'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['y'],
      weights: { w8: weight(4, 8), w1: weight(8, 1) },
    });
    const { sets } = await listed(model);
    expect(namesOf(sets)).toEqual(['a', 'a side', 'a narrow', 'p narrow', 'q narrow']);
    await proveAll(model, sets);
  });

  test('an input that the tail reads is sent as it is', async () => {
    const model = buildModel({
      nodes: [op('Tanh', ['x'], 'a'), op('Sin', ['a'], 'b'), op('Add', ['b', 'scale'], 'y')],
      inputs: [
        { name: 'x', shape: [1, 4] },
        { name: 'scale', shape: [1, 1] },
      ],
      outputs: ['y'],
    });
    const { sets } = await listed(model);
    expect(namesOf(sets)).toEqual(['scale a', 'scale b']);
    await proveAll(model, sets);
  });

  test('a graph output that the head makes crosses too', async () => {
    const model = buildModel({
      nodes: [
        op('Tanh', ['x'], 'a'),
        op('MatMul', ['a', 'w'], 'early'),
        op('Sin', ['a'], 'b'),
        op('Neg', ['b'], 'late'),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['early', 'late'],
      weights: { w: weight(4, 1) },
    });
    const { sets } = await listed(model);
    expect(namesOf(sets)).toEqual(['a', 'early b']);
    await proveAll(model, sets);
  });

  test('eight-bit tensors before they are dequantized, and float tensors after, each with its size', async () => {
    const quantized = (from: string, to: string) => [
      op('QuantizeLinear', [from, 'scale', 'zero'], `${to}_q`),
      op('DequantizeLinear', [`${to}_q`, 'scale', 'zero'], to),
    ];
    const model = buildModel({
      nodes: [
        op('MatMul', ['x', 'w'], 'a'),
        ...quantized('a', 'b'),
        op('Sin', ['b'], 'c'),
        ...quantized('c', 'd'),
        op('Add', ['b', 'd'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['y'],
      weights: {
        w: weight(4, 8),
        scale: tensor('float32', [], Float32Array.of(0.01)),
        zero: tensor('int8', [], Int8Array.of(0)),
      },
    });
    const { sets } = await listed(model);
    // Beside c and d the skip crosses as bytes, since b follows from b_q without more.
    expect(namesOf(sets)).toEqual(['a', 'b_q', 'b', 'b c', 'b d_q', 'b d']);
    expect(sets[1]).toMatchObject({ bytes: 8, tensors: [{ tensor: { dtype: 'int8' } }] });
    expect(sets[2]).toMatchObject({ bytes: 32, tensors: [{ tensor: { dtype: 'float32' } }] });
    await proveAll(model, sets);
  });

  test('float16 tensors count two bytes', async () => {
    const model = buildModel({
      nodes: [
        op('Cast', ['x'], 'half', [makeInt('to', 10)]),
        op('Sin', ['half'], 'a'),
        op('Cast', ['a'], 'y', [makeInt('to', 1)]),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['y'],
    });
    const { sets } = await listed(model);
    expect(sets.map(({ bytes }) => bytes)).toEqual([8, 8]);
  });

  test('a shape that no crossing tensor has is carried, and counts as no tensor of data', async () => {
    const model = buildModel({
      nodes: [
        op('Relu', ['x'], 'a'),
        op('Shape', ['a'], 'dims'),
        op('Flatten', ['a'], 'b'),
        op('Neg', ['b'], 'c'),
        op('Reshape', ['c', 'dims'], 'd'),
        op('Exp', ['d'], 'y'),
      ],
      inputs: [{ name: 'x', shape: ['N', 3, 'W'] }],
      outputs: ['y'],
    });
    const sizes = await inferShapes(model, { sessions, inputShapes: { x: [2, 3, 4] } });
    const { sets } = await listed(model, { sizes, maxTensors: 1 });
    expect(namesOf(sets)).toEqual(['a', 'b dims', 'c dims', 'd']);
    expect(sets[1]).toMatchObject({ bytes: 96 + 24, tensors: [{ content: 'data' }, { content: 'shape' }] });
    await proveAll(model, sets, { x: [2, 3, 4] });
  });

  test('while dimensions are open the fewest tensors of open size cross', async () => {
    const model = buildModel({
      nodes: [
        op('Tanh', ['x'], 'a'),
        op('ReduceMax', ['a'], 'top', [makeInt('keepdims', 0)]),
        op('Sin', ['a'], 'b'),
        op('Neg', ['b'], 'c'),
        op('Mul', ['c', 'top'], 'y'),
      ],
      inputs: [{ name: 'x', shape: ['N', 'M'] }],
      outputs: ['y'],
    });
    const { sets } = await listed(model);
    expect(namesOf(sets)).toEqual(['a', 'a top', 'top b', 'top c']);
    expect(sets[2].bytes).toBeNull();
  });

  test('random values keep their readers together; a sequence does not cross', async () => {
    const noisy = buildModel({
      nodes: [
        op('RandomNormal', [], 'noise', [makeInts('shape', [4])]),
        op('Add', ['x', 'noise'], 'a'),
        op('Relu', ['a'], 'b'),
        op('Sub', ['b', 'noise'], 'c'),
        op('Neg', ['c'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [4] }],
      outputs: ['y'],
    });
    const { sets, refused } = await listed(noisy);
    expect(namesOf(sets)).toEqual(['c']);
    expect(refused.map(({ name, reason }) => [name, reason])).toEqual([
      ['a', 'random-value'],
      ['b', 'random-value'],
    ]);
    const sequence = buildModel({
      nodes: [
        op('Relu', ['x'], 'a'),
        op('SplitToSequence', ['a'], 'list'),
        op('ConcatFromSequence', ['list'], 'b', [makeInt('axis', 0)]),
        op('Neg', ['b'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [4] }],
      outputs: ['y'],
    });
    const cuts = await listed(sequence);
    expect(namesOf(cuts.sets)).toEqual(['a', 'b']);
    expect(cuts.refused).toEqual([
      { name: 'list', node: "SplitToSequence 'list'", reason: 'no-tensor', tensors: ['list'] },
    ]);
  });

  test('a Loop is one node, and what its body takes from outside crosses', async () => {
    const body = buildGraph({
      nodes: [op('Add', ['state', 'a'], 'next'), op('Identity', ['go'], 'goes_on')],
      inputs: [
        { name: 'i', shape: [], dtype: 'int64' },
        { name: 'go', shape: [], dtype: 'bool' },
        { name: 'state', shape: [1, 4] },
      ],
      outputs: [
        { name: 'goes_on', shape: [], dtype: 'bool' },
        { name: 'next', shape: [1, 4] },
      ],
    });
    const model = buildModel({
      nodes: [
        op('Tanh', ['x'], 'a'),
        op('MatMul', ['a', 'w'], 'b'),
        op('Loop', ['count', '', 'b'], 'c', [makeGraph('body', body)]),
        op('Sin', ['c'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['y'],
      weights: { w: weight(4, 4), count: int64s(3) },
    });
    const { sets } = await listed(model);
    expect(namesOf(sets)).toEqual(['a', 'a b', 'c']);
    await proveAll(model, sets);
  });

  test('a ladder of 1,000 rungs with a skip across all of them is listed', () => {
    const count = 1000;
    const nodes = Array.from({ length: count }, (_, i) => op('Tanh', [i === 0 ? 'x' : `n${i - 1}`], `n${i}`));
    const model = buildModel({
      nodes: [...nodes, op('Add', ['n0', `n${count - 1}`], 'y')],
      inputs: [{ name: 'x', shape: [1] }],
      outputs: ['y'],
    });
    expect(listCutSets(model).sets).toHaveLength(count);
  });
});

describe('sets that no other beats', () => {
  test('on every machine and link, and where the tail costs nothing', async () => {
    const { sets } = await listed(unet);
    // c does the work of b and crosses as many bytes: neither beats the other.
    expect(namesOf(unbeatenSets(sets, WORK_AND_BYTES))).toEqual(['a', 'a b', 'a c', 'a d', 'e']);
    expect(namesOf(unbeatenSets(sets, HEAD_WORK_AND_BYTES))).toEqual(['a']);
    expect(namesOf(lastOfEqualSets(sets, WORK_AND_BYTES))).toEqual(['a', 'a c', 'e']);
    const wider = sets.map((set, i) => (i === 2 ? { ...set, bytes: 41 } : set));
    expect(namesOf(unbeatenSets(wider, WORK_AND_BYTES))).toEqual(['a', 'a b', 'a d', 'e']);
    const unknown = sets.map((set) => ({ ...set, bytes: null }));
    expect(unbeatenSets(unknown, WORK_AND_BYTES)).toEqual(unknown);
  });
});
