import { createRandom } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import {
  BitstreamError,
  designTensorProfile,
  readProfile,
  referenceBackend,
  writeProfile,
} from '../src/index.js';
import { CHOICES, feature, minmax, profileOf, sealed } from './profiled-features.js';

describe('profiles', () => {
  test.each(CHOICES)('%s: survive their bytes', (_, quantizer) => {
    const profile = profileOf([feature([4, 9, 10], 1)], quantizer);
    expect(readProfile(writeProfile(profile))).toEqual(profile);
  });

  test('mutations behind a right checksum end in a profile or a BitstreamError', () => {
    const random = createRandom(9);
    const sources = CHOICES.map(([, quantizer]) =>
      writeProfile(profileOf([feature([4, 9, 10], 1)], quantizer)),
    );
    let refused = 0;
    for (let round = 0; round < 6_000; round++) {
      const bytes = sources[round % sources.length].slice();
      for (let flips = 1 + random.nextInteger(4); flips > 0; flips--)
        bytes[random.nextInteger(bytes.length - 4)] = random.nextInteger(256);
      try {
        const profile = readProfile(sealed(bytes));
        expect(readProfile(writeProfile(profile))).toEqual(profile);
      } catch (error) {
        if (!(error instanceof BitstreamError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(1_000);
  });

  test('samples that do not fit, and settings that no profile has, are refused', () => {
    const options = {
      quantizer: { kind: 'uniform', levelCount: 4, range: minmax } as const,
      backend: referenceBackend,
    };
    expect(() => designTensorProfile([], options)).toThrow(/at least one/);
    expect(() => designTensorProfile([feature([4], 1), feature([5], 1)], options)).toThrow(
      /expected float32 \[4\]/,
    );
    expect(() => designTensorProfile([feature([4], 1)], { ...options, varyingAxes: [1] })).toThrow(
      /dimensions of \[4\], got 1/,
    );
    const groupedByLimits = CHOICES[CHOICES.length - 1][1];
    expect(() =>
      designTensorProfile([feature([4, 3], 1)], { ...options, quantizer: groupedByLimits, varyingAxes: [0] }),
    ).toThrow(/others than the channels/);
    const grouped = { kind: 'grouped', levelCount: 4, axis: 0, groupCount: 2, range: minmax } as const;
    expect(() => designTensorProfile([feature([4], 1)], { ...options, quantizer: grouped })).toThrow(
      /fixed limits/,
    );
  });
});
