/** How this package gets an engine: a function that opens sessions is passed in. */

import type { ModelSession, SessionOptions } from '@featherwire/inference';

/**
 * Opens a session: `createLocalSession` or `createWorkerSession` of `@featherwire/inference/node`, or another engine's.
 * A string is a path, where the engine knows files.
 */
export type SessionFactory = (model: Uint8Array | string, options?: SessionOptions) => Promise<ModelSession>;
