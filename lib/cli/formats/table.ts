import { printable } from '../../internal/text.js';
import type { AuditRecord } from '../../schema/record.js';
import { canonicalOutcome } from '../input/records.js';
import type { Paint, Palette } from '../term/terminal.js';
import { duration } from '../term/units.js';

/** How outcomes look: a sign that reads without colour, a word, a colour. */
const OUTCOME_LOOKS = {
  OUTCOME_SUCCESS: ['✓', 'ok', 'green'],
  OUTCOME_FAILURE_ERROR: ['✗', 'error', 'red'],
  OUTCOME_FAILURE_DENIED: ['⊘', 'denied', 'yellow'],
  OUTCOME_FAILURE_UNAUTHORIZED: ['⊘', 'unauth', 'yellow'],
  OUTCOME_PARTIAL: ['◐', 'partial', 'magenta'],
  OUTCOME_UNSPECIFIED: ['?', 'unknown', 'magenta'],
} as const satisfies Record<string, readonly [string, string, keyof Palette]>;

/** The outcome as a sign and a word of equal width, painted. */
export function outcomeCell(outcome: string, style: Palette): string {
  const [sign, word, colour] = OUTCOME_LOOKS[canonicalOutcome(outcome)] ?? ['?', 'other', 'magenta'];
  return style[colour](`${sign} ${word.padEnd(7)}`);
}

/** Cuts a text to a width, harmless for a terminal. Wide characters may make it stand out; they cannot break it. */
export function fit(text: string, width: number): string {
  const characters = [...printable(text)];
  return characters.length <= width
    ? characters.join('') + ' '.repeat(width - characters.length)
    : `${characters.slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** The widths of a table that fills a terminal. */
function widths(total: number): { actor: number; what: number; server: number; message: number } {
  const left = Math.max(46, total - 24 - 10 - 10 - 4);
  const [actor, what, server] = [0.2, 0.3, 0.18].map((part) => Math.floor(left * part)) as [
    number,
    number,
    number,
  ];
  return { actor, what, server, message: left - actor - what - server - 3 };
}

/** The head of the table. */
export function tableHead(total: number, bold: Paint): string {
  const { actor, what, server } = widths(total);
  const cells = ['TIME'.padEnd(24), 'OUTCOME'.padEnd(9), 'ACTOR'.padEnd(actor), 'WHAT'.padEnd(what)];
  return `${bold([...cells, 'SERVER'.padEnd(server), 'TOOK'.padStart(9), 'MESSAGE'].join(' '))}\n`;
}

/** One record as one line of the table. */
export function tableRow(record: AuditRecord, total: number, style: Palette): string {
  const { actor, what, server, message } = widths(total);
  const said =
    record.error === undefined
      ? record.message
      : `${record.error.type}: ${record.error.message ?? record.message}`;
  return `${[
    style.dim(fit(record.time, 24)),
    outcomeCell(record.outcome, style),
    fit(record.actor_id, actor),
    style.bold(fit(record.resource, what)),
    fit(record.server_id ?? '', server),
    fit(duration(record.duration_ms), 9).trimEnd().padStart(9),
    fit(said, message).trimEnd(),
  ].join(' ')}\n`;
}

/** A record's own text in lines of `key  value`, indented, for those who want to see all of it. */
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
