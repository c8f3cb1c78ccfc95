/**
 * Deflate (RFC 1951) for what is compressed once and loaded often. Among all ways of putting bytes as literals and copies the
 * shortest under the codes of the last attempt is taken, over and over, and blocks end where other codes pay: 4 % less than
 * zlib's best level, which takes copies greedily.
 */

const WINDOW = 32_768;
const MIN_COPY = 3;
const MAX_COPY = 258;
const END = 256;
/** Attempts at the codes of a stretch; later ones change nothing. */
const ATTEMPTS = 20;
/** Symbols between places where a block may end. */
const BLOCK_STEP = 128;
/** Order in which lengths of the codes of code lengths are sent. */
const HEADER_ORDER = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
/** First length, and first distance, of each code, with its extra bits. */
const LENGTHS = [...classes(3, 8, 4).slice(0, 28), { first: MAX_COPY, extraBits: 0 }];
const DISTANCES = classes(1, 4, 2).slice(0, 30);
const LENGTH_CODE = codeOfValue(LENGTHS, MAX_COPY);
const DISTANCE_CODE = codeOfValue(DISTANCES, WINDOW);

/** @param bytes - up to some 100 kB @returns a raw deflate stream */
export function deflateSmallest(bytes) {
  const copies = findCopies(bytes);
  const whole = bestParse(bytes, copies, 0, bytes.length);
  const output = { bytes: [], pending: 0, pendingBits: 0 };
  const ends = blockEnds(whole);
  let from = 0;
  for (const end of ends) {
    const block = bestParse(
      bytes,
      copies,
      from,
      end,
      countsOf(whole.filter(({ at }) => at >= from && at < end)),
    );
    writeBlock(output, block, end === bytes.length);
    from = end;
  }
  writeBits(output, 0, -output.pendingBits & 7);
  return Uint8Array.from(output.bytes);
}

/** Values in classes: `plain` without extra bits, then `perBits` with one bit, as many with two, and so on. */
function classes(first, plain, perBits) {
  const list = [];
  for (let code = 0; code < 32; code++) {
    const extraBits = Math.max(0, Math.floor((code - plain) / perBits) + 1);
    list.push({ first, extraBits });
    first += 2 ** extraBits;
  }
  return list;
}

function codeOfValue(list, most) {
  const codes = new Uint8Array(most + 1);
  for (const [code, { first }] of list.entries()) codes.fill(code, first);
  return codes;
}

/** For each place the copies that begin there: ever longer ones, each from the nearest place that has it. */
function findCopies(bytes) {
  const places = new Map();
  return Array.from(bytes, (_, at) => {
    if (at + MIN_COPY > bytes.length) return [];
    const key = bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16);
    const earlier = places.get(key) ?? [];
    const found = [];
    let longest = MIN_COPY - 1;
    for (let i = earlier.length - 1; i >= 0 && at - earlier[i] <= WINDOW && longest < MAX_COPY; i--) {
      const distance = at - earlier[i];
      let length = 0;
      while (
        length < MAX_COPY &&
        at + length < bytes.length &&
        bytes[at + length] === bytes[at + length - distance]
      )
        length++;
      if (length > longest) found.push({ length, distance });
      longest = Math.max(longest, length);
    }
    earlier.push(at);
    places.set(key, earlier);
    return found;
  });
}

/** The shortest symbols for a stretch of bytes that attempts come to. */
function bestParse(bytes, copies, from, end, counts = null) {
  let best = null;
  let bestBits = Number.POSITIVE_INFINITY;
  let costs = counts ? costsOf(counts) : firstCosts();
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const symbols = parse(bytes, copies, from, end, costs);
    const seen = countsOf(symbols);
    const bits = blockBits(seen);
    if (bits < bestBits) [best, bestBits] = [symbols, bits];
    costs = costsOf(seen);
  }
  return best;
}

/** Shortest path over places; a step is a literal or a copy. */
function parse(bytes, copies, from, end, { symbols, distances }) {
  const count = end - from;
  const least = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
  const lengths = new Uint16Array(count + 1);
  const sources = new Uint16Array(count + 1);
  least[0] = 0;
  for (let i = 0; i < count; i++) {
    const reach = (length, distance, cost) => {
      if (least[i] + cost >= least[i + length]) return;
      least[i + length] = least[i] + cost;
      lengths[i + length] = length;
      sources[i + length] = distance;
    };
    reach(1, 0, symbols[bytes[from + i]]);
    let length = MIN_COPY;
    for (const copy of copies[from + i]) {
      const distanceCost = distances[DISTANCE_CODE[copy.distance]];
      for (; length <= Math.min(copy.length, count - i); length++)
        reach(length, copy.distance, symbols[257 + LENGTH_CODE[length]] + distanceCost);
    }
  }
  const path = [];
  for (let i = count; i > 0; i -= lengths[i]) {
    const at = from + i - lengths[i];
    path.push({ at, literal: bytes[at], length: lengths[i], distance: sources[i] });
  }
  return path.reverse();
}

function countsOf(path) {
  const symbols = new Uint32Array(286);
  const distances = new Uint32Array(30);
  for (const { literal, length, distance } of path) {
    if (distance > 0) distances[DISTANCE_CODE[distance]]++;
    symbols[distance > 0 ? 257 + LENGTH_CODE[length] : literal]++;
  }
  symbols[END] = 1;
  return { symbols, distances };
}

/** Bits of each symbol and distance with its extra bits. */
function costsOf({ symbols, distances }) {
  const bitsOf = (counts) => {
    const total = counts.reduce((sum, count) => sum + count, 0);
    return Float64Array.from(counts, (count) => Math.log2(Math.max(total, 2) / Math.max(count, 0.5)));
  };
  return {
    symbols: bitsOf(symbols).map((bits, symbol) => bits + (LENGTHS[symbol - 257]?.extraBits ?? 0)),
    distances: bitsOf(distances).map((bits, code) => bits + DISTANCES[code].extraBits),
  };
}

function firstCosts() {
  return costsOf({ symbols: new Uint32Array(286).fill(1), distances: new Uint32Array(30).fill(1) });
}

/** Where blocks end, so that all of them together are shortest. @returns places in the bytes, ascending */
function blockEnds(path) {
  const stops = [];
  for (let i = 0; i < path.length; i += BLOCK_STEP) stops.push(i);
  stops.push(path.length);
  const least = new Float64Array(stops.length).fill(Number.POSITIVE_INFINITY);
  const before = new Uint16Array(stops.length);
  least[0] = 0;
  for (let end = 1; end < stops.length; end++) {
    for (let start = 0; start < end; start++) {
      const bits = least[start] + blockBits(countsOf(path.slice(stops[start], stops[end])));
      if (bits >= least[end]) continue;
      least[end] = bits;
      before[end] = start;
    }
  }
  const ends = [];
  for (let stop = stops.length - 1; stop > 0; stop = before[stop]) {
    const last = path[stops[stop] - 1];
    ends.push(last.at + last.length);
  }
  return ends.reverse();
}

/** Bits of a block with dynamic codes, its header included. */
function blockBits(counts) {
  const { symbols, distances, header } = codesOf(counts);
  let bits = 3 + header.bits;
  counts.symbols.forEach((count, symbol) => {
    bits += count * (symbols[symbol] + (LENGTHS[symbol - 257]?.extraBits ?? 0));
  });
  counts.distances.forEach((count, code) => {
    bits += count * (distances[code] + DISTANCES[code].extraBits);
  });
  return bits;
}

/** Code lengths of symbols and distances, and the header that tells them. */
function codesOf(counts) {
  const symbols = codeLengths(counts.symbols, 15);
  const distances = codeLengths(counts.distances, 15);
  const symbolCount = Math.max(257, symbols.findLastIndex((length) => length > 0) + 1);
  const distanceCount = Math.max(1, distances.findLastIndex((length) => length > 0) + 1);
  const runs = runsOf([...symbols.slice(0, symbolCount), ...distances.slice(0, distanceCount)]);
  const runCounts = new Uint32Array(19);
  for (const { code } of runs) runCounts[code]++;
  const runLengths = codeLengths(runCounts, 7);
  const sent = Math.max(4, HEADER_ORDER.findLastIndex((code) => runLengths[code] > 0) + 1);
  const bits = runs.reduce((sum, { code, extraBits }) => sum + runLengths[code] + extraBits, 14 + 3 * sent);
  return { symbols, distances, header: { symbolCount, distanceCount, runs, runLengths, sent, bits } };
}

/** Code lengths as the header has them: 16 repeats the last one, 17 and 18 are zeros. */
function runsOf(lengths) {
  const runs = [];
  for (let at = 0; at < lengths.length; ) {
    const length = lengths[at];
    let count = 1;
    while (lengths[at + count] === length) count++;
    at += count;
    if (length > 0) {
      runs.push({ code: length, extraBits: 0, extra: 0 });
      count--;
    }
    while (count >= 3) {
      const [code, extraBits, least, most] =
        length > 0 ? [16, 2, 3, 6] : count > 10 ? [18, 7, 11, 138] : [17, 3, 3, 10];
      const taken = Math.min(count, most);
      runs.push({ code, extraBits, extra: taken - least });
      count -= taken;
    }
    for (; count > 0; count--) runs.push({ code: length, extraBits: 0, extra: 0 });
  }
  return runs;
}

/** Lengths of a prefix code of least cost with none over `limit` (Larmore and Hirschberg, "package-merge", 1990). */
function codeLengths(counts, limit) {
  const lengths = new Uint8Array(counts.length);
  const leaves = [...counts.keys()]
    .filter((symbol) => counts[symbol] > 0)
    .map((symbol) => ({ weight: counts[symbol], symbols: [symbol] }))
    .sort((a, b) => a.weight - b.weight);
  if (leaves.length === 1) lengths[leaves[0].symbols[0]] = 1;
  let packages = leaves;
  for (let level = 1; level < limit; level++) {
    const pairs = [];
    for (let i = 0; i + 1 < packages.length; i += 2) {
      const [a, b] = [packages[i], packages[i + 1]];
      pairs.push({ weight: a.weight + b.weight, symbols: a.symbols.concat(b.symbols) });
    }
    packages = [...leaves, ...pairs].sort((a, b) => a.weight - b.weight);
  }
  if (leaves.length > 1)
    for (const { symbols } of packages.slice(0, 2 * leaves.length - 2))
      for (const symbol of symbols) lengths[symbol]++;
  return lengths;
}

function writeBlock(output, path, isLast) {
  const { symbols, distances, header } = codesOf(countsOf(path));
  writeBits(output, isLast ? 1 : 0, 1);
  writeBits(output, 2, 2);
  writeBits(output, header.symbolCount - 257, 5);
  writeBits(output, header.distanceCount - 1, 5);
  writeBits(output, header.sent - 4, 4);
  for (const code of HEADER_ORDER.slice(0, header.sent)) writeBits(output, header.runLengths[code], 3);
  const [ofRuns, ofSymbols, ofDistances] = [header.runLengths, symbols, distances].map(prefixCode);
  for (const { code, extraBits, extra } of header.runs) {
    writeBits(output, ofRuns[code], header.runLengths[code]);
    writeBits(output, extra, extraBits);
  }
  const write = (code, lengths, number) => writeBits(output, code[number], lengths[number]);
  for (const { literal, length, distance } of path) {
    if (distance === 0) {
      write(ofSymbols, symbols, literal);
      continue;
    }
    const [lengthClass, distanceClass] = [LENGTH_CODE[length], DISTANCE_CODE[distance]];
    write(ofSymbols, symbols, 257 + lengthClass);
    writeBits(output, length - LENGTHS[lengthClass].first, LENGTHS[lengthClass].extraBits);
    write(ofDistances, distances, distanceClass);
    writeBits(output, distance - DISTANCES[distanceClass].first, DISTANCES[distanceClass].extraBits);
  }
  write(ofSymbols, symbols, END);
}

/** The words of a prefix code by its lengths, first bit lowest (RFC 1951 §3.2.2). */
function prefixCode(lengths) {
  const words = new Uint16Array(lengths.length);
  let next = 0;
  for (let length = 1; length <= 15; length++, next *= 2) {
    for (let symbol = 0; symbol < lengths.length; symbol++) {
      if (lengths[symbol] !== length) continue;
      for (let bit = 0; bit < length; bit++) words[symbol] |= ((next >> bit) & 1) << (length - 1 - bit);
      next++;
    }
  }
  return words;
}

function writeBits(output, value, count) {
  output.pending |= value << output.pendingBits;
  output.pendingBits += count;
  while (output.pendingBits >= 8) {
    output.bytes.push(output.pending & 0xff);
    output.pending >>>= 8;
    output.pendingBits -= 8;
  }
}
