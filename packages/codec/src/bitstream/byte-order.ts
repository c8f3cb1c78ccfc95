/** The order of bytes of the machine, for views of memory under several types. */

/** Whether integers in memory begin with their lowest byte, as those of frames do. */
export function isLittleEndian(): boolean {
  return new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
}
