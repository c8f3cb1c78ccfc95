/** Features and settings for the codec on a GPU, the same for the same seed. Runs in Node and in browsers. */
import {
  createStatistics,
  decodeChunk,
  designContextModel,
  designTable,
  designTensorProfile,
  encodeFrame,
  referenceBackend,
} from '@featherwire/codec';
import {
  alphabetOfQuantizer,
  GROUP_CHANNELS,
  geometryOfShape,
  quantizerOfChoice,
} from '@featherwire/codec/parts';
import { createRandom, elementCount } from '@featherwire/tensor';

/** Operating point of bundled frames. */
export const POINT = 7;
/** Bits that arithmetic could lose: zeros, subnormals, the largest number, infinities. */
const SPECIALS = [0x00000000, 0x80000000, 0x00000001, 0x807fffff, 0x7f7fffff, 0x7f800000, 0xff800000];
/** Most channels of a case under contexts: five groups of a class. */
const MAX_CHANNELS = 80;

/** A feature with settings of a random kind: every third one under contexts, the others under tables. */
export function gpuCase(seed) {
  const random = createRandom(seed);
  return seed % 3 === 2 ? contextCase(random) : tableCase(random);
}

function tableCase(random) {
  const pick = (list) => list[random.nextInteger(list.length)];
  const shape = randomShape(random);
  const levelCount = 2 + random.nextInteger(pick([1, 3, 15, 255]));
  const { scale, range } = randomRange(random);
  const quantizer = randomQuantizer(random, { shape, levelCount, range, scale });
  const feature = {
    dtype: 'float32',
    shape,
    data: randomValues(random, elementCount(shape), { range, scale }),
  };
  const division = {
    laneCount: 1 << random.nextInteger(6),
    chunkCount: 1 + random.nextInteger(pick([1, 4, 40])),
  };
  const alphabet = alphabetOfQuantizer(quantizerOfChoice(quantizer, shape, createStatistics()).quantizer);
  const coder = alphabet.levelCount <= 16 && random.nextInteger(2) === 0 ? 'rans-packed' : 'rans';
  if (random.nextInteger(3) > 0 || (coder === 'rans-packed' && random.nextInteger(2) === 0)) {
    const varyingAxes =
      quantizer.kind === 'grouped' || shape.length === 0 ? [] : [random.nextInteger(shape.length)];
    const tensor = designTensorProfile([feature], {
      quantizer,
      coder,
      varyingAxes,
      backend: referenceBackend,
    });
    const profile = { tensors: [tensor], shortFrames: random.nextInteger(3) === 0 };
    const settings = { profile, point: POINT, sequenceNumber: random.nextInteger(1000) };
    return { kind: 'bundled', feature, settings: { ...settings, ...division } };
  }
  const table = coder === 'rans' ? randomTable(alphabet, random) : undefined;
  return { kind: 'own', feature, settings: { quantizer, coder, ...(table && { table }), ...division } };
}

/** Indices of up to 16 levels under a model that is made for them, or for others of their shape. */
function contextCase(random) {
  const pick = (list) => list[random.nextInteger(list.length)];
  const channelAxis = pick(['planes', 'columns']);
  const channelCount = 1 + random.nextInteger(pick([4, 40, MAX_CHANNELS]));
  const items = pick([1, 1, 2, 3]);
  const rows = 1 + random.nextInteger(8);
  const columns = 1 + random.nextInteger(9);
  const itemShape = channelAxis === 'planes' ? [channelCount, rows, columns] : [rows * columns, channelCount];
  const shape = items === 1 ? itemShape : [items, ...itemShape];
  const { scale, range } = randomRange(random);
  const levelCount = 2 + random.nextInteger(15);
  const quantizer = randomQuantizer(random, { shape, levelCount, range, scale });
  const data = randomValues(random, elementCount(shape), { range, scale });
  const feature = { dtype: 'float32', shape, data };
  const alphabet = alphabetOfQuantizer(quantizerOfChoice(quantizer, shape, createStatistics()).quantizer);
  const indexed = { indices: indicesOf(feature, quantizer), geometry: geometryOfShape(shape) };
  const designed = designContextModel([indexed], alphabet, {
    channelAxis,
    tokenColumns: pick([0, columns, 3]),
    channelCount,
    preference: pick(['speed', 'size']),
  });
  const model = random.nextInteger(2) === 0 ? designed : withRandomClasses(designed, random);
  const division = { laneCount: 1 << random.nextInteger(7), chunkCount: 1 };
  if (channelAxis === 'columns')
    division.chunkCount += random.nextInteger(items > 1 ? items : rows * columns);
  else if (random.nextInteger(2) === 0) division.chunkCount = items;
  const coder = 'rans-contexts';
  if (random.nextInteger(3) === 0)
    return { kind: 'own', feature, settings: { quantizer, coder, contextModel: model, ...division } };
  const varyingAxes = quantizer.kind === 'grouped' ? [] : [0];
  const plain = designTensorProfile([feature], {
    quantizer,
    coder: 'none',
    varyingAxes,
    backend: referenceBackend,
  });
  const profile = {
    tensors: [{ ...plain, coder: { kind: coder, model } }],
    shortFrames: random.nextInteger(2) === 0,
  };
  const settings = { profile, point: POINT, sequenceNumber: random.nextInteger(1000) };
  return { kind: 'bundled', feature, settings: { ...settings, ...division } };
}

/** The same cells with tables of any frequencies, for as many classes as the channels allow. */
function withRandomClasses(model, random) {
  const { levelCount, binCount, classOfChannel } = model;
  const channelCount = classOfChannel.length;
  const classCount = Math.ceil(channelCount / GROUP_CHANNELS);
  const thresholds = new Uint8Array(classCount * (levelCount - 1) * binCount);
  for (let table = 0; table < classCount * binCount; table++) {
    const starts = new Set();
    while (starts.size < levelCount - 1) starts.add(1 + random.nextInteger(255));
    const row = Math.floor(table / binCount) * (levelCount - 1);
    [...starts]
      .sort((a, b) => a - b)
      .forEach((start, symbol) => {
        thresholds[(row + symbol) * binCount + (table % binCount)] = start;
      });
  }
  const places = Array.from({ length: channelCount }, () => random.nextUniform());
  const order = Array.from(places.keys()).sort((a, b) => places[a] - places[b]);
  const classes = classOfChannel.map((_, channel) => Math.floor(order.indexOf(channel) / GROUP_CHANNELS));
  return { ...model, thresholds, classOfChannel: classes };
}

/** What a quantizer makes of a feature. */
function indicesOf(feature, quantizer) {
  const options = { backend: referenceBackend };
  return decodeChunk(encodeFrame(feature, { quantizer, coder: 'rans', ...options }), 0, options).indices;
}

function randomRange(random) {
  const scale = 10 ** (random.nextInteger(7) - 3);
  const low = [0, -1, -0.5][random.nextInteger(3)] * scale;
  return { scale, range: { kind: 'fixed', low, high: (0.5 + random.nextUniform()) * 2 * scale } };
}

function randomShape(random) {
  const rank = random.nextInteger(5);
  const most = [1, 3000, 60, 14, 8][rank];
  return Array.from({ length: rank }, () => 1 + random.nextInteger(most));
}

function randomQuantizer(random, { shape, levelCount, range, scale }) {
  switch (random.nextInteger(4)) {
    case 0:
      return { kind: 'asymmetric', bits: Math.max(1, Math.floor(Math.log2(levelCount))), range };
    case 1: {
      const levels = Array.from({ length: levelCount }, (_, i) => (i - 1 + random.nextUniform() / 2) * scale);
      const thresholds = levels.slice(1).map((level, i) => (i === 0 ? 0 : (level + levels[i]) / 2));
      return thresholds.every((threshold, i) => i === 0 || threshold > thresholds[i - 1])
        ? { kind: 'levels', levels, thresholds }
        : { kind: 'uniform', levelCount, range };
    }
    case 2: {
      if (shape.length === 0) return { kind: 'uniform', levelCount, range };
      const axis = random.nextInteger(shape.length);
      const groupCount = shape[axis];
      const limits = Array.from({ length: groupCount }, () => ({
        low: range.low,
        high: range.high * (1 + random.nextUniform()),
      }));
      return { kind: 'grouped', levelCount, axis, groupCount, range: { kind: 'fixed', limits } };
    }
    default:
      return { kind: 'uniform', levelCount, range };
  }
}

function randomValues(random, count, { range, scale }) {
  const values = Float32Array.from({ length: count }, () => {
    const value = random.nextNormal() * scale;
    return range.low === 0 ? Math.max(0, value) : value;
  });
  const bits = new Uint32Array(values.buffer);
  for (let i = random.nextInteger(50); i < count; i += 1 + random.nextInteger(200))
    bits[i] = SPECIALS[random.nextInteger(SPECIALS.length)];
  return values;
}

/** A table of indices, with a frequency for each. */
function randomTable({ levelCount, background }, random) {
  const counts = Uint32Array.from({ length: levelCount }, () => 1 + random.nextInteger(1000));
  return designTable(counts, background, { coverAll: true }).description;
}
