import { create } from '@bufbuild/protobuf';
import { createLocalSession } from '@featherwire/inference/node';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { op } from '../test/model-builder.js';
import { makeGraph } from './attributes.js';
import { parseModel, serializeModel } from './model.js';
import { GraphProtoSchema } from './proto/onnx_pb.js';
import { type AttributeRecord, modelOfRecord, recordOfNode } from './records.js';

const weights = new Map([['w', tensor('float32', [3], Float32Array.of(1, 2, 3))]]);

function recordOf(opType: string, attributes: AttributeRecord) {
  const nodes = [{ opType, name: 'n', inputs: ['x', 'w'], outputs: ['y'], attributes }];
  const inputs = [{ name: 'x', dtype: 'float32' as const, shape: [2, 3] }];
  return { name: 'g', opset: 18, inputs, nodes, outputs: ['y'], weights };
}

describe('graphs as records', () => {
  test('a model of a record runs', async () => {
    const session = await createLocalSession(serializeModel(modelOfRecord(recordOf('Add', {}))));
    const x = tensor('float32', [2, 3], Float32Array.of(0, 0, 0, 1, 1, 1));
    const { outputs } = await session.run({ x });
    await session.close();
    expect(outputs.y.data).toEqual(Float32Array.of(1, 2, 3, 2, 3, 4));
  });

  test('every kind of attribute comes back from bytes', () => {
    const attributes: AttributeRecord = {
      axis: -1,
      pads: [0, 1],
      mode: 'linear',
      alpha: { float: 0.5 },
      scales: { floats: [0.25, 2] },
      value: { tensor: tensor('int64', [2], BigInt64Array.of(4n, -5n)) },
    };
    const { nodes } = recordOf('Any', attributes);
    const parsed = parseModel(serializeModel(modelOfRecord(recordOf('Any', attributes))));
    expect(recordOfNode(parsed.graph!.node[0])).toEqual(nodes[0]);
  });

  test('a body of control flow is refused by the name of its node', () => {
    const node = op('If', ['c'], 'branch', [makeGraph('then_branch', create(GraphProtoSchema))]);
    expect(() => recordOfNode(node)).toThrow("attribute 'then_branch' of If 'branch'");
  });
});
