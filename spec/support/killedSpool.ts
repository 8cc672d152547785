import { existsSync, mkdtempSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../../lib/schema/record.js';
import { gapToldBy, type GapInfo } from '../../lib/sinks/sink.js';
import { SpoolSink } from '../../lib/sinks/spool/spoolSink.js';
import { Child } from './child.js';
import type { Changes, KilledSpoolPlan } from './children/killedSpool.js';
import { draft, numbered } from './drafts.js';
import { ScriptedSink } from './scriptedSink.js';

/** When a process dies. */
export type Kill = Omit<KilledSpoolPlan, 'folder'>;

/** A process with a spool, which can be killed wherever it changes a file. */
export class KilledSpool {
  constructor(private readonly parent: string) {}

  /** All the changes that a process makes to files when it is left alone. */
  async changes(): Promise<Changes> {
    const { lines, stderr } = await this.#run(mkdtempSync(join(this.parent, 'alone-')), {
      at: 0,
      how: 'after',
    });
    expect(lines, stderr).to.have.length(1);
    return JSON.parse(lines[0] ?? '') as Changes;
  }

  /** Processes die one after the other on one spool; then one lives, and everything must be there, or told of. */
  async survives(kills: readonly Kill[]): Promise<void> {
    const folder = mkdtempSync(join(this.parent, 'killed-'));
    for (const kill of kills) {
      const { signal, code, stderr } = await this.#run(folder, kill);
      expect(signal ?? code, stderr).to.be.oneOf(['SIGKILL', 0]);
    }
    const last = new ScriptedSink('remote');
    const given = await emptied(join(folder, 'spool'), last);
    const received = [...linesOf<AuditRecord>(folder, 'received'), ...last.records];
    check(
      received,
      [...linesOf<string>(folder, 'given'), ...given],
      [...linesOf<string>(folder, 'acknowledged'), ...given],
    );
  }

  #run(folder: string, kill: Kill) {
    return new Child('killedSpool.ts', { folder, ...kill }).ended;
  }
}

/** Opens the spool once more, adds to it, and hands over all that it holds. */
async function emptied(directory: string, receiver: ScriptedSink): Promise<string[]> {
  const sink = new SpoolSink(receiver, {
    ...{ directory, onError: () => undefined },
    gapRecord: ({ firstTime, lastTime, ...gap }: GapInfo) =>
      draft({ resource: 'audit/gap', data: { ...gap, first_time: firstTime, last_time: lastTime } }),
  });
  const from = (sink.lastSeq ?? -1) + 1;
  const records = [numbered(from), numbered(from + 1)];
  await sink.emit(records);
  await sink.flush();
  await sink.close();
  return records.map(({ record_id: id }) => id);
}

function check(
  received: readonly AuditRecord[],
  given: readonly string[],
  acknowledged: readonly string[],
): void {
  const gaps = new Map(received.map((record) => [record.record_id, gapToldBy(record)?.count ?? 0]));
  const told = [...gaps.values()].reduce((sum, count) => sum + count, 0);
  const records = received.filter((record) => gapToldBy(record) === undefined);
  const numbers = new Map<number, string>();
  for (const { seq, record_id: id } of records) {
    expect(numbers.get(seq) ?? id, `number ${seq} for two records`).to.equal(id);
    numbers.set(seq, id);
  }
  const ids = new Set(records.map(({ record_id: id }) => id));
  expect(numbers.size, 'a record under two numbers').to.equal(ids.size);
  const lost = acknowledged.filter((id) => !ids.has(id)).length;
  expect(told, 'acknowledged records lost without a gap record').to.be.at.least(lost);
  expect(told, 'more told of than there were').to.be.at.most(given.length - ids.size);
}

function linesOf<T>(folder: string, name: string): T[] {
  const path = join(folder, name);
  if (!existsSync(path)) return [];
  return readFileSync(path, 'utf8')
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line) as T);
}
