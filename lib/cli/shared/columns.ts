/** Two columns for a help text: the first as wide as it must be, lines of the second beneath each other. */
export function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.min(34, Math.max(...rows.map(([left]) => left.length)));
  return rows
    .map(([left, right]) => {
      const [first = '', ...rest] = right.split('\n');
      const head =
        left.length > width
          ? `  ${left}\n${' '.repeat(width + 4)}${first}\n`
          : `  ${left.padEnd(width)}  ${first}\n`;
      return head + rest.map((line) => `${' '.repeat(width + 4)}${line}\n`).join('');
    })
    .join('');
}
