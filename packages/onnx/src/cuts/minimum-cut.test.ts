import { createRandom } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { type FlowEdge, layOutNetwork, minimumCut } from './minimum-cut.js';

interface Capacity extends FlowEdge {
  readonly capacity: number;
}

function cutOf(vertexCount: number, edges: readonly Capacity[], source: number, sink: number) {
  const network = layOutNetwork(vertexCount, edges);
  const capacities = Float64Array.from(edges, ({ capacity }) => capacity);
  return minimumCut(network, capacities, source, sink);
}

/** The smallest sum over all sides that hold the source and not the sink; of equal ones the fewest vertices. */
function cutBySearch(vertexCount: number, edges: readonly Capacity[], source: number, sink: number) {
  let best = { value: Number.POSITIVE_INFINITY, count: vertexCount };
  for (let side = 0; side < 1 << vertexCount; side++) {
    if (!(side & (1 << source)) || side & (1 << sink)) continue;
    const crossing = edges.filter(({ from, to }) => side & (1 << from) && !(side & (1 << to)));
    const value = crossing.reduce((sum, { capacity }) => sum + capacity, 0);
    const count = side.toString(2).replaceAll('0', '').length;
    if (value < best.value || (value === best.value && count < best.count)) best = { value, count };
  }
  return best;
}

test('the cut of a network with a known answer', () => {
  // Two ways of 3 and 2, joined by an edge of 1: all of it leaves the source.
  const edges = [
    { from: 0, to: 1, capacity: 3 },
    { from: 0, to: 2, capacity: 2 },
    { from: 1, to: 2, capacity: 1 },
    { from: 1, to: 3, capacity: 2 },
    { from: 2, to: 3, capacity: 3 },
  ];
  expect(cutOf(4, edges, 0, 3)).toEqual({ value: 5, sourceSide: Uint8Array.of(1, 0, 0, 0) });
});

test('the value and the smallest side are those of trying all sides', () => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = createRandom(seed);
    const vertexCount = 2 + random.nextInteger(7);
    const edges = Array.from({ length: random.nextInteger(20) }, () => ({
      from: random.nextInteger(vertexCount),
      to: random.nextInteger(vertexCount),
      capacity: random.nextInteger(6) === 0 ? Number.POSITIVE_INFINITY : random.nextInteger(5),
    }));
    const expected = cutBySearch(vertexCount, edges, 0, 1);
    const { value, sourceSide } = cutOf(vertexCount, edges, 0, 1);
    expect(value, `seed ${seed}`).toBe(expected.value);
    if (value < Number.POSITIVE_INFINITY) {
      expect(
        sourceSide.reduce((sum, side) => sum + side, 0),
        `seed ${seed}`,
      ).toBe(expected.count);
    }
  }
});

test('a chain of 100,000 vertices does not exhaust the stack', () => {
  const count = 100_000;
  const edges = Array.from({ length: count - 1 }, (_, i) => ({
    from: i,
    to: i + 1,
    capacity: i === 7 ? 1 : 2,
  }));
  const { value, sourceSide } = cutOf(count, edges, 0, count - 1);
  expect(value).toBe(1);
  expect(sourceSide.indexOf(0)).toBe(8);
});
