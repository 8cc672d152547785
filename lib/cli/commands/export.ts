import { ExitCode, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { nearest } from '../../internal/text.js';
import { usageFailure } from '../shared/failure.js';
import { openLogs } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { KEY_OPTIONS, withKeys } from '../input/unlocked.js';
import { compileFilter, FILTER_OPTIONS } from '../query/filter.js';
import { Output } from '../term/output.js';
import { count, plural } from '../term/units.js';
import { exportLines } from '../export/exportLines.js';
import { TEXT_FORMATS } from '../formats/writers.js';

const FORMATS = [...TEXT_FORMATS, 'parquet'] as const;
type Format = (typeof FORMATS)[number];

/** `otel-mcp-log export`: the log in other tools' formats. */
export const command = defineCommand({
  name: 'export',
  summary: 'Write the log for other tools: OCSF, ECS, OTLP, CSV, Parquet, ClickHouse',
  usage: '--format FORMAT [OPTION…] [LOG…] [-o FILE]',
  about: `
Writes every record that the filters select once, in the order of the log, and compares the counts in
and out at the end. ocsf and ecs are JSON lines, and cannot be turned back into records. otlp is JSON
lines that the OpenTelemetry Collector's otlpjsonfile receiver reads. csv and parquet hold every field.
clickhouse is rows of the table in dist/clickhouse.sql.`,
  options: {
    ...FILTER_OPTIONS,
    ...KEY_OPTIONS,
    format: { type: 'string', short: 'f', value: 'FORMAT', help: `${FORMATS.join(', ')}` },
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: 'the file to write; default: standard output',
    },
    'csv-exact': {
      type: 'boolean',
      help: 'with csv: no apostrophe before cells that a spreadsheet would run as a formula',
    },
    json: { type: 'boolean', help: 'the counts, and problems, as JSON' },
  },
  examples: [
    ['otel-mcp-log export --format ocsf audit.jsonl -o audit.ocsf.jsonl', 'for a security lake'],
    ['otel-mcp-log export --format parquet --since 30d audit.jsonl -o month.parquet', 'for a data warehouse'],
    ['otel-mcp-log export --format otlp audit.jsonl -o logs.json', 'for an OpenTelemetry Collector'],
  ],
  exits: [
    [0, 'as many records are in the output as were chosen'],
    [1, 'the counts in and out differ: do not use the output'],
    [3, 'an input, or a line of one, could not be read'],
    [4, 'parquet without @duckdb/node-api'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const format = chosenFormat(options.format);
    const problems = new Problems(io, options.json);
    const logs = withKeys(await openLogs(operands, io, problems), options, problems);
    let counts: { in: number; out: number };
    if (format === 'parquet') {
      const { selectToParquet } = await import('../query/parquet.js');
      const filter = compileFilter(options);
      const common = { io, problems, filter, reading, label: 'exporting' };
      const { matched, rows } = await selectToParquet(logs, options.output, { ...common, inputs: operands });
      counts = { in: matched, out: rows };
    } else {
      const output = await Output.to(options.output, operands, io);
      const settings = { format, exact: options['csv-exact'] ?? false, filter: options, now: Date.now() };
      const { matched, written } = await exportLines(logs, output, settings, { io, problems, reading });
      await output.end();
      counts = { in: matched, out: written };
    }
    problems.conclude();
    tell(counts, format, options, io);
    return problems.exitCode(counts.in === counts.out ? ExitCode.ok : ExitCode.finding);
  },
});

function chosenFormat(text: string | undefined): Format {
  if (text === undefined) throw usageFailure('--format is missing', `Known are ${FORMATS.join(', ')}.`);
  const format = FORMATS.find((name) => name === text);
  if (format !== undefined) return format;
  const meant = nearest(text, FORMATS);
  throw usageFailure(
    '--format: unknown format',
    `${meant === undefined ? '' : `Did you mean '${meant}'? `}Known are ${FORMATS.join(', ')}.`,
  );
}

/** Prints the counts on stdout, or on stderr where the records went to stdout. */
function tell(
  counts: { in: number; out: number },
  format: Format,
  options: { output?: string; json?: boolean },
  io: CommandIo,
): void {
  const stream = options.output === undefined || options.output === '-' ? io.stderr : io.stdout;
  if (options.json === true) stream.write(`${JSON.stringify({ format, ...counts })}\n`);
  else stream.write(`${plural(counts.in, 'record')} in, ${count(counts.out)} out (${format})\n`);
}
