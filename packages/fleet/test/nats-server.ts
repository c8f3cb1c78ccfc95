/** A nats-server of this machine for tests and what they start with it; what needs it says why where there is none. */

import { type ChildProcess, execFileSync, fork, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createServer, connect as openSocket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { connectToNats, type NatsLink } from '../src/nats-link.js';

/** A server that runs. */
export interface NatsServer {
  readonly url: string;
  /** Ends it at once; connections break. */
  kill(): Promise<void>;
  /** Starts it again on the same port. */
  start(): Promise<void>;
}

/** Why there can be no server, or undefined. */
export const natsMissing: string | undefined = findServer() ? undefined : 'no nats-server on this machine';
// biome-ignore lint/suspicious/noConsole: a skipped test prints its reason
if (natsMissing) console.log(`skipped: ${natsMissing}`);

function findServer(): string | undefined {
  for (const file of ['nats-server', '/usr/sbin/nats-server']) {
    try {
      execFileSync(file, ['--version'], { stdio: 'ignore' });
      return file;
    } catch {
      // Looked for elsewhere.
    }
  }
  return undefined;
}

/** Starts a server on a free port of this machine. */
export async function startNatsServer(): Promise<NatsServer> {
  const port = await freePort();
  const file = findServer()!;
  let child: ChildProcess | undefined;
  const server: NatsServer = {
    url: `nats://127.0.0.1:${port}`,
    async kill() {
      if (!child) return;
      const exited = once(child, 'exit');
      child.kill('SIGKILL');
      child = undefined;
      await exited;
    },
    async start() {
      child = spawn(file, ['-a', '127.0.0.1', '-p', String(port)], { stdio: 'ignore' });
      await answering(port);
    },
  };
  await server.start();
  return server;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

async function answering(port: number): Promise<void> {
  for (let i = 0; i < 200; i++) {
    const socket = openSocket(port, '127.0.0.1');
    const isOpen = await Promise.race([
      once(socket, 'connect').then(() => true),
      once(socket, 'error').then(() => false),
    ]).catch(() => false);
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error('nats-server does not listen');
}

/** A connection for a test. */
export function linkTo({ url }: NatsServer): Promise<NatsLink> {
  return connectToNats({ servers: [url] }, 'test');
}

/** A worker in a process of its own. */
export interface WorkerProcess {
  /** Ends it at once. */
  kill(): Promise<void>;
  /** Stops it where it is, as a machine that hangs, or lets it go on. */
  freeze(isFrozen: boolean): void;
  /** Asks it to answer what it has and end. @returns its exit status */
  stop(): Promise<number>;
}

/** Starts a worker for the bundle of a directory; resolves once it takes requests. */
export async function startWorkerProcess(directory: string, { url }: NatsServer): Promise<WorkerProcess> {
  const child = fork(fileURLToPath(new URL('serve-worker.mjs', import.meta.url)), [directory, url]);
  const exited = once(child, 'exit');
  await Promise.race([
    once(child, 'message'),
    exited.then(([status]) => Promise.reject(new Error(`worker ended with ${status}`))),
  ]);
  return {
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
    freeze: (isFrozen) => void child.kill(isFrozen ? 'SIGSTOP' : 'SIGCONT'),
    async stop() {
      child.kill('SIGTERM');
      return (await exited)[0];
    },
  };
}
