/**
 * A seeded generator for tests, verification inputs and simulated data: xoshiro128** seeded by
 * SplitMix32 (Blackman and Vigna, "Scrambled linear pseudorandom number generators", 2021).
 * Not for secrets.
 */

/** A stream of pseudo-random numbers; the same seed gives the same stream on every engine. */
export interface RandomSource {
  /** Uniform in [0, 2^32), an integer. */
  nextUint32(): number;
  /** Uniform in [0, 1), with 32 random bits. */
  nextUniform(): number;
  /** Uniform integer in [0, bound); `bound` from 1 to 2^32. */
  nextInteger(bound: number): number;
  /** Standard normal, by the Box-Muller transform. */
  nextNormal(): number;
}

/**
 * Creates a generator.
 * @param seed - any integer; taken modulo 2^32
 */
export function createRandom(seed: number): RandomSource {
  let mix = seed >>> 0;
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    mix = (mix + 0x9e3779b9) >>> 0;
    let z = mix;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    state[i] = (z ^ (z >>> 15)) >>> 0;
  }
  const rotate = (x: number, k: number): number => (x << k) | (x >>> (32 - k));

  function nextUint32(): number {
    const result = Math.imul(rotate(Math.imul(state[1], 5), 7), 9) >>> 0;
    const shifted = state[1] << 9;
    state[2] ^= state[0];
    state[3] ^= state[1];
    state[1] ^= state[2];
    state[0] ^= state[3];
    state[2] ^= shifted;
    state[3] = rotate(state[3], 11);
    return result;
  }
  const nextUniform = (): number => nextUint32() / 2 ** 32;
  return {
    nextUint32,
    nextUniform,
    nextInteger: (bound) => Math.floor(nextUniform() * bound),
    nextNormal: () => Math.sqrt(-2 * Math.log(1 - nextUniform())) * Math.cos(2 * Math.PI * nextUniform()),
  };
}
