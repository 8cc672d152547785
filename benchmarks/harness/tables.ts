import { isMet, type Answer, type RatioAnswer, type Spread } from './answer.js';

/** An answer as two tables in Markdown: what was measured, and in terms of what. */
export function tablesOf({ cases, ratios }: Answer): string {
  const units = [...new Set(cases.flatMap(({ figures }) => Object.keys(figures)))];
  const rows = cases.map(({ name, figures }) => [
    name,
    ...units.map((unit) => (figures[unit] === undefined ? '' : withSpread(figures[unit]))),
  ]);
  const tables = [table(['case', ...units], rows)];
  if (ratios.length > 0)
    tables.push(
      table(
        ['ratio', 'median', 'spread', 'aim'],
        ratios.map((ratio) => [ratio.name, number(ratio.value[0]), ends(ratio.value), aim(ratio)]),
      ),
    );
  return tables.join('\n\n');
}

/** `16.5 (15.9–17.7)` */
function withSpread(spread: Spread): string {
  return spread[1] === spread[2] ? number(spread[0]) : `${number(spread[0])} (${ends(spread)})`;
}

function ends([, least, most]: Spread): string {
  return `${number(least)}–${number(most)}`;
}

function aim(ratio: RatioAnswer): string {
  const met = isMet(ratio);
  if (met === undefined) return '';
  const bound = ratio.atMost === undefined ? `at least ${ratio.atLeast}` : `at most ${ratio.atMost}`;
  return `${bound}: ${met ? 'met' : '**missed**'}`;
}

/** Three digits are what measurements of this kind are good for. */
export function number(value: number): string {
  return Number(value.toPrecision(3)).toLocaleString('en-US', { maximumFractionDigits: 6 });
}

/** Rows under heads, the columns as wide as what stands in them; the first to the left, the others to the right. */
export function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = heads.map((head, column) =>
    Math.max(3, head.length, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]) =>
    `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0]!) : cell.padStart(widths[column]!))).join(' | ')} |`;
  const rule = widths.map((width, column) =>
    column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`,
  );
  return [line(heads), line(rule), ...rows.map(line)].join('\n');
}
