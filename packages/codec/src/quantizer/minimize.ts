/** Minimization of a function of one or two variables, without derivatives. Encoding only. */

const GOLDEN = (Math.sqrt(5) - 1) / 2;
const INTERVAL_ROUNDS = 80;
const SIMPLEX_ROUNDS = 300;

/**
 * Where in [low, high] a function with one minimum there is smallest: golden-section search.
 * @param tolerance - relative width of the interval that ends it; below 1e-8 it is the digits of the function that
 * limit the result
 */
export function minimizeOnInterval(
  evaluate: (x: number) => number,
  low: number,
  high: number,
  tolerance: number = 1e-12,
): number {
  let [a, b] = [low, high];
  let [left, right] = [b - GOLDEN * (b - a), a + GOLDEN * (b - a)];
  let [atLeft, atRight] = [evaluate(left), evaluate(right)];
  for (let round = 0; round < INTERVAL_ROUNDS && b - a > tolerance * (Math.abs(a) + Math.abs(b)); round++) {
    if (atLeft <= atRight) {
      [b, right, atRight] = [right, left, atLeft];
      left = b - GOLDEN * (b - a);
      atLeft = evaluate(left);
    } else {
      [a, left, atLeft] = [left, right, atRight];
      right = a + GOLDEN * (b - a);
      atRight = evaluate(right);
    }
  }
  return (a + b) / 2;
}

/** A point of the plane. */
export type Pair = readonly [number, number];

interface Vertex {
  readonly at: Pair;
  readonly value: number;
}

/**
 * A local minimum near `start`: the simplex method of Nelder and Mead, "A simplex method for function
 * minimization" (1965). The function may be +Infinity where it is not defined.
 * @param reach - size of the first simplex in each direction
 * @param tolerance - differences of the function below this share of its value end the search
 */
export function minimizePair(
  evaluate: (at: Pair) => number,
  start: Pair,
  reach: Pair,
  tolerance: number = 1e-13,
): Pair {
  const vertex = (at: Pair): Vertex => ({ at, value: evaluate(at) });
  const corners: Pair[] = [start, [start[0] + reach[0], start[1]], [start[0], start[1] + reach[1]]];
  let simplex = corners.map(vertex);
  for (let round = 0; round < SIMPLEX_ROUNDS; round++) {
    simplex.sort((a, b) => a.value - b.value);
    const [best, good, worst] = simplex;
    if (worst.value - best.value <= tolerance * Math.abs(best.value)) break;
    const middle = onLine(best.at, good.at, 0.5);
    const reflected = vertex(onLine(middle, worst.at, -1));
    if (reflected.value < best.value) {
      const expanded = vertex(onLine(middle, worst.at, -2));
      simplex[2] = expanded.value < reflected.value ? expanded : reflected;
    } else if (reflected.value < good.value) {
      simplex[2] = reflected;
    } else {
      const contracted = vertex(onLine(middle, worst.at, reflected.value < worst.value ? -0.5 : 0.5));
      if (contracted.value < Math.min(reflected.value, worst.value)) simplex[2] = contracted;
      else simplex = [best, ...[good, worst].map(({ at }) => vertex(onLine(best.at, at, 0.5)))];
    }
  }
  return simplex.reduce((a, b) => (b.value < a.value ? b : a)).at;
}

/** The point at `share` of the way from `a` to `b`. */
function onLine(a: Pair, b: Pair, share: number): Pair {
  return [a[0] + share * (b[0] - a[0]), a[1] + share * (b[1] - a[1])];
}
