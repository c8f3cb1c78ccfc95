/** The device's camera as a source of pictures. */

import type { Drawable } from './fitted-picture.js';

/** A running camera. */
export interface Camera {
  /** The picture of now. */
  frame(): Drawable;
  close(): void;
}

/** @throws {DOMException} if there is none, or its use is not allowed */
export async function openCamera(): Promise<Camera> {
  const stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment' } });
  const video = document.createElement('video');
  video.muted = true;
  video.playsInline = true;
  video.srcObject = stream;
  await video.play();
  return {
    frame: () => ({ image: video, width: video.videoWidth, height: video.videoHeight }),
    close() {
      for (const track of stream.getTracks()) track.stop();
    },
  };
}
