/**
 * Elements to symbols, for kernels that begin with a feature, and indices to elements, for those that end with one. Values are
 * compared as integers in the order of float32 numbers: no arithmetic on them, so that neither flushed subnormals nor inexact
 * division can move an index.
 */

/** Declares `rowOf`: where the row of an element's group begins. @param rows - groups of rows, then the group of each channel */
function rowOfElement(rows: 'thresholds' | 'levels'): string {
  return `fn rowOf(element: u32) -> u32 {
  if (coding.groupCount == 1u) { return 0u; }
  let channel = (element / coding.inner) % coding.channels;
  return ${rows}[coding.groupCount * coding.rowLength + channel] * coding.rowLength;
}
`;
}

/** Declares the first four bindings and `symbolOf`; needs `report` and its constants. */
export const SYMBOL_OF_ELEMENTS = `
@group(0) @binding(0) var<uniform> coding: Coding;
@group(0) @binding(1) var<storage, read> chunks: array<Chunk>;
// Bits of float32 numbers.
@group(0) @binding(2) var<storage, read> feature: array<u32>;
// A row of ascending thresholds for each group, filled up with the largest number; then the group of each channel.
@group(0) @binding(3) var<storage, read> thresholds: array<u32>;

// Position in the order of float32 numbers, -0 before 0.
fn orderOf(bits: u32) -> u32 {
  return select(bits ^ 0x80000000u, ~bits, (bits >> 31u) == 1u);
}

${rowOfElement('thresholds')}
// The number of thresholds at or below the element.
fn indexOf(element: u32) -> u32 {
  let bits = feature[element];
  if ((bits & 0x7fffffffu) > 0x7f800000u) {
    atomicAdd(&report[REPORT_nanCount], 1u);
    atomicMax(&report[REPORT_nanPosition], ~element);
    return coding.background;
  }
  let order = orderOf(bits);
  let row = rowOf(element);
  var index = 0u;
  for (var step = coding.rowLength >> 1u; step > 0u; step >>= 1u) {
    if (thresholds[row + index + step - 1u] <= order) { index += step; }
  }
  return index;
}

// Symbol i of a chunk; what it has beyond the elements is the background (bitstream.md section 5.1).
fn symbolOf(chunk: Chunk, i: u32) -> u32 {
  var symbol = 0u;
  let first = i * coding.perSymbol;
  for (var digit = coding.perSymbol; digit > 0u; digit--) {
    let place = first + digit - 1u;
    var index = coding.background;
    if (place < chunk.elementCount) { index = indexOf(chunk.firstElement + place); }
    symbol = symbol * coding.levelCount + index;
  }
  return symbol;
}
`;

/** Declares the levels as binding 3 and `levelOf`. */
export const LEVEL_OF_ELEMENTS = `
// Bits of float32 numbers: a row of levels for each group; then the group of each channel.
@group(0) @binding(3) var<storage, read> levels: array<u32>;

${rowOfElement('levels')}
// The bits of an element of this index.
fn levelOf(element: u32, index: u32) -> u32 {
  return levels[rowOf(element) + index];
}
`;
