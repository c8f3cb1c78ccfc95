import { createLocalSession } from '@featherwire/inference/node';
import { createRandom, type Tensor, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { buildGraph, buildModel, int64s, op, weight } from '../test/model-builder.js';
import { makeGraph, makeInt, makeTensor } from './attributes.js';
import { OnnxError } from './errors.js';
import { inferShapes } from './infer-shapes.js';
import type { ModelProto, NodeProto } from './proto/onnx_pb.js';
import { type SplitModel, splitModel } from './split.js';
import { type ShapeTable, valueInfoOf } from './value-info.js';
import { type VerifyOptions, type VerifyReport, verifySplit } from './verify.js';
import { tensorToProto } from './weights.js';

const sessions = createLocalSession;

async function splitAt(model: ModelProto, ...names: string[]) {
  return splitModel(model, names, { shapes: await inferShapes(model, { sessions }) });
}

async function errorAt(model: ModelProto, ...names: string[]): Promise<OnnxError> {
  const error = await splitAt(model, ...names).catch((caught: unknown) => caught);
  if (!(error instanceof OnnxError)) throw new Error(`expected an OnnxError, got ${error}`);
  return error;
}

async function prove(
  model: ModelProto,
  names: string[],
  options: Partial<VerifyOptions> = {},
): Promise<VerifyReport> {
  const { head, tail } = await splitAt(model, ...names);
  return verifySplit(model, head, tail, { sessions, runs: 2, ...options });
}

/** x → a → b → y, with a skip from a to y. */
const skip = buildModel({
  nodes: [
    op('MatMul', ['x', 'w'], 'a'),
    op('Relu', ['a'], 'b'),
    op('MatMul', ['b', 'w'], 'c'),
    op('Add', ['a', 'c'], 'y'),
    op('Tanh', ['y'], 'z'),
  ],
  inputs: [{ name: 'x', shape: ['N', 4] }],
  outputs: [{ name: 'z', shape: ['N', 4] }],
  weights: { w: weight(4, 4) },
});

describe('splitting', () => {
  test('head and tail together are the whole, and share no node', async () => {
    const { head, tail, cut } = await splitAt(skip, 'a');
    expect(head.graph!.node.map(({ name }) => name)).toEqual(['a']);
    expect(tail.graph!.node.map(({ name }) => name)).toEqual(['b', 'c', 'y', 'z']);
    expect(cut).toEqual([{ name: 'a', dtype: 'float32', shape: ['N', 4] }]);
    expect((await prove(skip, ['a'])).maxRelativeError).toBeLessThan(1e-6);
    expect((await prove(skip, ['y'])).maxRelativeError).toBeLessThan(1e-6);
  });

  test('a tensor that is bypassed is refused, and the tensor beside it is named', async () => {
    const error = await errorAt(skip, 'b');
    expect(error).toMatchObject({ code: 'not-a-cut', missing: ['a'] });
    expect(error.message).toContain('a');
    expect((await prove(skip, ['c', 'a'])).maxRelativeError).toBeLessThan(1e-6);
  });

  test('what follows from a cut tensor is recomputed and does not have to cross', async () => {
    const { tail } = await splitAt(skip, 'a', 'c');
    expect(tail.graph!.node.map(({ name }) => name)).toEqual(['y', 'z']);
    // b is in the head of c, but the tail has a, from which b follows.
    const twice = buildModel({
      nodes: [
        op('Relu', ['x'], 'a'),
        op('Neg', ['a'], 'b'),
        op('Exp', ['b'], 'c'),
        op('Add', ['c', 'b'], 'd'),
        op('Add', ['d', 'a'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['y'],
    });
    const shared = await splitAt(twice, 'a', 'c');
    expect(shared.tail.graph!.node.map(({ name }) => name)).toEqual(['b', 'd', 'y']);
    expect((await prove(twice, ['a', 'c'])).maxRelativeError).toBe(0);
  });

  test('graph inputs that the tail reads are missing tensors, and may be cut tensors', async () => {
    const model = buildModel({
      nodes: [op('Relu', ['x'], 'a'), op('Add', ['a', 'scale'], 'y')],
      inputs: [
        { name: 'x', shape: [1, 4] },
        { name: 'scale', shape: [1, 4] },
      ],
      outputs: ['y'],
    });
    expect(await errorAt(model, 'a')).toMatchObject({ code: 'not-a-cut', missing: ['scale'] });
    expect((await prove(model, ['a', 'scale'])).maxRelativeError).toBe(0);
  });

  test('a graph output on the head side has to cross, and comes out of the tail again', async () => {
    const model = buildModel({
      nodes: [
        op('Relu', ['x'], 'a'),
        op('Exp', ['a'], 'early'),
        op('Tanh', ['a'], 'b'),
        op('Neg', ['b'], 'late'),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['early', 'late'],
    });
    expect(await errorAt(model, 'b')).toMatchObject({ code: 'not-a-cut' });
    const report = await prove(model, ['early', 'b']);
    expect(Object.keys(report.perOutput)).toEqual(['early', 'late']);
  });

  test('unknown names are refused with near names', async () => {
    const model = buildModel({
      nodes: [op('Relu', ['x'], 'hardswish_50.tmp_0'), op('Relu', ['hardswish_50.tmp_0'], 'y')],
      inputs: [{ name: 'x', shape: [1] }],
      outputs: ['y'],
    });
    const error = await errorAt(model, 'hardswish_5.tmp_0');
    expect(error).toMatchObject({ code: 'unknown-tensor', suggestions: ['hardswish_50.tmp_0'] });
  });

  test('constants, inputs alone, outputs alone and tensors nobody needs are refused', async () => {
    expect(await errorAt(skip, 'w')).toMatchObject({ code: 'constant-tensor' });
    expect(await errorAt(skip, 'x')).toMatchObject({ code: 'empty-side' });
    expect(await errorAt(skip, 'z')).toMatchObject({ code: 'empty-side' });
    expect(await errorAt(skip, 'y', 'c')).toMatchObject({ code: 'redundant-tensor' });
    expect(() => splitModel(skip, [])).toThrow(RangeError);
    expect(() => splitModel(skip, ['a', 'a'])).toThrow(RangeError);
  });

  test('names captured by the bodies of If cross like any other', async () => {
    const branch = (name: string, opType: string) =>
      buildGraph({ nodes: [op(opType, ['a'], name)], outputs: [{ name, shape: [1, 4] }] });
    const model = buildModel({
      nodes: [
        op('Relu', ['x'], 'a'),
        op('ReduceSum', ['a'], 'total', [makeInt('keepdims', 0)]),
        op('Cast', ['total'], 'positive', [makeInt('to', 9)]),
        op('If', ['positive'], 'y', [
          makeGraph('then_branch', branch('then', 'Exp')),
          makeGraph('else_branch', branch('else', 'Neg')),
        ]),
      ],
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: [{ name: 'y', shape: [1, 4] }],
    });
    expect(await errorAt(model, 'positive')).toMatchObject({ code: 'not-a-cut', missing: ['a'] });
    expect((await prove(model, ['a'])).maxRelativeError).toBe(0);
    expect((await prove(model, ['positive', 'a'])).maxRelativeError).toBe(0);
  });

  describe('shapes of head tensors', () => {
    const reshape = (...shape: (number | string)[]) =>
      buildModel({
        nodes: [
          op('Relu', ['x'], 'a'),
          op('Flatten', ['a'], 'b'),
          op('Neg', ['b'], 'c'),
          op('Shape', ['a'], 'dims'),
          op('Reshape', ['c', 'dims'], 'y'),
        ],
        inputs: [{ name: 'x', shape }],
        outputs: [{ name: 'y', shape }],
      });

    test('are folded into the tail where they are numbers', async () => {
      const { tail } = await splitAt(reshape(2, 3, 2), 'b');
      expect(tail.graph!.initializer.map(({ name }) => name)).toEqual(['dims']);
      expect((await prove(reshape(2, 3, 2), ['b'])).maxRelativeError).toBe(0);
    });

    test('are rebuilt from the shapes of cut tensors where these have their open dimensions', async () => {
      const model = reshape('N', 3, 2);
      const { tail } = await splitAt(model, 'b');
      expect(tail.graph!.input.map(({ name }) => name)).toEqual(['b']);
      expect((await prove(model, ['b'], { inputShapes: { x: [3, 3, 2] } })).maxRelativeError).toBe(0);
    });

    test('have to cross where a dimension is in no cut tensor', async () => {
      const model = reshape('N', 3, 'W');
      expect(await errorAt(model, 'b')).toMatchObject({ code: 'not-a-cut', missing: ['dims'] });
      expect((await prove(model, ['b', 'dims'], { inputShapes: { x: [3, 3, 2] } })).runs).toBe(2);
    });

    test.each([
      { opset: 9, attributes: [], part: 'all dimensions' },
      { opset: 15, attributes: [makeInt('start', -1)], part: 'the last dimension' },
      { opset: 23, attributes: [makeInt('end', 1)], part: 'the first dimension' },
    ])('are rebuilt in opset $opset, $part, as sizes too', async ({ opset, attributes }) => {
      const model = buildModel({
        nodes: [
          op('Relu', ['x'], 'a'),
          op('Shape', ['a'], 'dims', attributes),
          op('Size', ['a'], 'size'),
          op('Neg', ['a'], 'b'),
          op('ConstantOfShape', ['dims'], 'zeros'),
          op('Cast', ['zeros'], 'halves', [makeInt('to', 1)]),
          op('Cast', ['size'], 'count', [makeInt('to', 1)]),
          op('Mul', ['b', 'count'], 'c'),
          op('Reshape', ['c', 'flat'], 'd'),
          op('Concat', ['d', 'e'], 'y', [makeInt('axis', 0)]),
          op('Reshape', ['halves', 'flat'], 'e'),
        ],
        inputs: [{ name: 'x', shape: ['N', 3] }],
        outputs: ['y'],
        weights: { flat: int64s(-1) },
        opset,
      });
      const { head } = await splitAt(model, 'b');
      expect(head.graph!.node.map(({ name }) => name)).toEqual(['a', 'b']);
      const report = await prove(model, ['b'], { inputShapes: { x: [4, 3] } });
      expect(report.maxRelativeError).toBe(0);
    });
  });

  test('initializers that an old exporter lists as inputs are weights', async () => {
    const model = buildModel({
      nodes: [op('MatMul', ['x', 'w'], 'a'), op('Relu', ['a'], 'y')],
      inputs: [
        { name: 'x', shape: [1, 4] },
        { name: 'w', shape: [4, 4] },
      ],
      outputs: ['y'],
      weights: { w: weight(4, 4) },
      irVersion: 3,
      opset: 9,
    });
    const { head } = await splitAt(model, 'a');
    expect(head.graph!.input.map(({ name }) => name)).toEqual(['x']);
    const whole = buildModel({
      nodes: model.graph!.node,
      inputs: [{ name: 'x', shape: [1, 4] }],
      outputs: ['y'],
      weights: { w: weight(4, 4) },
      opset: 9,
    });
    const { tail } = await splitAt(model, 'a');
    expect((await verifySplit(whole, head, tail, { sessions })).maxRelativeError).toBe(0);
  });

  test('float16 and int64 tensors cross as what they are', async () => {
    const model = buildModel({
      nodes: [
        op('Cast', ['x'], 'half', [makeInt('to', 10)]),
        op('Cast', ['half'], 'whole', [makeInt('to', 7)]),
        op('Cast', ['whole'], 'y', [makeInt('to', 1)]),
      ],
      inputs: [{ name: 'x', shape: [1, 8] }],
      outputs: ['y'],
    });
    expect((await splitAt(model, 'half')).cut[0].dtype).toBe('float16');
    expect((await splitAt(model, 'whole')).cut[0].dtype).toBe('int64');
    expect((await prove(model, ['half'], { ranges: { x: { low: -50, high: 50 } } })).maxRelativeError).toBe(
      0,
    );
    expect((await prove(model, ['whole'], { ranges: { x: { low: -50, high: 50 } } })).maxRelativeError).toBe(
      0,
    );
  });

  test('constants read on both sides are copied to both, from Constant nodes as from initializers', async () => {
    const value: Tensor = tensor('float32', [], Float32Array.of(3));
    const model = buildModel({
      nodes: [
        op('Constant', [], 'three', [makeTensor('value', tensorToProto('', value))]),
        op('Mul', ['x', 'three'], 'a'),
        op('Reshape', ['a', 'shape'], 'b'),
        op('Mul', ['b', 'three'], 'c'),
        op('Reshape', ['c', 'shape'], 'y'),
      ],
      inputs: [{ name: 'x', shape: [2, 2] }],
      outputs: ['y'],
      weights: { shape: int64s(4) },
    });
    const { head, tail } = await splitAt(model, 'b');
    for (const side of [head, tail]) {
      expect(side.graph!.node.some(({ name }) => name === 'three')).toBe(true);
      expect(side.graph!.initializer.map(({ name }) => name)).toEqual(['shape']);
    }
    expect((await prove(model, ['b'])).maxRelativeError).toBe(0);
  });

  test('a random value read on both sides has to cross, and cannot if it was drawn without an input', () => {
    const noisy = (noise: NodeProto) =>
      buildModel({
        nodes: [
          noise,
          op('Add', ['x', 'noise'], 'a'),
          op('Relu', ['a'], 'b'),
          op('Sub', ['b', 'noise'], 'y'),
        ],
        inputs: [{ name: 'x', shape: [4] }],
        outputs: ['y'],
      });
    const shapes = new Map([['b', { name: 'b', dtype: 'float32' as const, shape: [4] }]]);
    const refusal = (code: string) => expect.objectContaining({ code, missing: ['noise'] });
    const like = noisy(op('RandomNormalLike', ['x'], 'noise'));
    expect(() => splitModel(like, ['b'], { shapes })).toThrow(refusal('not-a-cut'));
    const drawn = noisy(op('RandomNormal', [], 'noise'));
    expect(() => splitModel(drawn, ['b'], { shapes })).toThrow(refusal('random-value'));
  });

  test('without inference the declared types are used, and a cut without one is refused', () => {
    const info = { name: 'a', dtype: 'float32' as const, shape: ['N', 4] };
    expect(() => splitModel(skip, ['a'])).toThrow(expect.objectContaining({ code: 'unknown-type' }));
    const declared = buildModel({
      nodes: skip.graph!.node,
      inputs: [{ name: 'x', shape: ['N', 4] }],
      outputs: ['z'],
      weights: { w: weight(4, 4) },
    });
    declared.graph!.valueInfo.push(valueInfoOf(info));
    expect(splitModel(declared, ['a']).cut).toEqual([info]);
  });

  test('nodes out of order are put in order; cycles and unmade names are invalid models', async () => {
    const shuffled = buildModel({
      nodes: [...skip.graph!.node].reverse(),
      inputs: [{ name: 'x', shape: ['N', 4] }],
      outputs: ['z'],
      weights: { w: weight(4, 4) },
    });
    expect((await prove(shuffled, ['a'])).maxRelativeError).toBeLessThan(1e-6);
    const cycle = buildModel({
      nodes: [op('Add', ['x', 'b'], 'a'), op('Relu', ['a'], 'b')],
      inputs: [{ name: 'x', shape: [1] }],
      outputs: ['b'],
    });
    expect(() => splitModel(cycle, ['a'])).toThrow(expect.objectContaining({ code: 'invalid-model' }));
    const unmade = buildModel({ nodes: [op('Relu', ['nothing'], 'a')], inputs: [], outputs: ['a'] });
    expect(() => splitModel(unmade, ['a'])).toThrow(expect.objectContaining({ code: 'invalid-model' }));
  });

  test('on random graphs, any tensor with those named as missing splits the model rightly', async () => {
    for (let seed = 1; seed <= 40; seed++) {
      const random = createRandom(seed);
      const values = ['x', 'z'];
      const pick = (): string => values[Math.max(0, values.length - 1 - random.nextInteger(4))];
      const nodes = Array.from({ length: 12 }, (_, i) => {
        const binary = random.nextInteger(3) > 0;
        const node = binary
          ? op(['Add', 'Mul', 'Sub'][random.nextInteger(3)], [pick(), pick()], `n${i}`)
          : op(['Tanh', 'Sin', 'Neg'][random.nextInteger(3)], [pick()], `n${i}`);
        values.push(`n${i}`);
        return node;
      });
      const inputs = [
        { name: 'x', shape: [4] },
        { name: 'z', shape: [4] },
      ];
      const model = buildModel({ nodes, inputs, outputs: ['n11', `n${random.nextInteger(11)}`] });
      const shapes = await inferShapes(model, { sessions });
      const name = `n${random.nextInteger(11)}`;
      const split = splitCompleted(model, name, shapes);
      if (!split) continue;
      const report = await verifySplit(model, split.head, split.tail, { sessions, runs: 1, seed });
      expect(report.maxRelativeError, `seed ${seed}, tensor ${name}`).toBeLessThan(1e-5);
    }
  });
});

/** Splits at the tensor and what is missing beside it; undefined where the tensor is of no use for that. */
function splitCompleted(model: ModelProto, name: string, shapes: ShapeTable): SplitModel | undefined {
  const trySplit = (names: string[]): SplitModel | OnnxError => {
    try {
      return splitModel(model, names, { shapes });
    } catch (error) {
      if (error instanceof OnnxError) return error;
      throw error;
    }
  };
  const first = trySplit([name]);
  const second =
    first instanceof OnnxError && first.code === 'not-a-cut' ? trySplit([name, ...first.missing]) : first;
  if (!(second instanceof OnnxError)) return second;
  expect(['redundant-tensor', 'empty-side']).toContain(second.code);
  return undefined;
}
