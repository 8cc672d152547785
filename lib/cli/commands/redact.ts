import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { parseArgs } from 'node:util';
import { ConfigError } from '../../errors.js';
import { createRedactor, type Redactor } from '../../redaction/createRedactor.js';
import { parsePolicy } from '../../redaction/policy/options.js';
import type { DraftRecord } from '../../schema/record.js';
import { ExitCode, type Command, type CommandIo } from '../shared/command.js';

const help = `Usage: otel-mcp-log redact [--policy FILE] [--tool NAME] [--text] [SAMPLE]

Shows what a redaction policy makes of a sample.

SAMPLE is a JSON file; without it, or with -, the sample is read from standard input. An audit record (an object with
record_id and event_type) is redacted as one; anything else as the arguments of a tool call. The result goes to standard
output as JSON.

  --policy FILE   The policy: the options of createRedactor as JSON, with regular expressions as
                  { "regex": "^x-", "flags": "i" }. Without it the defaults hold.
  --tool NAME     The tool whose overrides apply to arguments.
  --text          The sample is plain text, such as an error message or a log line.
  -h, --help      This text.

Exit codes: 0 the sample was redacted; 2 the command line or the policy is wrong; 3 a file cannot be read or is no JSON.
`;

/** `otel-mcp-log redact`: what a policy does to a sample. */
export const command: Command = {
  name: 'redact',
  summary: 'show what a redaction policy makes of a sample',
  help,
  run,
};

/** An error that ends the command with a code of its own. */
class Failure extends Error {
  constructor(
    readonly exitCode: number,
    message: string,
  ) {
    super(message);
  }
}

async function run(args: readonly string[], io: CommandIo): Promise<number> {
  try {
    const { values, positionals } = parse(args);
    if (values.help === true) {
      io.stdout.write(help);
      return ExitCode.ok;
    }
    if (positionals.length > 1) throw new Failure(ExitCode.usage, 'give one sample at most');
    const redactor = await loadRedactor(values.policy);
    const sample = await readSample(positionals[0] ?? '-', io);
    io.stdout.write(
      `${values.text === true ? redactor.text(sample) : redactJson(sample, redactor, values.tool)}\n`,
    );
    return ExitCode.ok;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    io.stderr.write(`otel-mcp-log redact: ${error.message}\n`);
    return error.exitCode;
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      allowPositionals: true,
      options: {
        policy: { type: 'string' },
        tool: { type: 'string' },
        text: { type: 'boolean' },
        help: { type: 'boolean', short: 'h' },
      },
    });
  } catch {
    throw new Failure(ExitCode.usage, 'unknown or incomplete option; see --help');
  }
}

async function loadRedactor(file: string | undefined): Promise<Redactor> {
  if (file === undefined) return createRedactor();
  const policy = parseJson(await read(file), 'the policy');
  try {
    return createRedactor(parsePolicy(policy));
  } catch (error) {
    if (error instanceof ConfigError)
      throw new Failure(ExitCode.usage, `the policy is wrong: ${error.message}`);
    throw error;
  }
}

function readSample(file: string, io: CommandIo): Promise<string> {
  return file === '-' ? readAll(io.stdin) : read(file);
}

async function read(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw new Failure(ExitCode.input, `cannot read ${file} (${code})`);
  }
}

/** The parser's own message would quote the text, secrets and all. */
function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new Failure(ExitCode.input, `${what} is not JSON`);
  }
}

function redactJson(sample: string, redactor: Redactor, tool: string | undefined): string {
  const value = parseJson(sample, 'the sample');
  const redacted = isRecord(value) ? redactor.record(value) : redactor.value(value, tool);
  return JSON.stringify(redacted, null, 2);
}

function isRecord(value: unknown): value is DraftRecord {
  return (
    typeof value === 'object' &&
    value !== null &&
    'record_id' in value &&
    'event_type' in value &&
    'resource' in value &&
    typeof value.resource === 'string'
  );
}
