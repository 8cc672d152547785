import { readFile } from 'node:fs/promises';
import { basename } from 'node:path';
import { integrityLayout } from '../../integrity/layout.js';
import { PACKAGE_NAME, PACKAGE_VERSION } from '../../version.js';
import type { CommandIo } from '../command.js';
import type { LogInput } from '../input/logs.js';
import { Problems } from '../input/problems.js';
import { compileFilter } from '../query/filter.js';
import { readModel } from '../report/read.js';
import { reportPage } from '../report/page.js';
import type { Output } from '../term/output.js';
import { Archive } from './archive.js';
import { controlsOf, FRAMEWORK_TITLES, queryWords, type Framework } from './controls.js';
import { eachLine } from './logLines.js';
import {
  BUNDLE_FORMAT,
  DISCLAIMER,
  FINDINGS_NAME,
  MANIFEST_NAME,
  type BundleFindings,
  type BundleManifest,
  type ControlFinding,
  type LogSlice,
} from './manifest.js';
import { bundleReadme } from './readme.js';
import { SliceProver } from './sliceProof.js';
import { survey, type SliceBounds, type Survey } from './survey.js';

/** What evidence is asked for. */
export interface EvidenceRequest {
  readonly framework: Framework;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
  readonly problems: Problems;
  readonly io: CommandIo;
}

/** What went into a bundle. */
export interface WrittenBundle {
  readonly manifest: BundleManifest;
  readonly findings: BundleFindings;
}

/** Records that the report in a bundle can show one by one. */
const REPORT_ROWS = 5000;

/**
 * Writes a bundle of evidence as a zip file. The same logs and the same request give the same bytes.
 *
 * @throws {IntegrityError} when a log is shorter than its own checkpoint says.
 */
export async function writeBundle(
  logs: readonly LogInput[],
  output: Output,
  request: EvidenceRequest,
): Promise<WrittenBundle> {
  const { framework, from, to, problems, io } = request;
  const filters = {
    ...(from === undefined ? {} : { since: from }),
    ...(to === undefined ? {} : { until: to }),
  };
  const found = await survey(logs, compileFilter(filters), controlsOf(framework), { problems, io });
  const archive = new Archive(output);
  const period = { ...(from === undefined ? {} : { from }), ...(to === undefined ? {} : { to }) };

  const slices: LogSlice[] = [];
  for (const [number, log] of logs.entries())
    slices.push(await addProofs(archive, log, found.bounds[number]!, number));
  const findings = makeFindings(framework, period, found, slices);
  archive.add('README.txt', bundleReadme(findings, slices));
  archive.add(FINDINGS_NAME, json(findings));
  for (const [id, { csv }] of found.results) if (csv !== '') archive.add(resultPath(id), csv);
  const model = await readModel(logs, {
    filters,
    rows: REPORT_ROWS,
    title: `Evidence: ${FRAMEWORK_TITLES[framework]}`,
    problems: new Problems(io, false, true),
    io,
    reproducible: true,
  });
  archive.add('report.html', reportPage(model));
  for (const [number, log] of logs.entries()) await addSlice(archive, log, slices[number]!, output);

  const files = [...archive.files];
  const generator = `${PACKAGE_NAME} ${PACKAGE_VERSION}`;
  const manifest: BundleManifest = {
    format: BUNDLE_FORMAT,
    generator,
    framework,
    ...period,
    logs: slices,
    files,
  };
  archive.add(MANIFEST_NAME, json(manifest));
  archive.end();
  return { manifest, findings };
}

function json(value: unknown): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

function resultPath(id: string): string {
  return `results/${id}.csv`;
}

/** A name that is safe in any archive and on any system, and tells which log is meant. */
function safeName(log: LogInput, number: number): string {
  return `${number + 1}-${basename(log.name).replace(/[^\w.-]/g, '_')}`;
}

async function addProofs(
  archive: Archive,
  log: LogInput,
  bounds: SliceBounds,
  number: number,
): Promise<LogSlice> {
  const name = safeName(log, number);
  const first = Math.max(0, bounds.first);
  const slice = {
    name: basename(log.name),
    path: `logs/${name}`,
    first,
    count: bounds.end - first,
    within: bounds.within,
  };
  const layout = integrityLayout(log.name);
  const checkpoint = await readFile(layout.checkpoint, 'utf8').catch(() => undefined);
  if (checkpoint === undefined) return slice;
  const history = await readFile(layout.history, 'utf8').catch(() => '');
  const prover = new SliceProver({ first, end: bounds.end }, checkpoint, history);
  await eachLine(log, (bytes) => prover.line(bytes));
  const proofs = `proofs/${name}`;
  for (const [file, content] of prover.files()) archive.add(`${proofs}/${file}`, content);
  const vkey = await readFile(layout.vkey, 'utf8').catch(() => undefined);
  if (vkey !== undefined) archive.add(`${proofs}/vkey`, vkey);
  return { ...slice, proofs };
}

/** Everything between the first and the last record of the period, byte for byte: only a whole stretch can be proved. */
async function addSlice(
  archive: Archive,
  log: LogInput,
  { path, first, count }: LogSlice,
  output: Output,
): Promise<void> {
  const file = archive.begin(path);
  const lf = Buffer.from('\n');
  await eachLine(
    log,
    (bytes, index) => {
      if (index < first || index >= first + count) return;
      file.push(Buffer.concat([bytes, lf]));
    },
    () => output.settle(),
  );
  file.end();
}

function makeFindings(
  framework: Framework,
  period: { from?: string; to?: string },
  { bounds, results }: Survey,
  slices: readonly LogSlice[],
): BundleFindings {
  const controls = controlsOf(framework).map((control): ControlFinding => {
    const { id, title, asked, query, shows, cannot } = control;
    const result = results.get(id);
    return {
      id,
      title,
      requirements: asked[framework] ?? [],
      ...(query === undefined ? {} : { query: queryWords(query, period) }),
      ...(result === undefined ? {} : { count: result.count }),
      ...(result === undefined || result.csv === ''
        ? {}
        : { results: resultPath(id), listed: result.listed }),
      shows,
      cannot,
    };
  });
  return {
    framework,
    title: FRAMEWORK_TITLES[framework],
    ...period,
    records: bounds.reduce((sum, { within }) => sum + within, 0),
    missing: bounds.reduce((sum, { missing }) => sum + missing, 0),
    sealed: slices.length > 0 && slices.every(({ proofs }) => proofs !== undefined),
    controls,
    disclaimer: DISCLAIMER,
  };
}
