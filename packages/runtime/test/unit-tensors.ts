/** Tensors of the ladder bundle (`unit-bundles.ts`), for either end and for browsers too. */

import type { TensorMap } from '@featherwire/inference';
import { tensor } from '@featherwire/tensor';

/** Units of the ladder; unit `unit-k` multiplies by k + 1 on each side. */
export const RUNG_COUNT = 6;
/** Of all its tensors. */
export const LADDER_SHAPE = [1, 4] as const;

/** What the ladder bundle gives for x = [count, 1, 1, 1]: at rung k, (k + 1)² times the network's own output. */
export function ladderOutput(count: number, rung: number): TensorMap {
  const factor = 4 * (rung + 1) ** 2;
  return {
    y: tensor(
      'float32',
      LADDER_SHAPE,
      Float32Array.of(count, 1, 1, 1).map((x) => factor * x),
    ),
  };
}

/** The network's input. */
export function ladderInput(count: number): TensorMap {
  return { x: tensor('float32', LADDER_SHAPE, Float32Array.of(count, 1, 1, 1)) };
}
