/** A worker that runs the tests of everything that a client is made of, as they are, in the browser's engine. */

import { runTestFiles } from '../../../../test-support/vitest-in-browser.js';

/** Every test file of `runtime` that needs nothing of Node; `conformance.test.ts` compares this with the files there are. */
const FILES = {
  'src/browser/edge-exit.test.ts': () => import('../../src/browser/edge-exit.test.js'),
  'src/browser/edge-worker.test.ts': () => import('../../src/browser/edge-worker.test.js'),
  'src/client/budgeted-client.test.ts': () => import('../../src/client/budgeted-client.test.js'),
  'src/exit/exit-client.test.ts': () => import('../../src/exit/exit-client.test.js'),
  'src/fallback/circuit-breaker.test.ts': () => import('../../src/fallback/circuit-breaker.test.js'),
  'src/fallback/fallback-client.test.ts': () => import('../../src/fallback/fallback-client.test.js'),
  'src/protocol/message-format.test.ts': () => import('../../src/protocol/message-format.test.js'),
  'src/rate-control/rate-control.test.ts': () => import('../../src/rate-control/rate-control.test.js'),
  'test/edge-client.test.ts': () => import('../edge-client.test.js'),
  'test/browser/transports.ts': () => import('./transports.js'),
};

runTestFiles(FILES).then(
  (outcomes) => globalThis.postMessage({ outcomes }),
  (error) => globalThis.postMessage({ failure: String(error?.stack ?? error) }),
);
