/** The parts of the runtime that need Node: an HTTP transport and the tail server. */

export { createHttpTransport, type HttpTransportOptions } from './http-transport.js';
