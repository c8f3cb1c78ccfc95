/**
 * What frames are made of, for codecs that run the stages elsewhere, as on a GPU: outlines around sections, parsed frames,
 * tables and levels. Whoever codes tensors needs none of it.
 */

export { symbolAlphabet } from './entropy/coded-indices.js';
export { cheapestClasses } from './entropy/contexts/channel-adaptation.js';
export {
  checkContextModel,
  MAX_CONTEXT_LEVELS,
  neighborTables,
} from './entropy/contexts/context-model.js';
export { CONTEXT_STATE_BYTES, CONTEXT_STATE_LOW, modelOfPayload } from './entropy/contexts/context-rans.js';
export {
  blockChannels,
  type ChannelPlanes,
  channelOrder,
  channelPlanes,
  GROUP_CHANNELS,
  MAX_CONTEXT_LANES,
} from './entropy/contexts/lanes.js';
export { checkCoding } from './entropy/encode-indices.js';
export { checkPackedAlphabet, designPackedTable } from './entropy/encode-packed.js';
export { tableOfDescription } from './entropy/frequency-table.js';
export { indicesPerSymbol } from './entropy/packed-symbols.js';
export { geometryOfShape } from './feature/feature-values.js';
export { type FixedQuantizer, quantizerOfChoice } from './feature/fixed-quantizer.js';
export type { BundledPlace } from './frame/frame-encoder.js';
export {
  type FrameOutline,
  outlineBundledFrame,
  outlineFrame,
  outlineSection,
  type SectionHead,
} from './frame/frame-outline.js';
export { type CodedChunk, type ParsedFrame, parseFrame } from './frame/frame-parser.js';
export { shortFrame } from './frame/short-frame.js';
export { levelsOfQuantizer } from './quantizer/affine.js';
export { alphabetOfQuantizer, type IndexingQuantizer } from './quantizer/alphabet.js';
export { affineOfGroup } from './quantizer/channel-groups.js';
export { elementsOf, maxChunkCount } from './stages.js';
