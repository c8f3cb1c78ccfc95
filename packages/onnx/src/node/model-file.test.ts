import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { clearField } from '@bufbuild/protobuf';
import { createLocalSession } from '@featherwire/inference/node';
import { type Tensor, tensor } from '@featherwire/tensor';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { buildModel, int64s, op, weight } from '../../test/model-builder.js';
import { makeTensor } from '../attributes.js';
import { inferShapes } from '../infer-shapes.js';
import { TensorProtoSchema } from '../proto/onnx_pb.js';
import { splitModel } from '../split.js';
import { externalReference, isExternal, tensorToProto } from '../weights.js';
import { readModel, writeModel } from './model-file.js';

let directory: string;
beforeEach(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'featherwire-onnx-'));
});
afterEach(() => rm(directory, { recursive: true, force: true }));

/** One weight as an initializer, one in a Constant node, one in the typed field, and a shape. */
function sample() {
  const model = buildModel({
    nodes: [
      op('Constant', [], 'v', [makeTensor('value', tensorToProto('', weight(32, 32)))]),
      op('MatMul', ['x', 'w'], 'a'),
      op('MatMul', ['a', 'v'], 'b'),
      op('Add', ['b', 'bias'], 'c'),
      op('Reshape', ['c', 'shape'], 'y'),
    ],
    inputs: [{ name: 'x', shape: [2, 32] }],
    outputs: ['y'],
    weights: { w: weight(32, 32), bias: weight(2, 32 * 8), shape: int64s(-1) },
  });
  const bias = model.graph!.initializer[1];
  bias.dims = [2n, 32n];
  bias.floatData = Array.from({ length: 64 }, (_, i) => i);
  clearField(bias, TensorProtoSchema.field.rawData);
  return model;
}

const input: Tensor = tensor(
  'float32',
  [2, 32],
  Float32Array.from({ length: 64 }, (_, i) => Math.cos(i)),
);

async function outputOf(file: string): Promise<Tensor> {
  const session = await createLocalSession(file);
  try {
    return (await session.run({ x: input })).outputs.y;
  } finally {
    await session.close();
  }
}

describe('model files', () => {
  test('small models are one file', async () => {
    const file = path.join(directory, 'm.onnx');
    const written = await writeModel(file, sample());
    expect(written).toEqual({ bytes: (await stat(file)).size, externalData: undefined });
    expect(await readdir(directory)).toEqual(['m.onnx']);
    expect((await readModel(file)).graph!.node).toHaveLength(5);
  });

  test('above the limit weights lie beside the model, and the engine computes the same', async () => {
    const inside = path.join(directory, 'inside.onnx');
    const beside = path.join(directory, 'beside.onnx');
    await writeModel(inside, sample());
    const written = await writeModel(beside, sample(), { externalAboveBytes: 1000 });
    expect(written.externalData).toEqual({ file: 'beside.onnx.data', bytes: 4096 * 2 });
    expect(written.bytes).toBeLessThan(1500);
    expect(await outputOf(beside)).toEqual(await outputOf(inside));
    const weights = (await readModel(beside)).graph!.initializer.filter(isExternal);
    expect(weights.map(({ name }) => name)).toEqual(['w', 'v']);
    expect(weights.map((entry) => externalReference(entry).offset)).toEqual([0, 4096]);
  });

  test('a model with external weights is split and written elsewhere, inside or beside', async () => {
    const beside = path.join(directory, 'beside.onnx');
    await writeModel(beside, sample(), { externalAboveBytes: 1000 });
    const model = await readModel(beside);
    const shapes = await inferShapes(model, { sessions: createLocalSession });
    expect(shapes.get('a')?.shape).toEqual([2, 32]);
    const { head, tail } = splitModel(model, ['a'], { shapes });
    for (const externalAboveBytes of [1000, 1_000_000]) {
      const files = ['head.onnx', 'tail.onnx'].map((name) =>
        path.join(directory, `${externalAboveBytes}-${name}`),
      );
      const options = { sourceDirectory: directory, externalAboveBytes };
      await writeModel(files[0], head, options);
      await writeModel(files[1], tail, options);
      const session = await createLocalSession(files[0]);
      const { a } = (await session.run({ x: input })).outputs;
      await session.close();
      const rest = await createLocalSession(files[1]);
      const { y } = (await rest.run({ a })).outputs;
      await rest.close();
      expect(y).toEqual(await outputOf(beside));
    }
  });

  test('without the source directory external weights cannot be written', async () => {
    const beside = path.join(directory, 'beside.onnx');
    await writeModel(beside, sample(), { externalAboveBytes: 1000 });
    const model = await readModel(beside);
    await expect(writeModel(path.join(directory, 'copy.onnx'), model)).rejects.toMatchObject({
      code: 'external-data',
    });
    expect((await readdir(directory)).sort()).toEqual(['beside.onnx', 'beside.onnx.data']);
  });

  test('missing, short and outside files of weights are refused at reading', async () => {
    const file = path.join(directory, 'beside.onnx');
    await writeModel(file, sample(), { externalAboveBytes: 1000 });
    const data = `${file}.data`;
    await writeFile(data, (await readFile(data)).subarray(0, 5000));
    await expect(readModel(file)).rejects.toMatchObject({ code: 'external-data' });
    await rm(data);
    await expect(readModel(file)).rejects.toMatchObject({ code: 'external-data' });
    const bytes = await readFile(file);
    const outside = Buffer.from(
      bytes.toString('latin1').replaceAll('beside.onnx.data', '../../../etc/pwd'),
      'latin1',
    );
    await writeFile(file, outside);
    await expect(readModel(file)).rejects.toThrow(/in the model's directory/);
  });

  test('a file that is no model is refused with its reason', async () => {
    const file = path.join(directory, 'text.onnx');
    await writeFile(file, 'plain text, no protobuf');
    await expect(readModel(file)).rejects.toMatchObject({ code: 'invalid-protobuf' });
    await expect(readModel(path.join(directory, 'none.onnx'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
