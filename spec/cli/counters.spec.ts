import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'chai';
import fc from 'fast-check';
import { SequenceCheck } from '../../lib/cli/input/sequence.js';
import { encodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord, LogCounter } from '../../lib/schema/record.js';
import { runCli } from '../support/builtCli.js';
import { sampleLog } from '../support/sampleLog.js';
import { temporaryFolder } from '../support/temporaryFolder.js';

const A = { log_id: 'log-a', log_epoch: 0 };
const B = { log_id: 'log-b', log_epoch: 0 };
const later = (counter: LogCounter): LogCounter => ({ ...counter, log_epoch: counter.log_epoch + 1 });

/** What a check finds in the numbers of a log, each with who gave it. */
function found(...numbers: readonly (readonly [seq: number, counter?: LogCounter])[]): string[] {
  const check = new SequenceCheck();
  return numbers.flatMap(([seq, counter]) => {
    const finding = check.see(seq, counter);
    return finding ? [`${finding.kind} ${finding.from}+${finding.count} ${finding.counter?.log_id}`] : [];
  });
}

describe('losses, counted for each counter', () => {
  it('are the holes of each, where the records of several stand between each other', () => {
    expect(found([0, A], [0, B], [1, A], [1, B], [2, A], [2, B])).to.deep.equal([]);
    expect(found([0, A], [0, B], [1, A], [4, B], [2, A], [5, B])).to.deep.equal(['hole 1+3 log-b']);
  });

  it('are those between two processes that continue one log too', () => {
    expect(found([7, A], [8, A], [9, later(A)])).to.deep.equal([]);
    expect(found([7, A], [8, A], [11, later(A)])).to.deep.equal(['hole 9+2 log-a']);
  });

  it('are none where a process sent more elsewhere than it wrote to the log that the next one continues', () => {
    expect(found([8, A], [9, A], [9, later(A)], [10, later(A)])).to.deep.equal([]);
  });

  it('are none where a log that named no counter is continued by one that does', () => {
    expect(found([0], [1], [2, A], [3, A])).to.deep.equal([]);
    expect(found([0], [1], [5, A])).to.deep.equal(['hole 2+3 log-a']);
    expect(found([0], [1], [0, A], [1, A])).to.deep.equal([]);
  });

  it('are told as before where no record names a counter', () => {
    expect(found([0], [1], [4])).to.deep.equal(['hole 2+2 undefined']);
    expect(found([0], [1], [0], [1])).to.deep.equal(['restart 0+0 undefined']);
    expect(found([0], [1], [1])).to.deep.equal(['repeat 1+0 undefined']);
  });

  it('are exactly the records that were left out, however processes take turns', () => {
    const turns = fc.array(fc.tuple(fc.constantFrom(A, B, later(A), later(B)), fc.boolean()), {
      maxLength: 60,
    });
    fc.assert(
      fc.property(turns, (steps) => {
        const check = new SequenceCheck();
        const next = new Map<LogCounter['log_id'], number>();
        let epochs: Record<string, number> = {};
        const pending = new Map<string, number>();
        let [lost, counted] = [0, 0];
        for (const [counter, isLost] of steps) {
          // Epochs of one log do not go back.
          const epoch = Math.max(epochs[counter.log_id] ?? 0, counter.log_epoch);
          epochs = { ...epochs, [counter.log_id]: epoch };
          const seq = next.get(counter.log_id) ?? 0;
          next.set(counter.log_id, seq + 1);
          if (isLost && seq > 0) pending.set(counter.log_id, (pending.get(counter.log_id) ?? 0) + 1);
          else {
            lost += pending.get(counter.log_id) ?? 0;
            pending.delete(counter.log_id);
            counted += check.see(seq, { log_id: counter.log_id, log_epoch: epoch })?.count ?? 0;
          }
        }
        expect(counted).to.equal(lost);
      }),
    );
  });
});

describe('query --gaps over the records of several processes', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  before(() => (folder = temporaryFolder()));
  after(() => folder.remove());

  /** The records of two processes in one file, as a collector writes them; a few of the second one's are missing. */
  function collected(name: string, counted: boolean): string {
    const logs = [0, 1].map((process) =>
      [...sampleLog({ records: 300, process })].map((record): AuditRecord =>
        counted ? { ...record, log_id: `log-${process}`, log_epoch: 0 } : record,
      ),
    );
    const lines = logs[0]!.flatMap((record, index) => [record, logs[1]![index]!]);
    const kept = lines.filter(({ component, seq }) => component !== 'agent-1' || seq < 100 || seq > 104);
    const path = join(folder.path, name);
    writeFileSync(path, kept.map((record) => `${encodeLine(record)}\n`).join(''));
    return path;
  }

  it('finds the lost ones and nothing else, also in lines that it need not decode', async () => {
    const path = collected('counted.jsonl', true);
    for (const args of [['--gaps'], ['--gaps', '--count'], ['--gaps', '--tool', 'refund', '--count']]) {
      const { code, stderr } = await runCli(['query', ...args, path]);
      expect(code).to.equal(1);
      // The place, and the answer.
      expect(stderr.trim().split('\n'), args.join(' ')).to.have.length(2);
      expect(stderr).to.include('5 records missing before this one: seq 100 to 104');
      expect(stderr).to.include('5 records were lost in this log (5 in 1 hole of the order)');
    }
  });

  it('cannot tell them apart in records that name no counter', async () => {
    const { stderr } = await runCli(['query', '--gaps', '--count', collected('uncounted.jsonl', false)]);
    expect(stderr.trim().split('\n').length).to.be.above(100);
  });
});
