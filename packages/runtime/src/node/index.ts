/** The parts of the runtime that need Node: an HTTP transport and the tail server. */

export { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
export { DEFAULT_SERVER_LIMITS, type ServerLimits } from './server/limits.js';
export type { ServerLogger } from './server/logger.js';
export type { RequestCounts } from './server/request-handler.js';
export type { TailPoolStats } from './server/tail-pool.js';
export {
  createTailServer,
  ServerStartError,
  type TailServer,
  type TailServerOptions,
  type TailServerStats,
} from './server/tail-server.js';
