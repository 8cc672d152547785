import { readFile } from 'node:fs/promises';
import { text as readAll } from 'node:stream/consumers';
import { ConfigError } from '../../errors.js';
import { createRedactor, type Redactor } from '../../redaction/createRedactor.js';
import { parsePolicy } from '../../redaction/policy/options.js';
import type { DraftRecord } from '../../schema/record.js';
import { ExitCode, inputFailure, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';

/** `otel-mcp-log redact`: what a policy does to a sample. */
export const command = defineCommand({
  name: 'redact',
  summary: 'Show what a redaction policy makes of a sample',
  usage: '[OPTION…] [SAMPLE]',
  about: `
SAMPLE is a JSON file; without it, or with '-', the sample is read from standard input. An audit record
(an object with record_id, event_type and resource) is redacted as a record, any other JSON as the
arguments of a tool call. The result goes to standard output as JSON.`,
  options: {
    policy: {
      type: 'string',
      value: 'FILE',
      help: 'the options of createRedactor as JSON, with regular expressions as\n{ "regex": "^x-", "flags": "i" }; default: the default policy',
    },
    tool: { type: 'string', value: 'NAME', help: 'the tool whose overrides apply to arguments' },
    text: { type: 'boolean', help: 'the sample is plain text: an error message, a log line' },
  },
  examples: [
    ['otel-mcp-log redact --policy policy.json sample.json', 'try a policy on the arguments of a call'],
    [
      "echo 'GET https://ada:pw@example.com/' | otel-mcp-log redact --text",
      'try the defaults on a line of text',
    ],
  ],
  exits: [
    [0, 'the sample was redacted'],
    [2, 'the command line or the policy is wrong'],
    [3, 'a file cannot be read, or is not JSON'],
  ],
  async run({ options, operands, io }) {
    if (operands.length > 1) throw usageFailure('redact takes one sample');
    const redactor = await loadRedactor(options.policy);
    const sample = await readSample(operands[0] ?? '-', io);
    const redacted =
      options.text === true ? redactor.text(sample) : redactJson(sample, redactor, options.tool);
    io.stdout.write(`${redacted}\n`);
    return ExitCode.ok;
  },
});

async function loadRedactor(file: string | undefined): Promise<Redactor> {
  if (file === undefined) return createRedactor();
  const policy = parseJson(await readFile(file, 'utf8'), 'the policy');
  try {
    return createRedactor(parsePolicy(policy));
  } catch (error) {
    if (error instanceof ConfigError) throw usageFailure(`the policy is wrong: ${error.message}`);
    throw error;
  }
}

function readSample(file: string, io: CommandIo): Promise<string> {
  return file === '-' ? readAll(io.stdin) : readFile(file, 'utf8');
}

/** Leaves the parser's own message out: it quotes the text, with the secrets in it. */
function parseJson(text: string, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw inputFailure(`${what} is not JSON`);
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
