/** Sessions on onnxruntime in Node: in this thread, or in a worker thread of their own. */

export { createLocalSession } from './local-session.js';
export { createWorkerSession } from './worker-session.js';
