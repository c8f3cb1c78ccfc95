/**
 * Features of training items, computed once by the head and kept as float16, with the targets of each item. An
 * augmented copy of an input is an item of its own.
 */

import {
  elementCount,
  float16FromFloat32,
  float16Value,
  type Shape,
  type Tensor,
  tensor,
} from '@featherwire/tensor';
import type { TrainingData } from './run-training.js';
import type { TrainingStep } from './step.js';

/** Targets of more elements, which are features, are kept as float16 too. */
const EXACT_TARGET_ELEMENTS = 1024;

/** A store of features and targets, filled item by item. */
export interface FeatureCache extends TrainingData {
  /** Bytes that the store takes. */
  readonly bytes: number;
  /**
   * Stores an item.
   * @param tensors - for each name of the layout the item's elements, [1, …] or without the first axis
   */
  set(item: number, tensors: Readonly<Record<string, Tensor>>): void;
}

/** Names and shapes of an item's tensors. */
export interface CacheLayout {
  readonly name: string;
  /** Shape without the batch. */
  readonly shape: Shape;
  /** Kept as float16. */
  readonly half: boolean;
}

/** The layout that a step's batches need. */
export function cacheLayoutOf(step: TrainingStep, featureShape: Shape): CacheLayout[] {
  return [
    { name: step.cut, shape: featureShape, half: true },
    ...step.targets.map(({ name, shape }) => {
      const own = shape.slice(1);
      return { name, shape: own, half: elementCount(own) > EXACT_TARGET_ELEMENTS };
    }),
  ];
}

interface Column extends CacheLayout {
  readonly length: number;
  readonly halves: Uint16Array | null;
  readonly singles: Float32Array | null;
}

/** Makes a store for `count` items. */
export function createFeatureCache(layout: readonly CacheLayout[], count: number): FeatureCache {
  const columns: Column[] = layout.map((entry) => {
    const length = elementCount(entry.shape);
    return {
      ...entry,
      length,
      halves: entry.half ? new Uint16Array(length * count) : null,
      singles: entry.half ? null : new Float32Array(length * count),
    };
  });
  // A look-up is several times faster than taking the bits apart.
  const valueOfHalf = Float32Array.from({ length: 65_536 }, (_, bits) => float16Value(bits));
  const read = (column: Column, items: Uint32Array): Tensor => {
    const data = new Float32Array(column.length * items.length);
    const { halves, singles, length } = column;
    for (const [row, item] of items.entries()) {
      const [from, to] = [item * length, row * length];
      if (halves) for (let i = 0; i < length; i++) data[to + i] = valueOfHalf[halves[from + i]];
      else data.set(singles!.subarray(from, from + length), to);
    }
    return tensor('float32', [items.length, ...column.shape], data);
  };
  return {
    count,
    bytes: columns.reduce((sum, { halves, singles }) => sum + (halves ?? singles!).byteLength, 0),
    set(item, tensors) {
      for (const { name, length, halves, singles } of columns) {
        const { data } = tensors[name];
        if (data.length !== length)
          throw new RangeError(`'${name}' expected ${length} elements, got ${data.length}`);
        if (halves) halves.set(float16FromFloat32(data as Float32Array), item * length);
        else singles!.set(data as Float32Array, item * length);
      }
    },
    batch: (items) => Object.fromEntries(columns.map((column) => [column.name, read(column, items)])),
  };
}
