/** Gradients of Softmax and LogSoftmax over one axis. */

import { intAttribute } from '../graph/attributes.js';
import { exp, mul, reduceSum, sub } from '../graph/operators.js';
import { type GradientRule, ofFirstOutput, outputOf } from './rule.js';

export const SOFTMAX_RULES: Readonly<Record<string, GradientRule>> = {
  // y * (dy - sum(dy * y))
  Softmax: ofFirstOutput((g, operation, dy) => [
    () => {
      const y = outputOf(operation);
      const axis = intAttribute(operation.attributes, 'axis', -1);
      return mul(g, y, sub(g, dy, reduceSum(g, mul(g, dy, y), [axis])));
    },
  ]),
  // dy - exp(y) * sum(dy)
  LogSoftmax: ofFirstOutput((g, operation, dy) => [
    () => {
      const axis = intAttribute(operation.attributes, 'axis', -1);
      return sub(g, dy, mul(g, exp(g, outputOf(operation)), reduceSum(g, dy, [axis])));
    },
  ]),
};
