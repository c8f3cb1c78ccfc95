/** Profiled operating points between an edge client and a tail server, and requests that misuse them. */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Bundle } from '@featherwire/bundle';
import type { NodeBundle } from '@featherwire/bundle/node';
import { encodeBundledFrame, inspectFrame, referenceBackend } from '@featherwire/codec';
import type { TensorMap } from '@featherwire/inference';
import { createRandom } from '@featherwire/tensor';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createTailServer, type TailServer } from '../src/node/server/tail-server.js';
import { digestPrefix, parseMessage, serializeMessage } from '../src/protocol/index.js';
import {
  expectAlive,
  featureRequest,
  frameOf,
  LOSSLESS,
  post,
  remoteCode,
  singleTryClient,
  statusAndCode,
  transportTo,
} from './clients.js';
import {
  STATIC_POINT,
  squareFeatures,
  squareOutputs,
  squareProfile,
  writeSquareBundle,
} from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-profiled-'));
const LIMIT = 100;
let square: NodeBundle;
let server: TailServer;

beforeAll(async () => {
  square = await writeSquareBundle(root);
  server = await createTailServer({ bundles: [square], limits: { maxElementsPerTensor: LIMIT } });
});
afterAll(async () => {
  await server.close();
  rmSync(root, { recursive: true, force: true });
});

/** A bundled frame of the cut. */
function bundledFrame(size: number, changes: { point?: number; digest?: boolean } = {}): Uint8Array {
  const { double, shift } = squareFeatures(size, 1);
  const options = { profile: squareProfile(), point: STATIC_POINT, sequenceNumber: 0, ...changes };
  return encodeBundledFrame([double, shift], { ...options, backend: referenceBackend });
}

/** A client of a bundle that may not be quite the server's. */
async function withClient<T>(
  bundle: Bundle,
  use: (client: ReturnType<typeof singleTryClient>) => Promise<T>,
): Promise<T> {
  const transport = transportTo(server, 'websocket');
  try {
    return await use(singleTryClient(bundle, transport));
  } finally {
    await transport.close();
  }
}

describe('requests with a profiled point', () => {
  test('carry one frame for the whole cut and give what the tail gives', () =>
    withClient(square, async (client) => {
      const { outputs, bytes } = await client.inferFeature(squareFeatures(5, 2), { coding: 'static' });
      expect(outputs).toEqual(squareOutputs(5, 2));
      expect(bytes.payload).toBeLessThan(40);
      const [double, shift] = bytes.perTensor;
      const options = { profiles: new Map([[STATIC_POINT, squareProfile()]]) };
      const { byteLength, fields } = inspectFrame(bundledFrame(5), options);
      expect(bytes.payload).toBe(byteLength);
      // What the tensors share: preamble, point, sequence number and checksum.
      const shared = fields
        .filter(({ field }) => ['operating point', 'sequence number', 'CRC-32'].includes(field))
        .reduce((sum, field) => sum + field.byteLength, 5);
      expect(double.codedBytes + shift.codedBytes + shared).toBe(byteLength);
      expect(double).toMatchObject({
        name: 'double',
        elements: 25,
        bitsPerElement: (8 * double.codedBytes) / 25,
      });
    }));

  test('mix with others on one connection', () =>
    withClient(square, async (client) => {
      const codings = ['static', LOSSLESS, 'two-levels', 'static'];
      const results = await Promise.all(
        codings.map((coding, s) => client.inferFeature(squareFeatures(3, s), { coding })),
      );
      for (const [s, { outputs }] of results.entries()) expect(outputs).toEqual(squareOutputs(3, s));
      expect(results[0].bytes.payload).toBeLessThan(results[2].bytes.payload);
    }));

  test('need the profile on this side', () =>
    withClient({ ...square, profiles: new Map() }, async (client) => {
      const request = client.inferFeature(squareFeatures(3, 1), { coding: 'static' });
      await expect(request).rejects.toThrow("got 'static', one that was not loaded");
    }));

  test('are refused before sending if a feature does not fit the profile', () => {
    const [double, shift] = squareProfile().tensors;
    const narrow = { tensors: [{ ...double, shape: [4, null] }, shift] };
    return withClient({ ...square, profiles: new Map([['static', narrow]]) }, async (client) => {
      const request = client.inferFeature(squareFeatures(3, 1), { coding: 'static' });
      await expect(request).rejects.toThrow(RangeError);
    });
  });
});

describe('verify', () => {
  test.each(['static', 'two-levels'])('of %s costs 5 bytes a frame and changes no result', (coding) =>
    withClient(square, async (client) => {
      const plain = await client.inferFeature(squareFeatures(3, 1), { coding });
      const verified = await client.inferFeature(squareFeatures(3, 1), { coding, verify: true });
      const frames = coding === 'static' ? 1 : 2;
      expect(verified.outputs).toEqual(plain.outputs);
      expect(verified.bytes.payload).toBe(plain.bytes.payload + 5 * frames);
    }),
  );

  test('finds out that the two ends decode differently, which is silent without it', () => {
    const profiles = new Map([['static', squareProfile(2)]]);
    return withClient({ ...square, profiles }, async (client) => {
      const features = { ...squareFeatures(3, 1) };
      features.double = {
        ...features.double,
        data: Float32Array.of(2, 0, 0, 0, 2, 0, 0, 0, 2),
      } as typeof features.double;
      await expect(client.inferFeature(features, { coding: 'static' })).resolves.toBeTruthy();
      const code = await remoteCode(client.inferFeature(features, { coding: 'static', verify: true }));
      expect(code).toBe('RemoteError digest-mismatch final');
    });
  });
});

describe('statistics', () => {
  /** Features of size 3 of which a third of the elements has a value. */
  const valued = (value: number) => {
    const { double, shift } = squareFeatures(3, 1);
    return {
      double: { ...double, data: Float32Array.of(value, 0, 0, 0, value, 0, 0, 0, value) },
      shift,
    } as TensorMap;
  };

  test('of shifted inputs make the server warn, and tell when they are back', async () => {
    const lines: string[] = [];
    const logger = {
      info: () => undefined,
      warn: (line: string) => lines.push(line),
      error: () => undefined,
    };
    const own = await createTailServer({ bundles: [square], logger });
    const transport = transportTo(own, 'websocket');
    try {
      const client = singleTryClient(square, transport);
      const send = async (value: number, count: number): Promise<void> => {
        for (let i = 0; i < count; i++)
          await client.inferFeature(valued(value), { coding: 'static', statistics: true });
      };
      await send(1, 40);
      expect(lines).toEqual([]);
      await send(4, 20);
      expect(lines).toHaveLength(1);
      expect(lines[0]).toMatch(/point 'static', tensor 'double': the share of saturated elements drifted to/);
      const [{ points }] = (await (await fetch(`${own.url}/v1/drift`)).json()).bundles;
      expect(points[0]).toMatchObject({ point: 'static', requests: 60 });
      expect(points[0].tensors[0]).toMatchObject({ tensor: 'double', state: 'drifted', low: 0 });
      expect(points[0].tensors[1]).toMatchObject({ tensor: 'shift', state: 'unknown', low: 1, high: 1 });
      expect(own.stats().bundles[0].drift).toEqual(points);
      await send(1, 300);
      expect(lines).toHaveLength(2);
      expect(lines[1]).toMatch(/the share of saturated elements is back at/);
    } finally {
      await transport.close();
      await own.close();
    }
  });

  test('cost 12 bytes a tensor and one, and none where nothing can be compared', () =>
    withClient(square, async (client) => {
      const requests = () => server.stats().bundles[0].drift[0]?.requests ?? 0;
      const sent = async (coding: string, statistics: boolean): Promise<number> =>
        (await client.inferFeature(valued(1), { coding, statistics })).bytes.sent;
      const before = requests();
      expect(await sent('static', true)).toBe((await sent('static', false)) + 25);
      expect(requests()).toBe(before + 1);
      expect(await sent('two-levels', true)).toBe(await sent('two-levels', false));
      expect(requests()).toBe(before + 1);
    }));

  test('of another number of tensors are refused, and those of a refused request do not count', async () => {
    const requests = () => server.stats().bundles[0].drift[0]?.requests ?? 0;
    const before = requests();
    const summary = { saturatedShare: 0, backgroundShare: 0, low: 0, high: 0 };
    const request = (count: number, frames: Uint8Array[]) =>
      serializeMessage({
        ...{ kind: 'feature-request', requestId: 1, bundlePrefix: digestPrefix(square.digest), frames },
        statistics: new Array(count).fill(summary),
      });
    expect(await statusAndCode(post(server, request(1, [bundledFrame(3)])))).toBe('422 input-mismatch');
    expect(await statusAndCode(post(server, request(255, [bundledFrame(3)])))).toBe('422 input-mismatch');
    expect(await statusAndCode(post(server, request(2, [bundledFrame(3, { point: 2 })])))).toBe(
      '422 unknown-point',
    );
    expect(requests()).toBe(before);
    expect(await statusAndCode(post(server, request(2, [bundledFrame(3)])))).toBe('200 response');
    expect(requests()).toBe(before + 1);
  });
});

describe('hostile requests', () => {
  test.each<[string, () => Uint8Array[], string]>([
    ['a number beyond the points', () => [bundledFrame(3, { point: 2 })], '422 unknown-point'],
    ['the number of a described point', () => [bundledFrame(3, { point: 0 })], '422 unknown-point'],
    ['the largest number', () => [bundledFrame(3, { point: Number.MAX_SAFE_INTEGER })], '422 unknown-point'],
    ['more elements than the limit', () => [bundledFrame(11)], '422 input-mismatch'],
    [
      'a bundled frame among others',
      () => [bundledFrame(3), frameOf(squareFeatures(3, 1).shift)],
      '422 input-mismatch',
    ],
    ['a bundled frame twice', () => [bundledFrame(3), bundledFrame(3)], '422 input-mismatch'],
    ['a self-contained frame alone', () => [frameOf(squareFeatures(3, 1).double)], '422 input-mismatch'],
    ['a frame cut short', () => [bundledFrame(3).subarray(0, -1)], '422 bad-frame'],
    ['a preamble alone', () => [bundledFrame(3).subarray(0, 5)], '422 bad-frame'],
    ['less than a preamble', () => [bundledFrame(3).subarray(0, 2)], '422 bad-frame'],
    ['bytes after the frame', () => [Uint8Array.of(...bundledFrame(3), 0)], '422 bad-frame'],
  ])('with %s are answered', async (_, frames, expected) => {
    expect(await statusAndCode(post(server, featureRequest(square, frames())))).toBe(expected);
    await expectAlive(server, square);
  });

  test('with flipped bits or cut frames end in an error, never in a wrong result', async () => {
    const random = createRandom(41);
    const transport = transportTo(server, 'websocket');
    for (let run = 0; run < 150; run++) {
      const frame = bundledFrame(4, { digest: run % 2 === 0 });
      const keptBytes = run % 3 === 0 ? frame.length : 1 + random.nextInteger(frame.length - 1);
      const cut = frame.subarray(0, keptBytes);
      if (keptBytes === frame.length) cut[random.nextInteger(keptBytes)] ^= 1 << random.nextInteger(8);
      const request = featureRequest(square, [cut], run + 1);
      const answer = parseMessage((await transport.exchange(request, { timeoutMs: 5000 })).message);
      expect(answer, `run ${run}`).toMatchObject({ kind: 'error', requestId: run + 1 });
    }
    await transport.close();
    await expectAlive(server, square);
  });
});
