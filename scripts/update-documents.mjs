/**
 * Puts the figures of committed result files into the documents, so that what is printed there is what was measured:
 * the demo's table into README.md, coded rates, the size bound, the speed of contexts and of whole calls, lossless coding and
 * proofs of cuts into docs/results.md.
 *
 * Usage: npm run --silent start -- --json > results/demo.json
 *        node bench/entropy-table.mjs > results/entropy-table.json
 *        node bench/size-bound.mjs > results/size-bound.json
 *        node bench/context-rates.mjs > results/context-rates.json
 *        node bench/context-speed.mjs > results/context-speed.json
 *        node bench/codec-speed.mjs > results/codec-speed.json
 *        node bench/lossless.mjs > results/lossless.json
 *        node bench/accuracy-rates.mjs > results/accuracy-rates.json
 *        node bench/plan-check.mjs > results/plan-check.json
 *        node bench/chooser-regret.mjs > results/chooser-regret.json
 *        node bench/calibration.mjs (writes results/calibration.json cut by cut)
 *        node bench/x265-rates.mjs > results/x265-rates.json
 *        node scripts/check-cuts.mjs --json results/cuts.json MODEL…
 *        node bench/train-step.mjs > results/train-step.json
 *        node bench/train-units.mjs --out results/train-units.json
 *        node bench/papers.mjs > results/papers.json
 *        node bench/privacy.mjs > results/privacy.json
 *        featherwire eval --suite bench/suites/eval.json --quick (its sweep.json is results/eval-quick.json)
 *        featherwire eval --suite bench/suites/npm.json --quick (its sweep.json is results/eval-npm-quick.json)
 *        node scripts/update-documents.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatDemoTable } from '@featherwire/demo';
import { bytesOf, contendersOf, familiesAtLoss } from '@featherwire/report';

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
fill('docs/results.md', 'results/context-rates.json', contextRatesTable(read('results/context-rates.json')));
fill('docs/results.md', 'results/context-speed.json', contextSpeedTable(read('results/context-speed.json')));
fill('docs/results.md', 'results/codec-speed.json', codecSpeedTable(read('results/codec-speed.json')));
fill('docs/results.md', 'results/lossless.json', losslessTable(read('results/lossless.json')));

fill('docs/results.md', 'results/calibration.json', calibrationTable(read('results/calibration.json')));
fill('docs/results.md', 'results/accuracy-rates.json', accuracyTable(read('results/accuracy-rates.json')));
fill('docs/results.md', 'results/plan-check.json', planCheckTable(read('results/plan-check.json')));
fill('docs/results.md', 'results/chooser-regret.json', regretTable(read('results/chooser-regret.json')));
fill('docs/results.md', 'results/x265-rates.json', videoTable(read('results/x265-rates.json')));

fill('docs/results.md', 'results/cuts.json', cutsTable(read('results/cuts.json')));

fill('docs/training.md', 'results/train-step.json', trainStepLines(read('results/train-step.json')));
fill('docs/training.md', 'results/train-units.json', trainUnitsTable(read('results/train-units.json')));

fill('docs/papers.md', 'results/papers.json', papersTable(read('results/papers.json')));

fill('docs/privacy.md', 'results/privacy.json', privacyTable(read('results/privacy.json')));

for (const source of ['results/eval-quick.json', 'results/eval-npm-quick.json'])
  fill('docs/evaluation.md', source, evaluationTables(read(source)));

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

function contextRatesTable({ command, machine, settings, rows }) {
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
    ['size', 'contextsForSize'],
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
    '| network | tensor | shape | levels | order-0 entropy | contexts, for speed | saved | contexts, for size | binary | JPEG XL | FFV1 | model, bytes |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const names = [row.network, `\`${row.tensor}\``, row.shape.join('×'), row.levelCount];
      const saved = percent(1 - row.contexts / row.entropy);
      const contexts = [rate(row.contexts), saved, rate(row.contextsForSize)];
      const rates = [rate(row.entropy), ...contexts, rate(row.binary), rate(row.jpegXl)];
      return `| ${[...names, ...rates, rate(row.ffv1), row.modelBytes].join(' | ')} |`;
    }),
  ];
}

function codecSpeedTable({ command, machine, settings, rows }) {
  return [
    `From \`${command} > results/codec-speed.json\`, ${settings.rounds} rounds in turns; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| levels | what | bits per element | ms | G elements/s | share of a copy |',
    '| --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ levelCount, name, bitsPerElement, milliseconds, gigaElements, shareOfCopy }) => {
      const bits = bitsPerElement === null ? '-' : bitsPerElement.toFixed(3);
      const figures = [milliseconds.toFixed(3), gigaElements.toFixed(2), shareOfCopy.toFixed(2)];
      return `| ${[levelCount, name, bits, ...figures].join(' | ')} |`;
    }),
  ];
}

function contextSpeedTable({ command, machine, settings, rows }) {
  return [
    `From \`${command} > results/context-speed.json\`, ${settings.rounds} rounds in turns; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| feature | levels | model for | bits, order-0 | bits, contexts | order-0, M elements/s, encode / decode | contexts | ratio, encode | ratio, decode |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(
      ({
        name,
        shape,
        levelCount,
        preference,
        order0Bits,
        contextBits,
        encodeRatio,
        decodeRatio,
        ...row
      }) => {
        const rates = row.millionElementsPerSecond;
        const order0 = `${rates.encodeOrder0} / ${rates.decodeOrder0}`;
        const contexts = `${rates.encodeContexts} / ${rates.decodeContexts}`;
        const bits = [order0Bits.toFixed(3), contextBits.toFixed(3)];
        const ratios = [encodeRatio.toFixed(2), decodeRatio.toFixed(2)];
        return `| ${[`${name}, ${shape.join('×')}`, levelCount, preference, ...bits, order0, contexts, ...ratios].join(' | ')} |`;
      },
    ),
  ];
}

function losslessTable({ command, machine, settings, rows }) {
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

function calibrationTable({ command, machine, maxLoss, rows }) {
  const loss = ({ loss, interval: [low, high] }) =>
    `${loss.toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
  const saved = (row, kind) => {
    const found = row.comparisons.find((own) => own.kind === kind);
    return found ? `${found.bytes.toFixed(0)} (${found.savedPercent.toFixed(0)} %)` : '-';
  };
  return [
    `From \`${command}\`, at most ${maxLoss} point of loss; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| network | tensor | elements | coding | bytes | loss claimed | bytes on test | loss on test | one range | one step of coefficients |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const point = row.ladder.find(({ id }) => id === row.chosen);
      if (!point || !row.test)
        return `| ${row.network} | \`${row.tensor}\` | ${row.elements} | none found | - | - | - | - | - | - |`;
      const cells = [
        row.network,
        `\`${row.tensor}\``,
        row.elements,
        point.family,
        point.bytes,
        loss(point),
        row.test.bytes,
        loss(row.test),
        saved(row, 'range'),
        saved(row, 'coefficients'),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    '',
    `Samples: ${rows.map(({ tensor, samples: s }) => `\`${tensor}\` ${s.design} for design, ${s.selection} for choosing, ${s.claim} for the claim, ${s.test} for the test`).join('; ')}.`,
  ];
}

function accuracyTable({ command, machine, settings, rows }) {
  const percent = (value) => `${(100 * value).toFixed(0)} %`;
  const cell = (found) =>
    found ? `${found.rate.toFixed(3)} (${found.quantizer}; ${signedPoints(found.loss)})` : 'none';
  const savings = (method) =>
    rows.filter((row) => row[method] && row.ours).map((row) => 1 - row.ours.rate / row[method].rate);
  const summary = ['a', 'b'].map((method) => {
    const list = savings(method);
    const mean = list.reduce((sum, value) => sum + value, 0) / list.length;
    const fewer = list.filter((value) => value > 0).length;
    return `| ${[method.toUpperCase(), `${fewer} of ${rows.length}`, percent(mean), percent(Math.min(...list))].join(' | ')} |`;
  });
  const { testImages, calibrationImages } = settings;
  return [
    `From \`${command} > results/accuracy-rates.json\`, ${Object.values(testImages).join(' and ')} test images (CIFAR-10 and ImageNet), designs from ${Object.values(calibrationImages).join(' and ')} others; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| against | fewer bits | saved, mean | saved, least |',
    '| --- | --- | --- | --- |',
    ...summary,
    '',
    'Bits per element (quantizer; loss in points of top-1):',
    '',
    '| network | tensor | shape | unsplit top-1 | A | B | ours |',
    '| --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const { network, tensor, shape, accuracy, a, b, ours } = row;
      const cells = [
        network,
        `\`${tensor}\``,
        shape.join('×'),
        accuracy.toFixed(1),
        cell(a),
        cell(b),
        cell(ours),
      ];
      return `| ${cells.join(' | ')} |`;
    }),
  ];
}

function signedPoints(loss) {
  return `${loss > 0 ? '−' : '+'}${Math.abs(loss).toFixed(1)}`;
}

function regretTable({ command, machine, rows }) {
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

function elementsOf(shape) {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

function planCheckTable({
  command,
  machine,
  settings,
  medianPlannedError,
  medianPredictedError,
  rows,
  breakEvens,
}) {
  const percent = (value) => `${(100 * value).toFixed(1)} %`;
  const confirmed = (points) => `${points.filter((point) => point.confirmed).length} of ${points.length}`;
  const { samples, deviceSlowdown, loadBefore, loadAfter } = settings;
  return [
    `From \`${command} > results/plan-check.json\`, ${samples} samples, a device ${deviceSlowdown} times as slow as the machine; ${machine.processor}, ${machine.cores} cores with a load of ${loadBefore.toFixed(1)} before and ${loadAfter.toFixed(1)} after, Node ${machine.node}.`,
    '',
    `Median error of totals predicted from stages measured in turns: ${percent(medianPredictedError)}; planned from stages measured beforehand: ${percent(medianPlannedError)}.`,
    '',
    '| way | link | bytes up | planned, ms | predicted, ms | measured, ms | error, planned | error, predicted |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map(({ way, link, bytes, plannedMs, predictedMs, measuredMs, plannedError, predictedError }) => {
      const times = [plannedMs, predictedMs, measuredMs].map((ms) => ms.toFixed(1));
      return `| ${[way, link, Math.round(bytes), ...times, percent(plannedError), percent(predictedError)].join(' | ')} |`;
    }),
    '',
    '| break-even, Mbit/s | below | above | points at which the right one was faster | at Mbit/s: below, above, ms |',
    '| --- | --- | --- | --- | --- |',
    ...breakEvens.map(({ mbps, below, above, points }) => {
      const times = points.map((point) => `${point.mbps}: ${point.belowMs}, ${point.aboveMs}`).join('; ');
      return `| ${[mbps, below, above, confirmed(points), times].join(' | ')} |`;
    }),
  ];
}

function cutsTable({ command, machine, rows }) {
  const shapeOf = (shape) => (shape ? shape.join('×') : '?');
  const sum = (list) => list.reduce((total, count) => total + count, 0);
  return [
    `From \`${command} --json results/cuts.json MODEL…\`; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| model | inputs | nodes | cuts | of one tensor | of two | of more | at most | tensors refused | proved | failed | largest error | listing, CPU ms |',
    '| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |',
    ...rows.map((row) => {
      const inputs = Object.entries(row.inputs).map(([name, shape]) => `${name} ${shapeOf(shape)}`);
      const values = Object.entries(row.values).map(([name, elements]) => `${name}=${elements.join(',')}`);
      const [one, two, ...more] = row.setsOf;
      const counts = [row.nodes, sum(row.setsOf), one, two, sum(more), row.setsOf.length, row.refused];
      const error = row.worstError === 0 ? '0' : row.worstError.toExponential(1);
      const proof = [row.proved, row.failures, error, row.listCpuMs];
      return `| ${[row.model, [...inputs, ...values].join(', '), ...counts, ...proof].join(' | ')} |`;
    }),
  ];
}

function trainStepLines({ command, machine, batch, rounds, parameters, ...measured }) {
  const { stepCpuMs, convolutionsCpuMs, stepOverConvolutions, stepMemoryMiB } = measured;
  const spread = ({ median, p10, p90 }, unit) => `${median}${unit} (${p10} to ${p90})`;
  return [
    `From \`${command} > results/train-step.json\` (${machine.processor}, Node ${machine.node}, one thread, median and 10th to 90th percentile of ${rounds} alternating rounds):`,
    '',
    `A step of batch ${batch} with ${parameters} parameters takes ${spread(stepCpuMs, ' ms')} of CPU time, the tail's convolutions alone, forward and backward, ${spread(convolutionsCpuMs, ' ms')}: ${spread(stepOverConvolutions, ' times')}. Loading and running it takes ${stepMemoryMiB} MiB.`,
    '',
  ];
}

function trainUnitsTable({ command, machine, rows }) {
  const points = (length) => (length < 0 ? '−' : '') + Math.abs(length).toFixed(2);
  const lines = rows
    .filter(({ test }) => test)
    .flatMap(({ id, network, tensor, latentShape, parameters, codings, heldOut, test }) =>
      codings.map((coding, c) => {
        const { bytes, metric, loss, interval } = test.points[c];
        return [
          `${id}: ${network} \`${tensor}\``,
          latentShape ? latentShape.join(' × ') : 'no unit',
          parameters ?? '',
          coding,
          bytes.toFixed(1),
          points(heldOut.points[c].loss),
          `${metric.toFixed(2)} of ${test.whole.toFixed(2)}`,
          `${points(loss)} (${interval.map(points).join(' to ')})`,
        ].join(' | ');
      }),
    );
  return [
    `From \`${command} --out results/train-units.json\` (${machine.processor}, Node ${machine.node}):`,
    '',
    '| unit | latent | parameters | coding | bytes per item | loss on held-out inputs | top-1 %, or character errors % | loss in points (95 %) |',
    '| --- | --- | ---: | --- | ---: | ---: | --- | --- |',
    ...lines.map((line) => `| ${line} |`),
    '',
  ];
}

function videoTable({ command, machine, settings, rows }) {
  const { testImages, calibrationImages, lambda } = settings;
  const percent = (value) =>
    value === null ? 'none shared' : `${value > 0 ? '+' : '−'}${Math.abs(value).toFixed(0)} %`;
  const ways = rows[0].ours.map(({ way }) => way);
  const below = (way, quality) =>
    rows.filter(({ ours }) => (ours.find((one) => one.way === way)[quality] ?? 0) < 0).length;
  return [
    `From \`${command} > results/x265-rates.json\`, ${Object.values(testImages).join(' and ')} test images (CIFAR-10 and ImageNet), bases from ${Object.values(calibrationImages).join(' and ')} others, lambda ${lambda}; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| ours | fewer bits than x265 at equal accuracy | at equal divergence |',
    '| --- | --- | --- |',
    ...ways.map(
      (way) =>
        `| ${way} | ${below(way, 'byAccuracy')} of ${rows.length} | ${below(way, 'byDivergence')} of ${rows.length} |`,
    ),
    '',
    'Bjøntegaard rates against x265, at equal accuracy and at equal divergence:',
    '',
    `| network | tensor | shape | unsplit top-1 | profile, kB | ${ways.join(' | ')} |`,
    `| --- | --- | --- | --- | --- | ${ways.map(() => '---').join(' | ')} |`,
    ...rows.map(({ network, tensor, shape, accuracy, profileBytes, ours }) => {
      const rates = ours.map(
        ({ byAccuracy, byDivergence }) => `${percent(byAccuracy)}, ${percent(byDivergence)}`,
      );
      const cells = [
        network,
        `\`${tensor}\``,
        shape.join('×'),
        accuracy.toFixed(1),
        (profileBytes / 1000).toFixed(0),
      ];
      return `| ${[...cells, ...rates].join(' | ')} |`;
    }),
  ];
}

function papersTable({ command, machine, claims }) {
  const measured = claims.filter(({ figures }) => figures);
  return [
    `From \`${command} > results/papers.json\`; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| claim | published | here | under which conditions | source |',
    '| --- | --- | --- | --- | --- |',
    ...measured.map(({ id, published, figures, conditions, source }) => {
      const list = figures.map(({ label, value }) => `${label}: ${value}`).join('<br>');
      return `| ${[id, published, list, conditions, source].join(' | ')} |`;
    }),
    '',
    'Not compared:',
    '',
    ...claims
      .filter(({ reason }) => reason)
      .map(({ id, published, reason }) => `- **${id}**, ${published}. ${reason}`),
  ];
}

function privacyTable({ command, machine, settings, rows }) {
  const estimate = ({ value, low, high }, digits) =>
    `${value.toFixed(digits)} (${low.toFixed(digits)} to ${high.toFixed(digits)})`;
  const quality = ({ psnr, ssim }) => [estimate(psnr, 2), estimate(ssim, 3)];
  const { knownPictures, testPictures, seed } = settings;
  return [
    `From \`${command} > results/privacy.json\`: ${testPictures} test pictures, fitted to ${knownPictures} training pictures, seed ${seed}; ${machine.processor}, Node ${machine.node}.`,
    '',
    '| cut | shape | what is seen | bytes | bits per element | PSNR, dB | SSIM |',
    '| --- | --- | --- | ---: | ---: | --- | --- |',
    ...rows.flatMap(({ cut, shape, meanPicture, points }) => {
      const place = [`\`${cut}\``, shape.join('×')];
      return [
        [...place, 'nothing: the mean picture', '0', '0', ...quality(meanPicture)],
        ...points.map((point) => [
          ...place,
          ...[point.method, point.bytes.toFixed(0), point.bitsPerElement.toFixed(3), ...quality(point)],
        ]),
      ].map((cells) => `| ${cells.join(' | ')} |`);
    }),
  ];
}

/** Where splitting loses, then every family of each cut at the loss that is allowed. */
function evaluationTables(report) {
  const { command, commit, machine, seed, subjects, maxLoss } = report;
  const percent = (value) => `${(100 * value).toFixed(2)} %`;
  const bytes = (row) => (row ? bytesOf(row).toFixed(0) : 'never');
  const list = subjects.map((subject) => contendersOf(subject, maxLoss));
  const order = ['loses', 'open', 'wins'];
  list.sort((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
  const losing = list.filter(({ verdict }) => verdict === 'loses').length;
  const share = ({ headMacs, wholeMacs }) =>
    headMacs && wholeMacs ? `${((100 * headMacs) / wholeMacs).toFixed(0)} %` : 'unknown';
  return [
    `From \`${command}\` at commit ${commit}, seed ${seed}; ${machine.processor}, ${machine.cores} cores, Node ${machine.node}.`,
    '',
    `Splitting takes more bytes than the picture on ${losing} of ${list.length} cuts at a loss of at most ${percent(maxLoss)}:`,
    '',
    '| cut | splitting | our bytes | picture bytes | best other coder of the feature | MACs on the device | ours | picture |',
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...list.map(({ subject, ours, picture, baseline, verdict }) =>
      [
        ...['', subject.name, verdict, bytes(ours), bytes(picture)],
        ...[baseline ? `${bytes(baseline)}, ${baseline.method}` : 'never', share(subject.detail)],
        ...[ours?.method ?? '', picture?.method ?? '', ''],
      ]
        .join(' | ')
        .trim(),
    ),
    ...list.flatMap((contenders) => familyTable(contenders, maxLoss, percent)),
  ];
}

function familyTable({ subject, ours }, maxLoss, percent) {
  const { name, data, metric, skipped } = subject;
  const reference = ours?.family ?? '';
  const reasons = new Set(skipped.map(({ method, reason }) => `${method} (${reason})`));
  return [
    '',
    `**${name}**. ${data}. Unsplit: ${metric.name} ${percent(metric.unsplit)}.`,
    '',
    `| family | setting | bytes | loss | 95 % interval | encode ms | decode ms | ${reference || 'ours'} needs |`,
    '| --- | --- | --- | --- | --- | --- | --- | --- |',
    ...familiesAtLoss(subject, maxLoss, reference).map(({ family, best, bjontegaardRate }) => {
      const difference = bjontegaardRate === null ? '-' : `${bjontegaardRate.toFixed(0)} %`;
      if (!best) return `| ${family} | never within the loss | | | | | | ${difference} |`;
      const { loss, encodeMs, decodeMs } = best;
      const time = (value) => (value === null ? '-' : value.toFixed(2));
      const cells = [
        ...[family, best.method.replace(`${family}, `, ''), bytesOf(best).toFixed(1), percent(loss.value)],
        ...[`${percent(loss.low)} to ${percent(loss.high)}`, time(encodeMs), time(decodeMs), difference],
      ];
      return `| ${cells.join(' | ')} |`;
    }),
    ...(reasons.size === 0 ? [] : ['', `Not measured: ${[...reasons].join('; ')}.`]),
  ];
}
