import { ExitCode, usageFailure, type Reading, type CommandIo } from '../shared/command.js';
import { defineCommand, type OptionValues } from '../shared/define.js';
import { keyFiles, readVkeys, VKEY_OPTION, type Judgement } from '../integrity/judgement.js';
import { openLogs, type LogInput } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { KEY_OPTIONS, withKeys } from '../input/unlocked.js';
import { Output } from '../term/output.js';
import { isTerminal, palette } from '../term/terminal.js';
import { count, plural } from '../term/units.js';
import { compileFilter, FILTER_OPTIONS } from '../query/filter.js';
import { LossReport } from '../query/losses.js';
import { select, type Selection, type SelectOptions } from '../query/select.js';
import { csvWriter, lineWriter, parseFields, tableWriter, type RecordWriter } from '../formats/writers.js';

const OPTIONS = {
  ...FILTER_OPTIONS,
  ...KEY_OPTIONS,
  sql: { type: 'string', value: 'SQL', help: "a query over the table 'records' (needs @duckdb/node-api)" },
  'follow-trace': { type: 'string', value: 'ID', help: 'show one trace as a tree, across all logs given' },
  'tool-changes': {
    type: 'boolean',
    help: 'show what definitions of tools said before they changed, and what they say now',
  },
  format: {
    type: 'string',
    short: 'f',
    value: 'FORMAT',
    help: 'table, jsonl, csv or parquet; default: table on a terminal, else jsonl',
  },
  fields: { type: 'string', value: 'LIST', help: "only these fields: 'time,actor_id,mcp.tool_name'" },
  details: { type: 'boolean', help: 'with the table: every field of each record' },
  count: { type: 'boolean', short: 'c', help: 'print only how many records match' },
  limit: { type: 'string', short: 'n', value: 'N', help: 'stop after N records' },
  output: { type: 'string', short: 'o', value: 'FILE', help: 'the file to write; default: standard output' },
  'csv-exact': {
    type: 'boolean',
    help: 'with csv: no apostrophe before cells that a spreadsheet would run as a formula',
  },
  verify: { type: 'boolean', help: 'first verify each log as verify does, and print the verdict on stderr' },
  vkey: { ...VKEY_OPTION, help: `${VKEY_OPTION.help}; implies --verify` },
  json: { type: 'boolean', help: 'the same as --format jsonl, with problems as JSON' },
} as const;

/** The values of this command's options. */
export type QueryOptions = OptionValues<typeof OPTIONS>;

const FORMATS = ['table', 'jsonl', 'csv', 'parquet'] as const;
type Format = (typeof FORMATS)[number];

/** `otel-mcp-log query`: finds records. */
export const command = defineCommand({
  name: 'query',
  summary: 'Find records: by filters, by SQL, or along one trace',
  usage: '[OPTION…] [LOG…]',
  about: `
A record must fulfil every filter. Where a filter is given several times, one of its values is enough;
of several --contains, the record must hold each. Records come out in the order of the logs, and as
JSONL byte for byte as they were logged, unless --fields selects parts of them. Lines that are no
record are named on stderr, the others are served, and the exit code is 3.`,
  options: OPTIONS,
  examples: [
    ['otel-mcp-log query --since 2h --outcome failure audit.jsonl', 'what failed in the last two hours'],
    ["otel-mcp-log query --actor 'alice@*' --resource 'tools/*' --json audit.jsonl", 'for another program'],
    [
      'otel-mcp-log query --follow-trace 4bf92f3577b34da6a3ce929d0e0e4736 agent.jsonl server.jsonl',
      'one trace',
    ],
    ['otel-mcp-log query --sql "SELECT actor_id, count(*) n FROM records GROUP BY 1" audit.jsonl', 'by SQL'],
    ['otel-mcp-log query --gaps audit.jsonl', 'what is missing; exit code 1 if anything is'],
  ],
  exits: [
    [0, 'done, whether or not anything matched'],
    [1, '--gaps found something missing, or --verify a log that cannot be relied on'],
    [3, 'an input, or a line of one, could not be read'],
    [4, '--sql or parquet without @duckdb/node-api'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const { judgements, exitCode } = await verdictFirst(options, operands, io);
    return (await runQuery(options, operands, io, reading, judgements)) || exitCode;
  },
});

/** Prints the verdict on each log before any of its records is shown. The query runs whatever the verdict is. */
async function verdictFirst(
  { verify, vkey, json }: QueryOptions,
  operands: readonly string[],
  io: CommandIo,
): Promise<{ judgements: readonly Judgement[]; exitCode: number }> {
  if (verify !== true && vkey === undefined) return { judgements: [], exitCode: ExitCode.ok };
  const vkeys = await readVkeys(vkey);
  const { judge, tellJudgements } = await import('../integrity/judgement.js');
  const judgements: Judgement[] = [];
  // The query itself reports what cannot be read.
  for (const log of await openLogs(operands, io, new Problems(io, false, true)))
    judgements.push(await judge(log, vkeys));
  return { judgements, exitCode: tellJudgements(judgements, io, json ?? false) };
}

async function runQuery(
  options: QueryOptions,
  operands: readonly string[],
  io: CommandIo,
  reading: Reading,
  judgements: readonly Judgement[],
): Promise<number> {
  if (options.sql !== undefined) {
    const { runSql } = await import('../query/sql.js');
    return runSql(options.sql, operands, chosenFormat(options, io), options, io, reading);
  }
  if (options['follow-trace'] !== undefined) {
    const { followTrace } = await import('../query/trace.js');
    return followTrace(options['follow-trace'], operands, options, io, reading);
  }
  if (options['tool-changes'] === true) {
    const { showToolChanges } = await import('../query/toolChanges.js');
    return showToolChanges(options, operands, io, reading);
  }
  return runFilters(options, operands, io, reading, judgements);
}

/** The paths of everything that a query reads, none of which is overwritten. */
function inputsOf({ vkey }: QueryOptions, operands: readonly string[]): readonly string[] {
  return [...operands, ...keyFiles(vkey)];
}

function chosenFormat({ format, json }: QueryOptions, io: CommandIo): Format {
  if (json === true) {
    if (format !== undefined && format !== 'jsonl')
      throw usageFailure('--json and --format contradict each other');
    return 'jsonl';
  }
  if (format === undefined) return isTerminal(io.stdout) ? 'table' : 'jsonl';
  const known = FORMATS.find((name) => name === (format === 'json' ? 'jsonl' : format));
  if (known === undefined) throw usageFailure('--format: unknown format', `Known are ${FORMATS.join(', ')}.`);
  return known;
}

async function runFilters(
  options: QueryOptions,
  operands: readonly string[],
  io: CommandIo,
  reading: Reading,
  judgements: readonly Judgement[],
): Promise<number> {
  const filter = compileFilter(options);
  const format = chosenFormat(options, io);
  const limit = options.limit === undefined ? undefined : wholeNumber(options.limit);
  const problems = new Problems(io, options.json);
  const logs = withKeys(await openLogs(operands, io, problems), options, problems);
  const losses = options.gaps === true ? new LossReport(io, options.json === true, logs, filter) : undefined;
  const conclude = (matched: number) => {
    // What a limit has left unread may lack records.
    if (matched !== limit) losses?.conclude(judgements);
    problems.conclude();
    return problems.exitCode(losses?.exitCode);
  };
  const common = {
    ...{ io, problems, filter, limit, reading, label: 'reading' },
    ...(losses && { order: losses.see }),
  };

  if (options.count === true) {
    const { matched } = await select(logs, () => undefined, { ...common, takeLine: () => undefined });
    io.stdout.write(options.json === true ? `${JSON.stringify({ count: matched })}\n` : `${matched}\n`);
    return conclude(matched);
  }
  if (format === 'parquet') {
    const { selectToParquet } = await import('../query/duckdb.js');
    const { matched } = await selectToParquet(logs, options.output, {
      ...common,
      inputs: inputsOf(options, operands),
    });
    return conclude(matched);
  }
  const output = await Output.to(options.output, inputsOf(options, operands), io);
  const found = await writeFound(logs, format, output, options, common);
  if (format === 'table' && isTerminal(io.stderr)) tellMatched(found, limit, io);
  return conclude(found.matched);
}

async function writeFound(
  logs: readonly LogInput[],
  format: Format,
  output: Output,
  options: QueryOptions,
  common: SelectOptions,
): Promise<Selection> {
  const writer = makeWriter(format, output, options, common.io);
  // Without a filter every line is decoded, so that a line that is no record is noticed.
  const isAsLogged = format === 'jsonl' && options.fields === undefined && !common.filter.empty;
  writer.begin();
  const found = await select(logs, (record, data, start, end) => writer.record(record, data, start, end), {
    ...common,
    ...(isAsLogged && { takeLine: (data, start, end) => output.line(data, start, end) }),
    pause: () => output.settle(),
  });
  await output.end();
  return found;
}

/** Where a limit ended the reading, the number of lines is not that of the log. */
function tellMatched(
  { lines, matched }: Selection,
  limit: number | undefined,
  { stderr, env }: CommandIo,
): void {
  const read = matched === limit ? `the ${count(lines)} read so far` : plural(lines, 'record');
  stderr.write(palette(stderr, env).dim(`${count(matched)} of ${read}\n`));
}

function makeWriter(format: Format, output: Output, options: QueryOptions, io: CommandIo): RecordWriter {
  const fields = options.fields === undefined ? undefined : parseFields(options.fields);
  if (format === 'csv') return csvWriter(output, fields, options['csv-exact']);
  if (format === 'table') return tableWriter(output, io, { fields, detailed: options.details ?? false });
  return lineWriter(output, fields);
}

function wholeNumber(text: string): number {
  if (!/^\d{1,12}$/.test(text)) throw usageFailure('--limit is no whole number');
  return Number(text);
}
