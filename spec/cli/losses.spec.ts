import { expect } from 'chai';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeLine } from '../../lib/codecs/json.js';
import type { AuditRecord } from '../../lib/schema/record.js';
import { runCommand } from '../support/runCommand.js';
import { sampleRecord } from '../support/sampleRecords.js';
import { temporaryFolder } from '../support/temporaryFolder.js';
import { writeSealedSampleLog } from '../support/sealedSampleLog.js';

const at = (minute: number, second = 0) =>
  `2026-01-15T10:${String(minute).padStart(2, '0')}:${String(second).padStart(2, '0')}.000Z`;
const WINDOW = ['--since', at(0), '--until', at(5)];

/** The answer as programs get it. */
interface Answer {
  readonly answer: string;
  readonly whole_time: boolean;
  readonly records: number;
  readonly lost: number;
  readonly in_holes: number;
  readonly in_gaps: number;
  readonly unknown_outcomes: number;
  readonly seal: string;
  readonly sentence: string;
}

describe('query --gaps: was anything lost between 10:00 and 10:05?', () => {
  let folder: ReturnType<typeof temporaryFolder>;
  let log: string;
  beforeEach(() => {
    folder = temporaryFolder();
    log = join(folder.path, 'audit.jsonl');
  });
  afterEach(() => folder.remove());

  /** A record a minute from 9:50 on, with `seq` from 0; what `lose` names is not written. */
  function write({
    lose = [],
    more = [],
    last = 20,
  }: { lose?: number[]; more?: AuditRecord[]; last?: number } = {}) {
    const records = Array.from({ length: last }, (_, seq) =>
      sampleRecord(seq, { time: new Date(Date.parse('2026-01-15T09:50:00Z') + seq * 60_000).toISOString() }),
    ).filter(({ seq }) => !lose.includes(seq));
    const all = [...records, ...more].sort((a, b) => a.seq - b.seq);
    writeFileSync(log, all.map((record) => `${encodeLine(record)}\n`).join(''));
  }

  async function ask(...args: string[]): Promise<{ code: number; answer: Answer; said: string }> {
    const { code, err } = await runCommand(['query', '--gaps', '--json', ...args, log]);
    const said = await runCommand(['query', '--gaps', ...args, log]);
    return { code, answer: JSON.parse(err.trimEnd().split('\n').at(-1)!) as Answer, said: said.err };
  }

  it('says that nothing was lost, by how many records, and how far that is certain', async () => {
    write();
    const { code, answer, said } = await ask(...WINDOW);
    expect(code).to.equal(0);
    expect(answer).to.include({
      answer: 'nothing lost',
      whole_time: true,
      records: 5,
      lost: 0,
      seal: 'unsealed',
    });
    expect(said).to.equal(
      `${log}: nothing was lost between ${at(0)} and ${at(5)}, as far as its 5 records of that time can tell; the log is not sealed, so that lines can have been removed and the others numbered anew\n`,
    );
  });

  it('keeps to the window, by the times of the records beside the hole', async () => {
    write({ lose: [5, 12, 13, 18] });
    const { code, answer, said } = await ask(...WINDOW);
    expect([code, answer.lost, answer.in_holes]).to.deep.equal([1, 2, 2]);
    expect(said).to.include(
      `2 records missing before this one: seq 12 to 13, between ${at(1)} and ${at(4)}\n`,
    );
    expect(said).not.to.include('seq 5').and.not.to.include('seq 18');
    expect(said).to.include(`2 records were lost between ${at(0)} and ${at(5)} (2 in 1 hole of the order)`);
    expect((await ask('--since', at(6), '--until', at(7))).answer.lost).to.equal(0);
    expect((await ask()).answer.lost).to.equal(4);
  });

  it('counts a hole whose neighbours lie on both sides of the window, and none where no record lies', async () => {
    write({ lose: [11, 12, 13] });
    const { answer } = await ask('--since', at(2), '--until', at(3));
    expect(answer).to.include({ answer: 'lost', lost: 3, records: 0 });
    write();
    const { said } = await ask('--since', at(2, 10), '--until', at(2, 50));
    expect(said).to.include(`no record lies between ${at(2, 10)} and ${at(2, 50)}, and none is missing; `);
  });

  it('knows a loss by the time that its gap record tells, and counts it once', async () => {
    const gap = sampleRecord(13, {
      time: at(9),
      event_type: 'EVENT_CONFIG_CHANGE',
      resource: 'audit/gap',
      data: { count: 3, first_time: at(1), last_time: at(3), cause: 'queue_full' },
    });
    write({ lose: [11, 12, 13], more: [gap] });
    const { code, answer, said } = await ask(...WINDOW);
    expect(code).to.equal(1);
    expect(answer).to.include({ answer: 'lost', lost: 3, in_holes: 0, in_gaps: 3 });
    expect(said).to.include('; the gap record here tells of them');
    expect((await ask('--since', at(8))).answer).to.include({ in_gaps: 0, in_holes: 0 });
  });

  it('takes what was lost while a long call was under way for lost then', async () => {
    const long = sampleRecord(12, { time: at(2), duration_ms: 600_000 });
    write({ last: 11, more: [long] });
    expect((await ask('--since', at(11), '--until', at(12))).answer.lost).to.equal(1);
    expect((await ask('--since', at(13))).answer.lost).to.equal(0);
  });

  it('says where the log begins and ends within the time that was asked for', async () => {
    write({ lose: Array.from({ length: 12 }, (_, seq) => seq), last: 14 });
    const { code, answer, said } = await ask(...WINDOW);
    expect([code, answer.answer, answer.whole_time]).to.deep.equal([0, 'nothing lost', false]);
    expect(said).to.include(`it begins at ${at(2)} with seq 12, and cannot tell of what was before`);
    expect(said).to.include(`it ends at ${at(3)} without audit/stop, and cannot tell of what came after`);
    write({ last: 12, more: [sampleRecord(12, { time: at(2), resource: 'audit/stop' })] });
    expect((await ask(...WINDOW)).answer).to.include({ answer: 'nothing lost', whole_time: true });
  });

  it('counts for each counter, where several processes write one log', async () => {
    const of = (log_id: string, seq: number, minute: number) =>
      sampleRecord(seq, { time: at(minute), log_id, log_epoch: 0 });
    const lines = [of('a', 0, 0), of('b', 0, 1), of('a', 1, 2), of('b', 2, 3), of('a', 2, 4)];
    writeFileSync(log, lines.map((record) => `${encodeLine(record)}\n`).join(''));
    const { answer, said } = await ask(...WINDOW);
    expect(answer.lost).to.equal(1);
    expect(said).to.include(`1 record missing before this one: seq 1, between ${at(1)} and ${at(3)}\n`);
  });

  it('is as certain as the seal: sealed, or verified', async () => {
    const vkey = await writeSealedSampleLog(log, { records: 200 });
    expect((await ask()).answer).to.include({ answer: 'nothing lost', seal: 'sealed' });
    const { answer, said } = await ask('--vkey', vkey);
    expect(answer.seal).to.equal('intact');
    expect(said).to.include('the log was verified: intact');
  });

  it('gives no answer where a limit ended the reading', async () => {
    const unknown = sampleRecord(20, { time: at(10), error: { type: 'unknown_outcome' } });
    write({ more: [unknown, sampleRecord(22, { time: at(11), error: { type: 'unknown_outcome' } })] });
    const { err } = await runCommand(['query', '--gaps', '-n', '1', log]);
    expect(err).not.to.include('as far as');
    expect((await ask()).answer.unknown_outcomes).to.equal(2);
  });
});
