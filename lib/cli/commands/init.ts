import { once } from 'node:events';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { findAssistants, reread, type AssistantFile } from '../../doctor/assistants.js';
import { SDK_PACKAGES } from '../../doctor/diagnose.js';
import { installedCopies } from '../../doctor/packages.js';
import { readProject, isPreload, type Project } from '../../doctor/project.js';
import { isSupported } from '../../loader/sdk.js';
import { ExitCode, inputFailure, systemReason, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { isTerminal, palette } from '../term/terminal.js';
import { unifiedDiff, planFor, type Change } from '../init/plan.js';
import { printable } from '../../internal/text.js';
import { masked, requireSame, withoutRelays, withRelays } from '../init/relays.js';

/** `init`: sets up the project in a folder. */
export const command = defineCommand({
  name: 'init',
  summary: 'Set a project up, after showing what would change',
  usage:
    '[--yes | --dry-run] [FOLDER]\n       otel-mcp-log init --assistants [--write] [--no-login] [--environment NAME] [--logs FOLDER] [FOLDER]\n       otel-mcp-log init --undo [--write] [FOLDER]',
  about: `
Finds the application's module system, its version of the MCP SDK and its OpenTelemetry. Then shows, as
a diff, a file to preload that audits every MCP client and server, the start scripts that preload it,
and a line for .gitignore, and writes them if you agree. An OpenTelemetry set-up stays as it is, and the
operations become spans in it. Run a second time, it changes nothing.
With --assistants it does the same for the configuration files of assistants and editors, those of the
user and those of the project: a relay stands before each server that they start, and in the place of
servers over HTTP whose entries have credentials in headers (docs/relay.md). Every other byte stays.
--undo takes the relays out again.`,
  options: {
    yes: { type: 'boolean', short: 'y', help: 'write without asking' },
    'dry-run': { type: 'boolean', help: 'show the diff and write nothing' },
    assistants: { type: 'boolean', help: 'put relays into the configuration of assistants and editors' },
    undo: { type: 'boolean', help: 'take those relays out again' },
    write: { type: 'boolean', help: 'write what --assistants or --undo shows' },
    'no-login': {
      type: 'boolean',
      help: 'also for servers over HTTP without credentials, which need no login (--assistants)',
    },
    environment: {
      type: 'string',
      value: 'NAME',
      help: 'what the relays name their environment (default: desktop)',
    },
    logs: {
      type: 'string',
      value: 'FOLDER',
      help: 'where the relays keep their logs (default: otel-mcp-log in the folder of the user)',
    },
  },
  examples: [
    ['otel-mcp-log init', 'set up the application in this folder'],
    [
      'otel-mcp-log init --assistants',
      'show the diff that puts a relay before the servers of all assistants',
    ],
    ['otel-mcp-log init --dry-run | git apply -', 'the same diff, for another program to apply'],
  ],
  exits: [
    [0, 'written, or nothing to do'],
    [1, 'nothing was written: not confirmed'],
    [
      3,
      'no package.json can be read, audit-log.mjs is a file of yours, or a configuration cannot be changed safely',
    ],
  ],
  async run({ options, operands, io }) {
    if (operands.length > 1) throw usageFailure('more than one folder is given');
    const folder = resolve(operands[0] ?? '.');
    if (options.assistants === true || options.undo === true) return assistants(folder, options, io);
    const belonging = (['write', 'no-login', 'environment', 'logs'] as const).find((name) => options[name]);
    if (belonging !== undefined) throw usageFailure(`--${belonging} belongs to --assistants`);
    const manifest = read(folder);
    const project = readProject(folder, parse(manifest, folder));
    io.stderr.write(describe(project));
    const { changes, steps } = planFor(project, manifest);
    const others = project.audited.filter((name) => !isPreload(name));
    if (changes.length === 0 || others.length > 0) {
      const where = others.length > 0 ? others.join(', ') : 'the project';
      io.stderr.write(`Nothing to do: ${where} audits already. Ask otel-mcp-log doctor if in doubt.\n`);
      if (others.length === 0 && steps.length > 0) io.stderr.write(`Left to you:\n${numbered(steps)}`);
      return ExitCode.ok;
    }
    show(changes, io);
    if (options['dry-run'] === true) return ExitCode.ok;
    if (options.yes !== true && !(await confirmed(io))) {
      io.stderr.write('Nothing was written.\n');
      return ExitCode.finding;
    }
    for (const { path, after } of changes) writeFileSync(join(project.folder, path), after);
    io.stderr.write(next(project, steps));
    return ExitCode.ok;
  },
});

interface RelayOptions {
  readonly undo?: boolean;
  readonly write?: boolean;
  readonly 'no-login'?: boolean;
  readonly environment?: string;
  readonly logs?: string;
}

/** Shows what changes in the files of assistants and editors, and writes it where it is told to. */
function assistants(folder: string, options: RelayOptions, io: CommandIo): number {
  const { env, stderr } = io;
  const logs = resolve(options.logs ?? join(env['HOME'] ?? homedir(), 'otel-mcp-log'));
  const files = findAssistants({ project: folder, env });
  const changes = relayChanges(files, { ...options, logs }, io);
  if (changes.length === 0) {
    const found =
      files.length === 0 ? 'no configuration file of an assistant was found' : 'no server to change';
    stderr.write(`Nothing to do: ${found}.\n`);
    return ExitCode.ok;
  }
  show(
    changes.map(({ file, path, after }) => ({
      path,
      before: masked(file),
      after: masked(reread(file, after)),
    })),
    io,
  );
  if (options.write !== true) {
    stderr.write('Nothing was written: give --write to write this.\n');
    return ExitCode.ok;
  }
  if (options.undo !== true) mkdirSync(logs, { recursive: true, mode: 0o700 });
  for (const { path, after } of changes) writeFileSync(path, after);
  stderr.write(`Written: ${changes.map(({ path }) => path).join(', ')}. Start these programs anew.\n`);
  return ExitCode.ok;
}

/** What relays change in files, or undoing them. Says what is left as it is, and why. */
function relayChanges(
  files: readonly AssistantFile[],
  options: RelayOptions & { readonly logs: string },
  { stderr }: CommandIo,
) {
  const { environment = 'desktop', logs } = options;
  const settings = { environment, logs, isOpen: options['no-login'] === true };
  const planned = files.map((file) => ({
    ...{ file, path: file.path, before: file.text },
    ...(options.undo === true ? withoutRelays(file) : withRelays(file, settings)),
  }));
  for (const { file, after } of planned) requireSame(file, after);
  for (const { file, path, left } of planned) {
    if (file.problem !== undefined) stderr.write(`${path}: left as it is: ${printable(file.problem)}\n`);
    for (const { name, reason } of left)
      stderr.write(
        `${file.assistant}, ${path}: ${printable(name)} is left as it is: ${printable(reason)} (docs/relay.md)\n`,
      );
  }
  return planned.filter(({ before, after }) => before !== after);
}

function read(folder: string): string {
  try {
    return readFileSync(join(folder, 'package.json'), 'utf8');
  } catch (error) {
    const reason = systemReason(error) ?? 'cannot be read';
    throw inputFailure(`package.json: ${reason}; run this in the folder of the application`, error);
  }
}

function parse(text: string, folder: string): Record<string, unknown> {
  try {
    const manifest: unknown = JSON.parse(text);
    return typeof manifest === 'object' && manifest !== null ? { ...manifest } : {};
  } catch (error) {
    throw inputFailure(`${join(folder, 'package.json')}: is not JSON`, error);
  }
}

function describe({ folder, system, telemetry }: Project): string {
  const found = installedCopies(folder, new Set(SDK_PACKAGES)).map(({ name, version }) =>
    isSupported(name, version) ? `${name} ${version}` : `${name} ${version} (not supported)`,
  );
  return [
    `modules        ${system === 'module' ? 'ES modules' : 'CommonJS'}`,
    `MCP SDK        ${found.join(', ') || 'none installed'}`,
    `OpenTelemetry  ${telemetry.length === 0 ? 'no set-up found' : `set up in ${telemetry.join(', ')}: its traces and the records share their ids`}`,
    '\n',
  ].join('\n');
}

function show(changes: readonly Change[], { stdout, env }: CommandIo): void {
  const { green, red, bold } = palette(stdout, env);
  for (const line of changes.map(unifiedDiff).join('').split('\n').slice(0, -1)) {
    const paint = /^(?:---|\+\+\+|@@)/.test(line)
      ? bold
      : line.startsWith('+')
        ? green
        : line.startsWith('-')
          ? red
          : String;
    stdout.write(`${paint(line)}\n`);
  }
}

/** Asks at a terminal. Elsewhere nobody can answer, so nothing is written. */
async function confirmed({ stdin, stderr }: CommandIo): Promise<boolean> {
  if (!isTerminal(stdin)) {
    stderr.write('Standard input is not a terminal: give --yes to write, or --dry-run to see the changes.\n');
    return false;
  }
  const lines = createInterface({ input: stdin, output: stderr });
  try {
    const closed = once(lines, 'close').then(() => '');
    const answer = await Promise.race([lines.question('\nWrite this? [y/N] '), closed]);
    return /^y(?:es)?$/i.test(answer.trim());
  } finally {
    lines.close();
  }
}

function next({ depends, scripts }: Project, steps: readonly string[]): string {
  const list = [
    ...(depends ? [] : ['install what it loads: npm install otel-mcp-log @opentelemetry/api']),
    ...steps,
    ...(Object.hasOwn(scripts, 'start') && steps.length === 0 ? ['start the application: npm start'] : []),
    'look at the log: npx otel-mcp-log query audit.jsonl',
    'see what would keep operations off it: npx otel-mcp-log doctor',
  ];
  return `Written. Next:\n${numbered(list)}`;
}

function numbered(steps: readonly string[]): string {
  return steps.map((step, index) => `  ${index + 1}. ${step}\n`).join('');
}
