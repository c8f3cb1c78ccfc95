/** Features that the vectors of the codec are made of: seeded draws, and shapes that a coder has trouble with. */

import { createRandom } from '@featherwire/tensor';

/** Two components of three channels, nearly orthonormal. */
export const twoOfThree = {
  channelCount: 3,
  componentCount: 2,
  weights: Int16Array.of(9459, 9459, 9459, 11_585, 0, -11_585),
};

export function features(count, seed, draw) {
  const random = createRandom(seed);
  return Float32Array.from({ length: count }, () => draw(random));
}
export const relu = (random) => (random.nextUniform() < 0.6 ? 0 : -Math.log(1 - random.nextUniform()));
export const normal = (random) => random.nextNormal();
export const rare = (random) => (random.nextUniform() < 0.9 ? 0 : -Math.log(1 - random.nextUniform()));
export const rareSigned = (random) => (random.nextUniform() < 0.8 ? 0 : random.nextNormal());
export const float32 = (shape, data) => ({ dtype: 'float32', shape, data });

export function hardSwish(value) {
  return (value * Math.min(Math.max(value + 3, 0), 6)) / 6;
}

/** Levels whose distance grows from 0 on. */
export function squareLevels(levelCount) {
  const levels = Array.from({ length: levelCount }, (_, i) => {
    const place = (2 * i) / (levelCount - 1) - 1;
    return Math.fround(4 * place * Math.abs(place));
  });
  return {
    kind: 'levels',
    levels,
    thresholds: levels.slice(1).map((level, i) => Math.fround((level + levels[i]) / 2)),
  };
}

/** Planes whose elements are like their neighbors. */
export function smoothPlanes(planes, rows, columns, seed, isRectified) {
  const values = features(planes * rows * columns, seed, normal);
  for (let at = 0; at < values.length; at++) {
    const column = at % columns;
    const row = Math.floor(at / columns) % rows;
    if (column > 0) values[at] += 0.6 * values[at - 1];
    if (row > 0) values[at] += 0.3 * values[at - columns];
  }
  return isRectified ? values.map((value) => Math.max(0, value)) : values;
}

/** [2, 8, 6, 6] with channels of very different size. */
export function unevenChannels(seed, draw) {
  return features(576, seed, draw).map((value, i) => value * 2 ** (Math.floor(i / 36) % 8));
}

/** NaN payloads, infinities, zeros of both signs and denormals in place of some numbers. */
export function withSpecials(data) {
  const words = new Uint32Array(data.buffer);
  const special = [0x7fc00001, 0xffc12345, 0x7f800001, 0x7f800000, 0xff800000, 0x80000000, 0, 1, 0x807fffff];
  for (const [i, word] of special.entries()) words[i * 40 + 7] = word;
  return data;
}

/** Maxima of windows that overlap, so that many neighbors are equal. */
export function pooled(data) {
  return data.map((_, i) => Math.max(...data.subarray(Math.max(0, i - 2), i + 3)));
}

/** Means of running windows, rectified, so that an element says much of the next. */
export function smooth(data) {
  return data.map((_, i) => {
    const window = data.subarray(Math.max(0, i - 12), i + 1);
    return Math.max(0, window.reduce((sum, value) => sum + value, 0) / window.length);
  });
}

/** Every third map of 36 elements has one value. */
export function evenMaps(data) {
  return data.map((value, i) => (Math.floor(i / 36) % 3 === 0 ? data[i - (i % 36)] : value));
}

/** Numbers of very different size, around 0 as `Float64Array`, else integers from 0 on. */
export function wide(Storage, count, seed) {
  const random = createRandom(seed);
  return Storage.from({ length: count }, () =>
    Storage === Float64Array
      ? random.nextNormal() / (1 + random.nextUniform())
      : Math.floor(2 ** (16 * random.nextUniform())) - 1,
  );
}

/** A rectified map of 8 × 8 with one bright corner, simple enough for the document to show. */
export function documentExample() {
  const map = new Float32Array(64);
  map.set([0, 1.5, 3, 1], 20);
  map.set([0.5, 4, 6, 2], 28);
  map.set([0, 1, 2.5, 0.25], 36);
  return map;
}
