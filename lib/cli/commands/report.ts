import { printable } from '../../internal/text.js';
import { isBad } from '../../integrity/verification/verdict.js';
import { ExitCode, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { openLogs } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { KEY_OPTIONS, withKeys } from '../input/unlocked.js';
import { keyFiles, readVkeys, VKEY_OPTION } from '../integrity/judgement.js';
import { FILTER_OPTIONS } from '../query/filter.js';
import { Output } from '../term/output.js';
import { palette } from '../term/terminal.js';
import { bytes, plural } from '../term/units.js';
import { bothSidesWords } from '../report/bothSides.js';
import type { BothSides, ReportModel } from '../report/model.js';
import { readModel } from '../report/read.js';

/** How many records the page holds by default: it stays below 15 MB, and opens at once. */
const DEFAULT_ROWS = 10_000;
const MOST_ROWS = 50_000;

/** `otel-mcp-log report`: one page that answers an auditor's first questions. */
export const command = defineCommand({
  name: 'report',
  summary: 'Make one self-contained page of what happened, who did it, and whether it is intact',
  usage: '[OPTION…] LOG… -o report.html',
  about: `
The page needs no network and no server: open it from disk, print it, send it on. At a glance it answers
what happened, who did it, what failed or was denied, which data was touched, which tools changed, what
is missing, and whether the log is intact. Below are charts, filters and single records. Counts cover
all records; single records are the notable and the newest ones (--rows). The page holds content of
the log: give it only to people who may read the log.`,
  options: {
    ...FILTER_OPTIONS,
    ...KEY_OPTIONS,
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: "the page to write (default: report.html; '-' is standard output)",
    },
    title: { type: 'string', value: 'TEXT', help: 'the title of the page' },
    rows: {
      type: 'string',
      value: 'N',
      help: `how many single records the page holds (default ${DEFAULT_ROWS})`,
    },
    vkey: VKEY_OPTION,
    json: {
      type: 'boolean',
      help: 'describe the page as JSON; with -o - write its model instead of the page',
    },
  },
  examples: [
    ['otel-mcp-log report audit.jsonl -o report.html', 'everything in one log'],
    ['otel-mcp-log report --since 7d agent-*.jsonl -o week.html', 'the last week of several processes'],
  ],
  exits: [
    [0, 'the page was written'],
    [1, 'it was written, and the log is not intact'],
    [3, 'an input, or a line of one, could not be read; the page says so'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const problems = new Problems(io, options.json);
    const stored = await openLogs(operands, io, problems);
    const logs = withKeys(stored, options, problems);
    const rows = rowLimit(options.rows);
    const path = options.output ?? 'report.html';
    const output = await Output.to(path, [...operands, ...keyFiles(options.vkey)], io);
    const vkeys = await readVkeys(options.vkey);
    const { title } = options;
    const model = await readModel(logs, stored, {
      ...(title === undefined ? {} : { title }),
      filters: options,
      rows,
      vkeys,
      problems,
      io,
    });
    reading.showed(model.totals.records);
    const page =
      options.json === true && options.output === '-'
        ? `${JSON.stringify(model)}\n`
        : (await import('../report/page.js')).reportPage(model);
    await put(page, path, output, { model, json: options.json ?? false, io });
    problems.conclude();
    const { status } = model.integrity;
    return problems.exitCode(status !== 'unchecked' && isBad(status) ? ExitCode.finding : ExitCode.ok);
  },
});

function rowLimit(text: string | undefined): number {
  if (text === undefined) return DEFAULT_ROWS;
  if (!/^\d{1,6}$/.test(text) || Number(text) > MOST_ROWS)
    throw usageFailure(`--rows takes a whole number up to ${MOST_ROWS}`);
  return Number(text);
}

async function put(
  page: string,
  path: string,
  output: Output,
  { model, json, io }: { model: ReportModel; json: boolean; io: CommandIo },
): Promise<void> {
  output.text(page);
  await output.end();
  if (path === '-') return;
  const { records } = model.totals;
  const size = Buffer.byteLength(page);
  if (json) {
    const { totals, integrity, bothSides } = model;
    const { status, findings } = integrity;
    const said = { file: path, bytes: size, totals, integrity: status, verdict: findings[0] };
    io.stdout.write(
      `${JSON.stringify({ ...said, ...(bothSides && { both_sides: inNumbers(bothSides) }) })}\n`,
    );
    return;
  }
  const { bold } = palette(io.stdout, io.env);
  const { title, findings } = model.integrity;
  io.stdout.write(
    `${bold(path)}: ${plural(records, 'record')} on a page of ${bytes(size)}\n${title.toLowerCase()}: ${printable(findings[0] ?? 'the log was not verified')}\n${model.bothSides === undefined ? '' : `both sides: ${bothSidesWords(model.bothSides)}\n`}`,
  );
}

function inNumbers(found: BothSides): object {
  if ('not_compared' in found) return found;
  const { findings: _findings, omitted: _omitted, ...numbers } = found;
  return numbers;
}
