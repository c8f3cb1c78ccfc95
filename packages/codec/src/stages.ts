/**
 * The plain records that travel between the stages of the codec. Each holds everything that the inverse
 * of its stage needs.
 */

/**
 * A uniform quantizer in the one form that all backends compute (bitstream.md §4). With `round` to nearest,
 * ties to even, and every operation in float32:
 * index(x) = clamp(round((x - offset) * fround(1 / step)) + zeroPoint, 0, levelCount - 1) and
 * level(i) = (i - zeroPoint) * step + offset.
 */
export interface AffineQuantizer {
  /** Number of reconstruction levels, 1 to 65,536. */
  readonly levelCount: number;
  /** float32 value; level of the index `zeroPoint`; 0 if `zeroPoint` is not. */
  readonly offset: number;
  /** float32 distance of neighboring levels, normal and positive. */
  readonly step: number;
  /** Integer in [0, levelCount). */
  readonly zeroPoint: number;
}

/** What stands between a tensor's elements and the symbols of its frame. */
export type Quantizer =
  /** Elements travel as they are. */
  | { readonly kind: 'none' }
  /** All elements are this finite value. */
  | { readonly kind: 'constant'; readonly value: number }
  /** Levels at equal distance. */
  | { readonly kind: 'affine'; readonly affine: AffineQuantizer }
  /** Index i stands for the integer `lowest + i`. */
  | { readonly kind: 'integer'; readonly lowest: number; readonly levelCount: number }
  /** Index i stands for `levels[i]`: 2 to 256 finite values, strictly ascending. */
  | { readonly kind: 'levels'; readonly levels: Float32Array }
  /** Levels at equal distance, of their own in each group of channels. */
  | { readonly kind: 'grouped'; readonly grouped: GroupedQuantizer }
  /** Levels of the coefficients of blocks. */
  | { readonly kind: 'blocks'; readonly blocks: BlockQuantizer }
  /** Levels of chosen coefficients of blocks, with steps by frequency and channel. */
  | { readonly kind: 'spectral'; readonly spectral: SpectralQuantizer }
  /** None: planes of the elements' bits follow. */
  | { readonly kind: 'planes' };

/** Levels at equal distance around 0, of the cosine coefficients of square blocks (bitstream.md §4.3). */
export interface BlockQuantizer {
  /** Side of the blocks; 1 leaves the elements as they are. */
  readonly blockSize: 1 | 2 | 4 | 8;
  /** Odd, 3 to 65,535; the middle index stands for 0. */
  readonly levelCount: number;
  /** float32 distance of neighboring levels, 2^-100 to 2^100. */
  readonly step: number;
  /** No value is below 0. */
  readonly isRectified: boolean;
  /** What the blocks are of: components of the channels, or null for the channels themselves. */
  readonly basis: ChannelBasis | null;
}

/** Most channels of a basis; the sums of its weights then keep to their bound (bitstream.md §4.3.1). */
export const MAX_BASIS_CHANNELS = 2048;

/** Components as weighted sums of channels, the last dimension but two (bitstream.md §4.3.1). */
export interface ChannelBasis {
  /** 1 to 2,048. */
  readonly channelCount: number;
  /** 1 to `channelCount`. */
  readonly componentCount: number;
  /** With 14 fraction bits: `componentCount` rows of `channelCount`, near to orthonormal. */
  readonly weights: Int16Array;
}

/**
 * Levels around 0 of those cosine coefficients that are coded, at a distance for each frequency and channel (bitstream.md
 * §4.4). The channels are the third dimension from the end.
 */
export interface SpectralQuantizer {
  /** Side of the square blocks; 1 leaves the elements as they are. */
  readonly blockSize: 1 | 2 | 4 | 8;
  /** Odd, 3 to 65,535; the middle index stands for 0. */
  readonly levelCount: number;
  /** No value is below 0. */
  readonly isRectified: boolean;
  /** Factor of the step for each frequency, row by row: integers from 1 to 1,023. */
  readonly weights: Uint16Array;
  /** Distance of levels in each channel at weight 1, 2^-100 to 2^100; the lower 16 bits of these float32 values are 0. */
  readonly steps: Float32Array;
  /** What is added to each channel's values; null for nothing. */
  readonly means: Float32Array | null;
  /** 1 for each coefficient that is coded, channel by channel for the first frequency, then the next; at least one is. */
  readonly kept: Uint8Array;
}

/** Affine quantizers with one level count, one for each group of channels (bitstream.md §4.2). */
export interface GroupedQuantizer {
  /** 2 to 65,536. */
  readonly levelCount: number;
  /** Dimension of the tensor along which the channels lie. */
  readonly axis: number;
  /** Group of each channel; null if groups are runs of equally many channels. */
  readonly groupOfChannel: Uint16Array | null;
  /** Index of 0 in every group; 0 where there are offsets. */
  readonly zeroPoint: number;
  /** Lowest level of each group; null if `zeroPoint` stands for 0 in all. */
  readonly offsets: Float32Array | null;
  /** Distance of levels in each group; the lower 16 bits of these float32 values are 0. */
  readonly steps: Float32Array;
}

/** Indices of a quantizer: 8 bits for up to 256 levels, 16 bits above. */
export type Indices = Uint8Array | Uint16Array;

/** Smallest and largest number, and how many elements are not numbers. */
export interface ValueRange {
  /** +Infinity if there is no number. */
  readonly low: number;
  /** -Infinity if there is no number. */
  readonly high: number;
  readonly nanCount: number;
}

/** Normalized symbol frequencies of one order-0 model (bitstream.md §6). */
export interface FrequencyTable {
  /** log2 of the total: 12 to 15. */
  readonly precisionBits: number;
  /** One per symbol; they sum to exactly `1 << precisionBits`; 0 for a symbol that cannot be coded. */
  readonly frequencies: Uint16Array;
  /** Sum of the frequencies of all smaller symbols. */
  readonly starts: Uint16Array;
}

/** rANS bytes and how many coders were interleaved (bitstream.md §7 and §11). */
export interface RansPayload {
  readonly bytes: Uint8Array;
  /** Power of two, 1 to 32; under contexts to 64, under fine ones to 16. */
  readonly laneCount: number;
}

/** rANS bytes, under contexts with what the payload changes of their model. */
export interface ContextPayload extends RansPayload {
  /** The class of each channel, if not that of the model; only with a fine one. */
  readonly channelClasses?: Uint8Array;
}

/**
 * Indices as they stand in a frame: in fields of equal width, as bins under adaptive contexts or in adaptive trees, as rANS symbols, under
 * a table or static contexts of their own or those that both ends hold, or as rANS tokens with raw bits for what tokens
 * leave out.
 */
export type CodedIndices =
  | { readonly kind: 'packed'; readonly bytes: Uint8Array }
  | { readonly kind: 'binary'; readonly bytes: Uint8Array }
  /** Words of each lane: 1, 2 or 4 of them. */
  | { readonly kind: 'binary-fast'; readonly lanes: readonly Uint8Array[] }
  | { readonly kind: 'rans-contexts'; readonly model: ContextModel; readonly payload: ContextPayload }
  | { readonly kind: 'rans'; readonly table: TableDescription; readonly payload: RansPayload }
  /** The same for symbols of several indices. */
  | { readonly kind: 'rans-packed'; readonly table: TableDescription; readonly payload: RansPayload }
  /** rANS with a coder that both ends hold. */
  | { readonly kind: 'static'; readonly coder: StaticCoder; readonly payload: ContextPayload }
  | {
      readonly kind: 'rans-tokens';
      readonly table: TableDescription;
      readonly payload: RansPayload;
      readonly rawBits: Uint8Array;
    };

/**
 * A coder that both ends hold, for any indices: a table with a frequency for each index, or for each symbol of several
 * indices, or static contexts.
 */
export type StaticCoder =
  | { readonly kind: 'rans' | 'rans-packed'; readonly table: TableDescription }
  | { readonly kind: 'rans-contexts'; readonly model: ContextModel };

/**
 * What each neighbor of an element adds to the number of its cell, by the neighbor's index: a table of `levelCount`
 * entries for each. Outside the plane neighbors count as the background.
 */
export interface NeighborCells {
  readonly left: Uint8Array;
  readonly above: Uint8Array;
  readonly aboveLeft: Uint8Array;
  readonly aboveRight: Uint8Array;
}

/**
 * A static model of indices (bitstream.md §11): the class of an element's channel and the bin of its neighborhood
 * choose the table of frequencies. Designed once from calibration features, it codes any indices of its alphabet.
 */
export interface ContextModel {
  /** 2 to 16. */
  readonly levelCount: number;
  /** Index of the value 0. */
  readonly background: number;
  /** Where channels lie: each plane is one (feature maps), or each column (tokens). */
  readonly channelAxis: 'planes' | 'columns';
  /** Columns of the grid that tokens form; 0 if they form one row. Of no meaning where channels are planes. */
  readonly tokenColumns: number;
  /** log2 of the slots that a table has: 8, or 12 in a *fine* model, which is slower and takes fewer bits. */
  readonly slotBits: 8 | 12;
  /** Below 64. Each class but the last has a multiple of 16 channels, except in fine models. */
  readonly classOfChannel: Uint8Array;
  readonly cells: NeighborCells;
  /** Bin of each cell; 16 to 256 cells, a multiple of 16. */
  readonly binOfCell: Uint8Array;
  readonly binCount: 16 | 32;
  /**
   * Starts of the symbols 1 to `levelCount - 1` in the slots, ascending strictly from 1 on: that of symbol j in bin b
   * of class c is entry `(c * (levelCount - 1) + j - 1) * binCount + b`.
   */
  readonly thresholds: Uint8Array | Uint16Array;
}

/** How indices are arranged before they are coded (bitstream.md §10). */
export type Layout = 'dense' | SparseLayout;

/**
 * Layouts that leave the background out: compressed rows with one table for all symbols or one for each array, or a
 * significance map and values.
 */
export type SparseLayout = 'csr' | 'csr-separate' | 'significance';

/** An array of symbols under a table of its own. */
export interface CodedSymbols {
  readonly table: TableDescription;
  readonly payload: RansPayload;
}

/** Indices without their background, as they stand in a frame (bitstream.md §10). */
export interface SparseIndices {
  readonly kind: 'sparse';
  readonly layout: SparseLayout;
  /** Rows of equal length; 0 under a significance map. */
  readonly rowCount: number;
  /** Indices that are not the background. */
  readonly keptCount: number;
  /** The arrays of the layout in order; null for one that is known without its symbols. */
  readonly arrays: readonly (CodedSymbols | null)[];
}

/** How elements become classes and low bits (bitstream.md §17.2). */
export interface ElementSplit {
  /** Bits of a magnitude below its class, 0 to those of a magnitude. */
  readonly lowBits: number;
  /** Lowest bits, 0 in every magnitude, that no plane holds; at most `lowBits`. */
  readonly droppedBits: number;
  /** True if class 0 is the magnitude 0 by itself; its elements have no low bits. */
  readonly zeroClass: boolean;
  /** 1 to 65,536. */
  readonly classCount: number;
  /** Floating-point numbers: upper bits of the largest magnitude; classes go down from it. 0 for integers. */
  readonly highest: number;
  /** Integers: the lowest, in two's complement, as low and high word; magnitudes count from it. */
  readonly lowest: readonly [low: number, high: number];
}

/** What a table's coded form says (bitstream.md §6): all symbols alike, a curve, or a tree. */
export type TableDescription =
  | { readonly kind: 'flat'; readonly precisionBits: number }
  | TableCurve
  | TableTree;

/** Symbols of a table, and the one at which values pile up. */
export interface SymbolAlphabet {
  /** 1 to 256. */
  readonly size: number;
  /** Symbol around which values pile up: the index of 0, or the first token of an outer index. */
  readonly peak: number;
}

/** A histogram halved again and again. */
export interface TableTree {
  readonly kind: 'tree';
  /** The symbols that it halves. */
  readonly alphabet: SymbolAlphabet;
  /** log2 of the frequencies' total: 12 to 15. */
  readonly precisionBits: number;
  /** log2 of the count that sets how finely weight is shared, 1 to 20. */
  readonly massBits: number;
  /** log2 of the symbols in the largest nodes that are expected to have an empty half, 1 to 7; 0 if none is. */
  readonly gapLog2: number;
  /** One per node, first halves first: the class of its first half's share, or -1 where its symbols are alike. */
  readonly shares: Int16Array;
}

/** A sampled curve of log2 weights. */
export interface TableCurve {
  readonly kind: 'curve';
  /** log2 of the frequencies' total: 12 to 15. */
  readonly precisionBits: number;
  /** log2 of the symbols between two inner knots, 0 to 5. */
  readonly knotStepLog2: number;
  /** log2 of the levels in an octave, 0 to 5. */
  readonly resolutionLog2: number;
  /** One per knot: 0 for weight 0, else 1 + levels above weight 1; at most `16 << resolutionLog2`. */
  readonly knotLevels: Uint16Array;
}

/** The hot loops of entropy coding, as a backend provides them. */
export interface EntropyKernels {
  /** Occurrences of each symbol. @param symbols - each below `alphabetSize`, which is at most 256 */
  countSymbols(symbols: Uint8Array, alphabetSize: number): Uint32Array;

  /**
   * rANS bytes of the symbols (bitstream.md §7).
   * @param laneCount - power of two, 1 to 32
   * @throws {RangeError} if a symbol has no frequency in `table`
   */
  encodeRans(symbols: Uint8Array, table: FrequencyTable, laneCount: number): RansPayload;

  /** Inverse of `encodeRans`. @returns the symbols, or the reason for which the payload is not one */
  decodeRans(payload: RansPayload, symbolCount: number, table: FrequencyTable): Uint8Array | string;

  /** Adaptive binary code of indices (bitstream.md §9). @param indices - as many as `geometry` says; not modified */
  encodeBins(indices: Indices, geometry: FeatureGeometry, alphabet: IndexAlphabet): Uint8Array;

  /** Inverse of `encodeBins`. @returns the indices, or the reason for which the bytes are not a code of such */
  decodeBins(bytes: Uint8Array, geometry: FeatureGeometry, alphabet: IndexAlphabet): Indices | string;

  /**
   * Code of indices as paths through trees of adaptive bins (bitstream.md §18).
   * @param indices - as many as `geometry` says, of up to 256 levels; not modified
   * @param laneCount - 1, 2 or 4
   * @returns words of each lane
   */
  encodeTrees(
    indices: Uint8Array,
    geometry: FeatureGeometry,
    alphabet: IndexAlphabet,
    laneCount: number,
  ): readonly Uint8Array[];

  /**
   * Inverse of `encodeTrees`.
   * @param lanes - whole words each
   * @returns the indices, or the reason for which the lanes are not a code of such
   */
  decodeTrees(
    lanes: readonly Uint8Array[],
    geometry: FeatureGeometry,
    alphabet: IndexAlphabet,
  ): Uint8Array | string;

  /**
   * rANS bytes of indices under the contexts of a model (bitstream.md §11).
   * @param indices - as many as `geometry` says, each below the model's `levelCount`; not modified
   * @param model - one that fits the geometry
   * @param laneCount - power of two, 1 to 64, to 16 under a fine model
   */
  encodeContexts(
    indices: Uint8Array,
    geometry: FeatureGeometry,
    model: ContextModel,
    laneCount: number,
  ): RansPayload;

  /** Inverse of `encodeContexts`. @returns the indices, or the reason for which the payload is not one */
  decodeContexts(payload: RansPayload, geometry: FeatureGeometry, model: ContextModel): Uint8Array | string;

  /**
   * Occurrences of each symbol in each bin of each channel, over all items.
   * @param indices - as for `encodeContexts`
   * @returns counts at `(channel * binCount + bin) * levelCount + symbol`
   */
  countContexts(indices: Uint8Array, geometry: FeatureGeometry, model: ContextModel): Uint32Array;
}

/** What the coder needs to know of the quantizer. */
export interface IndexAlphabet {
  /** 2 to 65,536. */
  readonly levelCount: number;
  /** Index of the value 0; contexts and tokens refer to it. */
  readonly background: number;
}

/** A tensor as planes of rows and columns: the last two dimensions, and all before them taken together. */
export interface FeatureGeometry {
  readonly planes: number;
  readonly rows: number;
  readonly columns: number;
}

/** Elements of a geometry. */
export function elementsOf({ planes, rows, columns }: FeatureGeometry): number {
  return planes * rows * columns;
}

/** Runs of a geometry's planes, or of its rows if it has one plane, or of its columns if it has one row. */
export function chunksOfGeometry(geometry: FeatureGeometry, chunkCount: number): FeatureGeometry[] {
  const side = chunkedSide(geometry);
  const units = geometry[side];
  return Array.from({ length: chunkCount }, (_, chunk) => {
    const from = Math.floor((chunk * units) / chunkCount);
    const to = Math.floor(((chunk + 1) * units) / chunkCount);
    return { ...geometry, [side]: to - from };
  });
}

/** Most chunks that a geometry can be divided into. */
export function maxChunkCount(geometry: FeatureGeometry): number {
  return geometry[chunkedSide(geometry)];
}

function chunkedSide({ planes, rows }: FeatureGeometry): keyof FeatureGeometry {
  if (planes > 1) return 'planes';
  return rows > 1 ? 'rows' : 'columns';
}
