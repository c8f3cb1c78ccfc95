/** Shapes: lists of dimensions, each a non-negative integer. The empty shape is that of a scalar. */

/** Dimensions, outermost first. */
export type Shape = readonly number[];

/**
 * Number of elements of a shape: the product of its dimensions, 1 for a scalar, 0 if a dimension is 0.
 * @throws {RangeError} if a dimension is not a non-negative integer, or the product is over 2^53 - 1
 */
export function elementCount(shape: Shape): number {
  let count = 1;
  for (const dimension of shape) {
    if (!Number.isSafeInteger(dimension) || dimension < 0) {
      throw new RangeError(`shape expected non-negative integers, got [${shape.join(', ')}]`);
    }
    count *= dimension;
  }
  if (!Number.isSafeInteger(count)) {
    throw new RangeError(`shape expected at most 2^53 - 1 elements, got [${shape.join(', ')}]`);
  }
  return count;
}

/** True if both shapes have the same dimensions. */
export function shapesEqual(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, axis) => dimension === b[axis]);
}
