/**
 * What the kernels of a call find out, as 32-bit words of one buffer that is read back with the result. All words are 0 at
 * first.
 */

/** Places of the words. */
export const REPORT = {
  /** Elements that are NaN. */
  nanCount: 0,
  /** Complement of the first such element's position. */
  nanPosition: 1,
  /** One more than the largest symbol without a frequency that occurs. */
  missingSymbol: 2,
  /** Bytes of the frame before its checksum. */
  byteCount: 3,
  /** CRC-32 of these bytes before the final exclusive-or. */
  checksum: 4,
  /** 1 if a payload does not decode. */
  fault: 5,
} as const;

/** Words of the report. */
export const REPORT_WORDS = 8;

/** The places as constants of a shader. */
export const REPORT_CONSTANTS = `
${Object.entries(REPORT)
  .map(([name, place]) => `const REPORT_${name} = ${place}u;`)
  .join('\n')}
`;
