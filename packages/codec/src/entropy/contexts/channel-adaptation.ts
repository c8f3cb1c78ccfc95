/**
 * Classes that a frame gives the channels of a fine model in place of the model's own (bitstream.md §11.4): a channel's
 * statistics depend on what the picture shows, and another class of the model may fit them better.
 */

import { BitReader, BitWriter } from '../../bitstream/bits.js';
import type { ByteReader } from '../../bitstream/byte-reader.js';
import type { ByteWriter } from '../../bitstream/byte-writer.js';
import type { ContextModel } from '../../stages.js';
import { classCountOf, fieldBits } from './context-model.js';

/** Writes classes that are not all those of the model. */
export function writeChannelClasses(writer: ByteWriter, classes: Uint8Array, model: ContextModel): void {
  const { classOfChannel } = model;
  const width = fieldBits(classCountOf(model));
  const bits = new BitWriter();
  classes.forEach((channelClass, channel) => {
    const isOther = channelClass !== classOfChannel[channel];
    bits.writeBits(isOther ? 1 : 0, 1);
    if (isOther) bits.writeBits(channelClass, width);
  });
  writer.writeBytes(bits.finish());
}

/** Inverse of `writeChannelClasses`. @throws {BitstreamError} if they are not such classes */
export function readChannelClasses(reader: ByteReader, model: ContextModel): Uint8Array {
  const { classOfChannel } = model;
  const classCount = classCountOf(model);
  const start = reader.offset;
  const bits = new BitReader(reader.readBytes(reader.remaining));
  reader.rewind(start);
  let isSame = true;
  let isValid = true;
  const classes = classOfChannel.map((own) => {
    if (!bits.readBits(1)) return own;
    const channelClass = bits.readBits(fieldBits(classCount));
    isSame = false;
    isValid &&= channelClass < classCount && channelClass !== own;
    return channelClass;
  });
  if (bits.overrun) throw reader.error('truncated', 'the classes of channels go on beyond the end', start);
  if (isSame || !isValid) throw reader.error('invalid-table', 'classes of channels are not others', start);
  if (!bits.paddingIsZero) throw reader.error('reserved-bits', 'padding of the classes is not zero', start);
  reader.readBytes(bits.byteLength);
  reader.note('classes of channels', `${bits.byteLength} bytes`);
  return classes;
}

/**
 * The classes that cost the fewest bits, their own code included. Encoding only.
 * @param counts - of `EntropyKernels.countContexts`
 * @returns a class for each channel, nothing if the model's are as good, and what the symbols then cost
 */
export function cheapestClasses(
  counts: Uint32Array,
  model: ContextModel,
): { readonly classes: Uint8Array | undefined; readonly bits: number } {
  const { classOfChannel, binCount, levelCount } = model;
  const classCount = classCountOf(model);
  const costs = bitsOfSymbols(model);
  const tableSize = binCount * levelCount;
  const switchBits = fieldBits(classCount);
  const present = new Uint16Array(tableSize);
  let ownSum = 0;
  let saved = -classOfChannel.length; // a bit of each channel says whether it has another class
  const classes = classOfChannel.map((own, channel) => {
    const ofChannel = counts.subarray(channel * tableSize, (channel + 1) * tableSize);
    let presentCount = 0;
    for (let i = 0; i < tableSize; i++) if (ofChannel[i] > 0) present[presentCount++] = i;
    const bitsIn = (channelClass: number): number => {
      const first = channelClass * tableSize;
      let bits = 0;
      for (let i = 0; i < presentCount; i++) bits += ofChannel[present[i]] * costs[first + present[i]];
      return bits;
    };
    const ownBits = bitsIn(own);
    let best = own;
    let least = ownBits - switchBits;
    for (let channelClass = 0; channelClass < classCount; channelClass++) {
      const bits = channelClass === own ? ownBits : bitsIn(channelClass);
      if (bits < least) [best, least] = [channelClass, bits];
    }
    ownSum += ownBits;
    if (best !== own) saved += ownBits - switchBits - least;
    return best;
  });
  return saved > 0 ? { classes, bits: ownSum - saved } : { classes: undefined, bits: ownSum };
}

/** Costs of models in use: they take longer to make than a small frame to code. */
const rememberedBits = new WeakMap<ContextModel, Float64Array>();

/** Bits of each symbol in each bin of each class, at `(class * binCount + bin) * levelCount + symbol`. */
function bitsOfSymbols(model: ContextModel): Float64Array {
  const remembered = rememberedBits.get(model);
  if (remembered) return remembered;
  const { levelCount, binCount, thresholds, slotBits } = model;
  const bits = new Float64Array(classCountOf(model) * binCount * levelCount);
  for (let at = 0; at < bits.length; at++) {
    const symbol = at % levelCount;
    const bin = Math.floor(at / levelCount) % binCount;
    const table = Math.floor(at / (levelCount * binCount)) * (levelCount - 1) * binCount + bin;
    const start = symbol > 0 ? thresholds[table + (symbol - 1) * binCount] : 0;
    const end = symbol < levelCount - 1 ? thresholds[table + symbol * binCount] : 2 ** slotBits;
    bits[at] = slotBits - Math.log2(end - start);
  }
  rememberedBits.set(model, bits);
  return bits;
}
