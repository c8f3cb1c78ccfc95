/** Profiles a model on this machine: with its inputs fixed, as head and tail will be, and its nodes' costs beside the times. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { LoadedModel } from '@featherwire/authoring';
import type { ModelProfile } from '@featherwire/inference';
import {
  type BrowserProfileOptions,
  type ProfileOptions,
  profileModel,
  profileModelInBrowser,
  thisMachine,
} from '@featherwire/inference/node';
import { indexGraph, isStatic, OnnxError } from '@featherwire/onnx';
import { writeModel } from '@featherwire/onnx/node';
import type { CacheKey } from '../cache/plan-cache.js';
import { type EndProfile, endProfileOf, type ProfiledGraph } from '../profile/end-profile.js';

/** Changes when records of an older version of this code are no longer right. */
const CACHE_VERSION = 1;

/** Reads what profiles need of a loaded model. */
export async function profiledGraph({ file, model, sizes }: LoadedModel): Promise<ProfiledGraph> {
  const hash = createHash('sha256');
  for await (const chunk of createReadStream(file)) hash.update(chunk);
  const name = path.basename(file).replace(/\.onnx$/, '');
  return { name, sha256: hash.digest('hex'), model, index: indexGraph(model), sizes };
}

/**
 * Measures a model on this machine.
 * @throws {OnnxError} `shape-mismatch` if the shape of an input is open; {InferenceError} as `profileModel`
 */
export function profileGraph(
  loaded: LoadedModel,
  graph: ProfiledGraph,
  options: Pick<ProfileOptions, 'threads' | 'budgetMs' | 'signal'>,
): Promise<EndProfile> {
  return profiled(loaded, graph, (file, inputShapes) => profileModel(file, { ...options, inputShapes }));
}

/**
 * Measures a model in a browser.
 * @throws {OnnxError} as `profileGraph`; {InferenceError} as `profileModelInBrowser`
 */
export function profileGraphInBrowser(
  loaded: LoadedModel,
  graph: ProfiledGraph,
  options: Omit<BrowserProfileOptions, 'inputShapes'>,
): Promise<EndProfile> {
  return profiled(loaded, graph, (file, inputShapes) =>
    profileModelInBrowser(file, { ...options, inputShapes }),
  );
}

async function profiled(
  loaded: LoadedModel,
  graph: ProfiledGraph,
  measure: (file: string, inputShapes: Record<string, readonly number[]>) => Promise<ModelProfile>,
): Promise<EndProfile> {
  const directory = await mkdtemp(path.join(tmpdir(), 'featherwire-profile-'));
  try {
    const file = path.join(directory, 'model.onnx');
    await writeModel(file, loaded.model, { sourceDirectory: path.dirname(loaded.file) });
    return endProfileOf(graph, await measure(file, inputShapesOf(graph)));
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

/** Everything that a profile made here depends on. */
export function profileKey(graph: ProfiledGraph, threads: number): CacheKey {
  return { ...machineKey(), kind: 'profile', model: graph.sha256, threads, inputs: inputShapesOf(graph) };
}

/** What every record of times made here depends on. */
export function machineKey(): CacheKey {
  return { version: CACHE_VERSION, machine: thisMachine(), node: process.version };
}

function inputShapesOf({ index, sizes }: ProfiledGraph): Record<string, readonly number[]> {
  return Object.fromEntries(
    index.inputs.map((name) => {
      const shape = sizes.get(name)?.shape;
      if (isStatic(shape)) return [name, shape];
      const got = shape ? `[${shape.join(', ')}]` : 'none';
      throw new OnnxError('shape-mismatch', `input '${name}' expected a shape of numbers, got ${got}`);
    }),
  );
}
