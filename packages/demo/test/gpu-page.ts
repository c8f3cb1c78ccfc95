/** A page that runs the demo's head on WebGPU, which may be in software, and codes its cut there at every point of the bundle. */

import { openEdge } from '@featherwire/runtime/browser';
import { readNpy } from '@featherwire/tensor';
import { expect, test } from 'vitest';
import { compareRequest } from '../../../test-support/gpu-frames.js';
import { runTestFiles } from '../../../test-support/vitest-in-browser.js';

/** What a software adapter may take to compile the kernels of a head. */
const COMPILE_MS = 120_000;

const settings = (await (await fetch('/settings.json')).json()) as {
  readonly digest: string;
  readonly input: string;
};
const { gpu } = navigator as { readonly gpu?: { requestAdapter(): Promise<object | null> } };
const hasAdapter = (await gpu?.requestAdapter().catch(() => null)) != null;

function rules(): void {
  (hasAdapter ? test : test.skip)(
    'the frames of a head on WebGPU have the bytes that WebAssembly makes of its feature',
    async () => {
      const { digest, input } = settings;
      const edge = await openEdge({
        bundle: `/v1/bundles/${digest}/files/`,
        digest,
        engine: { folder: '/engine/', provider: 'webgpu' },
      });
      const line = readNpy(new Uint8Array(await (await fetch('/line.npy')).arrayBuffer()));
      const points = edge.bundle.manifest.operatingPoints.map(({ id }) => id);
      expect(points.length).toBeGreaterThan(1);
      for (const point of points) {
        const { result, frame, byBackend } = await compareRequest(edge, { [input]: line }, point);
        expect(result.codec, point).toBe('webgpu');
        expect(frame, point).toEqual(byBackend);
      }
      await edge.close();
    },
    COMPILE_MS,
  );
}

const report = await runTestFiles({ head: async () => rules() }).then(
  (outcomes) => ({ outcomes }),
  (error) => ({ failure: String(error?.stack ?? error) }),
);
const element = document.createElement('pre');
element.id = 'report';
element.textContent = JSON.stringify(report);
document.body.append(element);
