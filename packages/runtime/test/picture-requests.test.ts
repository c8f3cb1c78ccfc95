/** What a tail server does with pictures: the same as an evaluation, or a refusal. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DEFAULT_PICTURE_LIMITS, type ImagePreprocessing, type Pixels } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { sharpOfPixels, tensorOfPicture } from '@featherwire/bundle/node/pictures';
import { type Tensor, tensor } from '@featherwire/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { noisePixels, plainPixels } from '../../../test-support/pictures.js';
import type { EdgeClient } from '../src/client/edge-client.js';
import type { Transport } from '../src/client/transport.js';
import { createHttpTransport } from '../src/node/http-transport.js';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { remoteCode, singleTryClient } from './clients.js';
import { writePictureBundle } from './test-bundles.js';

/** Preprocessing beside `[any width, height 4, RGB, stretched]`, each with a bundle of its own. */
const VARIANTS: readonly (readonly [string, Partial<ImagePreprocessing>])[] = [
  ['in proportion', {}],
  ['stretched', { width: 6 }],
  ['cut', { width: 6, fit: 'center-crop', channelOrder: 'BGR', mean: [0.5, 0.4, 0.3], std: [0.2, 0.3, 0.4] }],
  ['gray', { width: 6, channelOrder: 'gray', mean: [0.5], std: [0.25] }],
];

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-pictures-'));
const bundles: NodeBundle[] = [];
let server: TailServer;
let transport: Transport;
let client: EdgeClient;

beforeAll(async () => {
  for (const [name, preprocessing] of VARIANTS) {
    bundles.push(await writePictureBundle(path.join(root, name), preprocessing));
  }
  server = await createTailServer({ bundles });
  transport = createHttpTransport({ url: server.url });
  client = singleTryClient(bundles[0], transport);
});
afterAll(async () => {
  await transport.close();
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

const png = (pixels: Pixels): Promise<Uint8Array> => sharpOfPixels(pixels).png().toBuffer();
const outputOf = async (image: Uint8Array): Promise<Tensor> =>
  (await client.sendPicture(image)).outputs.output;

describe.each(VARIANTS.map(([name], i) => [name, i] as const))('a picture %s', (_, variant) => {
  test('comes to the network as the tensor that an evaluation makes of the same bytes', async () => {
    const bundle = bundles[variant];
    const pictures = [
      png(noisePixels(1, 9, 7, 3)),
      png(noisePixels(2, 8, 8, 4)),
      sharpOfPixels(noisePixels(3, 5, 9, 1))
        .toColourspace('b-w')
        .png()
        .toBuffer(),
      sharpOfPixels(noisePixels(4, 40, 30, 3))
        .withMetadata({ orientation: 6 })
        .jpeg()
        .toBuffer(),
      sharpOfPixels(noisePixels(5, 20, 30, 4))
        .webp()
        .toBuffer(),
    ];
    for (const [i, bytes] of (await Promise.all(pictures)).entries()) {
      const { outputs } = await singleTryClient(bundle, transport).sendPicture(bytes);
      const expected = await tensorOfPicture(bytes, bundle.manifest.preprocessing!, DEFAULT_PICTURE_LIMITS);
      expect(outputs.output, `picture ${i}`).toEqual(expected);
    }
  });
});

test('a picture of the right size comes pixel by pixel', async () => {
  const pixels = noisePixels(5, 7, 4, 3);
  const bytes = await png(pixels);
  const { outputs, bytes: counted, times } = await client.sendPicture(bytes);
  const planes = Float32Array.from(
    { length: 84 },
    (_, i) => pixels.data[(i % 28) * 3 + Math.floor(i / 28)] / 255,
  );
  expect(outputs.output).toEqual(tensor('float32', [1, 3, 4, 7], planes));
  expect(counted.payload).toBe(bytes.length);
  expect(times.decodeMs).toBeGreaterThan(0);
});

test.each(['png', 'jpeg', 'webp', 'avif', 'tiff', 'gif'] as const)(
  'a %s is resized to the height, its width in proportion',
  async (format) => {
    const output = await outputOf(
      await sharpOfPixels(plainPixels(90, 30, 200, 100, 50))
        .toFormat(format)
        .toBuffer(),
    );
    expect(output.shape).toEqual([1, 3, 4, 12]);
    const values = output.data as Float32Array;
    expect(values[0] * 255).toBeCloseTo(200, -1);
    expect(values[100] * 255).toBeCloseTo(50, -1);
  },
);

test('gray, transparent and turned pictures come out as upright color', async () => {
  const gray = await sharpOfPixels(plainPixels(4, 4, 128))
    .toColourspace('b-w')
    .png()
    .toBuffer();
  expect((await outputOf(gray)).data).toEqual(new Float32Array(48).fill(128 / 255));
  const clear = await png(plainPixels(4, 4, 0, 0, 0, 0));
  expect((await outputOf(clear)).data).toEqual(new Float32Array(48).fill(1));
  const lying = sharpOfPixels(plainPixels(4, 8, 128, 128, 128)).withMetadata({ orientation: 6 });
  expect((await outputOf(await lying.jpeg().toBuffer())).shape).toEqual([1, 3, 4, 8]);
});

test('what is not a picture of a known format is bad-picture', async () => {
  const whole = await png(plainPixels(64, 64, 255, 0, 0));
  const svg = Buffer.from('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"></svg>');
  for (const bytes of [Uint8Array.of(1), svg, whole.subarray(0, 40), new Uint8Array(500)]) {
    expect(await remoteCode(client.sendPicture(bytes))).toBe('RemoteError bad-picture final');
  }
  expect((await outputOf(whole)).shape).toEqual([1, 3, 4, 4]);
});

test('a picture over the limits is bad-picture', async () => {
  const limits = { maxImagePixels: 100, maxElementsPerTensor: 12 * 25 };
  const strict = await createTailServer({ bundles: [bundles[0]], limits });
  const strictTransport = createHttpTransport({ url: strict.url });
  const code = async (width: number, height: number) => {
    const image = await png(plainPixels(width, height, 255, 0, 0));
    return remoteCode(singleTryClient(bundles[0], strictTransport).sendPicture(image));
  };
  try {
    expect(await code(10, 10)).toBe('no error');
    expect(await code(10, 11)).toBe('RemoteError bad-picture final');
    expect(await code(25, 4)).toBe('no error');
    expect(await code(26, 3)).toBe('RemoteError bad-picture final'); // 35 wide at height 4
  } finally {
    await strictTransport.close();
    await strict.close();
  }
});
