import { resolve } from 'node:path';
import { printable } from '../../internal/text.js';
import { diagnose } from '../../doctor/doctor.js';
import type { DoctorFinding, Severity } from '../../doctor/finding.js';
import { ExitCode, usageFailure, type CommandIo } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { palette, waiting, type Palette } from '../term/terminal.js';

const COLOURS: Readonly<Record<Severity, keyof Palette>> = {
  error: 'red',
  warning: 'yellow',
  info: 'dim',
  ok: 'green',
};

/** `doctor`: checks whether all operations of an application would be on record. */
export const command = defineCommand({
  name: 'doctor',
  summary: 'Find what would keep operations off the record',
  usage: '[FOLDER]',
  about: `
Checks an application in its folder, with its environment: which copies of the MCP SDK it has, whether
each is patched and if not why, which OpenTelemetry it has, whether its sinks answer, and whether the
modes of its files are right. It sends no record and changes no file. docs/troubleshooting.md has a
section for each finding.`,
  options: {
    offline: { type: 'boolean', help: 'send no request over the network' },
    json: { type: 'boolean', help: 'the findings as one JSON object' },
  },
  examples: [
    ['otel-mcp-log doctor', 'check the application in this folder'],
    [
      'env $(cat production.env) otel-mcp-log doctor --json /srv/agent',
      'check another one, with the variables that it runs with',
    ],
  ],
  exits: [
    [0, 'nothing to do'],
    [1, 'there are warnings or errors'],
  ],
  async run({ options, operands, io }) {
    if (operands.length > 1) throw usageFailure('more than one folder is given');
    const cwd = resolve(operands[0] ?? '.');
    const done = waiting(io, 'Loading each installed copy of the MCP SDK, to see whether it is audited');
    const findings = await diagnose({ cwd, env: io.env, offline: options.offline ?? false }).finally(done);
    const ok = findings.every(({ severity }) => severity === 'ok' || severity === 'info');
    if (options.json === true) io.stdout.write(`${JSON.stringify({ ok, findings })}\n`);
    else print(findings, io);
    return ok ? ExitCode.ok : ExitCode.finding;
  },
});

function print(findings: readonly DoctorFinding[], { stdout, env }: CommandIo): void {
  const styles = palette(stdout, env);
  for (const { topic, severity, message, remedy } of findings) {
    const paint = styles[COLOURS[severity]];
    stdout.write(`${paint(`${severity}: ${topic}:`)} ${printable(message)}\n`);
    if (remedy !== undefined) stdout.write(`  ${remedy}\n`);
  }
}
