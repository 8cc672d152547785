import type { AuditRecord } from '../../lib/schema/record.js';
import type { Framework, Process } from './frameworks.js';

/** What one process left behind. */
export interface Output {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly records: readonly AuditRecord[];
}

/** What the doctor said in a project. */
export interface Diagnosis {
  readonly code: number | null;
  readonly text: string;
}

const LISTED = 'EVENT_TOOL_INVOCATION tools/list OUTCOME_SUCCESS';
const NOT_AUDITED = /^otel-mcp-log: NOT AUDITED: /m;

/** What is wrong with a process that ran bare and audited; undefined where nothing is. */
export function faultOf(framework: Framework, process: Process, [bare, audited]: [Output, Output]) {
  if (bare.code === null) return `did not end without us: ${bare.stderr}`;
  if (audited.code !== bare.code) return `exit code ${audited.code} and not ${bare.code}: ${audited.stderr}`;
  if (audited.stdout !== bare.stdout) return `another output: ${audited.stdout} and not ${bare.stdout}`;
  if (NOT_AUDITED.test(audited.stderr)) return `is audited, and says: ${audited.stderr}`;
  return faultOfRecords(framework, process, audited.records);
}

function faultOfRecords(
  { lists = 1, besides = [] }: Framework,
  { calls }: Process,
  records: readonly AuditRecord[],
): string | undefined {
  const own = records.filter(({ resource }) => !resource.startsWith('audit/'));
  const all = own.map(({ event_type, resource, outcome }) => `${event_type} ${resource} ${outcome}`);
  if (new Set(own.map(({ session_id }) => session_id)).size !== 1)
    return `several sessions: ${all.join(', ')}`;
  const listed = lists === 'any' ? Math.max(1, all.filter((each) => each === LISTED).length) : lists;
  const wanted = [
    'EVENT_LOGIN session/initialize OUTCOME_SUCCESS',
    ...new Array<string>(listed).fill(LISTED),
    ...Object.entries(calls).map(([tool, outcome]) => `EVENT_TOOL_INVOCATION tools/${tool} ${outcome}`),
    'EVENT_LOGOUT session/close OUTCOME_SUCCESS',
  ];
  const asked = all.filter((_, index) => !besides.includes(own[index]!.resource));
  if (asked[0] !== wanted[0] || asked.at(-1) !== wanted.at(-1) || !isSameSet(asked, wanted))
    return `records ${all.join(', ')}`;
  const failed = own.filter(
    ({ outcome, resource }) => outcome !== 'OUTCOME_SUCCESS' && resource !== 'roots/list',
  );
  const types = failed.map(({ error }) => error?.type);
  return types.every((type) => type === 'tool_error') ? undefined : `error types ${types.join(', ')}`;
}

function isSameSet(some: readonly string[], others: readonly string[]): boolean {
  return [...some].sort().join('\n') === [...others].sort().join('\n');
}

/** What the doctor says that does not fit; undefined where all fits. */
export function faultOfDoctor({ install }: Framework, { text }: Diagnosis) {
  const has = (finding: string) => text.includes(`${finding}: `);
  if (has('sdk-unpatched') || has('sdk-unsupported') || has('config')) return `the doctor says ${text}`;
  if (!has('sink-ok')) return `the doctor says nothing of the sink: ${text}`;
  if (text.includes(`warning: own-client: ${install[0]} `))
    return `the doctor finds its client unpatched: ${text}`;
  const isPatched = has('sdk-patched') || has('client-patched');
  return isPatched ? undefined : `the doctor finds no client that is patched: ${text}`;
}
