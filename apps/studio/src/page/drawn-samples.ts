/** Inputs that the page draws itself, so that there is something to run before anybody has chosen a picture. */

import type { Task } from '@featherwire/bundle';
import type { Drawable } from './fitted-picture.js';

/** An input to choose. */
export interface Sample {
  readonly name: string;
  load(): Promise<Drawable>;
}

const LINES = ['The feature crosses the cut', 'Split computing, 2026', 'Quantize, code, send'];
const LINE_WIDTH = 640;
const LINE_HEIGHT = 96;
const SCENE_SIZE = 256;

/** Lines of text for a reader of text, else plain scenes. */
export function drawnSamples(task: Task | undefined): Sample[] {
  return task?.kind === 'ctc-text'
    ? LINES.map((text) => ({ name: text, load: async () => drawLine(text) }))
    : SCENES.map(([name, draw]) => ({ name, load: async () => drawScene(draw) }));
}

/** A line of text as a picture, in the page's own font. */
export function drawLine(text: string): Drawable {
  const canvas = new OffscreenCanvas(LINE_WIDTH, LINE_HEIGHT);
  const context = canvas.getContext('2d')!;
  context.fillStyle = '#fdfdfb';
  context.fillRect(0, 0, LINE_WIDTH, LINE_HEIGHT);
  context.fillStyle = '#1b1b1f';
  context.textBaseline = 'middle';
  context.textAlign = 'center';
  context.font = '52px sans-serif';
  const room = LINE_WIDTH - 32;
  const size = Math.min(52, (52 * room) / Math.max(1, context.measureText(text).width));
  context.font = `${size}px sans-serif`;
  context.fillText(text, LINE_WIDTH / 2, LINE_HEIGHT / 2);
  return { image: canvas, width: LINE_WIDTH, height: LINE_HEIGHT };
}

type DrawScene = (context: OffscreenCanvasRenderingContext2D) => void;

const SCENES: readonly (readonly [string, DrawScene])[] = [
  [
    'Sunset',
    (context) => {
      const sky = context.createLinearGradient(0, 0, 0, SCENE_SIZE);
      sky.addColorStop(0, '#1d3b72');
      sky.addColorStop(0.6, '#f0803c');
      sky.addColorStop(0.61, '#173a44');
      sky.addColorStop(1, '#0b1d26');
      fill(context, sky);
      disc(context, { x: 128, y: 132, radius: 34, color: '#ffe08a' });
    },
  ],
  [
    'Balls',
    (context) => {
      fill(context, '#e9edf2');
      const colors = ['#d1242f', '#1f6feb', '#2da44e', '#bf8700', '#8250df'];
      for (const [i, color] of colors.entries()) {
        disc(context, { x: 40 + 44 * i, y: 90 + 60 * Math.sin(i), radius: 30, color });
      }
    },
  ],
  [
    'Checks',
    (context) => {
      fill(context, '#f6f2e7');
      context.fillStyle = '#24292f';
      for (let i = 0; i < 64; i++) {
        if ((i + Math.floor(i / 8)) % 2 === 0) context.fillRect((i % 8) * 32, Math.floor(i / 8) * 32, 32, 32);
      }
    },
  ],
];

function drawScene(draw: DrawScene): Drawable {
  const canvas = new OffscreenCanvas(SCENE_SIZE, SCENE_SIZE);
  draw(canvas.getContext('2d')!);
  return { image: canvas, width: SCENE_SIZE, height: SCENE_SIZE };
}

function fill(context: OffscreenCanvasRenderingContext2D, style: string | CanvasGradient): void {
  context.fillStyle = style;
  context.fillRect(0, 0, SCENE_SIZE, SCENE_SIZE);
}

interface Disc {
  readonly x: number;
  readonly y: number;
  readonly radius: number;
  readonly color: string;
}

function disc(context: OffscreenCanvasRenderingContext2D, { x, y, radius, color }: Disc): void {
  context.fillStyle = color;
  context.beginPath();
  context.arc(x, y, radius, 0, 2 * Math.PI);
  context.fill();
}
