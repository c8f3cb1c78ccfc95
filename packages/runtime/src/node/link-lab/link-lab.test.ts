import { once } from 'node:events';
import {
  type AddressInfo,
  createServer,
  connect as openConnection,
  type Server,
  type Socket,
} from 'node:net';
import { PassThrough } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type LinkProfile, rateSchedule } from '@featherwire/link';
import { createRandom } from '@featherwire/tensor';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { LabClock } from './lab-clock.js';
import { type LinkLab, startLinkLab } from './link-lab.js';
import { LinkQueue } from './link-queue.js';
import { SegmentModel } from './segment-model.js';
import { ShapedStream } from './shaped-stream.js';

const FAST: LinkProfile = {
  ...{ name: 'fast', uplinkMbps: 4000, downlinkMbps: 4000 },
  ...{ roundTripMs: 1, jitterMs: 0.5, lossRate: 0.001 },
};

/** A clock that stands until it is told to go on. */
class StandingClock implements LabClock {
  #nowMs = 0;
  #timers: { readonly atMs: number; readonly action: () => void }[] = [];

  now(): number {
    return this.#nowMs;
  }

  schedule(delayMs: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + delayMs, action };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((other) => other !== timer);
    };
  }

  /** Goes on to a time, and does on the way what is due. */
  goOnTo(ms: number): void {
    for (;;) {
      const due = this.#timers.filter(({ atMs }) => atMs <= ms).sort((a, b) => a.atMs - b.atMs)[0];
      if (!due) break;
      this.#timers = this.#timers.filter((other) => other !== due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.action();
    }
    this.#nowMs = ms;
  }
}

describe('a shaped stream', () => {
  /** 1000 bytes a millisecond, 10 ms one way. */
  const link: LinkProfile = { ...FAST, uplinkMbps: 8, roundTripMs: 20, jitterMs: 0, lossRate: 0 };
  function shaped(maxHeldBytes = 1 << 20) {
    const clock = new StandingClock();
    const source = new PassThrough();
    const target = new PassThrough({ highWaterMark: 1 << 20 });
    const model = new SegmentModel(link, new LinkQueue(rateSchedule(link, 'uplink')), () => 0);
    const stream = new ShapedStream({ source, target, model, clock, begunMs: 0, maxHeldBytes });
    const arrived = () => target.readableLength;
    return { clock, source, target, stream, arrived };
  }

  test('hands on at the times of the model', async () => {
    const { clock, source, target, stream, arrived } = shaped();
    source.write(new Uint8Array(5 * 1448));
    await nextTurn();
    clock.goOnTo(11);
    expect(arrived()).toBe(0);
    clock.goOnTo(11.448);
    expect(arrived()).toBe(1448);
    clock.goOnTo(15.8);
    expect(arrived()).toBe(4 * 1448);
    source.end();
    await nextTurn();
    expect(target.writableEnded).toBe(false);
    clock.goOnTo(18);
    expect(arrived()).toBe(5 * 1448);
    expect(stream).toMatchObject({ heldBytes: 0, passedBytes: 5 * 1448 });
    expect(target.writableEnded).toBe(true);
  });

  test('reads no more than it may hold', async () => {
    const { clock, source, stream, arrived } = shaped(20_000);
    for (let i = 0; i < 100; i++) source.write(new Uint8Array(1000));
    await nextTurn();
    expect(source.isPaused()).toBe(true);
    expect(stream.heldBytes).toBe(20_000);
    for (let ms = 0; ms < 300; ms += 5) {
      clock.goOnTo(ms);
      await nextTurn();
      expect(stream.heldBytes).toBeLessThanOrEqual(21_000);
    }
    expect(arrived()).toBe(100_000);
  });

  test('waits for a target that is full', async () => {
    const clock = new StandingClock();
    const [source, target] = [new PassThrough(), new PassThrough({ highWaterMark: 1000 })];
    const model = new SegmentModel(link, new LinkQueue(rateSchedule(link, 'uplink')), () => 0);
    const stream = new ShapedStream({ source, target, model, clock, begunMs: 0, maxHeldBytes: 1 << 20 });
    source.end(new Uint8Array(10 * 1448));
    await nextTurn();
    clock.goOnTo(1000);
    expect(stream.passedBytes).toBeLessThan(10 * 1448);
    let read = 0;
    target.on('data', (chunk: Uint8Array) => {
      read += chunk.length;
    });
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    clock.goOnTo(1001);
    await nextTurn();
    expect(read).toBe(10 * 1448);
  });
});

describe('a lab between real sockets', () => {
  const servers: Server[] = [];
  const labs: LinkLab[] = [];
  afterEach(async () => {
    for (const lab of labs.splice(0)) await lab.close();
    for (const server of servers.splice(0)) server.close();
  });

  async function start(onConnection: (socket: Socket) => void, link = FAST): Promise<LinkLab> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      socket.on('error', () => undefined);
      onConnection(socket);
    });
    await once(server.listen(0, '127.0.0.1'), 'listening');
    servers.push(server);
    const { port } = server.address() as AddressInfo;
    const lab = await startLinkLab({ link, target: { host: '127.0.0.1', port } });
    labs.push(lab);
    return lab;
  }

  function open(lab: LinkLab): Socket {
    const socket = openConnection({ port: lab.port, host: '127.0.0.1', allowHalfOpen: true });
    socket.on('error', () => undefined);
    return socket;
  }

  /** Unlike `once`, takes an error on the way as part of the end. */
  const closeOf = (socket: Socket) => new Promise((resolve) => socket.once('close', resolve));

  test('every byte comes back in order over several connections, and the ends are passed on', async () => {
    const lab = await start((socket) => socket.pipe(socket));
    const random = createRandom(3);
    await Promise.all(
      Array.from({ length: 4 }, async () => {
        const sent = Buffer.from(Uint8Array.from({ length: 200_000 }, () => random.nextInteger(256)));
        const socket = open(lab);
        const received: Buffer[] = [];
        socket.on('data', (chunk: Buffer) => received.push(chunk));
        for (let start = 0; start < sent.length; ) {
          const length = 1 + random.nextInteger(9000);
          socket.write(sent.subarray(start, start + length));
          start += length;
        }
        socket.end();
        await once(socket, 'end');
        expect(Buffer.concat(received).equals(sent)).toBe(true);
      }),
    );
    await vi.waitFor(() => expect(lab.stats().openConnections).toBe(0));
    expect(lab.stats()).toMatchObject({ uplinkBytes: 800_000, downlinkBytes: 800_000, heldBytes: 0 });
  });

  test('a server that does not read stops the client', async () => {
    const lab = await start((socket) => socket.pause());
    const socket = open(lab);
    await once(socket, 'connect');
    const chunk = Buffer.alloc(1 << 20);
    for (let i = 0; i < 64; i++) socket.write(chunk);
    let before = -1;
    await vi.waitFor(
      () => {
        const { uplinkBytes, heldBytes } = lab.stats();
        const settled = uplinkBytes + heldBytes === before && heldBytes > 0;
        before = uplinkBytes + heldBytes;
        expect(settled).toBe(true);
      },
      { timeout: 10_000, interval: 100 },
    );
    expect(lab.stats().heldBytes).toBeLessThan(4 * 2 ** 20);
    expect(socket.writableLength).toBeGreaterThan(0);
    socket.destroy();
  });

  test('a connection that breaks at one end breaks at the other', async () => {
    const lab = await start((socket) => setImmediate(() => socket.resetAndDestroy()));
    const socket = open(lab);
    socket.write('x');
    await closeOf(socket);
    expect(lab.stats().openConnections).toBe(0);
  });

  test('a server that is not there refuses', async () => {
    const lab = await startLinkLab({ link: FAST, target: { host: '127.0.0.1', port: 1 } });
    labs.push(lab);
    await closeOf(open(lab));
    expect(lab.stats().openConnections).toBe(0);
  });

  test('closing ends what is open, twice as once', async () => {
    const lab = await start((socket) => socket.pipe(socket), { ...FAST, roundTripMs: 2000 });
    const socket = open(lab);
    await once(socket, 'connect');
    socket.write('x');
    const closed = closeOf(socket);
    await Promise.all([lab.close(), lab.close(), closed]);
    expect(lab.stats().openConnections).toBe(0);
  });

  test('a link out of range is refused', async () => {
    const target = { host: '127.0.0.1', port: 1 };
    await expect(startLinkLab({ link: { ...FAST, lossRate: 1 }, target })).rejects.toThrow(RangeError);
  });
});
