/** Geometry of sliding windows: strides, dilations and pads of convolutions and pooling, whichever way they are stated. */

import { intsAttribute, stringAttribute } from '../graph/attributes.js';
import type { Operation } from '../graph/graph.js';

/** Windows over the spatial axes, each list with one number per axis. */
export interface Windows {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Padding before the first element; negative padding is not allowed in ONNX. */
  readonly before: readonly number[];
  readonly after: readonly number[];
}

/** Elements from the first to the last that a window touches. */
export function extentOf(kernel: number, dilation: number): number {
  return (kernel - 1) * dilation + 1;
}

/**
 * The windows of an operation.
 * @param kernel - spatial lengths of the kernel
 * @param wide - spatial lengths of the side with the windows: input of Conv and pools, output of ConvTranspose
 * @param narrow - spatial lengths of the side with one element per window
 */
export function windowsOf(
  { attributes }: Operation,
  kernel: readonly number[],
  wide: readonly number[],
  narrow: readonly number[],
): Windows {
  const ones = kernel.map(() => 1);
  const strides = intsAttribute(attributes, 'strides') ?? ones;
  const dilations = intsAttribute(attributes, 'dilations') ?? ones;
  const pads = intsAttribute(attributes, 'pads');
  const rank = kernel.length;
  const mode = stringAttribute(attributes, 'auto_pad', 'NOTSET');
  if (mode.startsWith('SAME')) {
    const totals = kernel.map((length, axis) =>
      Math.max(0, (narrow[axis] - 1) * strides[axis] + extentOf(length, dilations[axis]) - wide[axis]),
    );
    const small = totals.map((total) => Math.floor(total / 2));
    const large = totals.map((total, axis) => total - small[axis]);
    const upper = mode === 'SAME_UPPER';
    return { kernel, strides, dilations, before: upper ? small : large, after: upper ? large : small };
  }
  const before = pads?.slice(0, rank) ?? ones.map(() => 0);
  const after = pads?.slice(rank) ?? ones.map(() => 0);
  return { kernel, strides, dilations, before, after };
}

/**
 * Attributes of the ConvTranspose that spreads `narrow` over `wide`: what the windows do not reach at the end is
 * added as output padding, what they reach too far is cut off.
 */
export function spreadAttributes(
  { kernel, strides, dilations, before }: Windows,
  wide: readonly number[],
  narrow: readonly number[],
): { strides: readonly number[]; dilations: readonly number[]; pads: number[]; output_padding: number[] } {
  const excess = kernel.map(
    (length, axis) =>
      (narrow[axis] - 1) * strides[axis] + extentOf(length, dilations[axis]) - before[axis] - wide[axis],
  );
  const after = excess.map((count) => Math.max(0, count));
  const missing = excess.map((count) => Math.max(0, -count));
  return { strides, dilations, pads: [...before, ...after], output_padding: missing };
}
