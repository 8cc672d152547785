import { CASES, COLUMNS, SDKS, type Case, type SdkVersion } from './cases.js';

/** One cell's coordinates. */
export interface Cell {
  readonly sdk: SdkVersion;
  readonly case: Case;
  readonly column: (typeof COLUMNS)[number];
}

/**
 * The matrix in Markdown, as `docs/runtimes.md` shows it: a row per way of loading, a column per Node and line of OpenTelemetry.
 *
 * @param passed what came of a cell; undefined where it was not run.
 */
export function matrixTable(passed: (cell: Cell) => boolean | undefined): string {
  const heads = COLUMNS.map(({ node, otel }) => `Node ${node}, OTel ${otel}`);
  const rows = CASES.map((each) => {
    const cells = COLUMNS.map((column) => {
      const versions = Object.keys(SDKS) as SdkVersion[];
      const results = versions.map((sdk) => passed({ sdk, case: each, column }));
      if (results.includes(false)) return '✖';
      return results.includes(undefined) ? '–' : '✔';
    });
    return [`${each.modules}, ${each.name}`, ...cells];
  });
  const table = [['SDK v1 and v2', ...heads], ...rows];
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)));
  const line = (row: readonly string[]) =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column]!)).join(' | ')} |`;
  const rule = `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`;
  return [line(table[0]!), rule, ...table.slice(1).map(line)].join('\n');
}
