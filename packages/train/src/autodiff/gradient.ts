/**
 * Reverse-mode differentiation: a sweep over the operations between a loss and the values it is differentiated by,
 * from the last to the first, that adds the operations of the gradients to the same graph.
 */

import { elementCount } from '@featherwire/tensor';
import { TrainError } from '../errors.js';
import type { Graph, Operation, Value } from '../graph/graph.js';
import { expand, sum } from '../graph/operators.js';
import { GRADIENT_RULES } from './rules.js';

/**
 * Adds the gradient of a loss to a graph.
 * @param loss - a value of one element
 * @param wrt - floating-point values that the loss is computed from
 * @returns for each of `wrt` its gradient, of its shape and element type
 * @throws {TrainError} `no-gradient` names an operator without a rule on the way from `wrt` to `loss`; `no-path`;
 *   `not-constant`
 * @throws {RangeError} if the loss has more than one element
 */
export function gradient(g: Graph, loss: Value, wrt: readonly Value[]): Value[] {
  if (elementCount(loss.shape) !== 1) {
    throw new RangeError(`loss expected one element, got shape [${loss.shape.join(', ')}]`);
  }
  const operations = [...g.operations];
  const needed = dependents(g, operations, wrt);
  /** Contributions to the gradient of each value; an operation's consumers come after it, so they are complete. */
  const contributions = new Map<Value, Value[]>();
  const total = (value: Value): Value | null => {
    const parts = contributions.get(value);
    return parts ? sum(g, parts) : null;
  };
  contributions.set(loss, [expand(g, g.scalar(1, loss.dtype), loss.shape)]);
  for (const operation of operations.reverse()) {
    const active = operation.outputs.some((value) => value && needed.has(value) && contributions.has(value));
    if (!active) continue;
    const gradients = operation.outputs.map((value) => value && total(value));
    const pullbacks = ruleOf(operation)(g, operation, gradients);
    for (const [position, input] of operation.inputs.entries()) {
      const pullback = pullbacks[position];
      if (!input || !pullback || !needed.has(input)) continue;
      const parts = contributions.get(input);
      if (parts) parts.push(pullback());
      else contributions.set(input, [pullback()]);
    }
  }
  return wrt.map((value) => {
    const found = total(value);
    if (!found) throw new TrainError('no-path', `the loss does not depend on '${value.name}'`);
    return found;
  });
}

/** Floating-point values that depend on those of `wrt`, these included. */
function dependents(g: Graph, operations: readonly Operation[], wrt: readonly Value[]): Set<Value> {
  const needed = new Set(wrt);
  for (const { inputs, outputs } of operations) {
    if (!inputs.some((value) => value && needed.has(value))) continue;
    for (const value of outputs) {
      if (value && isReal(value) && !g.isStopped(value)) needed.add(value);
    }
  }
  return needed;
}

function isReal({ dtype }: Value): boolean {
  return dtype === 'float32' || dtype === 'float64' || dtype === 'float16';
}

function ruleOf(operation: Operation): (typeof GRADIENT_RULES)[string] {
  const rule = GRADIENT_RULES[operation.opType];
  if (rule) return rule;
  throw new TrainError(
    'no-gradient',
    `operator ${operation.opType} '${operation.name}' has no gradient rule; the loss depends on it`,
  );
}
