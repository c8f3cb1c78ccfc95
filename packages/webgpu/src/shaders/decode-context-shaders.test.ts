import { expect, test } from 'vitest';
import { decodeContextShader, divideLanes } from './decode-context-shaders.js';

test('lanes vote in subgroups that hold a quarter of them at least', () => {
  const divisions = [0, 4, 8, 16, 32].map((subgroupSize) => divideLanes(64, subgroupSize));
  expect(divisions.map(({ ballots, invocations }) => [ballots, invocations])).toEqual([
    ['workgroup', 64],
    ['workgroup', 64],
    ['workgroup', 64],
    ['subgroup', 16],
    ['subgroup', 32],
  ]);
  expect(divideLanes(2, 32)).toEqual({ ballots: 'subgroup', invocations: 2, laneCount: 2 });
  expect(divideLanes(16, 4)).toEqual({ ballots: 'subgroup', invocations: 4, laneCount: 16 });
});

test('the kernel of subgroups waits for others in no step', () => {
  const barriersOf = (subgroupSize: number): number =>
    decodeContextShader(divideLanes(64, subgroupSize)).match(/workgroupBarrier\(\);/g)?.length ?? 0;
  // Two around the rows of a block; without subgroups one in each vote.
  expect(barriersOf(32)).toBe(2);
  expect(barriersOf(0)).toBe(3);
});
