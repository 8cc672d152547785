import { printable } from '../../internal/text.js';
import type { AuditRecord } from '../../schema/record.js';
import { canonicalOutcome } from '../input/records.js';
import type { Paint, Palette } from '../term/terminal.js';
import { duration } from '../term/units.js';

/** The look of each outcome: a sign that can be read without colour, a word, a colour. */
const OUTCOME_LOOKS = {
  OUTCOME_SUCCESS: ['✓', 'ok', 'green'],
  OUTCOME_FAILURE_ERROR: ['✗', 'error', 'red'],
  OUTCOME_FAILURE_DENIED: ['⊘', 'denied', 'yellow'],
  OUTCOME_FAILURE_UNAUTHORIZED: ['⊘', 'unauth', 'yellow'],
  OUTCOME_PARTIAL: ['◐', 'partial', 'magenta'],
  OUTCOME_UNSPECIFIED: ['?', 'unknown', 'magenta'],
} as const satisfies Record<string, readonly [string, string, keyof Palette]>;

/** The outcome as a coloured sign and word, of equal width for all outcomes. */
export function outcomeCell(outcome: string, style: Palette): string {
  const [sign, word, colour] = OUTCOME_LOOKS[canonicalOutcome(outcome)] ?? ['?', 'other', 'magenta'];
  return style[colour](`${sign} ${word.padEnd(7)}`);
}

/** Cuts or pads a text to a width, and escapes what a terminal would obey. Wide characters may make it wider than that. */
export function fit(text: string, width: number): string {
  const characters = [...printable(text)];
  return characters.length <= width
    ? characters.join('') + ' '.repeat(width - characters.length)
    : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

type ColumnName = 'OUTCOME' | 'WHAT' | 'MESSAGE' | 'TIME' | 'ACTOR' | 'TOOK' | 'SERVER';

/**
 * The columns with their least widths, in the order of the table: what a reader needs first stands first, and a narrow terminal
 * leaves the last ones out.
 */
const COLUMNS: readonly (readonly [name: ColumnName, least: number])[] = [
  ['OUTCOME', 9],
  ['WHAT', 20],
  ['MESSAGE', 20],
  ['TIME', 24],
  ['ACTOR', 16],
  ['TOOK', 9],
  ['SERVER', 14],
];
/** Columns that are there in any terminal. */
const ALWAYS = 3;
/** The parts of the width left over that columns of varying content get; the rest goes to MESSAGE. */
const SHARES: Readonly<Partial<Record<ColumnName, number>>> = { WHAT: 0.3, ACTOR: 0.1, SERVER: 0.1 };

/** The columns that fit into a terminal, each with its width. */
function layout(total: number): readonly (readonly [name: ColumnName, width: number])[] {
  let used = -1;
  const shown = COLUMNS.filter(([, least], index) => {
    if (index >= ALWAYS && used + 1 + least > total) used = Infinity;
    else used += 1 + least;
    return used !== Infinity;
  });
  const left = Math.max(0, total - shown.reduce((sum, [, least]) => sum + 1 + least, -1));
  const shared = shown.map(([name]) => Math.floor(left * (SHARES[name] ?? 0)));
  const rest = left - shared.reduce((sum, width) => sum + width, 0);
  return shown.map(([name, least], index) => [
    name,
    least + (shared[index] ?? 0) + (name === 'MESSAGE' ? rest : 0),
  ]);
}

/** The head of the table. */
export function tableHead(total: number, bold: Paint): string {
  const cells = layout(total).map(([name, width]) =>
    name === 'TOOK' ? name.padStart(width) : name.padEnd(width),
  );
  return `${bold(cells.join(' ').trimEnd())}\n`;
}

/** One record as one line of the table. */
export function tableRow(record: AuditRecord, total: number, style: Palette): string {
  return `${layout(total)
    .map(([name, width]) => CELLS[name](record, width, style))
    .join(' ')
    .trimEnd()}\n`;
}

const CELLS: Readonly<Record<ColumnName, (record: AuditRecord, width: number, style: Palette) => string>> = {
  OUTCOME: ({ outcome }, _, style) => outcomeCell(outcome, style),
  WHAT: ({ resource }, width, { bold }) => bold(fit(resource, width)),
  MESSAGE: ({ error, message }, width) =>
    fit(error === undefined ? message : `${error.type}: ${error.message ?? message}`, width),
  TIME: ({ time }, width, { dim }) => dim(fit(time, width)),
  ACTOR: ({ actor_id: actor }, width) => fit(actor, width),
  TOOK: ({ duration_ms: took }, width) => fit(duration(took), width).trimEnd().padStart(width),
  SERVER: ({ server_id: server = '' }, width) => fit(server, width),
};

/** Every field of a record that the table does not show, as indented lines of `key  value`. */
export function details(record: AuditRecord, style: Palette): string {
  const skip = new Set(['time', 'outcome', 'actor_id', 'resource', 'server_id', 'duration_ms', 'message']);
  const lines: string[] = [];
  const walk = (value: object, prefix: string) => {
    for (const [key, field] of Object.entries(value) as [string, unknown][]) {
      const name = `${prefix}${key}`;
      if (skip.has(name)) continue;
      const nested = (name === 'mcp' || name === 'error') && typeof field === 'object' && field !== null;
      if (nested) walk(field, `${name}.`);
      else {
        const text = typeof field === 'string' ? field : JSON.stringify(field);
        lines.push(`    ${style.dim(printable(name).padEnd(22))} ${printable(text)}\n`);
      }
    }
  };
  walk(record, '');
  return lines.join('');
}
