/** Serves the bundle in the directory argv[2] as a worker at the NATS server argv[3], tells the parent, leaves on SIGTERM. */

import process from 'node:process';
import { readBundle } from '@featherwire/bundle/node';
import { connectToNats, joinFleet } from '@featherwire/fleet';
import { createTailServer } from '@featherwire/runtime/node';

const [directory, url] = process.argv.slice(2);
const limits = { maxRequestsPerSecond: 100_000 };
const server = await createTailServer({ bundles: [await readBundle(directory)], limits });
const worker = await joinFleet({ server, link: await connectToNats({ servers: [url] }, 'worker') });
process.once('SIGTERM', async () => {
  await worker.leave();
  await server.close();
  process.disconnect();
});
process.send(worker.id);
