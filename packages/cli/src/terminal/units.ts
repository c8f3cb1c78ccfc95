/** Numbers as people read them, with their units. JSON output has the numbers themselves. */

/** Stands where a number is not known. */
export const UNKNOWN = '?';

const BINARY_UNITS = ['KiB', 'MiB', 'GiB', 'TiB'] as const;
const DECIMAL_UNITS = ['k', 'M', 'G', 'T', 'P'] as const;

/** An integer with commas between thousands. */
export function formatCount(count: number | null): string {
  return count === null ? UNKNOWN : count.toLocaleString('en-US', { maximumFractionDigits: 0 });
}

/** Bytes to three digits: `812 B`, `75.0 KiB`. */
export function formatBytes(bytes: number | null): string {
  if (bytes === null) return UNKNOWN;
  return bytes < 1024 ? `${bytes} B` : scaled(bytes, 1024, BINARY_UNITS);
}

/** Bytes to the last one: `1 byte`, `1,234 bytes`. */
export function formatExactBytes(bytes: number): string {
  return `${formatCount(bytes)} ${bytes === 1 ? 'byte' : 'bytes'}`;
}

/** A large count to three digits: `812`, `1.23 M`. */
export function formatLargeCount(count: number | null): string {
  if (count === null) return UNKNOWN;
  return count < 1000 ? String(count) : scaled(count, 1000, DECIMAL_UNITS);
}

/** Part of a whole as `12.3 %`; of nothing, `-`. */
export function formatShare(part: number, whole: number): string {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %`;
}

/** A ratio as `12.34 %`. */
export function formatPercent(ratio: number): string {
  return `${(100 * ratio).toFixed(2)} %`;
}

/** Milliseconds with two to three significant digits. */
export function formatMs(milliseconds: number): string {
  const digits = milliseconds < 10 ? 2 : milliseconds < 100 ? 1 : 0;
  return milliseconds.toFixed(digits);
}

/** A time to wait: `48 s`, `2:05 min`, `1:20 h`. */
export function formatDuration(milliseconds: number): string {
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  const pair = (large: number, small: number): string => `${large}:${String(small).padStart(2, '0')}`;
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${pair(minutes, seconds % 60)} min`;
  return `${pair(Math.floor(minutes / 60), minutes % 60)} h`;
}

/** A real number with four significant digits, three in the form `2.55e-6`. */
export function formatReal(value: number): string {
  const magnitude = Math.abs(value);
  if (!Number.isFinite(value) || value === 0) return String(value);
  if (magnitude >= 1e-3 && magnitude < 1e7) return String(Number(value.toPrecision(4)));
  return value
    .toExponential(2)
    .replace(/\.?0+e/, 'e')
    .replace('e+', 'e');
}

/** A shape as `[1, 3, 48, ?]`; a scalar is `[]`. */
export function formatShape(shape: readonly (number | string)[] | null): string {
  return shape === null ? UNKNOWN : `[${shape.join(', ')}]`;
}

/** `1 run`, `2 runs`. */
export function formatNumberOf(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

function scaled(value: number, base: number, units: readonly string[]): string {
  let exponent = 0;
  let mantissa = value / base;
  // 999.5 would be written as 1000 of its unit.
  while (mantissa >= Math.min(base, 999.5) && exponent < units.length - 1) {
    mantissa /= base;
    exponent++;
  }
  const digits = mantissa < 9.995 ? 2 : mantissa < 99.95 ? 1 : 0;
  return `${mantissa.toFixed(digits)} ${units[exponent]}`;
}
