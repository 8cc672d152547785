import { toJsonLine } from '../codecs/line.js';
import { printable } from '../internal/text.js';
import type { AuditRecord, Outcome } from '../schema/record.js';

/** How a record is laid out for people. */
export interface PrettyOptions {
  /** Whether the reader understands ANSI colours. */
  colors: boolean;
  /** Width of the terminal in characters; a detail line is cut there. Absent: not cut. */
  columns?: number | undefined;
}

type Color = 'green' | 'red' | 'yellow' | 'dim' | 'bold';

/** SGR parameters: ECMA-48, 8.3.117. */
const SGR: Record<Color, readonly [on: number, off: number]> = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
};

/** A mark, a word and a colour: the outcome is told apart without colours too. */
const LOOKS: Record<Outcome, readonly [mark: string, word: string, color: Color]> = {
  OUTCOME_SUCCESS: ['✔', 'success', 'green'],
  OUTCOME_FAILURE_ERROR: ['✘', 'error', 'red'],
  OUTCOME_FAILURE_DENIED: ['⊘', 'denied', 'red'],
  OUTCOME_FAILURE_UNAUTHORIZED: ['⊘', 'unauthorized', 'red'],
  OUTCOME_PARTIAL: ['◐', 'partial', 'yellow'],
  OUTCOME_UNSPECIFIED: ['?', 'unknown', 'yellow'],
};

const INDENT = ' '.repeat(16);

/**
 * A record for a terminal: one line that says when, what became of it, what and how long; below it, indented, the reason of
 * a failure and the arguments. Control characters in any of it are shown escaped, so that nothing in a record can move the
 * cursor, recolour, or add a line.
 */
export function prettyRecord(record: AuditRecord, { colors, columns }: PrettyOptions): string {
  const paint = (text: string, ...styles: Color[]): string =>
    colors
      ? styles.reduce((inner, style) => `\u001b[${SGR[style][0]}m${inner}\u001b[${SGR[style][1]}m`, text)
      : text;
  const [mark, word, color] = LOOKS[record.outcome] ?? LOOKS.OUTCOME_UNSPECIFIED;
  const head = [
    paint(printable(record.time.slice(11, 23)).padEnd(12), 'dim'),
    paint(`${mark} ${word.padEnd(12)}`, color, 'bold'),
    paint(printable(record.resource).padEnd(28), 'bold'),
    `${record.duration_ms.toFixed(1).padStart(9)} ms`,
    printable(record.actor_id),
    paint(printable(trail(record)), 'dim'),
  ];
  const lines = [head.join('  ').trimEnd()];
  const fit = (text: string): string => cut(`${INDENT}${printable(text)}`, columns);
  if (record.error) lines.push(paint(fit(reason(record.error)), color));
  const given = record.mcp?.tool_arguments ?? record.mcp?.prompt_arguments ?? record.data;
  if (given !== undefined) lines.push(paint(fit(toJsonLine(given)), 'dim'));
  return lines.join('\n');
}

/** Where to look further: the server that was asked, and the trace. */
function trail({ server_id: server, trace_id: trace }: AuditRecord): string {
  return [server && `@${server}`, trace && `trace ${trace}`].filter(Boolean).join('  ');
}

function reason({ type, code, message }: NonNullable<AuditRecord['error']>): string {
  const kind = code === undefined || code === type ? type : `${type} (${code})`;
  return message ? `${kind}: ${message}` : kind;
}

/** Cut by code points, so that no character is halved. */
function cut(text: string, columns: number | undefined): string {
  if (columns === undefined || text.length <= columns) return text;
  return `${Array.from(text)
    .slice(0, Math.max(columns - 1, INDENT.length))
    .join('')}…`;
}
