import { readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import type { AuditRecord } from '../../../lib/schema/record.js';
import type { GapInfo, Sink } from '../../../lib/sinks/sink.js';
import { SpoolSink, type SpoolOptions } from '../../../lib/sinks/spool/spoolSink.js';
import { draft, numbered } from '../../support/drafts.js';
import { folders } from '../../support/logFolder.js';
import { failureOf, ScriptedSink } from '../../support/scriptedSink.js';

const upTo = (count: number) => [...Array(count).keys()];
const gapRecord = (gap: GapInfo) => draft({ resource: 'audit/gap', data: gap });

describe('a spool whose receiver refuses records for good', () => {
  const folder = folders();
  const open = (receiver: ScriptedSink, over: Partial<SpoolOptions>) =>
    new SpoolSink(receiver, { directory: join(folder(), 'spool'), onError: () => undefined, ...over });

  it('loses only the record that a receiver refuses, not its batch, and keeps it aside', async () => {
    const directory = join(folder(), 'spool');
    const away = open(new ScriptedSink('remote', [], 'retryable'), { directory });
    for (const seq of upTo(4)) await away.emit([numbered(seq)]);
    await away.close();
    // The batch, then one by one: the third is the one that spoils it.
    const receiver = new ScriptedSink('remote', ['permanent', 'take', 'take', 'permanent']);
    const sink = open(receiver, { directory, gapRecord });
    await sink.flush();
    await sink.close();
    expect(receiver.seqs).to.deep.equal([0, 1, 2, 3]);
    expect(receiver.records[2]?.data).to.include({ count: 1 });
    expect(readFileSync(join(directory, 'refused.spool'), 'utf8')).to.include('"seq":2');
  });

  it('keeps refused records aside up to its bytes, tells of the bound once, and of what it left out when there is room', async () => {
    const directory = join(folder(), 'spool');
    const file = join(directory, 'refused.spool');
    const told: [number, boolean, unknown][] = [];
    const refuse = async (seqs: number[]) => {
      const receiver: Sink = {
        name: 'remote',
        emit: ([record]) =>
          record?.resource === 'audit/gap' ? undefined : { status: 'permanent', error: new Error('no') },
      };
      const sink = new SpoolSink(receiver, {
        ...{ directory, gapRecord, maxBytes: 2_000 },
        onError: (error, { lost, keptIn }) =>
          void told.push([lost, keptIn === file, 'code' in error ? error.code : undefined]),
      });
      for (const seq of seqs) {
        await sink.emit([numbered(seq)]);
        await sink.flush();
      }
      await sink.close();
    };
    const kept = () =>
      readFileSync(file, 'utf8')
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as AuditRecord);

    await refuse(upTo(6));
    const fit = kept().length;
    expect(fit).to.be.within(1, 5);
    expect(statSync(file).size).to.be.at.most(2_000);
    expect(told).to.deep.equal([
      ...upTo(fit).map(() => [1, true, undefined]),
      [1, false, undefined],
      [0, false, 'REFUSED_FULL'],
      ...upTo(5 - fit).map(() => [1, false, undefined]),
    ]);

    rmSync(file);
    told.length = 0;
    await refuse([6]);
    expect(told).to.deep.equal([[1, true, undefined]]);
    const [gap, record] = kept();
    expect(gap).to.include({ resource: 'audit/gap', seq: 5 });
    expect(gap?.data).to.include({ sink: 'remote', count: 6 - fit, cause: 'refused_full' });
    expect(record).to.include({ seq: 6 });
  });

  it('tells again what the receiver refused to hear of, by the next process if need be, and each loss once', async () => {
    const directory = join(folder(), 'spool');
    const heard: [number, string][] = [];
    const taken: AuditRecord[] = [];
    let refuses = (_: AuditRecord) => true;
    const session = async (records: AuditRecord[]) => {
      const receiver: Sink = {
        name: 'remote',
        emit: (batch) => {
          const rejected = batch.flatMap((record, index) =>
            refuses(record) ? [{ index, error: new Error('no') }] : [],
          );
          taken.push(...batch.filter((record) => !refuses(record)));
          return { status: 'delivered', rejected };
        },
      };
      const onError = ({ message }: Error, { lost }: { lost: number }) => void heard.push([lost, message]);
      const sink = new SpoolSink(receiver, { directory, gapRecord, onError });
      if (records.length > 0) await sink.emit(records);
      const failure = await failureOf(sink.flush());
      await sink.close();
      return failure;
    };
    // What a pipeline before it has lost: seven records.
    const gap = { count: 7, first_time: 'a', last_time: 'b', sink: 's', cause: 'queue_full' };
    const told = numbered(6, { resource: 'audit/gap', data: gap });
    expect(await session([told, numbered(7)])).to.include({ code: 'GAP_REFUSED' });
    expect(heard.map(([lost]) => lost)).to.deep.equal([0, 1, 0]);
    expect(heard.at(-1)?.[1]).to.include('8 records are missing');
    expect(await session([])).to.include({ code: 'GAP_REFUSED' });
    refuses = () => false;
    expect(await session([numbered(8)])).to.equal(undefined);
    expect(taken.map(({ seq, data }) => [seq, (data as GapInfo | undefined)?.count])).to.deep.equal([
      [7, 8],
      [8, undefined],
    ]);
    expect(await session([])).to.equal(undefined);
    expect(taken).to.have.length(2);
  });
});
