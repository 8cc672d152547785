import { basename, join } from 'node:path';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import { type CommandIo } from '../shared/command.js';
import { logOfFile } from '../input/logs.js';
import { Problems, type Place } from '../input/problems.js';
import { compileFilter, type FilterOptions } from '../query/filter.js';
import { drawChange } from '../query/toolChanges.js';
import { beginModel } from '../report/read.js';
import { reportPage } from '../report/page.js';
import { CLAUSES, FRAMEWORK_SOURCES, FRAMEWORK_TITLES, type Framework } from './clauses.js';
import { controlsOf, NOTHING_FOUND, queryWords } from './controls.js';
import {
  BUNDLE_FORMAT,
  DISCLAIMER,
  FINDINGS_NAME,
  type BundleFile,
  type BundleFindings,
  type BundleManifest,
  type ControlFinding,
  type LogSlice,
} from './manifest.js';
import { assessmentResults, OSCAL_NAME, type RecordedSpan } from './oscal.js';
import { survey, type Survey } from './survey.js';
import { count, plural } from '../term/units.js';

/** Records that the report in a bundle can show one by one. */
const REPORT_ROWS = 5000;

/** Where a bundle shows what definitions of tools said before they changed. */
const TOOL_CHANGES_PATH = 'results/tool-changes.txt';

/** What a bundle is about. */
export interface BundleSubject {
  readonly framework: Framework;
  readonly from?: string;
  readonly to?: string;
}

/**
 * Makes everything in a bundle that follows from its slices: the one who writes a bundle and the one who checks it do the
 * same, and come to the same bytes.
 *
 * @param folder Where the slices lie, by the last part of their names.
 */
export async function deriveFiles(
  folder: string,
  slices: readonly LogSlice[],
  {
    io,
    heard = true,
    ...subject
  }: BundleSubject & {
    readonly io: CommandIo;
    /** Takes what is wrong with the lines of a slice. */
    readonly heard?: true | ((place: Place, reason: string) => void);
  },
): Promise<{ files: Map<string, string>; findings: BundleFindings; within: readonly number[] }> {
  const { framework } = subject;
  const logs = slices.map(({ path }) => logOfFile(join(folder, basename(path))));
  const filters = filtersOf(subject);
  const problems = new Problems(io, false, heard);
  // The report is made in the same reading: to decode every record a second time would cost more than all else here.
  const report = beginModel(logs, {
    filters,
    rows: REPORT_ROWS,
    title: `Evidence: ${FRAMEWORK_TITLES[framework]}`,
    problems,
    io,
    reproducible: true,
    integrity: integrityOf(slices),
  });
  const { see, add } = report;
  const controls = controlsOf(framework);
  const found = await survey(logs, compileFilter(filters), controls, { problems, io, see, add });
  const findings = makeFindings(subject, found, slices);
  const files = new Map([
    ['README.txt', bundleReadme(findings, slices)],
    [FINDINGS_NAME, json(findings)],
    [OSCAL_NAME, json(assessmentResults(findings, slices, spanOf(found)))],
  ]);
  for (const [id, { csv }] of found.results) if (csv !== '') files.set(resultPath(id), csv);
  const model = await report.finish();
  files.set('report.html', reportPage(model));
  if (model.changes.all > 0)
    files.set(TOOL_CHANGES_PATH, model.changes.listed.map((change) => drawChange(change)).join('\n'));
  return { files, findings, within: found.counts.map(({ within }) => within) };
}

/** The filters that a period means. */
export function filtersOf({
  from,
  to,
}: {
  from?: string | undefined;
  to?: string | undefined;
}): FilterOptions {
  return { ...(from === undefined ? {} : { since: from }), ...(to === undefined ? {} : { until: to }) };
}

/** The manifest of a bundle. */
export function manifestOf(
  { framework, from, to }: BundleSubject,
  logs: readonly LogSlice[],
  files: readonly BundleFile[],
): BundleManifest {
  return {
    format: BUNDLE_FORMAT,
    generator: `${PACKAGE_NAME} ${PACKAGE_VERSION}`,
    framework,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    logs,
    files,
  };
}

/** JSON as the files of a bundle have it. */
export function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** The times of the records of the period, of all logs. */
function spanOf({ counts }: Survey): RecordedSpan {
  const times = (name: 'earliest' | 'latest') => counts.flatMap((own) => own[name] ?? []).sort();
  return { earliest: times('earliest')[0], latest: times('latest').at(-1) };
}

function resultPath(id: string): string {
  return `results/${id}.csv`;
}

/** The page in a bundle cannot vouch for itself: it says what was found when it was made, or how to check it. */
function integrityOf(slices: readonly LogSlice[]) {
  const broken = slices.find(({ verdict }) => verdict !== undefined)?.verdict;
  const finding =
    broken === undefined
      ? "This page is part of a bundle: 'otel-mcp-log verify BUNDLE.zip --vkey KEY' shows whether the records are as they were sealed, and whether the page follows from them."
      : `${broken.sentence}.`;
  const title = broken === undefined ? 'Not checked' : broken.status === 'broken' ? 'Broken' : 'Not trusted';
  return { status: broken?.status ?? 'unchecked', title, findings: [finding], checks: [] } as const;
}

function makeFindings(
  { framework, from, to }: BundleSubject,
  { counts, results }: Survey,
  slices: readonly LogSlice[],
): BundleFindings {
  const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };
  const asks: Readonly<Record<string, string>> = CLAUSES[framework];
  const missing = counts.reduce((sum, slice) => sum + slice.missing, 0);
  const controls = controlsOf(framework).map((control): ControlFinding => {
    const { id, title, asked, query, shows, cannot, elsewhere } = control;
    const requirements = asked[framework] ?? [];
    const result = results.get(id);
    return {
      id,
      title,
      requirements,
      asks: requirements.map((clause) => asks[clause] ?? ''),
      ...(query === undefined ? {} : { query: queryWords(query, period) }),
      ...(result === undefined ? {} : { count: result.count }),
      ...(result === undefined || result.csv === ''
        ? {}
        : { results: resultPath(id), listed: result.listed }),
      shows:
        id === 'tamper-evidence'
          ? tamperEvidence(slices, shows)
          : result?.count === 0 && !(query?.gaps === true && missing > 0)
            ? NOTHING_FOUND
            : shows,
      cannot,
      elsewhere,
    };
  });
  return {
    framework,
    title: FRAMEWORK_TITLES[framework],
    source: FRAMEWORK_SOURCES[framework],
    ...period,
    records: counts.reduce((sum, { within }) => sum + within, 0),
    missing,
    sealed: slices.length > 0 && slices.every(({ proofs }) => proofs !== undefined),
    controls,
    disclaimer: DISCLAIMER,
  };
}

/** What the bundle shows of its logs: that they are as sealed only where it holds the proofs. */
function tamperEvidence(slices: readonly LogSlice[], shows: string): string {
  const unproved = slices.filter(({ proofs }) => proofs === undefined);
  if (unproved.length === 0) return shows;
  return unproved
    .map(({ name, verdict }) =>
      verdict === undefined
        ? `Nothing for ${name}: it is not sealed.`
        : `Nothing for ${name}: ${verdict.sentence}.`,
    )
    .join(' ');
}

/** The first file that one opens: what is here, what it shows, and how to check it without us. */
function bundleReadme(findings: BundleFindings, slices: readonly LogSlice[]): string {
  const { title, source, from, to, records, missing, controls, disclaimer } = findings;
  const period = `${from ?? 'the beginning'} to ${to ?? 'the end'}`;
  const lines = [
    `Evidence for ${title}`,
    '='.repeat(13 + title.length),
    '',
    `Text       ${source}`,
    `Period     ${period} (UTC)`,
    `Records    ${count(records)}${missing > 0 ? `, and ${count(missing)} places missing in the order` : ''}`,
    ...slices.map(
      ({ name, path, first, count: held, proofs, verdict }) =>
        `Log        ${name}: ${held === 0 ? 'no record of the period' : `records ${first} to ${first + held - 1}`}, in ${path}${verdict !== undefined ? ` (${verdict.status}: ${verdict.sentence})` : proofs === undefined ? ' (not sealed)' : ''}`,
    ),
    '',
    disclaimer,
    '',
    'What is asked, and what the log shows',
    '-------------------------------------',
    ...controls.flatMap(controlLines),
    '',
    'How to check it',
    '---------------',
    '',
    '  otel-mcp-log verify BUNDLE.zip --vkey KEY',
    '',
    'checks every hash, proof and count here, offline. KEY is the verifier key of the log: take it from its',
    'owner by another way than this bundle. Without our program:',
    '',
    '  - manifest.json names the SHA-256 of every other file.',
    '  - proofs/*/checkpoint is a signed note (C2SP tlog-checkpoint), proofs/*/*.tlog-proof are C2SP',
    '    tlog-proofs of the first and the last record, proofs/*/*.consistency are RFC 6962 consistency',
    '    proofs in the form of C2SP tlog-witness. Leaves are SHA-256(0x00 || line without LF).',
    '  - proofs/*/prefix.json holds the subtree hashes left of the slice: with the lines of the slice',
    '    appended they give the root that slice.consistency begins with.',
    '',
  ];
  return lines.join('\n');
}

function controlLines(control: ControlFinding): string[] {
  return [
    '',
    control.title,
    ...control.requirements.map((clause, index) => `  ${clause.padEnd(11)}  ${control.asks[index] ?? ''}`),
    ...(control.query === undefined
      ? []
      : [`  Query        ${['otel-mcp-log query', control.query, 'LOG'].filter(Boolean).join(' ')}`]),
    ...(control.count === undefined
      ? []
      : [
          `  Found        ${plural(control.count, 'record')}${control.results === undefined ? '' : `; ${count(control.listed ?? 0)} listed in ${control.results}`}`,
        ]),
    `  Shows        ${control.shows}`,
    `  Cannot show  ${control.cannot}`,
    `  Needs        ${control.elsewhere}`,
  ];
}
