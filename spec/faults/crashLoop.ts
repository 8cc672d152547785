import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { AuditRecord } from '../../lib/schema/record.js';
import { decodeLine } from '../../lib/codecs/json.js';
import { readLines, findSegments, readSegments } from '../../lib/integrity/storage/segments.js';
import { verifyLogFile } from '../../lib/integrity/verification/verifyFile.js';
import { pick, randomNumbers } from '../support/randomNumbers.js';

const program = fileURLToPath(new URL('children/audits.mjs', import.meta.url));
const MODES = ['blocking', 'blocking-strict', 'batch'] as const;

/** How long a process may audit before it is killed, in milliseconds after what it is let to reach. */
const MAX_LIFE_MS = 60;

/** What a process is let to reach: most are killed while they write, some while they repair what the last one left. */
const REACHED = [
  ['acknowledged', 3],
  ['begun', 1],
] as const;

/** What was learnt of one log that several processes wrote and were killed over. */
export interface CrashReport {
  readonly rounds: number;
  readonly acknowledged: number;
  /** Records in the log, those of earlier rounds included. */
  readonly records: number;
  /** Acknowledged and not there, in the words of a test that fails. */
  readonly lost: string[];
  /** There twice, out of order, or not as it was. */
  readonly wrong: string[];
}

/**
 * Has one process after the other write to a log and kills each at a random moment, until so many were killed or the time is
 * up; then closes the log and holds it against what was acknowledged.
 */
export async function crashLoop(
  folder: string,
  seed: number,
  limits: { rounds: number; ms: number },
): Promise<CrashReport> {
  const random = randomNumbers(seed);
  const path = join(folder, 'audit.jsonl');
  const plan = { path, key: { generate: join(folder, 'key.pem') }, origin: 'crash.example.com/log' };
  const acknowledged = new Set<number>();
  const strict = new Set<number>();
  let from = 0;
  let rounds = 0;
  const until = performance.now() + limits.ms;
  for (; rounds < limits.rounds && performance.now() < until; rounds++) {
    const mode = pick(
      random,
      MODES.map((each) => [each, 1] as const),
    );
    const said = await killed({ ...plan, mode, from }, pick(random, REACHED), random() * MAX_LIFE_MS);
    for (const [what, number] of said) {
      if (what === 'acknowledged') acknowledged.add(number);
      else if (mode === 'blocking-strict') strict.add(number);
      from = Math.max(from, number + 1);
    }
  }
  await closed({ ...plan, mode: 'blocking', last: true });
  const records = await recordsOf(path);
  return {
    rounds,
    acknowledged: acknowledged.size,
    records: records.length,
    lost: lostOf(records, acknowledged),
    wrong: [...wrongIn(records, strict), ...(await unverified(path))],
  };
}

/** What a process said before it was killed. */
async function killed(plan: object, reached: string, lifeMs: number): Promise<[string, number][]> {
  const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  let errors = '';
  child.stderr.on('data', (data: Buffer) => (errors += data.toString()));
  child.stdout.on('data', (data: Buffer) => {
    const before = output.includes(reached);
    output += data.toString();
    if (!before && output.includes(reached)) setTimeout(() => child.kill('SIGKILL'), lifeMs);
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== null) throw new Error(`the process ended by itself (${code}): ${errors}`);
  const lines = output.split('\n').slice(0, -1);
  return lines.map((line) => line.split(' ')).map(([what = '', number]) => [what, Number(number)]);
}

async function closed(plan: object): Promise<void> {
  const child = spawn(process.execPath, [program, JSON.stringify(plan)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`the log could not be closed: exit code ${code}`);
}

async function recordsOf(path: string): Promise<AuditRecord[]> {
  const records: AuditRecord[] = [];
  for await (const lines of readLines(readSegments(await findSegments(path))))
    for (const { bytes } of lines) records.push(decodeLine(bytes.toString('utf8')));
  return records;
}

const numberOf = ({ resource }: AuditRecord): number => Number(resource.replace('call/', ''));
const isCompletion = ({ stage, error }: AuditRecord): boolean =>
  stage === undefined && error?.type !== 'unknown_outcome';

function lostOf(records: readonly AuditRecord[], acknowledged: ReadonlySet<number>): string[] {
  const there = new Set(records.filter(isCompletion).map(numberOf));
  return [...acknowledged].filter((number) => !there.has(number)).map((number) => `call/${number}`);
}

function wrongIn(records: readonly AuditRecord[], strict: ReadonlySet<number>): string[] {
  const wrong: string[] = [];
  records.forEach(({ seq }, index) => {
    if (seq !== index) wrong.push(`seq ${seq} at place ${index}`);
  });
  const seen = new Set<number>();
  for (const record of records.filter((each) => isCompletion(each) && each.resource.startsWith('call/'))) {
    const number = numberOf(record);
    if (seen.has(number)) wrong.push(`call/${number} is there twice`);
    if ((record.data as { number?: unknown } | undefined)?.number !== number)
      wrong.push(`call/${number} has other data`);
    seen.add(number);
  }
  return [...wrong, ...silentIntents(records, strict)];
}

/** Intents of killed processes that neither a completion nor a report of an unknown outcome follows. */
function silentIntents(records: readonly AuditRecord[], strict: ReadonlySet<number>): string[] {
  const told = new Set(records.filter(({ stage }) => stage === undefined).map((each) => each.operation_id));
  const intents = records.filter(({ stage }) => stage !== undefined);
  const silent = intents.filter(({ operation_id: id }) => !told.has(id)).map(({ resource }) => resource);
  const foreign = intents.filter((each) => !strict.has(numberOf(each))).map(({ resource }) => resource);
  return [
    ...silent.map((resource) => `the intent of ${resource} is left open`),
    ...foreign.map((resource) => `${resource} has an intent, though not strict`),
  ];
}

async function unverified(path: string): Promise<string[]> {
  const { problems } = await verifyLogFile(path, { records: true });
  return problems.map((problem) => JSON.stringify(problem));
}
