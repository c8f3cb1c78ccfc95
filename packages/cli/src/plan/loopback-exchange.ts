/** The fixed cost of an exchange on this machine: a server of the bundle in this process, asked over loopback. */

import type { NodeBundle } from '@featherwire/bundle/node';
import type { Backend } from '@featherwire/codec';
import type { Quantiles, TensorMap } from '@featherwire/inference';
import { createWorkerSession } from '@featherwire/inference/node';
import { createTailServer, measureExchange } from '@featherwire/runtime/node';
import { connectToServer } from '../edge/server-connection.js';

/**
 * Serves a bundle for as long as it takes to time some requests.
 * @throws {ServerStartError} {InferenceError} {TransportError | RemoteError}
 */
export async function exchangeOverLoopback(
  bundle: NodeBundle,
  inputs: TensorMap,
  backend: Backend,
): Promise<Quantiles> {
  const server = await createTailServer({ bundles: [bundle] });
  try {
    const head = await createWorkerSession(bundle.partPath('head'));
    try {
      const { transport, close } = await connectToServer({ server: new URL(server.url), transport: 'ws' });
      try {
        return await measureExchange({ bundle, head, transport, backend }, inputs);
      } finally {
        await close();
      }
    } finally {
      await head.close();
    }
  } finally {
    await server.close();
  }
}
