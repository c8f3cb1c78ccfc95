/**
 * Where the kernels keep things in linear memory, in bytes. `src/backend/wasm/layout.ts` holds the same
 * numbers for the caller; a test compares the two files.
 */

/** 16 shuffles that move the low words of the chosen lanes to the end of the low 8 bytes, in lane order. */
export const COMPACT: usize = 0;
/** 16 shuffles that hand consecutive words to the chosen lanes, in lane order, and zeros to the others. */
export const EXPAND: usize = 256;
/** Lane states, 32 × u32 or 64 × u16. */
export const STATES: usize = 512;
/** Results of `measureRange`: low, high (f32), count of NaN (u32). */
export const RANGE: usize = 640;
/** Masks of the lanes that a block has, 64 × u16. */
export const LANE_MASKS: usize = 656;
/**
 * Vectors that loops load before they begin: written as constants they would be rebuilt at every use, which some
 * engines pay for.
 */
export const CONSTANTS: usize = 896;
/** The same for coding under contexts. */
export const CONTEXT_CONSTANTS: usize = 784;
/** Counts of symbols, 4 × 256 u32; the sums are in the first 256. */
export const COUNTS: usize = 1024;
/** Coding tables. */
export const TABLE: usize = 8192;
/** Maps of a context model: 4 × 16 cells of neighbors, 256 bins of cells. They share the place of the tables. */
export const MAPS: usize = 8192;
/** Thresholds of a context model, up to 64 classes × 15 thresholds × 32 bins. */
export const THRESHOLDS: usize = 8512;
/** Symbols of slots where a table has more than 12 bits. */
export const SLOTS: usize = 12288;
/** Levels of symbols, up to 256 × 8 f32. They share the place of the slots, which decoding has left by then. */
export const LEVELS: usize = 12288;
/** Points of the logistic function, 33 × u16. */
export const SQUASH: usize = 45056;
/** Rates of learning by count, 251 × u16. */
export const RATES: usize = 45184;
/** Mixing weights, 32 × 5 × i32. */
export const WEIGHTS: usize = 45696;
/** Logits of probabilities, 4,096 × i16. */
export const STRETCH: usize = 46336;
/** 256 shuffles that hand consecutive bytes to the chosen of 8 lanes of 16 bits, in lane order, and zeros to the others. */
export const PULL: usize = 54528;
/** 256 shuffles that move the low bytes of the chosen of 8 lanes to the end of the low 8 bytes, in lane order. */
export const PUSH: usize = 58624;
/** States of lanes that a block does not have, 64 × u16. */
export const KEPT_STATES: usize = 62720;
/** What is kept for each of four lanes that code trees of bins, 112 bytes. It shares the place of the tables. */
export const TREE_LANES: usize = 8192;
/** Probabilities of contexts, 1,284 × 32 × u16. */
export const PROBABILITIES: usize = 65536;
/** Probabilities of trees of bins, 4 lanes × 8320 bytes of 16 trees × 256 × u16. They share the place of those of contexts. */
export const TREES: usize = 65536;
/** Counts of contexts, 1,284 × 32 × u8. */
export const CONTEXT_COUNTS: usize = 147712;
/** Remainders of CRC-32, 16 × 256 u32. */
export const REMAINDERS: usize = 188928;

/** Most lanes of a block of channels. */
export const BLOCK_LANES: u32 = 64;
