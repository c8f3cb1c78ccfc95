/**
 * Draws the figures that docs/evaluation.md shows from committed results.
 *
 * Usage: node scripts/draw-figures.mjs   (after a build)
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { drawFigures } from '@featherwire/report';

/** Names of figures by the file of results that they are drawn from. */
const SHOWN = {
  'eval-quick.json': [
    'rate-accuracy-resnet20-cifar10-at-stage2',
    'rate-accuracy-mobilenetv2-qat-at-add36',
    'depth-resnet20-cifar10',
    'histogram-mobilenetv2-qat-at-add36',
    'channel-bits-mobilenetv2-qat-at-add36',
  ],
  'eval-npm-quick.json': [
    'rate-accuracy-PP-OCRv4-recognition-at-p2o.AveragePool.1',
    'total-time-PP-OCRv4-recognition-at-p2o.AveragePool.1',
  ],
};

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const target = path.join(root, 'docs/figures');
rmSync(target, { recursive: true, force: true });
mkdirSync(target, { recursive: true });
for (const [file, names] of Object.entries(SHOWN)) {
  const figures = await drawFigures(JSON.parse(readFileSync(path.join(root, 'results', file), 'utf8')));
  for (const name of names) {
    const figure = figures.find((each) => each.name === name);
    if (!figure) throw new Error(`results/${file} expected a figure ${name}`);
    writeFileSync(path.join(target, `${name}.svg`), `${figure.svg}\n`);
  }
}
