import { printable } from '../../internal/text.js';
import type { Reading, CommandIo } from '../shared/command.js';
import { keyFiles } from '../integrity/judgement.js';
import { openLogs } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import type { ToolChange } from '../input/toolChange.js';
import { TOOL_CHANGED, TOOL_DEFINITION, ToolHistory } from '../input/toolHistory.js';
import { Output } from '../term/output.js';
import { palette, type Palette } from '../term/terminal.js';
import { compileFilter, type FilterOptions } from './filter.js';
import { select } from './select.js';

/** `query --tool-changes`: what definitions of tools said before they changed, and what they say now. */
export async function showToolChanges(
  options: FilterOptions & { json?: boolean; output?: string; vkey?: readonly string[] },
  operands: readonly string[],
  io: CommandIo,
  reading: Reading,
): Promise<number> {
  const problems = new Problems(io, options.json);
  const logs = await openLogs(operands, io, problems);
  const wanted = compileFilter(options);
  const history = new ToolHistory();
  // A definition is needed for a change that the filter wants, whatever the filter says of the record that keeps it.
  const filter = compileFilter({ resource: [TOOL_CHANGED, TOOL_DEFINITION] });
  await select(
    logs,
    (record) => {
      history.define(record);
      if (wanted.matches(record)) history.change(record);
    },
    { io, problems, filter, label: 'reading' },
  );
  const changes = history.changes();
  reading.showed(changes.length);
  const output = await Output.to(options.output, [...operands, ...keyFiles(options.vkey)], io);
  const style = palette(io.stdout, io.env);
  if (options.json === true) for (const change of changes) output.text(`${JSON.stringify(change)}\n`);
  else if (changes.length === 0) output.text('No change of a tool definition is in these logs.\n');
  else output.text(changes.map((change) => drawChange(change, style)).join('\n'));
  await output.end();
  problems.conclude();
  return problems.exitCode();
}

/** A change as lines of text, which no value can break. */
export function drawChange(change: ToolChange, style?: Palette): string {
  const plain = (text: string) => text;
  const { bold = plain, dim = plain, red = plain, green = plain } = style ?? {};
  const { time, tool, server, trace, before, after, note } = change;
  const side = (mark: '-' | '+', text: string | undefined, paint: (line: string) => string) =>
    text === undefined ? [] : text.split('\n').map((line) => paint(`  ${mark} ${printable(line)}`));
  return [
    `${time}  ${bold(printable(tool))} of ${printable(server)}  ${dim(`trace ${printable(trace)}`)}`,
    dim(`  ${before.slice(0, 16)}… became ${after.slice(0, 16)}…`),
    ...change.differences.flatMap(({ path, before: was, after: is }) => [
      `  ${printable(path)}`,
      ...side('-', was, red),
      ...side('+', is, green),
    ]),
    ...(note === undefined ? [] : [`  (${note})`]),
    '',
  ].join('\n');
}
