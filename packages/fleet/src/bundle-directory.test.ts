import type { BundleManifest } from '@featherwire/bundle';
import type { BundleListing } from '@featherwire/runtime/node';
import { describe, expect, test } from 'vitest';
import { directoryOf } from './bundle-directory.js';

function listing(digest: string): BundleListing {
  return { digest, manifest: { model: { name: `model of ${digest}` } } as unknown as BundleManifest };
}

/** Workers that serve what the test says, on a clock of its own. */
function fleetOf(...digests: string[]) {
  let nowMs = 0;
  let served = digests;
  let asked = 0;
  const directory = directoryOf(
    async () => {
      asked++;
      return served.map(listing);
    },
    () => nowMs,
  );
  const digestsOf = (listings: readonly BundleListing[]) => listings.map(({ digest }) => digest);
  return {
    list: async () => digestsOf(await directory.list()),
    former: () => digestsOf(directory.listFormer?.() ?? []),
    asked: () => asked,
    pass: (ms: number, ...now: string[]) => {
      nowMs += ms;
      served = now;
    },
  };
}

describe('the bundles of a fleet', () => {
  test('are asked for once for all who want to know within two seconds', async () => {
    const fleet = fleetOf('a');
    expect(await Promise.all([fleet.list(), fleet.list()])).toEqual([['a'], ['a']]);
    fleet.pass(2000, 'a');
    await fleet.list();
    expect(fleet.asked()).toBe(1);
    fleet.pass(1, 'a');
    await fleet.list();
    expect(fleet.asked()).toBe(2);
  });

  test('are told for ten seconds after their workers left, and are remembered after that', async () => {
    const fleet = fleetOf('a', 'b');
    await fleet.list();
    expect(fleet.former()).toEqual([]);
    fleet.pass(9000);
    expect(await fleet.list()).toEqual(['a', 'b']);
    fleet.pass(1001);
    expect(await fleet.list()).toEqual([]);
    expect(fleet.former()).toEqual(['a', 'b']);
    fleet.pass(3_600_000, 'b');
    expect(await fleet.list()).toEqual(['b']);
    expect(fleet.former()).toEqual(['a']);
  });

  test('are forgotten in the order in which they were served last, beyond 64', async () => {
    const fleet = fleetOf('first', 'second');
    await fleet.list();
    fleet.pass(20_000, 'first', ...Array.from({ length: 63 }, (_, i) => `other ${i}`));
    await fleet.list();
    fleet.pass(20_000);
    await fleet.list();
    expect(fleet.former()).toHaveLength(64);
    expect(fleet.former()).toContain('first');
    expect(fleet.former()).not.toContain('second');
  });

  test('are counted only once nobody serves them: more than 64 that are served are all known when they leave', async () => {
    const fleet = fleetOf('former');
    await fleet.list();
    fleet.pass(20_000, ...Array.from({ length: 70 }, (_, i) => `served ${i}`));
    await fleet.list();
    expect(fleet.former()).toEqual(['former']);
    fleet.pass(20_000, ...Array.from({ length: 69 }, (_, i) => `served ${i}`));
    await fleet.list();
    expect(fleet.former()).toEqual(['former', 'served 69']);
  });
});
