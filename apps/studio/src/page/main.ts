/** The page: asks the server what there is, puts the panels together, and runs what is set. */

import { fetchBundles, type ServedBundle } from '@featherwire/runtime';
import type { OpenedBundle, RunView, StudioBundle, StudioLink } from '../messages.js';
import { showAnswers } from './answer-panel.js';
import { setUpTabs, setUpTheme } from './chrome.js';
import { type Controls, createControls } from './controls.js';
import { createCutPanel } from './cut-panel.js';
import { byId, card, html } from './dom.js';
import type { Sample } from './drawn-samples.js';
import { formatBytes, formatMs } from './format.js';
import { createInputPanel, type InputPanel } from './input-panel.js';
import { createPlayground } from './playground-panel.js';
import { rateChart } from './rate-chart.js';
import { type AskWorker, startWorker } from './worker-client.js';

const status = byId('status');

setUpTheme();
setUpTabs();
const ask = startWorker(`/studio/worker.js${location.search}`);
createPlayground(byId('tensor'), ask);
start(ask).catch(showFailure);

async function start(askWorker: AskWorker): Promise<void> {
  const [bundles, links, samples] = await Promise.all([
    fetchBundles(location.origin),
    fetchJson<{ readonly links: readonly StudioLink[] }>('/v1/links'),
    fetchJson<readonly { readonly name: string; readonly url: string }[]>('/studio/samples.json'),
  ]);
  new Studio(askWorker, bundles, links.links, samples.map(servedSample)).begin();
}

/** Runs one request at a time, and another when anything has changed meanwhile. */
class Studio {
  readonly #ask: AskWorker;
  readonly #controls: Controls;
  readonly #input: InputPanel;
  readonly #cut = createCutPanel(byId('cut'));
  readonly #curve = html('div');
  #isRunning = false;
  #isChanged = false;
  #last: RunView | undefined;

  constructor(
    askWorker: AskWorker,
    bundles: readonly ServedBundle[],
    links: readonly StudioLink[],
    samples: readonly Sample[],
  ) {
    this.#ask = askWorker;
    const panel = html('div');
    byId('input').replaceChildren(panel, card('Rate and accuracy', this.#curve));
    const changed = (): void => void this.#run();
    this.#input = createInputPanel(panel, samples, { changed, failed: showFailure });
    this.#controls = createControls(byId<HTMLFormElement>('controls'), bundles, links, {
      changed,
      run: changed,
      bundleChanged: () => void this.#openBundle().catch(showFailure),
    });
  }

  begin(): void {
    void this.#openBundle().catch(showFailure);
  }

  async #openBundle(): Promise<void> {
    const { bundle } = this.#controls.settings();
    const { manifest } = bundle;
    status.textContent = 'Loading head and engine …';
    document.title = `${manifest.model.name} · Featherwire studio`;
    this.#last = undefined;
    this.#drawCurve();
    const opening = this.#ask<'open'>({ kind: 'open', bundle: addressOf(bundle) });
    await this.#input.setNetwork(manifest);
    showEngine(await opening, manifest.model.name);
    await this.#run();
  }

  async #run(): Promise<void> {
    this.#isChanged = true;
    if (this.#isRunning) return;
    this.#isRunning = true;
    document.body.classList.add('running');
    try {
      while (this.#isChanged || this.#repeats) {
        this.#isChanged = false;
        await this.#runOnce();
      }
    } catch (error) {
      showFailure(error as Error);
    } finally {
      this.#isRunning = false;
      document.body.classList.remove('running');
    }
  }

  get #repeats(): boolean {
    return this.#controls.isRepeating || this.#input.isLive;
  }

  async #runOnce(): Promise<void> {
    const { bundle, coding, link, asksExit } = this.#controls.settings();
    const input = await this.#input.input(!this.#repeats);
    const view = await this.#ask<'run'>({
      kind: 'run',
      bundle: addressOf(bundle),
      input,
      coding,
      stream: link?.stream ?? null,
      asksExit,
    });
    this.#last = view;
    if (view.coding !== null) this.#controls.showChoice(view.coding);
    this.#cut.show(view);
    showAnswers(byId('answers'), view, await this.#input.sizes());
    this.#drawCurve();
    status.textContent = statusOf(view, link);
    status.classList.remove('bad');
    if (view.coding !== null && !this.#isChanged && !this.#repeats)
      this.#cut.showDetails(await this.#ask<'details'>({ kind: 'details' }));
  }

  #drawCurve(): void {
    const { operatingPoints } = this.#controls.settings().bundle.manifest;
    const chart = rateChart(operatingPoints, {
      current: this.#last?.coding ?? null,
      sent: this.#last?.split.bytes.sent ?? null,
      choose: (id) => this.#controls.choosePoint(id),
    });
    this.#curve.replaceChildren(chart);
  }
}

function addressOf({ digest, manifest }: ServedBundle): StudioBundle {
  return { digest, hasExit: manifest.exit !== undefined };
}

function statusOf({ coding, split: { times, bytes } }: RunView, link: StudioLink | null): string {
  const time = formatMs(times.totalMs);
  if (coding === null) return `Answered in ${time} on this device by the exit, with nothing sent.`;
  const over = link ? `, over ${link.link.name}` : '';
  return `Answered in ${time} with ${formatBytes(bytes.sent)} sent, coded by ${coding}${over}.`;
}

function showEngine({ provider, threads, openMs }: OpenedBundle, model: string): void {
  const threaded = threads === 1 ? 'WebAssembly' : `WebAssembly, ${threads} threads`;
  const engine = provider === 'webgpu' ? 'WebGPU' : threaded;
  byId('engine').textContent = `${model} · head on ${engine} · open in ${formatMs(openMs)}`;
}

function showFailure({ message }: Error): void {
  status.textContent = `It failed: ${message}`;
  status.classList.add('bad');
}

function servedSample({ name, url }: { readonly name: string; readonly url: string }): Sample {
  return {
    name,
    async load() {
      const response = await fetch(url);
      if (!response.ok) throw new Error(`sample ${name} expected status 200, got ${response.status}`);
      const image = await createImageBitmap(await response.blob());
      return { image, width: image.width, height: image.height };
    },
  };
}

async function fetchJson<T>(url: string): Promise<T> {
  const response = await fetch(url);
  if (!response.ok) throw new Error(`${url} expected status 200, got ${response.status}`);
  return (await response.json()) as T;
}
