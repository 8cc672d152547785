import { ExitCode, usageFailure, type CommandIo, type Reading } from '../shared/command.js';
import { openLogs, type LogInput } from '../input/logs.js';
import { Problems, type Place } from '../input/problems.js';
import { readLines, totalBytes } from '../input/records.js';
import { compileFilter, FILTER_OPTIONS } from '../query/filter.js';
import { Output } from '../term/output.js';
import { progressBar } from '../term/terminal.js';
import { encodersFor, type EncodedBlock, type EncodeSettings, type Encoders } from '../export/encoders.js';
import { exportHead, TEXT_FORMATS } from '../formats/writers.js';
import { defineCommand } from '../shared/define.js';
import { nearest } from '../../internal/text.js';
import { KEY_OPTIONS, withKeys } from '../input/unlocked.js';
import { count, plural } from '../term/units.js';

/** About how many bytes of lines are encoded at once. */
const BLOCK_BYTES = 1 << 20;

/** How records are exported. */
interface ExportOptions {
  readonly io: CommandIo;
  readonly problems: Problems;
  readonly reading: Reading;
}

/**
 * Writes the records that a filter wants in a format of text, in the order of the log. Lines are cut here, and decoded and encoded in
 * blocks, which large logs have on several threads.
 *
 * @returns How many records were wanted, and how many are in the output.
 */
async function exportLines(
  logs: readonly LogInput[],
  output: Output,
  settings: EncodeSettings,
  { io, problems, reading }: ExportOptions,
): Promise<{ matched: number; written: number }> {
  const bytes = logs.flatMap(({ files }) => files).reduce((sum, file) => sum + file.bytes, 0);
  const encoders = await encodersFor(bytes, settings, io.program);
  const progress = progressBar(io, 'exporting', totalBytes(logs));
  const blocks = new Blocks(encoders, output, problems, reading);
  try {
    output.text(exportHead(settings.format));
    await readLines(logs, (data, start, end, place) => blocks.add(data, start, end, place), {
      problems,
      progress,
      prefilter: compileFilter(settings.filter, settings.now).prefilter(),
      pause: () => blocks.finishDownTo(encoders.atOnce),
    });
    blocks.dispatch();
    await blocks.finishDownTo(0);
  } finally {
    await encoders.close();
    progress.end();
  }
  return blocks.counts;
}

/** Blocks of lines on their way through the encoders. They are written in the order in which their lines were added. */
class Blocks {
  readonly counts = { matched: 0, written: 0 };
  readonly #underWay: { places: readonly Place[]; encoded: Promise<EncodedBlock> }[] = [];
  #block = new Block();

  constructor(
    private readonly encoders: Encoders,
    private readonly output: Output,
    private readonly problems: Problems,
    private readonly reading: Reading,
  ) {}

  add(data: Buffer, start: number, end: number, place: Place): void {
    if (!this.#block.fits(end - start)) this.dispatch();
    this.#block.add(data, start, end, place);
  }

  /** Has the lines encoded that were added since the last call. */
  dispatch(): void {
    const { places } = this.#block;
    if (places.length === 0) return;
    const encoded = this.encoders.encode(this.#block.take());
    // It is awaited later, in its turn.
    encoded.catch(() => undefined);
    this.#underWay.push({ places, encoded });
    this.#block = new Block();
  }

  /** Writes blocks until no more than `most` are under way. */
  async finishDownTo(most: number): Promise<void> {
    while (this.#underWay.length > most) {
      const { places, encoded } = this.#underWay.shift()!;
      const { data, matched, written, faults } = await encoded;
      for (const [line, reason] of faults) this.problems.report(places[line]!, reason);
      this.counts.matched += matched;
      this.counts.written += written;
      this.reading.showed(this.counts.matched);
      this.output.own(data);
      await this.output.settle();
    }
  }
}

/** Lines that are gathered to be encoded together. */
class Block {
  /** Where each of them stands in its file. */
  readonly places: Place[] = [];
  readonly #ends: number[] = [];
  #data = new Uint8Array(BLOCK_BYTES);
  #used = 0;

  /** Whether a line of so many bytes can be added. A block without lines takes any. */
  fits(bytes: number): boolean {
    return this.places.length === 0 || this.#used + bytes <= this.#data.byteLength;
  }

  add(data: Buffer, start: number, end: number, place: Place): void {
    if (this.#used + end - start > this.#data.byteLength) this.#data = new Uint8Array(end - start);
    this.#data.set(data.subarray(start, end), this.#used);
    this.#used += end - start;
    this.#ends.push(this.#used);
    this.places.push({ ...place });
  }

  take(): { data: Uint8Array<ArrayBuffer>; ends: number[] } {
    return { data: this.#data, ends: this.#ends };
  }
}

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
      const { selectToParquet } = await import('../query/duckdb.js');
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
