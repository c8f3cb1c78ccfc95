/**
 * Puts the demo's table into README.md from the committed result file, so that the figures printed there are the
 * figures measured. Usage: npm run --silent start -- --json > results/demo.json && node scripts/update-readme.mjs
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { formatDemoTable } from '@featherwire/demo';

const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));
const START = '<!-- results/demo.json -->\n';
const END = '<!-- /results/demo.json -->';

const table = formatDemoTable(JSON.parse(readFileSync(path('results/demo.json'), 'utf8')));
const readme = readFileSync(path('README.md'), 'utf8');
const from = readme.indexOf(START);
const to = readme.indexOf(END);
if (from < 0 || to < from) throw new Error('README.md expected the marks of results/demo.json, got none');
const text = `\nFrom \`npm run --silent start -- --json > results/demo.json\`:\n\n\`\`\`\n${table}\n\`\`\`\n\n`;
writeFileSync(path('README.md'), readme.slice(0, from + START.length) + text + readme.slice(to));
