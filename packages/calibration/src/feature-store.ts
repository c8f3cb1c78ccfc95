/**
 * Features of many samples, so that the head runs once: in memory up to a limit, beyond that in a temporary file that goes
 * with the process.
 */

import { type FileHandle, mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Tensor } from '@featherwire/tensor';

/** The cut of one sample: a tensor for each of its names, in their order. */
export type CutFeature = readonly Tensor[];

/** Bytes of features that are kept in memory by default. */
export const DEFAULT_MEMORY_BYTES = 2 ** 29;

type Entry =
  | { readonly kind: 'memory'; readonly feature: CutFeature }
  | { readonly kind: 'file'; readonly offset: number; readonly like: CutFeature };

/** Features by the number of their sample. */
export class FeatureStore {
  readonly #memoryBytes: number;
  readonly #entries = new Map<number, Entry>();
  #usedBytes = 0;
  #fileBytes = 0;
  #file: FileHandle | undefined;
  #directory: string | undefined;

  /** @param memoryBytes - kept in memory; the rest goes to a file in the system's temporary directory */
  constructor(memoryBytes: number = DEFAULT_MEMORY_BYTES) {
    this.#memoryBytes = memoryBytes;
  }

  /** Bytes in the temporary file. */
  get fileBytes(): number {
    return this.#fileBytes;
  }

  /** Keeps a feature. @param feature - float32 tensors; not to be changed by the caller */
  async add(sample: number, feature: CutFeature): Promise<void> {
    const bytes = feature.reduce((sum, { data }) => sum + data.byteLength, 0);
    if (this.#usedBytes + bytes <= this.#memoryBytes) {
      this.#usedBytes += bytes;
      this.#entries.set(sample, { kind: 'memory', feature });
      return;
    }
    const file = await this.#openFile();
    const offset = this.#fileBytes;
    for (const { data } of feature) {
      const view = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      await file.write(view, 0, view.length, this.#fileBytes);
      this.#fileBytes += view.length;
    }
    const like = feature.map(({ shape }): Tensor => ({ dtype: 'float32', shape, data: new Float32Array(0) }));
    this.#entries.set(sample, { kind: 'file', offset, like });
  }

  /** @throws {RangeError} if the sample was not added */
  async get(sample: number): Promise<CutFeature> {
    const entry = this.#entries.get(sample);
    if (!entry) throw new RangeError(`sample expected one that was added, got ${sample}`);
    if (entry.kind === 'memory') return entry.feature;
    let { offset } = entry;
    const tensors: Tensor[] = [];
    for (const { shape } of entry.like) {
      const data = new Float32Array(shape.reduce((product, dimension) => product * dimension, 1));
      await this.#file!.read(new Uint8Array(data.buffer), 0, data.byteLength, offset);
      offset += data.byteLength;
      tensors.push({ dtype: 'float32', shape, data });
    }
    return tensors;
  }

  /** Removes the temporary file. */
  async close(): Promise<void> {
    await this.#file?.close();
    if (this.#directory) await rm(this.#directory, { recursive: true, force: true });
    this.#entries.clear();
  }

  async #openFile(): Promise<FileHandle> {
    this.#directory ??= await mkdtemp(join(tmpdir(), 'featherwire-calibrate-'));
    this.#file ??= await open(join(this.#directory, 'features'), 'wx+');
    return this.#file;
  }
}
