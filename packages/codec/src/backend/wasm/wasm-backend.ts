import { BackendUnavailableError } from '../../errors.js';
import type { Backend } from '../backend.js';

export async function loadWasmBackend(): Promise<Backend> {
  throw new BackendUnavailableError('wasm', 'kernels are not built yet');
}
