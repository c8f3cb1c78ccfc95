import { tensor } from '@featherwire/tensor';
import { type GradientCase, int64s, node } from '../check-gradient.js';
import { type Cases, unary, X } from './cases.js';

const slicing = (starts: number[], ends: number[], axes: number[], steps: number[]): GradientCase => ({
  nodes: [node('Slice', ['x', 'starts', 'ends', 'axes', 'steps'])],
  inputs: { x: [3, 7, 6] },
  weights: {
    starts: int64s(...starts),
    ends: int64s(...ends),
    axes: int64s(...axes),
    steps: int64s(...steps),
  },
});

export const MOVEMENT: Cases = {
  'Concat along an inner axis': {
    nodes: [node('Concat', ['a', 'b', 'a'], 'y', { axis: -2 })],
    inputs: { a: [2, 3, 4], b: [2, 1, 4] },
  },
  'DepthToSpace, DCR': {
    nodes: [node('DepthToSpace', ['x'], 'y', { blocksize: 2 })],
    inputs: { x: [2, 8, 3, 2] },
  },
  'DepthToSpace, CRD': {
    nodes: [node('DepthToSpace', ['x'], 'y', { blocksize: 2, mode: 'CRD' })],
    inputs: { x: [2, 8, 3, 2] },
  },
  Expand: {
    nodes: [node('Expand', ['x', 'shape'])],
    inputs: { x: [3, 1] },
    weights: { shape: int64s(2, 1, 4) },
  },
  Flatten: { nodes: [node('Flatten', ['x'], 'h', { axis: 2 }), node('Exp', ['h'])], inputs: X },
  'Gather of repeated and negative places': {
    nodes: [node('Gather', ['x', 'i'], 'y', { axis: 1 })],
    inputs: { x: [2, 5, 3] },
    weights: { i: tensor('int64', [2, 2], BigInt64Array.of(0n, 4n, -1n, 0n)) },
  },
  'Gather of one place': {
    nodes: [node('Gather', ['x', 'i'], 'y', { axis: -1 })],
    inputs: X,
    weights: { i: tensor('int64', [], BigInt64Array.of(2n)) },
  },
  GatherElements: {
    nodes: [node('GatherElements', ['x', 'i'], 'y', { axis: 1 })],
    inputs: { x: [2, 3] },
    weights: { i: tensor('int64', [2, 4], BigInt64Array.of(0n, 0n, 2n, 1n, 2n, 2n, 2n, 0n)) },
  },
  Reshape: {
    nodes: [node('Reshape', ['x', 's'], 'h'), node('Exp', ['h'])],
    inputs: X,
    weights: { s: int64s(0, -1) },
  },
  'Slice of the middle': slicing([1, -4], [6, -1], [1, 2], [1, 1]),
  'Slice of every third, from beyond the start': slicing([-100], [100], [1], [3]),
  'Slice backwards': slicing([-1, 5], [-100, 0], [1, 2], [-2, -3]),
  SpaceToDepth: { nodes: [node('SpaceToDepth', ['x'], 'y', { blocksize: 2 })], inputs: { x: [2, 2, 4, 6] } },
  'Split with a part that the loss ignores': {
    nodes: [node('Split', ['x', 'parts'], ['y', 'h', 'z'], { axis: 1 }), node('Neg', ['h'], 'n')],
    inputs: { x: [2, 6, 3] },
    weights: { parts: int64s(1, 3, 2) },
    outputs: ['y', 'z'],
  },
  'Split of operator set 11': {
    nodes: [node('Split', ['x'], ['y', 'z'], { axis: -1 })],
    inputs: X,
    opset: 11,
    outputs: ['y', 'z'],
  },
  Squeeze: {
    nodes: [node('Squeeze', ['x'], 'h', { axes: [1] }), node('Exp', ['h'])],
    inputs: { x: [2, 1, 3] },
    opset: 11,
  },
  Tile: { nodes: [node('Tile', ['x', 'r'])], inputs: X, weights: { r: int64s(2, 1, 3) } },
  'Transpose by default': unary('Transpose'),
  'Transpose by axes': { nodes: [node('Transpose', ['x'], 'y', { perm: [2, 0, 1] })], inputs: X },
};
