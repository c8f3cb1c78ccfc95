import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { writeNpy } from '@featherwire/tensor';
import { beforeAll, describe, expect, test } from 'vitest';
import { weightOfLevel } from '../src/entropy/frequency-table.js';
import {
  type Backend,
  BitstreamError,
  decodeFrame,
  decodeTensors,
  loadBackend,
  loadWasmBackend,
  readProfile,
  referenceBackend,
} from '../src/index.js';

const directory = fileURLToPath(new URL('./vectors/', import.meta.url));
const framesIn = (folder: string): string[] =>
  readdirSync(directory + folder)
    .filter((name) => name.endsWith('.fwf'))
    .map((name) => name.replace(/\.fwf$/, ''));

let backends: Backend[];
beforeAll(async () => {
  backends = [referenceBackend, await loadBackend('javascript'), await loadWasmBackend()];
});

describe('decoder vectors of version 1', () => {
  test.each(framesIn('v1'))('%s decodes to its tensor, to the byte', (name) => {
    const frame = readFileSync(`${directory}v1/${name}.fwf`);
    const profile = `${directory}v1/${name}.fwp`;
    const profiles = new Map(existsSync(profile) ? [[0, readProfile(readFileSync(profile))]] : []);
    for (const backend of backends) {
      const tensors = decodeTensors(frame, { backend, profiles });
      tensors.forEach((tensor, i) => {
        const expected = readFileSync(`${directory}v1/${name}${tensors.length > 1 ? `.${i}` : ''}.npy`);
        expect(Buffer.compare(writeNpy(tensor), expected), `${backend.name}, tensor ${i}`).toBe(0);
      });
    }
  });
});

describe('defective vectors', () => {
  test.each(framesIn('bad'))('%s is refused with its code', (name) => {
    const frame = readFileSync(`${directory}bad/${name}.fwf`);
    const code = name.split('.')[1];
    for (const backend of backends) {
      expect(() => decodeFrame(frame, { backend })).toThrow(BitstreamError);
      expect(() => decodeFrame(frame, { backend })).toThrow(expect.objectContaining({ code }));
    }
  });
});

describe('docs/bitstream.md', () => {
  const text = readFileSync(new URL('../../../docs/bitstream.md', import.meta.url), 'utf8');

  test('its annotated frame is the vector', () => {
    const hex = [...text.matchAll(/^ +(\d+) {2}((?:[0-9A-F]{2} )+)/gm)];
    const bytes = Buffer.from(hex.map((line) => line[2].replaceAll(' ', '')).join(''), 'hex');
    expect(Buffer.compare(bytes, readFileSync(`${directory}v1/document-example.fwf`))).toBe(0);
    let offset = 0;
    for (const [, printed, field] of hex) {
      expect(Number(printed)).toBe(offset);
      offset += field.trim().split(' ').length;
    }
  });

  test('its weights are those of the code', () => {
    const printed = /```\n((?:\d{5} ?){16}\n(?:\d{5} ?){16})\n```/
      .exec(text)?.[1]
      .trim()
      .split(/\s+/)
      .map(Number);
    expect(printed).toEqual(Array.from({ length: 32 }, (_, level) => weightOfLevel(level + 1, 5)));
  });

  test('it lists every error code once', () => {
    const codes = new Set(framesIn('bad').map((name) => name.split('.')[1]));
    for (const code of codes) expect(text).toContain(`| \`${code}\` |`);
  });
});
