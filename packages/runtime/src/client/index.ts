/** The edge side: client, transports that run in browsers too, and their errors. */

export {
  type BudgetedClient,
  type BudgetedClientOptions,
  type BudgetedRequestOptions,
  type BudgetedResult,
  createBudgetedClient,
} from './budgeted-client.js';
export type { CutCoding } from './coding.js';
export type {
  CodecName,
  CutEncoder,
  CutObserver,
  CutSettings,
  EncodedCut,
  TensorBytes,
} from './cut-encoder.js';
export {
  createEdgeClient,
  type EdgeClient,
  type EdgeClientOptions,
  type FeatureRequestOptions,
  type InferResult,
  type RequestBytes,
  type RequestOptions,
  type RequestTimes,
} from './edge-client.js';
export { RemoteError, TransportError, type TransportErrorCode } from './errors.js';
export { createFetchTransport, type FetchTransportOptions } from './fetch-transport.js';
export { type Clock, type RetryPolicy, systemClock } from './retry.js';
export { fetchBundles, fetchPartProfile, type ServedBundle } from './server-profile.js';
export type { Exchange, ExchangeOptions, Transport } from './transport.js';
export { createUploadTransport, type UploadTransportOptions } from './upload-transport.js';
export {
  createWebSocketTransport,
  STREAM_PATH,
  type WebSocketLike,
  type WebSocketTransportOptions,
  webSocketHeaderBytes,
} from './websocket-transport.js';
