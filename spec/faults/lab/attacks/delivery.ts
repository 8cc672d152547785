// Sinks that fail, queues that are full, logs that are over.
import type { AuditRecord } from '../../../../lib/schema/record.js';
import { broken, together, type Attack, type Findings, type Try } from '../attack.js';
import { gapOf, judge } from '../judge.js';
import type { Run } from '../scene.js';
import { MODES, named, pairs } from './writing.js';

const FAILURES = ['throws', 'rejects', 'permanent', 'retryable', 'nonsense', 'hangs'];
const takenBy = ({ said }: Run) => (said.find(({ fact }) => fact === 'taken')?.value ?? []) as AuditRecord[];

/** No result is another, nothing runs twice, and the log tells the truth once the sink works. */
function failing(failure: string, mode: (typeof MODES)[number]): Try {
  return async (scene) => {
    const run = await scene.run('delivery.mjs', {
      failure,
      count: 10,
      log: { mode, scheduledDelayMillis: 1 },
    });
    const told = run.said.filter((each) => each.told !== undefined);
    const facts = told.map(({ value }) => value as { altered: boolean; times: number });
    return together(
      mode === 'blocking-strict'
        ? strictFindings(run)
        : judge(run.said, { records: takenBy(run), broken: [] }, { mode, repeats: true }),
      broken(
        [facts.length === 14, `only ${facts.length} callers were told: ${run.stderr}`],
        [facts.every(({ altered }) => !altered), 'a result was altered'],
        [
          told.every(({ as, value }) => (value as { times: number }).times === (as === 'refused' ? 0 : 1)),
          'work ran twice, or not at all',
        ],
        [run.said.some(({ alarm }) => alarm !== undefined), 'there was no alarm'],
      ),
    );
  };
}

/** A sink of this kind vouches for nothing durable, so strict callers are refused: nothing is begun without an intent. */
function strictFindings(run: Run): Findings {
  const begun = run.said.filter((each) => each.begun !== undefined && each.begun < 1_000);
  return { lost: begun.map(({ begun: n }) => `call/${n} was begun without an intent`) };
}

/** The queue holds so many, and the sink none: what is dropped is counted exactly. */
function fullQueue(maxQueueSize: number, count: number): Try {
  return async (scene) => {
    const run = await scene.run('delivery.mjs', {
      failure: 'retryable',
      count,
      log: { mode: 'batch', maxQueueSize, scheduledDelayMillis: 1, maxExportBatchSize: 4 },
    });
    const records = takenBy(run);
    const work = records.filter(({ resource }) => resource.startsWith('call/')).length;
    const gaps = records.reduce((total, record) => total + gapOf(record), 0);
    return together(
      judge(run.said, { records, broken: [] }, { mode: 'batch', repeats: true }),
      broken(
        [work + gaps === count + 4, `${work} records and ${gaps} in gaps, of ${count + 4}`],
        [gaps > 0, 'nothing was dropped'],
      ),
    );
  };
}

const late =
  (mode: (typeof MODES)[number], acks: object): Try =>
  async (scene) => {
    const run = await scene.run('delivery.mjs', {
      failure: 'throws',
      count: 0,
      after: true,
      log: { mode, ...acks },
    });
    const value = run.said.find(({ fact }) => fact === 'late')?.value as
      | { code: string; taken: number }
      | undefined;
    const loud =
      mode === 'batch'
        ? run.said.some(({ alarm }) => alarm?.code === 'MCP_LOG_ERR_SHUTDOWN')
        : /SHUTDOWN|UNAVAILABLE/.test(value?.code ?? '');
    return broken(
      [loud, `nobody was told: ${JSON.stringify(value)} ${run.stderr}`],
      [value?.taken === 0, 'it was taken'],
    );
  };

/** Clients that nobody closes are given back, but for what V8 itself moves about. */
const forgotten =
  (how: string): Try =>
  async (scene) => {
    const { said, stderr } = await scene.run(
      'clients.mjs',
      { how, count: 10_000 },
      { node: ['--expose-gc'] },
    );
    const value = said[0]?.value as { growth: number; left: number; records: number } | undefined;
    if (value === undefined) return { broken: [stderr] };
    return {
      lost: value.records < 40_000 ? [`${40_000 - value.records} records`] : [],
      ...broken(
        [value.left <= 10, `${value.left} clients are left`],
        [value.growth < 20 * 10_000, `the heap grew by ${value.growth} bytes`],
      ),
    };
  };

/** ATTACKS 39 to 42. */
export const deliveryAttacks: readonly Attack[] = [
  {
    item: 39,
    title: 'a sink error alters no result and no outcome, and nothing runs twice',
    tries: named(
      pairs(FAILURES, MODES),
      ([failure, mode]) => `${failure}, ${mode}`,
      ([failure, mode]) => failing(failure, mode),
    ),
  },
  {
    item: 40,
    title: 'queue full: drops are counted, exactly',
    tries: named(
      pairs([1, 10, 100], [150, 1_000]),
      ([queue, count]) => `${count} into ${queue}`,
      ([queue, count]) => fullQueue(queue, count),
    ),
  },
  {
    item: 41,
    title: 'a record after shutdown is refused loudly',
    tries: named(['blocking', 'batch'] as const, String, (mode) => late(mode, {})),
  },
  {
    item: 42,
    title: 'ten thousand clients that are never closed',
    tries: named(['withLogging', 'processor'], String, forgotten),
  },
];
