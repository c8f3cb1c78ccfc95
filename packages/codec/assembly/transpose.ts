/**
 * Channels to lanes and back: the bytes of 16 channels, each with its positions at equal distance, as 16 bytes at every
 * position. Where positions lie side by side, 16 × 16 bytes are transposed at once by four rounds of interleaving.
 */

@inline function low(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
}

@inline function high(a: v128, b: v128): v128 {
  return v128.shuffle<u8>(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31);
}

/** Addresses of 16 rows: of channels, from a table of offsets, or of positions, at equal distance. */
@inline function rowAt(base: usize, offsets: usize, distance: usize, row: usize): usize {
  return offsets ? base + load<u32>(offsets + (row << 2)) : base + row * distance;
}

/** Transposes 16 × 16 bytes; `offsets` of 0 stand for rows at equal distance. Not inlined: it is two kilobytes long. */
function transpose16(from: usize, fromOffsets: usize, fromDistance: usize, to: usize, toOffsets: usize, toDistance: usize): void {
  const a0 = v128.load(rowAt(from, fromOffsets, fromDistance, 0));
  const a1 = v128.load(rowAt(from, fromOffsets, fromDistance, 1));
  const a2 = v128.load(rowAt(from, fromOffsets, fromDistance, 2));
  const a3 = v128.load(rowAt(from, fromOffsets, fromDistance, 3));
  const a4 = v128.load(rowAt(from, fromOffsets, fromDistance, 4));
  const a5 = v128.load(rowAt(from, fromOffsets, fromDistance, 5));
  const a6 = v128.load(rowAt(from, fromOffsets, fromDistance, 6));
  const a7 = v128.load(rowAt(from, fromOffsets, fromDistance, 7));
  const a8 = v128.load(rowAt(from, fromOffsets, fromDistance, 8));
  const a9 = v128.load(rowAt(from, fromOffsets, fromDistance, 9));
  const a10 = v128.load(rowAt(from, fromOffsets, fromDistance, 10));
  const a11 = v128.load(rowAt(from, fromOffsets, fromDistance, 11));
  const a12 = v128.load(rowAt(from, fromOffsets, fromDistance, 12));
  const a13 = v128.load(rowAt(from, fromOffsets, fromDistance, 13));
  const a14 = v128.load(rowAt(from, fromOffsets, fromDistance, 14));
  const a15 = v128.load(rowAt(from, fromOffsets, fromDistance, 15));
  const b0 = low(a0, a8);
  const b1 = high(a0, a8);
  const b2 = low(a1, a9);
  const b3 = high(a1, a9);
  const b4 = low(a2, a10);
  const b5 = high(a2, a10);
  const b6 = low(a3, a11);
  const b7 = high(a3, a11);
  const b8 = low(a4, a12);
  const b9 = high(a4, a12);
  const b10 = low(a5, a13);
  const b11 = high(a5, a13);
  const b12 = low(a6, a14);
  const b13 = high(a6, a14);
  const b14 = low(a7, a15);
  const b15 = high(a7, a15);
  const c0 = low(b0, b8);
  const c1 = high(b0, b8);
  const c2 = low(b1, b9);
  const c3 = high(b1, b9);
  const c4 = low(b2, b10);
  const c5 = high(b2, b10);
  const c6 = low(b3, b11);
  const c7 = high(b3, b11);
  const c8 = low(b4, b12);
  const c9 = high(b4, b12);
  const c10 = low(b5, b13);
  const c11 = high(b5, b13);
  const c12 = low(b6, b14);
  const c13 = high(b6, b14);
  const c14 = low(b7, b15);
  const c15 = high(b7, b15);
  const d0 = low(c0, c8);
  const d1 = high(c0, c8);
  const d2 = low(c1, c9);
  const d3 = high(c1, c9);
  const d4 = low(c2, c10);
  const d5 = high(c2, c10);
  const d6 = low(c3, c11);
  const d7 = high(c3, c11);
  const d8 = low(c4, c12);
  const d9 = high(c4, c12);
  const d10 = low(c5, c13);
  const d11 = high(c5, c13);
  const d12 = low(c6, c14);
  const d13 = high(c6, c14);
  const d14 = low(c7, c15);
  const d15 = high(c7, c15);
  v128.store(rowAt(to, toOffsets, toDistance, 0), low(d0, d8));
  v128.store(rowAt(to, toOffsets, toDistance, 1), high(d0, d8));
  v128.store(rowAt(to, toOffsets, toDistance, 2), low(d1, d9));
  v128.store(rowAt(to, toOffsets, toDistance, 3), high(d1, d9));
  v128.store(rowAt(to, toOffsets, toDistance, 4), low(d2, d10));
  v128.store(rowAt(to, toOffsets, toDistance, 5), high(d2, d10));
  v128.store(rowAt(to, toOffsets, toDistance, 6), low(d3, d11));
  v128.store(rowAt(to, toOffsets, toDistance, 7), high(d3, d11));
  v128.store(rowAt(to, toOffsets, toDistance, 8), low(d4, d12));
  v128.store(rowAt(to, toOffsets, toDistance, 9), high(d4, d12));
  v128.store(rowAt(to, toOffsets, toDistance, 10), low(d5, d13));
  v128.store(rowAt(to, toOffsets, toDistance, 11), high(d5, d13));
  v128.store(rowAt(to, toOffsets, toDistance, 12), low(d6, d14));
  v128.store(rowAt(to, toOffsets, toDistance, 13), high(d6, d14));
  v128.store(rowAt(to, toOffsets, toDistance, 14), low(d7, d15));
  v128.store(rowAt(to, toOffsets, toDistance, 15), high(d7, d15));
}

/**
 * Moves 16 channels to lanes: 16 bytes at `lanes` and every `distance` bytes on.
 * @param offsets - 16 × u32: where each channel begins, from `base` on
 */
export function gatherLanes(base: usize, offsets: usize, positionStride: usize, count: usize, lanes: usize, distance: usize): void {
  if (positionStride == 1 && count >= 16) {
    for (let at: usize = 0; ; at = min(at + 16, count - 16)) {
      transpose16(base + at, offsets, 0, lanes + at * distance, 0, distance);
      if (at == count - 16) return;
    }
  }
  for (let lane: usize = 0; lane < 16; lane++) {
    const channel = base + load<u32>(offsets + (lane << 2));
    for (let at: usize = 0; at < count; at++) store<u8>(lanes + at * distance + lane, load<u8>(channel + at * positionStride));
  }
}

/** Moves lanes to channels, the first `channelCount` of 16. `offsets` as above; the others need room too. */
export function scatterLanes(base: usize, offsets: usize, positionStride: usize, count: usize, lanes: usize, distance: usize, channelCount: usize): void {
  if (positionStride == 1 && count >= 16 && channelCount == 16) {
    for (let at: usize = 0; ; at = min(at + 16, count - 16)) {
      transpose16(lanes + at * distance, 0, distance, base + at, offsets, 0);
      if (at == count - 16) return;
    }
  }
  for (let lane: usize = 0; lane < channelCount; lane++) {
    const channel = base + load<u32>(offsets + (lane << 2));
    for (let at: usize = 0; at < count; at++) store<u8>(channel + at * positionStride, load<u8>(lanes + at * distance + lane));
  }
}
