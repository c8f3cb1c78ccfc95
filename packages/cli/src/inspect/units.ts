/** Bottleneck units of a bundle: what each holds, what it costs, and whether its files are what the manifest says. */

import { type BundleError, type BundleManifest, checkFileBytes } from '@featherwire/bundle';
import { type NodeBundle, readFileOfBundle, UNIT_PART_NAMES } from '@featherwire/bundle/node';
import { formatBytes, formatLargeCount, formatPercent, formatShape } from '../terminal/units.js';
import { damageOf } from './damage.js';
import { type InspectReport, numberColumn } from './report.js';

/** Bytes that one unit adds to a bundle, and what share of the network that is. */
export interface UnitStorage {
  readonly unit: string;
  readonly bytes: number;
  /** Of the bytes of head and tail with their weights. */
  readonly shareOfNetwork: number;
}

/** The outcome for each half of each unit. */
export async function checkUnitFiles(bundle: NodeBundle): Promise<Map<string, BundleError | undefined>> {
  const checks = new Map<string, BundleError | undefined>();
  for (const unit of bundle.manifest.units ?? []) {
    for (const half of UNIT_PART_NAMES) {
      const entry = unit[half];
      const check = async () => checkFileBytes(await readFileOfBundle(bundle.directory, entry), entry);
      checks.set(entry.file, await damageOf(check));
    }
  }
  return checks;
}

/** What each unit adds. */
export function storageOfUnits({ units = [], head, tail }: BundleManifest): UnitStorage[] {
  const network = [head, tail].reduce(
    (sum, { bytes, externalData = [] }) => externalData.reduce((all, file) => all + file.bytes, sum + bytes),
    0,
  );
  return units.map(({ id, reduction, restoration }) => {
    const bytes = reduction.bytes + restoration.bytes;
    return { unit: id, bytes, shareOfNetwork: bytes / network };
  });
}

/** A table with a row for each unit; none if there is no unit. */
export function unitTables(
  manifest: BundleManifest,
  checks: ReadonlyMap<string, BundleError | undefined>,
): InspectReport['tables'] {
  const { units = [] } = manifest;
  if (units.length === 0) return [];
  const storage = storageOfUnits(manifest);
  const rows = units.map((unit, i) => {
    const isDamaged = UNIT_PART_NAMES.some((half) => checks.get(unit[half].file));
    return [
      unit.id,
      unit.latent.map(({ shape }) => formatShape(shape)).join(', '),
      ...UNIT_PART_NAMES.map((half) => formatLargeCount(unit[half].parameters)),
      ...UNIT_PART_NAMES.map((half) => formatLargeCount(unit[half].macs)),
      formatBytes(storage[i].bytes),
      formatPercent(storage[i].shareOfNetwork),
      isDamaged ? 'damaged' : 'ok',
    ];
  });
  const columns = [
    { header: 'unit' },
    { header: 'latent' },
    ...['weights, device', 'server', 'MACs, device', 'server', 'size', 'of the network'].map(numberColumn),
    { header: 'check' },
  ];
  return [{ columns, rows }];
}
