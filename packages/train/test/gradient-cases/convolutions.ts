import { type GradientCase, node, normals } from '../check-gradient.js';
import type { Cases } from './cases.js';

const conv = (
  w: number[],
  attributes: GradientCase['nodes'][0]['attributes'],
  x = [2, 4, 9, 8],
): GradientCase => ({
  nodes: [node('Conv', ['x', 'w', 'b'], 'y', attributes)],
  inputs: { x, w, b: [w[0]] },
  dtype: 'float32',
});
const transposed = (
  w: number[],
  channels: number,
  attributes: GradientCase['nodes'][0]['attributes'],
): GradientCase => ({
  nodes: [node('ConvTranspose', ['x', 'w', 'b'], 'y', attributes)],
  inputs: { x: [2, w[0], 5, 4], w, b: [channels] },
  dtype: 'float32',
});
/** The same with constant weights, which takes the way of flipped kernels. */
const frozen = (given: GradientCase): GradientCase => {
  const { x, w, b } = given.inputs;
  return { ...given, inputs: { x }, weights: { w: normals('float32', w, 7), b: normals('float32', b, 8) } };
};

export const CONVOLUTIONS: Cases = {
  'Conv, no padding': conv([3, 4, 3, 3], {}),
  'Conv, uneven padding': conv([3, 4, 3, 2], { pads: [0, 1, 2, 1] }),
  'Conv, strides that leave rows out': conv([3, 4, 3, 3], { strides: [2, 3], pads: [1, 0, 1, 0] }),
  'Conv, dilated and strided': conv([3, 4, 3, 2], { strides: [2, 1], dilations: [2, 3], pads: [2, 2, 1, 1] }),
  'Conv, two groups': conv([6, 2, 3, 3], { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }),
  'Conv, depthwise': conv([4, 1, 3, 3], { group: 4, pads: [1, 1, 1, 1] }),
  'Conv, depthwise with a multiplier': conv([8, 1, 3, 3], { group: 4, strides: [2, 1], dilations: [1, 2] }),
  'Conv, same upper': conv([3, 4, 4, 3], { auto_pad: 'SAME_UPPER', strides: [2, 2] }),
  'Conv, same lower': conv([3, 4, 4, 3], { auto_pad: 'SAME_LOWER', strides: [1, 2] }),
  'Conv, one axis': conv([3, 4, 3], { strides: [2], pads: [1, 1] }, [2, 4, 9]),
  'Conv, three axes': conv(
    [3, 2, 2, 3, 2],
    { strides: [1, 2, 1], pads: [0, 1, 0, 0, 1, 0] },
    [1, 2, 4, 5, 4],
  ),
  'Conv, frozen, uneven padding': frozen(conv([3, 4, 3, 2], { pads: [0, 1, 2, 1] })),
  'Conv, frozen, more padding than the kernel': frozen(conv([3, 4, 2, 2], { pads: [3, 3, 3, 3] })),
  'Conv, frozen, dilated': frozen(conv([3, 4, 3, 3], { dilations: [2, 1], pads: [2, 1, 2, 1] })),
  'Conv, frozen, two groups': frozen(conv([6, 2, 3, 3], { group: 2, pads: [1, 1, 1, 1] })),
  'Conv, frozen, depthwise': frozen(conv([4, 1, 5, 3], { group: 4, pads: [2, 1, 2, 1] })),
  'Conv, frozen, strided': frozen(conv([3, 4, 3, 3], { strides: [2, 2], pads: [1, 1, 1, 1] })),
  ConvTranspose: transposed([3, 2, 3, 3], 2, {}),
  'ConvTranspose, strided with output padding': transposed([3, 2, 3, 3], 2, {
    strides: [2, 3],
    pads: [1, 0, 1, 1],
    output_padding: [1, 0],
  }),
  'ConvTranspose, dilated': transposed([3, 2, 2, 3], 2, { dilations: [3, 2], pads: [1, 1, 0, 0] }),
  'ConvTranspose, two groups': transposed([4, 3, 3, 3], 6, { group: 2, strides: [2, 2], pads: [1, 1, 1, 1] }),
};
