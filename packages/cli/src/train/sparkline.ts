/** A curve in one line of text. */

const BARS = '▁▂▃▄▅▆▇█';

/**
 * Draws the course of positive numbers, the oldest at the left, on a logarithmic scale.
 * @param width - characters at most; longer courses are shown by the mean of each part
 */
export function sparkline(values: readonly number[], width: number): string {
  if (values.length === 0) return '';
  const count = Math.min(width, values.length);
  const parts = Array.from({ length: count }, (_, i) => {
    const part = values.slice(
      Math.floor((i * values.length) / count),
      Math.floor(((i + 1) * values.length) / count),
    );
    return Math.log(part.reduce((sum, value) => sum + value, 0) / part.length);
  });
  const low = Math.min(...parts);
  const range = Math.max(...parts) - low;
  const levelOf = (value: number): number => (range > 0 ? (value - low) / range : 0);
  return parts.map((value) => BARS[Math.round(levelOf(value) * (BARS.length - 1))]).join('');
}
