import type { ImagePreprocessing } from '@featherwire/bundle';
import { tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { prepareInput, recipeOf } from './sample-feeds.js';

const PREPROCESSING: ImagePreprocessing = {
  kind: 'image',
  input: 'x',
  channelOrder: 'RGB',
  height: 2,
  width: 2,
  fit: 'stretch',
  mean: [0, 0, 0],
  std: [1, 1, 1],
};
const INPUT = { name: 'x', dtype: 'float32', shape: [1, 3, 2, 2] } as const;

describe('input recipes', () => {
  test('name the only input; several are refused', () => {
    expect(recipeOf({ inputs: [INPUT], preprocessing: PREPROCESSING })).toEqual({
      input: 'x',
      preprocessing: PREPROCESSING,
    });
    const two = [INPUT, { ...INPUT, name: 'y' }];
    expect(() => recipeOf({ inputs: two })).toThrow('inputs expected one, as data has, got 2: x, y');
  });

  test('a tensor goes to the network as it is, a picture in the size of the network', async () => {
    const given = tensor('float32', [1, 2], Float32Array.of(1, 2));
    const recipe = { input: 'x', preprocessing: PREPROCESSING };
    expect(await prepareInput({ kind: 'tensor', tensor: given }, recipe)).toEqual({
      feeds: { x: given },
      pixels: null,
    });
    const pixels = { data: new Uint8Array(4 * 4 * 3).fill(255), width: 4, height: 4, channels: 3 } as const;
    const prepared = await prepareInput({ kind: 'pixels', pixels }, recipe);
    expect(prepared.pixels).toMatchObject({ width: 2, height: 2 });
    expect(prepared.feeds.x).toMatchObject({ dtype: 'float32', shape: [1, 3, 2, 2] });
    expect([...prepared.feeds.x.data]).toEqual(Array(12).fill(1));
  });

  test('a picture without preprocessing is refused', async () => {
    const pixels = { data: new Uint8Array(3), width: 1, height: 1, channels: 3 } as const;
    await expect(prepareInput({ kind: 'pixels', pixels }, { input: 'x' })).rejects.toThrow(TypeError);
  });
});
