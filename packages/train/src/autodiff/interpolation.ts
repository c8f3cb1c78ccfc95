/** Resize along one axis as a matrix (ONNX Resize, operator set 19, without antialiasing). */

import { type TensorOf, tensor } from '@featherwire/tensor';

/** How Resize interpolates; strings are those of its attributes. */
export interface InterpolationRule {
  readonly coordinates: string;
  readonly mode: string;
  readonly nearest: string;
  readonly cubicCoefficient: number;
  readonly excludesOutside: boolean;
}

/**
 * The matrix [resized, length] that takes an axis to its resized form.
 * @param scale - stated factor; `resized` is the rounded-down product
 */
export function interpolationMatrix(
  length: number,
  resized: number,
  scale: number,
  rule: InterpolationRule,
): TensorOf<'float32'> {
  const matrix = new Float32Array(resized * length);
  for (let row = 0; row < resized; row++) {
    const x = sourceCoordinate(row, length, resized, scale, rule.coordinates);
    for (const { position, weight } of weightsAt(x, length, rule)) {
      // Places outside of the axis stand for its nearest element.
      matrix[row * length + Math.min(Math.max(position, 0), length - 1)] += weight;
    }
  }
  return tensor('float32', [resized, length], matrix);
}

function sourceCoordinate(
  row: number,
  length: number,
  resized: number,
  scale: number,
  coordinates: string,
): number {
  switch (coordinates) {
    case 'align_corners':
      return resized === 1 ? 0 : (row * (length - 1)) / (resized - 1);
    case 'asymmetric':
      return row / scale;
    case 'pytorch_half_pixel':
      return resized > 1 ? (row + 0.5) / scale - 0.5 : 0;
    case 'half_pixel_symmetric': {
      const adjustment = resized / (scale * length);
      const offset = (length / 2) * (1 - adjustment);
      return offset + (row + 0.5) / scale - 0.5;
    }
    default:
      return (row + 0.5) / scale - 0.5;
  }
}

interface Tap {
  readonly position: number;
  readonly weight: number;
}

function weightsAt(x: number, length: number, rule: InterpolationRule): Tap[] {
  switch (rule.mode) {
    case 'nearest':
      return [{ position: nearestOf(x, rule.nearest), weight: 1 }];
    case 'linear': {
      const inside = Math.min(Math.max(x, 0), length - 1);
      const position = Math.floor(inside);
      const share = inside - position;
      return [
        { position, weight: 1 - share },
        { position: position + 1, weight: share },
      ];
    }
    default:
      return cubicTaps(x, length, rule);
  }
}

function nearestOf(x: number, mode: string): number {
  switch (mode) {
    case 'floor':
      return Math.floor(x);
    case 'ceil':
      return Math.ceil(x);
    case 'round_prefer_ceil':
      return Math.floor(x + 0.5);
    default:
      return Math.ceil(x - 0.5);
  }
}

/** Keys' convolution kernel ("Cubic Convolution Interpolation", 1981) over four neighbors. */
function cubicTaps(
  x: number,
  length: number,
  { cubicCoefficient: a, excludesOutside }: InterpolationRule,
): Tap[] {
  const base = Math.floor(x);
  const taps = [-1, 0, 1, 2].map((offset) => {
    const distance = Math.abs(x - base - offset);
    const weight =
      distance <= 1
        ? ((a + 2) * distance - (a + 3)) * distance * distance + 1
        : ((a * distance - 5 * a) * distance + 8 * a) * distance - 4 * a;
    return { position: base + offset, weight };
  });
  if (!excludesOutside) return taps;
  const inside = taps.filter(({ position }) => position >= 0 && position < length);
  const total = inside.reduce((sum, { weight }) => sum + weight, 0);
  return inside.map(({ position, weight }) => ({ position, weight: weight / total }));
}
