import { basename, dirname, sep } from 'node:path';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import type { CommandIo } from '../shared/command.js';
import type { LogInput } from '../input/logs.js';
import type { Problems } from '../input/problems.js';
import { compileFilter } from '../query/filter.js';
import { FILTER_OPTIONS, type FilterOptions } from '../query/filterOptions.js';
import { select } from '../query/select.js';
import { ReportBuilder } from './aggregate.js';
import { checkIntegrity } from './integrity.js';
import type { ReportModel } from './model.js';

/** What a report is to be made of. */
export interface ReportRequest {
  readonly filters: FilterOptions;
  readonly rows: number;
  readonly title?: string;
  /** The verifier keys that the reader brought; absent where the model is given its verdict, or there are none. */
  readonly vkeys?: readonly string[] | undefined;
  /** The verdict, where it is known already; else the logs are verified. */
  readonly integrity?: ReportModel['integrity'];
  readonly problems: Problems;
  readonly io: CommandIo;
  /** Whether the same input must give the same bytes: then it says neither when it was made nor where the logs lay. */
  readonly reproducible?: boolean;
}

/** Reads logs into the model of a report. */
export async function readModel(logs: readonly LogInput[], request: ReportRequest): Promise<ReportModel> {
  const { filters, problems, io, reproducible = false } = request;
  const builder = new ReportBuilder(request.rows);
  const logOf = new Map(logs.flatMap(({ name, files }) => files.map(({ path }) => [path, name] as const)));
  await select(logs, (record, data, start, end, place) => builder.add(record, data, start, end, place), {
    io,
    problems,
    filter: compileFilter(filters),
    label: 'reading',
    inspect: (record, _data, _start, _end, place) =>
      builder.see(logOf.get(place.file) ?? place.file, record, place),
  });
  const model: ReportModel = {
    title: request.title ?? defaultTitle(logs),
    ...(reproducible ? {} : { generated: new Date().toISOString() }),
    generator: `${PACKAGE_NAME} ${PACKAGE_VERSION}`,
    filter: filterWords(filters),
    ...builder.finish(logs, problems.total),
    integrity: request.integrity ?? (await checkIntegrity(logs, request.vkeys)),
  };
  return reproducible ? withoutFolders(model) : model;
}

/** Files by their names alone, wherever the model speaks of them. */
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
