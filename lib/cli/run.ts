import { printable, nearest } from '../internal/text.js';
import { ExitCode, explain, usageFailure, type CommandIo, type BeginReading } from './shared/command.js';
import { columns, type Command } from './shared/define.js';
import { Output } from './term/output.js';
import { discardScratch } from './term/temporaryFile.js';
import { palette } from './term/terminal.js';
import { PACKAGE_VERSION } from '../version.js';

/** A module that holds a command. */
interface CommandModule {
  readonly command: Command;
}

/** Every command, in the order in which `--help` lists them. A command is loaded only when it is called. */
export const COMMANDS: Readonly<Record<string, () => Promise<CommandModule>>> = {
  query: () => import('./commands/query.js'),
  tail: () => import('./commands/tail.js'),
  report: () => import('./commands/report.js'),
  evidence: () => import('./commands/evidence.js'),
  export: () => import('./commands/export.js'),
  verify: () => import('./commands/verify.js'),
  reconcile: () => import('./commands/reconcile.js'),
  prove: () => import('./commands/prove.js'),
  'check-proof': () => import('./commands/checkProof.js'),
  consistency: () => import('./commands/consistency.js'),
  'export-tiles': () => import('./commands/exportTiles.js'),
  archive: () => import('./commands/archive.js'),
  retain: () => import('./commands/retain.js'),
  hold: () => import('./commands/hold.js'),
  witness: () => import('./commands/witness.js'),
  erase: () => import('./commands/erase.js'),
  keys: () => import('./commands/keys.js'),
  keygen: () => import('./commands/keygen.js'),
  init: () => import('./commands/init.js'),
  doctor: () => import('./commands/doctor.js'),
  redact: () => import('./commands/redact.js'),
  relay: () => import('./commands/relay.js'),
};

/**
 * Runs one command line.
 *
 * @param argv What follows the program's name.
 * @returns The exit code. Never rejects: errors are written to stderr.
 */
export async function runCli(argv: readonly string[], io: CommandIo): Promise<number> {
  const [name, ...args] = argv;
  try {
    if (name === undefined || name === 'help' || name === '--help' || name === '-h')
      return await showHelp(args[0], io, name !== undefined);
    if (name === '--version' || name === '-v' || name === '-V') {
      io.stdout.write(`otel-mcp-log ${PACKAGE_VERSION}\n`);
      return ExitCode.ok;
    }
    return await (await load(name)).run(args, io, beginReading);
  } catch (error) {
    return complain(error, name, args.includes('--json'), io);
  } finally {
    await Output.discardUnended(io);
    await discardScratch();
  }
}

const beginReading: BeginReading = async (command) =>
  (await import('./access/begin.js')).beginReading(command);

async function load(name: string): Promise<Command> {
  const loader = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined;
  if (loader !== undefined) return (await loader()).command;
  const meant = nearest(name, Object.keys(COMMANDS));
  throw usageFailure(
    name.startsWith('-') ? `unknown option ${name}` : `unknown command '${name}'`,
    meant === undefined ? undefined : `Did you mean '${meant}'?`,
  );
}

async function showHelp(name: string | undefined, io: CommandIo, asked: boolean): Promise<number> {
  if (name !== undefined && !name.startsWith('-')) {
    io.stdout.write((await load(name)).help);
    return ExitCode.ok;
  }
  const commands = await Promise.all(Object.values(COMMANDS).map(async (loader) => (await loader()).command));
  const { bold } = palette(asked ? io.stdout : io.stderr, io.env);
  const text = [
    `${bold('otel-mcp-log')} ${PACKAGE_VERSION}: reads, checks and presents audit logs of MCP clients\n`,
    'Usage: otel-mcp-log COMMAND [OPTION…] [LOG…]\n',
    `Commands:\n${columns(commands.map(({ name: command, summary }): [string, string] => [command, summary]))}`,
    'LOG is the path that the log is written to. Its rotated and compressed files are found beside it.',
    "'-' is standard input. 'otel-mcp-log help COMMAND' says more. --json gives output for programs.\n",
    `Exit codes:\n${columns([
      ['0', 'everything that was asked holds'],
      ['1', 'something is wrong with what was checked: a broken log, a failed check, a gap'],
      ['2', 'the command line was wrong'],
      ['3', 'an input could not be read, or is not an audit log'],
      ['4', 'a package that is needed is not installed'],
      ['70', 'a fault of this program'],
    ])}`,
  ].join('\n');
  (asked ? io.stdout : io.stderr).write(text);
  return asked ? ExitCode.ok : ExitCode.usage;
}

/** Writes an error as one line, or as JSON where the command line asks for JSON. */
function complain(error: unknown, command: string | undefined, json: boolean, io: CommandIo): number {
  const { exitCode, message, hint } = explain(error);
  if (json) {
    io.stderr.write(`${JSON.stringify({ error: message, hint, exit_code: exitCode })}\n`);
    return exitCode;
  }
  const { red, dim } = palette(io.stderr, io.env);
  const known = command !== undefined && Object.hasOwn(COMMANDS, command);
  const who = known ? `otel-mcp-log ${command}` : 'otel-mcp-log';
  io.stderr.write(`${red(`${who}:`)} ${printable(message)}\n`);
  if (hint !== undefined) io.stderr.write(`${printable(hint)}\n`);
  if (exitCode === ExitCode.usage) io.stderr.write(dim(`See '${who} --help'.`) + '\n');
  return exitCode;
}
