/**
 * Hostile clients as a process of their own, at the lowest priority as if on another machine: argv[2] names the attack. It tells
 * its parent when it has begun, and goes on until it is killed. All attacks come from addresses of 127.0.0.0/8 other than
 * 127.0.0.1, as from other hosts.
 */
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { constants, setPriority } from 'node:os';
import process from 'node:process';
import { createRandom } from '@featherwire/tensor';
import { WebSocket } from 'ws';
import { withId } from './serving.mjs';

const HALF_OPEN = 10_000;
const ATTACKERS = '127.0.0.2';
const DRIP_MS = 1000;
const FLOOD_CONNECTIONS = 16;
const FLOOD_PIPELINE = 64;

const [, , name, port, requestFile] = process.argv;
const request = new Uint8Array(readFileSync(requestFile));
const head = (length) =>
  `POST /v1/infer HTTP/1.1\r\nHost: x\r\nContent-Type: application/octet-stream\r\nContent-Length: ${length}\r\n\r\n`;

/** Opens a connection again whenever it is cut. */
function keepOpen(localAddress, begin) {
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress });
  socket.on('error', () => undefined);
  socket.on('connect', () => begin(socket));
  socket.on('data', () => undefined);
  socket.on('close', () => setTimeout(() => keepOpen(localAddress, begin), DRIP_MS));
}

const drip = (socket, text) => {
  let sent = 0;
  const timer = setInterval(() => socket.write(text[sent++ % text.length]), DRIP_MS);
  socket.on('close', () => clearInterval(timer));
};

const ATTACKS = {
  /** Heads and bodies a byte at a time. */
  'slow-loris': () => {
    for (let i = 0; i < 400; i++) {
      keepOpen(ATTACKERS, (socket) => {
        if (i % 2) socket.write(head(1_000_000));
        drip(socket, head(10));
      });
    }
  },
  /** Connections that say nothing, from forty addresses. */
  'half-open': () => {
    for (let i = 0; i < HALF_OPEN; i++) keepOpen(`127.0.1.${1 + (i % 40)}`, () => undefined);
  },
  /** Lengths that are not true, and messages over the limit, as fast as they are taken. */
  lengths: () => {
    const megabyte = Buffer.alloc(2 ** 20);
    for (let i = 0; i < 64; i++) {
      keepOpen(ATTACKERS, (socket) => {
        socket.write(head([2 ** 24, 2 ** 40, 2 ** 53 - 1, 100][i % 4]));
        const pour = () => {
          while (!socket.destroyed && socket.write(megabyte));
          if (!socket.destroyed) socket.once('drain', pour);
        };
        pour();
      });
    }
  },
  /** Damaged requests, requests again, and out of order. */
  frames: () => {
    const random = createRandom(1);
    streams(8, (send) => {
      for (let i = 0; i < 16; i++) {
        const copy = withId(request, 1 + random.nextInteger(2 ** 31));
        if (i % 2) copy[24 + random.nextInteger(copy.length - 24)] ^= 1 << random.nextInteger(8);
        send(copy);
      }
    });
  },
  /** Good requests, as many as can be sent. */
  flood: () =>
    streams(FLOOD_CONNECTIONS, (send) => {
      for (let i = 0; i < FLOOD_PIPELINE; i++) send(withId(request, 1 + i));
    }),
};

/** WebSockets that send another portion whenever half of the last is answered. */
function streams(count, portion) {
  for (let i = 0; i < count; i++) {
    const open = () => {
      const socket = new WebSocket(`ws://127.0.0.1:${port}/v1/stream`, { localAddress: ATTACKERS });
      let unanswered = 0;
      const more = () =>
        portion((message) => {
          unanswered++;
          socket.send(message);
        });
      socket.on('open', more);
      socket.on('message', () => {
        if (--unanswered === 8) more();
      });
      socket.on('error', () => undefined);
      socket.on('close', () => setTimeout(open, DRIP_MS));
    };
    open();
  }
}

setPriority(constants.priority.PRIORITY_LOW);
ATTACKS[name]();
process.send('begun');
