/**
 * A page that runs the rules of all clients on the browser's own, whose worker is at `/worker.js`; at the address `/webgpu`, on
 * clients whose head is on WebGPU.
 */

import { loadWebEngine } from '@featherwire/inference/browser';
import { describe, expect, test } from 'vitest';
import { runTestFiles } from '../../../../test-support/vitest-in-browser.js';
import { createBrowserClient } from '../../src/browser/browser-client.js';
import type { InferWithExit } from '../../src/browser/edge-exit.js';
import { inferWithExit } from '../../src/browser/edge-worker.js';
import { openEdge } from '../../src/browser/open-edge.js';
import { type ClientOpener, clientRules } from '../client-rules.js';
import { squareInputs, squareOutputs } from '../square-tensors.js';
import { gpuRules } from './gpu-rules.js';

/** What the page's server says of the bundles. */
interface PageSettings {
  readonly digests: Readonly<
    Record<'square' | 'ladder' | 'sure' | 'planes' | 'sums' | 'damaged' | 'unsure', string>
  >;
}

const { digests } = (await (await fetch('/settings.json')).json()) as PageSettings;
const engine = { folder: '/engine/' };
const onGpu = { ...engine, provider: 'webgpu' } as const;
const worker = (): Worker => new Worker('/worker.js', { type: 'module' });
const folderOf = (digest: string): string => `/v1/bundles/${digest}/files/`;

function opener(transport: 'websocket' | 'http'): ClientOpener {
  return (name, { budget, exit } = {}) => {
    const digest = digests[name];
    const options = { bundle: folderOf(digest), digest, transport, engine, worker: worker() };
    return createBrowserClient({ ...options, ...(budget && { budget }), ...(exit && { exit }) });
  };
}

/** Opens edge sides on WebGPU in the page itself, where they share an engine: compiling its WebAssembly takes seconds. */
const openOnGpu: ClientOpener = async (name, { budget, exit } = {}) => {
  const edge = await openEdge({
    bundle: folderOf(digests[name]),
    engine: onGpu,
    ...(budget && { budget }),
    ...(exit && { exit }),
  });
  return {
    ...edge.client,
    inferWithinBudget: (...call) => edge.budgeted!.infer(...call),
    inferWithExit: ((inputs, options = {}) => inferWithExit(edge, inputs, options)) as InferWithExit,
    close: edge.close,
  };
};

/** Of WebGPU's types only this: the tests are compiled without them. */
const { gpu } = navigator as { readonly gpu?: { requestAdapter(): Promise<object | null> } };
const hasAdapter = (await gpu?.requestAdapter().catch(() => null)) != null;

function ownRules(): void {
  const square = { bundle: folderOf(digests.square), engine };

  test('the head runs on WebAssembly where there is no GPU, the codec on its kernels', async () => {
    const client = await createBrowserClient({ ...square, worker: worker() });
    expect(client).toMatchObject({ digest: digests.square, provider: 'wasm', backend: 'wasm' });
    expect(client.manifest.model.name).toBe('square');
    await client.close();
  });

  test('an isolated page has several threads, as many as the first call asks for', async () => {
    expect(crossOriginIsolated).toBe(true);
    expect((await loadWebEngine({ ...engine, threads: 2 })).threads).toBe(2);
    expect((await loadWebEngine(engine)).threads).toBe(2); // it is loaded already
    await expect(loadWebEngine({ ...engine, threads: 0 })).rejects.toThrow(RangeError);
  });

  test('a bundle that is another, or damaged, or absent, is refused', async () => {
    const refusals = [
      [{ ...square, digest: '0'.repeat(64) }, 'digest-mismatch'],
      [{ ...square, bundle: folderOf(digests.damaged) }, 'digest-mismatch'],
      [{ ...square, bundle: folderOf('0'.repeat(64)) }, 'not-found'],
      [{ ...square, bundle: folderOf(digests.unsure), exit: true }, 'digest-mismatch'],
    ] as const;
    for (const [options, code] of refusals) {
      await expect(createBrowserClient({ ...options, worker: worker() })).rejects.toMatchObject({
        name: 'BundleError',
        code,
      });
    }
  });

  test('an exit is loaded only where it is asked for, and refused where there is none', async () => {
    const client = await createBrowserClient({
      ...square,
      bundle: folderOf(digests.unsure),
      worker: worker(),
    });
    const { outputs } = await client.infer(squareInputs(3, 1), { coding: 'static' });
    expect(outputs).toEqual(squareOutputs(3, 1));
    await expect(client.inferWithExit(squareInputs(3, 1), { coding: 'static' })).rejects.toThrow(
      'exit expected among the options',
    );
    await client.close();
    const refusals = [
      [digests.square, true, 'bundle expected one with an exit'],
      [digests.sure, { threshold: 1.5 }, 'threshold expected 0 to 1'],
    ] as const;
    for (const [digest, exit, message] of refusals) {
      const options = { ...square, bundle: folderOf(digest), exit, worker: worker() };
      await expect(createBrowserClient(options)).rejects.toThrow(message);
    }
    const noBudget = await createBrowserClient({
      ...{ ...square, bundle: folderOf(digests.sure), exit: true, worker: worker() },
    });
    await expect(noBudget.inferWithExit(squareInputs(3, 1))).rejects.toThrow('budget expected');
    await noBudget.close();
  });

  test('a worker that cannot start is worker-lost', async () => {
    const absent = new Worker('/absent.js', { type: 'module' });
    await expect(createBrowserClient({ ...square, worker: absent })).rejects.toMatchObject({
      code: 'worker-lost',
    });
  });

  test('over a shaped link a request takes at least its round trip', async () => {
    const straight = await createBrowserClient({ ...square, worker: worker() });
    const shaped = await createBrowserClient({
      ...square,
      server: '/v1/links/slow/stream',
      worker: worker(),
    });
    for (const [client, leastMs] of [
      [straight, 0],
      [shaped, 80],
    ] as const) {
      await client.infer(squareInputs(3, 1), { coding: 'static' }); // connects
      const { outputs, times } = await client.infer(squareInputs(3, 1), { coding: 'static' });
      expect(outputs).toEqual(squareOutputs(3, 1));
      expect(times.linkMs).toBeGreaterThanOrEqual(leastMs);
      await client.close();
    }
  });
}

const FILES = {
  websocket: async () => clientRules(opener('websocket')),
  http: async () => clientRules(opener('http')),
  browser: async () => ownRules(),
};
const FILES_ON_WEBGPU = {
  webgpu: async () => {
    const onAdapter = hasAdapter ? describe : describe.skip;
    onAdapter('with the head on WebGPU', () => {
      clientRules(openOnGpu);
      const folders = {
        planes: folderOf(digests.planes),
        ladder: folderOf(digests.ladder),
        sums: folderOf(digests.sums),
      };
      gpuRules(folders, (bundle) => createBrowserClient({ bundle, engine: onGpu, worker: worker() }));
    });
  },
};

const report = await runTestFiles(location.pathname === '/webgpu' ? FILES_ON_WEBGPU : FILES).then(
  (outcomes) => ({ outcomes }),
  (error) => ({ failure: String(error?.stack ?? error) }),
);
// As text: under the page's policy, a test tool cannot evaluate anything here.
const element = document.createElement('pre');
element.id = 'report';
element.textContent = JSON.stringify(report);
document.body.append(element);
