/** The table of gradient rules by operator. */

import { ACTIVATION_RULES } from './activations.js';
import { ARITHMETIC_RULES } from './arithmetic.js';
import { CONVOLUTION_RULES } from './convolution.js';
import { MATRIX_RULES } from './matrix.js';
import { MOVEMENT_RULES } from './movement.js';
import { NORMALIZATION_RULES } from './normalization.js';
import { POOLING_RULES } from './pooling.js';
import { REDUCTION_RULES } from './reductions.js';
import type { GradientRule } from './rule.js';
import { SAMPLING_RULES } from './sampling.js';
import { SOFTMAX_RULES } from './softmax.js';

/** Rules by operator type; operators are in the normal forms of `graph/normal-forms.ts`. */
export const GRADIENT_RULES: Readonly<Record<string, GradientRule>> = {
  ...ACTIVATION_RULES,
  ...ARITHMETIC_RULES,
  ...CONVOLUTION_RULES,
  ...MATRIX_RULES,
  ...MOVEMENT_RULES,
  ...NORMALIZATION_RULES,
  ...POOLING_RULES,
  ...REDUCTION_RULES,
  ...SAMPLING_RULES,
  ...SOFTMAX_RULES,
};
