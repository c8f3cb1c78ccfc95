/**
 * What a gradient rule is: from an operation and the gradient of the loss with respect to its outputs to the gradients
 * with respect to its inputs (vector-Jacobian products, reverse mode).
 */

import { TrainError } from '../errors.js';
import type { Graph, Operation, Value } from '../graph/graph.js';

/** Adds the operations of one input's gradient and gives it; called only where that gradient is needed. */
export type Pullback = () => Value;

/**
 * A rule for one operator.
 * @param gradients - with respect to each output, of its shape; null for outputs that the loss does not depend on. At
 *   least one is not null
 * @returns for each input its pullback; null where the derivative is zero everywhere it exists, or the input is no
 *   number. Inputs beyond the list have null
 */
export type GradientRule = (
  g: Graph,
  operation: Operation,
  gradients: readonly (Value | null)[],
) => readonly (Pullback | null)[];

/** A rule of an operator with one output. */
export type SingleOutputRule = (g: Graph, operation: Operation, dy: Value) => readonly (Pullback | null)[];

/** The rule of an operator whose first output alone has a gradient. */
export function ofFirstOutput(rule: SingleOutputRule): GradientRule {
  return (g, operation, [dy]) => {
    if (!dy) throw unsupportedForm(operation, 'the gradient of a further output');
    return rule(g, operation, dy);
  };
}

/** The error for a form of an operator that its rule does not cover. */
export function unsupportedForm({ opType, name }: Operation, form: string): TrainError {
  return new TrainError('no-gradient', `operator ${opType} '${name}' has no gradient with ${form}`);
}

/** An input that the operator cannot do without. */
export function inputOf(operation: Operation, position: number): Value {
  return operation.inputs[position] as Value;
}

/** The first output. */
export function outputOf(operation: Operation): Value {
  return operation.outputs[0] as Value;
}

/** Makes something at its first use and keeps it, for what several pullbacks read. */
export function lazily<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => (made ??= make());
}
