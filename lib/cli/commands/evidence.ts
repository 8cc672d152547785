import { printable, nearest } from '../../internal/text.js';
import { ExitCode, usageFailure } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { titleOf, keyFiles, readVkeys, VKEY_OPTION } from '../integrity/judgement.js';
import { isTable } from '../input/clickhouse.js';
import { openLogs } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { parseTime } from '../query/time.js';
import { Output } from '../term/output.js';
import { palette } from '../term/terminal.js';
import { count, plural } from '../term/units.js';
import { FRAMEWORK_TITLES, FRAMEWORKS, type Framework } from '../evidence/clauses.js';
import type { WrittenBundle } from '../evidence/write.js';

/** `otel-mcp-log evidence`: what an assessor of a framework asks for, in one file that proves itself. */
export const command = defineCommand({
  name: 'evidence',
  summary:
    'Gather evidence for PCI DSS, HIPAA, SOC 2, the EU AI Act and others in one bundle that can be verified',
  usage: '--framework NAME [--from TIME] [--to TIME] LOG… -o bundle.zip',
  about: `
For each requirement: the query, what it found, and what a log of this kind can and cannot show; with
the slice of each log, its checkpoint, proofs and verifier key, the report, OSCAL assessment
results, and a manifest of hashes.
The same logs and period give the same files. Check a bundle with 'otel-mcp-log verify bundle.zip'.
The bundle supports an assessment; it does not confer compliance. It holds what the log holds.`,
  options: {
    framework: {
      type: 'string',
      value: 'NAME',
      help: FRAMEWORKS.map((name) => `${name} (${FRAMEWORK_TITLES[name]})`).join(',\n'),
    },
    from: {
      type: 'string',
      value: 'TIME',
      help: "beginning of the period: a day ('2026-01-01') or a time (UTC)",
    },
    to: { type: 'string', value: 'TIME', help: 'end of the period; a day counts to its end' },
    output: {
      type: 'string',
      short: 'o',
      value: 'FILE',
      help: 'the bundle to write (default: evidence-NAME.zip)',
    },
    vkey: VKEY_OPTION,
    json: { type: 'boolean', help: 'say what was written as JSON' },
  },
  examples: [
    [
      'otel-mcp-log evidence --framework pci --from 2026-01-01 --to 2026-03-31 audit.jsonl -o q1.zip',
      'one quarter',
    ],
    ['otel-mcp-log verify q1.zip --vkey audit.vkey', 'and what the assessor does with it'],
  ],
  exits: [
    [0, 'the bundle was written'],
    [1, 'it was written, and a log is not what was sealed: the bundle proves nothing of that log'],
    [3, 'an input, or a line of one, could not be read; the bundle says what it holds'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const framework = chosenFramework(options.framework);
    if (operands.length === 0 || operands.includes('-') || operands.some(isTable))
      throw usageFailure('evidence needs logs on disk, with what lies beside them');
    const from = options.from === undefined ? undefined : parseTime('from', options.from, 'since');
    const to = options.to === undefined ? undefined : parseTime('to', options.to, 'until');
    if (from !== undefined && to !== undefined && from >= to) throw usageFailure('--from is not before --to');
    const problems = new Problems(io, options.json);
    const logs = await openLogs(operands, io, problems);
    if (logs.length === 0) return problems.exitCode(ExitCode.input);
    const path = options.output ?? `evidence-${framework}.zip`;
    const output = await Output.to(path, [...operands, ...keyFiles(options.vkey)], io);
    const vkeys = await readVkeys(options.vkey);
    const { writeBundle } = await import('../evidence/write.js');
    const written = await writeBundle(logs, output, { framework, from, to, vkeys, problems, io });
    reading.showed(written.findings.records);
    await output.end();
    problems.conclude();
    (path === '-' ? io.stderr : io.stdout).write(
      options.json === true ? asJson(path, written) : asText(path, written, palette(io.stdout, io.env).bold),
    );
    const bad = written.manifest.logs.some(({ verdict }) => verdict !== undefined);
    return problems.exitCode(bad ? ExitCode.finding : ExitCode.ok);
  },
});

function chosenFramework(text: string | undefined): Framework {
  const known = `Known are ${FRAMEWORKS.join(', ')}.`;
  if (text === undefined) throw usageFailure('--framework is missing', known);
  const found = FRAMEWORKS.find((name) => name === text.toLowerCase());
  if (found !== undefined) return found;
  const meant = nearest(text, FRAMEWORKS);
  throw usageFailure(
    '--framework: unknown name',
    `${meant === undefined ? '' : `Did you mean '${meant}'? `}${known}`,
  );
}

function asJson(file: string, { manifest, findings, judgements }: WrittenBundle): string {
  return `${JSON.stringify({
    file,
    records: findings.records,
    missing: findings.missing,
    sealed: findings.sealed,
    logs: judgements.map(({ name, status, sentence }) => ({ log: name, status, verdict: sentence })),
    controls: findings.controls.map(({ id, count: found }) => ({ id, count: found })),
    files: manifest.files.length + 1,
  })}\n`;
}

function asText(
  file: string,
  { findings, manifest, judgements }: WrittenBundle,
  bold: (text: string) => string,
): string {
  const width = Math.max(...findings.controls.map(({ title }) => title.length));
  return [
    `${bold(file)}: ${findings.title}, ${plural(findings.records, 'record')}, ${plural(manifest.files.length + 1, 'file')}`,
    ...findings.controls.map(
      ({ title, count: found, requirements }) =>
        `  ${title.padEnd(width)}  ${(found === undefined ? '-' : count(found)).padStart(9)}  ${requirements.join(', ')}`,
    ),
    ...judgements.map(
      ({ name, status, sentence }) =>
        `${printable(name)}: ${titleOf({ status }).toLowerCase()}: ${printable(sentence)}`,
    ),
    findings.sealed
      ? 'The bundle proves its slice of each log.'
      : 'The bundle proves nothing of a log that is not sealed, or does not hold.',
    '',
  ].join('\n');
}
