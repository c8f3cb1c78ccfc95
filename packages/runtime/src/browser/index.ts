/** The edge side in a browser, head by onnxruntime-web, all of it in a worker (docs/browser.md). */

export { type BrowserClient, type BrowserClientOptions, createBrowserClient } from './browser-client.js';
export type { EdgeExit, InferWithExit } from './edge-exit.js';
export { type EdgePort, serveEdge } from './edge-worker.js';
export { type Edge, type EdgeOptions, openEdge } from './open-edge.js';
export { openTransport, type TransportChoice } from './open-transport.js';
export type { EdgeDescription } from './worker-messages.js';
