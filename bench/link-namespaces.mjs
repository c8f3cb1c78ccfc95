/**
 * The link lab beside the kernel's own shaping: two network namespaces joined by a pair of virtual interfaces, each end shaped by
 * `tc`, and the lab on loopback, both as the same link, in turns. With `netem` the links have a round trip, and small exchanges are
 * compared too; kernels without it have `tbf` for the rate alone, whose bucket lets the first packet through at once, so that only
 * long transfers are. Links have no jitter and no losses: what TCP makes of those is no part of the lab's model.
 *
 * Rates of a link are of TCP payload, those of `tc` of whole frames: a segment of 1448 bytes is one of 1514 on the wire.
 *
 * Needs Linux, `unshare`, `ip` and `tc`, and the right to make namespaces; is skipped with the reason where one is missing, with
 * status 2. Ends with status 1 if a median is off by more than the tolerance.
 *
 * Usage: npm run build && node bench/link-namespaces.mjs [--rounds 5] > results/link-namespaces.json
 */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import { cpus, loadavg, release } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { startLinkLab } from '@featherwire/runtime/node';

const SELF = fileURLToPath(import.meta.url);
/** Off by no more than the larger of both. */
const TOLERANCE = { share: 0.1, ms: 3 };
const SEGMENT = { payloadBytes: 1448, frameBytes: 1514 };
const TBF = 'burst 3028 limit 8000000';
const PORT = 9000;
const NEAR = '10.77.0.1';
const FAR = '10.77.0.2';
/** Of a long transfer over the link alone. */
const TRANSFER_SECONDS = 1;
const REPLY_BYTES = 300;
const REQUEST_BYTES = 500;
/** Rates without a round trip, and the same with one. */
const RATES = [
  [1, 4],
  [5, 20],
  [20, 80],
];
const ROUND_TRIPS_MS = [20, 70];
const LENGTH_BYTES = 8;

const { values } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, as: { type: 'string', default: 'command' } },
});
const rounds = Number(values.rounds);
const roles = { command: runCommand, near: runNear, far: runFar };
await roles[values.as]();

/** Makes the first namespace, where the rest happens, or says why not. */
async function runCommand() {
  const unshare = ['unshare', ...(process.getuid?.() === 0 ? ['-n'] : ['-r', '-n'])];
  const missing = whyNot(unshare);
  if (missing) {
    process.stderr.write(`skipped: ${missing}\n`);
    process.exitCode = 2;
    return;
  }
  const [command, ...args] = [...unshare, process.execPath, SELF, '--as', 'near', '--rounds', values.rounds];
  const child = spawn(command, args, { stdio: ['ignore', 'inherit', 'inherit'] });
  const [status] = await once(child, 'exit');
  process.exitCode = status ?? 1;
}

function whyNot([command, ...args]) {
  if (process.platform !== 'linux') return `network namespaces are Linux's, this is ${process.platform}`;
  for (const tool of ['unshare', 'ip', 'tc'])
    if (spawnSync(tool, ['-V']).error) return `${tool} is not installed`;
  const tried = spawnSync(command, [...args, 'true'], { encoding: 'utf8' });
  return tried.status === 0 ? undefined : `no network namespace: ${tried.stderr.trim()}`;
}

/** The near end: clients, and the lab with a server of its own. */
async function runNear() {
  const far = spawn('unshare', ['-n', process.execPath, SELF, '--as', 'far'], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  });
  const ask = async (message) => {
    far.send(message);
    const [answer] = await once(far, 'message');
    if (answer.error) throw new Error(answer.error);
  };
  await once(far, 'message');
  try {
    ip('link set lo up');
    ip('link add near0 type veth peer name far0');
    ip(`link set far0 netns ${far.pid}`);
    join('near0', NEAR);
    await ask({ join: true });
    const hasDelay = spawnSync('tc', 'qdisc replace dev near0 root netem delay 1ms'.split(' ')).status === 0;
    if (!hasDelay)
      process.stderr.write(
        'this kernel has no netem: rates by tbf, without a round trip; the rest is skipped\n',
      );
    const local = await serve('127.0.0.1');
    const rows = [];
    for (const [uplinkMbps, downlinkMbps] of RATES) {
      for (const roundTripMs of hasDelay ? ROUND_TRIPS_MS : [0]) {
        const link = { name: 'compared', uplinkMbps, downlinkMbps, roundTripMs, jitterMs: 0, lossRate: 0 };
        shape('near0', uplinkMbps, roundTripMs, hasDelay);
        await ask({ mbps: downlinkMbps, roundTripMs, hasDelay });
        rows.push(...(await compare(link, local.address().port, hasDelay)));
      }
    }
    local.close();
    report(rows, hasDelay);
  } finally {
    far.kill();
  }
}

/** The far end: joined and shaped when it is told. */
async function runFar() {
  process.on('message', async ({ join: isJoining, mbps, roundTripMs, hasDelay }) => {
    try {
      if (isJoining) {
        join('far0', FAR);
        await serve(FAR);
      } else {
        shape('far0', mbps, roundTripMs, hasDelay);
      }
      process.send({});
    } catch (error) {
      process.send({ error: error.message });
    }
  });
  process.send('ready');
}

function ip(words) {
  run('ip', words);
}

function run(command, words) {
  const { status, stderr } = spawnSync(command, words.split(' '), { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${command} ${words}: ${stderr.trim()}`);
}

/** One segment a packet, so that queues count what a wire would carry. */
function join(device, address) {
  ip(`link set dev ${device} gso_max_segs 1`);
  ip(`address add ${address}/30 dev ${device}`);
  ip(`link set ${device} up`);
}

function shape(device, mbps, roundTripMs, hasDelay) {
  const kbit = Math.round((1000 * mbps * SEGMENT.frameBytes) / SEGMENT.payloadBytes);
  const qdisc = hasDelay
    ? `netem delay ${roundTripMs / 2}ms rate ${kbit}kbit limit 10000`
    : `tbf rate ${kbit}kbit ${TBF}`;
  run('tc', `qdisc replace dev ${device} root ${qdisc}`);
}

/** Reads requests, whose length and whose answer's stand at their beginning, and answers each when it is whole. */
async function serve(host) {
  const server = createServer({ noDelay: true }, (socket) => {
    let [head, left, reply] = [Buffer.alloc(0), 0, 0];
    socket.on('error', () => undefined);
    socket.on('data', (chunk) => {
      if (left === 0) {
        head = Buffer.concat([head, chunk]);
        if (head.length < LENGTH_BYTES) return;
        [left, reply] = [head.readUInt32LE(0) - head.length, head.readUInt32LE(4)];
        head = Buffer.alloc(0);
      } else {
        left -= chunk.length;
      }
      if (left === 0) socket.write(Buffer.alloc(reply));
    });
  });
  await once(server.listen(host === FAR ? PORT : 0, host), 'listening');
  return server;
}

async function compare(link, serverPort, hasDelay) {
  const lab = await startLinkLab({ link, target: { host: '127.0.0.1', port: serverPort } });
  const sockets = { lab: await dial('127.0.0.1', lab.port), kernel: await dial(FAR, PORT) };
  const bytesOf = (mbps) => Math.round((mbps * 1e6 * TRANSFER_SECONDS) / 8);
  const kinds = [
    { kind: 'up', requestBytes: bytesOf(link.uplinkMbps), replyBytes: REPLY_BYTES },
    { kind: 'down', requestBytes: REQUEST_BYTES, replyBytes: bytesOf(link.downlinkMbps) },
    ...(hasDelay ? [{ kind: 'small', requestBytes: REQUEST_BYTES, replyBytes: REPLY_BYTES }] : []),
  ];
  const rows = [];
  for (const { kind, requestBytes, replyBytes } of kinds) {
    const times = { lab: [], kernel: [] };
    for (const socket of Object.values(sockets)) await exchange(socket, requestBytes, replyBytes); // windows open
    for (let round = 0; round < rounds; round++) {
      const order = round % 2 ? ['lab', 'kernel'] : ['kernel', 'lab'];
      for (const way of order) times[way].push(await exchange(sockets[way], requestBytes, replyBytes));
    }
    const [labMs, kernelMs] = [times.lab, times.kernel].map(median);
    const offMs = labMs - kernelMs;
    const isWithin = Math.abs(offMs) <= Math.max(TOLERANCE.ms, TOLERANCE.share * kernelMs);
    const { uplinkMbps, downlinkMbps, roundTripMs } = link;
    rows.push({
      uplinkMbps,
      downlinkMbps,
      roundTripMs,
      kind,
      requestBytes,
      replyBytes,
      labMs,
      kernelMs,
      isWithin,
    });
    const off = `${offMs >= 0 ? '+' : ''}${((100 * offMs) / kernelMs).toFixed(1)} %`;
    process.stderr.write(
      `${uplinkMbps}/${downlinkMbps} Mbit/s, ${roundTripMs} ms, ${kind}: lab ${labMs.toFixed(1)} ms, ` +
        `kernel ${kernelMs.toFixed(1)} ms (${off})${isWithin ? '' : ', beyond the tolerance'}\n`,
    );
  }
  for (const socket of Object.values(sockets)) socket.destroy();
  await lab.close();
  return rows;
}

async function dial(host, port) {
  const socket = connect({ host, port, noDelay: true });
  await once(socket, 'connect');
  return socket;
}

/** @returns milliseconds from the request to the last byte of the answer */
async function exchange(socket, requestBytes, replyBytes) {
  const request = Buffer.alloc(requestBytes);
  request.writeUInt32LE(requestBytes, 0);
  request.writeUInt32LE(replyBytes, 4);
  const started = performance.now();
  socket.write(request);
  for (let received = 0; received < replyBytes; ) received += (await once(socket, 'data'))[0].length;
  return performance.now() - started;
}

function median(list) {
  return [...list].sort((a, b) => a - b)[list.length >> 1];
}

function report(rows, hasDelay) {
  const shaped = hasDelay ? 'netem' : 'tbf';
  const machine = { cpu: cpus()[0].model, kernel: release(), node: process.version, load: loadavg()[0] };
  const command = 'node bench/link-namespaces.mjs';
  process.stdout.write(
    `${JSON.stringify({ command, machine, shaped, tolerance: TOLERANCE, rounds, rows }, null, 1)}\n`,
  );
  const beyond = rows.filter(({ isWithin }) => !isWithin).length;
  process.stderr.write(
    `${rows.length - beyond} of ${rows.length} within ${100 * TOLERANCE.share} % or ${TOLERANCE.ms} ms\n`,
  );
  process.exitCode = beyond > 0 ? 1 : 0;
}
