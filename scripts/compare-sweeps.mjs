/**
 * Compares two runs of `featherwire eval`: every row but for its times, and every stage but for its times, must be the same.
 * Prints what differs and exits with 1 if anything does.
 *
 * Usage: node scripts/compare-sweeps.mjs A/sweep.json B/sweep.json
 */
import { readFileSync } from 'node:fs';

const [first, second] = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')));
if (!second) {
  process.stderr.write('expected two files of featherwire eval\n');
  process.exit(2);
}
const [a, b] = [rowsOf(first), rowsOf(second)];
const keys = new Set([...a.keys(), ...b.keys()]);
const different = [...keys].filter((key) => a.get(key) !== b.get(key));
for (const key of different)
  process.stdout.write(`${key}\n  ${a.get(key) ?? 'missing'}\n  ${b.get(key) ?? 'missing'}\n`);
process.stdout.write(`${keys.size - different.length} of ${keys.size} rows are the same\n`);
process.exit(different.length === 0 && keys.size > 0 ? 0 : 1);

/** What does not depend on the clock, by subject and method. */
function rowsOf({ seed, subjects }) {
  return new Map(
    subjects.flatMap(({ name, metric, rows, skipped }) => [
      ...rows.map(({ encodeMs, decodeMs, programs, ...row }) => [
        `${name}: ${row.method}`,
        JSON.stringify({ seed, unsplit: metric.unsplit, ...row }),
      ]),
      ...skipped.map(({ method, reason }) => [`${name}: ${method}`, reason]),
    ]),
  );
}
