import type { ChildOptions } from '../../../support/child.js';
import type { Findings } from '../attack.js';
import { judge, readLog, type Terms } from '../judge.js';
import type { Run, Said, Scene } from '../scene.js';

/** The modes in which a caller is told something. */
export const WAITING = ['blocking', 'blocking-strict'] as const;
/** All modes. */
export const MODES = [...WAITING, 'batch'] as const;

/** What `children/writer.mjs` is told; all of it optional. */
export interface WriterPlan {
  readonly mode?: NonNullable<Terms['mode']>;
  /** Options of the log beside its mode. */
  readonly log?: object;
  /** Options of the file sink beside its path. */
  readonly file?: object;
  /** Other sinks than the one file. */
  readonly sinks?: readonly object[];
  readonly from?: number;
  readonly count?: number;
  readonly group?: number;
  readonly filling?: number;
  readonly pauseMs?: number;
  /** Whether it goes on, after its count, until a caller is told that all is well. */
  readonly untilOk?: boolean;
  readonly acts?: readonly { before: number; do: string; path?: string; folder?: string }[];
  readonly follow?: object;
  readonly end?: 'shutdown' | 'exit' | 'throw' | 'reject' | 'wait' | 'empty';
  readonly worker?: boolean;
  /** Whether all diagnostic lines of OpenTelemetry are printed. */
  readonly diag?: boolean;
}

/** The plan that the script takes. */
export function writerPlan(
  path: string,
  { mode = 'blocking', log, file, sinks, ...rest }: WriterPlan,
): object {
  const toFile = [{ kind: 'file', options: { path, ...file } }];
  return { sinks: sinks ?? toFile, log: { mode, ...log }, ...rest };
}

/** Where most tries keep their log. */
export const logOf = (scene: Scene): string => scene.path('audit.jsonl');

/** Has a writer write to the scene's log. */
export function write(scene: Scene, plan: WriterPlan = {}, options: ChildOptions = {}): Promise<Run> {
  return scene.run('writer.mjs', writerPlan(logOf(scene), plan), options);
}

/** A second process goes on with the log, as after a restart; then the log is held against what both have said. */
export async function restartAndJudge(
  scene: Scene,
  first: readonly Said[],
  plan: WriterPlan,
): Promise<Findings> {
  const log = { ...plan.log, exportTimeoutMillis: 10_000 };
  const next = await write(scene, { ...plan, log, acts: [], from: 1_000, count: 4, end: 'shutdown' });
  const terms: Terms = { mode: plan.mode ?? 'blocking', cut: true };
  const found = judge([...first, ...next.said], readLog(logOf(scene)), terms);
  const again = next.said.some(({ ended }) => ended === 'ok');
  return {
    ...found,
    broken: [...(found.broken ?? []), ...(again ? [] : [`the restart failed: ${next.stderr}`])],
  };
}

/** How many callers were told this. */
export const toldCount = (said: readonly Said[], as: Said['as']): number =>
  said.filter((each) => each.told !== undefined && each.as === as).length;

/** A name for each value, made from it. */
export function named<T, U>(
  values: Iterable<T>,
  name: (value: T) => string,
  make: (value: T) => U,
): Record<string, U> {
  return Object.fromEntries([...values].map((value) => [name(value), make(value)]));
}

/** Every pair of two lists. */
export function pairs<A, B>(first: readonly A[], second: readonly B[]): [A, B][] {
  return first.flatMap((a) => second.map((b): [A, B] => [a, b]));
}

/** The numbers from one to another. */
export const range = (from: number, to: number): number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);
