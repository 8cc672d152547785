import { stat, open } from 'node:fs/promises';
import {
  ExitCode,
  inputFailure,
  systemReason,
  usageFailure,
  type Reading,
  type CommandIo,
} from '../shared/command.js';
import { defineCommand, type OptionValues } from '../shared/define.js';
import { decodeRecord, LineFault } from '../input/records.js';
import { openLogs } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { LineScanner, type LineVisitor } from '../input/scanner.js';
import { compileFilter, FILTER_OPTIONS } from '../query/filter.js';
import { select } from '../query/select.js';
import { lineWriter, tableWriter, type RecordWriter } from '../formats/writers.js';
import { Output } from '../term/output.js';
import { palette } from '../term/terminal.js';
import { followFile, type FileEvent } from '../tail/follow.js';

const OPTIONS = {
  ...FILTER_OPTIONS,
  lines: { type: 'string', short: 'n', value: 'N', help: 'begin with the last N lines (default 10)' },
  details: { type: 'boolean', short: 'd', help: 'every field of each record, below its line' },
  'no-follow': { type: 'boolean', help: 'show what is there, and end' },
  json: { type: 'boolean', help: 'the lines as they were logged' },
} as const;

type TailOptions = OptionValues<typeof OPTIONS>;

const EVENT_WORDS: Readonly<Record<FileEvent, string>> = {
  rotated: 'the log was rotated; following the new file',
  truncated: 'the log was truncated; reading it from its beginning',
  gone: 'the log is not there; waiting for it',
  back: 'the log is there again',
};

/** `otel-mcp-log tail`: the log as it grows. */
export const command = defineCommand({
  name: 'tail',
  summary: 'Watch a log as it grows, one readable line a record',
  usage: '[OPTION…] LOG',
  about: `
Follows the log by its name, through rotation, truncation and deletion. Control characters in records
are shown and never reach the terminal. Ends with Ctrl-C, or when the reader of its output ends. '-'
reads standard input to its end.`,
  options: OPTIONS,
  examples: [
    ['otel-mcp-log tail audit.jsonl', 'everything'],
    [
      'otel-mcp-log tail --outcome failure --details audit.jsonl',
      'what goes wrong, with all that is known of it',
    ],
    ['otel-mcp-log tail --json audit.jsonl | jq .mcp.tool_arguments', 'for another program'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const [path, ...more] = operands;
    if (path === undefined || more.length > 0) throw usageFailure('tail takes one log');
    return path === '-' ? tailStream(options, io) : tailFile(path, options, io, reading);
  },
});

function makeWriter(output: Output, options: TailOptions, io: CommandIo): RecordWriter {
  return options.json === true
    ? lineWriter(output, undefined)
    : tableWriter(output, io, { detailed: options.details ?? false });
}

async function tailStream(options: TailOptions, io: CommandIo): Promise<number> {
  const problems = new Problems(io, options.json);
  const output = await Output.to(undefined, [], io);
  const writer = makeWriter(output, options, io);
  writer.begin();
  await select(
    await openLogs(['-'], io, problems),
    (record, data, start, end) => writer.record(record, data, start, end),
    {
      io,
      problems,
      filter: compileFilter(options),
      label: 'reading',
      pause: () => output.settle(),
    },
  );
  await output.end();
  problems.conclude();
  return problems.exitCode();
}

async function tailFile(
  path: string,
  options: TailOptions,
  io: CommandIo,
  reading: Reading,
): Promise<number> {
  const problems = new Problems(io, options.json);
  const output = await Output.to(undefined, [path], io);
  const writer = makeWriter(output, options, io);
  const filter = compileFilter(options);
  writer.begin();
  let shown = 0;
  const take: LineVisitor = (data, start, end, place) => {
    try {
      const record = decodeRecord(data, start, end);
      if (!filter.matches(record)) return;
      reading.showed(++shown);
      writer.record(record, data, start, end);
    } catch (error) {
      if (!(error instanceof LineFault)) throw error;
      // The number of the line is unknown, because reading began in the middle of the file.
      problems.report({ file: place.file, offset: place.offset }, error.message);
    }
  };
  const from = await beginning(path, options);
  await output.settle();
  const { signal, end } = interruptible();
  const makeScanner = () =>
    new LineScanner(path, {
      line: take,
      torn: take,
      oversized: (place) => problems.report(place, 'a line of more than 16 MB: not an audit record'),
    });
  let scanner = makeScanner();
  for await (const part of followFile(path, { from, signal, once: options['no-follow'] ?? false })) {
    if ('event' in part) {
      // A file that has lost its name may still grow.
      if (part.event !== 'gone') {
        scanner.finish();
        scanner = makeScanner();
      }
      if (options.json !== true)
        io.stderr.write(palette(io.stderr, io.env).dim(`${EVENT_WORDS[part.event]}\n`));
    } else scanner.feed(part);
    await output.settle();
  }
  end();
  await output.end();
  problems.conclude();
  return problems.exitCode(ExitCode.ok);
}

/** A signal that aborts at Ctrl-C or a plain kill. */
function interruptible(): { signal: AbortSignal; end(): void } {
  const controller = new AbortController();
  const stop = () => controller.abort();
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  return {
    signal: controller.signal,
    end() {
      process.removeListener('SIGINT', stop);
      process.removeListener('SIGTERM', stop);
    },
  };
}

/** Where to begin reading, in bytes. A log that does not exist yet is waited for. What is not a file is refused. */
async function beginning(path: string, options: TailOptions): Promise<number> {
  const text = options.lines ?? '10';
  if (!/^\d{1,9}$/.test(text)) throw usageFailure('--lines is no whole number');
  try {
    if (!(await stat(path)).isFile()) throw inputFailure(`${path}: is not a file`);
    return await lastLinesOffset(path, Number(text));
  } catch (error) {
    const missing = error instanceof Error && 'code' in error && error.code === 'ENOENT';
    if (missing && options['no-follow'] !== true) return 0;
    if (systemReason(error) === undefined) throw error;
    throw inputFailure(`${path}: ${systemReason(error) ?? ''}`, error);
  }
}

const STEP = 1 << 16;
const LF = 0x0a;

/**
 * Where the last `lines` lines of a file begin, in bytes. Searches from the end.
 *
 */
export async function lastLinesOffset(path: string, lines: number): Promise<number> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    let found = 0;
    for (let end = size; end > 0; end -= STEP) {
      const start = Math.max(0, end - STEP);
      const { buffer } = await file.read(Buffer.alloc(end - start), 0, end - start, start);
      for (let at = buffer.length - 1; at >= 0; at--) {
        // The LF at the very end closes the last line; it begins none.
        if (buffer[at] !== LF || start + at === size - 1) continue;
        if (++found === lines) return start + at + 1;
      }
      if (start === 0) break;
    }
    return lines === 0 ? size : 0;
  } finally {
    await file.close();
  }
}
