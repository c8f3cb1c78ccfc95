import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { DIGEST, exampleManifest, refusalOf, withValue } from '../test/example-manifest.js';
import { BundleError } from './errors.js';
import { MANIFEST_LIMITS } from './manifest-limits.js';
import { checkManifest, parseManifest, serializeManifest } from './parse-manifest.js';

function reversedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(reversedKeys);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([key, inner]) => [key, reversedKeys(inner)]),
  );
}

/** The path of every value inside a manifest. */
function pathsOf(value: unknown, path: readonly (string | number)[] = []): (readonly (string | number)[])[] {
  const own = path.length > 0 ? [path] : [];
  if (typeof value !== 'object' || value === null) return own;
  const keys = Array.isArray(value) ? value.keys() : Object.keys(value);
  return [
    ...own,
    ...[...keys].flatMap((key) => pathsOf((value as Record<string | number, unknown>)[key], [...path, key])),
  ];
}

describe('the canonical form', () => {
  test('survives a parse and ends in a newline', () => {
    const text = serializeManifest(exampleManifest());
    expect(parseManifest(text)).toEqual(exampleManifest());
    expect(text).toMatch(/^\{\n {2}"format": "featherwire-bundle",\n {2}"version": 1,\n.*\}\n$/s);
  });

  test('does not depend on the order of keys in the record', () => {
    const reversed = reversedKeys(exampleManifest());
    expect(JSON.stringify(reversed)).not.toBe(JSON.stringify(exampleManifest()));
    expect(serializeManifest(checkManifest(reversed))).toBe(serializeManifest(exampleManifest()));
  });

  test('leaves out optional fields that are undefined', () => {
    const without = { ...exampleManifest(), whole: undefined, task: undefined, preprocessing: undefined };
    expect(serializeManifest(without)).not.toMatch(/whole|task|preprocessing/);
  });
});

describe('format and version', () => {
  test('a later version is told from a broken manifest, whatever its fields', () => {
    const error = refusalOf({ format: 'featherwire-bundle', version: 2, somethingNew: true });
    expect(error.code).toBe('unsupported-version');
    expect(error.message).toBe('manifest: version expected 1, got 2');
  });

  test.each([
    ['', 'manifest expected JSON'],
    ['{"format": ', 'manifest expected JSON'],
    ['[]', 'format expected "featherwire-bundle", got a list of 0'],
    ['null', 'format expected "featherwire-bundle", got null'],
    ['{}', 'format expected "featherwire-bundle", got nothing'],
    ['{"format":"featherwire-bundle","version":"1"}', 'version expected 1, got "1"'],
  ])('%s is refused', (text, message) => {
    const error = refusalOf(text);
    expect(error.code).toBe('invalid-manifest');
    expect(error.message).toContain(message);
  });

  test('places of a picture are only judged if it is not cropped', () => {
    const { preprocessing, ...rest } = { ...exampleManifest(), task: { kind: 'segmentation', output: 'y' } };
    expect(parseManifest(JSON.stringify({ ...rest, preprocessing })).task?.kind).toBe('segmentation');
    const cropped = { ...rest, preprocessing: { ...preprocessing, fit: 'center-crop' } };
    expect(refusalOf(cropped).message).toContain("preprocessing.fit expected 'stretch' for segmentation");
  });

  test('boxes are an output, and of pictures that are not cropped', () => {
    const task = { kind: 'detection', output: 'y', boxes: 'y', minScore: 0.5, maxOverlap: 0.3 };
    const { preprocessing, ...rest } = { ...exampleManifest(), task };
    expect(parseManifest(JSON.stringify({ ...rest, preprocessing })).task).toEqual(task);
    const elsewhere = { ...rest, preprocessing, task: { ...task, boxes: 'z' } };
    expect(refusalOf(elsewhere).message).toContain('task.boxes expected the name of an output');
    const cropped = { ...rest, preprocessing: { ...preprocessing, fit: 'center-crop' } };
    expect(refusalOf(cropped).message).toContain("preprocessing.fit expected 'stretch' for detection");
  });

  test('a text over the limit is refused before it is parsed', () => {
    expect(refusalOf(' '.repeat(MANIFEST_LIMITS.manifestBytes + 1)).message).toContain(
      'characters, got 16777217',
    );
  });
});

describe('each wrong field is named with what was expected', () => {
  const long = 'n'.repeat(1025);
  const quantizer = ['operatingPoints', 0, 'coding', 0, 'quantizer'];
  const measured = ['operatingPoints', 1, 'measured'];
  const grouped = { kind: 'grouped', levelCount: 8, axis: 1, groupCount: 2, range: { kind: 'minmax' } };
  test.each<[string, readonly (string | number)[], unknown]>([
    ['head.sha256 expected 64 lower-case hex digits, got "ABC"', ['head', 'sha256'], 'ABC'],
    ['head.sha256 expected 64 lower-case hex digits', ['head', 'sha256'], DIGEST.toUpperCase()],
    ['head.bytes expected at least 0, got -1', ['head', 'bytes'], -1],
    ['head.bytes expected an integer, got 1.5', ['head', 'bytes'], 1.5],
    ['head.bytes expected number, got nothing', ['head', 'bytes'], undefined],
    ['head.macs expected number, got "1"', ['head', 'macs'], '1'],
    ['head expected only known keys, got "flops"', ['head', 'flops'], 3],
    ['the top level expected only known keys, got "extra"', ['extra'], 1],
    ['inputs expected at least 1 entries, got 0 entries', ['inputs'], []],
    ['inputs[0].name expected at most 1024 characters, got 1025 characters', ['inputs', 0, 'name'], long],
    ['inputs[0].dtype expected "float32" or "float64"', ['inputs', 0, 'dtype'], 'float31'],
    ['inputs[0].shape[1] expected an integer or string, got 1.5', ['inputs', 0, 'shape', 1], 1.5],
    ['cut[1].shape expected at most 32 entries', ['cut', 1, 'shape'], new Array(33).fill(1)],
    ['cut[1].name expected a name that is not used before it, got "feature"', ['cut', 1, 'name'], 'feature'],
    ['task.kind expected', ['task', 'kind'], 'regression'],
    ['task.output expected the name of an output, got "z"', ['task', 'output'], 'z'],
    ['task.alphabet expected at least 2 entries', ['task', 'alphabet'], ['']],
    ['preprocessing.input expected the name of an input, got "z"', ['preprocessing', 'input'], 'z'],
    ['preprocessing.mean expected 3 numbers, got 1', ['preprocessing', 'mean'], [0.5]],
    ['preprocessing.std[1] expected more than 0, got 0', ['preprocessing', 'std', 1], 0],
    ['preprocessing.height expected at most 65536', ['preprocessing', 'height'], 65537],
    ['inputs[0].shape expected [N, 3, 48, aspect]', ['inputs', 0, 'shape'], ['N', 1, 48, 'W']],
    ['inputs[0].dtype expected float32 for a picture', ['inputs', 0, 'dtype'], 'uint8'],
    ['operatingPoints[0].id expected letters, digits', ['operatingPoints', 0, 'id'], '../a'],
    [
      'operatingPoints[0].coding expected each tensor of the cut once, got [mask, mask]',
      [...quantizer.slice(0, 4), 'tensor'],
      'mask',
    ],
    ['quantizer.levelCount expected at least 2, got 1', [...quantizer, 'levelCount'], 1],
    ['quantizer.levelCount expected at most 65536, got 65537', [...quantizer, 'levelCount'], 65537],
    [
      'quantizer.range.low expected low below high',
      [...quantizer, 'range'],
      { kind: 'fixed', low: 1, high: 1 },
    ],
    [
      'quantizer.range.low expected low below high as float32',
      [...quantizer, 'range'],
      { kind: 'fixed', low: 1, high: 1 + 1e-12 },
    ],
    [
      'quantizer.range.low expected low below high',
      [...quantizer, 'range'],
      { kind: 'fixed', low: 0, high: 1e38 },
    ],
    ['quantizer.range.activation expected', [...quantizer, 'range'], { kind: 'model', activation: 'tanh' }],
    [
      'quantizer.levels expected at least 2 entries',
      quantizer,
      { kind: 'levels', levels: [1], thresholds: [1] },
    ],
    [
      'quantizer.levels expected finite, ascending float32 numbers',
      quantizer,
      { kind: 'levels', levels: [1, 1 + 1e-12], thresholds: [1] },
    ],
    [
      'quantizer.thresholds expected finite, ascending float32 numbers',
      quantizer,
      { kind: 'levels', levels: [0, 1, 2], thresholds: [1, 0.5] },
    ],
    [
      'quantizer.thresholds expected one number less than levels',
      quantizer,
      { kind: 'levels', levels: [0, 1, 2], thresholds: [0.5] },
    ],
    [
      'quantizer.range.limits expected one pair for each group',
      quantizer,
      { ...grouped, range: { kind: 'fixed', limits: [{ low: 0, high: 1 }] } },
    ],
    [
      'quantizer.range.limits[1].low expected low below high as float32',
      quantizer,
      {
        ...grouped,
        range: {
          kind: 'fixed',
          limits: [
            { low: 0, high: 1 },
            { low: 2, high: 2 },
          ],
        },
      },
    ],
    [
      'quantizer.groupOfChannel expected numbers below groupCount',
      quantizer,
      { ...grouped, groupOfChannel: [0, 1, 2] },
    ],
    ['quantizer.axis expected at most 7, got 8', quantizer, { ...grouped, axis: 8 }],
    ['quantizer.kind expected', quantizer, { kind: 'asymmetrical', bits: 8 }],
    [
      'operatingPoints[0].kind expected "described" or "profiled" as its kind',
      ['operatingPoints', 0, 'kind'],
      'other',
    ],
    ['operatingPoints[0] expected only known keys, got "profile"', ['operatingPoints', 0, 'profile'], {}],
    ['operatingPoints[1].id expected a name that is not used', ['operatingPoints', 1, 'id'], 'q16'],
    ['operatingPoints[2].unit expected the id of a unit', ['operatingPoints', 2, 'unit'], 's4c4'],
    ['units[0].id expected letters, digits', ['units', 0, 'id'], 'a b'],
    ['units[0].latent expected at least 1 entries', ['units', 0, 'latent'], []],
    ['units[0].reduction expected only known keys', ['units', 0, 'reduction', 'externalData'], []],
    [
      'units[0].restoration.file expected a file that no other entry uses',
      ['units', 0, 'restoration', 'file'],
      'units/0123456789abcdef.onnx',
    ],
    ['units expected units of at most 268435456 bytes in all', ['units', 0, 'reduction', 'bytes'], 2 ** 28],
    ['profile.bytes expected at least 1', ['operatingPoints', 1, 'profile', 'bytes'], 0],
    ['profile.bytes expected at most 4194304', ['operatingPoints', 1, 'profile', 'bytes'], 4_194_305],
    [
      'profile.file expected a file that no other entry uses',
      ['operatingPoints', 1, 'profile', 'file'],
      'head.onnx',
    ],
    ['loss.interval expected a low end that is not above', [...measured, 'loss', 'interval'], [1, 0]],
    ['loss.interval expected at least 2 entries, got 1 entries', [...measured, 'loss', 'interval'], [1]],
    ['loss.confidence expected less than 1, got 1', [...measured, 'loss', 'confidence'], 1],
    ['loss.confidence expected more than 0, got 0', [...measured, 'loss', 'confidence'], 0],
    ['bytes expected p50, p95 and max that ascend', [...measured, 'bytes', 'p95'], 499],
    ['bytesPerSample expected at most bytes.max, 650, got 651', [...measured, 'bytesPerSample'], 651],
    ['encodeMs expected at least 0, got -1', [...measured, 'encodeMs'], -1],
    [
      'bands[0].tensor expected the name of a tensor of the cut',
      [...measured, 'bands', 0, 'tensor'],
      'other',
    ],
    [
      'bands[0].saturated expected low, mean and high that ascend',
      [...measured, 'bands', 0, 'saturated', 'low'],
      0.02,
    ],
    ['bands[0].background.high expected at most 1', [...measured, 'bands', 0, 'background', 'high'], 1.5],
    ['verification.tolerance expected at least 0', ['verification', 'tolerance'], -1],
    ['tail.file expected a file that no other entry uses', ['tail', 'file'], 'HEAD.onnx'],
    ['weights expected', ['tail', 'externalData', 0, 'file'], 'weights//tail.bin'],
  ])('%s', (message, path, value) => {
    const error = refusalOf(withValue(path, value));
    expect(error.code).toBe('invalid-manifest');
    expect(error.message).toContain(
      message.startsWith('weights expected') ? 'a relative file name' : message,
    );
  });

  test('a short side goes with a center crop of a fixed width, and holds the target', () => {
    const withCrop = (changes: object) =>
      withValue(['preprocessing'], {
        ...exampleManifest().preprocessing,
        ...{ fit: 'center-crop', width: 64, resizeShortSide: 64 },
        ...changes,
      });
    expect(checkManifest(withCrop({})).preprocessing?.resizeShortSide).toBe(64);
    for (const [changes, expected] of [
      [{ fit: 'stretch' }, 'fit to be "center-crop" with it, got "stretch"'],
      [{ width: 'aspect' }, 'a width in pixels with it, got "aspect"'],
      [{ resizeShortSide: 63 }, 'at least 64, the longer side of the target, got 63'],
      [{ width: 32, resizeShortSide: 47 }, 'at least 48, the longer side of the target, got 47'],
      [{ resizeShortSide: 64.5 }, 'an integer, got 64.5'],
      [{ resizeShortSide: 65537 }, 'at most 65536, got 65537'],
    ] as const) {
      expect(refusalOf(withCrop(changes)).message).toContain(
        `preprocessing.resizeShortSide expected ${expected}`,
      );
    }
  });

  test('a tensor has one band, and profiles are bounded together', () => {
    const [point] = exampleManifest().operatingPoints.slice(1);
    const [band] = point.measured!.bands!;
    const twice = withValue(['operatingPoints', 1, 'measured', 'bands'], [band, band]);
    expect(refusalOf(twice).message).toContain('bands[1].tensor expected a name that is not used before it');
    const bytes = MANIFEST_LIMITS.profileBytes;
    const most = MANIFEST_LIMITS.profileBytesInAll / bytes;
    const points = Array.from({ length: most + 1 }, (_, i) => ({
      ...{ id: `p${i}`, kind: 'profiled' },
      profile: { file: `tables/${i}.bin`, sha256: DIGEST, bytes },
    }));
    const tooMany = withValue(['operatingPoints'], points);
    expect(refusalOf(tooMany).message).toContain('profiles of at most 67108864 bytes in all, got 71303168');
    expect(checkManifest(withValue(['operatingPoints'], points.slice(1)))).toBeTruthy();
    const shared = points.map(({ profile: _, ...rest }) => ({ ...rest, profile: points[0].profile }));
    expect(checkManifest(withValue(['operatingPoints'], shared))).toBeTruthy();
  });

  test('a number that overflows to infinity is refused', () => {
    const text = serializeManifest(exampleManifest()).replace('"tolerance": 0.00001', '"tolerance": 1e999');
    expect(refusalOf(text).message).toContain('verification.tolerance expected number');
  });

  test('a key named __proto__ is refused like any other unknown key', () => {
    const text = serializeManifest(exampleManifest()).replace('{', '{"__proto__": {"a": 1},');
    expect(refusalOf(text).message).toContain('"__proto__"');
  });

  test.each([
    ['"inputs":', ''],
    ['"format":', '"version":1,'],
    ['"extra":', ''],
  ])('deep nesting in %s is refused without running out of stack', (key, more) => {
    const deep = '['.repeat(500_000) + ']'.repeat(500_000);
    const start = key === '"format":' ? '{' : '{"format":"featherwire-bundle","version":1,';
    expect(refusalOf(`${start}${more}${key}${deep}}`).code).toBe('invalid-manifest');
  });

  test('any change of any value is refused or read, and nothing but BundleError is thrown', () => {
    const places = pathsOf(exampleManifest());
    fc.assert(
      fc.property(fc.constantFrom(...places), fc.jsonValue(), (path, value) => {
        const text = JSON.stringify(withValue(path, value));
        try {
          expect(JSON.parse(serializeManifest(parseManifest(text)))).toEqual(JSON.parse(text));
        } catch (error) {
          if (!(error instanceof BundleError)) throw error;
        }
      }),
    );
  });

  test('many wrong fields give a short message', () => {
    const broken = { ...exampleManifest(), inputs: new Array(100).fill(7) };
    expect(refusalOf(broken).message).toMatch(/95 more$/);
  });
});
