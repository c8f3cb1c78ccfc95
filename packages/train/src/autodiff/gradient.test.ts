import { createLocalSession } from '@featherwire/inference/node';
import { serializeModel } from '@featherwire/onnx';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { Graph, type Value } from '../graph/graph.js';
import { add, mul, reduceSum, round, sub } from '../graph/operators.js';
import { gradient } from './gradient.js';

const total = (g: Graph, value: Value): Value => reduceSum(g, value, [0], false);

async function evaluate(g: Graph, value: Value, x: readonly number[]): Promise<number[]> {
  const session = await createLocalSession(serializeModel(g.toModel([value])));
  const { outputs } = await session.run({ x: tensor('float32', [x.length], Float32Array.from(x)) });
  await session.close();
  return [...(outputs[value.name].data as Float32Array)];
}

describe('gradient', () => {
  test('a value read several times gets the sum of its gradients', async () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const cube = mul(g, mul(g, x, x), x);
    const [dx] = gradient(g, total(g, add(g, cube, x)), [x]);
    expect(await evaluate(g, dx, [2, -1])).toEqual([13, 4]);
  });

  test('nothing passes a stop: rounding becomes straight-through', async () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const rounded = add(g, x, g.stopGradient(sub(g, round(g, x), x)));
    const [dx] = gradient(g, total(g, mul(g, rounded, rounded)), [x]);
    expect(await evaluate(g, rounded, [1.6, -0.2])).toEqual([2, 0]);
    expect(await evaluate(g, dx, [1.6, -0.2])).toEqual([4, 0]);
  });

  test('the gradient of a gradient is that of second order', async () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const [dx] = gradient(g, total(g, mul(g, mul(g, x, x), x)), [x]);
    const [second] = gradient(g, total(g, dx), [x]);
    expect(await evaluate(g, second, [2, -1])).toEqual([12, -6]);
  });

  test('a gradient with respect to a value in the middle', async () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const square = mul(g, x, x);
    const [derivative] = gradient(g, total(g, mul(g, square, square)), [square]);
    expect(await evaluate(g, derivative, [2, -1])).toEqual([8, 2]);
  });

  test('an operator without a rule is named with its node', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    const [y] = g.apply('Det', [x], {}, [{ dtype: 'float32', shape: [], name: 'volume' }]);
    expect(() => gradient(g, y, [x])).toThrow("operator Det 'volume' has no gradient rule");
  });

  test('an operator without a rule beside the way does no harm', () => {
    const g = new Graph();
    const x = g.input('x', [2]);
    g.apply('Det', [x], {}, [{ dtype: 'float32', shape: [] }]);
    expect(gradient(g, total(g, x), [x])[0].shape).toEqual([2]);
  });

  test('a loss that does not depend on a value, and one of several elements, are refused', () => {
    const g = new Graph();
    const [x, z] = [g.input('x', [2]), g.input('z', [2])];
    expect(() => gradient(g, total(g, x), [z])).toThrow("does not depend on 'z'");
    expect(() => gradient(g, total(g, round(g, x)), [x])).toThrow("does not depend on 'x'");
    expect(() => gradient(g, x, [x])).toThrow('loss expected one element, got shape [2]');
  });
});
