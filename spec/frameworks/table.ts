/** What came of one framework. */
export interface Row {
  /** Its package. */
  readonly name: string;
  readonly version: string;
  /** The copies of an MCP client that the doctor found, with their versions. */
  readonly clients: readonly string[];
  readonly records: number;
  /** What is wrong; nothing where output, records and doctor are right. */
  readonly faults: readonly string[];
}

/** The copies of an MCP client in what the doctor says. */
export function clientsIn(diagnosis: string): string[] {
  const found = diagnosis.matchAll(/: (?:sdk-[a-z]+|own-client|client-patched): (\S+) (\S+) in /g);
  return [...new Set([...found].map(([, name, version]) => `${name} ${version}`))];
}

const HEAD = [
  '| framework | MCP clients that it installs | same output | on record | the doctor says so |',
  '| --- | --- | --- | --- | --- |',
];

/**
 * The table in Markdown, as docs/frameworks.md has it.
 *
 * @param before the table that the rows are put into: a row takes the place of that of the same package.
 */
export function frameworksTable(rows: readonly Row[], before = ''): string {
  const lines = new Map(
    [...before.matchAll(/^\| `(\S+) \S+`.*$/gm)].map(([line, name = '']) => [name, line]),
  );
  for (const row of rows) lines.set(row.name, lineOf(row));
  return [...HEAD, ...lines.values()].join('\n');
}

function lineOf({ name, version, clients, records, faults }: Row): string {
  const tick = faults.length === 0 ? '✔' : '✖';
  const found = clients.map((client) => `\`${client}\``).join(', ');
  return `| \`${name} ${version}\` | ${found} | ${tick} | ${tick} ${records} records | ${tick} |`;
}
