import { expect, test } from 'vitest';
import { nodeTimesOfSteps } from './node-times.js';

const node = (name: string, opType = 'Conv', output: string[] = [], input: string[] = []) => ({
  ...{ name, opType, input, output },
});
const step = (name: string, ms: number, opType = '') => ({ name, opType, ms, outputBytes: 0 });
const times = (nodes: string[], steps: [string, number][]): number[] => [
  ...nodeTimesOfSteps(
    nodes.map((name) => node(name)),
    steps.map(([name, ms]) => step(name, ms)),
  ).ms,
];

test('a step belongs to the node that its name begins with', () => {
  const nodes = ['conv1', 'conv12', 'mul.3', 'a_b'];
  const steps: [string, number][] = [
    ['conv1_nchwc', 1],
    ['conv12_nchwc', 2],
    ['mul.3/LayerNormFusion/', 4],
    ['fused a_b', 8],
    ['a_b_token_7', 16],
  ];
  expect(times(nodes, steps)).toEqual([1, 2, 4, 24]);
});

test('a step without a node goes with the step before it, at the start with the first one', () => {
  expect(
    times(
      ['a', 'b'],
      [
        ['ReorderInput', 1],
        ['a', 2],
        ['ReorderOutput', 4],
        ['b', 8],
      ],
    ),
  ).toEqual([7, 8]);
});

test('a step may be named after the value that it makes', () => {
  const nodes = [node('a', 'Conv', ['x']), node('b', 'Relu', ['y']), node('y', 'Add', ['z'])];
  const { ms } = nodeTimesOfSteps(nodes, [step('x_nchwc', 1), step('y_nchwc', 2), step('z_nchwc', 4)]);
  expect([...ms]).toEqual([1, 0, 6]); // the node named y goes before the value y
});

test('a step named after the last of joined nodes belongs to the one that does its work', () => {
  const nodes = [
    node('a', 'Conv', ['x']),
    node('b', 'Add', ['s'], ['x', 'r']),
    node('c', 'Clip', ['y'], ['s']),
  ];
  expect([...nodeTimesOfSteps(nodes, [step('y_nchwc', 5, 'Conv')]).ms]).toEqual([5, 0, 0]);
  expect([...nodeTimesOfSteps(nodes, [step('y_nchwc', 5, 'Gelu')]).ms]).toEqual([0, 0, 5]);
});

test('nodes without names are counted as the engine counts them, constants left out', () => {
  const nodes = [node('', 'Constant'), node('', 'Add'), node('', 'Constant'), node('', 'Mul')];
  const { ms, namedShare } = nodeTimesOfSteps(nodes, [step('Add_0', 3), step('Mul_1', 5)]);
  expect([...ms]).toEqual([0, 3, 0, 5]);
  expect(namedShare).toBe(1);
});

test('says which share of the time has names', () => {
  expect(nodeTimesOfSteps([node('a')], [step('a', 3), step('other', 1)]).namedShare).toBe(0.75);
});
