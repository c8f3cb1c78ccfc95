/**
 * A graph under construction: values with static shapes, operations in the order in which they were applied, constants.
 * Every function that adds operations (operators.ts, the gradient rules, losses, units) takes the graph first. What
 * becomes of it is a model that any engine runs; operations that no output needs are left out of it.
 */

import { type AttributeRecord, type GraphRecord, type ModelProto, modelOfRecord } from '@featherwire/onnx';
import { type DType, elementCount, type Shape, type Tensor, tensor } from '@featherwire/tensor';

/** Operator set of graphs made here; the first with all reductions' axes as inputs. */
export const OPSET = 18;

/** Longest constant that is looked for among those that exist: scalars, axes, shapes. */
const SHARED_CONSTANT_ELEMENTS = 16;

/** A tensor in the graph, by name; the same object wherever it is read. */
export interface Value {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: Shape;
}

/** An operation applied to values. */
export interface Operation {
  readonly opType: string;
  readonly name: string;
  /** null for an optional input that is left out. */
  readonly inputs: readonly (Value | null)[];
  /** null for an optional output that is left out. */
  readonly outputs: readonly (Value | null)[];
  readonly attributes: AttributeRecord;
}

/** Type and shape of an output, and its name where that matters. */
export interface OutputSpec {
  readonly dtype: DType;
  readonly shape: Shape;
  readonly name?: string;
}

/** A graph that grows. Values belong to the graph that made them. */
export class Graph {
  /** Operator set of the model. */
  readonly opset: number;
  readonly #inputs: Value[] = [];
  readonly #operations: Operation[] = [];
  readonly #constants = new Map<string, Tensor>();
  readonly #shared = new Map<string, Value>();
  readonly #stopped = new Set<Value>();
  readonly #names = new Set<string>();

  constructor(opset = OPSET) {
    this.opset = opset;
  }

  /** Operations in topological order, that of their application. */
  get operations(): readonly Operation[] {
    return this.#operations;
  }

  /** Declares an input. @throws {RangeError} if the name is taken */
  input(name: string, shape: Shape, dtype: DType = 'float32'): Value {
    if (this.#names.has(name)) throw new RangeError(`name expected a free one, got '${name}'`);
    const value = this.#newValue(name, dtype, shape);
    this.#inputs.push(value);
    return value;
  }

  /** A constant tensor; its memory becomes the model's. Small ones of equal content are one value. */
  constant(content: Tensor, name?: string): Value {
    const small = name === undefined && content.data.length <= SHARED_CONSTANT_ELEMENTS;
    const key = small ? `${content.dtype} [${content.shape}] ${[...content.data].join()}` : undefined;
    const known = key !== undefined ? this.#shared.get(key) : undefined;
    if (known) return known;
    const value = this.#newValue(name ?? 'constant', content.dtype, content.shape);
    this.#constants.set(value.name, content);
    if (key !== undefined) this.#shared.set(key, value);
    return value;
  }

  /** A floating-point scalar. */
  scalar(number: number, dtype: DType = 'float32'): Value {
    const data = dtype === 'float64' ? Float64Array.of(number) : Float32Array.of(number);
    return this.constant(tensor(dtype as 'float32', [], data as Float32Array));
  }

  /** A vector of int64: axes, shapes, bounds. */
  integers(numbers: readonly number[]): Value {
    return this.constant(tensor('int64', [numbers.length], BigInt64Array.from(numbers, BigInt)));
  }

  /** The content of a constant, or undefined for other values. */
  constantOf(value: Value): Tensor | undefined {
    return this.#constants.get(value.name);
  }

  /**
   * Applies an operator.
   * @param outputs - one specification for each output, null for one that is left out
   * @returns the outputs that are not left out
   */
  apply(
    opType: string,
    inputs: readonly (Value | null)[],
    attributes: AttributeRecord,
    outputs: readonly (OutputSpec | null)[],
  ): Value[] {
    const made = outputs.map((spec) => spec && this.#newValue(spec.name ?? opType, spec.dtype, spec.shape));
    const values = made.filter((value) => value !== null);
    this.#operations.push({ opType, name: values[0].name, inputs, outputs: made, attributes });
    return values;
  }

  /** The same tensor under a name of its own, for outputs. */
  named(value: Value, name: string): Value {
    return this.apply('Identity', [value], {}, [{ dtype: value.dtype, shape: value.shape, name }])[0];
  }

  /** The same tensor, through which no gradient passes. */
  stopGradient(value: Value): Value {
    const stopped = this.apply('Identity', [value], {}, [{ dtype: value.dtype, shape: value.shape }])[0];
    this.#stopped.add(stopped);
    return stopped;
  }

  /** True for values made by `stopGradient`. */
  isStopped(value: Value): boolean {
    return this.#stopped.has(value);
  }

  /**
   * The model that computes the given values. Inputs that it does not need are left out.
   * @param outputs - values of this graph; their names are the model's outputs
   */
  toModel(outputs: readonly Value[], name = 'featherwire'): ModelProto {
    return modelOfRecord(this.#recordOf(outputs, name));
  }

  #recordOf(outputs: readonly Value[], name: string): GraphRecord {
    const read = new Set(outputs);
    const kept: Operation[] = [];
    for (const operation of [...this.#operations].reverse()) {
      if (!operation.outputs.some((value) => value && read.has(value))) continue;
      kept.push(operation);
      for (const value of operation.inputs) if (value) read.add(value);
    }
    const readNames = new Set([...read].map((value) => value.name));
    return {
      name,
      opset: this.opset,
      inputs: this.#inputs.filter((value) => read.has(value)),
      nodes: kept.reverse().map((operation) => ({
        opType: operation.opType,
        name: operation.name,
        inputs: withoutTrailing(operation.inputs.map((value) => value?.name ?? '')),
        outputs: withoutTrailing(
          operation.outputs.map((value) =>
            value && (read.has(value) || isKept(operation)) ? value.name : '',
          ),
        ),
        attributes: operation.attributes,
      })),
      outputs,
      weights: new Map([...this.#constants].filter(([constant]) => readNames.has(constant))),
    };
  }

  #newValue(wanted: string, dtype: DType, shape: Shape): Value {
    elementCount(shape); // refuses shapes that are none
    let name = wanted;
    for (let count = this.#names.size; this.#names.has(name); count++) name = `${wanted}_${count}`;
    this.#names.add(name);
    return { name, dtype, shape: [...shape] };
  }
}

/** False where outputs that nobody reads are left out: indices keep MaxPool from its fast kernel. */
function isKept({ opType }: Operation): boolean {
  return opType !== 'MaxPool';
}

function withoutTrailing(names: readonly string[]): string[] {
  const last = names.findLastIndex((name) => name !== '');
  return names.slice(0, last + 1);
}
