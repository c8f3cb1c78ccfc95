/** A tail server under TLS that knows its clients by their certificates. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { connect } from 'node:tls';
import { afterAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';
import { makeCertificates, opensslMissing } from '../../../test-support/certificates.js';
import { createWebSocketTransport } from '../src/client/websocket-transport.js';
import { ServerStartError } from '../src/node/server/service-front.js';
import { createTailServer } from '../src/node/server/tail-server.js';
import { LOSSLESS, remoteCode, singleTryClient } from './clients.js';
import { squareFeatures, writeSquareBundle } from './test-bundles.js';

const root = mkdtempSync(path.join(tmpdir(), 'featherwire-tls-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const text = (name: string): string => readFileSync(path.join(root, name), 'utf8');
if (opensslMissing) console.info(`skipped: ${opensslMissing}`);

test.skipIf(opensslMissing)(
  'clients with a certificate of the authority are served, others are not',
  async () => {
    makeCertificates(root, 'localhost', 'kiosk');
    const bundle = await writeSquareBundle(root);
    const tls = { cert: text('localhost.pem'), key: text('localhost.key'), clientCa: text('ca.pem') };
    const server = await createTailServer({ bundles: [bundle], tls });
    expect(server.url).toMatch(/^https:/);
    const ask = async (options: object): Promise<string> => {
      const class_ = class extends WebSocket {
        constructor(url: string) {
          const secure: object = {
            ca: text('ca.pem'),
            servername: 'localhost',
            ...options,
          };
          super(url, secure);
        }
      };
      const transport = createWebSocketTransport({ url: server.streamUrl, WebSocket: class_ });
      const client = singleTryClient(bundle, transport);
      const code = await remoteCode(client.inferFeature(squareFeatures(2, 0), { coding: LOSSLESS }));
      await transport.close();
      return code;
    };
    expect(await ask({ cert: text('kiosk.pem'), key: text('kiosk.key') })).toBe('no error');
    expect(await ask({})).toMatch(/^TransportError connect/);
    // Those that do not speak TLS at all, or not new enough, are no trouble either.
    const old = connect({ port: server.address.port, maxVersion: 'TLSv1.1', rejectUnauthorized: false });
    await new Promise((resolve) => old.once('error', resolve));
    expect(await ask({ cert: text('kiosk.pem'), key: text('kiosk.key') })).toBe('no error');
    await server.close();
    const broken = createTailServer({ bundles: [bundle], tls: { ...tls, key: 'none' } });
    await expect(broken).rejects.toThrow(ServerStartError);
  },
);
