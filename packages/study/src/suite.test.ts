import { describe, expect, test } from 'vitest';
import { parseSuite, SuiteError } from './suite.js';

const SUITE = {
  name: 'a suite',
  description: 'of one network',
  data: { lines: { kind: 'text-lines', split: 'test', count: 10 } },
  networks: [
    {
      name: 'net',
      model: 'net.onnx',
      cuts: [['a'], ['b', 'c']],
      data: 'lines',
      samples: { quick: 2, full: 4 },
    },
  ],
};

describe('suites', () => {
  test('are read as they are', () => {
    expect(parseSuite(SUITE, 's.json')).toEqual(SUITE);
  });

  test('name the place of what is wrong', () => {
    const [network] = SUITE.networks;
    const wrong = { ...SUITE, networks: [{ ...network, samples: { quick: 1, full: 4 } }] };
    expect(() => parseSuite(wrong, 's.json')).toThrow(/^s\.json at networks\.0\.samples\.quick/);
    expect(() => parseSuite({ ...SUITE, extra: 1 }, 's.json')).toThrow(SuiteError);
    const probe = { tensor: 't', data: 'lines', samples: 5 };
    const selfish = { ...SUITE, networks: [{ ...network, probe }] };
    expect(() => parseSuite(selfish, 's.json')).toThrow('no task and other data than lines, got lines');
    const unknown = { ...SUITE, networks: [{ ...network, calibrationData: 'none' }] };
    expect(() => parseSuite(unknown, 's.json')).toThrow(
      's.json: data of net expected one of lines, got none',
    );
  });
});
