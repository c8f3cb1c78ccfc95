/** Where the kernels keep things in linear memory, in bytes: the caller's side of `assembly/layout.ts`. */

export const COMPACT = 0;
export const EXPAND = 256;
export const STATES = 512;
export const RANGE = 640;
export const LANE_MASKS = 656;
export const CONTEXT_CONSTANTS = 784;
export const CONSTANTS = 896;
export const COUNTS = 1024;
export const TABLE = 8192;
export const MAPS = 8192;
export const TREE_LANES = 8192;
export const THRESHOLDS = 8512;
export const SLOTS = 12288;
export const LEVELS = 12288;
export const SQUASH = 45056;
export const RATES = 45184;
export const WEIGHTS = 45696;
export const STRETCH = 46336;
export const PULL = 54528;
export const PUSH = 58624;
export const KEPT_STATES = 62720;
export const PROBABILITIES = 65536;
export const TREES = 65536;
export const CONTEXT_COUNTS = 147712;
export const REMAINDERS = 188928;
/** Tensors, symbols and words: everything from here on is the caller's. */
export const DATA = 205312;
