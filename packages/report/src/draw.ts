/** Charts as files by Vega, without a browser: SVG, and PNG on a canvas of Skia with the DejaVu fonts. */

import { createRequire } from 'node:module';
import path from 'node:path';
import { createCanvas, GlobalFonts } from '@napi-rs/canvas';
import * as vega from 'vega';
import { compile, type TopLevelSpec } from 'vega-lite';

/** Pixels of a PNG for each unit of its chart. */
const PNG_SCALE = 2;
/** The font of charts where it is installed; PNG files bring it along. */
export const CHART_FONT = 'DejaVu Sans';

/** A chart as an SVG document. */
export function drawSvg(chart: TopLevelSpec): Promise<string> {
  return withView(chart, (view) => view.toSVG());
}

/** A chart as a PNG file of twice its size. */
export function drawPng(chart: TopLevelSpec): Promise<Uint8Array> {
  return withView(chart, async (view) => {
    const [, width, height] = /width="(\d+)" height="(\d+)"/.exec(await view.toSVG())!;
    const canvas = createCanvas(PNG_SCALE * Number(width), PNG_SCALE * Number(height));
    const externalContext = canvas.getContext('2d');
    await view.toCanvas(PNG_SCALE, { externalContext });
    return Uint8Array.from(canvas.toBuffer('image/png'));
  });
}

async function withView<T>(chart: TopLevelSpec, draw: (view: vega.View) => Promise<T>): Promise<T> {
  registerFonts();
  measureTexts();
  const view = new vega.View(vega.parse(compile(chart).spec), { renderer: 'none' });
  try {
    return await draw(view);
  } finally {
    view.finalize();
  }
}

function registerFonts(): void {
  if (GlobalFonts.has(CHART_FONT)) return;
  const fonts = path.dirname(createRequire(import.meta.url).resolve('dejavu-fonts-ttf/package.json'));
  for (const file of ['DejaVuSans.ttf', 'DejaVuSans-Bold.ttf'])
    GlobalFonts.registerFromPath(path.join(fonts, 'ttf', file), CHART_FONT);
}

/** A text as Vega lays it out. */
interface TextItem {
  readonly font?: string;
  readonly fontSize?: number;
  readonly fontWeight?: string | number;
  readonly limit?: number;
}

const DEFAULT_FONT_SIZE = 11;

/**
 * Lets Vega measure texts on a canvas: without one it takes every letter for 0.8 of the size of its font, and legends and titles
 * get margins of a third of the chart. Its texts are measured by whatever function stands here, once for all views.
 */
function measureTexts(): void {
  const context = createCanvas(1, 1).getContext('2d');
  // Not among the declared types, but what Vega has for this.
  const { textMetrics } = vega as unknown as {
    textMetrics: { width: (item: TextItem, text: unknown) => number };
  };
  textMetrics.width = ({ fontSize = DEFAULT_FONT_SIZE, fontWeight = 'normal', limit = 0 }, text) => {
    context.font = `${fontWeight} ${fontSize}px "${CHART_FONT}"`;
    const { width } = context.measureText(String(text ?? ''));
    return limit > 0 ? Math.min(width, limit) : width;
  };
}
