/**
 * Writes small ONNX models as protobuf bytes, for tests. Field numbers are those of onnx.proto
 * (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto).
 */

const ELEMENT_TYPES = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
};

/** A declared value; a dimension that is a string is symbolic. */
export interface TinyValue {
  readonly name: string;
  readonly dtype: keyof typeof ELEMENT_TYPES;
  readonly shape: readonly (number | string)[];
}

/** An operator of the default domain, opset 13, without attributes other than `to` of Cast. */
export interface TinyNode {
  readonly op: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly castTo?: keyof typeof ELEMENT_TYPES;
}

/** Bytes of a model with the given nodes. */
export function tinyOnnx(
  inputs: readonly TinyValue[],
  outputs: readonly TinyValue[],
  nodes: readonly TinyNode[],
): Uint8Array {
  const graph = [
    ...nodes.map((node) => message(1, nodeProto(node))),
    text(2, 'tiny'),
    ...inputs.map((value) => message(11, valueInfo(value))),
    ...outputs.map((value) => message(12, valueInfo(value))),
  ].flat();
  const opset = [...text(1, ''), ...integer(2, 13)];
  return Uint8Array.from([...integer(1, 8), ...message(7, graph), ...message(8, opset)]);
}

function nodeProto({ op, inputs, outputs, castTo }: TinyNode): number[] {
  const attribute = castTo
    ? message(5, [...text(1, 'to'), ...integer(3, ELEMENT_TYPES[castTo]), ...integer(20, 2)])
    : [];
  return [
    ...inputs.flatMap((name) => text(1, name)),
    ...outputs.flatMap((name) => text(2, name)),
    ...text(4, op),
    ...attribute,
  ];
}

function valueInfo({ name, dtype, shape }: TinyValue): number[] {
  const dimensions = shape.flatMap((dimension) =>
    message(1, typeof dimension === 'string' ? text(2, dimension) : integer(1, dimension)),
  );
  const tensorType = [...integer(1, ELEMENT_TYPES[dtype]), ...message(2, dimensions)];
  return [...text(1, name), ...message(2, message(1, tensorType))];
}

function message(field: number, body: readonly number[]): number[] {
  return [...varint(field * 8 + 2), ...varint(body.length), ...body];
}

function text(field: number, value: string): number[] {
  return message(field, [...new TextEncoder().encode(value)]);
}

function integer(field: number, value: number): number[] {
  return [...varint(field * 8), ...varint(value)];
}

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))];
}
