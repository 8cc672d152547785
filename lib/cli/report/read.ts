import { basename, dirname, sep } from 'node:path';
import { readFile } from 'node:fs/promises';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import type { CommandIo } from '../shared/command.js';
import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import type { RecordVisitor } from '../input/records.js';
import { compileFilter, FILTER_OPTIONS, type FilterOptions, type RecordFilter } from '../query/filter.js';
import { select } from '../query/select.js';
import { ReportBuilder } from './aggregate.js';
import { compareSides, SideCount } from './bothSides.js';
import type { Integrity, LogSummary, QueryOptions, ReportModel } from './model.js';
import { isStored } from '../../archive/objectStore.js';
import { integrityLayout } from '../../integrity/storage/files.js';
import { judge, titleOf, type Judgement } from '../integrity/judgement.js';

/** What a report is made of. */
export interface ReportRequest {
  readonly filters: FilterOptions;
  readonly rows: number;
  readonly title?: string;
  /** The verifier keys to trust; absent where the verdict is given, or the command line gives no keys. */
  readonly vkeys?: readonly string[] | undefined;
  /** The verdict, where it is already known. Otherwise the logs are verified. */
  readonly integrity?: ReportModel['integrity'];
  readonly problems: Problems;
  readonly io: CommandIo;
  /** Whether the same input must give the same bytes. The report then leaves out when it was made and where the logs were. */
  readonly reproducible?: boolean;
}

/** A report in the making, for whoever reads the logs. */
export interface ModelInProgress {
  /** Takes every record, wanted or not. */
  readonly see: RecordVisitor;
  /** Takes a record that the filter wants, after `see`. */
  readonly add: RecordVisitor;
  /** Makes the model, after the last record. */
  finish(): Promise<ReportModel>;
}

/**
 * Reads logs into the model of a report.
 *
 * @param stored The same logs without encrypted values put back.
 */
export async function readModel(
  logs: readonly LogInput[],
  stored: readonly LogInput[],
  request: ReportRequest,
): Promise<ReportModel> {
  const { filters, problems, io } = request;
  const { see, add, finish } = beginModel(logs, request);
  const filter = compileFilter(filters);
  const sides = new SideCount();
  const inspect: RecordVisitor = (record, ...place) => {
    sides.see(record);
    see(record, ...place);
  };
  await select(logs, add, { io, problems, filter, label: 'reading', inspect });
  const model = await finish();
  const bothSides = await compareSides(stored, sides, io);
  return bothSides === undefined ? model : { ...model, bothSides };
}

/** Begins the model of a report, whose records somebody else reads. */
export function beginModel(logs: readonly LogInput[], request: ReportRequest): ModelInProgress {
  const builder = new ReportBuilder(request.rows);
  const logOf = new Map(logs.flatMap(({ name, files }) => files.map(({ path }) => [path, name] as const)));
  return {
    see: (record, _data, _start, _end, place) =>
      builder.see(logOf.get(place.file) ?? place.file, record, place),
    add: (record, data, start, end, place) => builder.add(record, data, start, end, place),
    finish: () => finishModel(logs, builder, request),
  };
}

async function finishModel(
  logs: readonly LogInput[],
  builder: ReportBuilder,
  request: ReportRequest,
): Promise<ReportModel> {
  const { filters, problems, reproducible = false } = request;
  const { logs: counts, ...aggregates } = builder.finish(logs, problems.total);
  const verdicts = request.integrity === undefined ? await judgeEach(logs, request.vkeys) : [];
  const model: ReportModel = {
    title: request.title ?? defaultTitle(logs),
    ...(reproducible ? {} : { generated: new Date().toISOString() }),
    generator: `${PACKAGE_NAME} ${PACKAGE_VERSION}`,
    filter: filterWords(filters),
    options: optionsOf(filters, compileFilter(filters)),
    ...aggregates,
    logs: counts.map((log, index) => ({ ...log, ...sealOf(log.name, verdicts[index], request) })),
    integrity: request.integrity ?? worstOf(logs, verdicts),
  };
  return reproducible ? withoutFolders(model) : model;
}

/** Replaces the paths of files by their names, everywhere in the model. */
function withoutFolders(model: ReportModel): ReportModel {
  const { logs, missing, rows, integrity } = model;
  const folders = logs.map(({ name }) => `${dirname(name)}${sep}`);
  const shorten = (text: string) => folders.reduce((left, folder) => left.replaceAll(folder, ''), text);
  return {
    ...model,
    logs: logs.map((log) => ({
      ...log,
      name: basename(log.name),
      files: log.files.map((path) => basename(path)),
    })),
    missing: {
      ...missing,
      holes: missing.holes.map((hole) => ({ ...hole, file: basename(hole.file) })),
    },
    rows: { ...rows, files: rows.files.map((path) => basename(path)) },
    integrity: {
      ...integrity,
      findings: integrity.findings.map(shorten),
      checks: integrity.checks.map((check) => ({ ...check, by: shorten(check.by) })),
    },
  };
}

/** The filter as options of `query`. Ages such as `7d` become the times that they meant. */
function optionsOf(filters: FilterOptions, { since, until }: RecordFilter): QueryOptions {
  const given = Object.keys(FILTER_OPTIONS).flatMap((name) => {
    const value = filters[name as keyof FilterOptions];
    if (value === undefined || value === false || typeof value === 'string') return [];
    return [[name, value] as const];
  });
  const { severity } = filters;
  return {
    ...(since === undefined ? {} : { since: [since] }),
    ...(until === undefined ? {} : { until: [until] }),
    ...(severity === undefined ? {} : { severity: [severity] }),
    ...Object.fromEntries(given),
  };
}

/** Whether a log is sealed, and by which key: what the command that proves one of its records needs to know. */
function sealOf(
  name: string,
  verdict: Integrity | undefined,
  { vkeys, integrity, reproducible }: ReportRequest,
): Pick<LogSummary, 'status' | 'vkey'> {
  const status = verdict?.status ?? integrity?.status ?? 'unchecked';
  if (status === 'unsealed' || status === 'unchecked') return { status };
  // In a bundle of evidence, the log lies elsewhere.
  const beside = reproducible === true || isStored(name) ? undefined : integrityLayout(name).vkey;
  const vkey = vkeys?.[0] ?? beside;
  return { status, ...(vkey === undefined ? {} : { vkey }) };
}

function defaultTitle(logs: readonly LogInput[]): string {
  const names = logs.map(({ name }) => basename(name));
  if (names.length <= 2) return names.join(' and ') || 'Nothing to read';
  return `${names[0] ?? ''} and ${names.length - 1} more`;
}

function filterWords(filters: FilterOptions): string {
  return Object.keys(FILTER_OPTIONS)
    .flatMap((name) => {
      const value = filters[name as keyof FilterOptions];
      if (value === undefined || value === false) return [];
      if (value === true) return [name];
      return [`${name} ${Array.isArray(value) ? value.join(' or ') : String(value)}`];
    })
    .join('; ');
}

/** The verdicts from best to worst. The worst one is shown for several logs. */
const RANK: readonly Integrity['status'][] = [
  'intact',
  'unconfirmed',
  'partly-sealed',
  'unwitnessed',
  'unchecked',
  'unsealed',
  'untrusted',
  'broken',
];

/**
 * Verifies each log as `verify` does.
 *
 * @param vkeys The verifier keys to trust. Without them, the keys beside each log are used, and the verdict says so.
 */
async function judgeEach(
  logs: readonly LogInput[],
  vkeys: readonly string[] | undefined,
): Promise<Integrity[]> {
  const results: Integrity[] = [];
  for (const log of logs) results.push(await modelOf(log, await judge(log, vkeys), vkeys));
  return results;
}

/** The verdict on all logs together. */
function worstOf(logs: readonly LogInput[], results: readonly Integrity[]): Integrity {
  if (results.length === 0) return { status: 'unchecked', title: 'Not checked', findings: [], checks: [] };
  const worst = results.reduce((a, b) => (RANK.indexOf(b.status) > RANK.indexOf(a.status) ? b : a));
  const findings = results.flatMap((result, index) =>
    result.findings.map((finding) => (logs.length > 1 ? `${logs[index]!.name}: ${finding}` : finding)),
  );
  const sessions = sumOf(results);
  return { ...worst, findings, ...(sessions && { sessions }) };
}

function sumOf(results: readonly Integrity[]): Integrity['sessions'] {
  const all = results.flatMap(({ sessions }) => sessions ?? []);
  const sum = (name: 'complete' | 'different' | 'open') => all.reduce((total, each) => total + each[name], 0);
  if (all.length === 0) return undefined;
  return { complete: sum('complete'), different: sum('different'), open: sum('open') };
}

async function modelOf(
  log: LogInput,
  judgement: Judgement,
  vkeys: readonly string[] | undefined,
): Promise<Integrity> {
  const { status, sentence, report } = judgement;
  const findings = [sentence, ...(report?.problems.map(({ message }) => message) ?? [])].concat(
    report?.warnings ?? [],
  );
  const layout = integrityLayout((await log.evidence?.()) ?? log.name);
  const beside = async (path: string) =>
    log.files.length === 0 ? undefined : readFile(path, 'utf8').catch(() => undefined);
  const checkpoint = await beside(layout.checkpoint);
  const vkey = vkeys?.join('\n') ?? (await beside(layout.vkey))?.trim();
  return {
    status,
    title: titleOf({ status }),
    findings: [...new Set(findings)],
    checks: report?.checks ?? [],
    ...sessionsOf(report),
    ...(checkpoint !== undefined && { checkpoint }),
    ...(checkpoint !== undefined && vkey !== undefined && { vkey }),
  };
}

function sessionsOf(report: Judgement['report']): Pick<Integrity, 'sessions'> {
  if (report?.sessions === undefined) return {};
  const { complete, different, open } = report.sessions;
  return { sessions: { complete, different, open } };
}
