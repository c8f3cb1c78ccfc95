/** What the cases of several families of operators are made with. */

import { type GradientCase, node } from '../check-gradient.js';

/** Cases by what they are called. */
export type Cases = Readonly<Record<string, GradientCase>>;

export const X = { x: [2, 3, 4] };
export const AB = { a: [2, 3, 4], b: [2, 3, 4] };
export const BROADCAST = { a: [2, 1, 4], b: [3, 1] };
export const IMAGE = { x: [2, 3, 7, 6] };

export const unary = (opType: string, extra: Partial<GradientCase> = {}): GradientCase => ({
  nodes: [node(opType, ['x'])],
  inputs: X,
  ...extra,
});
export const binary = (opType: string, extra: Partial<GradientCase> = {}): GradientCase => ({
  nodes: [node(opType, ['a', 'b'])],
  inputs: AB,
  ...extra,
});
