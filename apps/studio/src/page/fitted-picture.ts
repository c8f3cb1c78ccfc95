/** Pictures at the size that a network takes, as the manifest's preprocessing says; the engine does the resampling. */

import type { ImagePreprocessing } from '@featherwire/bundle';
import type { StudioInput } from '../messages.js';

/** Something with a size that a canvas can draw. */
export interface Drawable {
  readonly image: CanvasImageSource;
  readonly width: number;
  readonly height: number;
}

/** Sizes of the picture that the network takes, by the engine's own encoders. */
export interface PictureSizes {
  readonly png: number;
  readonly jpeg: number;
}

/** As people save photographs. */
export const JPEG_QUALITY = 0.9;

/** Draws a picture on a canvas, which takes the network's size. */
export function drawFitted(
  canvas: HTMLCanvasElement,
  { image, width, height }: Drawable,
  preprocessing: ImagePreprocessing,
): void {
  const targetHeight = preprocessing.height;
  const targetWidth =
    preprocessing.width === 'aspect'
      ? Math.max(1, Math.round((targetHeight * width) / height))
      : preprocessing.width;
  canvas.width = targetWidth;
  canvas.height = targetHeight;
  const context = contextOf(canvas);
  context.fillStyle = '#fff'; // what is transparent is put on white, as by the server
  context.fillRect(0, 0, targetWidth, targetHeight);
  context.imageSmoothingQuality = 'high';
  if (preprocessing.fit === 'stretch') {
    context.drawImage(image, 0, 0, targetWidth, targetHeight);
    return;
  }
  const { resizeShortSide } = preprocessing;
  const scale =
    resizeShortSide === undefined
      ? Math.max(targetWidth / width, targetHeight / height)
      : resizeShortSide / Math.min(width, height);
  const [drawnWidth, drawnHeight] = [Math.round(width * scale), Math.round(height * scale)];
  const left = Math.floor((targetWidth - drawnWidth) / 2);
  const top = Math.floor((targetHeight - drawnHeight) / 2);
  context.drawImage(image, left, top, drawnWidth, drawnHeight);
}

/**
 * What is on the canvas, as the worker takes it.
 * @param withPng - encodes it too, which takes the page some 20 ms
 */
export async function inputOfCanvas(canvas: HTMLCanvasElement, withPng: boolean): Promise<StudioInput> {
  const { width, height } = canvas;
  const { data } = contextOf(canvas).getImageData(0, 0, width, height);
  return { kind: 'pixels', data, width, height, png: withPng ? await encoded(canvas, 'image/png') : null };
}

/** How long the picture is as PNG and as JPEG. */
export async function pictureSizes(canvas: HTMLCanvasElement): Promise<PictureSizes> {
  const [png, jpeg] = await Promise.all([encoded(canvas, 'image/png'), encoded(canvas, 'image/jpeg')]);
  return { png: png.length, jpeg: jpeg.length };
}

async function encoded(canvas: HTMLCanvasElement, type: 'image/png' | 'image/jpeg'): Promise<Uint8Array> {
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, type, JPEG_QUALITY));
  if (!blob) throw new RangeError(`the picture of ${canvas.width} × ${canvas.height} cannot be encoded`);
  return new Uint8Array(await blob.arrayBuffer());
}

function contextOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D {
  return canvas.getContext('2d', { willReadFrequently: true })!;
}
