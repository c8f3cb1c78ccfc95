import { tensor } from '@featherwire/tensor';
import { node } from '../check-gradient.js';
import { BROADCAST, binary, type Cases, unary, X } from './cases.js';

export const ARITHMETIC: Cases = {
  Abs: unary('Abs'),
  Add: binary('Add'),
  'Add, broadcast': binary('Add', { inputs: BROADCAST }),
  'Add of a value to itself': { nodes: [node('Add', ['x', 'x'])], inputs: X },
  Cast: {
    nodes: [node('Cast', ['x'], 'h', { to: 1 }), node('Cast', ['h'], 'y', { to: 11 })],
    inputs: X,
    step: 1,
    tolerance: 1e-6,
  },
  Cos: unary('Cos', { dtype: 'float32', step: 1e-2, tolerance: 1e-3 }),
  'Div, broadcast': binary('Div', { inputs: BROADCAST, center: 4, spread: 0.5 }),
  Exp: unary('Exp'),
  Identity: { nodes: [node('Identity', ['x'], 'h'), node('Exp', ['h'])], inputs: X },
  Log: unary('Log', { center: 4, spread: 0.5 }),
  'Max of three': { nodes: [node('Max', ['a', 'b', 'c'])], inputs: { ...BROADCAST, c: [2, 3, 4] } },
  'Mean of three': {
    nodes: [node('Mean', ['a', 'b', 'c'])],
    inputs: { ...BROADCAST, c: [4] },
    dtype: 'float32',
  },
  'Min, broadcast': binary('Min', { inputs: BROADCAST }),
  'Mul, broadcast': binary('Mul', { inputs: BROADCAST }),
  'Mul of a value with itself': { nodes: [node('Mul', ['x', 'x'])], inputs: X },
  Neg: unary('Neg'),
  'Pow of a positive base': binary('Pow', { inputs: BROADCAST, center: 2, spread: 0.3 }),
  'Pow by 2': {
    nodes: [node('Pow', ['x', 'p'])],
    inputs: X,
    weights: { p: tensor('float64', [], Float64Array.of(2)) },
  },
  'Pow by an integer': {
    nodes: [node('Pow', ['x', 'p'])],
    inputs: X,
    weights: { p: tensor('int64', [], BigInt64Array.of(3n)) },
  },
  Reciprocal: unary('Reciprocal', { center: 3, spread: 0.4 }),
  Sin: unary('Sin'),
  Sqrt: unary('Sqrt', { center: 4, spread: 0.5 }),
  'Sub, broadcast': binary('Sub', { inputs: BROADCAST }),
  'Sum of three': { nodes: [node('Sum', ['a', 'b', 'c'])], inputs: { ...BROADCAST, c: [4] } },
  'Where, broadcast': {
    nodes: [node('Greater', ['a', 'limit'], 'c'), node('Where', ['c', 'a', 'b'])],
    inputs: BROADCAST,
    weights: { limit: tensor('float64', [], Float64Array.of(0.1)) },
  },
};
