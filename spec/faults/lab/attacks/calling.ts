import { readFileSync } from 'node:fs';
import type { AuditRecord } from '../../../../lib/schema/record.js';
import type { ChildOptions } from '../../../support/child.js';
import { together, type Findings, type Try } from '../attack.js';
import { readLog } from '../judge.js';
import type { Run, Said, Scene } from '../scene.js';
import { logOf } from './writing.js';

/** One call of a client. */
export interface Step {
  readonly call: string;
  readonly arguments?: Record<string, unknown>;
  /** Another tool than one of that name. */
  readonly name?: string;
  readonly uri?: string;
  /** Bytes of filling among the arguments. */
  readonly bytes?: number;
}

/** What `children/calls.mjs` is told beside where its log is. */
export interface CallPlan {
  readonly steps: readonly Step[];
  readonly how?: 'withLogging' | 'processor';
  readonly sdk?: 'v1' | 'v2';
  readonly telemetry?: 'none' | { sampler?: string; processors?: readonly string[]; within?: string };
  readonly log?: object;
  readonly http?: object;
  readonly atOnce?: boolean;
  readonly custom?: string;
}

/** What truly becomes of each call: outcome and `error.type`, and whether its caller gets a result. */
const TRUTH: Readonly<Record<string, readonly [outcome: string, type: string | undefined, result: boolean]>> =
  {
    echo: ['OUTCOME_SUCCESS', undefined, true],
    clock: ['OUTCOME_SUCCESS', undefined, true],
    toolError: ['OUTCOME_FAILURE_ERROR', 'tool_error', true],
    rpcError: ['OUTCOME_FAILURE_ERROR', '-32050', false],
    abortBefore: ['OUTCOME_FAILURE_ERROR', 'cancelled', false],
    abortDuring: ['OUTCOME_FAILURE_ERROR', 'cancelled', false],
    timeout: ['OUTCOME_FAILURE_ERROR', 'timeout', false],
    lost: ['OUTCOME_FAILURE_ERROR', 'connection_closed', false],
    died: ['OUTCOME_FAILURE_ERROR', 'connection_closed', false],
    http401: ['OUTCOME_FAILURE_UNAUTHORIZED', undefined, false],
    http403: ['OUTCOME_FAILURE_DENIED', undefined, false],
  };

/** Makes calls that write to the scene's log. */
export function call(scene: Scene, plan: CallPlan, options: ChildOptions = {}): Promise<Run> {
  return scene.run('calls.mjs', { path: logOf(scene), ...plan }, options);
}

/** The completed calls of a log. */
export function callsOf(scene: Scene): AuditRecord[] {
  return readLog(logOf(scene)).records.filter(
    ({ mcp, stage }) => mcp?.method === 'tools/call' && stage === undefined,
  );
}

/** The number that a call carried. */
const numberOf = ({ mcp }: AuditRecord): unknown => (mcp?.tool_arguments as { n?: unknown } | undefined)?.n;

/** Holds what the callers got, and what truly happened, against the log. */
export function judgeCalls(scene: Scene, said: readonly Said[], steps: readonly Step[]): Findings {
  const log = readLog(logOf(scene));
  const records = callsOf(scene);
  const lost: string[] = [];
  const untrue: string[] = [];
  const broken = [...log.broken];
  steps.forEach(({ call: kind, name }, n) => {
    const [outcome, type, result] = TRUTH[kind] ?? [];
    const told = said.find((each) => each.told === n);
    if (told?.as !== 'ok' || (told.value !== undefined) !== result)
      broken.push(`${kind} ${n} was told ${JSON.stringify(told)}`);
    const own = records.filter((record) => numberOf(record) === n);
    if (own.length === 0) lost.push(`${kind} ${n}`);
    if (own.length > 1) untrue.push(`${kind} ${n} is there ${own.length} times`);
    for (const record of own) {
      const got = [
        record.outcome,
        type === undefined && outcome !== 'OUTCOME_SUCCESS' ? undefined : record.error?.type,
      ];
      if (got[0] !== outcome || got[1] !== type) untrue.push(`${kind} ${n} is said to be ${got.join(' ')}`);
      const tool = name ?? (/^abort|timeout/.test(kind) ? 'hang' : kind);
      if (record.mcp?.tool_name !== tool)
        untrue.push(`${kind} ${n} is said to be of ${record.mcp?.tool_name}`);
      if (!/^[0-9a-f]{32}$/.test(record.trace_id)) broken.push(`${kind} ${n} has no trace`);
    }
  });
  log.records.forEach(({ seq }, index) => {
    if (seq !== index) untrue.push(`seq ${seq} at place ${index}`);
  });
  return { lost, untrue, broken };
}

/** The whole log, as text. */
export const bytesOf = (scene: Scene): string => readFileSync(logOf(scene), 'utf8');
/** The arguments of the n-th completed call. */
export const argumentsOf = (scene: Scene, n = 0): Record<string, unknown> =>
  (callsOf(scene)[n]?.mcp?.tool_arguments ?? {}) as Record<string, unknown>;

/** Makes calls, judges them, and looks further. */
export function calls(plan: CallPlan, look: (scene: Scene) => Findings): Try {
  return async (scene) => {
    const { said } = await call(scene, plan);
    return together(judgeCalls(scene, said, plan.steps), look(scene));
  };
}

/** The names of a table. */
export const keysOf = <T extends object>(of: T) => Object.keys(of) as (keyof T & string)[];
