/** Ladders of operating points as measured by `bench/accuracy-rates.mjs`: the best of its codings by bytes and loss. */
import { readFileSync } from 'node:fs';

/** @returns `{ name, unsplit, points }` of a cut in results/accuracy-rates.json, by ascending bytes and descending loss */
export function measuredLadder(network, tensor) {
  const report = JSON.parse(
    readFileSync(new URL('../../results/accuracy-rates.json', import.meta.url), 'utf8'),
  );
  const row = report.rows.find((entry) => entry.network === network && entry.tensor === tensor);
  const elements = row.shape.reduce((product, length) => product * length, 1);
  const tried = row.tried
    .filter(({ rates }) => Object.keys(rates).length > 0)
    .map(({ quantizer, loss, rates }) => ({
      id: quantizer,
      bytes: Math.round((Math.min(...Object.values(rates)) * elements) / 8),
      loss: Math.max(0, loss), // a coding that is better by chance is as good as none
    }))
    .sort((a, b) => a.bytes - b.bytes || a.loss - b.loss);
  const points = tried.filter(({ loss }, i) => tried.slice(0, i).every((other) => other.loss > loss));
  return { name: `${network} ${tensor}`, unsplit: row.accuracy, points };
}
