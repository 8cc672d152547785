// A process with a spool that dies at its nth change of a file: told by its first argument (JSON) which, and how. Whom it
// acknowledged, and what its receiver has, stand in files beside the spool.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { join } from 'node:path';
import type { AuditRecord } from '../../../lib/schema/record.js';
import type { GapInfo, Sink, SinkResult } from '../../../lib/sinks/sink.js';
import { draft, numbered } from '../drafts.js';

/** What such a process does. */
export interface KilledSpoolPlan {
  /** Holds the spool, and what becomes known of it. */
  readonly folder: string;
  /** Which change of a file is its last; 0 for none. */
  readonly at: number;
  /** Whether it dies before that change, in the middle of it (where it is a write), or after it. */
  readonly how: 'before' | 'half' | 'after';
}

/** The changes that were made, by the names of their functions. */
export type Changes = readonly string[];

type Call = (...args: unknown[]) => unknown;

const { folder, at, how } = JSON.parse(process.argv[2] ?? '') as KilledSpoolPlan;
const changes: string[] = [];
let counts = true;

/** What the process itself has to say is none of the spool's changes. */
function aside<T>(work: () => T): T {
  counts = false;
  try {
    return work();
  } finally {
    counts = true;
  }
}

function die(): never {
  process.kill(process.pid, 'SIGKILL');
  throw new Error('still alive');
}

/** The first half of what a write writes. */
function halved(name: string, [target, data, ...rest]: unknown[]): unknown[] {
  if (name === 'writeFileSync') return [target, String(data).slice(0, String(data).length >> 1), ...rest];
  const [offset = 0, length = (data as Uint8Array).length, ...position] = rest as number[];
  if (typeof data === 'string') return [target, data.slice(0, data.length >> 1), ...rest];
  return [target, data, offset, length >> 1, ...position];
}

function counted(name: string, real: Call): Call {
  return (...args) => {
    const reads = name === 'openSync' && args[1] === 'r';
    if (!counts || reads) return real(...args);
    changes.push(name);
    const isLast = changes.length === at;
    if (isLast && how === 'before') die();
    if (isLast && how === 'half' && name.startsWith('write')) real(...halved(name, args));
    else if (name === 'fdatasync' && isLast) return real(args[0], die);
    const result = real(...args);
    if (isLast) die();
    return result;
  };
}

const CHANGING = [
  ...['openSync', 'writeSync', 'writeFileSync', 'ftruncateSync', 'renameSync', 'linkSync', 'unlinkSync'],
  ...['rmSync', 'mkdirSync', 'fsyncSync', 'fdatasyncSync', 'fdatasync', 'fchmodSync', 'futimesSync'],
] as const;
const functions = fs as unknown as Record<string, Call>;
for (const name of CHANGING) functions[name] = counted(name, functions[name] as Call);
syncBuiltinESMExports();

const { SpoolSink } = await import('../../../lib/sinks/spool/spoolSink.js');

const note = (file: string, what: readonly unknown[]) =>
  aside(() =>
    fs.appendFileSync(join(folder, file), what.map((each) => `${JSON.stringify(each)}\n`).join('')),
  );

let requests = 0;
/** Is away at first; refuses one record in six for good. */
const receiver: Sink = {
  name: 'remote',
  emit: (batch: readonly AuditRecord[]): SinkResult => {
    if (++requests <= 2) return { status: 'retryable', error: new Error('away') };
    const refused = batch.flatMap(({ message }, index) => (message === 'refused' ? [index] : []));
    note(
      'received',
      batch.filter((_, index) => !refused.includes(index)),
    );
    const rejected = refused.map((index) => ({ index, error: new Error('refused') }));
    return { status: 'delivered', rejected };
  },
};

Math.random = () => 0.5;
const sink = new SpoolSink(receiver, {
  ...{
    directory: join(folder, 'spool'),
    segmentBytes: 1_500,
    maxExportBatchSize: 3,
    onError: () => undefined,
  },
  gapRecord: ({ firstTime, lastTime, ...gap }: GapInfo) =>
    draft({ resource: 'audit/gap', data: { ...gap, first_time: firstTime, last_time: lastTime } }),
});
let next = (sink.lastSeq ?? -1) + 1;
for (let nth = 0; nth < 6; nth++) {
  const records = [0, 1].map((which) =>
    numbered(next++, { message: which + nth * 2 === 5 ? 'refused' : 'sent' }),
  );
  const ids = records.map(({ record_id: id }) => id);
  note('given', ids);
  const { status } = await sink.emit(records);
  if (status === 'delivered') note('acknowledged', ids);
  if (nth > 2) await sink.flush().catch(() => undefined);
}
await sink.close();
aside(() => fs.writeSync(1, `${JSON.stringify(changes)}\n`));
