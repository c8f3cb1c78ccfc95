/** Elements of a tensor as JSON, both ways: row-major, flat or nested, as the Open Inference Protocol takes them. */

import {
  allocateData,
  type DType,
  elementCount,
  float16Bits,
  float32FromFloat16,
  type Shape,
  type Tensor,
} from '@featherwire/tensor';
import { WireError } from './wire-error.js';

/**
 * Elements out of parsed JSON.
 * @param what - names the tensor in errors
 * @param data - numbers, or booleans for `bool`; integers of 64 bits up to 2^53 - 1, since JSON's numbers are read as doubles
 * @returns a new tensor
 * @throws {WireError} if there are not as many elements as the shape says, or one is not of the element type
 */
export function tensorFromJson(what: string, dtype: DType, shape: Shape, data: unknown): Tensor {
  const values = flatten(what, shape, data);
  const store = storeOf(dtype, values.length);
  for (const [i, value] of values.entries()) {
    if (store.set(i, value)) continue;
    throw new WireError(`${what} expected ${dtype} elements, got ${JSON.stringify(value)?.slice(0, 40)}`);
  }
  return { dtype, shape: [...shape], data: store.data } as Tensor;
}

/** Strings out of parsed JSON, for `BYTES`. @throws {WireError} as `tensorFromJson` */
export function stringsFromJson(what: string, shape: Shape, data: unknown): string[] {
  return flatten(what, shape, data).map((value) => {
    if (typeof value === 'string') return value;
    throw new WireError(`${what} expected strings, got ${typeof value}`);
  });
}

/**
 * The text of a JSON array with all elements, flat. Floats are written so that reading them gives the same bits, 64-bit
 * integers with all their digits.
 * @throws {WireError} if there are infinities or NaN, which JSON has no form for
 */
export function jsonOfTensor(what: string, { dtype, data }: Tensor): string {
  if (dtype === 'bool') return `[${Array.from(data, Boolean).join(',')}]`;
  const values = dtype === 'float16' ? float32FromFloat16(data) : data;
  if (dtype.startsWith('float') && !(values as Float32Array).every(Number.isFinite)) {
    throw new WireError(`${what} expected finite elements for JSON, got others`);
  }
  return `[${values.join(',')}]`;
}

/** No deeper than the shape, so that nothing a client nests can exhaust the stack. */
function flatten(what: string, shape: Shape, data: unknown): unknown[] {
  if (!Array.isArray(data)) throw new WireError(`${what} expected an array as data, got ${typeof data}`);
  const expected = elementCount(shape);
  const isFlat = shape.length < 2 || !Array.isArray(data[0]);
  const values: unknown[] = isFlat ? data : data.flat(shape.length - 1);
  if (values.length === expected) return values;
  throw new WireError(
    `${what} expected ${expected} elements for shape [${shape.join(', ')}], got ${values.length}`,
  );
}

interface Store {
  readonly data: Tensor['data'];
  /** @returns false if the value is not one of the element type */
  set(index: number, value: unknown): boolean;
}

function storeOf(dtype: DType, length: number): Store {
  switch (dtype) {
    case 'int64':
    case 'uint64': {
      const data = allocateData(dtype, length);
      return {
        data,
        set(i, value) {
          if (!Number.isSafeInteger(value)) return false;
          data[i] = BigInt(value as number);
          return data[i] === BigInt(value as number); // no negative number in uint64
        },
      };
    }
    case 'float32':
    case 'float64': {
      const data = allocateData(dtype, length);
      return {
        data,
        set(i, value) {
          data[i] = typeof value === 'number' ? value : Number.NaN;
          return Number.isFinite(data[i]);
        },
      };
    }
    case 'float16': {
      const data = allocateData(dtype, length);
      return {
        data,
        set(i, value) {
          data[i] = float16Bits(typeof value === 'number' ? value : Number.NaN);
          return (data[i] & 0x7c00) !== 0x7c00; // neither infinity nor NaN
        },
      };
    }
    case 'bool': {
      const data = allocateData(dtype, length);
      return {
        data,
        set(i, value) {
          data[i] = Number(value);
          return typeof value === 'boolean' || value === 0 || value === 1;
        },
      };
    }
    default: {
      const data = allocateData(dtype, length);
      return {
        data,
        set(i, value) {
          data[i] = value as number;
          return data[i] === value; // an integer in range
        },
      };
    }
  }
}
