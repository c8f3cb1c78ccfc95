/** Every operator's gradient against central differences, with the attributes that change it. */

import { describe, expect, test } from 'vitest';
import { GRADIENT_RULES } from '../src/autodiff/rules.js';
import { checkGradient } from './check-gradient.js';
import { ACTIVATIONS } from './gradient-cases/activations.js';
import { ARITHMETIC } from './gradient-cases/arithmetic.js';
import type { Cases } from './gradient-cases/cases.js';
import { CONVOLUTIONS } from './gradient-cases/convolutions.js';
import { MATRICES } from './gradient-cases/matrices.js';
import { MOVEMENT } from './gradient-cases/movement.js';
import { NORMALIZATION } from './gradient-cases/normalization.js';
import { POOLING } from './gradient-cases/pooling.js';
import { REDUCTIONS } from './gradient-cases/reductions.js';
import { SAMPLING } from './gradient-cases/sampling.js';

const FAMILIES: Readonly<Record<string, Cases>> = {
  arithmetic: ARITHMETIC,
  activations: ACTIVATIONS,
  reductions: REDUCTIONS,
  matrices: MATRICES,
  convolutions: CONVOLUTIONS,
  pooling: POOLING,
  normalization: NORMALIZATION,
  movement: MOVEMENT,
  sampling: SAMPLING,
};

describe.each(Object.entries(FAMILIES))('gradients of %s', (_, cases) => {
  test.each(Object.entries(cases))('%s', async (_name, given) => {
    await checkGradient(given);
  });
});

test('every rule with a derivative is checked', () => {
  const checked = new Set(
    Object.values(FAMILIES).flatMap((cases) =>
      Object.values(cases).flatMap(({ nodes }) => nodes.map(({ opType }) => opType)),
    ),
  );
  // Piecewise constant functions have nothing that a difference could check.
  const flat = ['Ceil', 'Floor', 'Round', 'Sign'];
  expect(Object.keys(GRADIENT_RULES).filter((opType) => !checked.has(opType))).toEqual(flat);
});
