/**
 * Shaped links on this machine's clock: requests of several sizes through a lab to a server that answers at once, beside
 * the estimate for the same bytes. Connections are kept busy, so that slow start is over, and idle, so that it is not.
 *
 * Usage: node bench/link-lab.mjs [ROUNDS]
 */
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { estimateTransfer, NAMED_LINKS } from '@featherwire/link';
import { startLinkLab } from '@featherwire/runtime/node';

const ROUNDS = Number(process.argv[2] ?? 30);
/** Longer than any window is kept without sending. */
const IDLE_MS = 600;
const IDLE_ROUNDS = 5;
const DOWNLINK_BYTES = 300;
const UPLINK_BYTES = [500, 5000, 50_000];

/** Answers each request, whose length stands in its first 4 bytes, with as many bytes as an answer has. */
const server = createServer({ noDelay: true }, (socket) => {
  let pending = Buffer.alloc(0);
  socket.on('error', () => undefined);
  socket.on('data', (chunk) => {
    pending = Buffer.concat([pending, chunk]);
    while (pending.length >= 4 && pending.length >= pending.readUInt32LE(0)) {
      pending = pending.subarray(pending.readUInt32LE(0));
      socket.write(Buffer.alloc(DOWNLINK_BYTES));
    }
  });
});
await once(server.listen(0, '127.0.0.1'), 'listening');
const target = { host: '127.0.0.1', port: server.address().port };

const rows = [];
for (const link of Object.values(NAMED_LINKS)) {
  for (const uplinkBytes of UPLINK_BYTES) {
    for (const connection of ['busy', 'idle']) {
      const lab = await startLinkLab({ link, target });
      const socket = connect({ host: '127.0.0.1', port: lab.port, noDelay: true });
      await once(socket, 'connect');
      const isBusy = connection === 'busy';
      if (isBusy) for (let i = 0; i < 8; i++) await exchange(socket, uplinkBytes);
      const measured = [];
      for (let i = 0; i < (isBusy ? ROUNDS : IDLE_ROUNDS); i++) {
        if (!isBusy) await sleep(IDLE_MS);
        measured.push(await exchange(socket, uplinkBytes));
      }
      socket.destroy();
      await lab.close();
      measured.sort((a, b) => a - b);
      const { fixedMs, p50Ms } = estimateTransfer(
        link,
        { uplinkBytes, downlinkBytes: DOWNLINK_BYTES },
        connection,
      );
      const medianMs = measured[measured.length >> 1];
      rows.push({
        link: link.name,
        uplinkBytes,
        connection,
        rounds: measured.length,
        medianMs,
        p50Ms,
        fixedMs,
      });
      process.stderr.write(
        `${link.name} ${uplinkBytes} ${connection}: ${medianMs.toFixed(1)} ms, ${p50Ms.toFixed(1)} estimated\n`,
      );
    }
  }
}
server.close();
process.stdout.write(
  `${JSON.stringify({ node: process.version, downlinkBytes: DOWNLINK_BYTES, rows }, null, 2)}\n`,
);

/** @returns milliseconds from the request to the last byte of the answer */
async function exchange(socket, uplinkBytes) {
  const request = Buffer.alloc(uplinkBytes);
  request.writeUInt32LE(uplinkBytes);
  const started = performance.now();
  socket.write(request);
  for (let received = 0; received < DOWNLINK_BYTES; ) received += (await once(socket, 'data'))[0].length;
  return performance.now() - started;
}
