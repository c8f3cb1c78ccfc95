/**
 * Adaptive binary coding of indices; bitstream.md §9. The arithmetic is that of
 * `src/entropy/binary/context-model.ts`, operation by operation, for encoder and decoder alike: `decoding` only
 * decides where a bin comes from.
 */

import { CONTEXT_COUNTS, PROBABILITIES, RATES, SQUASH, STRETCH, WEIGHTS } from './layout';

const BIN_ESCAPE: u32 = 28;
const ESCAPE_MAGNITUDE: i32 = 15;
const MAX_ESCAPE_BITS: u32 = 16;
const MAX_LOGIT: i32 = 2047;
const MAX_WEIGHT: i32 = 3 * 65536 - 1;
const FIRST_WEIGHT: i32 = 16384;
const MAX_COUNT: u32 = 250;
const MAX_PREDICTION: i32 = 31;
const CONTEXT_COUNT: u32 = 36 + 96 + 64 + 64 + 1024;
/** Bytes of a bin's weights. */
const WEIGHTS_OF_BIN: usize = 5 * 4;

/* State of the call that runs; set anew by each. */
let decoding: bool = false;
let low: u64 = 0;
let range: u32 = 0;
let code: u32 = 0;
let bytesAt: usize = 0;
let bytesStart: usize = 0;
let bytesEnd: usize = 0;
let context0: usize = 0;
let context1: usize = 0;
let context2: usize = 0;
let context3: usize = 0;
let context4: usize = 0;

/**
 * Fills the tables of logits from 33 points at `SQUASH` that the caller has written, and the rates of learning,
 * 1 / (count + 1.6) with 14 bits. Call once.
 */
export function initializeContextModel(): void {
  let next: i32 = 0;
  for (let logit = -MAX_LOGIT; logit <= MAX_LOGIT; logit++) {
    for (const reached = squash(logit); next <= reached; next++) store<i16>(STRETCH + (<usize>next << 1), <i16>logit);
  }
  for (; next < 4096; next++) store<i16>(STRETCH + (<usize>next << 1), <i16>MAX_LOGIT);
  for (let count: u32 = 0; count <= MAX_COUNT; count++) {
    store<u16>(RATES + (<usize>count << 1), <u16>(163840 / (10 * count + 16)));
  }
}

@inline function squash(logit: i32): i32 {
  const fraction = logit & 127;
  const point = SQUASH + (<usize>((logit >> 7) + 16) << 1);
  return (<i32>load<u16>(point) * (128 - fraction) + <i32>load<u16>(point, 2) * fraction + 64) >> 7;
}

/**
 * Codes `planes * rows * columns` indices of `1 << indexBytesLog2` bytes each at `indices`. Encoding writes from
 * `bytes` to `end`; decoding reads them and takes zeros beyond.
 * @returns encoding: address after the last byte that is not zero, or 0 if there was not enough room; decoding:
 *   0 if all is well, else 1
 */
export function codeIndices(
  isDecoding: bool,
  indices: usize,
  indexBytesLog2: usize,
  planes: u32,
  rows: u32,
  columns: u32,
  background: i32,
  levelCount: i32,
  bytes: usize,
  end: usize,
): usize {
  decoding = isDecoding;
  bytesStart = bytes;
  bytesAt = bytes;
  bytesEnd = end;
  range = 0xffffffff;
  low = 0;
  code = 0;
  if (decoding) for (let i = 0; i < 4; i++) code = (code << 8) | nextByte();
  memory.fill(CONTEXT_COUNTS, 0, CONTEXT_COUNT * 32);
  for (let i: usize = 0; i < <usize>CONTEXT_COUNT * 64; i += 8) store<u64>(PROBABILITIES + i, 0x8000800080008000);
  for (let i: usize = 0; i < 32 * WEIGHTS_OF_BIN; i += 4) store<i32>(WEIGHTS + i, FIRST_WEIGHT);

  const highest = levelCount - 1;
  const longerSide = max(background, highest - background);
  const scale = max(1, (2 * longerSide + 6) / 12);
  const twoSides = background > 0 && background < highest;
  const planeSize = <usize>rows * <usize>columns;
  let position: usize = 0;
  for (let plane: u32 = 0; plane < planes; plane++) {
    let sum: u32 = 0;
    let count: u32 = 0;
    for (let row: u32 = 0; row < rows; row++) {
      for (let column: u32 = 0; column < columns; column++, position++) {
        const above = position - columns;
        let left: i32 = 0, up: i32 = 0, upLeft: i32 = 0, upRight: i32 = 0, previous: i32 = 0;
        if (column > 0) left = offsetAt(indices, indexBytesLog2, position - 1, background, scale);
        if (row > 0) {
          up = offsetAt(indices, indexBytesLog2, above, background, scale);
          if (column > 0) upLeft = offsetAt(indices, indexBytesLog2, above - 1, background, scale);
          if (column < columns - 1) upRight = offsetAt(indices, indexBytesLog2, above + 1, background, scale);
        }
        if (plane > 0) previous = offsetAt(indices, indexBytesLog2, position - planeSize, background, scale);
        const near = neighborhoodClass(2 * abs(left) + 2 * abs(up) + abs(upLeft) + abs(upRight));
        let activity: u32 = 7;
        if (count >= 4) activity = min<u32>(31 - <u32>clz<u32>((sum * 16) / count + 1), 6);
        context0 = (near * 3 + min<u32>(abs(previous), 2)) << 5;
        context1 = (36 + activity * 12 + near) << 5;
        context2 = (132 + min<u32>(abs(left), 3) * 16 + min<u32>(abs(up), 3) * 4 + min<u32>(abs(upRight), 3)) << 5;
        context3 = (196 + <u32>(predict(indices, indexBytesLog2, position, columns, row, column, background) + MAX_PREDICTION)) << 5;
        const last: u32 = twoSides ? clamped(left) * 49 + clamped(up) * 7 + clamped(upRight) : plane & 1023;
        context4 = (260 + last) << 5;

        const at = indices + (position << indexBytesLog2);
        const target = indexAt(indices, indexBytesLog2, position);
        const index = codeIndex(target, background, levelCount, twoSides);
        if (index < 0 || index >= levelCount) return 1;
        if (indexBytesLog2) store<u16>(at, <u16>index);
        else store<u8>(at, <u8>index);
        sum += abs(scaled(index - background, scale));
        count++;
      }
    }
  }
  if (decoding) return bytesAt >= bytesEnd && (bytesEnd == bytesStart || load<u8>(bytesEnd - 1) != 0) ? 0 : 1;
  return finish();
}

@inline function indexAt(indices: usize, indexBytesLog2: usize, position: usize): i32 {
  const at = indices + (position << indexBytesLog2);
  return indexBytesLog2 ? <i32>load<u16>(at) : <i32>load<u8>(at);
}

@inline function predict(
  indices: usize,
  indexBytesLog2: usize,
  position: usize,
  columns: u32,
  row: u32,
  column: u32,
  background: i32,
): i32 {
  const left = column > 0 ? indexAt(indices, indexBytesLog2, position - 1) : background;
  const up = row > 0 ? indexAt(indices, indexBytesLog2, position - columns) : background;
  let predicted = column > 0 ? left : up;
  if (column > 0 && row > 0) {
    const corner = indexAt(indices, indexBytesLog2, position - columns - 1);
    predicted = min(max(left + up - corner, min(left, up)), max(left, up));
  }
  return min(max(predicted - background, -MAX_PREDICTION), MAX_PREDICTION);
}

@inline function offsetAt(indices: usize, indexBytesLog2: usize, position: usize, background: i32, scale: i32): i32 {
  return scaled(indexAt(indices, indexBytesLog2, position) - background, scale);
}

@inline function scaled(offset: i32, scale: i32): i32 {
  if (scale == 1) return offset;
  const distance = (abs(offset) + scale - 1) / scale;
  return offset < 0 ? -distance : distance;
}

@inline function neighborhoodClass(weighted: i32): u32 {
  if (weighted < 8) return <u32>weighted;
  if (weighted < 12) return 8;
  if (weighted < 18) return 9;
  return weighted < 30 ? 10 : 11;
}

@inline function clamped(offset: i32): u32 {
  return <u32>(min(max(offset, -3), 3) + 3);
}

function codeIndex(target: i32, background: i32, levelCount: i32, twoSides: bool): i32 {
  if (codeBin(0, target == background ? 0 : 1) == 0) return background;
  const below: u32 = twoSides ? codeBin(1, target < background ? 1 : 0) : <u32>(background > 0);
  const limit = below ? background : levelCount - 1 - background;
  const distance = abs(target - background);
  let magnitude: i32 = 1;
  while (magnitude < limit && magnitude < ESCAPE_MAGNITUDE) {
    if (codeBin(2 * <u32>min(magnitude, 12) + below, distance > magnitude ? 1 : 0) == 0) break;
    magnitude++;
  }
  if (magnitude == ESCAPE_MAGNITUDE && limit > ESCAPE_MAGNITUDE) {
    const rest = codeEscape(distance - ESCAPE_MAGNITUDE);
    if (rest < 0) return -1;
    magnitude += rest;
  }
  return below ? background - magnitude : background + magnitude;
}

function codeEscape(rest: i32): i32 {
  const targetBits: u32 = 31 - <u32>clz<u32>(<u32>(rest + 1));
  let bits: u32 = 0;
  while (codeBin(BIN_ESCAPE + min<u32>(bits, 3), bits < targetBits ? 1 : 0) == 1) {
    if (++bits > MAX_ESCAPE_BITS) return -1;
  }
  let value: i32 = 1;
  for (let bit: i32 = <i32>bits - 1; bit >= 0; bit--) {
    value = value * 2 + <i32>codeBit(<u32>((rest + 1) >> bit) & 1, 2048);
  }
  return value - 1;
}

function codeBin(bin: u32, target: u32): u32 {
  const weights = WEIGHTS + <usize>bin * WEIGHTS_OF_BIN;
  const logit0 = logitOf(context0, bin);
  const logit1 = logitOf(context1, bin);
  const logit2 = logitOf(context2, bin);
  const logit3 = logitOf(context3, bin);
  const logit4 = logitOf(context4, bin);
  let logit = load<i32>(weights) * logit0 + load<i32>(weights, 4) * logit1;
  logit += load<i32>(weights, 8) * logit2 + load<i32>(weights, 12) * logit3;
  logit = (logit + load<i32>(weights, 16) * logit4) >> 16;
  const probability = squash(min(max(logit, -MAX_LOGIT), MAX_LOGIT));
  const bit = codeBit(target, <u32>probability);
  const error = <i32>(bit << 12) - probability;
  learnWeight(weights, logit0, error);
  learnWeight(weights + 4, logit1, error);
  learnWeight(weights + 8, logit2, error);
  learnWeight(weights + 12, logit3, error);
  learnWeight(weights + 16, logit4, error);
  learnContext(context0 + bin, bit);
  learnContext(context1 + bin, bit);
  learnContext(context2 + bin, bit);
  learnContext(context3 + bin, bit);
  learnContext(context4 + bin, bit);
  return bit;
}

@inline function logitOf(context: usize, bin: u32): i32 {
  const probability = load<u16>(PROBABILITIES + ((context + bin) << 1));
  return load<i16>(STRETCH + (<usize>(probability >> 4) << 1));
}

@inline function learnWeight(at: usize, logit: i32, error: i32): void {
  const weight = load<i32>(at) + ((logit * error + 1024) >> 11);
  store<i32>(at, min(max(weight, -MAX_WEIGHT), MAX_WEIGHT));
}

@inline function learnContext(context: usize, bit: u32): void {
  const at = PROBABILITIES + (context << 1);
  const count = <u32>load<u8>(CONTEXT_COUNTS + context);
  const old = <i32>load<u16>(at);
  const rate = <i32>load<u16>(RATES + (<usize>count << 1));
  store<u16>(at, <u16>(old + (((<i32>select<u32>(65535, 0, bit == 1) - old) * rate) >> 14)));
  store<u8>(CONTEXT_COUNTS + context, <u8>min<u32>(count + 1, MAX_COUNT));
}

function codeBit(target: u32, probability: u32): u32 {
  const bound = (range >> 12) * probability;
  let bit = target;
  if (decoding) bit = <u32>(code < bound);
  if (bit) {
    range = bound;
  } else {
    if (decoding) code -= bound;
    else low += bound;
    range -= bound;
  }
  while (range < 0x1000000) {
    if (decoding) code = (code << 8) | nextByte();
    else shift();
    range <<= 8;
  }
  return bit;
}

@inline function nextByte(): u32 {
  const byte: u32 = bytesAt < bytesEnd ? load<u8>(bytesAt) : 0;
  bytesAt++;
  return byte;
}

/** Moves the top byte of `low` out. Beyond the end bytes are only counted. */
function shift(): void {
  if (bytesAt >= bytesEnd) {
    bytesAt++;
    low = (low & 0xffffff) << 8;
    return;
  }
  if (low >> 32) {
    low &= 0xffffffff;
    let position = bytesAt - 1;
    while (load<u8>(position) == 0xff) store<u8>(position--, 0);
    store<u8>(position, load<u8>(position) + 1);
  }
  store<u8>(bytesAt++, <u8>(low >> 24));
  low = (low & 0xffffff) << 8;
}

function finish(): usize {
  for (let zeroBits: i32 = 32; zeroBits >= 0; zeroBits--) {
    const unit = <u64>1 << zeroBits;
    const candidate = ((low + unit - 1) >> zeroBits) << zeroBits;
    if (candidate < low + range) {
      low = candidate;
      break;
    }
  }
  for (let i = 0; i < 4; i++) shift();
  if (bytesAt > bytesEnd) return 0;
  while (bytesAt > bytesStart && load<u8>(bytesAt - 1) == 0) bytesAt--;
  return bytesAt;
}
