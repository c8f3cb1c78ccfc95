/** Serves the bundle in the directory argv[2] on the port argv[3] (0: any), tells the parent which, and drains on SIGTERM. */

import process from 'node:process';
import { readBundle } from '@featherwire/bundle/node';
import { createTailServer } from '@featherwire/runtime/node';

const [directory, port] = process.argv.slice(2);
const server = await createTailServer({ bundles: [await readBundle(directory)], port: Number(port) });
process.once('SIGTERM', async () => {
  await server.close({ unreadyMs: 200 });
  process.disconnect();
});
process.send(server.address.port);
