import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { EXIT_CONFIG } from '../../environment/auditOptions.js';
import { PREFIX } from '../../environment/variables.js';
import { ConfigError } from '../../errors.js';
import { openRelayLog, type LogNeeds, type RelayLog } from '../../relay/log.js';
import { relayStdio } from '../../relay/stdio.js';
import { defineCommand } from '../shared/define.js';
import { CliFailure, usageFailure } from '../shared/failure.js';

/** Exit codes of shells for a command that is not there, and for one that cannot be run. */
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_RUNNABLE = 126;

/** The variable that an option sets, by the option's name. */
const VARIABLE_OF = { log: 'FILE', environment: 'ENVIRONMENT', actor: 'ACTOR' } as const;

/** `relay`: any client, in any language, on record. */
export const command = defineCommand({
  name: 'relay',
  summary: 'Stand between any MCP client and its server, and put what passes on record',
  usage: '[OPTION…] -- COMMAND [ARGUMENT…]',
  about: `
Starts the server COMMAND and passes on what it and the client say, unchanged but for the trace context in
params._meta. Requests of either side are on record as those of the library's clients are, and the log is
configured by the same variables (OTEL_MCP_LOG_…, docs/register.md), for which the options here stand in.
Standard error, signals and the exit code are the server's.`,
  options: {
    log: { type: 'string', value: 'FILE', help: 'the file that keeps the log (OTEL_MCP_LOG_FILE)' },
    environment: {
      type: 'string',
      value: 'NAME',
      help: "where this runs, e.g. 'production' (OTEL_MCP_LOG_ENVIRONMENT)",
    },
    actor: {
      type: 'string',
      value: 'ID',
      help: 'who acts (OTEL_MCP_LOG_ACTOR; default: the user of the operating system)',
    },
    'no-propagate': {
      type: 'boolean',
      help: 'leave the trace context out, so that every byte passes as it came\n(OTEL_MCP_LOG_PROPAGATE=false)',
    },
  },
  examples: [
    [
      'otel-mcp-log relay --environment desktop --log ~/mcp-audit.jsonl -- npx -y @modelcontextprotocol/server-everything',
      "what stands in a client's configuration in place of the server's own command",
    ],
  ],
  exits: [
    [2, 'the command line was wrong; nothing was started'],
    [78, 'a variable or an option of the log cannot work; nothing was started'],
    [126, 'the server cannot be run'],
    [127, 'the server was not found'],
  ],
  async run({ options, operands, io }) {
    const [server, ...args] = operands;
    if (server === undefined)
      throw usageFailure(
        'the command of the server is missing',
        'It stands after two dashes: relay -- COMMAND',
      );
    const env: Record<string, string | undefined> = { ...io.env };
    for (const [name, variable] of Object.entries(VARIABLE_OF)) {
      const value = options[name as keyof typeof VARIABLE_OF];
      if (value !== undefined) env[PREFIX + variable] = value;
    }
    if (options['no-propagate'] === true) env[`${PREFIX}PROPAGATE`] = 'false';
    const log = openLog(env, { client: 'stdio', server: 'stdio' });
    try {
      const { code, signal } = await relayStdio({
        command: server,
        args,
        log,
        input: io.stdin,
        output: io.stdout,
      });
      return signal === null ? (code ?? 0) : await dieOf(signal, io.stdout);
    } catch (error) {
      await log?.close();
      throw startFailure(server, error);
    }
  },
});

function openLog(env: Readonly<Record<string, string | undefined>>, needs: LogNeeds): RelayLog | undefined {
  try {
    return openRelayLog(env, needs);
  } catch (error) {
    if (error instanceof ConfigError) throw new CliFailure(EXIT_CONFIG, error.message);
    throw error;
  }
}

/** The server died of a signal, and so does what stands in its place, once the client has all that was written. */
async function dieOf(signal: NodeJS.Signals, output: Writable): Promise<number> {
  await new Promise<void>((resolve) => output.write('', () => resolve()));
  process.kill(process.pid, signal);
  // Where it does not take effect at once, or is ignored: what a shell makes of it.
  return 128 + constants.signals[signal];
}

function startFailure(server: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOENT') return new CliFailure(EXIT_NOT_FOUND, `${server}: command not found`);
  if (code === 'EACCES') return new CliFailure(EXIT_NOT_RUNNABLE, `${server}: permission denied`);
  return error;
}
