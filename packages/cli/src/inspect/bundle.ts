/** A bundle: what its manifest says, and whether its files are what the manifest says. */

import type { BundleError, BundleManifest, PartName } from '@featherwire/bundle';
import { checkExit, checkPart, PART_NAMES, readManifest } from '@featherwire/bundle/node';
import {
  formatBytes,
  formatCount,
  formatLargeCount,
  formatNumberOf,
  formatReal,
  formatShape,
} from '../terminal/units.js';
import { damageOf } from './damage.js';
import { exitTables } from './exit.js';
import { checksOfPoints, loadPoints, pointTables } from './points.js';
import { type InspectReport, numberColumn } from './report.js';
import { checkUnitFiles, storageOfUnits, unitTables } from './units.js';

/** A report with the outcome of the digest check. */
export interface BundleInspection {
  readonly report: InspectReport;
  /** What is wrong with the first damaged part or profile; undefined if every file is as the manifest says. */
  readonly damage: BundleError | undefined;
}

/** @throws {BundleError} if the directory holds no manifest that can be read */
export async function inspectBundle(directory: string): Promise<BundleInspection> {
  const bundle = await readManifest(directory);
  const { manifest, digest } = bundle;
  const checks = new Map<PartName, BundleError | undefined>();
  for (const part of PART_NAMES)
    if (manifest[part]) checks.set(part, await damageOf(() => checkPart(bundle, part)));
  const unitChecks = await checkUnitFiles(bundle);
  const exitDamage = await damageOf(() => checkExit(bundle));
  const points = await loadPoints(bundle);
  const damages = [
    ...[...checks.values(), ...unitChecks.values(), exitDamage],
    ...points.map((point) => point.damage),
  ];
  const exitChecks = manifest.exit ? [[manifest.exit.file, exitDamage] as const] : [];
  const { task } = manifest;
  return {
    damage: damages.find((error) => error !== undefined),
    report: {
      title: `featherwire bundle of ${manifest.model.name}`,
      pairs: pairsOf(manifest, digest),
      tables: [
        partTable(manifest, checks),
        ...unitTables(manifest, unitChecks),
        ...exitTables(manifest, exitDamage),
        ...pointTables(points),
      ],
      record: {
        kind: 'bundle',
        digest,
        ...manifest,
        // An alphabet may hold thousands of letters.
        task: task && { kind: task.kind, output: task.output, labelCount: labelCountOf(task) },
        operatingPoints: manifest.operatingPoints,
        ...(manifest.units && { unitStorage: storageOfUnits(manifest) }),
        checks: Object.fromEntries(
          [...checks, ...unitChecks, ...exitChecks, ...checksOfPoints(points)].map(([name, error]) => [
            name,
            error?.message ?? 'ok',
          ]),
        ),
      },
    },
  };
}

function pairsOf(manifest: BundleManifest, digest: string): InspectReport['pairs'] {
  const { model, inputs, cut, outputs, preprocessing, task, verification } = manifest;
  const tensors = (specs: BundleManifest['cut']): string =>
    specs.map(({ name, dtype, shape }) => `${name} ${dtype} ${formatShape(shape)}`).join(', ');
  const { runs, maxRelativeError, tolerance } = verification;
  return [
    ['digest', digest],
    ['model', `${model.name}, ${formatBytes(model.bytes)}, SHA-256 ${model.sha256}`],
    ['input', tensors(inputs)],
    ['cut', tensors(cut)],
    ['output', tensors(outputs)],
    ['preprocessing', preprocessing && describePreprocessing(preprocessing)],
    ['task', task && `${task.kind} from ${task.output}, ${describeLabels(task)}`],
    [
      'proof',
      `off by ${formatReal(maxRelativeError)} of the output's range on ${formatNumberOf(runs, 'input')}, ` +
        `${formatReal(tolerance)} allowed`,
    ],
  ];
}

function describePreprocessing(preprocessing: NonNullable<BundleManifest['preprocessing']>): string {
  const { input, channelOrder, height, width, fit, mean, std } = preprocessing;
  const size = `${width === 'aspect' ? 'any width' : width} x ${height}`;
  return `picture to ${input}: ${channelOrder}, ${size}, ${fit}, mean ${mean.join(' ')}, std ${std.join(' ')}`;
}

function labelCountOf(task: NonNullable<BundleManifest['task']>): number | null {
  return task.kind === 'ctc-text' ? task.alphabet.length : (task.classes?.length ?? null);
}

function describeLabels(task: NonNullable<BundleManifest['task']>): string {
  const count = labelCountOf(task);
  if (task.kind === 'ctc-text') return `${formatCount(count)} letters`;
  return count === null ? 'classes without names' : `${formatCount(count)} classes`;
}

function partTable(
  manifest: BundleManifest,
  checks: ReadonlyMap<PartName, BundleError | undefined>,
): InspectReport['tables'][number] {
  const rows = PART_NAMES.flatMap((name) => {
    const part = manifest[name];
    if (!part) return [];
    const check = checks.get(name) ? 'damaged' : 'ok';
    const numbers = [formatLargeCount(part.parameters), formatLargeCount(part.macs)];
    const own = [name, part.file, formatBytes(part.bytes), ...numbers, part.sha256.slice(0, 16), check];
    const external = (part.externalData ?? []).map(({ file, bytes, sha256 }) => [
      '',
      file,
      formatBytes(bytes),
      '',
      '',
      sha256.slice(0, 16),
      '',
    ]);
    return [own, ...external];
  });
  return {
    columns: [
      { header: 'part' },
      { header: 'file' },
      numberColumn('size'),
      numberColumn('weights'),
      numberColumn('MACs'),
      { header: 'SHA-256' },
      { header: 'check' },
    ],
    rows,
  };
}
