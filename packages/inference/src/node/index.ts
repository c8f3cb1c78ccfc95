/** Sessions on onnxruntime in Node: in this thread, or in a worker thread of their own. */

export { createExitGuard, type ExitGuard } from './exit-guard.js';
export { createLocalSession, type LocalSessionOptions } from './local-session.js';
export { createWorkerSession } from './worker-session.js';
