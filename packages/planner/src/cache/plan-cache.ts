/**
 * What was measured once, kept in files: JSON records under a key that says everything they depend on. A record that is
 * missing, damaged or of another key is measured again; nothing here ever makes a plan fail.
 */

import { createHash, randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import path from 'node:path';

/** Everything that a record depends on; plain JSON. */
export type CacheKey = Readonly<Record<string, unknown>>;

/** A place for records. */
export interface PlanCache {
  /**
   * The record of a key: as kept, or made and kept now.
   * @param make - called if there is none; what it throws is thrown
   */
  get<T>(key: CacheKey, make: () => Promise<T>): Promise<T>;
}

/** Keeps nothing. */
export const noCache: PlanCache = Object.freeze({
  get: <T>(_: CacheKey, make: () => Promise<T>): Promise<T> => make(),
});

/** Records as files of a directory, which is made when the first one is written. */
export function createPlanCache(directory: string): PlanCache {
  return {
    async get<T>(key: CacheKey, make: () => Promise<T>): Promise<T> {
      const text = JSON.stringify(key);
      const file = path.join(directory, `${createHash('sha256').update(text).digest('hex')}.json`);
      const kept = await read(file, text);
      if (kept) return kept.value as T;
      const value = await make();
      await write(directory, file, JSON.stringify({ key, value }));
      return value;
    },
  };
}

/** `featherwire` below `XDG_CACHE_HOME`, or below `.cache` in the home directory (XDG Base Directory Specification). */
export function defaultCacheDirectory(env: Readonly<Record<string, string | undefined>>): string {
  const { XDG_CACHE_HOME: base } = env;
  return path.join(base && path.isAbsolute(base) ? base : path.join(homedir(), '.cache'), 'featherwire');
}

async function read(file: string, key: string): Promise<{ readonly value: unknown } | undefined> {
  try {
    const record = JSON.parse(await readFile(file, 'utf8')) as { key?: unknown; value?: unknown };
    return JSON.stringify(record.key) === key ? { value: record.value } : undefined;
  } catch {
    return undefined;
  }
}

/** A cache that cannot be written costs time, not the plan. */
async function write(directory: string, file: string, text: string): Promise<void> {
  const temporary = path.join(directory, `.${randomUUID()}.partial`);
  try {
    await mkdir(directory, { recursive: true });
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch {
    await rm(temporary, { force: true }).catch(() => undefined);
  }
}
