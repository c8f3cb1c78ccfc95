/** Sessions on onnxruntime in Node: in this thread, or in a worker thread of their own; measuring. */

export { type BrowserProfileOptions, profileModelInBrowser } from './browser-profile.js';
export { createExitGuard, type ExitGuard } from './exit-guard.js';
export { createLocalSession, type LocalSessionOptions } from './local-session.js';
export { type ProfileOptions, profileModel, thisMachine } from './profile-model.js';
export { createWorkerSession } from './worker-session.js';
