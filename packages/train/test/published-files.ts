/** Files of the form in which published units come: state dictionaries of torch, and pickled frequency tables. */

import { crc32 } from 'node:zlib';
import { bytesOfData, type TensorOf } from '@featherwire/tensor';

type Bytes = readonly number[];

const ascii = (text: string): Bytes => [...Buffer.from(text)];
const le = (value: number, bytes: number): Bytes =>
  Array.from({ length: bytes }, (_, i) => Math.floor(value / 256 ** i) % 256);

/** A pickle of protocol 2 around the opcodes of its value. */
export const pickle = (...opcodes: readonly Bytes[]): Uint8Array =>
  Uint8Array.from([0x80, 2, ...opcodes.flat(), ...ascii('.')]);

/** Opcodes. */
export const op = {
  integer: (value: number): Bytes => (value < 256 ? [0x4b, value] : [0x4a, ...le(value, 4)]),
  text: (value: string): Bytes => [0x58, ...le(Buffer.byteLength(value), 4), ...Buffer.from(value)],
  global: (module: string, name: string): Bytes => ascii(`c${module}\n${name}\n`),
  tuple: (...items: readonly Bytes[]): Bytes => [0x28, ...items.flat(), 0x74],
  dictionary: (...pairs: readonly (readonly [Bytes, Bytes])[]): Bytes => [0x7d, 0x28, ...pairs.flat(2), 0x75],
  /** The callable before, with the tuple before. */
  reduce: [0x52] as Bytes,
  persistent: [0x51] as Bytes,
  false: [0x89] as Bytes,
};

/** A frequency table, as a dictionary or as a counter. */
export function frequencyTable(
  counts: readonly (readonly [number, number])[],
  form: 'dict' | 'Counter',
): Uint8Array {
  const content = op.dictionary(
    ...counts.map(([symbol, count]) => [op.integer(symbol), op.integer(count)] as const),
  );
  if (form === 'dict') return pickle(content);
  return pickle(op.global('collections', 'Counter'), op.tuple(content), op.reduce);
}

/** Opcodes of a tensor whose elements are a file of the archive. */
export function tensorOpcodes(key: number, { shape, data }: TensorOf<'float32'> | TensorOf<'int64'>): Bytes {
  const storage = op.tuple(
    op.text('storage'),
    op.global('torch', data instanceof Float32Array ? 'FloatStorage' : 'LongStorage'),
    op.text(String(key)),
    op.text('cpu'),
    op.integer(data.length),
  );
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const hooks = [...op.global('collections', 'OrderedDict'), ...op.tuple(), ...op.reduce];
  const args = op.tuple(
    [...storage, ...op.persistent],
    op.integer(0),
    op.tuple(...shape.map(op.integer)),
    op.tuple(...strides.map(op.integer)),
    op.false,
    hooks,
  );
  return [...op.global('torch._utils', '_rebuild_tensor_v2'), ...args, ...op.reduce];
}

/** A state dictionary as torch saves it. @param root - name of the archive, which its files have as their folder */
export function stateDictionary(
  tensors: ReadonlyMap<string, TensorOf<'float32'> | TensorOf<'int64'>>,
  root = 'archive',
): Uint8Array {
  const entries = [...tensors];
  const pairs = entries.map(([name, value], key) => [op.text(name), tensorOpcodes(key, value)] as const);
  // An ordered dictionary is made empty and filled, as torch does.
  const filled = [0x28, ...pairs.flat(2), 0x75];
  const content = pickle(op.global('collections', 'OrderedDict'), op.tuple(), op.reduce, filled);
  return zip([
    [`${root}/data.pkl`, content],
    ...entries.map(([, { data }], key) => [`${root}/data/${key}`, bytesOfData(data)] as const),
    [`${root}/version`, Uint8Array.from(ascii('3\n'))],
  ]);
}

/** A zip archive of stored files. */
export function zip(files: readonly (readonly [name: string, content: Uint8Array])[]): Uint8Array {
  const local: Uint8Array[] = [];
  const central: number[] = [];
  let localLength = 0;
  for (const [name, content] of files) {
    const sizes = [...le(crc32(content), 4), ...le(content.length, 4), ...le(content.length, 4)];
    const head = [20, 0, 0, 0, 0, 0, 0, 0, 0, 0, ...sizes, ...le(name.length, 2), 0, 0];
    central.push(0x50, 0x4b, 1, 2, 20, 0, ...head, ...le(0, 10), ...le(localLength, 4), ...ascii(name));
    const start = Uint8Array.of(0x50, 0x4b, 3, 4, ...head, ...ascii(name));
    local.push(start, content);
    localLength += start.length + content.length;
  }
  const end = [
    ...le(files.length, 2),
    ...le(files.length, 2),
    ...le(central.length, 4),
    ...le(localLength, 4),
  ];
  const tail = Uint8Array.from([...central, 0x50, 0x4b, 5, 6, 0, 0, 0, 0, ...end, 0, 0]);
  return new Uint8Array(Buffer.concat([...local, tail]));
}
