/** Tables of coded rates: what coders, contexts, the choice among them and lossless frames take. */

import { elementsOf, groupBy } from './table-values.mjs';

/** Tensors on which the binary coder's constants were chosen: they are no fair test of it. */
const TUNED_ON = new Set([
  ...['resnet56_cifar10/stage1', 'resnet56_cifar10/stage2', 'resnet56_cifar10/stage3'],
  ...['squeezenet1_1/pool3', 'squeezenet1_1/pool5', 'mobilenetv1_qat/conv13'],
  ...['mobilenetv2_qat/add36', 'mobilenetv2_qat/add58', 'densenet40_cifar10/transition2'],
]);

export function entropyTable({ command, machine, settings, rows }) {
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

export function sizeBoundTable({ command, seeds, rows, bounds }) {
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

export function contextRatesTable({ command, machine, settings, rows }) {
  const rate = (value) => (value === null ? '-' : value.toFixed(3));
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  const isMap = ({ shape }) => shape.length === 3;
  const groups = [
    ['rectified maps', (row) => isMap(row) && !row.signed],
    ['signed maps', (row) => isMap(row) && row.signed],
    ['tokens', (row) => !isMap(row)],
  ];
  const kinds = [
    ['speed', 'contexts'],
    ['least, fine', 'contextsFine'],
  ];
  const summary = groups.flatMap(([features, belongs]) =>
    [4, 6, 8, 12].flatMap((levelCount) =>
      kinds.map(([preference, rateOf]) => {
        const group = rows.filter((row) => belongs(row) && row.levelCount === levelCount);
        const savings = group.map((row) => 1 - row[rateOf] / row.entropy);
        const smaller = (peer) => {
          const known = group.filter((row) => row[peer] !== null);
          return `${known.filter((row) => row[rateOf] < row[peer]).length} of ${known.length}`;
        };
        const mean = savings.reduce((sum, value) => sum + value, 0) / savings.length;
        const cells = [features, levelCount, preference, percent(mean), percent(Math.min(...savings))];
        return [...cells, smaller('jpegXl'), smaller('ffv1'), smaller('binary')];
      }),
    ),
  );
  const { trainingImages, trainingLines, testImages, testLines } = settings;
  return [
    `From \`${command} --images ${testImages} > results/context-rates.json\`, ${testImages} test images (${testLines} lines), models from ${Object.values(trainingImages).join(', ')} others by size of the input (${trainingLines} lines); ${machine.processor}, Node ${machine.node}.`,
    '',
    'What contexts save against order-0 entropy, on average and at least, and on how many tensors they are the smaller:',
    '',
    '| features | levels | model for | saved, mean | saved, least | smaller than JPEG XL | than FFV1 | than binary |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...summary.map((cells) => `| ${cells.join(' | ')} |`),
    '',
    'Bits per element:',
    '',
    '| network | tensor | shape | levels | order-0 entropy | contexts, for speed | saved | contexts, fine | binary | JPEG XL | FFV1 | models, bytes |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const names = [row.network, `\`${row.tensor}\``, row.shape.join('×'), row.levelCount];
      const saved = percent(1 - row.contexts / row.entropy);
      const contexts = [rate(row.contexts), saved, rate(row.contextsFine)];
      const rates = [rate(row.entropy), ...contexts, rate(row.binary), rate(row.jpegXl)];
      const models = `${row.modelBytes}, ${row.modelBytesFine}`;
      return `| ${[...names, ...rates, rate(row.ffv1), models].join(' | ')} |`;
    }),
  ];
}

export function losslessTable({ command, machine, settings, rows }) {
  const peers = Object.keys(rows[0].bits).filter((name) => !['rans', 'auto', 'binary'].includes(name));
  const titles = { Shuffled: ', shuffled' };
  const titleOf = (peer) => peer.replace(/Shuffled$/, (suffix) => titles[suffix]);
  const rate = (value) => value.toFixed(2);
  const best = ({ bits }) => Math.min(...peers.map((peer) => bits[peer]));
  const median = (list) => list.sort((a, b) => a - b)[list.length >> 1];
  const ratios = (way, coder, peer) => rows.map((row) => row[way][coder] / row[way][peer]);
  const spread = (list) =>
    `${median(list).toFixed(1)} (${Math.min(...list).toFixed(1)} … ${Math.max(...list).toFixed(1)})`;
  const smaller = (coder) => rows.filter((row) => row.bits[coder] < best(row)).length;
  const saved = (coder) => {
    const shares = rows.map((row) => 100 * (1 - row.bits[coder] / best(row)));
    return `${median(shares).toFixed(1)} % (${Math.min(...shares).toFixed(1)} … ${Math.max(...shares).toFixed(1)} %)`;
  };
  return [
    `From \`${command} --images ${settings.images} > results/lossless.json\`, ${settings.images} images; gzip at level ${settings.gzipLevel}, brotli at quality ${settings.brotliQuality}; ${machine.processor}, Node ${machine.node}, backend ${machine.backend}.`,
    '',
    'Against the smallest of the others for each tensor, median over the tensors with least and most:',
    '',
    '| coder | tensors | smaller than all others | saved |',
    '| --- | --- | --- | --- |',
    ...['auto', 'binary'].map(
      (coder) => `| ${coder} | ${rows.length} | ${smaller(coder)} | ${saved(coder)} |`,
    ),
    '',
    'CPU time over that of the others, median over the tensors with least and most; below 1 is faster:',
    '',
    '| over | encoding, auto | encoding, binary | decoding, auto | decoding, binary |',
    '| --- | --- | --- | --- | --- |',
    ...peers.map((peer) => {
      const cells = ['encodeCpuMs', 'decodeCpuMs'].flatMap((way) =>
        ['auto', 'binary'].map((coder) => spread(ratios(way, coder, peer))),
      );
      return `| ${[titleOf(peer), ...cells].join(' | ')} |`;
    }),
    '',
    'Bits per element, and encoding and decoding time of `auto` over brotli of shuffled bytes:',
    '',
    `| network | tensor | shape | auto | binary | ${peers.map(titleOf).join(' | ')} | encoding | decoding |`,
    `| --- | --- | --- | --- | --- | ${peers.map(() => '---').join(' | ')} | --- | --- |`,
    ...rows.map((row) => {
      const { bits, encodeCpuMs, decodeCpuMs } = row;
      const cells = [
        row.network,
        `\`${row.tensor}\``,
        row.shape.join('×'),
        rate(bits.auto),
        rate(bits.binary),
      ];
      const others = peers.map((peer) => rate(bits[peer]));
      const times = [encodeCpuMs, decodeCpuMs].map((ms) => (ms.auto / ms.brotliShuffled).toFixed(1));
      return `| ${[...cells, ...others, ...times].join(' | ')} |`;
    }),
  ];
}

export function regretTable({ command, machine, rows }) {
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  const groups = [
    ['up to 131,072 elements', ({ shape }) => elementsOf(shape) <= 131_072],
    ['above, up to 16 levels', ({ shape, levelCount }) => elementsOf(shape) > 131_072 && levelCount <= 16],
    ['above, 64 levels', ({ shape, levelCount }) => elementsOf(shape) > 131_072 && levelCount > 16],
  ];
  return [
    `From \`${command} > results/chooser-regret.json\`; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| tensors | cases | mean | median | 95th percentile | worst | time of auto, of all |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...groups.map(([name, belongs]) => {
      const list = rows.filter(belongs);
      const sorted = list.map(({ regret }) => regret).sort((a, b) => a - b);
      const at = (share) => percent(sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))]);
      const mean = percent(sorted.reduce((sum, value) => sum + value, 0) / sorted.length);
      const time = (key) => `${(list.reduce((sum, row) => sum + row[key], 0) / 1000).toFixed(1)} s`;
      const cells = [name, list.length, mean, at(0.5), at(0.95), percent(sorted.at(-1))];
      return `| ${[...cells, `${time('autoMs')}, ${time('allMs')}`].join(' | ')} |`;
    }),
  ];
}
