import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import slowRedact from '@pinojs/redact';
import fastRedact from 'fast-redact';
import { createRedactor } from '../../lib/redaction/createRedactor.js';
import type { Question } from '../harness/question.js';
import { cpuOf } from '../tools/measure.js';

const clean = {
  query: 'quarterly revenue by region',
  limit: 25,
  region: 'emea',
  options: { format: 'csv', locale: 'en-GB', page: { size: 50, cursor: 'start' } },
  user: { id: 'u-1029', team: 'finance' },
  dryRun: false,
};
const secret = {
  ...clean,
  user: { ...clean.user, password: 'hunter2222' },
  options: { ...clean.options, apiKey: 'k' },
};
const paths = ['user.password', 'options.apiKey'];

const redactor = createRedactor();
const fast = fastRedact({ paths });
const pino = slowRedact({ paths });

const PLAIN = 'JSON.stringify alone';
const VALUE = 'otel-mcp-log, value only';
const contenders: Record<string, (value: object) => unknown> = {
  [PLAIN]: (value) => JSON.stringify(value),
  [VALUE]: (value) => redactor.value(value),
  'otel-mcp-log, value and JSON.stringify': (value) => JSON.stringify(redactor.value(value)),
  'fast-redact, two fixed paths, with its JSON.stringify': (value) => fast(value),
  '@pinojs/redact, two fixed paths, with its JSON.stringify': (value) => pino(value),
};

/** A call of 10 keys, three deep. The redactors with fixed paths are told where the secrets are; ours looks everywhere. */
export const redaction: Question = {
  name: 'redaction',
  asks: 'What does redacting a typical call cost, beside JSON.stringify and the redactors with fixed paths?',
  rounds: 9,
  quick: true,
  ratios: [
    {
      name: `${VALUE}, clean, to JSON.stringify`,
      of: (round) => round.of(VALUE, 'clean, ns') / round.of(PLAIN, 'clean, ns'),
      atMost: 1.5,
    },
  ],
  prepare: ({ quick }) => {
    const calls = quick ? 20_000 : 100_000;
    const nanoseconds = async (run: (value: object) => unknown, value: object) =>
      ((await cpuOf(() => {
        for (let call = 0; call < calls; call++) run(value);
      })) *
        1e3) /
      calls;
    return {
      cases: Object.entries(contenders).map(([name, run]) => ({
        name,
        measure: async () => ({
          'clean, ns': await nanoseconds(run, clean),
          'two secrets, ns': await nanoseconds(run, secret),
        }),
      })),
    };
  },
};

const TEXTS: Readonly<Record<string, () => string>> = {
  'one letter': () => 'a'.repeat(50_000_000),
  prose: () => 'lorem ipsum dolor sit amet '.repeat(50_000_000 / 27),
  'JSON text': () =>
    JSON.stringify(
      Array.from({ length: 550_000 }, (_, id) => ({
        id,
        name: `user ${id}`,
        url: `https://example.com/users/${id}`,
      })),
    ),
  'Base64 of random bytes': () =>
    Buffer.from(Array.from({ length: 37_500_000 }, (_, index) => (index * 2_654_435_761) >>> 24)).toString(
      'base64',
    ),
};

/** The READMEs of the installed packages that hold code: what a coding agent passes on all day. */
function readmes(): readonly string[] {
  const folder = fileURLToPath(new URL('../../node_modules/', import.meta.url));
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => /(?:^|[/\\])readme\.md$/i.test(path))
    .map((path) => readFileSync(join(folder, path), 'utf8'))
    .filter((text) => text.includes('```'));
}

/** Texts of code and links, of which every detector finds something worth a look. */
export const readmeTexts: Question = {
  name: 'readme-texts',
  asks: 'What does redacting READMEs full of code cost, one by one and as one text?',
  rounds: 5,
  quick: false,
  ratios: [],
  prepare: () => {
    const texts = readmes();
    const joined = texts.join('\n\n').slice(0, 1_000_000);
    const cases: Readonly<Record<string, readonly string[]>> = {
      'each by itself': texts,
      'the first 1 MB as one text': [joined],
    };
    return {
      cases: Object.entries(cases).map(([name, parts]) => ({
        name,
        measure: async () => {
          const units = parts.reduce((sum, { length }) => sum + length, 0);
          const ms =
            (await cpuOf(() => {
              for (const text of parts) redactor.value({ text });
            })) / 1e3;
          return { 'CPU ms a MB': (ms * 1e6) / units };
        },
      })),
    };
  },
};

/** Texts of 50 million characters, each looked at up to the limits of the policy. */
export const largeTexts: Question = {
  name: 'large-texts',
  asks: 'How long does a text of 50 MB keep the redactor?',
  rounds: 3,
  quick: false,
  ratios: [],
  prepare: () => ({
    cases: Object.entries(TEXTS).map(([name, make]) => {
      const text = make();
      return {
        name,
        measure: async () => {
          const ms = (await cpuOf(() => redactor.value({ text }))) / 1e3;
          return { 'CPU ms': ms, 'CPU ms a MB': (ms * 1e6) / text.length };
        },
      };
    }),
  }),
};
