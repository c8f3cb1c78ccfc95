import { describe, expect, test } from 'vitest';
import { decibelsToRatio, outageProbability, outageRate } from './rayleigh.js';

const channel = (bandwidthMHz: number, decibels: number) => ({
  bandwidthHz: bandwidthMHz * 1e6,
  signalToNoise: decibelsToRatio(decibels),
});
const KIBIBYTE_BITS = 8192;

describe('outageRate', () => {
  test.each([
    [10, 10, 0.1, 10.38, 0.789],
    [10, 10, 0.01, 1.382, 5.93],
    [10, 10, 0.001, 0.1436, 57.0],
    [20, 20, 0.01, 20.07, 0.408],
  ])(
    '%d MHz at %d dB with outage %d carries %d Mbit/s, a kibibyte in %d ms',
    (bandwidth, decibels, outage, mbps, ms) => {
      const rate = outageRate(channel(bandwidth, decibels), outage);
      expect(Math.abs(rate / 1e6 / mbps - 1)).toBeLessThan(0.001);
      expect(Math.abs((1e3 * KIBIBYTE_BITS) / rate / ms - 1)).toBeLessThan(0.001);
    },
  );

  test('is the rate whose probability of failure is the outage', () => {
    for (const outage of [1e-9, 1e-3, 0.2, 0.99]) {
      const rate = outageRate(channel(5, 13), outage);
      expect(outageProbability(channel(5, 13), rate) / outage).toBeCloseTo(1, 9);
    }
    expect(outageProbability(channel(5, 13), 0)).toBe(0);
  });

  test('refuses what is out of range', () => {
    expect(() => outageRate(channel(10, 10), 0)).toThrow('outage expected');
    expect(() => outageRate(channel(10, 10), 1)).toThrow('outage expected');
    expect(() => outageRate(channel(0, 10), 0.1)).toThrow('bandwidthHz expected more than 0');
    expect(() => outageRate({ bandwidthHz: 1, signalToNoise: Number.NaN }, 0.1)).toThrow('signalToNoise');
    expect(() => outageProbability(channel(10, 10), -1)).toThrow('bitsPerSecond expected');
  });
});
