/** Arithmetic of static shapes. */

import type { Shape } from '@featherwire/tensor';

/**
 * The shape to which two shapes broadcast (ONNX Broadcasting.md, multidirectional).
 * @throws {RangeError} if they do not
 */
export function broadcastShape(a: Shape, b: Shape): number[] {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, axis) => {
    const [x, y] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (x !== y && x !== 1 && y !== 1) {
      throw new RangeError(`shapes expected to broadcast, got [${a.join(', ')}] and [${b.join(', ')}]`);
    }
    return x === 1 ? y : x;
  });
}

/** Axes counted from the first; negative ones count from the last. */
export function normalizedAxes(axes: readonly number[], rank: number): number[] {
  return axes.map((axis) => (axis < 0 ? axis + rank : axis));
}

/** All axes of a rank. */
export function allAxes(rank: number): number[] {
  return Array.from({ length: rank }, (_, axis) => axis);
}

/** The shape after a reduction over non-negative axes. */
export function reducedShape(shape: Shape, axes: readonly number[], keepAxes: boolean): number[] {
  if (keepAxes) return shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
  return shape.filter((_, axis) => !axes.includes(axis));
}

/** The shape with another length of one axis. */
export function withAxis(shape: Shape, axis: number, length: number): number[] {
  return shape.map((old, position) => (position === axis ? length : old));
}
