/** Numbers as the page writes them. */

const COUNT = new Intl.NumberFormat('en', { maximumFractionDigits: 0 });

/** With separators, and its unit. */
export function formatBytes(bytes: number): string {
  return `${COUNT.format(bytes)} B`;
}

/** Three digits are enough to compare times. */
export function formatMs(ms: number): string {
  if (ms >= 100) return `${ms.toFixed(0)} ms`;
  return ms >= 10 ? `${ms.toFixed(1)} ms` : `${ms.toFixed(2)} ms`;
}

/** A share as per cent. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  return `${percent >= 10 ? percent.toFixed(0) : percent.toFixed(1)} %`;
}

/** Three significant digits, without an exponent for numbers that people read without one. */
export function formatNumber(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  return size >= 1e5 || size < 1e-3 ? value.toExponential(1) : String(Number(value.toPrecision(3)));
}

/** A whole number with separators. */
export function formatCount(count: number): string {
  return COUNT.format(count);
}

/** Names of classes may say a lot. */
export function shorten(text: string, length: number): string {
  return text.length <= length ? text : `${text.slice(0, length - 1)}…`;
}
