/**
 * State dictionaries as torch saves them: a zip archive with `data.pkl`, whose tensors point at files of raw elements
 * beside it. No pickled code runs: of callables the reader knows those that rebuild dictionaries and tensors.
 */

import { readZip } from '@featherwire/eval';
import { elementCount, type Tensor, tensor } from '@featherwire/tensor';
import { type PickleOptions, readPickle, refused } from '../../published/pickle.js';

/** Files are units of a megabyte or a few. */
const LIMITS = { maxMembers: 4096, maxBytes: 2 ** 28 } as const;
const DICTIONARY_FILE = 'data.pkl';

/** Raw elements of a tensor, not read yet. */
interface Storage {
  readonly kind: 'float32' | 'int64';
  readonly bytes: Uint8Array;
}

const STORAGE_KINDS: Readonly<Record<string, Storage['kind']>> = {
  'torch.FloatStorage': 'float32',
  'torch.LongStorage': 'int64',
};

/**
 * Reads the tensors of a state dictionary, in its order.
 * @param bytes - the whole file
 * @throws {TrainError} `bad-weights`; {DataSetError} if the archive is damaged or over 256 MiB
 */
export function readStateDictionary(bytes: Uint8Array): Map<string, Tensor> {
  const files = readZip(bytes, LIMITS);
  const path = [...files.keys()].find(
    (name) => name === DICTIONARY_FILE || name.endsWith(`/${DICTIONARY_FILE}`),
  );
  if (path === undefined) throw refused(`archive expected a file ${DICTIONARY_FILE}, got none`);
  const folder = path.slice(0, -DICTIONARY_FILE.length);
  const content = readPickle(files.get(path)!, optionsFor(files, folder));
  if (!(content instanceof Map)) throw refused('state dictionary expected a dictionary, got something else');
  const tensors = new Map<string, Tensor>();
  for (const [name, value] of content) {
    if (typeof name !== 'string' || !isTensor(value))
      throw refused(`state dictionary expected tensors by name, got ${String(name)}`);
    tensors.set(name, value);
  }
  return tensors;
}

function optionsFor(files: ReadonlyMap<string, Uint8Array>, folder: string): PickleOptions {
  // Tensors may share a storage, and a few bytes of a pickle may ask for it again and again.
  let bytesLeft: number = LIMITS.maxBytes;
  const take = (byteLength: number): void => {
    bytesLeft -= byteLength;
    if (bytesLeft < 0) throw refused('tensors expected at most 256 MiB together, got more');
  };
  const storages = Object.keys(STORAGE_KINDS).map((name) => [name, () => name] as const);
  return {
    globals: new Map<string, (...args: readonly unknown[]) => unknown>([
      ['collections.OrderedDict', () => new Map()],
      ['torch._utils._rebuild_tensor_v2', (...args) => rebuildTensor(args, take)],
      ['torch._utils._rebuild_parameter', (data) => data],
      ...storages,
    ]),
    persistent(id) {
      const [what, type, key, , count] = Array.isArray(id) ? id : [];
      const kind = STORAGE_KINDS[(type as { name?: string } | undefined)?.name ?? ''];
      const bytes = files.get(`${folder}data/${String(key)}`);
      if (what !== 'storage' || !kind || typeof count !== 'number')
        throw refused('storage expected float32 or int64 elements, got others');
      if (!bytes || bytes.length !== count * bytesOf(kind))
        throw refused(
          `storage ${String(key)} expected ${count} elements, got ${bytes?.length ?? 'no'} bytes`,
        );
      return { kind, bytes } satisfies Storage;
    },
  };
}

/**
 * `_rebuild_tensor_v2(storage, offset, size, strides, …)`; elements must lie one after another.
 * @param take - is told the bytes before they are copied
 */
function rebuildTensor(
  [storage, offset, size, strides]: readonly unknown[],
  take: (byteLength: number) => void,
): Tensor {
  if (!isStorage(storage) || !isIndex(offset) || !isIndices(size) || !isIndices(strides))
    throw refused('tensor expected storage, offset, size and strides, got something else');
  const contiguous = size.map((_, axis) => elementCount(size.slice(axis + 1)));
  if (size.some((length, axis) => length > 1 && strides[axis] !== contiguous[axis]))
    throw refused(`tensor expected strides ${contiguous.join(', ')}, got ${strides.join(', ')}`);
  const { kind, bytes } = storage;
  const [start, count] = [offset * bytesOf(kind), elementCount(size)];
  const end = start + count * bytesOf(kind);
  if (end > bytes.length)
    throw refused(`tensor expected ${count} elements from ${offset}, got the end of its storage`);
  take(end - start);
  const { buffer } = Uint8Array.from(bytes.subarray(start, end));
  return kind === 'float32'
    ? tensor('float32', size, new Float32Array(buffer))
    : tensor('int64', size, new BigInt64Array(buffer));
}

function bytesOf(kind: Storage['kind']): number {
  return kind === 'float32' ? Float32Array.BYTES_PER_ELEMENT : BigInt64Array.BYTES_PER_ELEMENT;
}

function isStorage(value: unknown): value is Storage {
  return typeof value === 'object' && value !== null && 'kind' in value && 'bytes' in value;
}

function isTensor(value: unknown): value is Tensor {
  return typeof value === 'object' && value !== null && 'dtype' in value && 'data' in value;
}

function isIndex(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isIndices(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(isIndex);
}
