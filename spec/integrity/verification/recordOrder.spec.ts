import { expect } from 'chai';
import { OrderCheck, seqOf } from '../../../lib/integrity/verification/lineChecks.js';
import { recordLine } from '../../support/sealedLog.js';

const ID = '01970000-0000-7000-8000-000000000001';

/** What is read of a line that stands among others. */
function read(line: string): number | undefined {
  const before = 'the line before\n';
  const data = Buffer.from(`${before}${line}\n99}`);
  return seqOf(data, before.length, before.length + Buffer.byteLength(line));
}

describe('integrity: the seq of a line', () => {
  it('is read where the codec writes it', () => {
    for (const seq of [0, 1, 9, 10, 1234567890, Number.MAX_SAFE_INTEGER])
      expect(read(recordLine(seq).toString())).to.equal(seq);
  });

  for (const [what, line, seq] of [
    ['stands at the end', `{"record_id":"${ID}","seq":12}`, 12],
    ['has a line behind it that is no JSON', `{"record_id":"${ID}","seq":12,not parsed}`, 12],
    ['is written with an exponent', `{"record_id":"${ID}","seq":12e1}`, 120],
    ['is written with an exponent, and more follows', `{"record_id":"${ID}","seq":12e1,"time":"x"}`, 120],
    ['has a number of another name before it', `{"record_id":"${ID}","sec":5,"seq":12}`, 12],
    ['stands elsewhere', `{"time":"now","seq":12,"record_id":"${ID}"}`, 12],
    ['follows an id of another length', '{"record_id":"x","seq":12}', 12],
    ['follows a space', `{"record_id":"${ID}", "seq":12}`, 12],
    ['is the largest there is', `{"record_id":"${ID}","seq":9007199254740991}`, 9007199254740991],
  ] as const) {
    it(`is read where it ${what}`, () => expect(read(line)).to.equal(seq));
  }

  for (const [what, line] of [
    ['is empty', ''],
    ['is text', 'Error: printed by somebody'],
    ['lacks its first brace', `"record_id":"${ID}","seq":12}`],
    ['lacks its last brace', `{"record_id":"${ID}","seq":12`],
    ['is cut off within the seq', `{"record_id":"${ID}","seq":`],
    ['is cut off behind the seq', `{"record_id":"${ID}","seq":12,"time":"x"`],
    ['starts with another bracket', `["record_id":"${ID}","seq":12,"time":"x"}`],
    ['has a fraction where the seq usually is', `{"record_id":"${ID}","seq":1.5,"time":"x"}`],
    ['is a list', `[{"record_id":"${ID}","seq":12}]`],
    ['only looks like an object', '{12}'],
    ['has no seq', `{"record_id":"${ID}"}`],
    ['has no record_id', '{"seq":12}'],
    ['has a record_id that is no text', '{"record_id":7,"seq":12}'],
    ['has a seq of no digits', `{"record_id":"${ID}","seq":}`],
    ['has a seq that is text', `{"record_id":"${ID}","seq":"12"}`],
    ['has a seq that is no whole number', `{"record_id":"${ID}","seq":-}`],
    ['has a seq with a fraction', `{"record_id":"x","seq":1.5}`],
    ['has a seq beyond the safe integers', `{"record_id":"${ID}","seq":9007199254740993}`],
  ] as const) {
    it(`is not there when the line ${what}`, () => expect(read(line)).to.equal(undefined));
  }
});

describe('integrity: the seq of a short line', () => {
  it('is not read from the line that follows', () => {
    const data = Buffer.from(`{}\n${'x'.repeat(47)}","seq":7,}`);
    expect(data.indexOf('","seq":')).to.equal(recordLine(0).indexOf('","seq":'));
    expect(seqOf(data, 0, 2)).to.equal(undefined);
  });
});

describe('integrity: the order of records', () => {
  const follow = (...seqs: number[]) => {
    const order = new OrderCheck();
    return { order, follows: seqs.map((seq, index) => order.follows(seq, index)) };
  };

  it('may start anywhere, and has to rise', () => {
    expect(follow(7, 8, 8, 7, 9, 3, 10).follows).to.deep.equal([true, true, false, false, true, false, true]);
    expect(follow(7, 8, 8, 7, 9, 3, 10).order.summary()).to.deep.equal([]);
  });

  it('tells which seq are not there', () => {
    const { order, follows } = follow(1, 3, 7, 8);
    expect(follows).to.deep.equal([true, true, true, true]);
    const [one, several, ...more] = order.summary();
    expect(one).to.match(/^seq 2 is not .*\(before index 1\)/);
    expect(several).to.match(/^seq 4 to 6 are not .*\(before index 2\)/);
    expect(more).to.deep.equal([]);
  });

  it('tells five holes apart, and counts them where there are more', () => {
    expect(follow(0, 2, 4, 6, 8, 10).order.summary()).to.have.length(5);
    const six = follow(0, 2, 4, 6, 8, 10, 14).order.summary();
    expect(six).to.have.length(6);
    expect(six[5]).to.match(/^6 such holes .* 8 records$/);
    expect(six.join()).to.not.contain('seq 11');
  });
});
