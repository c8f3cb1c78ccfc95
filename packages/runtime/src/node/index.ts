/** The parts of the runtime that need Node: an HTTP transport, the tail server, and a lab of shaped links. */

export { measureExchange } from './exchange-time.js';
export { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
export type { LabClock } from './link-lab/lab-clock.js';
export { type LinkLab, type LinkLabOptions, type LinkLabStats, startLinkLab } from './link-lab/link-lab.js';
export { createVirtualLink, type VirtualExchange, type VirtualLink } from './link-lab/virtual-link.js';
export type { RemoteTail } from './open-inference/remote-tail.js';
export { type OpenReductions, openReductions } from './open-reductions.js';
export { type ClientTokens, parseTokens } from './server/authentication.js';
export type { BundleDirectory, BundleListing } from './server/bundle-listing.js';
export { type BundleChange, bundleKey } from './server/bundle-registry.js';
export type { PointDrift, TensorDrift } from './server/drift-monitor.js';
export type { EdgePage } from './server/edge-page.js';
export { completeLimits, DEFAULT_SERVER_LIMITS, type ServerLimits } from './server/limits.js';
export type { ServerTls } from './server/listener.js';
export { type ServerLogger, silentLogger } from './server/logger.js';
export type {
  Answer,
  Arrival,
  InferenceRequest,
  RequestCounts,
  RequestOutcome,
  RequestRunner,
} from './server/request-handler.js';
export {
  type CloseOptions,
  type FrontAddress,
  ServerStartError,
  type ServiceFront,
  type ServiceFrontOptions,
  startServiceFront,
} from './server/service-front.js';
export type { OfferedLinks } from './server/shaped-streams.js';
export { SITE_HEADERS, type Site, type SiteFile } from './server/site.js';
export type { TailPoolStats } from './server/tail-pool.js';
export {
  type BundleStats,
  createTailServer,
  type TailServer,
  type TailServerOptions,
  type TailServerStats,
} from './server/tail-server.js';
