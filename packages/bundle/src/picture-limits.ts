/** How large a picture may be before it is decoded or resized: one record for evaluation and server. */

/** Bounds on a picture; all inclusive. */
export interface PictureLimits {
  /** Width times height of an encoded picture, which takes up to 3 bytes for each pixel when decoded. */
  readonly maxPicturePixels: number;
  /** Elements of the input tensor, and of the resized picture that it is cut from, in the network's channels. */
  readonly maxTensorElements: number;
}

/** What a server takes where it is told nothing else, and what an evaluation takes. */
export const DEFAULT_PICTURE_LIMITS: PictureLimits = Object.freeze({
  maxPicturePixels: 2 ** 25,
  maxTensorElements: 2 ** 24,
});
