/**
 * Random models that an engine can run: branches and skips, several inputs and outputs, tensors of several sizes,
 * operators with two outputs, weights, shape arithmetic over open dimensions, and branches of If that read outer values.
 * All tensors of data are float32 [N, width].
 */

import { tensor } from '@featherwire/tensor';
import fc from 'fast-check';
import { makeGraph, makeInt, makeInts } from '../src/attributes.js';
import { readsOf } from '../src/graph.js';
import type { InputShapes } from '../src/input-shapes.js';
import type { ModelProto, NodeProto } from '../src/proto/onnx_pb.js';
import { buildGraph, buildModel, int64s, op, weight } from './model-builder.js';

/** Numbers that the open dimensions of random models take in tests. */
export const RANDOM_INPUT_SHAPES: InputShapes = { x: [3, 4], z: [3, 2], hint: [5, 2] };

const KINDS = [
  'unary',
  'unary',
  'binary',
  'binary',
  'binary',
  'project',
  'twin',
  'weight',
  'reshape',
  'hint',
  'if',
  'constant-if',
] as const;

interface Step {
  readonly kind: (typeof KINDS)[number];
  /** Picks of operands and variants. */
  readonly picks: readonly [number, number, number];
}

interface Value {
  readonly name: string;
  readonly width: number;
}

/** A model of `steps.min` to `steps.max` steps; a step is one to six nodes, and some join what is left over. */
export function randomModels(steps: {
  readonly min: number;
  readonly max: number;
}): fc.Arbitrary<ModelProto> {
  const pick = fc.nat({ max: 1000 });
  const step = fc.record({ kind: fc.constantFrom(...KINDS), picks: fc.tuple(pick, pick, pick) });
  const plan = fc.record({
    steps: fc.array(step, { minLength: steps.min, maxLength: steps.max, size: 'max' }),
    reach: fc.integer({ min: 1, max: 5 }),
    outputs: fc.array(pick, { maxLength: 2 }),
  });
  // Biased picks are mostly 0, which makes chains.
  return fc.noBias(plan).map(modelOf);
}

function modelOf(plan: { steps: readonly Step[]; reach: number; outputs: readonly number[] }): ModelProto {
  const values: Value[] = [
    { name: 'z', width: 2 },
    { name: 'x', width: 4 },
  ];
  const nodes: NodeProto[] = [];
  for (const [i, step] of plan.steps.entries()) {
    const recent = values.slice(-plan.reach);
    const operands = step.picks.map((at) => recent[at % recent.length]);
    const made = addStep(nodes, `n${i}`, step, operands);
    values.push(...made);
  }
  const made = values.slice(2);
  const last = joinUnread(nodes, made);
  const outputs = [last, ...plan.outputs.map((at) => made[at % made.length])];
  return buildModel({
    nodes,
    inputs: [
      { name: 'x', shape: ['N', 4] },
      { name: 'z', shape: ['N', 2] },
      { name: 'hint', shape: ['M', 2] },
    ],
    outputs: [...new Set(outputs.map(({ name }) => name))],
    weights: {
      ...Object.fromEntries(
        WIDTHS.flatMap((from) => WIDTHS.map((to) => [`w${from}to${to}`, weight(from, to)] as const)),
      ),
      first: int64s(0),
      zero: tensor('int64', [], BigInt64Array.of(0n)),
      yes: tensor('bool', [], Uint8Array.of(1)),
      no: tensor('bool', [], Uint8Array.of(0)),
    },
  });
}

/** Adds up what no node reads, so that nothing is dead. */
function joinUnread(nodes: NodeProto[], made: readonly Value[]): Value {
  const read = new Set(nodes.flatMap(readsOf));
  const [first, ...others] = made.filter(({ name }) => !read.has(name));
  return others.reduce((sum, value, i) => {
    const step: Step = { kind: 'binary', picks: [0, 0, 0] };
    return addStep(nodes, `joined${i}`, step, [sum, value])[0];
  }, first);
}

const WIDTHS = [1, 2, 4, 8];
const UNARY = ['Tanh', 'Sin', 'Neg'];
const BINARY = ['Add', 'Sub', 'Mul'];

/** Adds the nodes of one step and gives the values that later steps may read. */
function addStep(nodes: NodeProto[], name: string, { kind, picks }: Step, [a, b]: readonly Value[]): Value[] {
  const add = (...node: Parameters<typeof op>): string => {
    nodes.push(op(...node));
    return typeof node[2] === 'string' ? node[2] : node[2][0];
  };
  const fitted = ({ name: from, width }: Value, to: number): string =>
    width === to ? from : add('MatMul', [from, `w${width}to${to}`], `${name}_fitted`);
  const made = { name, width: a.width };
  switch (kind) {
    case 'unary':
      add(UNARY[picks[2] % UNARY.length], [a.name], name);
      return [made];
    case 'binary':
      add(BINARY[picks[2] % BINARY.length], [a.name, fitted(b, a.width)], name);
      return [made];
    case 'project': {
      const width = WIDTHS[picks[2] % WIDTHS.length];
      add('MatMul', [a.name, `w${a.width}to${width}`], name);
      return [{ name, width }];
    }
    case 'twin': {
      if (a.width === 1) return [{ name: add('Sin', [a.name], name), width: 1 }];
      add('Split', [a.name], [name, `${name}_twin`], [makeInt('axis', 1)]);
      const width = a.width / 2;
      return [
        { name, width },
        { name: `${name}_twin`, width },
      ];
    }
    case 'weight':
      add('Neg', [`w1to${a.width}`], `${name}_negative`);
      add('Mul', [a.name, `${name}_negative`], name);
      return [made];
    case 'reshape':
      // Flat and back to the shape of another tensor, [N, width], taken apart and put together on the way.
      add('Shape', [b.name], `${name}_dims`);
      add('Gather', [`${name}_dims`, 'first'], `${name}_batch`, [makeInt('axis', 0)]);
      add('Constant', [], `${name}_width`, [makeInts('value_ints', [a.width])]);
      add('Concat', [`${name}_batch`, `${name}_width`], `${name}_target`, [makeInt('axis', 0)]);
      add('Reshape', [a.name, `${name}_target`], name);
      return [made];
    case 'hint':
      // A dimension that no other tensor has, as a number in the arithmetic.
      add('Shape', ['hint'], `${name}_dims`);
      add('Gather', [`${name}_dims`, 'zero'], `${name}_length`, [makeInt('axis', 0)]);
      add('Cast', [`${name}_length`], `${name}_factor`, [makeInt('to', 1)]);
      add('Mul', [a.name, `${name}_factor`], name);
      return [made];
    case 'if': {
      const other = fitted(b, a.width);
      add('ReduceMax', [a.name], `${name}_largest`, [makeInt('keepdims', 0)]);
      add('Cast', [`${name}_largest`], `${name}_condition`, [makeInt('to', 9)]);
      add('If', [`${name}_condition`], name, branches(name, a.name, other));
      return [made];
    }
    case 'constant-if':
      add('If', [picks[2] % 2 === 0 ? 'yes' : 'no'], name, branches(name, a.name, fitted(b, a.width)));
      return [made];
    default:
      return kind satisfies never;
  }
}

/** Branches that read outer values: one adds them, one keeps the first; inner names are the same in both. */
function branches(name: string, a: string, b: string) {
  const outputs = [{ name: `${name}_inner`, shape: null }];
  const then = [op('Add', [a, b], 'inner_sum'), op('Tanh', ['inner_sum'], `${name}_inner`)];
  const otherwise = [op('Neg', [a], 'inner_sum'), op('Sin', ['inner_sum'], `${name}_inner`)];
  return [
    makeGraph('then_branch', buildGraph({ nodes: then, outputs })),
    makeGraph('else_branch', buildGraph({ nodes: otherwise, outputs })),
  ];
}
