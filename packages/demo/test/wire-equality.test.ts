import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decodeFrame, encodeFrame, loadBackend, type QuantizerChoice } from '@featherwire/codec';
import { pooledRatio, type Ratio } from '@featherwire/eval';
import { createWorkerSession } from '@featherwire/inference/node';
import { createEdgeClient, createWebSocketTransport, type Transport } from '@featherwire/runtime';
import { createHttpTransport, createTailServer } from '@featherwire/runtime/node';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { drawLines, errorsOfAnswer } from '../src/lines.js';
import { answersEqual } from '../src/measure.js';
import { loadRecognizer, writeRecognizerBundle } from '../src/recognizer.js';
import { CUTS } from '../src/scenario.js';

const LINES = 16;

const QUANTIZERS: Record<string, QuantizerChoice> = {
  'elements as they are': { kind: 'none' },
  '4 levels, clipped': { kind: 'uniform', levelCount: 4, range: { kind: 'fixed', low: -0.4, high: 6 } },
  '6 levels, min-max': { kind: 'uniform', levelCount: 6, range: { kind: 'minmax' } },
  '8 bits, asymmetric': { kind: 'asymmetric', bits: 8, range: { kind: 'minmax' } },
};

describe('accuracy over the wire is that of the same quantization without the wire', () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'featherwire-wire-'));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  test.each(CUTS)(
    '$label cut: every answer equal to the byte, so every error rate equal',
    async ({ label, tensor }) => {
      const recognizer = await loadRecognizer();
      const bundle = await writeRecognizerBundle(recognizer, tensor, join(directory, label));
      const { preprocessing } = bundle.manifest;
      if (!preprocessing) throw new Error('bundle without preprocessing');
      const { lines } = await drawLines('test', LINES, preprocessing);
      const backend = await loadBackend();
      const head = await createWorkerSession(bundle.partPath('head'));
      const tail = await createWorkerSession(bundle.partPath('tail'));
      const server = await createTailServer({ bundles: [bundle], port: 0 });
      const transports: Transport[] = [
        createWebSocketTransport({ url: server.streamUrl, WebSocket }),
        createHttpTransport({ url: server.url }),
      ];
      try {
        for (const [name, quantizer] of Object.entries(QUANTIZERS)) {
          for (const [i, transport] of transports.entries()) {
            const client = createEdgeClient({ bundle, head, transport, backend });
            const overWire: Ratio[] = [];
            const without: Ratio[] = [];
            for (const line of lines.slice(0, i === 0 ? LINES : 2)) {
              const answer = await client.infer(line.inputs, { coding: { [tensor]: quantizer } });
              const features = (await head.run(line.inputs)).outputs;
              const frame = encodeFrame(features[tensor], { quantizer, backend });
              const { outputs } = await tail.run({ [tensor]: decodeFrame(frame, { backend }) });
              expect(answersEqual(answer.outputs, outputs), `${name}: ${line.text}`).toBe(true);
              expect(answer.bytes.payload).toBe(frame.length);
              overWire.push(errorsOfAnswer(line, answer.outputs, recognizer));
              without.push(errorsOfAnswer(line, outputs, recognizer));
            }
            expect(pooledRatio(overWire), name).toBe(pooledRatio(without));
          }
        }
      } finally {
        await Promise.all(transports.map((transport) => transport.close()));
        await server.close();
        await Promise.all([head.close(), tail.close()]);
      }
    },
    60_000,
  );
});
