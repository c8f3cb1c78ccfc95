/** What of the codec needs Node: threads for the chunks of large tensors. */

export { type ChunkPoolOptions, createChunkPool, type NodeChunkPool } from './chunk-pool.js';
