import type { Pixels } from '@featherwire/bundle';
import { describe, expect, test } from 'vitest';
import { codeInputPictures, type InputPictureCoding, missingInputPictureCoder } from './input-pictures.js';

function picture(channels: 1 | 3): Pixels {
  const data = Uint8Array.from({ length: 24 * 16 * channels }, (_, i) => (i * 7 + (i >> 4)) % 256);
  return { data, width: 24, height: 16, channels };
}

const CODINGS: readonly InputPictureCoding[] = [
  { codec: 'png' },
  { codec: 'webp-lossless' },
  { codec: 'jpeg-xl', distance: 0 },
];

describe('input pictures', () => {
  for (const coding of CODINGS) {
    for (const channels of [1, 3] as const) {
      const name = `${coding.codec}, ${channels === 1 ? 'gray' : 'color'}`;
      test(`${name}: what comes back is what was sent`, async ({ skip }) => {
        const missing = await missingInputPictureCoder(coding);
        skip(missing !== null, missing ?? undefined);
        const sent = [picture(channels), picture(channels)];
        const { decoded, bytes } = await codeInputPictures(sent, coding);
        expect(bytes).toHaveLength(2);
        expect(decoded.map(({ data }) => [...data])).toEqual(sent.map(({ data }) => [...data]));
      });
    }
  }

  test('a larger distance takes fewer bytes', async ({ skip }) => {
    const missing = await missingInputPictureCoder({ codec: 'jpeg-xl', distance: 1 });
    skip(missing !== null, missing ?? undefined);
    const rates = await Promise.all(
      [1, 15].map((distance) => codeInputPictures([picture(3)], { codec: 'jpeg-xl', distance })),
    );
    expect(rates[1].bytes[0]).toBeLessThan(rates[0].bytes[0]);
    expect(rates[0].encodeMs).toBeNull();
    expect(rates[0].programs?.encodeMs).toBeGreaterThan(0);
  });
});
