/**
 * Units as papers C and C+ publish them (Datta et al., ICPR 2022; Ahuja et al., CVPR 2023): depthwise and pointwise
 * convolution with normalization and rectifier on the device, the same transposed on the server, a step of quantization.
 * Normalization is folded, the step goes into the weights beside the latent, and the restoration ends at exactly the
 * shape of the cut, which the published code does not always.
 */

import { elementCount, type Tensor } from '@featherwire/tensor';
import { relu } from '../graph/operators.js';
import { convolution, layer, layerOf, transposedConvolution } from '../units/layers.js';
import type { Unit } from '../units/unit.js';
import { refused } from './pickle.js';

/** What a published unit is made of, beside its weights. */
export interface PublishedSettings {
  /** Channels, height, width of the cut. */
  readonly featureShape: readonly [number, number, number];
  readonly stride: number;
  /** Padding of the first convolution on all sides. */
  readonly pad: number;
  /** Step of quantization, Q of the papers. */
  readonly quantizationStep: number;
}

/** A unit with its parameters, as `exportUnit` takes them; its latent is quantized in steps of 1. */
export interface PublishedUnit {
  readonly unit: Unit;
  readonly parameters: Float32Array;
}

/** A convolution with its normalization folded in. */
interface FoldedLayer {
  readonly shape: readonly number[];
  readonly weights: Float32Array;
  readonly bias: Float32Array;
}

/** Torch's default, which the published units keep. */
const EPSILON = 1e-5;
const LAYER_COUNT = 4;
/** After a layer's weights, by the ends of their names. */
const NORMALIZATION = ['weight', 'bias', 'running_mean', 'running_var'] as const;

/**
 * Makes the unit from a state dictionary. Layers are told by the order and shapes of the tensors, not by their names.
 * @throws {TrainError} `bad-weights` if the tensors are not those of such a unit for the cut
 */
export function publishedUnit(
  tensors: ReadonlyMap<string, Tensor>,
  { featureShape, stride, pad, quantizationStep }: PublishedSettings,
): PublishedUnit {
  const [channels, height, width] = featureShape;
  const groups = groupLayers(tensors);
  const layers = groups.map((group, i) =>
    foldLayer(group, i < LAYER_COUNT / 2 ? 0 : 1, i === LAYER_COUNT - 1),
  );
  const [spread, narrow, widen, restore] = layers;
  const latentChannels = narrow.shape[0];
  const [down, up] = [spread.shape[2], restore.shape[2]];
  const expected = [
    [channels, 1, down, down],
    [latentChannels, channels, 1, 1],
    [latentChannels, channels, 1, 1],
    [channels, 1, up, up],
  ];
  for (const [i, { shape }] of layers.entries()) {
    if (shape.join() !== expected[i].join())
      throw refused(`layer ${i + 1} expected weights [${expected[i].join(', ')}], got [${shape.join(', ')}]`);
  }
  const sides = [height, width];
  const lengths = sides.map((side) => Math.floor((side + 2 * pad - down) / stride) + 1);
  const surplus = lengths.map((length, axis) => (length - 1) * stride + up - sides[axis]);
  if (surplus.some((pixels) => pixels < 0) || lengths.some((length) => length < 1)) {
    const got = lengths.map((length) => (length - 1) * stride + up);
    throw refused(`restoration expected at least ${sides.join(' x ')}, got ${got.join(' x ')}`);
  }
  // Where one pixel is too many, the published restoration is cut at its end.
  const before = surplus.map((pixels) => Math.floor(pixels / 2));
  const pads = [before, surplus.map((pixels, axis) => pixels - before[axis])] as const;
  const around = [
    [pad, pad],
    [pad, pad],
  ] as const;
  const names = ['reduce.depthwise', 'reduce.pointwise', 'restore.pointwise', 'restore.depthwise'] as const;
  const scaled = [
    spread,
    scaledLayer(narrow, 1 / quantizationStep, 'both'),
    scaledLayer(widen, quantizationStep, 'weights'),
    restore,
  ];
  return {
    unit: {
      featureShape,
      latentShape: [latentChannels, ...lengths],
      latentChannelAxis: 0,
      parameters: scaled.flatMap(({ shape, bias }, i) => layer(names[i], shape, bias.length, 0)),
      reduce(g, feature, p) {
        const sliding = { stride, group: channels, pads: around, lengths };
        const x = relu(g, convolution(g, feature, layerOf(p, names[0]), sliding));
        return relu(g, convolution(g, x, layerOf(p, names[1]), { lengths }));
      },
      restore(g, latent, p) {
        const x = relu(g, transposedConvolution(g, latent, layerOf(p, names[2]), { lengths }));
        const sliding = { stride, group: channels, pads, lengths: sides };
        return relu(g, transposedConvolution(g, x, layerOf(p, names[3]), sliding));
      },
    },
    parameters: joined(scaled.flatMap(({ weights, bias }) => [weights, bias])),
  };
}

interface LayerTensors {
  readonly shape: readonly number[];
  readonly weights: Float32Array;
  readonly normalization: readonly Float32Array[];
}

/** Each weight of four axes with the four vectors of its normalization after it. */
function groupLayers(tensors: ReadonlyMap<string, Tensor>): LayerTensors[] {
  const groups: { shape: readonly number[]; weights: Float32Array; normalization: Float32Array[] }[] = [];
  for (const [name, { dtype, shape, data }] of tensors) {
    if (dtype !== 'float32') continue; // how many batches were seen
    const values = data as Float32Array;
    if (shape.length === 4) groups.push({ shape, weights: values, normalization: [] });
    else {
      const own = groups.at(-1)?.normalization;
      const role = own && NORMALIZATION[own.length];
      if (!role || !name.endsWith(`.${role}`))
        throw refused(`weights expected ${role ? `a vector '….${role}'` : 'a convolution'}, got '${name}'`);
      own.push(values);
    }
  }
  const isWhole = groups.every(({ normalization }) => normalization.length === NORMALIZATION.length);
  if (groups.length === LAYER_COUNT && isWhole) return groups;
  throw refused(`weights expected ${LAYER_COUNT} convolutions with normalization, got ${groups.length}`);
}

/**
 * Folds the normalization.
 * @param axis - of the weights' output channels
 * @param isDepthwise - of a transposed convolution, whose channels lie on the first axis
 */
function foldLayer(
  { shape, weights, normalization }: LayerTensors,
  axis: 0 | 1,
  isDepthwise: boolean,
): FoldedLayer {
  const [gain, shift, mean, variance] = normalization;
  const channelAxis = isDepthwise ? 0 : axis;
  const channels = shape[channelAxis];
  if (normalization.some(({ length }) => length !== channels))
    throw refused(
      `normalization expected ${channels} channels, got ${normalization.map(({ length }) => length).join(', ')}`,
    );
  const scale = gain.map((value, c) => value / Math.sqrt(variance[c] + EPSILON));
  const inner = elementCount(shape.slice(channelAxis + 1));
  return {
    shape,
    weights: weights.map((value, i) => value * scale[Math.floor(i / inner) % channels]),
    bias: shift.map((value, c) => value - mean[c] * scale[c]),
  };
}

function scaledLayer(folded: FoldedLayer, factor: number, what: 'weights' | 'both'): FoldedLayer {
  const scale = (values: Float32Array): Float32Array => values.map((value) => value * factor);
  return {
    ...folded,
    weights: scale(folded.weights),
    bias: what === 'both' ? scale(folded.bias) : folded.bias,
  };
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const vector = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    vector.set(part, at);
    at += part.length;
  }
  return vector;
}
