import { existsSync } from 'node:fs';
import { integrityLayout } from '../../integrity/storage/files.js';
import { printable } from '../../internal/text.js';
import { openLogs, type LogInput } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import {
  clockWords,
  findDifferences,
  IN_WORDS,
  MAX_TRANSPORT_MS,
  type Finding,
  type Reason,
  type Summary,
} from '../reconcile/findings.js';
import { pairRecords, WAYS, type Pairing } from '../reconcile/pairing.js';
import { readSides } from '../reconcile/read.js';
import type { Entry, LogFacts, Store } from '../reconcile/store.js';
import { ExitCode, CliFailure, usageFailure } from '../shared/command.js';
import { defineCommand } from '../shared/define.js';
import { Output } from '../term/output.js';
import { count, plural } from '../term/units.js';

/** How many findings are shown one by one; all are counted. */
const SHOWN = 100;
const SHOWN_JSON = 10_000;

/** `reconcile`: whether the logs of clients and of servers tell the same. */
export const command = defineCommand({
  name: 'reconcile',
  summary: 'Compare the logs of clients with those of their servers, request by request',
  usage: '[OPTION…] LOG LOG…',
  about: `
Pairs the records of both sides of each request, and says which are alike, which differ (in arguments, result,
outcome, duration), and which are on one side only, with the likely reason. Which side a record is of stands in
the record: the logs may come in any order, and one log may hold both. Rotated files are found by themselves.
Arguments and results are compared by commitments, without their content: docs/reconcile.md. Seals are not
checked here: run verify for that.`,
  options: {
    'max-transport': {
      type: 'string',
      value: 'MS',
      help: `how much longer a client may wait than its server works, in ms (default ${count(MAX_TRANSPORT_MS)})`,
    },
    limit: {
      type: 'string',
      value: 'N',
      help: `how many findings are shown (default ${SHOWN}; with --json ${count(SHOWN_JSON)})`,
    },
    all: { type: 'boolean', help: 'also show what is on one side only for a good reason' },
    json: { type: 'boolean', help: 'the result as one JSON object' },
    output: { type: 'string', short: 'o', value: 'FILE', help: 'where the result goes; default: stdout' },
  },
  examples: [
    ['otel-mcp-log reconcile client.jsonl server.jsonl', 'one client and its server'],
    ['otel-mcp-log reconcile --json agents/*.jsonl servers/*.jsonl.gz', 'many of each, for a program'],
  ],
  exits: [
    [0, 'all that is on both sides is alike, and there is a good reason for all that is on one side only'],
    [1, 'records differ, or are missing on one side'],
    [3, 'an input, or a line of one, could not be read, or there are no records of both sides'],
  ],
  reads: true,
  async run({ options, operands, io, reading }) {
    const json = options.json ?? false;
    const maxTransportMs = wholeNumber('max-transport', options['max-transport'], MAX_TRANSPORT_MS);
    const limit = wholeNumber('limit', options.limit, json ? SHOWN_JSON : SHOWN);
    if (operands.length === 0) throw usageFailure('no log given', 'Name the logs of clients and of servers.');
    const problems = new Problems(io, json);
    const logs = await openLogs(operands, io, problems);
    const output = await Output.to(options.output, operands, io);
    const store = await readSides(logs, { problems, io, label: 'reading' });
    reading.showed(store.asks.length + store.answers.length);
    if (store.records.client === 0 || store.records.server === 0) throw oneSided(store);
    const pairing = pairRecords(store);
    const findings: Finding[] = [];
    let omitted = 0;
    const summary = findDifferences(store, pairing, maxTransportMs, (explained, make) => {
      if (explained && !json && options.all !== true) return;
      // Only what is shown is made: there may be a million findings.
      if (findings.length < limit) findings.push(make());
      else omitted++;
    });
    const ok = summary.different === 0 && summary.unexplained === 0;
    const result: Result = { store, pairing, summary, findings, omitted, problems: problems.total, logs };
    output.text(
      json ? `${JSON.stringify({ ok: ok && problems.total === 0, ...asJson(result) })}\n` : asText(result),
    );
    await output.end();
    return problems.exitCode(ok ? ExitCode.ok : ExitCode.finding);
  },
});

interface Result {
  readonly store: Store;
  readonly pairing: Pairing;
  readonly summary: Summary;
  readonly findings: readonly Finding[];
  readonly omitted: number;
  readonly problems: number;
  readonly logs: readonly LogInput[];
}

function wholeNumber(option: string, given: string | undefined, otherwise: number): number {
  if (given === undefined) return otherwise;
  if (!/^\d{1,12}$/.test(given)) throw usageFailure(`--${option} needs a whole number`);
  return Number(given);
}

function oneSided({ records }: Store): CliFailure {
  const there = records.client > 0 ? 'clients' : 'servers';
  const message =
    records.client + records.server === 0
      ? 'there are no records of requests in these logs'
      : `all records of requests in these logs are of ${there}: there is nothing to compare them with`;
  return new CliFailure(ExitCode.input, message, {
    hint: 'Records of servers say "side":"server" (docs/servers.md). Name the logs of both sides.',
  });
}

function asJson({ store, pairing, summary, findings, omitted, problems, logs }: Result): object {
  return {
    ...summary,
    paired_by: pairing.by,
    unreadable: problems,
    logs: store.logs.map(({ name, records, asks, answers, holes, losses, isStopped }, index) => ({
      ...{ name, records, asks, answers },
      missing: holes.map(({ first, last }) => [first, last]),
      lost: losses.reduce((sum, each) => sum + each.count, 0),
      stopped: isStopped,
      sealed: isSealed(logs[index]),
    })),
    findings,
    omitted,
  };
}

function isSealed(log: LogInput | undefined): boolean {
  return log !== undefined && existsSync(integrityLayout(log.name).checkpoint);
}

function asText(result: Result): string {
  const { store, pairing, summary, findings, omitted, problems } = result;
  const { pairs, alike, different, only_client: ofClient, only_server: ofServer } = summary;
  const ways = WAYS.filter((way) => pairing.by[way] > 0).map(
    (way) => `${count(pairing.by[way])} by ${WAY_WORDS[way]}`,
  );
  const lines = [
    `${plural(pairs, 'request')} on both sides: ${count(alike)} alike, ${count(different)} different`,
    `${plural(ofClient, 'record')} on the side of clients only, ${count(ofServer)} on that of servers only`,
    ...Object.entries(summary.reasons).map(
      ([reason, number]) => `  ${count(number)}: ${IN_WORDS[reason as Reason]}`,
    ),
    '',
    `paired    ${ways.join(', ') || 'none'}`,
    `compared  ${comparedWords(summary)}`,
    ...(summary.clock_ahead_ms === undefined ? [] : [`clocks    ${clockWords(summary.clock_ahead_ms)}`]),
    ...store.logs.flatMap((log, index) => logWords(log, isSealed(result.logs[index]))),
    ...(problems === 0
      ? []
      : [
          `unreadable: ${plural(problems, 'line or file', 'lines or files')}, told on stderr; what they held is not compared`,
        ]),
  ];
  if (findings.length > 0) lines.push('', ...findings.map(findingLine));
  if (omitted > 0) lines.push(`and ${count(omitted)} more (--limit)`);
  const ok = different === 0 && summary.unexplained === 0;
  lines.push('', ok ? 'ok: both sides tell the same' : 'not ok: the two sides do not tell the same');
  return `${lines.join('\n')}\n`;
}

const WAY_WORDS: Readonly<Record<(typeof WAYS)[number], string>> = {
  commitment: 'commitment',
  span: 'span',
  trace: 'trace and request id',
  session: 'session and request id',
  relay: 'the relay in between',
};

function comparedWords({ compared, pairs }: Summary): string {
  const words = `arguments of ${count(compared.arguments)} and results of ${count(compared.result)}, by commitments`;
  return compared.arguments < pairs && compared.result < pairs
    ? `${words} (the others have none to compare)`
    : words;
}

function logWords({ name, records, holes, losses }: LogFacts, sealed: boolean): string[] {
  const missing = holes.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  const lost = losses.reduce((sum, each) => sum + each.count, 0);
  const facts = [
    plural(records, 'record'),
    ...(missing === 0 ? [] : [`${count(missing)} missing: numbers ${rangesOf(holes)}`]),
    ...(lost === 0 ? [] : [`${count(lost)} lost as it says itself`]),
    sealed ? 'sealed (not checked here: verify does that)' : 'not sealed',
  ];
  return [`log       ${printable(name)}: ${facts.join('; ')}`];
}

function rangesOf(holes: LogFacts['holes']): string {
  const shown = holes
    .slice(0, 5)
    .map(({ first, last }) => (first === last ? String(first) : `${first}–${last}`));
  return holes.length > shown.length ? `${shown.join(', ')} and more` : shown.join(', ');
}

function findingLine(finding: Finding): string {
  const { method, target, client, server } = finding;
  const what = finding.kind === 'different' ? `differ in ${finding.in.join(', ')}` : IN_WORDS[finding.reason];
  const sides = [client && `client ${place(client)}`, server && `server ${place(server)}`].filter(Boolean);
  const head = `${printable([method, target].filter(Boolean).join(' '))}: ${what}`;
  return [head, ...sides.map((side) => `  ${side}`)].join('\n');
}

function place({ log, line, record_id: id, time, outcome, error, duration_ms: duration }: Entry): string {
  const ended = printable([outcome.replace('OUTCOME_', '').toLowerCase(), error].filter(Boolean).join(', '));
  return `${printable(log)}:${line}  ${printable(id)}  ${time}  ${ended}  ${duration} ms`;
}
