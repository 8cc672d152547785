import { TOOLS } from '../../../lib/redaction/detectors/commands.js';
import { SHAPES } from '../../../lib/redaction/detectors/shapes.js';
import { NAMED_KEYS } from '../../../lib/redaction/keys/nameLists.js';
import * as defaults from '../../../lib/redaction/keys/nameLists.js';
import { DETECTORS } from '../../../lib/redaction/detectors/table.js';
import { formatted } from '../../../scripts/formatted.mjs';
import type { PackScores, Score } from './score.js';

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows]
    .map((cells) => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`)
    .join('\n');

/** Names, in code, broken into lines of the page's width. */
function list(names: readonly string[]): string {
  const lines = [''];
  names.forEach((name, index) => {
    const word = `\`${name}\`${index < names.length - 1 ? ',' : ''}`;
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > 126) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  });
  return lines.join('\n');
}

const unique = (names: readonly string[]): string[] => [...new Set(names)].sort();

/** What the page says of redaction by its own tables, by the name of the section. */
const SECTIONS: Readonly<Record<string, () => string>> = {
  detectors: () =>
    table(
      ['name', 'default', 'finds', 'known from'],
      DETECTORS.map(({ name, on, finds, source }) => [`\`${name}\``, on ? 'on' : 'off', finds, source]),
    ),
  names: () => list(defaults.DEFAULT_KEY_PATTERNS),
  never: () => list(defaults.NEVER_TOKENISED),
  describing: () => list(defaults.DESCRIBING_WORDS),
  counting: () => list(defaults.COUNTING_WORDS),
  asking: () => list(defaults.ASKING_WORDS),
  harmless: () => list(defaults.HARMLESS_NAMES),
  endings: () => list(defaults.NAME_ENDINGS),
  numbers: () => list(defaults.NUMBER_NAMES),
  plainKeys: () => list(defaults.PLAIN_KEYS),
  providers: () => list(unique(NAMED_KEYS.map(([, word]) => word))),
  tools: () =>
    list(unique(TOOLS.flatMap(([tools]) => tools.split(' ').map((tool) => tool.replaceAll('+', ' '))))),
  checksums: () => list(unique(SHAPES.flatMap(([name, , , sum]) => (sum === undefined ? [] : [name])))),
  catalogue: () => list(unique(SHAPES.map(([name]) => name))),
};

const MARKED = /<!-- redaction: (\w+) -->\n[\s\S]*?<!-- end of redaction -->/g;

/** The page with every marked section written anew. */
export async function fillPage(
  page: string,
  more: Readonly<Record<string, () => string>> = {},
): Promise<string> {
  const sections = { ...SECTIONS, ...more };
  const filled = page.replace(MARKED, (_all, name: string) => {
    const section = sections[name];
    if (section === undefined) throw new Error(`docs/redaction.md: no section is called ${name}`);
    return `<!-- redaction: ${name} -->\n\n${section()}\n\n<!-- end of redaction -->`;
  });
  return formatted('redaction.md', filled);
}

const percent = (part: number, all: number): string => `${((100 * part) / all).toFixed(1)} %`;

/** What was measured, section by section. */
export function scoreTable({ hidden, kept }: Score): string {
  return table(
    ['samples', 'number', 'hidden', 'changed though harmless'],
    [
      ...hidden.map(({ name, samples, wrong }) => [
        name,
        `${samples}`,
        percent(samples - wrong.length, samples),
        '',
      ]),
      ...kept.map(({ name, samples, wrong }) => [name, `${samples}`, '', percent(wrong.length, samples)]),
    ],
  );
}

/** What was measured of each pack, and of what is out of their reach. */
export function packTable({ packs, names }: PackScores): string {
  const rows = packs.flatMap(({ name, score: { hidden, kept } }) =>
    hidden.map(({ samples, wrong }) => [
      `\`${name}\``,
      `${samples}`,
      percent(samples - wrong.length, samples),
      ...kept.flatMap((own) => [`${own.samples}`, percent(own.wrong.length, own.samples)]),
    ]),
  );
  const out = names.hidden.map(({ samples, wrong }) => [
    'names of people in prose, with all packs',
    `${samples}`,
    percent(samples - wrong.length, samples),
    '',
    '',
  ]);
  return table(['pack', 'samples', 'hidden', 'harmless samples', 'changed'], [...rows, ...out]);
}
