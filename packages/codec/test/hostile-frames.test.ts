import { createRandom, type Tensor, tensor } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { ByteWriter } from '../src/bitstream/byte-writer.js';
import { crc32 } from '../src/bitstream/crc32.js';
import {
  type Backend,
  BitstreamError,
  decodeFrame,
  encodeFrame,
  inspectFrame,
  loadWasmBackend,
  type QuantizerChoice,
  referenceBackend,
} from '../src/index.js';
import { drawFeature } from './features.js';

const MUTATIONS_PER_FRAME = 1_500;
const RANDOM_FRAMES = 20_000;

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadWasmBackend()];
});

const minmax = { kind: 'minmax' } as const;

/** One frame of every form the encoder writes. */
function exampleFrames(): Map<string, Uint8Array> {
  const relu = drawFeature('relu', 1_200, 11);
  const gaussian = drawFeature('gaussian', 900, 12);
  const bytes = tensor(
    'uint8',
    [40, 5],
    Uint8Array.from({ length: 200 }, (_, i) => (i * i) % 23),
  );
  const flat = drawFeature('uniform', 64, 13);
  const cases: [string, Tensor, QuantizerChoice][] = [
    ['rans', relu, { kind: 'uniform', levelCount: 4, range: minmax }],
    ['rans-tokens', gaussian, { kind: 'asymmetric', bits: 12, range: minmax }],
    ['packed', flat, { kind: 'uniform', levelCount: 200, range: minmax }],
    ['integer', bytes, { kind: 'integer' }],
    ['levels', relu, { kind: 'levels', levels: [0, 0.5, 1.25, 3], thresholds: [0.3, 0.9, 2] }],
    [
      'grouped',
      { ...relu, shape: [12, 100] },
      { kind: 'grouped', levelCount: 5, axis: 0, groupCount: 4, range: minmax },
    ],
    [
      'grouped by a list',
      { ...gaussian, shape: [30, 30] },
      {
        kind: 'grouped',
        levelCount: 300,
        axis: 1,
        groupCount: 3,
        groupOfChannel: Array.from({ length: 30 }, (_, i) => (i * i) % 3),
        range: minmax,
      },
    ],
    ['stored', tensor('int64', [2], BigInt64Array.of(1n, -2n)), { kind: 'none' }],
    [
      'constant',
      tensor('float32', [3], Float32Array.of(7, 7, 7)),
      { kind: 'uniform', levelCount: 4, range: minmax },
    ],
    [
      'empty',
      tensor('float32', [0, 4], new Float32Array(0)),
      { kind: 'uniform', levelCount: 4, range: minmax },
    ],
  ];
  const frames = new Map<string, Uint8Array>();
  for (const [name, feature, quantizer] of cases) {
    frames.set(name, encodeFrame(feature, { quantizer, coder: 'rans', backend: referenceBackend }));
    const lanes = encodeFrame(feature, { quantizer, backend: referenceBackend, laneCount: 8 });
    frames.set(`${name}, 8 lanes`, lanes);
  }
  for (const [name, feature, levelCount] of [
    ['binary', relu, 4],
    ['binary, two sides', gaussian, 9],
    ['binary, 1,000 levels', gaussian, 1_000],
  ] as const) {
    const quantizer = { kind: 'uniform', levelCount, range: minmax } as const;
    const planes = { ...feature, shape: [feature.shape[0] / 100, 10, 10] };
    frames.set(name, encodeFrame(planes, { quantizer, coder: 'binary', backend: referenceBackend }));
  }
  for (const laneCount of [1, 4]) {
    const quantizer = { kind: 'uniform', levelCount: 5, range: minmax } as const;
    const options = { quantizer, coder: 'binary-fast', laneCount, backend: referenceBackend } as const;
    const planes = { ...relu, shape: [relu.shape[0] / 100, 10, 10] };
    frames.set(`trees of bins, ${laneCount} lanes`, encodeFrame(planes, options));
  }
  for (const [name, shape, levelCount] of [
    ['contexts', [20, 6, 8], 4],
    ['contexts of tokens', [1, 30, 40], 12],
  ] as const) {
    const planes = { ...relu, shape, data: relu.data.subarray(0, shape[0] * shape[1] * shape[2]) };
    const quantizer = { kind: 'uniform', levelCount, range: minmax } as const;
    frames.set(name, encodeFrame(planes, { quantizer, coder: 'rans-contexts', backend: referenceBackend }));
  }
  for (const [name, feature, coder] of planesExamples(relu.data, gaussian.data)) {
    const quantizer = { kind: 'lossless' } as const;
    frames.set(name, encodeFrame(feature, { quantizer, coder, backend: referenceBackend }));
  }
  for (const layout of ['csr', 'csr-separate', 'significance'] as const) {
    const quantizer = { kind: 'uniform', levelCount: 4, range: minmax } as const;
    frames.set(layout, encodeFrame(relu, { quantizer, layout, backend: referenceBackend }));
  }
  return frames;
}

/** Tensors whose lossless frames have every part: few elements, since each takes several planes. */
function planesExamples(relu: Float32Array, gaussian: Float32Array): [string, Tensor, 'rans' | 'binary'][] {
  const runs = relu.map((_, i) => relu.subarray(i - (i % 8), i + 1).reduce((a, b) => a + b));
  const triples = relu.slice(0, 300).map((_, i) => relu[i - (i % 3)]);
  const halfUniform = relu.slice(0, 300).map((x, i) => (i < 100 ? 1 : x));
  const int32 = Int32Array.from(gaussian.subarray(0, 300), (x) => x * 1e6);
  const float64 = Float64Array.from(gaussian.subarray(0, 200));
  return [
    ['planes', tensor('float32', [3, 10, 10], relu.slice(0, 300)), 'rans'],
    ['planes with signs, binary', tensor('float32', [300], gaussian.slice(0, 300)), 'binary'],
    ['planes in groups', tensor('float32', [1_200], runs), 'rans'],
    ['planes with copies', tensor('float32', [300], triples), 'rans'],
    ['planes, some uniform, binary', tensor('float32', [6, 5, 10], halfUniform), 'binary'],
    ['planes of float64', tensor('float64', [200], float64), 'rans'],
    ['planes of int32', tensor('int32', [300], int32), 'rans'],
  ];
}

test('the examples of planes have every part', () => {
  const parts = [...exampleFrames()].flatMap(([name, frame]) =>
    name.startsWith('planes') ? inspectFrame(frame).fields.map(({ field }) => field) : [],
  );
  for (const field of ['classes: coder', 'classes: groups', 'signs: bins', 'copies: coder', 'lowest integer'])
    expect(parts).toContain(field);
  expect(parts).toContain('list of uniform planes');
});

/** Decodes on every backend; the outcome must be a tensor or a `BitstreamError`, and the same on all. */
function outcome(frame: Uint8Array, label: string): Tensor | BitstreamError {
  const outcomes = backends.map((backend) => {
    try {
      return decodeFrame(frame, { backend });
    } catch (error) {
      if (!(error instanceof BitstreamError)) throw new Error(`${label}: ${String(error)}`, { cause: error });
      return error;
    }
  });
  expect(outcomes[1], label).toEqual(outcomes[0]);
  return outcomes[0];
}

/** The frame with its checksum made right again, so that mutations reach the decoder behind it. */
function resealed(frame: Uint8Array): Uint8Array {
  const copy = frame.slice();
  if (copy.length >= 4) {
    new DataView(copy.buffer).setUint32(copy.length - 4, crc32(copy.subarray(0, copy.length - 4)), true);
  }
  return copy;
}

function expectCode(frame: Uint8Array, code: BitstreamError['code'], label: string): void {
  const result = outcome(frame, label);
  expect(result, label).toBeInstanceOf(BitstreamError);
  expect((result as BitstreamError).code, label).toBe(code);
}

/** Header fields as bytes, sealed. */
function handmade(write: (writer: ByteWriter) => void): Uint8Array {
  const writer = new ByteWriter();
  for (const byte of [0xf5, 0x46, 0x57, 1]) writer.writeUint8(byte);
  write(writer);
  writer.writeUint32(crc32(writer.peek()));
  return writer.finish();
}

describe('on any bytes a decoder ends in a tensor or a BitstreamError', () => {
  test('every truncation is refused', () => {
    for (const [name, frame] of exampleFrames()) {
      for (let length = 0; length < frame.length; length++) {
        const result = outcome(frame.subarray(0, length), `${name}, ${length} bytes`);
        expect(result, `${name}, ${length} bytes`).toBeInstanceOf(BitstreamError);
      }
    }
  });

  test('every flipped bit is refused', () => {
    for (const [name, frame] of exampleFrames()) {
      for (let bit = 0; bit < Math.min(frame.length, 200) * 8; bit++) {
        const flipped = frame.slice();
        flipped[bit >> 3] ^= 1 << (bit & 7);
        expect(outcome(flipped, `${name}, bit ${bit}`), `${name}, bit ${bit}`).toBeInstanceOf(BitstreamError);
      }
    }
  });

  test('mutations behind a right checksum end well', () => {
    for (const [name, frame] of exampleFrames()) {
      const random = createRandom(frame.length);
      for (let round = 0; round < MUTATIONS_PER_FRAME; round++) {
        const mutated = frame.slice(
          0,
          frame.length - random.nextInteger(2) * random.nextInteger(frame.length - 8),
        );
        for (let edits = 1 + random.nextInteger(3); edits > 0; edits--) {
          mutated[4 + random.nextInteger(mutated.length - 4)] = random.nextInteger(256);
        }
        outcome(resealed(mutated), `${name}, round ${round}`);
      }
    }
  }, 60_000);

  test('random bytes, with and without a right preamble and checksum, are refused or decode', () => {
    const random = createRandom(99);
    for (let round = 0; round < RANDOM_FRAMES; round++) {
      const bytes = Uint8Array.from({ length: random.nextInteger(60) }, () => random.nextInteger(256));
      if (round % 2 === 0) bytes.set([0xf5, 0x46, 0x57, 1].slice(0, bytes.length));
      outcome(round % 4 === 0 ? resealed(bytes) : bytes, `round ${round}`);
    }
  });
});

describe('each defect has its code', () => {
  const good = (): Uint8Array => exampleFrames().get('rans')!;

  test('empty input', () => expectCode(new Uint8Array(0), 'truncated', 'empty'));
  test('a wrong magic', () =>
    expectCode(Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 1, 2, 3), 'wrong-magic', 'PNG'));
  test('a newer version', () => {
    const frame = good();
    frame[3] = 2;
    expectCode(resealed(frame), 'unsupported-version', 'version 2');
  });
  test('reserved bits of the type byte', () => {
    const frame = good();
    frame[4] |= 0x20;
    expectCode(resealed(frame), 'reserved-bits', 'form 2');
  });
  test('a shape of 8 GB in a frame of 40 bytes', () => {
    const frame = handmade((writer) => {
      writer.writeUint8(0);
      writer.writeUint8(0x22);
      writer.writeVarint(2 ** 16);
      writer.writeVarint(2 ** 15);
      while (writer.length < 36) writer.writeUint8(0);
    });
    expect(frame.length).toBe(40);
    expectCode(frame, 'limit-exceeded', '2^31 elements');
  });
  test('a shape whose product overflows beside a zero dimension', () => {
    const frame = handmade((writer) => {
      writer.writeUint8(0);
      writer.writeUint8(0x05);
      for (const dimension of [0, 2 ** 26, 2 ** 26, 2 ** 26, 2 ** 26]) writer.writeVarint(dimension);
    });
    expectCode(frame, 'limit-exceeded', 'huge beside zero');
  });
  test('a caller may set lower limits, and both sides of a limit hold', () => {
    const frame = good();
    expect(() => decodeFrame(frame, { backend: referenceBackend, limits: { maxElements: 1_199 } })).toThrow(
      /limit|over/,
    );
    expect(decodeFrame(frame, { backend: referenceBackend, limits: { maxElements: 1_200 } }).shape).toEqual([
      1_200,
    ]);
  });
  test('bytes after the frame', () =>
    expectCode(Uint8Array.of(...good(), 0), 'trailing-bytes', 'one more byte'));
  test('a wrong checksum', () => {
    const frame = good();
    frame[frame.length - 1] ^= 1;
    expectCode(frame, 'checksum-mismatch', 'last byte');
  });
  test('a payload that ends early', () => {
    const { fields } = inspectFrame(good());
    const words = fields.find(({ field }) => field === 'words')!;
    const frame = good();
    // One word less by count and by bytes.
    const shorter = Uint8Array.of(...frame.subarray(0, frame.length - 6), 0, 0, 0, 0);
    shorter[words.byteOffset]--;
    expectCode(resealed(shorter), 'payload-mismatch', 'one word less');
  });
  test('a quantizer on elements that have none', () => {
    const frame = handmade((writer) => {
      writer.writeUint8(9); // int64
      writer.writeUint8(0x21);
      writer.writeVarint(3);
    });
    expectCode(frame, 'invalid-field', 'quantized int64');
  });
  test('a table without symbols', () => {
    const frame = handmade((writer) => {
      writer.writeUint8(0);
      writer.writeUint8(0x31);
      for (const value of [2, 2, 0]) writer.writeVarint(value); // 2 elements, 2 levels, zero point 0
      writer.writeFloat32(1);
      writer.writeBytes(Uint8Array.of(2, 0b0000_0001, 0, 0, 0, 0, 0)); // rANS, a curve of zeros
    });
    expectCode(frame, 'invalid-table', 'empty table');
  });
});
