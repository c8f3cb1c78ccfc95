/** The left column: what the network is given. A sample, a file, typed text, the camera; or a tensor, where it takes no pictures. */

import type { BundleManifest } from '@featherwire/bundle';
import type { StudioInput } from '../messages.js';
import { type Camera, openCamera } from './camera.js';
import { card, field, html } from './dom.js';
import { drawLine, drawnSamples, type Sample } from './drawn-samples.js';
import { drawFitted, inputOfCanvas, type PictureSizes, pictureSizes } from './fitted-picture.js';

/** The panel. */
export interface InputPanel {
  /** Offers what fits a network, and takes its first sample. */
  setNetwork(manifest: BundleManifest): Promise<void>;
  /** What is chosen now; the camera's picture is that of now. @param withPng - as PNG too */
  input(withPng: boolean): Promise<StudioInput>;
  /** Sizes of the chosen picture; null for tensors. */
  sizes(): Promise<PictureSizes | null>;
  readonly isLive: boolean;
}

/** What the panel tells of. */
export interface InputEvents {
  /** Another input was chosen. */
  readonly changed: () => void;
  readonly failed: (error: Error) => void;
}

/** @param served - samples that the server offers */
export function createInputPanel(
  root: HTMLElement,
  served: readonly Sample[],
  events: InputEvents,
): InputPanel {
  return new Panel(root, served, events);
}

class Panel implements InputPanel {
  readonly #root: HTMLElement;
  readonly #served: readonly Sample[];
  readonly #events: InputEvents;
  readonly #canvas = html('canvas', { class: 'preview', role: 'img', 'aria-label': "The network's input" });
  #manifest: BundleManifest | undefined;
  #camera: Camera | undefined;
  #tensor: StudioInput = { kind: 'noise', seed: 1 };
  /** Of the picture that is drawn; encoding one takes as long as a run. */
  #sizes: Promise<PictureSizes> | undefined;

  constructor(root: HTMLElement, served: readonly Sample[], events: InputEvents) {
    this.#root = root;
    this.#served = served;
    this.#events = events;
    root.addEventListener('dragover', (event) => event.preventDefault());
    root.addEventListener('drop', (event) => {
      event.preventDefault();
      const [file] = event.dataTransfer?.files ?? [];
      if (file) void this.#try(() => this.#takeFile(file));
    });
  }

  get isLive(): boolean {
    return this.#camera !== undefined;
  }

  async setNetwork(manifest: BundleManifest): Promise<void> {
    const before = this.#manifest;
    this.#manifest = manifest;
    const isSameInput =
      before?.model.sha256 === manifest.model.sha256 &&
      JSON.stringify(before.preprocessing) === JSON.stringify(manifest.preprocessing);
    if (isSameInput) return;
    this.#stopCamera();
    const { task, preprocessing } = manifest;
    if (!preprocessing) {
      this.#tensor = { kind: 'noise', seed: 1 };
      this.#root.replaceChildren(this.#tensorCard(manifest));
      return;
    }
    const samples = [...this.#served, ...drawnSamples(task)];
    this.#root.replaceChildren(this.#pictureCard(samples, manifest));
    await this.#takeSample(samples[0]);
  }

  async input(withPng: boolean): Promise<StudioInput> {
    if (!this.#manifest?.preprocessing) return this.#tensor;
    if (this.#camera) this.#show(this.#camera.frame());
    return inputOfCanvas(this.#canvas, withPng);
  }

  async sizes(): Promise<PictureSizes | null> {
    if (!this.#manifest?.preprocessing) return null;
    this.#sizes ??= pictureSizes(this.#canvas);
    return this.#sizes;
  }

  #pictureCard(samples: readonly Sample[], { preprocessing, task }: BundleManifest): HTMLElement {
    const select = html(
      'select',
      { id: 'sample' },
      ...samples.map(({ name }, i) => html('option', { value: i }, name)),
    );
    select.addEventListener('change', () => {
      void this.#try(() => this.#takeSample(samples[Number(select.value)]));
    });
    const size =
      preprocessing &&
      `${preprocessing.width === 'aspect' ? 'W' : preprocessing.width} × ${preprocessing.height}`;
    return card(
      'Input',
      this.#canvas,
      html(
        'p',
        { class: 'hint' },
        `As the network takes it: ${size} pixels, ${preprocessing?.channelOrder}.`,
      ),
      field('Sample', select),
      ...(task?.kind === 'ctc-text' ? [this.#textField()] : []),
      field('File, or drop one here', this.#fileInput('image/*')),
      this.#cameraButton(),
    );
  }

  #tensorCard({ inputs }: BundleManifest): HTMLElement {
    const list = inputs.map(({ name, dtype, shape }) => `${name}: ${dtype} [${shape.join(', ')}]`).join('; ');
    const another = html('button', { type: 'button' }, 'Other noise');
    another.addEventListener('click', () => {
      this.#tensor = { kind: 'noise', seed: this.#tensor.kind === 'noise' ? this.#tensor.seed + 1 : 1 };
      this.#events.changed();
    });
    return card(
      'Input',
      html(
        'p',
        { class: 'hint' },
        `The network takes tensors: ${list}. Normal noise until a file is chosen.`,
      ),
      another,
      field('Tensor, .npy', this.#fileInput('.npy')),
    );
  }

  #textField(): HTMLElement {
    const input = html('input', {
      type: 'text',
      id: 'text',
      maxlength: 60,
      placeholder: 'Type a line to read',
    });
    input.addEventListener('input', () => {
      if (input.value.trim() !== '') void this.#try(async () => this.#show(drawLine(input.value)));
    });
    return field('Text', input);
  }

  #fileInput(accept: string): HTMLInputElement {
    const input = html('input', { type: 'file', accept });
    input.addEventListener('change', () => {
      const [file] = input.files ?? [];
      if (file) void this.#try(() => this.#takeFile(file));
    });
    return input;
  }

  #cameraButton(): HTMLElement {
    const button = html('button', { type: 'button', id: 'camera', 'aria-pressed': 'false' }, 'Camera');
    button.addEventListener('click', () => {
      void this.#try(async () => {
        if (this.#camera) this.#stopCamera();
        else this.#camera = await openCamera();
        button.setAttribute('aria-pressed', String(this.isLive));
      });
    });
    return button;
  }

  async #takeSample(sample: Sample): Promise<void> {
    this.#stopCamera();
    this.#show(await sample.load());
  }

  async #takeFile(file: File): Promise<void> {
    this.#stopCamera();
    if (file.name.endsWith('.npy')) {
      this.#tensor = { kind: 'npy', bytes: new Uint8Array(await file.arrayBuffer()) };
      return;
    }
    const image = await createImageBitmap(file);
    this.#show({ image, width: image.width, height: image.height });
    image.close();
  }

  #show(drawable: Parameters<typeof drawFitted>[1]): void {
    const preprocessing = this.#manifest?.preprocessing;
    if (!preprocessing) throw new TypeError('the network takes no pictures');
    drawFitted(this.#canvas, drawable, preprocessing);
    if (!this.isLive) this.#sizes = undefined; // of the camera those of its first picture will do
  }

  #stopCamera(): void {
    this.#camera?.close();
    this.#camera = undefined;
    this.#root.querySelector('#camera')?.setAttribute('aria-pressed', 'false');
  }

  /** Takes another input; the page is told, of that or of what went wrong. */
  async #try(action: () => Promise<void>): Promise<void> {
    try {
      await action();
      this.#events.changed();
    } catch (error) {
      this.#events.failed(error as Error);
    }
  }
}
