/** What passes between the page and its worker: plain records, so that all of it travels by structured cloning. */

import type { LinkProfile } from '@featherwire/link';
import type { CodecName, RequestBytes, RequestTimes } from '@featherwire/runtime';

/** A link that the server offers, with the address of its stream. */
export interface StudioLink {
  readonly name: string;
  readonly link: LinkProfile;
  readonly stream: string;
}

/** What the network is given. */
export type StudioInput =
  /** A picture of the size that the preprocessing asks for, RGBA. */
  | {
      readonly kind: 'pixels';
      readonly data: Uint8ClampedArray;
      readonly width: number;
      readonly height: number;
      /** The same as PNG, for the whole network on the server; null where that is not asked. */
      readonly png: Uint8Array | null;
    }
  /** A tensor file, for networks of one input that take no pictures. */
  | { readonly kind: 'npy'; readonly bytes: Uint8Array }
  /** Normal noise in every input; symbolic dimensions are 1. */
  | { readonly kind: 'noise'; readonly seed: number };

/** How the cut is coded. */
export type StudioCoding =
  | { readonly kind: 'point'; readonly id: string }
  /** Levels at equal distance over the range of the tensor at hand. */
  | { readonly kind: 'levels'; readonly levelCount: number }
  | { readonly kind: 'lossless' }
  /** The operating point that the rate controller finds to fit. */
  | { readonly kind: 'budget'; readonly budgetMs: number };

/** Which bundle, and what is loaded of it. */
export interface StudioBundle {
  readonly digest: string;
  readonly hasExit: boolean;
}

/** A request of the page. */
export type StudioCall =
  | { readonly kind: 'open'; readonly bundle: StudioBundle }
  | {
      readonly kind: 'run';
      readonly bundle: StudioBundle;
      readonly input: StudioInput;
      readonly coding: StudioCoding;
      /** Path of the stream; null for the straight one. */
      readonly stream: string | null;
      /** Whether the bundle's exit may answer. */
      readonly asksExit: boolean;
    }
  /** More of the last run: what takes many codings of its cut to find out. */
  | { readonly kind: 'details' }
  /** Codes a tensor by every method. */
  | { readonly kind: 'code'; readonly npy: Uint8Array };

/** What each request gives. */
export interface StudioResults {
  readonly open: OpenedBundle;
  readonly run: RunView;
  readonly details: RunDetails;
  readonly code: PlaygroundView;
}

/** What runs here. */
export interface OpenedBundle {
  readonly provider: string;
  /** Of WebAssembly. */
  readonly threads: number;
  /** Time from the request to the open head. */
  readonly openMs: number;
}

/** An answer as people read it. */
export type Answer =
  | { readonly kind: 'classes'; readonly top: readonly { readonly label: string; readonly share: number }[] }
  | { readonly kind: 'text'; readonly text: string }
  | {
      readonly kind: 'values';
      readonly name: string;
      readonly shape: string;
      readonly first: readonly number[];
    };

/** Planes of a tensor as tiles of one picture. */
export interface TileSheet {
  readonly width: number;
  readonly height: number;
  /** 0 to 255 over nearly the whole range of the tensor before coding, row by row; gaps between tiles are 0. */
  readonly shades: Uint8Array;
  /** 1 where a tile is, 0 in gaps. */
  readonly mask: Uint8Array;
}

/** Values of a tensor, with what its quantizer makes of them. */
export interface ValueHistogram {
  readonly low: number;
  readonly high: number;
  /** Elements in each of equally wide bins from low to high. */
  readonly counts: Uint32Array;
  /** Decision thresholds within the range; empty if there are none, or too many to tell apart. */
  readonly thresholds: readonly number[];
  readonly levels: readonly number[];
  /** What the thresholds and levels are of, where they are not of these values. */
  readonly note: string;
}

/** One coded tensor. */
export interface TensorView {
  readonly name: string;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly codedBytes: number;
  readonly bitsPerElement: number;
  readonly quantizer: string;
  readonly coder: string;
  readonly rmsError: number;
  readonly before: TileSheet;
  readonly after: TileSheet;
  /** Planes that the sheets hold, and that the tensor has. */
  readonly planesShown: number;
  readonly planeCount: number;
  readonly histogram: ValueHistogram;
}

/** A whole run. */
export interface RunView {
  /** Id of the operating point, or a description of the coding; null where nothing was coded. */
  readonly coding: string | null;
  readonly split: {
    readonly answer: Answer;
    readonly bytes: RequestBytes;
    readonly times: RequestTimes;
    /** What coded the cut. */
    readonly codec: CodecName | undefined;
    readonly attempts: number;
    /** Null where it was not asked. */
    readonly exit: ExitView | null;
  };
  /** The uncut network on the same picture; null where it was not asked, with the reason. */
  readonly whole:
    | { readonly answer: Answer; readonly bytes: RequestBytes; readonly times: RequestTimes }
    | { readonly reason: string };
  /** Whether both give the same answer; null without the whole network's. */
  readonly agrees: boolean | null;
  /** None where the exit answered. */
  readonly tensors: readonly TensorView[];
  /** Of all coded tensors as float32. */
  readonly rawBytes: number;
}

/** What the exit made of a run. */
export interface ExitView {
  /** In [0, 1]. */
  readonly confidence: number;
  /** From which on it answers. */
  readonly threshold: number;
  readonly exitMs: number;
  /** Whether it answered, so that nothing was sent. */
  readonly answers: boolean;
}

/** What is found out by coding the cut of the last run again. */
export interface RunDetails {
  /** Bytes that the frame loses without a group of channels, which are coded as zeros. */
  readonly channels: {
    readonly channelsPerGroup: number;
    readonly bytes: readonly number[];
    readonly tensor: string;
  } | null;
  /** Bytes of the frame by each entropy coder. */
  readonly coders: readonly CodedSize[];
}

/** Bytes of one way of coding. */
export interface CodedSize {
  readonly name: string;
  readonly bytes: number;
}

/** A tensor by every method. */
export interface PlaygroundView {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly elements: number;
  readonly rawBytes: number;
  readonly rows: readonly PlaygroundRow[];
}

/** One method. */
export interface PlaygroundRow {
  readonly quantizer: string;
  readonly coder: string;
  readonly bytes: number;
  readonly bitsPerElement: number;
  /** Root of the mean squared error over the standard deviation of the tensor; 0 if lossless. */
  readonly relativeError: number;
  readonly encodeMs: number;
  readonly decodeMs: number;
}

/** A request as it travels. */
export interface StudioRequest {
  readonly id: number;
  readonly call: StudioCall;
}

/** Its answer. */
export type StudioReply =
  | { readonly id: number; readonly result: StudioResults[StudioCall['kind']] }
  | { readonly id: number; readonly error: string };
