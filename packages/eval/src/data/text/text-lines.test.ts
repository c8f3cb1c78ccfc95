import { describe, expect, test } from 'vitest';
import type { SampleInput } from '../data-set.js';
import { linesOfSplit, readProseLines } from './prose.js';
import { createTextLines, DEFAULT_TEXT_DIFFICULTY } from './text-lines.js';
import { createTurnedLines } from './turned-lines.js';

function bytesOf(input: SampleInput): Uint8Array {
  if (input.kind !== 'pixels') throw new Error(`pixels expected, got ${input.kind}`);
  return Uint8Array.from(input.pixels.data);
}

describe('prose', () => {
  test('calibration and test lines have no text in common', async () => {
    const calibration = await readProseLines('calibration');
    const test = await readProseLines('test');
    expect(calibration.length).toBeGreaterThan(5000);
    expect(test.length).toBeGreaterThan(10_000);
    const all = new Set([...calibration, ...test]);
    expect(all.size).toBe(calibration.length + test.length);
  });

  test('lines are three to six words of printable ASCII', async () => {
    const odd = (await readProseLines('test')).filter(
      (line) => !/^(?=.{12,25}$)[\x21-\x7e]+( [\x21-\x7e]+){2,5}$/.test(line),
    );
    expect(odd).toEqual([]);
  });

  test('a line that both parts have goes to the first alone', () => {
    const same = 'the whale the whale the whale';
    const both = [...linesOfSplit([same, same], 'calibration'), ...linesOfSplit([same, same], 'test')];
    expect(new Set(both).size).toBe(both.length);
  });
});

describe('createTextLines', () => {
  test('the same seed gives the same bytes, in any order and for any count', async () => {
    const few = await createTextLines({ split: 'test', count: 4, seed: 9 });
    const many = await createTextLines({ split: 'test', count: 40, seed: 9 });
    for (const index of [3, 0, 2, 1]) {
      const a = await few.sample(index);
      const b = await many.sample(index);
      expect(a.label).toBe(b.label);
      expect(bytesOf(a.input), `sample ${index}`).toEqual(bytesOf(b.input));
    }
  });

  test('another seed gives other lines and other pictures', async () => {
    const one = await createTextLines({ split: 'test', count: 20, seed: 1 });
    const two = await createTextLines({ split: 'test', count: 20, seed: 2 });
    const labels = async (set: typeof one): Promise<string[]> =>
      Promise.all(Array.from({ length: 20 }, async (_, i) => (await set.sample(i)).label));
    expect(await labels(one)).not.toEqual(await labels(two));
    expect(new Set(await labels(one)).size).toBe(20);
  });

  test('pictures are gray, 320 x 48, with ink on paper', async () => {
    const set = await createTextLines({ split: 'calibration', count: 30 });
    for (let i = 0; i < set.length; i++) {
      const { input, id } = await set.sample(i);
      expect(input).toMatchObject({ kind: 'pixels', pixels: { width: 320, height: 48, channels: 1 } });
      const sorted = bytesOf(input).sort();
      const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))];
      expect(at(0.5) - at(0.01), `contrast of ${id}`).toBeGreaterThan(30);
    }
  });

  test('the difficulty decides what is drawn, and is told in the description', async () => {
    const clean = {
      ...DEFAULT_TEXT_DIFFICULTY,
      blurSigma: { low: 0, high: 0 },
      noiseSigma: { low: 0, high: 0 },
    };
    const easy = await createTextLines({ split: 'test', count: 1, difficulty: clean });
    const hard = await createTextLines({ split: 'test', count: 1 });
    const levels = async (set: typeof easy): Promise<number> =>
      new Set(bytesOf((await set.sample(0)).input)).size;
    expect((await easy.sample(0)).label).toBe((await hard.sample(0)).label);
    const flat = bytesOf((await easy.sample(0)).input);
    expect(flat[0]).toBe(flat[319]); // paper without noise
    expect(await levels(hard)).toBeGreaterThan(30);
    expect(hard.description).toBe(
      '1 rendered test lines of Moby-Dick, seed 1, size 18-26 px, blur 0.7-1.3 px, noise 3-7 levels',
    );
  });

  test.each([0, -1, 1.5, 1e9])('a count of %d is refused', async (count) => {
    await expect(createTextLines({ split: 'test', count })).rejects.toThrow(RangeError);
  });

  test('a sample outside the set is refused', async () => {
    const set = await createTextLines({ split: 'test', count: 2 });
    await expect(set.sample(2)).rejects.toThrow(RangeError);
  });
});

test('every second of turned lines is upside down, and its label says so', async () => {
  const options = { split: 'test', count: 3 } as const;
  const [upright, turned] = [await createTextLines(options), await createTurnedLines(options)];
  expect(turned.description).toBe(`${upright.description}, every second upside down`);
  for (const index of [0, 1, 2]) {
    const [line, sample] = [await upright.sample(index), await turned.sample(index)];
    expect(sample.label).toBe(index % 2);
    const expected = bytesOf(line.input);
    expect(bytesOf(sample.input)).toEqual(index === 1 ? expected.reverse() : expected);
  }
});
