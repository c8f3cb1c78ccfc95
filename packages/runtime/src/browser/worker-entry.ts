/** A module worker that is the edge side of a page: `@featherwire/runtime/browser/worker`. */

import { type EdgePort, serveEdge } from './edge-worker.js';

serveEdge(globalThis as unknown as EdgePort);
