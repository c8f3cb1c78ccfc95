/**
 * Both ends of a split network over a link: messages, the edge client and its transports. Browser-safe;
 * `@featherwire/runtime/node` adds the tail server and a transport that counts bytes at the socket.
 */

export * from './client/index.js';
export * from './exit/index.js';
export * from './fallback/index.js';
export * from './protocol/index.js';
export * from './rate-control/index.js';
