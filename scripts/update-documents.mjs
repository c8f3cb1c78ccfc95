/**
 * Puts the figures of committed result files into the documents, so that what is printed there is what was measured:
 * the demo's table into README.md, coded rates and the size bound into docs/results.md.
 *
 * Usage: npm run --silent start -- --json > results/demo.json
 *        node bench/entropy-table.mjs > results/entropy-table.json
 *        node bench/size-bound.mjs > results/size-bound.json
 *        node scripts/update-documents.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatDemoTable } from '@featherwire/demo';

/** Tensors on which the binary coder's constants were chosen: they are no fair test of it. */
const TUNED_ON = new Set([
  ...['resnet56_cifar10/stage1', 'resnet56_cifar10/stage2', 'resnet56_cifar10/stage3'],
  ...['squeezenet1_1/pool3', 'squeezenet1_1/pool5', 'mobilenetv1_qat/conv13'],
  ...['mobilenetv2_qat/add36', 'mobilenetv2_qat/add58', 'densenet40_cifar10/transition2'],
]);

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const read = (name) => JSON.parse(readFileSync(path(name), 'utf8'));

const demo = formatDemoTable(read('results/demo.json'));
fill('README.md', 'results/demo.json', [
  'From `npm run --silent start -- --json > results/demo.json`:',
  '',
  '```',
  demo,
  '```',
]);
fill('docs/results.md', 'results/entropy-table.json', entropyTable(read('results/entropy-table.json')));
fill('docs/results.md', 'results/size-bound.json', sizeBoundTable(read('results/size-bound.json')));

/** Replaces what stands between the marks of a result file. */
function fill(document, source, lines) {
  const start = `<!-- ${source} -->\n`;
  const end = `<!-- /${source} -->`;
  const text = readFileSync(path(document), 'utf8');
  const from = text.indexOf(start);
  const to = text.indexOf(end);
  if (from < 0 || to < from) throw new Error(`${document} expected the marks of ${source}, got none`);
  writeFileSync(
    path(document),
    `${text.slice(0, from + start.length)}\n${lines.join('\n')}\n\n${text.slice(to)}`,
  );
}

function entropyTable({ command, machine, settings, rows }) {
  const signed = (row) => (row.signed ? 'signed' : 'rectified');
  const rate = (value) => (value === null ? '-' : value.toFixed(3));
  const saved = (part, whole) => `${(100 * (1 - part / whole)).toFixed(0)} %`;
  const mean = (list, value) => list.reduce((sum, row) => sum + value(row), 0) / list.length;
  const isTuned = ({ network, tensor }) => TUNED_ON.has(`${network}/${tensor}`);
  const groups = [
    ['rectified', 'not tuned on', (row) => !row.signed && !isTuned(row)],
    ['signed', 'not tuned on', (row) => row.signed && !isTuned(row)],
    ['rectified', 'all', (row) => !row.signed],
    ['signed', 'all', (row) => row.signed],
  ];
  const summary = groups.flatMap(([features, which, belongs]) =>
    [4, 6, 8, 12].map((levelCount) => {
      const group = rows.filter((row) => belongs(row) && row.levelCount === levelCount);
      const against = (peer) => {
        const known = group.filter((row) => row[peer] !== null);
        return known.length === 0
          ? '-'
          : `${(100 * mean(known, (row) => 1 - row.binary / row[peer])).toFixed(1)} %`;
      };
      const smaller = (peer) =>
        `${group.filter((row) => row[peer] !== null && row.binary < row[peer]).length}`;
      const cells = [features, which, levelCount, group.length, against('entropy'), against('rans')];
      return [...cells, against('jpegXl'), smaller('jpegXl'), against('ffv1'), smaller('ffv1')];
    }),
  );
  return [
    `From \`${command} --images ${settings.testImages} > results/entropy-table.json\`, ${settings.testImages} test images, limits from ${settings.calibrationImages} others; ${machine.processor}, Node ${machine.node}.`,
    '',
    'What the binary coder saves, as a mean over the tensors, and on how many of them its frames are the smaller:',
    '',
    '| features | tensors | levels | number | against order-0 entropy | against rANS frames | against JPEG XL | smaller | against FFV1 | smaller |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...summary.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    'Bits per element:',
    '',
    '| network | tensor | shape | features | levels | order-0 entropy | rANS | binary | saved | JPEG XL | FFV1 |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) =>
      [
        ...[
          '',
          row.network,
          `\`${row.tensor}\`${isTuned(row) ? ' *' : ''}`,
          row.shape.join('×'),
          signed(row),
          row.levelCount,
          rate(row.entropy),
        ],
        ...[
          rate(row.rans),
          rate(row.binary),
          saved(row.binary, row.entropy),
          rate(row.jpegXl),
          rate(row.ffv1),
          '',
        ],
      ]
        .join(' | ')
        .trim(),
    ),
  ];
}

function sizeBoundTable({ command, seeds, rows, bounds }) {
  const names = { tunedOn: 'tuned on', watched: 'watched', fresh: 'fresh' };
  const byName = groupBy(rows, (row) => row.name);
  const ends = (list) => list.flatMap((row) => (row.over > 0 ? [row.elements] : []));
  return [
    `From \`${command} > results/size-bound.json\`: sizes 2^10 to 2^22, 13 level counts from 2 to 256, 2 ranges, ${seeds.length} seeds up to 2^14 elements and one above.`,
    '',
    '| distribution | | cases | over the bound | by at most, bytes | with levels from | with elements up to |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...[...byName].map(([name, list]) => {
      const sum = (value) => list.reduce((total, row) => total + value(row), 0);
      const over = sum((row) => row.over);
      const cells = [name, names[list[0].group], sum((row) => row.cases), over];
      if (over === 0) return `| ${[...cells, '-', '-', '-'].join(' | ')} |`;
      const fewest = Math.min(...list.map((row) => row.fewestLevelsOver ?? Infinity));
      const most = Math.max(...list.map((row) => row.maxBytesOver));
      return `| ${[...cells, most, fewest, Math.max(...ends(list))].join(' | ')} |`;
    }),
    '',
    'Bytes by which the best code for all sequences exceeds the empirical entropy on the worst of them, headers aside:',
    '',
    '| elements | 64 levels | 100 levels | 128 levels | 256 levels |',
    '| --- | --- | --- | --- | --- |',
    ...[...groupBy(bounds, (bound) => bound.elements)].map(
      ([elements, list]) =>
        `| ${elements} | ${list.map((bound) => bound.leastRedundancyBytes).join(' | ')} |`,
    ),
  ];
}

function groupBy(list, keyOf) {
  const groups = new Map();
  for (const item of list) groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]);
  return groups;
}
