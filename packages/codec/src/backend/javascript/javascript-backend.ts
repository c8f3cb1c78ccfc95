/** Plain JavaScript where speed matters most: for engines that cannot run the WebAssembly kernels. */

import type { Backend } from '../backend.js';
import { referenceBackend } from '../reference.js';
import { decodeValues, encodeValues } from '../value-stages.js';
import { decodeSymbols, encodeSymbols } from './rans-loops.js';

const coder = { encodeRans: encodeSymbols, decodeRans: decodeSymbols };

/** The reference with loops of its own where those take most of the time. */
export const javascriptBackend: Backend = Object.freeze<Backend>({
  ...referenceBackend,
  ...coder,
  name: 'javascript',
  encodeValues: (values, coding, lanes) => encodeValues(coder, values, coding, lanes),
  decodeValues: (payload, decoding, target) => decodeValues(coder, payload, decoding, target),
});
