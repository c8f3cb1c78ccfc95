/** Published units: read without running anything, and computing what the published layers compute. */

import { readProfile, referenceBackend } from '@featherwire/codec';
import { createLocalSession } from '@featherwire/inference/node';
import { modelOfRecord, type NodeRecord, serializeModel } from '@featherwire/onnx';
import { createRandom, elementCount, type Tensor, type TensorOf, tensor } from '@featherwire/tensor';
import { describe, expect, test } from 'vitest';
import { importPublishedUnit, type PublishedFiles } from '../src/node/published/import-unit.js';
import { readStateDictionary } from '../src/node/published/state-dictionary.js';
import { entropyBits, huffmanBits, readFrequencies } from '../src/published/frequencies.js';
import { readPickle } from '../src/published/pickle.js';
import { frequencyTable, op, pickle, stateDictionary, tensorOpcodes, zip } from './published-files.js';

const [CHANNELS, HEIGHT, WIDTH, LATENT] = [6, 7, 7, 4];
const STEP = 2.5;
const PLAIN = { globals: new Map() };

type Weights = Map<string, TensorOf<'float32'> | TensorOf<'int64'>>;

/** A state dictionary with layers of random weights; `up` is the side of the restoration's kernel. */
function publishedWeights(up: number): Weights {
  const random = createRandom(4);
  const numbers = (shape: readonly number[], mean = 0, deviation = 0.4): TensorOf<'float32'> =>
    tensor(
      'float32',
      shape,
      Float32Array.from({ length: elementCount(shape) }, () => mean + deviation * random.nextNormal()),
    );
  const weights: Weights = new Map();
  const layer = (name: string, shape: readonly number[], channels: number): void => {
    weights.set(`${name}.0.weight`, numbers(shape));
    weights.set(`${name}.1.weight`, numbers([channels], 1, 0.1));
    weights.set(`${name}.1.bias`, numbers([channels], 0.3));
    weights.set(`${name}.1.running_mean`, numbers([channels]));
    const variance = numbers([channels]);
    weights.set(`${name}.1.running_var`, { ...variance, data: variance.data.map((x) => 0.5 + x * x) });
    weights.set(`${name}.1.num_batches_tracked`, tensor('int64', [], BigInt64Array.of(7n)));
  };
  layer('encoder.dw', [CHANNELS, 1, 3, 3], CHANNELS);
  layer('encoder.pw', [LATENT, CHANNELS, 1, 1], LATENT);
  layer('decoder.pw', [LATENT, CHANNELS, 1, 1], CHANNELS);
  layer('decoder.dw', [CHANNELS, 1, up, up], CHANNELS);
  return weights;
}

function files(up: number, changes: Partial<PublishedFiles> = {}): PublishedFiles {
  return {
    weights: stateDictionary(publishedWeights(up)),
    frequencies: frequencyTable(
      [
        [0, 700],
        [1, 200],
        [2, 60],
        [4, 40],
      ],
      'dict',
    ),
    featureShape: [CHANNELS, HEIGHT, WIDTH],
    stride: 2,
    pad: 1,
    quantizationStep: STEP,
    cut: 'feature',
    id: 'published',
    backend: referenceBackend,
    ...changes,
  };
}

async function run(model: Uint8Array, feeds: Record<string, Tensor>): Promise<Record<string, Tensor>> {
  const session = await createLocalSession(model);
  const { outputs } = await session.run(feeds);
  await session.close();
  return outputs;
}

/** The published layers as they are: convolution, normalization, rectifier. */
function publishedModel(weights: Weights, half: 'encoder' | 'decoder', pads: readonly number[]): Uint8Array {
  const conv = half === 'encoder' ? 'Conv' : 'ConvTranspose';
  const order = half === 'encoder' ? ['dw', 'pw'] : ['pw', 'dw'];
  const nodes = order.flatMap((part, i): NodeRecord[] => {
    const name = `${half}.${part}`;
    const own: NodeRecord['attributes'] =
      part === 'dw' ? { strides: [2, 2], group: CHANNELS, pads: [...pads] } : {};
    const normalization = ['weight', 'bias', 'running_mean', 'running_var'].map(
      (role) => `${name}.1.${role}`,
    );
    return [
      {
        opType: conv,
        name: '',
        inputs: [i === 0 ? 'x' : `y${i - 1}`, `${name}.0.weight`],
        outputs: [`c${i}`],
        attributes: own,
      },
      {
        opType: 'BatchNormalization',
        name: '',
        inputs: [`c${i}`, ...normalization],
        outputs: [`n${i}`],
        attributes: {},
      },
      { opType: 'Relu', name: '', inputs: [`n${i}`], outputs: [`y${i}`], attributes: {} },
    ];
  });
  const used = [...weights].filter(([name]) => name.startsWith(half) && !name.endsWith('tracked'));
  const inputs = [{ name: 'x', dtype: 'float32' as const, shape: ['N', 'C', 'H', 'W'] }];
  return serializeModel(
    modelOfRecord({ name: half, opset: 15, inputs, nodes, outputs: ['y1'], weights: new Map(used) }),
  );
}

const largestDifference = (a: ArrayLike<number | bigint>, b: ArrayLike<number | bigint>): number =>
  Math.max(...Array.from(a, (value, i) => Math.abs(Number(value) - Number(b[i]))));

describe('an imported unit', () => {
  test.each([
    ['that ends at the shape of the cut', 3, [1, 1, 1, 1]],
    ['that would end one pixel beyond it, which is cut off', 2, [0, 0, 1, 1]],
  ])('%s computes what the published layers compute', async (_, up, pads) => {
    const { unit, point } = await importPublishedUnit(files(up));
    const weights = publishedWeights(up);
    const random = createRandom(9);
    const feature = tensor(
      'float32',
      [1, CHANNELS, HEIGHT, WIDTH],
      Float32Array.from({ length: CHANNELS * HEIGHT * WIDTH }, () => Math.abs(random.nextNormal())),
    );
    const { latent } = await run(unit.reduction.model, { feature });
    const { y1: published } = await run(publishedModel(weights, 'encoder', [1, 1, 1, 1]), { x: feature });
    expect(latent.shape).toEqual(unit.latent[0].shape);
    expect(published.shape).toEqual(latent.shape);
    const inSteps = (published.data as Float32Array).map((value) => value / STEP);
    expect(largestDifference(inSteps, latent.data)).toBeLessThan(1e-5);

    const rounded = (latent.data as Float32Array).map(Math.round);
    const restored = await run(unit.restoration.model, { latent: tensor('float32', latent.shape, rounded) });
    const decoded = tensor(
      'float32',
      latent.shape,
      rounded.map((value) => STEP * value),
    );
    const { y1: expected } = await run(publishedModel(weights, 'decoder', pads), { x: decoded });
    expect(restored.feature.shape).toEqual(feature.shape);
    expect(largestDifference(restored.feature.data, expected.data)).toBeLessThan(1e-4);
    expect(readProfile(point.profile).tensors[0].shape).toEqual(latent.shape);
  });

  test('has a table of its symbols with room beyond, and rates in order', async () => {
    const { point, rates } = await importPublishedUnit(files(3));
    const [{ quantizer }] = readProfile(point.profile).tensors;
    expect(quantizer).toMatchObject({ kind: 'affine', affine: { levelCount: 7, offset: 0, step: 1 } });
    expect(rates.symbols).toBe(LATENT * 16);
    expect(rates.huffman).toBeGreaterThanOrEqual(rates.entropy);
    expect(rates.frames).toBeGreaterThan(rates.entropy);
    expect(rates.contextFrames).toBeGreaterThan(0);
  });

  test.each<[string, Partial<PublishedFiles>, string]>([
    ['another cut', { featureShape: [8, 7, 7] }, 'layer 1 expected weights [8, 1, 3, 3], got [6, 1, 3, 3]'],
    ['a restoration too short', { stride: 4 }, 'restoration expected at least 7 x 7, got 5 x 5'],
    ['no archive', { weights: new Uint8Array(40) }, 'zip: zip end record expected'],
  ])('is refused for %s', async (_, changes, message) => {
    const importing = importPublishedUnit(files(changes.stride === 4 ? 1 : 3, changes));
    await expect(importing).rejects.toThrow(message);
  });
});

describe('state dictionaries', () => {
  test('come back tensor by tensor, in their order', () => {
    const weights = publishedWeights(3);
    expect([...readStateDictionary(stateDictionary(weights))]).toEqual([...weights]);
  });

  test('with other callables are refused, and nothing is called', () => {
    const evil = pickle(op.global('os', 'system'), op.tuple(op.text('true')), op.reduce);
    expect(() => readStateDictionary(zip([['a/data.pkl', evil]]))).toThrow('got the callable os.system');
    expect(() => readPickle(evil, PLAIN)).toThrow('got the callable os.system');
  });

  test('whose elements are missing, too few, or not one after another are refused', () => {
    const value = tensor('float32', [2, 3], new Float32Array(6));
    const content = (opcodes: readonly number[]) => pickle(op.dictionary([op.text('w'), opcodes] as const));
    const archive = (opcodes: readonly number[], elements: number) =>
      zip([
        ['a/data.pkl', content(opcodes)],
        ['a/data/0', new Uint8Array(4 * elements)],
      ]);
    expect(readStateDictionary(archive(tensorOpcodes(0, value), 6)).get('w')).toEqual(value);
    expect(() => readStateDictionary(archive(tensorOpcodes(0, value), 5))).toThrow(
      'expected 6 elements, got 20 bytes',
    );
    expect(() => readStateDictionary(archive(tensorOpcodes(1, value), 6))).toThrow('got no bytes');
    const [from, to] = [op.tuple(op.integer(3), op.integer(1)), op.tuple(op.integer(1), op.integer(2))];
    const opcodes = tensorOpcodes(0, value).join();
    const transposed = opcodes.replace(from.join(), to.join()).split(',').map(Number);
    expect(() => readStateDictionary(archive(transposed, 6))).toThrow('strides 3, 1, got 1, 2');
  });

  test('that take one storage for more than 256 MiB of tensors are refused', () => {
    const large = tensor('float32', [2 ** 20], new Float32Array(2 ** 20));
    const archive = (count: number): Uint8Array => {
      const pairs = Array.from(
        { length: count },
        (_, i) => [op.text(`w${i}`), tensorOpcodes(0, large)] as const,
      );
      return zip([
        ['a/data.pkl', pickle(op.dictionary(...pairs))],
        ['a/data/0', new Uint8Array(2 ** 22)],
      ]);
    };
    expect(readStateDictionary(archive(2)).size).toBe(2);
    expect(() => readStateDictionary(archive(65))).toThrow('at most 256 MiB together');
  });
});

describe('pickles', () => {
  test('any change of a byte is read or refused, and nothing but TrainError is thrown', () => {
    const whole = stateDictionaryPickle();
    for (let at = 0; at < whole.length; at++) {
      for (const value of [0, 0x28, 0x52, 0x62, 0x75, 0xff]) {
        const changed = Uint8Array.from(whole, (byte, i) => (i === at ? value : byte));
        try {
          readFrequencies(changed);
        } catch (error) {
          expect(error).toMatchObject({ name: 'TrainError', code: 'bad-weights' });
        }
      }
      expect(() => readFrequencies(whole.subarray(0, at))).toThrow(/pickle expected/);
    }
  });

  test('that go on without end are refused', () => {
    const long = pickle(...Array.from({ length: 50 }, () => op.integer(1)));
    expect(() => readPickle(long, { ...PLAIN, maxOperations: 20 })).toThrow('at most 20 operations');
  });

  test('of very long lists are read, calls with very many arguments refused', () => {
    const items = Array.from({ length: 200_000 }, () => [0x4e]); // None
    const bytes = (before: readonly number[], after: readonly number[]): Uint8Array =>
      new Uint8Array(Buffer.concat([before, [0x28], items.flat(), after].map((part) => Buffer.from(part))));
    const list = bytes([0x80, 2, 0x5d], [0x65, 0x2e]);
    expect(readPickle(list, PLAIN)).toHaveLength(200_000);
    const call = bytes([0x80, 2, ...op.global('a', 'b')], [0x74, ...op.reduce, 0x2e]);
    const globals = new Map([['a.b', () => null]]);
    expect(() => readPickle(call, { globals })).toThrow('at most 16 arguments, got 200000');
  });
});

function stateDictionaryPickle(): Uint8Array {
  return frequencyTable(
    [
      [0, 70_000],
      [1, 3],
      [255, 1],
    ],
    'Counter',
  );
}

describe('frequency tables', () => {
  test('are dictionaries or counters from symbols to counts', () => {
    for (const form of ['dict', 'Counter'] as const) {
      expect(
        readFrequencies(
          frequencyTable(
            [
              [2, 5],
              [0, 70_000],
            ],
            form,
          ),
        ),
      ).toEqual([70_000, 0, 5]);
    }
    expect(() => readFrequencies(frequencyTable([[300, 5]], 'dict'))).toThrow(
      'symbols from 0 to 255, got 300',
    );
    expect(() => readFrequencies(frequencyTable([[1, 0]], 'dict'))).toThrow('got none above 0');
    expect(() => readFrequencies(pickle(op.text('x')))).toThrow('expected a dictionary');
  });

  test('take these bits by Huffman and at least', () => {
    expect(huffmanBits([1, 1, 2, 4])).toBe(1.75);
    expect(entropyBits([1, 1, 2, 4])).toBe(1.75);
    expect(huffmanBits([9, 0, 1])).toBe(1);
    expect(entropyBits([9, 0, 1])).toBeCloseTo(0.469, 3);
    expect(huffmanBits([3])).toBe(1);
  });
});
