import { describe, expect, test } from 'vitest';
import {
  bitsPerElement,
  bitsPerPixel,
  bytesOfElementRate,
  bytesOfPixelRate,
  factorOverFloat32,
} from './rate-units.js';

/** Cuts of the publications: elements, pixels, and what 0.6 bits per element are there. */
const CUTS = [
  { name: 'ResNet-50, layer 21', elements: 512 * 32 * 32, side: 256, pixelRate: 4.8, bytes: 39_321.6 },
  { name: 'YOLOv3, layer 12', elements: 256 * 52 * 52, side: 416, pixelRate: 2.4, bytes: 51_916.8 },
  { name: 'ResNet-50, layer 4', elements: 2048 * 7 * 7, side: 224, pixelRate: 1.2, bytes: 7526.4 },
];

describe('units of rate', () => {
  test.each(CUTS)('$name: bits per element, bytes and bits per pixel agree', (cut) => {
    const bytes = bytesOfElementRate(0.6, cut.elements);
    expect(bytes).toBeCloseTo(cut.bytes, 6);
    expect(bitsPerPixel(bytes, cut.side ** 2)).toBeCloseTo(cut.pixelRate, 12);
    expect(bitsPerElement(bytes, cut.elements)).toBeCloseTo(0.6, 12);
  });

  test('0.0698 bits per pixel of 224 by 224 are the 438 bytes of paper C', () => {
    expect(bytesOfPixelRate(0.0698, 224 ** 2)).toBeCloseTo(437.8, 1);
  });

  test('4.44 bits per element are the 7.2 times of paper A, if they are against float32', () => {
    expect(factorOverFloat32(bitsPerElement(4.444, 8))).toBeCloseTo(7.2, 2);
  });
});
