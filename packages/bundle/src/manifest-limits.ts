/** Limits on what a manifest may hold, in one record. */

/** Limits on counts and lengths of a manifest; all inclusive. */
export const MANIFEST_LIMITS = Object.freeze({
  /** Bytes of the manifest file. */
  manifestBytes: 1 << 24,
  /** Characters of a tensor's or model's name, and of the description of data. */
  nameLength: 1024,
  /** Characters of a file name. */
  fileLength: 255,
  /** Tensors of the inputs, of the cut, and of the outputs. */
  tensorCount: 256,
  /** Dimensions of a tensor. */
  rank: 32,
  /** Files with weights of one part. */
  externalFileCount: 4096,
  /** Operating points of a bundle. */
  operatingPointCount: 1024,
  /** Bottleneck units of a bundle. */
  unitCount: 256,
  /** Bytes of all halves of a bundle's units together; a server holds all restorations in memory. */
  unitBytesInAll: 1 << 28,
  /** Bytes of an exit; a device holds it beside the head. */
  exitBytes: 1 << 26,
  /** Characters of the id of an operating point or a unit. */
  idLength: 64,
  /** Bytes of an operating point's profile. */
  profileBytes: 1 << 22,
  /** Squared error that a bit may cost an encoder, in the square of the levels' distance. */
  lambda: 1024,
  /** Bytes of all profiles of a bundle together. */
  profileBytesInAll: 1 << 26,
  /** Classes or letters of a task. */
  labelCount: 1 << 17,
  /** Characters of a class or letter. */
  labelLength: 256,
  /** Pixels of a picture's side. */
  pictureSide: 1 << 16,
  /** Levels of a uniform quantizer. */
  levelCount: 1 << 16,
  /** Bits of an asymmetric quantizer. */
  quantizerBits: 16,
  /** Levels of a quantizer that lists them. */
  listedLevelCount: 256,
  /** Dimensions of a tensor that is coded with groups of channels. */
  codedRank: 8,
  /** Groups of channels of a quantizer. */
  groupCount: 1 << 16,
  /** Channels of a quantizer that lists their groups. */
  channelCount: 1 << 20,
});
