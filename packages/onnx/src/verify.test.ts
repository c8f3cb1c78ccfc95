import { createLocalSession, createWorkerSession } from '@featherwire/inference/node';
import { float16Bits, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { buildModel, op, weight } from '../test/model-builder.js';
import { makeInt } from './attributes.js';
import { inferShapes } from './infer-shapes.js';
import { graphOf, serializeModel, withFields } from './model.js';
import { splitModel } from './split.js';
import { outputError, verifySplit } from './verify.js';
import { tensorToProto } from './weights.js';

const sessions = createLocalSession;

const model = buildModel({
  nodes: [op('MatMul', ['x', 'w'], 'a'), op('Relu', ['a'], 'b'), op('MatMul', ['b', 'v'], 'y')],
  inputs: [{ name: 'x', shape: ['N', 4] }],
  outputs: [{ name: 'y', shape: ['N', 3] }],
  weights: { w: weight(4, 6), v: weight(6, 3) },
});
const split = async () => splitModel(model, ['b'], { shapes: await inferShapes(model, { sessions }) });

describe('verification', () => {
  test('reports the runs and the error of each output', async () => {
    const { head, tail } = await split();
    const given = { x: tensor('float32', [5, 4], new Float32Array(20).fill(0.25)) };
    const report = await verifySplit(model, head, tail, { sessions, runs: 2, inputs: [given] });
    expect(report).toMatchObject({ runs: 3, tolerance: 1e-5 });
    expect(report.perOutput.y.range).toBeGreaterThan(0);
    expect(report.maxRelativeError).toBe(report.perOutput.y.maxRelativeError);
  });

  test('works on sessions in worker threads and on bytes as on messages', async () => {
    const { head, tail } = await split();
    const bytes = serializeModel(model);
    const report = await verifySplit(bytes, head, tail, { sessions: createWorkerSession, runs: 1 });
    expect(report.maxRelativeError).toBeLessThanOrEqual(1e-5);
  });

  test('a tail that differs a little from the right one is found out', async () => {
    const { head, tail } = await split();
    const other = weight(6, 3);
    other.data.set([Number(other.data[0]) + 1e-3] as never);
    const wrong = withFields(tail, {
      graph: withFields(graphOf(tail), { initializer: [tensorToProto('v', other)] }),
    });
    await expect(verifySplit(model, head, wrong, { sessions })).rejects.toMatchObject({
      code: 'verification-failed',
    });
    const loose = await verifySplit(model, head, wrong, { sessions, tolerance: 0.1 });
    expect(loose.maxRelativeError).toBeGreaterThan(1e-5);
  });

  test('the same seed gives the same inputs', async () => {
    const { head, tail } = await split();
    const run = (seed: number) => verifySplit(model, head, tail, { sessions, seed });
    expect((await run(5)).perOutput).toEqual((await run(5)).perOutput);
    expect((await run(5)).perOutput.y.range).not.toBe((await run(6)).perOutput.y.range);
  });

  test('open dimensions need a given shape, except the first', async () => {
    const open = buildModel({
      nodes: [op('Relu', ['x'], 'a'), op('Exp', ['a'], 'y')],
      inputs: [{ name: 'x', shape: ['N', 'W'] }],
      outputs: ['y'],
    });
    const { head, tail } = splitModel(open, ['a'], { shapes: await inferShapes(open, { sessions }) });
    await expect(verifySplit(open, head, tail, { sessions })).rejects.toMatchObject({
      code: 'shape-mismatch',
    });
    const report = await verifySplit(open, head, tail, { sessions, inputShapes: { x: [2, 7] } });
    expect(report.maxRelativeError).toBe(0);
  });

  test.each(['float32', 'float64', 'float16', 'int8', 'uint8', 'int32', 'int64', 'uint64', 'bool'] as const)(
    'inputs of %s are drawn',
    async (dtype) => {
      const typed = buildModel({
        nodes: [op('Cast', ['x'], 'a', [makeInt('to', 1)]), op('Neg', ['a'], 'y')],
        inputs: [{ name: 'x', shape: [64], dtype }],
        outputs: ['y'],
      });
      const { head, tail } = splitModel(typed, ['a'], { shapes: await inferShapes(typed, { sessions }) });
      const report = await verifySplit(typed, head, tail, { sessions, runs: 1 });
      expect(report.perOutput.y.range).toBeGreaterThan(0);
    },
  );

  test('nothing to run is a mistake of the caller', async () => {
    const { head, tail } = await split();
    await expect(verifySplit(model, head, tail, { sessions, runs: 0 })).rejects.toThrow(RangeError);
  });
});

describe('the error of an output', () => {
  const floats = (...values: number[]) => tensor('float32', [values.length], Float32Array.from(values));

  test('is relative to the range, or to the magnitude of a constant output', () => {
    expect(outputError(floats(0, 10), floats(0, 9)).maxRelativeError).toBeCloseTo(0.1);
    expect(outputError(floats(4, 4), floats(4, 3)).maxRelativeError).toBeCloseTo(0.25);
    expect(outputError(floats(0, 0), floats(0, 0.5)).maxRelativeError).toBeCloseTo(0.5);
  });

  test('equal infinities and NaN in the same place are no difference; elsewhere they are infinite', () => {
    const value = floats(Number.NaN, Number.POSITIVE_INFINITY, 1);
    expect(outputError(value, value).maxRelativeError).toBe(0);
    expect(outputError(value, floats(0, 1, 1)).maxRelativeError).toBe(Number.POSITIVE_INFINITY);
    expect(outputError(floats(1, 2), floats(1, Number.NaN)).maxRelativeError).toBe(Number.POSITIVE_INFINITY);
  });

  test('float16 is compared by value, int64 as numbers', () => {
    const halves = (...values: number[]) =>
      tensor('float16', [values.length], Uint16Array.from(values, float16Bits));
    expect(outputError(halves(0, 2), halves(0, 1)).maxRelativeError).toBeCloseTo(0.5);
    const longs = (...values: bigint[]) => tensor('int64', [values.length], BigInt64Array.from(values));
    expect(outputError(longs(0n, 4n), longs(0n, 3n)).maxAbsoluteError).toBe(1);
  });
});
