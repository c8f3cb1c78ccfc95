/** Giving numbers to the open dimensions of a model's inputs. */

import { OnnxError } from './errors.js';
import { indexGraph } from './graph.js';
import { graphOf, withFields } from './model.js';
import { nearNames } from './near-names.js';
import type { ModelProto, ValueInfoProto } from './proto/onnx_pb.js';
import {
  type Dimension,
  type TensorInfo,
  tensorInfoOf,
  UNNAMED_DIMENSION,
  valueInfoOf,
} from './value-info.js';

/** Dimensions by the name of a graph input. */
export type InputShapes = Readonly<Record<string, readonly number[]>>;

/**
 * A model whose named inputs have the given shapes. A symbol that gets a value here gets it wherever inputs and
 * outputs declare it. Declared shapes of inner tensors are dropped, since they may no longer hold.
 * @param shapes - non-negative integers, as many as the input's rank; inputs not named stay as they are
 * @throws {OnnxError} `unknown-tensor` for a name that is no input; `shape-mismatch` if a shape contradicts the
 *   declared one or gives one symbol two values; `unknown-type` for an input that is no tensor
 */
export function withInputShapes(model: ModelProto, shapes: InputShapes): ModelProto {
  const graph = graphOf(model);
  checkNames(model, Object.keys(shapes));
  const symbols = new Map<string, number>();
  const fixed = new Map<string, TensorInfo>();
  for (const input of graph.input) {
    const shape = Object.hasOwn(shapes, input.name) ? shapes[input.name] : undefined;
    if (shape) fixed.set(input.name, fixedInfo(input, shape, symbols));
  }
  const substitute = (value: ValueInfoProto): ValueInfoProto => {
    const info = fixed.get(value.name) ?? tensorInfoOf(value);
    if (!info?.shape) return value;
    const shape = info.shape.map((dimension) => substituted(dimension, symbols));
    return valueInfoOf({ ...info, shape });
  };
  return withFields(model, {
    graph: withFields(graph, {
      input: graph.input.map(substitute),
      output: graph.output.map(substitute),
      valueInfo: [],
    }),
  });
}

function substituted(dimension: Dimension, symbols: ReadonlyMap<string, number>): Dimension {
  return typeof dimension === 'string' ? (symbols.get(dimension) ?? dimension) : dimension;
}

function checkNames(model: ModelProto, names: readonly string[]): void {
  const { inputs } = indexGraph(model);
  const unknown = names.find((name) => !inputs.includes(name));
  if (unknown === undefined) return;
  throw new OnnxError('unknown-tensor', `input expected one of ${inputs.join(', ')}, got '${unknown}'`, {
    suggestions: nearNames(unknown, inputs),
  });
}

/** The declaration with numbers for its open dimensions; notes the symbols' values. */
function fixedInfo(
  input: ValueInfoProto,
  shape: readonly number[],
  symbols: Map<string, number>,
): TensorInfo {
  const info = tensorInfoOf(input);
  if (!info) throw new OnnxError('unknown-type', `input '${input.name}' is not declared as a numeric tensor`);
  const declared: readonly Dimension[] = info.shape ?? shape;
  const fits =
    declared.length === shape.length &&
    shape.every((dimension, axis) => {
      const known = substituted(declared[axis], symbols);
      return (
        Number.isSafeInteger(dimension) &&
        dimension >= 0 &&
        !(typeof known === 'number' && known !== dimension)
      );
    });
  if (!fits) {
    throw new OnnxError(
      'shape-mismatch',
      `input '${input.name}' expected shape [${declared.join(', ')}], got [${shape.join(', ')}]`,
    );
  }
  for (const [axis, dimension] of declared.entries()) {
    if (typeof dimension !== 'string' || dimension === UNNAMED_DIMENSION) continue;
    const known = symbols.get(dimension);
    if (known !== undefined && known !== shape[axis]) {
      throw new OnnxError(
        'shape-mismatch',
        `symbol ${dimension} expected one value, got ${known} and ${shape[axis]}`,
      );
    }
    symbols.set(dimension, shape[axis]);
  }
  return { ...info, shape: [...shape] };
}
