/**
 * How lanes learn which of them take words in a step: by a ballot of the subgroup where one holds all of them, else by bits in
 * workgroup memory and a barrier.
 */

/** Where lanes vote. */
export type BallotKind = 'subgroup' | 'workgroup';

/** @param subgroupSize - invocations that every subgroup holds; 0 where there are none */
export function ballotKind(voters: number, subgroupSize: number): BallotKind {
  return voters <= subgroupSize ? 'subgroup' : 'workgroup';
}

/** Text of a kernel that votes. */
export interface Ballots {
  /** Stands at the very beginning. */
  readonly enable: string;
  /** Declares `vote`, to be called in uniform control flow; `turn` goes through 0, 1 and 2, step by step. */
  readonly functions: string;
  /** The built-in value that numbers the invocations. */
  readonly laneOf: string;
}

const VOTES = `
struct Votes {
  // Votes of lanes before this one.
  before: u32,
  all: u32,
}
`;

/** By kind; a subgroup has up to 32 voters, a workgroup up to 64. */
export const BALLOTS: Readonly<Record<BallotKind, Ballots>> = {
  subgroup: {
    enable: 'enable subgroups;',
    functions: `${VOTES}
fn vote(isTaking: bool, lane: u32, turn: u32) -> Votes {
  let votes = subgroupBallot(isTaking).x;
  return Votes(countOneBits(votes & ((1u << lane) - 1u)), countOneBits(votes));
}
`,
    laneOf: '@builtin(subgroup_invocation_id)',
  },
  workgroup: {
    enable: '',
    functions: `${VOTES}
// Two words for each of three turns: those of one are written, those of one may still be read, those of one are cleared.
var<workgroup> ballots: array<atomic<u32>, 6>;

fn vote(isTaking: bool, lane: u32, turn: u32) -> Votes {
  let isHigh = lane >= 32u;
  let bit = 1u << (lane & 31u);
  if (isTaking) { atomicOr(&ballots[turn * 2u + u32(isHigh)], bit); }
  workgroupBarrier();
  let low = atomicLoad(&ballots[turn * 2u]);
  let high = atomicLoad(&ballots[turn * 2u + 1u]);
  if (lane < 2u) { atomicStore(&ballots[((turn + 2u) % 3u) * 2u + lane], 0u); }
  let before = countOneBits(select(low, high, isHigh) & (bit - 1u)) + select(0u, countOneBits(low), isHigh);
  return Votes(before, countOneBits(low) + countOneBits(high));
}
`,
    laneOf: '@builtin(local_invocation_index)',
  },
};
