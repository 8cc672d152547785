import { constants } from 'node:os';
import type { Writable } from 'node:stream';
import { EXIT_CONFIG } from '../../environment/auditOptions.js';
import { PREFIX } from '../../environment/variables.js';
import { ConfigError } from '../../errors.js';
import { openRelayLog, type LogNeeds, type RelayLog } from '../../relay/log.js';
import { callersActor } from '../../relay/callers.js';
import { relayHttp, relayToHttp, relayStdio } from '../../relay/relay.js';
import { requireEndpoint } from '../../sinks/http/options.js';
import { CliFailure, inputFailure, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';

/** Exit codes of shells for a command that is not there, and for one that cannot be run. */
const EXIT_NOT_FOUND = 127;
const EXIT_NOT_RUNNABLE = 126;

/** The variable that an option sets, by the option's name. */
const VARIABLE_OF = { log: 'FILE', environment: 'ENVIRONMENT', actor: 'ACTOR' } as const;

/** `relay`: any client, in any language, on record. */
export const command = defineCommand({
  name: 'relay',
  summary: 'Stand between any MCP client and its server, and put what passes on record',
  usage: '[OPTION…] -- COMMAND [ARGUMENT…]\n       otel-mcp-log relay [OPTION…] [--listen ADDRESS] --url URL',
  about: `
Starts the server COMMAND, or speaks with the one at URL, and passes on what it and the client say, unchanged but
for the trace context in params._meta. Requests of either side are on record as those of the library's clients are,
and the log is configured by the same variables (OTEL_MCP_LOG_…, docs/register.md), for which the options here
stand in. Standard error, signals and the exit code are those of a server that was started.
The client speaks over standard streams; with --listen, clients speak over HTTP.`,
  options: {
    url: { type: 'string', value: 'URL', help: 'the server, over streamable HTTP' },
    listen: {
      type: 'string',
      value: 'ADDRESS',
      help: 'take clients over HTTP: HOST:PORT, or PORT on 127.0.0.1; port 0 is one that is free',
    },
    header: {
      type: 'string',
      value: "'NAME: VALUE'",
      multiple: true,
      help: 'goes to the server with each request; ${NAME} in it is that variable of the environment',
    },
    'header-env': {
      type: 'string',
      value: "'NAME: VARIABLE'",
      multiple: true,
      help: 'the same, with the whole value in that variable of the environment',
    },
    'in-place-of': {
      type: 'string',
      value: 'KEY[:TYPE]',
      help: 'written by init --assistants, which undoes by it; the relay takes no notice',
    },
    introspect: {
      type: 'string',
      value: 'URL',
      help: "asks the authorization server there whose each caller's token is (RFC 7662; --listen)",
    },
    'introspect-client': {
      type: 'string',
      value: "'ID:${NAME}'",
      help: 'who asks there: the id of a client, and its secret, in which ${NAME} is that variable',
    },
    'allow-host': {
      type: 'string',
      value: 'NAME',
      multiple: true,
      help: 'a name by which clients may call the relay, beside localhost (--listen)',
    },
    'allow-origin': {
      type: 'string',
      value: 'ORIGIN',
      multiple: true,
      help: 'the origin of a web page that may call it, beside those of this machine (--listen)',
    },
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
    [
      "otel-mcp-log relay --environment desktop --header 'Authorization: Bearer ${TOKEN}' --url https://mcp.example.com/mcp",
      'the same for a server over HTTP',
    ],
    [
      'otel-mcp-log relay --environment production --listen 127.0.0.1:8808 --url https://mcp.example.com/mcp',
      'clients over HTTP then use http://127.0.0.1:8808/mcp',
    ],
  ],
  exits: [
    [2, 'the command line was wrong; nothing was started'],
    [78, 'a variable or an option of the log cannot work; nothing was started'],
    [126, 'the server cannot be run'],
    [127, 'the server was not found'],
  ],
  async run({ options, operands, io }) {
    const env = environmentOf(options, io.env);
    if (options.url === undefined) {
      const overHttp = (
        [
          'listen',
          'header',
          'header-env',
          'in-place-of',
          'allow-host',
          'allow-origin',
          'introspect',
          'introspect-client',
        ] as const
      ).find((name) => options[name]);
      if (overHttp !== undefined) throw usageFailure(`--${overHttp} needs the server's --url`);
      return await startServer(operands, env, io);
    }
    if (operands.length > 0) throw usageFailure('give either --url or the command of a server');
    const url = serverUrl(options.url);
    const headers = [
      ...(options.header ?? []),
      ...(options['header-env'] ?? []).map(headerOfVariable),
    ].flatMap((header) => headerOf(header, io.env));
    if (options.listen !== undefined) return await listen({ options, url, headers, env, io });
    if (options.introspect !== undefined || options['introspect-client'] !== undefined)
      throw usageFailure('--introspect is about the callers of --listen');
    const log = openLog(env, { client: 'stdio', server: 'http' });
    const { stdin: input, stdout: output } = io;
    const signal = await relayToHttp({ url, headers, log, input, output });
    return signal === undefined ? 0 : await dieOf(signal, output);
  },
});

type Env = Readonly<Record<string, string | undefined>>;

function environmentOf(options: Readonly<Record<string, unknown>>, given: Env): Env {
  const env: Record<string, string | undefined> = { ...given };
  for (const [name, variable] of Object.entries(VARIABLE_OF)) {
    const value = options[name];
    if (typeof value === 'string') env[PREFIX + variable] = value;
  }
  if (options['no-propagate'] === true) env[`${PREFIX}PROPAGATE`] = 'false';
  return env;
}

async function startServer([server, ...args]: readonly string[], env: Env, io: CommandIo): Promise<number> {
  if (server === undefined)
    throw usageFailure(
      'the command of the server is missing',
      'It stands after two dashes: relay -- COMMAND; a server over HTTP is given by --url',
    );
  const log = openLog(env, { client: 'stdio', server: 'stdio' });
  const { stdin: input, stdout: output } = io;
  try {
    const { code, signal } = await relayStdio({ command: server, args, log, input, output });
    return signal === null ? (code ?? 0) : await dieOf(signal, output);
  } catch (error) {
    await log?.close({ ended_by: 'server_exit' });
    throw startFailure(server, error);
  }
}

interface Listening {
  readonly options: {
    readonly listen?: string;
    readonly introspect?: string;
    readonly 'introspect-client'?: string;
    readonly 'allow-host'?: readonly string[];
    readonly 'allow-origin'?: readonly string[];
  };
  readonly url: URL;
  readonly headers: readonly string[];
  readonly env: Env;
  readonly io: CommandIo;
}

async function listen({ options, url, headers, env, io }: Listening): Promise<number> {
  const { host, port } = addressOf(options.listen ?? '');
  const welcome = { hosts: options['allow-host'] ?? [], origins: options['allow-origin'] ?? [] };
  const introspection = introspectionOf(options, io.env);
  const log = openLog(env, { client: 'http', server: 'http', actor: callersActor });
  const onListening = (own: string) =>
    io.stderr.write(`otel-mcp-log relay: ${own} takes the place of ${url.origin}${url.pathname}\n`);
  try {
    await relayHttp({ host, port, url, headers, welcome, introspection, log, onListening });
    return 0;
  } catch (error) {
    throw listenFailure(options.listen ?? '', error);
  }
}

/** @throws CliFailure for what is no address. */
function addressOf(listen: string): { host: string; port: number } {
  const match = /^(?:(\[[\da-f:.]+\]|[^:[\]]*):)?(\d{1,5})$/i.exec(listen);
  const port = Number(match?.[2]);
  if (match === null || port > 65_535)
    throw usageFailure('--listen takes HOST:PORT, or PORT on 127.0.0.1, e.g. 127.0.0.1:8808');
  return { host: match[1] === undefined || match[1] === '' ? '127.0.0.1' : match[1], port };
}

/** @throws CliFailure for what is no such URL. It does not quote the value, which may hold a secret. */
function serverUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !['http:', 'https:'].includes(url.protocol))
    throw usageFailure('--url takes the http or https URL of a server');
  if (url.username !== '' || url.password !== '')
    throw usageFailure(
      '--url has credentials in it',
      "Put them in a header: --header 'Authorization: ${NAME}'",
    );
  return url;
}

/** @throws CliFailure for what is no header. It does not quote the value, which may be a secret. */
function headerOf(text: string, env: Env): [name: string, value: string] {
  const match = /^([!#$%&'*+.^_`|~\w-]+):(.*)$/s.exec(text);
  if (match === null)
    throw usageFailure("--header takes 'NAME: VALUE', e.g. 'Authorization: Bearer ${TOKEN}'");
  const [, name = '', raw = ''] = match;
  const value = filledIn(`--header ${name}`, raw.trim(), env);
  if (/[\x00-\x08\x0a-\x1f\x7f]|[^\x00-\xff]/.test(value))
    throw usageFailure(`--header ${name} has a value that no header may have`);
  return [name, value];
}

/** A header whose value is that of a variable, as `--header` writes it. */
function headerOfVariable(text: string): string {
  const [, name, variable] = /^([^:]+):\s*(\w+)$/.exec(text) ?? [];
  if (name === undefined || variable === undefined)
    throw usageFailure("--header-env takes 'NAME: VARIABLE', e.g. 'Authorization: TICKETS_AUTHORIZATION'");
  return `${name}: \${${variable}}`;
}

/** A text with the values of the variables that it names as `${NAME}`. */
function filledIn(option: string, text: string, env: Env): string {
  return text.replace(/\$\{(\w+)\}/g, (_, variable: string) => {
    const found = env[variable];
    if (found === undefined || found === '')
      throw usageFailure(`${option} names the variable ${variable}, which is not set`);
    return found;
  });
}

/** @throws CliFailure for what cannot be asked. It quotes no value, which may be a secret. */
function introspectionOf({ introspect, 'introspect-client': client }: Listening['options'], env: Env) {
  if (introspect === undefined && client === undefined) return undefined;
  if (introspect === undefined || client === undefined)
    throw usageFailure('--introspect and --introspect-client go together');
  const [, clientId, secret] = /^([^:]+):(.+)$/s.exec(client) ?? [];
  if (clientId === undefined || secret === undefined)
    throw usageFailure("--introspect-client takes 'ID:SECRET', e.g. 'relay:${SECRET}'");
  const clientSecret = filledIn('--introspect-client', secret, env);
  try {
    return { endpoint: requireEndpoint('--introspect', introspect), clientId, clientSecret };
  } catch (error) {
    throw error instanceof ConfigError ? usageFailure(`--introspect: ${error.problem}`) : error;
  }
}

function listenFailure(address: string, error: unknown): unknown {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EADDRINUSE') return inputFailure(`${address}: the address is in use`, error);
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
    return inputFailure(`${address}: not an address of this machine`, error);
  return error;
}

function openLog(env: Env, needs: LogNeeds): RelayLog | undefined {
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
