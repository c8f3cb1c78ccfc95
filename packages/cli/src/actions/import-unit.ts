/** What `featherwire import-unit` does: reads the two files, adds unit and point to the bundle, prints the rates. */

import type { BundleManifest } from '@featherwire/bundle';
import { addOperatingPoints, type NodeBundle, readBundle } from '@featherwire/bundle/node';
import { type BackendPreference, loadBackend } from '@featherwire/codec';
import { type ImportedUnit, importPublishedUnit } from '@featherwire/train/node';
import type { CommandContext } from '../context.js';
import { inFile, readInput } from '../files.js';
import { storageOfUnits } from '../inspect/units.js';
import { CommandError } from '../terminal/errors.js';
import { formatPairs, formatTable } from '../terminal/table.js';
import { printJson, printLines, stylesOf, type Terminal } from '../terminal/terminal.js';
import { formatCount, formatPercent, formatShape } from '../terminal/units.js';

/** What the options parse to. */
export interface ImportUnitOptions {
  readonly weights: string;
  readonly frequencies: string;
  readonly stride: number;
  readonly step: number;
  readonly pad: number;
  readonly id: string;
  readonly backend: BackendPreference;
  readonly json?: true;
}

/** Adds a published unit to a bundle, in one step or not at all. */
export async function importUnit(
  directory: string,
  options: ImportUnitOptions,
  { terminal }: CommandContext,
): Promise<void> {
  const bundle = await readBundle(directory, { verify: [] });
  const { name, shape } = onlyMap(bundle.manifest);
  const [weights, frequencies] = [
    await readInput(options.weights, terminal),
    await readInput(options.frequencies, terminal),
  ];
  const backend = await loadBackend(options.backend);
  const imported = await inFile(options.weights, () =>
    importPublishedUnit({
      weights,
      frequencies,
      featureShape: shape,
      stride: options.stride,
      pad: options.pad,
      quantizationStep: options.step,
      cut: name,
      id: options.id,
      backend,
    }),
  );
  const written = await addOperatingPoints(bundle.directory, [imported.point], { units: [imported.unit] });
  if (options.json) printJson(terminal.stdout, recordOf(written, imported));
  else printImport(written, imported, terminal);
}

/** The cut as published units take it. */
function onlyMap({ cut }: BundleManifest): { name: string; shape: readonly [number, number, number] } {
  const [{ name, shape }] = cut;
  const [, channels, height, width] = shape;
  const isMap = cut.length === 1 && shape.length === 4;
  if (isMap && typeof channels === 'number' && typeof height === 'number' && typeof width === 'number')
    return { name, shape: [channels, height, width] };
  const got = cut.map((spec) => `${spec.name} ${formatShape(spec.shape)}`).join(', ');
  throw new CommandError(`bundle expected a cut of one map [N, C, H, W] of fixed size, got ${got}`);
}

function recordOf(bundle: NodeBundle, { unit, point, rates }: ImportedUnit): object {
  return {
    bundle: { name: bundle.manifest.model.name, digest: bundle.digest },
    unit: {
      id: unit.id,
      latent: unit.latent[0].shape,
      parameters: unit.reduction.parameters + unit.restoration.parameters,
    },
    storage: storageOfUnits(bundle.manifest).find((entry) => entry.unit === unit.id),
    point: point.id,
    bytesPerSample: rates,
  };
}

function printImport(
  bundle: NodeBundle,
  { unit, point, rates }: ImportedUnit,
  { stdout, env }: Terminal,
): void {
  const styles = stylesOf(stdout, env);
  const storage = storageOfUnits(bundle.manifest).find((entry) => entry.unit === unit.id);
  const pairs = [
    ['bundle', bundle.digest.slice(0, 12)],
    ['latent', `${formatShape(unit.latent[0].shape)}, ${formatCount(rates.symbols)} symbols`],
    ['weights', formatCount(unit.reduction.parameters + unit.restoration.parameters)],
    ['storage', storage && `${formatPercent(storage.shareOfNetwork)} of the network`],
  ] as const;
  const rows = [
    ['Huffman, payload alone', rates.huffman],
    ['entropy of the table', rates.entropy],
    ['frames under the table', rates.frames],
    ['frames with contexts, without a table', rates.contextFrames],
  ] as const;
  printLines(
    stdout,
    styles.bold(`${bundle.manifest.model.name}: unit ${unit.id} imported as operating point ${point.id}`),
    ...formatPairs(pairs, styles),
    '',
    ...formatTable(
      [{ header: 'independent symbols of these frequencies' }, { header: 'bytes', align: 'right' }],
      rows.map(([label, bytes]) => [label, bytes.toFixed(1)]),
      styles,
    ),
  );
}
